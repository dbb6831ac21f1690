"""What the app asks of Android, as an interface: pyjnius on a phone, stand-ins in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

_T = TypeVar("_T")

Java: TypeAlias = Any
"""A Java class or object; Java's types are Java's."""

Methods: TypeAlias = Mapping[tuple[str, str], Callable[..., Any]]
"""What implements a Java interface: by name and JNI signature, as Java has methods of one name."""

REQUEST_PHOTO = 0x57EE  # of an activity's result; any number below 65536 that nobody else uses


class Bridge(Protocol):
    """The way to Java.

    Python's threads must not end while they are attached to Java, and those of others know the system's classes only.
    So whatever calls Java is given to :meth:`run` or :meth:`post`, but for what Java itself has called.
    """

    @property
    def sdk(self) -> int:
        """Version of Android's API, such as 34."""

    @property
    def error(self) -> type[Exception]:
        """What a Java exception is in Python."""

    @property
    def activity(self) -> Java:
        """The app's, ``android.app.Activity``."""

    def java(self, name: str) -> Java:
        """A class of the system by its name, such as ``android.os.Build$VERSION``."""

    def cast(self, name: str, thing: Java) -> Java:
        """An object as one of a class that it extends."""

    def implement(self, interface: str, methods: Methods) -> Java:
        """An object of a Java interface (``android.location.LocationListener``); whoever needs it must keep it."""

    def data(self, array: Java) -> bytes:
        """A copy of a Java ``byte[]``."""

    def run(self, function: Callable[[], _T]) -> _T:
        """Calls a function on the thread for Java and waits for it; at once if this is that thread."""

    def post(self, function: Callable[[], object]) -> None:
        """Calls a function on the thread for Java, some time soon; what it raises goes to the log."""

    def post_to_window(self, function: Callable[[], object]) -> None:
        """Calls a function on the thread that owns Android's windows, some time soon."""

    def has_permission(self, name: str) -> bool:
        """Whether a permission (``android.permission.CAMERA``) is granted."""

    def request_permissions(self, names: Sequence[str], on_answer: Callable[[], None]) -> None:
        """Shows the system's question; ``on_answer`` is called when it was answered."""

    def on_new_intent(self, function: Callable[[Java], None]) -> None:
        """Gives the intents with which the running app is called up."""

    def on_activity_result(self, function: Callable[[int, int, Java], None]) -> None:
        """Gives the results of activities: number of the request, result code, intent or None."""
