"""``steeple packs`` against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from steeple.cli import completion, options, packs
from steeple.packs import DEFAULT_FEATURES, Pack
from steeple.server.packs.records import DEFAULT_IMAGES

from .support import Steeple


def test_a_pack_is_made_listed_shown_downloaded_refreshed_and_deleted(
    catalogue: Steeple, address: str, tmp_path: Path
) -> None:
    assert catalogue("landmarks", "update", "scene-200", "--label", "square").code == 0
    made = catalogue("packs", "create", "squares", "--name", "Squares", "--label", "square", "--max-images", "1")
    assert made.code == 0, made.err
    assert made.out.startswith("packs/squares: 1 landmarks, 1 images, ")
    listed = {pack["id"]: pack for pack in catalogue("packs", "list", "--json").json}
    assert (listed["squares"]["display_name"], listed["squares"]["state"]) == ("Squares", "current")
    assert "squares" in catalogue("packs", "list").out
    typing = typer.Context(typer.main.get_command(packs.app))
    typing.params = {"server": address}
    assert completion.packs(typing, "squ") == ["squares"]
    shown = catalogue("packs", "show", "squares")
    assert "at most 1 of a landmark" in shown.out
    assert catalogue("packs", "show", "packs/squares", "--json").json == listed["squares"]

    file = tmp_path / "folder" / "squares.pack"
    ran = catalogue("packs", "download", "squares", file, "--json")
    assert (ran.code, ran.json["file"], ran.json["sha256"]) == (0, str(file), listed["squares"]["sha256"])
    pack = Pack.open(file)
    assert list(pack.landmarks) == ["scene-200"]
    assert pack.thumbnail("scene-200") is not None
    pack.close()

    assert catalogue("landmarks", "update", "scene-200", "--description", "Changed.").code == 0
    assert catalogue("packs", "show", "squares", "--json").json["state"] == "stale"
    refreshed = catalogue("packs", "refresh", "--stale", "--json").json
    assert [(pack["id"], pack["state"]) for pack in refreshed] == [("squares", "current")]
    assert catalogue("packs", "refresh", "--stale").out == "all packs are current\n"
    assert catalogue("landmarks", "update", "scene-200", "--description", "Shapes.").code == 0  # as others expect it
    assert catalogue("packs", "refresh", "squares", "--json").json[0]["max_images"] == 1
    assert catalogue("packs", "delete", "squares", "--json").json == {"deleted": "packs/squares"}
    assert catalogue("packs", "show", "squares").code == 4


def test_a_pack_is_exported_and_nothing_is_left_of_it_on_the_server(catalogue: Steeple, tmp_path: Path) -> None:
    file = tmp_path / "My scenes.pack"
    ran = catalogue("packs", "export", file, "--exact", "--max-features", "100", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["file"], int(ran.json["file_size_bytes"])) == (str(file), file.stat().st_size)
    pack = Pack.open(file)
    assert (pack.manifest.facts.id, pack.manifest.exact) == ("my-scenes", True)
    assert {"scene-200", "scene-201"} <= set(pack.landmarks)
    assert max(image.feature_count for image in pack.images) <= 100
    pack.close()
    assert catalogue("packs", "export", file, "--id", "mine", "--max-features", "100").code == 0
    with Pack.open(file) as again:
        assert (again.manifest.facts.id, again.manifest.facts.display_name, again.manifest.exact) == (
            "mine",
            "mine",
            False,
        )
    assert catalogue("packs", "list", "--json").json == []
    operations = catalogue("operations", "list", "--json").json
    assert not [each for each in operations if each["method"].endswith("ExportPack")]
    ran = catalogue("packs", "export", file, "--near", "0,0", "--radius", "10")
    assert (ran.code, "no landmark there" in ran.err) == (6, True)


def test_a_pack_may_be_left_to_the_server(catalogue: Steeple) -> None:
    begun = catalogue("packs", "create", "later", "--no-wait", "--json").json
    assert catalogue("operations", "wait", begun["id"], "--json").json["results"]["pack"] == "packs/later"
    assert catalogue("packs", "delete", "later").code == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["create", "x", "--near", "1,2"], "--near and --radius"),
        (["create", "x", "--radius", "5"], "--near and --radius"),
        (["create", "x", "--near", "north", "--radius", "5"], "--near must read"),
        (["export", "x.zip"], ".pack"),
        (["download", "x", "/dev/null/x.pack"], "cannot be written"),
        (["refresh"], "one of the two"),
        (["refresh", "x", "--stale"], "one of the two"),
        (["create", "x", "--max-images", "0"], "--max-images"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(args: list[str], says: str, steeple: Steeple) -> None:
    ran = steeple("packs", *args, "--server", "127.0.0.1:1", "--json")
    assert ran.code == 2
    assert says in ran.error["message"]


def test_the_defaults_are_those_of_the_server() -> None:
    assert (options.DEFAULT_PACK_IMAGES, options.DEFAULT_PACK_FEATURES) == (DEFAULT_IMAGES, DEFAULT_FEATURES)
