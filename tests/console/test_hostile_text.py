"""Text of strangers, wherever there is any, is text: it neither runs nor breaks out of its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog, expect

from steeple.client import Client
from steeple.console.pages import PARTS
from tests.hostile_photos import jpeg_segment

from .catalogue import photo
from .conftest import PASSWORD, Guarded, Visit

CANARY = "<img src=x onerror=\"window.pwned='{}'\">"
BREAKOUT = (
    "\"'></textarea></title></svg><script>window.pwned='{}'</script>{{{{7*7}}}}<svg onload=\"window.pwned='{}'\">"
)


def hostile(place: str) -> str:
    return f"{CANARY}{BREAKOUT}".replace("{}", place).replace("{{", "{").replace("}}", "}")


@pytest.fixture(scope="module")
def poisoned(guarded: Guarded, photographs: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Ids of what was filled with such text: landmark, image, key, person, operation."""
    with Client(guarded.address, key=guarded.secrets["admin"]) as client:
        landmark = client.create_landmark(
            hostile("name"),
            landmark_id="poisoned",
            description=hostile("description"),
            aliases={"en": [hostile("alias")]},
            metadata={"note": hostile("value")},
        )
        data = photo(photographs, "chartres")
        exif = b"Exif\0\0" + b"MM\0*\0\0\0\x08" + exif_text(hostile("exif"))
        comment = jpeg_segment(0xFE, hostile("comment").encode())
        image = client.add_reference_image(
            landmark, data[:2] + jpeg_segment(0xE1, exif) + comment + data[2:], metadata={"note": hostile("photo")}
        )
        key = client.create_key(hostile("key")[:200], "device").key
        person = client.create_person("mallory", hostile("person")[:200], "editor", password=PASSWORD)
        client.sign_in("mallory", PASSWORD, user_agent=hostile("agent")[:200])
        for name in ("bad", "<img src=x onerror=alert(1)>"):
            folder = guarded.folder / "import" / "poisoned"
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.jpg").write_bytes(b"this is no photo")
        operation = client.wait_operation(client.import_reference_images(folder="."))
        client.send_feedback(
            data, "wrong", note=hostile("note"), suggested_name=hostile("suggested")[:200], upload=True
        )
        yield {
            "landmark": landmark.id,
            "image": image.name.rpartition("/")[2],
            "key": key.id,
            "person": person.id,
            "operation": operation.id,
        }


def exif_text(text: str) -> bytes:
    """A directory of one entry: ImageDescription, big-endian."""
    data = text.encode() + b"\0"
    entry = b"\x01\x0e\x00\x02" + len(data).to_bytes(4, "big") + (26).to_bytes(4, "big")
    return b"\0\x01" + entry + b"\0\0\0\0" + data


def paths(poisoned: dict[str, str]) -> Iterator[str]:
    """Every page there is, filled with what is poisoned, and pages that are asked for with such text."""
    ids = {"people": "person", "keys": "key", "operations": "operation", "landmarks": "landmark", "images": "image"}
    for part in PARTS:
        for row in part.rows:
            if row.method != "GET" or row.path.endswith(("/file", "/events", "/photo", "/thumbnail", "/cover")):
                continue
            parts = row.path.split("/")
            known = [
                poisoned.get(ids.get(before, ""), "") if re.fullmatch(r"\{.*\}", name) else name
                for before, name in zip(["", *parts], parts, strict=False)
            ]
            if all(known[1:]) or row.path == "/":
                yield "/".join(known)
    text = quote(hostile("query"))
    for field in ("q", "page", "label", "filter", "order"):
        yield f"/landmarks?{field}={text}"
    for field in ("actor", "resource", "what", "outcome", "from", "until"):
        yield f"/audit?{field}={text}"
    yield f"/health?minutes={text}&method={text}"
    yield f"/operations?state={text}"
    yield f"/people/{quote(hostile('path'), safe='')}"
    yield f"/nothing/{quote(hostile('path'), safe='')}"


def test_text_of_strangers_does_not_run(guarded: Guarded, poisoned: dict[str, str], visit: Visit) -> None:
    visitor = visit(url=guarded.console)
    page, dialogs = visitor.page, list[str]()

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    secret = guarded.secrets["admin"]
    page.context.add_cookies([{"name": "steeple_session", "value": secret, "url": guarded.console}])
    seen = 0
    visited = sorted(set(paths(poisoned)))
    for path in visited:
        visitor.go(path)
        expect(page.locator("[data-later]")).to_have_count(0)  # what comes later is there
        assert page.evaluate("window.pwned ?? ''") == "", path
        expect(page.locator("img[src=x], main script, svg[onload]"), path).to_have_count(0)
        html = page.content()
        seen += "onerror=" in html
        assert "49}" not in html or "7*7" in html, "no template is made of it"
    assert dialogs == []
    assert len(visited) > 25
    assert seen > 12, "and it was there to be seen"
    refused = [text for text in visitor.complaints if "Content Security Policy" in text or "violates" in text]
    assert refused == [], "it did not even come so far that the policy had to stop it"
    visitor.complaints.clear()  # pages that there are not are told with their status
