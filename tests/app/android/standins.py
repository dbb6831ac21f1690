"""Stand-ins for what Android has and a desktop lacks: Java's classes, in Python, behind the app's bridge to them.

What they do is what Android's documentation says; that a phone does so, and that pyjnius finds the methods of these
names, they cannot show.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from steeple.app.android.bridge import Java, Methods

_T = TypeVar("_T")


class JavaError(Exception):
    """A Java exception."""


class JavaList:
    """``java.util.List``."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = list(items)

    def size(self) -> int:
        return len(self._items)

    def get(self, number: int) -> Any:
        return self._items[number]


class Intent:
    """``android.content.Intent``."""

    def __init__(self, action: str = "", uri: Any = None) -> None:
        self.action = action
        self.data = uri
        self.type = ""
        self.extras: dict[str, Any] = {}

    def getAction(self) -> str:
        return self.action

    def getData(self) -> Any:
        return self.data

    def setData(self, uri: Any) -> None:
        self.data = uri

    def setType(self, kind: str) -> None:
        self.type = kind

    def addCategory(self, _category: str) -> None:
        pass

    def putExtra(self, name: str, value: Any) -> None:
        self.extras[name] = value

    def getParcelableExtra(self, name: str) -> Any:
        return self.extras.get(name)

    def removeExtra(self, name: str) -> None:
        self.extras.pop(name, None)

    @staticmethod
    def createChooser(intent: Intent, title: str) -> Intent:
        chooser = Intent("android.intent.action.CHOOSER")
        chooser.extras = {"intent": intent, "title": title}
        return chooser


