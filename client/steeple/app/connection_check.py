"""What is wrong with the way to a server, and what to do about it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from steeple.app.connection import client_of
from steeple.app.reach import addresses_of, is_this_host, reach, shake_hands, speaks_tls
from steeple.app.settings import AppSettings, host_and_port
from steeple.app.trouble import ConnectionReport, Stage, Step, Trouble, failed
from steeple.client import Client, Model
from steeple.delf.release import ModelRelease
from steeple.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    PermissionDeniedError,
    SteepleError,
    UnauthenticatedError,
    UnavailableError,
)


def check_connection(
    settings: AppSettings,
    key: str | None,
    *,
    release: ModelRelease | None = None,
    timeout: float = 5.0,
    on_step: Callable[[Step], None] = lambda _: None,
) -> ConnectionReport:
    """Looks at the way to the server, step by step, up to the first that fails.

    Args:
        settings: That name the server; they need not be saved.
        key: Of the server; None for none.
        release: Model release that queries are extracted with; None: the default.
        timeout: Seconds for each step.
        on_step: Called with each step when it is done.
    """
    check = _Check(settings, key, ModelRelease.load() if release is None else release, timeout)
    steps: list[Step] = []
    for look in (check.address, check.network, check.encryption, check.server, check.key, check.release):
        step = look()
        steps.append(step)
        on_step(step)
        if not step.passed:
            break
    return ConnectionReport(tuple(steps), check.round_trip_ms)


@dataclass
class _Check:
    settings: AppSettings
    given_key: str | None
    our_release: ModelRelease
    timeout: float
    host: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    refusal: SteepleError | None = None
    round_trip_ms: float | None = None

    def address(self) -> Step:
        if not self.settings.server:
            return failed(Stage.ADDRESS, Trouble.NO_SERVER, "no server is set")
        try:
            self.host, self.port = host_and_port(self.settings.server)
        except InvalidArgumentError as error:  # settings are checked; this is for those that may change
            return failed(Stage.ADDRESS, Trouble.BAD_ADDRESS, error.message)
        try:
            self.addresses = addresses_of(self.host, self.port, self.timeout)
        except socket.gaierror as error:
            # Without a network, no name is known; the system says "again" then.
            away = error.errno == socket.EAI_AGAIN
            return failed(
                Stage.ADDRESS, Trouble.NO_NETWORK if away else Trouble.NAME_UNKNOWN, f"{self.host}: {error.strerror}"
            )
        except TimeoutError:
            return failed(Stage.ADDRESS, Trouble.NO_NETWORK, f"nobody said where {self.host} is")
        return Step(Stage.ADDRESS, True, f"{self.host} is {', '.join(self.addresses)}")

    def network(self) -> Step:
        place = f"{self.host}, port {self.port}"
        try:
            milliseconds = reach(self.host, self.port, self.timeout)
        except ConnectionRefusedError:
            return failed(Stage.NETWORK, Trouble.REFUSED, f"nothing listens at {place}")
        except TimeoutError:
            return failed(Stage.NETWORK, Trouble.TIMED_OUT, f"no answer from {place} within {self.timeout:g} s")
        except OSError as error:
            return failed(Stage.NETWORK, Trouble.NO_NETWORK, f"{place}: {error.strerror or error}")
        return Step(Stage.NETWORK, True, f"{place} answers in {milliseconds:.0f} ms")

    def encryption(self) -> Step:
        if self.settings.tls:
            return shake_hands(self.host, self.port, self.settings.root_certificates, self.timeout)
        plain = "nothing is encrypted"
        if self.given_key and not is_this_host(self.addresses):
            return replace(failed(Stage.ENCRYPTION, Trouble.KEY_IN_CLEAR, plain), passed=True)
        return Step(Stage.ENCRYPTION, True, plain)

    def server(self) -> Step:
        try:
            with contextlib.closing(client_of(self.settings, self.given_key, timeout=self.timeout)) as client:
                self._ask(client)
        except (UnauthenticatedError, PermissionDeniedError) as error:
            self.refusal = error
        except SteepleError as error:
            return failed(Stage.SERVER, *self._why(error))
        if self.round_trip_ms is None:
            return Step(Stage.SERVER, True, "a Steeple server answers")
        found = f"a Steeple server answers in {self.round_trip_ms:.0f} ms"
        if self.round_trip_ms > self.settings.latency_budget_ms / 2:
            return replace(failed(Stage.SERVER, Trouble.SLOW, found), passed=True)
        return Step(Stage.SERVER, True, found)

    def key(self) -> Step:
        match self.refusal:
            case None:
                return Step(Stage.KEY, True, "the key is accepted" if self.given_key else "no key is asked for")
            case UnauthenticatedError() if not self.given_key:
                return failed(Stage.KEY, Trouble.KEY_MISSING, self.refusal.message)
            case UnauthenticatedError():
                return failed(Stage.KEY, Trouble.KEY_REFUSED, self.refusal.message)
            case _:
                return failed(Stage.KEY, Trouble.KEY_NOT_COVERING, self.refusal.message)

    def release(self) -> Step:
        ours, names = self.our_release, ", ".join(model.id for model in self.models)
        for model in self.models:
            if model.id == ours.name and model.tflite_sha256 == ours.tflite_sha256:
                return Step(Stage.RELEASE, True, f"the server serves model release {ours.name}")
        return failed(
            Stage.RELEASE, Trouble.RELEASE_NOT_SERVED, f"the server serves {names or 'no release'}, not {ours.name}"
        )

    def _ask(self, client: Client) -> None:
        self.models = tuple(client.list_models())
        start = time.perf_counter()
        client.list_models()  # again: the first has made the connection
        self.round_trip_ms = (time.perf_counter() - start) * 1e3

    def _why(self, error: SteepleError) -> tuple[Trouble, str]:
        """What is wrong with a server that does not answer, and what was found."""
        told = "request_id" in error.metadata  # as only Steeple's servers tell
        match error:
            case InvalidArgumentError():
                return Trouble.KEY_REFUSED, error.message  # of a key that no header can hold
            case DeadlineExceededError():
                return Trouble.TIMED_OUT, error.message
            case UnavailableError() if told:
                return Trouble.NOT_READY, error.message
            case UnavailableError() if not self.settings.tls and speaks_tls(self.host, self.port, self.timeout):
                return Trouble.TLS_NEEDED, f"{self.host} talks TLS"
            case _:
                return Trouble.OTHER if told else Trouble.NO_STEEPLE_SERVER, error.message
