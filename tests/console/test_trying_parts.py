"""What pages that try photos out are made of, without a browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from starlette.requests import Request

from steeple.client import Answer, Candidate, Landmark, Timings
from steeple.console.drawings import MOST_LINES, features_picture, match_drawing, polygon, stacked
from steeple.console.trying import held as holding
from steeple.console.trying.asking import BUDGETS, DEFAULT_STEP, judge, step_of, threshold_of
from steeple.console.trying.held import HELD_SECONDS, MOST, MOST_OF_ONE, HeldPhotos
from steeple.console.trying.photo_form import MOST_BYTES, photo_of, read_photo_form
from steeple.console.trying.reading import VIEW_SIDE, PhotoReading, Reading
from steeple.console.trying.words import advice, stages, sure, words_of
from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import DEFAULT_RELEASE
from steeple.errors import ImageError, NotFoundError
from tests.scenes import encoded, scene


def features(count: int) -> FeatureSet:
    random = np.random.default_rng(count)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=np.full((count, DIMENSIONS), 20, np.int8),
        keypoints=(random.random((count, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(count, np.float32),
        scores=np.linspace(1, 0.1, count, dtype=np.float32),
    )


def candidate(confidence: float, *, inliers: int = 20, side: float = 400) -> Candidate:
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    none = np.empty((0, 2), np.float32)
    return Candidate(
        Landmark("landmarks/mill", "The Mill"), confidence, "landmarks/mill/images/a", inliers, 60, corners, none, none
    )


def answered(*candidates: Candidate, sent: int = 900) -> Answer:
    return Answer(
        identified=bool(candidates) and candidates[0].confidence >= 0.7,
        candidates=candidates,
        model=f"models/{DEFAULT_RELEASE}",
        width=640,
        height=480,
        feature_count=sent,
        timings=Timings(search=20.0, verify=30.0, total=60.0, round_trip=65.0),
        request_bytes=4096,
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_photos_are_held_for_their_browser_for_a_while() -> None:
    clock = Clock()
    photos, reading = HeldPhotos(clock), Reading(features(10), 640, 480, b"view", 1.0)
    own = [photos.hold("ada", reading, source=b"", size_bytes=9, keep=False) for _ in range(MOST_OF_ONE + 1)]
    other = photos.hold("bob", reading, source=b"", size_bytes=9, keep=False)
    assert photos.get(own[-1].id, "ada") is own[-1]
    for photo_id, owner in ((own[0].id, "ada"), (own[-1].id, "bob"), ("none", "ada"), (own[-1].id, "")):
        with pytest.raises(NotFoundError):
            photos.get(photo_id, owner)
    photos.drop(other.id, "ada")
    assert photos.get(other.id, "bob") is other
    clock.now = HELD_SECONDS
    with pytest.raises(NotFoundError):
        photos.get(other.id, "bob")
    assert len(photos) == 0


def test_photos_are_held_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    photos, reading = HeldPhotos(Clock()), Reading(None, 640, 480, b"v" * 1000, 1.0)
    for number in range(MOST + 5):
        photos.hold(str(number), reading, source=b"", size_bytes=9, keep=False)
    assert len(photos) == MOST
    monkeypatch.setattr(holding, "MOST_BYTES", 3_000_000)
    last = photos.hold("last", reading, source=b"s" * 2_500_000, size_bytes=9, keep=False)
    assert len(photos) == 2, "what is newest stays, the others go as far as they must"
    assert photos.get(last.id, "last") is last


def test_a_threshold_of_ones_own_changes_the_answer_and_nothing_else() -> None:
    answer = answered(candidate(0.8))
    assert judge(answer, 0.72, 0.72).identified
    assert not judge(answer, 0.81, 0.72).identified
    assert judge(answered(candidate(0.5)), 0.5, 0.72).identified
    assert not judge(answered(), 0.01, 0.72).identified
    assert (threshold_of("81", 0.72), threshold_of("72", 0.7179)) == (0.81, 0.7179)
    assert [threshold_of(text, 0.72) for text in ("", "0", "100", "-5", "²", "x")] == [0.72] * 6


def test_less_than_all_can_be_sent_where_it_can_be_coded_shortly() -> None:
    photos = HeldPhotos(Clock())
    own, others = features(10), replace(features(10), model="a-release-of-ones-own")
    short, other, sent = (
        photos.hold("ada", Reading(made, 640, 480, b"", 1.0), source=b"", size_bytes=9, keep=False)
        for made in (own, others, None)
    )
    assert [step_of(text, short) for text in ("0", "4", "5", "", "-1", "²")] == [0, 4, *[DEFAULT_STEP] * 4]
    for photo in (other, sent):
        assert BUDGETS[step_of("0", photo)] == 0


def test_confidence_in_words_and_numbers() -> None:
    assert [words_of(value) for value in (0.999, 0.9, 0.6, 0.0)] == [
        "Almost certain",
        "Very likely",
        "Perhaps",
        "Very unlikely",
    ]
    assert [sure(value) for value in (1.0, 0.979, 0.01, 0.0099, 0.0)] == [
        f"{text}\N{NO-BREAK SPACE}%" for text in ("99", "97", "1", "under 1", "under 1")
    ]


def test_what_would_help_depends_on_what_is_wrong() -> None:
    def told(answer: Answer, all_features: int = 1000) -> str:
        return " ".join(advice(answer, all_features=all_features, threshold=0.7))

    assert "Take it again" in told(answered(sent=50), 50)
    assert "Only 100 of the photo's 1,000" in told(answered(candidate(0.1), sent=100))
    assert "nearly The Mill" in told(answered(candidate(0.6)))
    assert "another side" in told(answered(candidate(0.1)))
    assert "No photo of the catalogue" in told(answered(candidate(0.01, inliers=4)))
    assert "Go closer" in told(answered(candidate(0.5, side=90)))
    assert "Go closer" not in told(answered(candidate(0.5)))


def test_the_stages_are_all_of_the_time() -> None:
    parts = stages(answered().timings, 200.0)
    assert dict(parts) == {
        "Finding features": 200.0,
        "On the way": 5.0,
        "Waiting for a turn": 10.0,
        "Searching": 20.0,
        "Checking geometry": 30.0,
    }
    drawn = stacked([*parts, ("Nothing", 0.0)])
    assert [part.title for part in drawn] == [title for title, _ in parts]
    assert drawn[0].width == pytest.approx(1000 * 200 / 265, abs=0.01)
    assert drawn[-1].x + drawn[-1].width == pytest.approx(1000, abs=0.05)
    assert stacked([]) == []


def test_matches_join_the_same_places_of_two_photos() -> None:
    here = np.array([[319.5, 239.5], [-0.5, -0.5]], np.float32)
    there = np.array([[99.5, 199.5], [199.5, 399.5]], np.float32)
    drawing = match_drawing(
        (640, 480), (200, 400), here, there, np.array([[-0.5, -0.5], [639.5, -0.5], [0, 400]], np.float32)
    )
    assert (drawing.query.width, drawing.reference.width, drawing.height) == (800, 300, 600)
    middle, corner = drawing.lines
    assert (middle.x1, middle.y1, middle.x2, middle.y2) == (400, 300, drawing.reference.x + 150, 300)
    assert (corner.x1, corner.y1, corner.x2, corner.y2) == (0, 0, drawing.width, 600)
    assert drawing.outline.startswith("0.0,0.0 800.0,0.0 ")
    many = np.zeros((MOST_LINES + 5, 2), np.float32)
    assert (len(match_drawing((4, 4), (0, 0), many, many).lines), polygon(many[:2])) == (MOST_LINES, "")
    assert match_drawing((4, 4), (0, 0), many, many).total == MOST_LINES + 5
    assert match_drawing((4, 4), (0, 0), many[:0], many[:0]).lines == ()


def test_features_have_a_picture() -> None:
    drawn = features_picture(features(30))
    assert drawn.count("<circle") == 30
    assert 'viewBox="0 0 640 480"' in drawn
    assert features_picture(features(3000)).count("<circle") == 600


async def test_photos_are_read_as_a_phone_reads_them() -> None:
    reading = PhotoReading()
    try:
        found = await reading.read(encoded(scene(5, 2000, 1500), ".jpg"), DEFAULT_RELEASE)
        assert found.features is not None
        assert (found.features.width, found.features.height, found.width) == (2000, 1500, 2000)
        assert read_image(found.view).shape == (960, VIEW_SIDE, 3)
        assert (await reading.read(encoded(scene(5, 200, 150), ".png"), "a-release-of-ones-own")).features is None
        assert read_image(await reading.view(encoded(scene(5, 200, 150), ".png"), 100)).shape == (75, 100, 3)
        for wrong in (b"", b"GIF89a", encoded(scene(5, 20, 20), ".png")):
            with pytest.raises(ImageError):
                await reading.read(wrong, DEFAULT_RELEASE)
    finally:
        reading.close()


def form_of(photo: bytes) -> Request:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="word"\r\n\r\nt\r\n'
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\nContent-Type: image/jpeg\r\n\r\n'
        + photo
        + b"\r\n--x--\r\n"
    )
    chunks = [body[first : first + 2**20] for first in range(0, len(body), 2**20)]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def test_a_form_stays_in_memory_and_within_bounds() -> None:
    photo = bytes(range(256)) * 20_000  # more than what others would put on a disk
    form = await read_photo_form(form_of(photo))
    file = form["photo"]
    assert not isinstance(file, str)
    assert not getattr(file.file, "_rolled")  # noqa: B009 - of the standard library: whether it went to a disk
    assert await photo_of(form, "camera", "photo") == photo
    assert form["word"] == "t"
    await form.close()
    with pytest.raises(ImageError, match="larger than 32 MB"):
        await read_photo_form(form_of(bytes(MOST_BYTES)))