class Activity:
    """The app's activity with the services of the system that it gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.intent = Intent("android.intent.action.MAIN")
        self.started: list[Intent] = []
        self.requests: list[int] = []
        self.files: dict[str, bytes] = {}
        self.services: dict[str, Any] = {}
        self.rotation = 0
        self.flags = 0
        self.asks_again = True
        self.refuses: Callable[[Intent], bool] = lambda _intent: False
        self.taken: Any = None
        self.configuration = SimpleNamespace(
            uiMode=0x21,
            getLocales=lambda: JavaList([SimpleNamespace(getLanguage=lambda: "ko")]),
        )

    def getFilesDir(self) -> Any:
        return SimpleNamespace(getAbsolutePath=lambda: str(self.folder))

    def getPackageName(self) -> str:
        return "org.steeple.steeple"

    def getIntent(self) -> Intent:
        return self.intent

    def getSystemService(self, name: str) -> Any:
        return self.services[name]

    def getResources(self) -> Any:
        return SimpleNamespace(getConfiguration=lambda: self.configuration)

    def getWindowManager(self) -> Any:
        display = SimpleNamespace(getRotation=lambda: self.rotation)
        return SimpleNamespace(getDefaultDisplay=lambda: display)

    def getWindow(self) -> Any:
        def add(flags: int) -> None:
            self.flags |= flags

        def clear(flags: int) -> None:
            self.flags &= ~flags

        view = SimpleNamespace(getRootWindowInsets=lambda: self.taken)
        return SimpleNamespace(addFlags=add, clearFlags=clear, getDecorView=lambda: view)

    def getContentResolver(self) -> Any:
        return SimpleNamespace(openFileDescriptor=self._open)

    def _open(self, uri: Any, mode: str) -> Any:
        assert mode == "r"
        if str(uri) not in self.files:
            raise JavaError("java.io.FileNotFoundException")
        descriptor, path = tempfile.mkstemp()
        Path(path).unlink()
        os.write(descriptor, self.files[str(uri)])
        os.lseek(descriptor, 0, os.SEEK_SET)
        return SimpleNamespace(detachFd=lambda: descriptor)

    def shouldShowRequestPermissionRationale(self, _name: str) -> bool:
        return self.asks_again

    def startActivity(self, intent: Intent) -> None:
        if self.refuses(intent):
            raise JavaError("android.content.ActivityNotFoundException")
        self.started.append(intent)

    def startActivityForResult(self, intent: Intent, request: int) -> None:
        self.startActivity(intent)
        self.requests.append(request)


class StandIns:
    """A bridge to Java's classes in Python; see :class:`steeple.app.android.bridge.Bridge`.

    Attributes:
        classes: Java's classes by name.
        granted: The permissions that the person has granted.
        answers: What is done when the person is asked; grants nothing to begin with.
    """

    error: type[Exception] = JavaError

    def __init__(self, folder: Path, sdk: int = 34) -> None:
        self.sdk = sdk
        self.activity: Any = Activity(folder)
        self.classes: dict[str, Any] = {
            "android.content.Intent": Intent,
            "android.net.Uri": SimpleNamespace(parse=lambda address: address),
        }
        self.granted: set[str] = set()
        self.asked: list[str] = []
        self.answers: Callable[[Sequence[str]], None] = lambda _names: None
        self.intents: list[Callable[[Java], None]] = []
        self.results: list[Callable[[int, int, Java], None]] = []
        self._thread = ThreadPoolExecutor(1)
        self._number = self._thread.submit(threading.get_ident).result()

    def close(self) -> None:
        self._thread.shutdown()

    def java(self, name: str) -> Any:
        self.on_thread()
        return self.classes[name]

    def cast(self, _name: str, thing: Any) -> Any:
        return thing

    def implement(self, interface: str, methods: Methods) -> Any:
        named: dict[str, Any] = {}
        for (name, _signature), function in methods.items():
            named.setdefault(name, function)
        return SimpleNamespace(interface=interface, methods=dict(methods), **named)

    def data(self, array: Any) -> bytes:
        return bytes(array)

    def run(self, function: Callable[[], _T]) -> _T:
        if threading.get_ident() == self._number:
            return function()
        return self._thread.submit(function).result(30)

    def post(self, function: Callable[[], object]) -> None:
        self._thread.submit(function)

    def post_to_window(self, function: Callable[[], object]) -> None:
        self.post(function)

    def settle(self) -> None:
        """Waits until what was posted is done, and what that has posted."""
        for _ in range(3):
            self._thread.submit(lambda: None).result(30)

    def on_thread(self) -> None:
        """What calls Java does it on the thread for Java."""
        assert threading.get_ident() == self._number

    def has_permission(self, name: str) -> bool:
        self.on_thread()
        return name in self.granted

    def request_permissions(self, names: Sequence[str], on_answer: Callable[[], None]) -> None:
        self.on_thread()
        self.asked += names
        self.answers(names)
        on_answer()

    def on_new_intent(self, function: Callable[[Java], None]) -> None:
        self.intents.append(function)

    def on_activity_result(self, function: Callable[[int, int, Java], None]) -> None:
        self.results.append(function)


class Keystore:
    """Android's Keystore and Java's ciphers: AES-GCM as it is, keys that cannot be read."""

    def __init__(self) -> None:
        self.keys: dict[str, AESGCM] = {}
        self.specifications: list[dict[str, Any]] = []

    def classes(self) -> dict[str, Any]:
        store = SimpleNamespace(
            load=lambda _parameters: None,
            containsAlias=lambda alias: alias in self.keys,
            getKey=lambda alias, _password: self.keys[alias],
        )
        return {
            "java.security.KeyStore": SimpleNamespace(getInstance=lambda _provider: store),
            "javax.crypto.KeyGenerator": SimpleNamespace(getInstance=self._generator),
            "javax.crypto.Cipher": SimpleNamespace(getInstance=lambda _name: _Cipher()),
            "javax.crypto.spec.GCMParameterSpec": lambda bits, vector: (bits, vector),
            "android.security.keystore.KeyGenParameterSpec$Builder": _Specification,
        }

    def _generator(self, algorithm: str, provider: str) -> Any:
        assert (algorithm, provider) == ("AES", "AndroidKeyStore")
        made: list[_Specification] = []

        def generate() -> AESGCM:
            facts = made[-1].facts
            self.specifications.append(facts)
            self.keys[facts["alias"]] = AESGCM(AESGCM.generate_key(facts["size"]))
            return self.keys[facts["alias"]]

        return SimpleNamespace(init=made.append, generateKey=generate)


class _Specification:
    def __init__(self, alias: str, purposes: int) -> None:
        self.facts: dict[str, Any] = {"alias": alias, "purposes": purposes}

    def setBlockModes(self, *modes: str) -> None:
        self.facts["modes"] = modes

    def setEncryptionPaddings(self, *paddings: str) -> None:
        self.facts["paddings"] = paddings

    def setKeySize(self, bits: int) -> None:
        self.facts["size"] = bits

    def build(self) -> _Specification:
        return self


class _Cipher:
    def init(self, mode: int, key: AESGCM, vector: tuple[int, bytes] | None = None) -> None:
        self.mode = mode
        self.key = key
        if mode == 1:
            assert vector is None, "the Keystore makes the vector itself, and refuses one of others"
            self.vector = os.urandom(12)
        else:
            assert vector is not None
            assert vector[0] == 128
            self.vector = vector[1]

    def getIV(self) -> bytes:
        return self.vector

    def updateAAD(self, data: bytes) -> None:
        self.associated = data

    def doFinal(self, data: bytes) -> bytes:
        try:
            work = self.key.encrypt if self.mode == 1 else self.key.decrypt
            return work(self.vector, data, self.associated)
        except InvalidTag as error:
            raise JavaError("javax.crypto.AEADBadTagException") from error
