"""``steeple benchmark pack``: what an offline pack costs, and how far it agrees with a server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output, without_nan
from steeple.cli.stages import staged

if TYPE_CHECKING:
    from steeple.delf import ModelRelease
    from steeple.delf.progress import Progress
    from steeple.recognition import Recognition
    from steeple.server.scale.pack_points import Known

_FIGURES: Final = {
    "recall_at_1": "recall@1",
    "micro_ap": "micro-AP",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "ece": "ECE",
    "identified": "identified",
    "wrongly_identified": "wrongly",
}


def pack(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Photos with known answers, as for `steeple evaluate`. Default: synthetic."),
    ] = None,
    landmarks: Annotated[
        int, typer.Option("--landmarks", metavar="N", min=1, help="Synthetic landmarks in the pack.")
    ] = 500,
    images: Annotated[int, typer.Option("--images", metavar="N", min=1, help="Synthetic photos of each.")] = 3,
    queries: Annotated[int, typer.Option("--queries", metavar="N", min=1, help="Synthetic queries.")] = 40,
    features: Annotated[
        int | None,
        typer.Option("--features", metavar="N", min=1, max=4096, help="Kept of each image, the best. Default: 1000."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Keep descriptors beside their codes: 40 bytes more a feature.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release to measure.")
    ] = DEFAULT_MODEL,
    json: JsonOption = False,
) -> None:
    """Measure an offline pack on one thread: its size, its time a query, and its agreement with a server.

    A server's recognition, with FAISS, and a pack, with NumPy, are made of the same photos and asked the same queries.
    Synthetic queries have 1000 features, of which 40 to 300 are planted in three of four. A folder of photos shows what
    the answers are worth as well.

    \b
    Examples:
      steeple benchmark pack
      steeple benchmark pack --landmarks 2000 --images 5 --json
      steeple benchmark pack photos/ --features 400 --exact
    """
    import cv2
    from threadpoolctl import threadpool_limits

    from steeple.delf import ModelRelease
    from steeple.packs import DEFAULT_FEATURES
    from steeple.server.scale.pack_points import PackTrial, SyntheticLandmarks, agreement_of, times_of

    output, release = Output(as_json=json), ModelRelease.load(model)
    kept = DEFAULT_FEATURES if features is None else features
    with staged(output) as progress, tempfile.TemporaryDirectory(prefix="steeple-benchmark-") as place:
        if folder is None:
            synthetic = SyntheticLandmarks(release, landmarks, images)
            photos = [synthetic.photo(number) for number in range(synthetic.count)]
            known = [synthetic.query(number) for number in range(queries)]
        else:
            photos, known = _photos(folder, release, progress)
        cv2.setNumThreads(1)
        with (
            threadpool_limits(1),
            PackTrial(release, photos, Path(place, "a.pack"), features=kept, exact=exact, progress=progress) as trial,
        ):
            answers = trial.ask(known, progress)
    times, agreement = times_of(answers), agreement_of(answers)
    worth = {"server": _worth(known, answers.server), "pack": _worth(known, answers.pack)} if folder is not None else {}
    output.document(
        {
            "model": release.name,
            "features_per_image": kept,
            "exact": exact,
            "pack": asdict(trial.size),
            "milliseconds": asdict(times),
            "agreement": asdict(agreement),
            **({"recognition": worth} if worth else {}),
        }
    )
    size = trial.size
    output.facts(
        [
            ("pack", f"{size.landmarks} landmarks, {size.images} images, {size.features:,} features"),
            ("size", f"{size.size_bytes:,} bytes, {size.bytes_per_landmark:,.0f} a landmark; no thumbnails"),
            ("open", f"{size.open_milliseconds:.0f} ms, all checksums included"),
            ("query", f"{times.total:.0f} ms (search {times.search:.0f}, verify {times.verify:.0f}); median"),
            ("slowest", f"{times.slowest:.0f} ms"),
            ("processor", f"{times.processor:.0f} ms a query, of one core; median"),
            ("server", f"{times.server:.0f} ms, on one thread as well; median"),
            ("same outcome", f"{agreement.same_outcome:.1%} of {agreement.queries} queries"),
            (
                "same landmark",
                "none identified"
                if agreement.same_first is None
                else f"{agreement.same_first:.1%} of the {agreement.identified} that the server identifies; "
                f"{agreement.other_landmark} with another",
            ),
            (
                "confidence",
                f"differs by {agreement.confidence_mean:.3f} (mean), {agreement.confidence_95:.3f} (95 of 100), "
                f"{agreement.confidence_largest:.3f} (largest)",
            ),
        ]
    )
    if worth:
        _print(output, worth)


def _photos(folder: Path, release: ModelRelease, progress: Progress) -> tuple[list[Known], list[Known]]:
    """Photos of a data set, landmark by landmark, and those that are asked about."""
    from steeple.server.evaluation import Dataset, extract_features
    from steeple.server.scale.pack_points import Known

    dataset = Dataset.open(folder)
    # A pack's ids have fewer letters than folders may have.
    names = {photo.landmark: f"landmark-{number}" for number, photo in enumerate(dataset.gallery) if photo.landmark}
    shown = extract_features("gallery", dataset.gallery, release, progress)
    photos = [
        Known(names.get(photo.landmark) or f"filler-{number}", found) for number, (photo, found, _) in enumerate(shown)
    ]
    asked = extract_features("queries", dataset.queries, release, progress)
    known = [Known(names.get(photo.landmark, ""), found) for photo, found, _ in asked if len(found)]
    return sorted(photos, key=lambda photo: photo.landmark_id), known


def _worth(known: Sequence[Known], answers: Sequence[Recognition]) -> dict[str, float | None]:
    """As `steeple evaluate` says."""
    from steeple.server.evaluation import Outcome, measure

    outcomes = []
    for query, answer in zip(known, answers, strict=True):
        best = answer.candidates[0] if answer.candidates else None
        right = best is not None and bool(query.landmark_id) and best.landmark_id == query.landmark_id
        confidence = best.confidence if best else 0.0
        outcomes.append(Outcome(bool(query.landmark_id), right, confidence, answer.identified))
    metrics = measure(outcomes)
    worth: dict[str, float | None] = without_nan({name: getattr(metrics, name) for name in _FIGURES}, 6)
    return worth


def _print(output: Output, worth: Mapping[str, Mapping[str, float | None]]) -> None:
    output.table(
        (Column(""), *(Column(title, "right") for title in _FIGURES.values())),
        [
            (name, *("n/a" if figures[figure] is None else f"{figures[figure]:.3f}" for figure in _FIGURES))
            for name, figures in worth.items()
        ],
    )
