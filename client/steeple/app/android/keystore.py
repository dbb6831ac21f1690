"""Secrets, encrypted with a key of Android's Keystore that never leaves it."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Final

from steeple.app.android.bridge import Bridge, Java
from steeple.app.files import replace_file, set_aside
from steeple.errors import FailedPreconditionError

_PROVIDER: Final = "AndroidKeyStore"
_ALIAS: Final = "steeple.secrets"
_CIPHER: Final = "AES/GCM/NoPadding"
_IV_BYTES: Final = 12
_TAG_BITS: Final = 128


class KeystoreSecrets:
    """See :class:`steeple.app.secrets.SecretStore`.

    The file holds, for each name, the initialisation vector and what AES-GCM made of the secret with the name as
    associated data, so that nobody can give one server's key to another by swapping them. Both are worthless without
    the phone: the key cannot be read from its Keystore, by this app neither.

    Args:
        bridge: To Android.
        path: Of the file.
    """

    place: Final = "the keystore of this phone"
    encrypted: Final = True

    def __init__(self, bridge: Bridge, path: Path) -> None:
        self._bridge = bridge
        self._path = path
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """See :class:`steeple.app.secrets.SecretStore`."""
        with self._lock:
            packed = self._load().get(name)
            if packed is None:
                return None
            try:
                sealed = base64.b64decode(packed, validate=True)
                return self._bridge.run(lambda: self._opened(name, sealed)).decode()
            except (ValueError, self._bridge.error) as error:
                # Restored to another phone, altered, or made before the screen lock was removed.
                raise FailedPreconditionError(
                    f"the phone's keystore cannot decrypt what was kept ({error}); enter the key again"
                ) from error

    def set(self, name: str, value: str) -> None:
        """See :class:`steeple.app.secrets.SecretStore`."""
        with self._lock:
            try:
                sealed = self._bridge.run(lambda: self._sealed(name, value.encode()))
            except self._bridge.error as error:
                raise FailedPreconditionError(
                    f"the phone's keystore does not encrypt ({error}); set a screen lock, or restart the phone"
                ) from error
            self._save({**self._load(), name: base64.b64encode(sealed).decode()})

    def delete(self, name: str) -> None:
        """See :class:`steeple.app.secrets.SecretStore`."""
        with self._lock:
            secrets = self._load()
            if secrets.pop(name, None) is not None:
                self._save(secrets)

    def _load(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_bytes())
            if isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
                return content
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise FailedPreconditionError(f"{self._path} cannot be read: {error.strerror}") from error
        except ValueError:
            pass
        set_aside(self._path)
        return {}

    def _save(self, secrets: dict[str, str]) -> None:
        replace_file(self._path, json.dumps(secrets).encode())

    def _sealed(self, name: str, secret: bytes) -> bytes:
        cipher = self._bridge.java("javax.crypto.Cipher").getInstance(_CIPHER)
        cipher.init(1, self._key())  # ENCRYPT_MODE
        cipher.updateAAD(name.encode())
        encrypted = self._bridge.data(cipher.doFinal(secret))
        return self._bridge.data(cipher.getIV()) + encrypted

    def _opened(self, name: str, sealed: bytes) -> bytes:
        vector = self._bridge.java("javax.crypto.spec.GCMParameterSpec")(_TAG_BITS, sealed[:_IV_BYTES])
        vector = self._bridge.cast("java.security.spec.AlgorithmParameterSpec", vector)
        cipher = self._bridge.java("javax.crypto.Cipher").getInstance(_CIPHER)
        cipher.init(2, self._key(), vector)  # DECRYPT_MODE
        cipher.updateAAD(name.encode())
        return self._bridge.data(cipher.doFinal(sealed[_IV_BYTES:]))

    def _key(self) -> Java:
        store = self._bridge.java("java.security.KeyStore").getInstance(_PROVIDER)
        store.load(None)
        if store.containsAlias(_ALIAS):
            return self._as_key(store.getKey(_ALIAS, None))
        builder = self._bridge.java("android.security.keystore.KeyGenParameterSpec$Builder")(_ALIAS, 3)  # both ways
        builder.setBlockModes("GCM")
        builder.setEncryptionPaddings("NoPadding")
        builder.setKeySize(256)
        generator = self._bridge.java("javax.crypto.KeyGenerator").getInstance("AES", _PROVIDER)
        generator.init(builder.build())
        return self._as_key(generator.generateKey())

    def _as_key(self, key: Java) -> Java:
        # pyjnius takes the first method of Cipher's that any object fits, unless the class is the argument's own.
        return self._bridge.cast("java.security.Key", key)
