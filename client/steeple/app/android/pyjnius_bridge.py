"""The bridge to Java, by pyjnius and the ``android`` package of python-for-android."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jnius
from android import activity as android_activity
from android import permissions as android_permissions

from steeple.app.android.bridge import Java, Methods

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ACTIVITY = "org.kivy.android.PythonActivity"
_HANDLER = "org.jnius.NativeInvocationHandler"


class PyjniusBridge:
    """See :class:`steeple.app.android.bridge.Bridge`. To be made on Python's main thread.

    That thread was made by the app's own classes, so that it finds them; pyjnius keeps what was found.
    """

    def __init__(self) -> None:
        self.activity: Java = jnius.autoclass(_ACTIVITY).mActivity
        jnius.autoclass(_HANDLER)  # which objects of Java interfaces need, whatever thread makes them
        self.sdk = int(jnius.autoclass("android.os.Build$VERSION").SDK_INT)
        self.error: type[Exception] = jnius.JavaException
        self._kept: set[Java] = set()
        self._thread = ThreadPoolExecutor(1, "java")  # never ends, so it need not detach itself
        self._number = self._thread.submit(threading.get_ident).result()

    def java(self, name: str) -> Java:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        return jnius.autoclass(name)

    def cast(self, name: str, thing: Java) -> Java:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        return jnius.cast(name, thing)

    def implement(self, interface: str, methods: Methods) -> Java:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        return _implementation(interface, methods)()

    def data(self, array: Java) -> bytes:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        # pyjnius has a type of its own for byte[], and lists of signed numbers where it was converted further.
        if hasattr(array, "tostring"):
            return bytes(array.tostring())
        return bytes(value & 0xFF for value in array)

    def run(self, function: Callable[[], _T]) -> _T:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        if threading.get_ident() == self._number:
            return function()
        return self._thread.submit(function).result()

    def post(self, function: Callable[[], object]) -> None:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        self._thread.submit(_logged(function))

    def post_to_window(self, function: Callable[[], object]) -> None:
        """See :class:`steeple.app.android.bridge.Bridge`."""

        def call() -> None:
            self._kept.discard(runnable)
            _logged(function)()

        def post() -> None:
            self.activity.runOnUiThread(runnable)

        runnable = self.implement("java.lang.Runnable", {("run", "()V"): call})
        self._kept.add(runnable)  # until it has run
        self.post(post)

    def has_permission(self, name: str) -> bool:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        return bool(android_permissions.check_permission(name))

    def request_permissions(self, names: Sequence[str], on_answer: Callable[[], None]) -> None:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        # What is told the answer is of a class of the app's, which only threads of Java find.
        self.post_to_window(
            lambda: android_permissions.request_permissions(list(names), lambda _names, _grants: on_answer())
        )

    def on_new_intent(self, function: Callable[[Java], None]) -> None:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        android_activity.bind(on_new_intent=function)

    def on_activity_result(self, function: Callable[[int, int, Java], None]) -> None:
        """See :class:`steeple.app.android.bridge.Bridge`."""
        android_activity.bind(on_activity_result=function)


def _implementation(interface: str, methods: Methods) -> type[Any]:
    """A class for one object: pyjnius finds a Java method by what its decorator has noted at the class."""
    members: dict[str, Any] = {
        "__javainterfaces__": [interface.replace(".", "/")],
        "__javacontext__": "system",
    }
    for number, ((name, signature), function) in enumerate(methods.items()):
        members[f"_{number}_{name}"] = jnius.java_method(signature, name=name)(_method(function))
    return type("Implementation", (jnius.PythonJavaClass,), members)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(_self: object, *arguments: Java) -> Java:
        return function(*arguments)

    return method


def _logged(function: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        try:
            function()
        except Exception:
            _log.exception("a call of Android's failed")

    return call
