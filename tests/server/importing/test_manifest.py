from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import LatLng
from steeple.server.importing.fields import Entry
from steeple.server.importing.manifest import BadLine, check_manifest, parse_object, read_manifest, said_of_landmark


def entries(data: str | bytes, name: str = "manifest.csv") -> list[Entry]:
    found = list(read_manifest(name, data.encode() if isinstance(data, str) else data))
    assert not [line for line in found if isinstance(line, BadLine)]
    return [line for line in found if isinstance(line, Entry)]


def problems(data: str, name: str = "manifest.csv") -> list[tuple[int, str]]:
    return [(line.line, line.error.message) for line in read_manifest(name, data.encode()) if isinstance(line, BadLine)]


def test_every_column_is_read() -> None:
    text = (
        "photo,landmark,display_name,description,latitude,longitude,labels,aliases.fr,aliases.zh-hant,"
        "metadata.by,landmark_metadata.wikidata,image_id,active\n"
        "a/1.jpg,big-ben,Big Ben,Tower,51.5007,-0.1246,tower; london,Tour ; Horloge,大本鐘,Ada,Q1,one,no\n"
    )
    (one,) = entries(text)
    assert (one.line, one.photo, one.landmark_id, one.image_id) == (2, "a/1.jpg", "big-ben", "one")
    assert one.metadata == {"by": "Ada"}
    assert one.landmark.given() == {
        "display_name": "Big Ben",
        "description": "Tower",
        "location": LatLng(51.5007, -0.1246),
        "aliases": {"fr": ["Tour", "Horloge"], "zh-Hant": ["大本鐘"]},
        "labels": ("london", "tower"),
        "metadata": {"wikidata": "Q1"},
        "active": False,
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiters_marks_and_endings(delimiter: str, mark: bytes, ending: str) -> None:
    rows = [["photo", "landmark", "labels"], ["é.jpg", "Sacré-Cœur", "a b"], ["2.jpg", "x", ""]]
    data = mark + ending.join(delimiter.join(row) for row in rows).encode()
    first, second = entries(data)
    assert (first.photo, first.landmark_id, first.name) == ("é.jpg", "sacre-coeur", "Sacré-Cœur")
    assert (second.photo, second.landmark_id, second.name, second.line) == ("2.jpg", "x", "", 3)
    assert first.landmark.labels == ("a", "b")


def test_quotes_as_of_rfc_4180_and_lines_are_counted_through_them() -> None:
    text = 'photo,landmark,description\n"a,b.jpg",x,"first ""line""\nsecond"\n\nc.jpg,x,\nd.jpg,,\n'
    assert [(one.line, one.photo) for one in entries(text.replace("d.jpg,,\n", ""))] == [(2, "a,b.jpg"), (5, "c.jpg")]
    assert entries(text.replace("d.jpg,,\n", ""))[0].landmark.description == 'first "line"\nsecond'
    assert problems(text) == [(6, "landmark is empty: give the landmark's id or name")]


def test_json_lines_say_the_same() -> None:
    lines = [
        {"photo": "1.jpg", "landmark": "Big Ben", "latitude": 51.5, "longitude": -0.1, "labels": ["b", "a"]},
        {"landmark": "x", "aliases": {"fr": "Un; Deux", "de": ["Eins;"]}, "landmark_metadata": {"k": "v"}},
        {"file": "2.jpg", "landmark": "x", "metadata.by": "Ada", "metadata": {"n": 1}, "active": True, "labels": "c d"},
    ]
    first, second, third = entries("\n\n".join(map(json.dumps, lines)), "manifest.jsonl")
    assert (first.line, second.line, third.line) == (1, 3, 5)
    assert first.landmark.given() == {"location": LatLng(51.5, -0.1), "labels": ("a", "b")}
    assert (second.photo, second.landmark.aliases) == ("", {"fr": ["Un", "Deux"], "de": ["Eins;"]})
    assert (third.photo, third.metadata) == ("2.jpg", {"by": "Ada", "n": "1"})
    assert third.landmark.given() == {"labels": ("c", "d"), "active": True}


def test_of_a_data_set_only_references_are_taken() -> None:
    text = "path,landmark,role,tier\na.jpg,x,reference,\nb.jpg,x,query,easy\nc.jpg,,distractor,\n"
    assert [(one.photo, one.reference) for one in entries(text)] == [
        ("a.jpg", True),
        ("b.jpg", False),
        ("c.jpg", False),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"photo,landmark,colour\n", "no column 'colour'"),
        (b"photo,landmark,aliases.\n", "no column 'aliases.'"),
        (b"photo,file,landmark\n", "column 'photo' is there twice"),
        (b"photo,display_name\n", "column 'landmark' is missing"),
        (b"", "names of the columns are missing"),
        (b"photo,landmark\n", "is empty"),
        (b"photo,landmark\n\xff.jpg,x\n", "line 2: not UTF-8"),
        ("photo,landmark\n".encode("utf-16"), "is UTF-16"),
        (b'photo,landmark\n"a.jpg,x\n', "is a quote left open"),
    ],
)
def test_a_manifest_that_is_none_is_refused_as_a_whole(data: bytes, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        check_manifest("manifest.csv", data)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "a JSON object is expected"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"landmark": "a", "landmark": "b"}', "twice"),
        ('{"landmark": "x", "colour": 1}', "no column 'colour'"),
        ('{"photo": "a.jpg"}', "'landmark' is missing"),
    ],
)
def test_a_first_line_that_is_none_is_refused_before_anything_is_begun(line: str, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"line 1: .*{said}"):
        check_manifest("manifest.jsonl", line.encode())


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("a.jpg,x,91,0,,,", "-90 to 90"),
        ("a.jpg,x,1,,,,", "go together"),
        ("a.jpg,x,north,0,,,", "must be degrees"),
        ("a.jpg,x,nan,0,,,", "-90 to 90"),
        ("a.jpg,x,,,Tower,,", "labels are"),
        ("a.jpg,x,,,,ID 1,", "image_id must be"),
        ("a.jpg,x,,,,,reader", "role must be one of"),
        (",x,,,,one,", "of a photo"),
        ("a.jpg,東京,,,,,", "no id can be made"),
        ("a.jpg,x,,,,,,,", "9 values for 7 columns"),
    ],
)
def test_a_line_that_is_wrong_is_told_and_the_others_are_used(cells: str, said: str) -> None:
    header = "photo,landmark,latitude,longitude,labels,image_id,role\n"
    text = f"{header}1.jpg,x\n{cells}\n2.jpg,y\n"
    ((line, message),) = problems(text)
    assert line == 3
    assert said in message
    assert len(list(read_manifest("m.csv", text.encode()))) == 3


