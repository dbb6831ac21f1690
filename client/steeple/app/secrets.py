"""Where the keys of servers are kept: the platform's secure storage, or a file that only this user can read."""

from __future__ import annotations

import importlib
import json
import threading
from pathlib import Path
from typing import Final, Protocol

from steeple.app.files import replace_file, set_aside
from steeple.errors import FailedPreconditionError

SERVICE: Final = "steeple"
"""What the secrets are filed under in the platform's storage."""

_KEYS: Final = "keys"
_RECOMMENDED: Final = 1  # keyring's priority from which a backend is safe and works here


class SecretStore(Protocol):
    """Keeps secrets by name. All methods may be called from any thread, and may take a while."""

    @property
    def place(self) -> str:
        """Where secrets are kept, for the person, such as "the keychain of this computer"."""
        ...

    @property
    def encrypted(self) -> bool:
        """Whether somebody who can read this device's files still cannot read the secrets."""
        ...

    def get(self, name: str) -> str | None:
        """The secret of a name; None if there is none.

        Raises:
            FailedPreconditionError: If the store cannot be read, such as one that is locked.
        """

    def set(self, name: str, value: str) -> None:
        """Keeps a secret in the place of that of the same name.

        Raises:
            FailedPreconditionError: If the store cannot be written.
        """

    def delete(self, name: str) -> None:
        """Forgets a secret; no error if there is none.

        Raises:
            FailedPreconditionError: If the store cannot be written.
        """


class ServerKeys:
    """The keys of servers. Each server has its own, so that none is ever sent to another. Thread safe.

    Methods raise FailedPreconditionError if the store cannot be read or written.

    Args:
        secrets: Keeps them, all as one secret.
    """

    def __init__(self, secrets: SecretStore) -> None:
        self._secrets = secrets
        self._lock = threading.Lock()

    def get(self, server: str) -> str | None:
        """The key of a server, ``host:port``; None if there is none."""
        with self._lock:
            return self._all().get(_same(server))

    def set(self, server: str, key: str) -> None:
        """Keeps a key, ``stp_...``, in the place of that of the same server; an empty one is forgotten.

        Keys that the store cannot read any more, such as those of another phone that were restored to this one, go.
        """
        with self._lock:
            try:
                keys = self._all()
            except FailedPreconditionError:
                keys = {}  # a store that is only locked does not take the new one either
            keys.pop(_same(server), None)
            self._keep(keys | ({_same(server): key.strip()} if key.strip() else {}))

    def delete(self, server: str) -> None:
        """Forgets the key of a server; no error if there is none."""
        self.set(server, "")

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._secrets.delete(_KEYS)

    def _keep(self, keys: dict[str, str]) -> None:
        if keys:
            self._secrets.set(_KEYS, json.dumps(keys))
        else:
            self._secrets.delete(_KEYS)

    def _all(self) -> dict[str, str]:
        return _keys_of(self._secrets.get(_KEYS))


def _keys_of(secret: str | None) -> dict[str, str]:
    try:
        keys = json.loads(secret or "{}")
    except ValueError:
        return {}
    return {server: key for server, key in keys.items() if isinstance(key, str)} if isinstance(keys, dict) else {}


def _same(server: str) -> str:
    return server.strip().lower()


class Keyring(Protocol):
    """What is used of a backend of the ``keyring`` package."""

    def get_password(self, service: str, username: str) -> str | None:
        """The secret; None if there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keeps it."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forgets it."""
        ...


class KeyringSecrets:
    """Keeps secrets in a keychain or Secret Service, and falls back on nothing.

    Args:
        keyring: A backend of the ``keyring`` package.
    """

    encrypted: Final = True

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.place: Final = f"the keychain of this computer ({getattr(keyring, 'name', type(keyring).__name__)})"

    def get(self, name: str) -> str | None:
        """See :class:`SecretStore`."""
        try:
            return self._keyring.get_password(SERVICE, name)
        except Exception as error:
            raise self._failed("read", error) from error

    def set(self, name: str, value: str) -> None:
        """See :class:`SecretStore`."""
        try:
            self._keyring.set_password(SERVICE, name, value)
        except Exception as error:
            raise self._failed("written", error) from error

    def delete(self, name: str) -> None:
        """See :class:`SecretStore`."""
        try:
            if self._keyring.get_password(SERVICE, name) is not None:
                self._keyring.delete_password(SERVICE, name)
        except Exception as error:
            raise self._failed("written", error) from error

    def _failed(self, what: str, error: Exception) -> FailedPreconditionError:
        # Backends raise whatever the system's libraries do. The name of the class says enough and holds no secret.
        return FailedPreconditionError(
            f"{self.place} cannot be {what} ({type(error).__name__}); unlock it, and try again"
        )


class FileSecrets:
    """Keeps secrets in a JSON file of mode 0600. Thread safe.

    Args:
        path: Of the file, which need not be there.
    """

    encrypted: Final = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.place: Final = f"a file that only you can read ({path})"

    def get(self, name: str) -> str | None:
        """See :class:`SecretStore`."""
        with self._lock:
            return self._read().get(name)

    def set(self, name: str, value: str) -> None:
        """See :class:`SecretStore`."""
        with self._lock:
            self._write(self._read() | {name: value})

    def delete(self, name: str) -> None:
        """See :class:`SecretStore`."""
        with self._lock:
            secrets = self._read()
            if secrets.pop(name, None) is not None:
                self._write(secrets)

    def names(self) -> tuple[str, ...]:
        """Names of all secrets that it has."""
        with self._lock:
            return tuple(self._read())

    def _write(self, secrets: dict[str, str]) -> None:
        replace_file(self._path, json.dumps(secrets).encode(), mode=0o600)

    def _read(self) -> dict[str, str]:
        try:
            stored = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise FailedPreconditionError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except ValueError:
            stored = None
        if not isinstance(stored, dict):
            set_aside(self._path)
            return {}
        return {name: value for name, value in stored.items() if isinstance(value, str)}


def open_secrets(path: Path) -> SecretStore:
    """The best store of this computer.

    Args:
        path: Of the file that is taken where there is no keychain.

    Returns:
        The keychain, if the ``keyring`` package is installed and recommends one; else the file. What an earlier run
        left in the file moves to the keychain.
    """
    file, backend = FileSecrets(path), _backend()
    return file if backend is None else moved(file, KeyringSecrets(backend))


def moved(file: FileSecrets, store: SecretStore) -> SecretStore:
    """``store``, with all that a file had; or the file, if the store fails."""
    try:
        for name in file.names():
            secret = file.get(name) or ""
            if name == _KEYS:  # of some servers, entered while the store failed; it may have those of others
                secret = json.dumps(_keys_of(store.get(name)) | _keys_of(secret))
            store.set(name, secret)
            if store.get(name) != secret:
                return file
        store.get(_KEYS)
    except FailedPreconditionError:
        return file
    for name in file.names():
        file.delete(name)
    return store


def _backend() -> Keyring | None:
    try:
        backend = importlib.import_module("keyring").get_keyring()
        # A chain of backends has the priority of none of them, and may end in one that writes plain text.
        backends = getattr(backend, "backends", [backend])
        return next((each for each in backends if each.priority >= _RECOMMENDED), None)
    except Exception:  # not installed, or its backends fail in ways of their own
        return None
