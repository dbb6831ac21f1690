"""``steeple model visualize``: pictures of what a release's network attends to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output, error_facts
from steeple.cli.photo_files import find_photos
from steeple.cli.writable import check_writable
from steeple.errors import ImageError, SteepleError

if TYPE_CHECKING:
    from steeple.cli.attention_picture import AttentionShares
    from steeple.delf import Extractor

_PARTLY_FAILED: Final = 1
_SUFFIX: Final = "-attention.jpg"


def visualize(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO|FOLDER", help="JPEG, PNG, WebP or BMP files, or folders of such.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Model release to look into."
        ),
    ] = DEFAULT_MODEL,
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pictures are saved; made if missing.")
    ] = Path("attention"),
    json: JsonOption = False,
) -> int:
    """Draw what a release attends to in photos, and which features it keeps. Asks no server.

    Left, the photo under its attention: the highest score of all pyramid levels, as a share of the photo's highest.
    Right, the features that are kept: colour is the score, size the cell that the feature stands for.

    \b
    Figures of each photo:
      kept       share of all attention that the features have which are kept
      top tenth  share that the tenth of the cells of highest score has; 10 % if all cells are alike

    \b
    Examples:
      steeple model visualize photo.jpg
      steeple model visualize photos/ --model releases/delf-mine --output pictures --json

    \b
    Exit code: 0 if every photo was drawn, 1 if one of several could not be used, else that of the error.
    """
    from steeple.delf import Extractor

    output = Output(as_json=json)
    files = find_photos(photos)
    extractor = Extractor(model)
    drawn: list[tuple[Path, Path, AttentionShares]] = []
    failed: list[tuple[Path, SteepleError]] = []
    with output.progress("drawing", len(files)) as done:
        for file, target in zip(files, _targets(files, directory), strict=True):
            try:
                drawn.append((file, target, _draw(extractor, file, target)))
            except ImageError as error:
                if len(files) == 1:
                    raise
                failed.append((file, error))
                if not output.as_json:
                    output.error(error, photo=str(file))
            done.advance(file.name)
    output.document(
        {
            "model": extractor.release.name,
            "tflite_sha256": extractor.release.tflite_sha256,
            "photos": [_facts(*entry) for entry in drawn],
            "failed": [{"photo": str(file), "error": error_facts(error)} for file, error in failed],
        }
    )
    _print(output, drawn)
    return _PARTLY_FAILED if failed else 0


def _targets(files: Iterable[Path], directory: Path) -> Iterator[Path]:
    """A file for each picture, named after its photo; a number tells photos of one name apart."""
    taken: set[str] = set()
    for file in files:
        name, number = file.stem, 1
        while name.lower() in taken:
            number += 1
            name = f"{file.stem}-{number}"
        taken.add(name.lower())
        yield directory / f"{name}{_SUFFIX}"


def _draw(extractor: Extractor, file: Path, target: Path) -> AttentionShares:
    from steeple.cli.attention_picture import draw_attention, shares
    from steeple.cli.canvas import FORMATS, save
    from steeple.delf import read_image

    check_writable(target, "--output", FORMATS)
    photo = read_image(file)
    maps, features = extractor.attention(photo), extractor.extract(photo)
    figures = shares(maps, features)
    detail = (
        f"{figures.features} features of {figures.cells} cells on {len(maps)} levels, with "
        f"{figures.kept_share:.0%} of the attention; the top tenth of the cells has {figures.top_tenth_share:.0%}"
    )
    title = f"{extractor.release.name}: {file.name}"
    save(draw_attention(photo, maps, features, title=title, detail=detail), target)
    return figures


def _facts(file: Path, target: Path, figures: AttentionShares) -> dict[str, Any]:
    return {"photo": str(file), "picture": str(target), **asdict(figures)}


def _print(output: Output, drawn: Iterable[tuple[Path, Path, AttentionShares]]) -> None:
    output.table(
        (
            Column("photo"),
            Column("features", "right"),
            Column("cells", "right"),
            Column("kept", "right"),
            Column("top tenth", "right"),
            Column("features per level, largest first", "right"),
            Column("picture"),
        ),
        [
            (
                file.name,
                str(figures.features),
                str(figures.cells),
                f"{figures.kept_share:.0%}",
                f"{figures.top_tenth_share:.0%}",
                " ".join(str(level.features) for level in figures.levels),
                str(target),
            )
            for file, target, figures in drawn
        ],
    )
