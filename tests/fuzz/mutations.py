"""Damage to bytes and to messages, by a seeded generator: the same seed does the same damage."""

from __future__ import annotations

import math
import random as random_module
from collections.abc import Callable, Sequence
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

Random = random_module.Random

TEXTS: Final = (
    "",
    " ",
    "\0",
    "a\0b",
    "\n\r\t",
    "../../etc/passwd",
    "..\\..\\windows",
    "landmarks/../models",
    "%00%2e%2e%2f",
    "'; DROP TABLE landmark; --",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "\u202eevil",
    "\ufeff",
    "\U0001f5fc" * 3,
    "e" + "\u0301" * 60,
    "x" * 300,
    "x" * 20_000,
    "ſ" * 201,
    "-1",
    "9" * 40,
    "NaN",
    "true",
    "*",
    '"',
    "(((((((((((((((((((((((",
)
_INTEGERS: Final = (
    0,
    1,
    -1,
    2,
    100,
    101,
    1000,
    1001,
    65_535,
    65_536,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**63 - 1,
    -(2**63),
)
_FLOATS: Final = (0.0, -0.0, 1.0, -1.0, 90.1, 1e-300, 3e38, 1e308, math.nan, math.inf, -math.inf)
_KINDS: Final = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}


def damaged(data: bytes, random: Random, others: Sequence[bytes] = (b"",)) -> bytes:
    """Some bytes changed, removed, repeated, inserted or taken from one of the ``others``."""
    changed = bytearray(data)
    for _ in range(1 + min(7, int(random.expovariate(0.7)))):
        random.choice(_DAMAGES)(changed, random, random.choice(others))
    return bytes(changed)


def _flip(data: bytearray, random: Random, _: bytes) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(data: bytearray, random: Random, _: bytes) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _cut(data: bytearray, random: Random, _: bytes) -> None:
    start = random.randrange(len(data) + 1)
    del data[start : start + random.choice((1, 4, 100, len(data)))]


def _repeat(data: bytearray, random: Random, _: bytes) -> None:
    start = random.randrange(len(data) + 1)
    piece = data[start : start + random.randrange(1, 64)]
    data[start:start] = piece * random.randrange(1, 9)


def _insert(data: bytearray, random: Random, _: bytes) -> None:
    start = random.randrange(len(data) + 1)
    data[start:start] = random.randbytes(random.randrange(1, 9))


def _number(data: bytearray, random: Random, _: bytes) -> None:
    """A length or an offset, most likely."""
    size = random.choice((2, 4))
    if len(data) >= size:
        start = random.randrange(len(data) - size + 1)
        value = random.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) & (256**size - 1)
        data[start : start + size] = value.to_bytes(size, random.choice(("big", "little")))


def _splice(data: bytearray, random: Random, other: bytes) -> None:
    if other:
        start, source = random.randrange(len(data) + 1), random.randrange(len(other))
        length = random.randrange(1, 200)
        data[start : start + length] = other[source : source + length]


_DAMAGES: Final[tuple[Callable[[bytearray, Random, bytes], None], ...]] = (
    _flip,
    _set,
    _set,
    _cut,
    _repeat,
    _insert,
    _number,
    _splice,
)


def disturb(message: Any, random: Random, texts: Sequence[str], files: Sequence[bytes]) -> None:
    """Sets one to three fields, at any depth, to something that its type allows.

    Args:
        message: To change.
        random: Chooses.
        texts: To take beside the nasty ones: names, tokens, filters.
        files: For fields of bytes, damaged or not.
    """
    for _ in range(random.randint(1, 3)):
        field = random.choice(message.DESCRIPTOR.fields)
        _disturb_field(message, field, random, texts, files)


def _disturb_field(
    message: Message, field: FieldDescriptor, random: Random, texts: Sequence[str], files: Sequence[bytes]
) -> None:
    if random.random() < 0.1:
        message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        _disturb_map(message, field, random, texts, files)
    elif field.message_type is not None and field.is_repeated:
        for _ in range(random.choice((1, 2, 3, 120))):
            disturb(getattr(message, field.name).add(), random, texts, files)
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.SetInParent()
        disturb(inner, random, texts, files)
    elif field.is_repeated:
        count = random.choice((1, 2, 101, 500))
        getattr(message, field.name).extend(_value(field, random, texts, files) for _ in range(count))
    else:
        setattr(message, field.name, _value(field, random, texts, files))


def _disturb_map(
    message: Message, field: FieldDescriptor, random: Random, texts: Sequence[str], files: Sequence[bytes]
) -> None:
    value: Any = field.message_type and field.message_type.fields_by_name["value"]
    entries = getattr(message, field.name)
    for _ in range(random.choice((1, 2, 70))):
        key = random.choice((*TEXTS, *texts, str(random.random())))
        if value.message_type is None:
            entries[key] = _value(value, random, texts, files)
        else:
            disturb(entries[key], random, texts, files)


def _value(field: FieldDescriptor, random: Random, texts: Sequence[str], files: Sequence[bytes]) -> Any:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            text = random.choice(random.choice((TEXTS, texts)))
            return text if random.random() < 0.7 else damaged(text.encode(), random).decode("utf-8", "replace")
        case FieldDescriptor.TYPE_BYTES:
            data = random.choice(files)
            return data if random.random() < 0.2 else damaged(data, random, files)
        case FieldDescriptor.TYPE_BOOL:
            return random.random() < 0.5
        case FieldDescriptor.TYPE_FLOAT | FieldDescriptor.TYPE_DOUBLE:
            return random.choice((*_FLOATS, random.uniform(-200, 200)))
        case FieldDescriptor.TYPE_ENUM:
            return random.choice((0, 1, 2, 3, 4, 99, -1, 2**31 - 1))
        case kind:
            low, high = _KINDS[kind]
            return min(high, max(low, random.choice((*_INTEGERS, random.randint(-10, 5000)))))
