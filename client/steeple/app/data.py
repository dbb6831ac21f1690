"""All that the app keeps on a device, in one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from steeple.app.database import Database
from steeple.app.files import ASIDE
from steeple.app.history import History, HistoryEntry
from steeple.app.pack_shelf import PackShelf
from steeple.app.proposals import Proposals
from steeple.app.secrets import SecretStore, ServerKeys, open_secrets
from steeple.app.settings import SettingsFile
from steeple.app.waiting import Waiting
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError

SETTINGS: Final = "settings.json"
SECRETS: Final = "secrets.json"
DATABASE: Final = "app.db"
PACKS: Final = "packs"


@dataclass(frozen=True)
class AppData:
    """What the app keeps. Use it in a ``with`` block, or call :meth:`close`.

    All of it may be used from any thread. Calls that write wait for the disk; they belong on worker threads.

    Attributes:
        folder: Where all of it lies.
        settings: What the person chose.
        secrets: Where keys are.
        keys: The keys of servers.
        history: Answers.
        waiting: Queries that are answered later.
        packs: Offline packs.
        proposals: What is on its way to the server.
        problems: What was found damaged and set aside, for the person; empty if nothing.
    """

    folder: Path
    settings: SettingsFile
    secrets: SecretStore
    keys: ServerKeys
    history: History
    waiting: Waiting
    packs: PackShelf
    proposals: Proposals
    problems: tuple[str, ...]
    _database: Database = field(repr=False)

    @staticmethod
    def open(folder: Path, *, secrets: SecretStore | None = None, release: ModelRelease | None = None) -> AppData:
        """Opens the folder, and makes it if need be.

        Args:
            folder: Where the app keeps its data.
            secrets: Of the platform, such as Android's Keystore; None: the keychain of this computer, or a file.
            release: Model release that queries are extracted with; None: the default.

        Raises:
            FailedPreconditionError: If the folder cannot be used, or was used by a newer version of the app.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FailedPreconditionError(
                f"{folder} cannot be used for the app's data ({error.strerror}); choose another folder"
            ) from error
        settings = SettingsFile(folder / SETTINGS)
        packs = PackShelf(folder / PACKS, ModelRelease.load() if release is None else release)
        secrets = open_secrets(folder / SECRETS) if secrets is None else secrets
        database = Database(folder / DATABASE)
        problems = settings.problems
        if database.set_aside is not None:
            problems += (
                f"what the app had kept was damaged and is set aside as {database.set_aside.name}; history and waiting "
                f"photos begin anew, with {database.saved_rows} entries of before",
            )
        history = History(database)
        return AppData(
            folder=folder,
            settings=settings,
            secrets=secrets,
            keys=ServerKeys(secrets),
            history=history,
            waiting=Waiting(database, history),
            packs=packs,
            proposals=Proposals(database),
            problems=problems,
            _database=database,
        )

    def remember(self, entry: HistoryEntry) -> int | None:
        """Keeps an answer, if the settings say that answers are kept.

        Returns:
            Its number in the history; None if it is not kept.
        """
        return self.history.add(entry) if self.settings.current.keep_history else None

    def erase(self) -> None:
        """Forgets everything: keys, history, what waits, packs, settings, and damaged files that were set aside.

        Raises:
            FailedPreconditionError: If something cannot be deleted.
        """
        self.keys.clear()
        self.history.clear()
        self.waiting.clear()
        self.proposals.clear()
        self.packs.clear()
        self.settings.reset()
        for path in self.folder.glob(f"*{ASIDE}*"):
            path.unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Closes all files; later calls raise."""
        self.packs.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