def test_what_landmark_json_says() -> None:
    said = said_of_landmark(parse_object('{"id": "big-ben", "metadata": {"k": "v"}, "labels": ["tower"]}'))
    assert (said.texts["landmark"], said.landmark_metadata, said.metadata) == ("big-ben", {"k": "v"}, {})
    with pytest.raises(InvalidArgumentError, match="no field 'landmark'"):
        said_of_landmark({"landmark": "x"})


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["manifest.csv", "manifest.jsonl", "x"]))
def test_any_bytes_give_lines_or_are_refused(data: bytes, name: str) -> None:
    try:
        found = list(read_manifest(name, data))
    except InvalidArgumentError:
        return
    assert all(isinstance(line, Entry | BadLine) for line in found)


_cells = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["photo", "landmark", "latitude", "longitude", "labels", "aliases.fr", "role"]), max_size=7
    ),
    st.lists(st.lists(_cells, max_size=7), max_size=4),
    st.sampled_from(",;\t|"),
)
def test_any_table_gives_lines_or_is_refused(header: list[str], rows: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in [header, *rows])
    try:
        found = list(read_manifest("manifest.csv", text.encode()))
    except InvalidArgumentError:
        return
    assert [line.line for line in found] == sorted({line.line for line in found})
    for line in found:
        assert isinstance(line, BadLine) or line.landmark_id or not line.reference


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | _cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_cells, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["photo", "landmark", "labels", "aliases", "metadata", "latitude", "active", "aliases.fr", "x"]
        ),
        _json,
    )
)
def test_any_object_gives_a_line(fields: dict[str, object]) -> None:
    (line,) = read_manifest("manifest.jsonl", json.dumps(fields).encode()) or [None]
    assert isinstance(line, Entry | BadLine)
