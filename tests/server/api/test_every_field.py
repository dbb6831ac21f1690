"""Every field of every request, with what it must not hold: refused, and named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from steeple.delf.features import FeatureSet
from tests.fuzz.known import Known
from tests.fuzz.requests import FuzzedRequest, valid_requests

from .conftest import Start
from .known_things import make_known, write_import_folder
from .test_fuzzed_requests import MAY_BE, fields_of, send

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

NOT_READ = re.compile(
    r"(.*[._])?landmark\.(name|etag|reference_image_count|create_time|update_time|delete_time|expire_time)"
    r"|reference_image\.(?!metadata).*|key\.(name|scope|create_time|revoke_time|last_use_time|successor)"
    r"|person\.(name|has_password|[a-z_]+_time)|old_password"  # the last is of one's own alone
    r"|view\.(name|collection|owner|create_time|update_time|etag)"
)
"""Output-only, or said elsewhere: ignored, whatever they hold."""

MAY_BE_ANYTHING = {
    ("steeple.v1.VisualSearchService/IdentifyStream", "frame_id"),  # need only rise
    ("steeple.v1.ExplainService/ExplainIdentify", "query.max_candidates"),  # all are told
    ("steeple.v1.UploadService/WriteUpload", "data"),  # bytes of a file of any kind
}
READ_HERE = {
    ("steeple.v1.CatalogService/UpdateLandmark", "landmark.name"),
    ("steeple.v1.CatalogService/UpdateLandmark", "landmark.etag"),
    *(
        ("steeple.v1.CatalogService/UpdateReferenceImage", f"reference_image.{path}")
        for path in ("name", "etag", "capture_time", "capture_location.latitude", "capture_location.longitude")
    ),
    ("steeple.v1.KeyService/UpdateKey", "key.name"),
    ("steeple.v1.KeyService/CreateKey", "key.scope"),
    ("steeple.v1.PersonService/UpdatePerson", "person.name"),
    ("steeple.v1.ViewService/CreateView", "view.collection"),
    ("steeple.v1.ViewService/UpdateView", "view.name"),
    ("steeple.v1.ViewService/UpdateView", "view.etag"),
}


class Case(NamedTuple):
    """A request with one bad field.

    Attributes:
        method: ``{service}/{method}``.
        path: Of the field, without indices: ``query.features.model``.
        what: Is bad about it.
        request: All of it.
    """

    method: str
    path: str
    what: str
    request: Message


BAD: dict[int, dict[str, Any]] = {
    FieldDescriptor.TYPE_STRING: {"a NUL": "\0", "much too long": "x" * 20_001},
    FieldDescriptor.TYPE_BYTES: {"no image": b"x"},
    FieldDescriptor.TYPE_INT32: {"negative": -1},
    FieldDescriptor.TYPE_INT64: {"negative": -1},
    FieldDescriptor.TYPE_UINT32: {"too large": 2**32 - 1},
    FieldDescriptor.TYPE_FLOAT: {"not a number": math.nan, "infinite": math.inf},
    FieldDescriptor.TYPE_DOUBLE: {"not a number": math.nan, "infinite": math.inf, "minus infinite": -math.inf},
    FieldDescriptor.TYPE_ENUM: {"unknown": 99},
    FieldDescriptor.TYPE_BOOL: {},
}
TIMES = {"after the year 9999": {"seconds": 10**15}, "negative nanoseconds": {"seconds": 5 * 10**9, "nanos": -1}}


def cases(known: Known) -> Iterator[Case]:
    for method, valid in valid_requests(known).items():
        for request in valid:
            for path, what, change in bad_fields(request):
                changed: Any = type(request)()
                changed.CopyFrom(request)
                if path != "request_id" and "request_id" in changed.DESCRIPTOR.fields_by_name:
                    changed.ClearField("request_id")  # of another request, by now
                change(changed)
                yield Case(method, path, what, changed)


def is_ignored(case: Case) -> bool:
    """Whether what the field holds is of no importance."""
    where = case.method, case.path
    return where in MAY_BE_ANYTHING or (where not in READ_HERE and NOT_READ.fullmatch(case.path) is not None)


Change = Callable[[Any], None]


def bad_fields(message: Any) -> Iterator[tuple[str, str, Change]]:
    """Paths of a message's fields, what is made of each, and how."""
    for field in message.DESCRIPTOR.fields:
        of_oneof = field.containing_oneof is not None and field.message_type is None and not field.has_presence
        if of_oneof or (field.containing_oneof is not None and not message.HasField(field.name)):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from of_map(field)
        elif field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            for what, values in TIMES.items():
                yield field.name, what, timed(field.name, values)
        elif field.message_type is not None:
            yield from of_message(message, field)
        elif field.is_repeated:
            for what, value in BAD[field.type].items():
                yield field.name, what, repeated(field.name, [value])
            if field.type != FieldDescriptor.TYPE_ENUM:  # each of the few that there are, be it said twice
                yield field.name, "too many", repeated(field.name, [f"a{number}" for number in range(2000)])
        else:
            for what, value in BAD[field.type].items():
                yield field.name, what, single(field.name, value)


