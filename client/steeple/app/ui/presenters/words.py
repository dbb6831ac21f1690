"""Numbers, times and problems in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Final

from steeple.app.advice import Advice
from steeple.app.trouble import Stage, Trouble
from steeple.app.ui.language import Translator, message
from steeple.client import LatLng
from steeple.errors import (
    DataLossError,
    DeadlineExceededError,
    FailedPreconditionError,
    ImageError,
    InternalError,
    InvalidArgumentError,
    ModelMismatchError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SteepleError,
    UnauthenticatedError,
    UnavailableError,
)

_EARTH_METERS: Final = 6_371_000.0

CONFIDENCES: Final = (
    (0.97, message("almost certain")),
    (0.9, message("very likely")),
    (0.66, message("likely")),
    (0.5, message("perhaps")),
    (0.2, message("unlikely")),
    (0.0, message("very unlikely")),
)
"""Confidence from which each phrase holds, and the phrase. Confidence is a calibrated probability, so the words can
mean what they mean to others: "likely" from two thirds and "very likely" from 0.9 are the IPCC's (note of 2010)."""

ADVICE: Final[Mapping[Advice, str]] = {
    Advice.MORE_LIGHT: message("It is dark. More light would help."),
    Advice.LESS_LIGHT: message("It is very bright. Turn away from the light."),
    Advice.STEADIER: message("Hold the camera still for a moment."),
    Advice.FOCUS: message("The picture is blurred. Give it a moment, or wipe the lens."),
    Advice.CLOSER: message("Go closer, or zoom in."),
    Advice.FARTHER: message("Step back, so that more of it is seen."),
    Advice.ANOTHER_VIEW: message("Try another side, or a part with more detail."),
}

STAGES: Final[Mapping[Stage, str]] = {
    Stage.ADDRESS: message("Address"),
    Stage.NETWORK: message("Network"),
    Stage.ENCRYPTION: message("Encryption"),
    Stage.SERVER: message("Server"),
    Stage.KEY: message("Key"),
    Stage.RELEASE: message("Model release"),
}

TROUBLES: Final[Mapping[Trouble, str]] = {
    Trouble.NO_SERVER: message("No server is set. Type its address in the settings."),
    Trouble.BAD_ADDRESS: message("The address must look like search.example.org:50051."),
    Trouble.NAME_UNKNOWN: message("There is no server of this name. Look for a typing mistake."),
    Trouble.REFUSED: message("The server is there, but does not listen at this port. Is it running?"),
    Trouble.TIMED_OUT: message("The server does not answer. Is it running, and does a firewall let you through?"),
    Trouble.NO_NETWORK: message("This device has no network. Turn on Wi-Fi or mobile data."),
    Trouble.TLS_NEEDED: message("The server asks for encryption. Turn on TLS in the settings."),
    Trouble.TLS_NOT_SPOKEN: message(
        "The server does not encrypt. Turn off TLS in the settings, in a network you trust."
    ),
    Trouble.CERTIFICATE_UNTRUSTED: message(
        "The server's certificate is not trusted. Ask its owner for the root certificate."
    ),
    Trouble.CERTIFICATE_EXPIRED: message("The server's certificate has expired. Tell its owner."),
    Trouble.CERTIFICATE_OF_ANOTHER_NAME: message("The certificate is that of another server. Look at the address."),
    Trouble.BAD_ROOT_CERTIFICATES: message("The file of root certificates cannot be used. Choose another."),
    Trouble.NO_STEEPLE_SERVER: message("Something answers there, but it is no Steeple server."),
    Trouble.NOT_READY: message("The server is starting. Try again in a minute."),
    Trouble.KEY_MISSING: message("The server asks for a key. Type it in the settings."),
    Trouble.KEY_REFUSED: message("The server does not know this key, or it was revoked."),
    Trouble.KEY_NOT_COVERING: message("This key may not ask for landmarks. Get one for devices."),
    Trouble.RELEASE_NOT_SERVED: message(
        "The server compares other features than this app makes. One of them needs an update."
    ),
    Trouble.OTHER: message("Something else is wrong."),
    Trouble.KEY_IN_CLEAR: message("The key travels unencrypted. Turn on TLS if the server can."),
    Trouble.SLOW: message("The way to the server is slow; answers will be late."),
}

