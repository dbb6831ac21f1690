"""Manifests of imports, as CSV and as JSON lines, and files that say what a folder's landmark is."""

from __future__ import annotations

from collections.abc import Sequence

from steeple.errors import InvalidArgumentError, NotFoundError, SteepleError
from steeple.server.catalogue import LandmarkDraft, ids, limits
from steeple.server.importing.layout import check_layout, plan_import
from steeple.server.importing.plan import Plan
from tests.fuzz.files import folder

_PHOTOS = ("eiffel/1.jpg", "eiffel/2.jpg", "big-ben/1.png", "notes.txt")


class _Source:
    """Photos, and one file with what is looked at."""

    def __init__(self, name: str, data: bytes) -> None:
        self._files = {**dict.fromkeys(_PHOTOS, b""), name: data}

    def names(self) -> Sequence[str]:
        return sorted(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name]

    def close(self) -> None:
        return None


def seeds() -> list[bytes]:
    """Every column and delimiter, and what spreadsheets leave behind; each behind the number of a file's name."""
    return [
        b"\0photo,landmark,display_name,description,latitude,longitude,labels,active,aliases.fr,metadata.by,role\n"
        b'eiffel/1.jpg,eiffel,"Eiffel ""Tower""",It stands.,48.8,2.3,tower;iron,true,Tour;Dame,Ada,reference\n'
        b"eiffel/2.jpg,eiffel,,,,,,,,,query\n,big-ben,Big Ben,,,,,,,,\n",
        b"\0\xef\xbb\xbffile;landmark;image_id;landmark_metadata.wikidata;\r\neiffel\\1.jpg;Tour Eiffel;one;Q243;\r\n",
        b"\0landmark\tphoto\ncaf\xc3\xa9\t../../etc/passwd\n",
        b'\1{"photo":"eiffel/1.jpg","landmark":"eiffel","metadata":{"by":"Ada","n":1.5},"aliases":{"fr":["Tour"]}}\n'
        b'{"photo":"eiffel/2.jpg","landmark":"eiffel","latitude":48.8,"longitude":2.3,"labels":["a"],"active":false}\n',
        b'\1{"landmark":"\\ud800","photo":"\\u0000","metadata":{"a":NaN,"b":1e999},"latitude":1e400}\n',
        b'\2{"id":"eiffel","display_name":"Tower","labels":"a b","metadata":{"wikidata":"Q243"},"active":true}',
        b"\2" + b"[" * 2000,
    ]


def check(data: bytes) -> None:
    """It is refused, or makes a plan of what the catalogue takes, which can be kept and read again."""
    name = ("manifest.csv", "manifest.jsonl", "eiffel/landmark.json")[data[0] % 3 if data else 0]
    source = _Source(name, data[1:])
    try:
        check_layout(source, "")
        plan = plan_import(source, "")
    except (InvalidArgumentError, NotFoundError):
        return
    for landmark in plan.landmarks:
        ids.check_id(landmark.id, "id")
        fields = landmark.fields
        limits.checked_landmark_draft(
            LandmarkDraft(
                display_name=fields.display_name or landmark.name or landmark.id,
                description=fields.description,
                location=fields.location,
                aliases=fields.aliases,
                labels=fields.labels,
                metadata=fields.metadata,
            )
        )
    for photo in plan.photos:
        assert photo.file in _PHOTOS
        assert not photo.image_id or ids.check_id(photo.image_id, "image_id")
        limits.check_metadata(photo.metadata)
    assert all(isinstance(error, SteepleError) and error.message for _, error in plan.problems)
    _check_kept(plan)


def _check_kept(plan: Plan) -> None:
    path = folder() / "plan.jsonl"
    plan.save(path)
    again = Plan.load(path)
    assert (list(again.landmarks), list(again.photos)) == (list(plan.landmarks), list(plan.photos))
    assert len(again.problems) == len(plan.problems)