def single(name: str, value: Any) -> Change:
    return lambda message: setattr(message, name, value)


def repeated(name: str, values: list[Any]) -> Change:
    return lambda message: getattr(message, name).extend(values)


def inside(name: str, change: Change, index: int | None = None) -> Change:
    def apply(message: Any) -> None:
        inner = getattr(message, name)
        change(inner if index is None else inner[index])

    return apply


def timed(name: str, values: dict[str, int]) -> Change:
    def change(message: Any) -> None:
        for each, value in values.items():
            setattr(getattr(message, name), each, value)

    return change


def of_map(field: Any) -> Iterator[tuple[str, str, Change]]:
    nested = field.message_type.fields_by_name["value"].message_type is not None

    def put(entries: dict[str, str]) -> Change:
        def change(message: Any) -> None:
            for key, value in entries.items():
                if nested:
                    getattr(message, field.name)[key].names.append(value)
                else:
                    getattr(message, field.name)[key] = value

        return change

    yield field.name, "an empty key", put({"": "x"})
    yield field.name, "a key with a NUL", put({"a\0": "x"})
    yield field.name, "a value with a NUL", put({"de": "a\0"})
    yield field.name, "a value that is too long", put({"de": "x" * 4097})
    yield field.name, "too many entries", put({f"k{number}": "x" for number in range(300)})


def of_message(message: Any, field: FieldDescriptor) -> Iterator[tuple[str, str, Change]]:
    if field.is_repeated:
        elements = getattr(message, field.name)
        if not elements:  # output-only
            return
        yield field.name, "too many", repeated(field.name, [elements[0]] * 200)
        for path, what, change in bad_fields(elements[0]):
            yield f"{field.name}.{path}", what, inside(field.name, change, 0)
    elif message.HasField(field.name):
        for path, what, change in bad_fields(getattr(message, field.name)):
            yield f"{field.name}.{path}", what, inside(field.name, change)


async def test_what_a_field_must_not_hold_is_refused_and_the_field_named(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto, tmp_path: Path
) -> None:
    wrong, refused = [], 0
    async with start(keep_queries="unknown", import_dir=write_import_folder(tmp_path / "import")) as running:
        await running.add("tower", make_features(0))
        known = await make_known(running, make_photo(1))
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as streams:
            for case in cases(known):
                request = FuzzedRequest(case.method, (case.request.SerializeToString(),), ())
                code, message, trailers = await send(running.channel, streams, request, ())
                fields = [re.sub(r"\[\d+\]", "", name) for name in fields_of(trailers)]
                if is_ignored(case):
                    right = code in MAY_BE
                elif case.path.endswith("etag"):  # any text; it is the current one or is not
                    right = code in (grpc.StatusCode.ABORTED, grpc.StatusCode.ALREADY_EXISTS)
                else:
                    refused += 1
                    named = "update_mask" if case.path.startswith("update_mask") else case.path
                    right = code is grpc.StatusCode.INVALID_ARGUMENT and fields == [named]
                if not right:
                    wrong.append(f"{case.method} {case.path}, {case.what}: {code.name} {fields} {message}"[:300])
    assert not wrong, "\n".join(wrong)
    print(refused)  # noqa: T201 - docs/server/bad-input.md says it
    assert refused > 300


async def test_the_requests_that_are_made_worse_are_good(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto, tmp_path: Path
) -> None:
    """Otherwise they might be refused for another field than the bad one."""
    ended = []
    async with start(keep_queries="unknown", import_dir=write_import_folder(tmp_path / "import")) as running:
        await running.add("tower", make_features(0))
        known = await make_known(running, make_photo(1))
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as streams:
            for method, valid in valid_requests(known).items():
                for message in valid:
                    request = FuzzedRequest(method, (message.SerializeToString(),), ())
                    code, text, _ = await send(running.channel, streams, request, ())
                    if code is grpc.StatusCode.INVALID_ARGUMENT:
                        ended.append(f"{method}: {text}")
    assert ended == []