_ERRORS: Final[tuple[tuple[type[SteepleError], str], ...]] = (
    (ModelMismatchError, TROUBLES[Trouble.RELEASE_NOT_SERVED]),
    (ImageError, message("This photo cannot be used. Try another.")),
    (UnavailableError, message("The server cannot be reached.")),
    (DeadlineExceededError, message("The server took too long.")),
    (UnauthenticatedError, TROUBLES[Trouble.KEY_REFUSED]),
    (PermissionDeniedError, message("This key may not do that.")),
    (ResourceExhaustedError, message("That is too much at once. Try again later.")),
    (NotFoundError, message("It is not there any more.")),
    (DataLossError, message("What is stored is damaged.")),
    (InternalError, message("Something went wrong in the app.")),
)


def confidence_words(confidence: float, tr: Translator) -> str:
    """A confidence, 0 to 1, in words."""
    words = next(tr(phrase) for least, phrase in CONFIDENCES if confidence >= least)
    return words[:1].upper() + words[1:]


def percent(confidence: float) -> str:
    """A confidence, 0 to 1, as a number: never 100 %, since nothing is certain, and never more than it is."""
    return f"{min(99, int(100 * max(0.0, confidence) + 1e-9))} %"


def advice_words(advice: Advice | None, tr: Translator) -> str:
    """What would help; empty for nothing."""
    return "" if advice is None else tr(ADVICE[advice])


def distance_meters(one: LatLng, other: LatLng) -> float:
    """Metres between two places, along the ground."""
    lat_one, lat_other = radians(one.latitude), radians(other.latitude)
    half = sin((lat_other - lat_one) / 2) ** 2
    half += cos(lat_one) * cos(lat_other) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * _EARTH_METERS * asin(min(1.0, sqrt(half)))


def distance_words(meters: float, tr: Translator) -> str:
    """How far away something is, as precisely as a phone knows where it is."""
    if meters < 30:
        return tr("right here")
    if meters < 950:
        return tr("{meters} m away", meters=round(meters / 10) * 10 if meters < 200 else round(meters / 50) * 50)
    if meters < 9_950:
        return tr("{kilometers} km away", kilometers=f"{meters / 1000:.1f}")
    return tr("{kilometers} km away", kilometers=f"{meters / 1000:.0f}")


def bytes_words(size: int) -> str:
    """A number of bytes as people write it."""
    if size < 1000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB" if size < 999_500_000 else f"{size / 1_000_000_000:.1f} GB"


def time_words(time: datetime, now: datetime, tr: Translator) -> str:
    """When something was, seen from now; both with a time zone. The day is that of ``now``'s."""
    time = time.astimezone(now.tzinfo)
    age = now - time
    if age < timedelta(minutes=1):
        return tr("just now")
    if age < timedelta(hours=1):
        return tr.count("{n} minute ago", "{n} minutes ago", int(age.total_seconds() // 60))
    clock = f"{time:%H:%M}"
    days = (now.date() - time.date()).days
    if days == 0:
        return tr("today, {time}", time=clock)
    if days == 1:
        return tr("yesterday, {time}", time=clock)
    return f"{time:%Y-%m-%d}, {clock}"


def error_words(error: SteepleError, tr: Translator) -> str:
    """What went wrong, for a person. What only a program's message knows comes after it, in English."""
    for kind, words in _ERRORS:
        if isinstance(error, kind):
            return tr(words)
    if isinstance(error, (InvalidArgumentError, FailedPreconditionError)):
        return error.message  # says what to do, and nothing general says it better
    return tr("Something went wrong: {message}", message=error.message)
