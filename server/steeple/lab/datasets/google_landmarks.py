"""Google Landmarks v2 (Weyand, Araujo, Cao and Sim, CVPR 2020): recognition and retrieval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.files import rows
from steeple.lab.photos import Benchmark, Grade, LabDataset, LabPhoto, LabQuery

_TASKS: Final = ("retrieval", "recognition")
_PARTS: Final = {"private": ("Private",), "public": ("Public",), "all": ("Private", "Public")}
_NONE: Final = "None"  # in place of photos, where a query of the retrieval task is ignored


def has_google_landmarks(folder: Path) -> bool:
    """Whether it is such a data set."""
    return any(_solutions(folder, task) for task in _TASKS)


def read_google_landmarks(
    folder: Path, task: str = "retrieval", part: str = "private", partial: bool = False
) -> LabDataset:
    """From the published tables and folders, photo ``ID`` being ``train``, ``index`` or ``test``/a/b/c/abcID.jpg.

    Retrieval: queries and their right photos from ``retrieval_solution_v2.1.csv`` (id, images, Usage), the gallery
    from ``index.csv`` (id). Photos of the gallery have no landmark, as the challenge did not tell any.

    Recognition: queries and their landmarks from ``recognition_solution_v2.1.csv`` (id, landmarks, Usage; those
    without are distractors), the gallery from ``train_clean.csv`` (landmark_id, images), or ``train.csv`` (id,
    landmark_id) if that is all there is. A query of several landmarks has them in one string, apart by spaces. One
    whose landmark the clean photos do not have keeps it, cannot be answered, and counts, as in the challenge.

    The tables lie in the folder, or in ``metadata`` and ``ground_truth`` below it.

    Args:
        folder: Of the data set.
        task: ``retrieval`` or ``recognition``.
        part: ``private``, ``public`` or ``all`` queries.
        partial: Photos that are not there are left out, of gallery, answers and queries, and the name says so:
            figures compare with nothing published. Queries without an answer in what is left are distractors.
            Otherwise a missing photo is an error.

    Raises:
        InvalidArgumentError: If a table is missing or malformed, an argument is none of these, or photos are missing.
    """
    if task not in _TASKS or part not in _PARTS:
        raise InvalidArgumentError(f"the task is one of {', '.join(_TASKS)}, the part one of {', '.join(_PARTS)}")
    solutions = _solutions(folder, task)
    if not solutions:
        raise InvalidArgumentError(f"{folder} has no {task}_solution_*.csv, which says what is right")
    retrieval = task == "retrieval"
    column = "images" if retrieval else "landmarks"
    answers = {
        name: () if right == _NONE else tuple(right.split())
        for name, right, usage in rows(solutions[-1], "id", column, "Usage")
        if usage in _PARTS[part]
    }
    labels = dict.fromkeys(_index(folder), "") if retrieval else _train(folder)
    gallery = _photos(folder, "index" if retrieval else "train", labels, partial=partial)
    queries = _photos(folder, "test", answers, partial=partial)
    places: Mapping[str, list[int]] = _places(gallery, None if retrieval else labels)
    unknown = {name for each in answers.values() for name in each} - places.keys()
    if unknown and retrieval and not partial:
        raise InvalidArgumentError(f"{solutions[-1]} names {sorted(unknown)[0]}, which the gallery does not have")
    if not gallery or not queries:
        raise InvalidArgumentError(f"{folder} has none of the photos of the gallery, or none of the queries")
    return LabDataset(
        f"google-landmarks-v2-{task}" + ("-partial" if partial else ""),
        tuple(gallery.values()),
        tuple(labels[name] for name in gallery),
        tuple(_query(photo, answers[name], places, keep=not partial) for name, photo in queries.items()),
        benchmark=Benchmark.MAP_AT_100 if retrieval else Benchmark.MICRO_AP,
    )


def _solutions(folder: Path, task: str) -> list[Path]:
    return sorted(path for place in _tables(folder) for path in place.glob(f"{task}_solution*.csv"))


def _tables(folder: Path) -> tuple[Path, ...]:
    return (folder, folder / "metadata", folder / "ground_truth")


def _table(folder: Path, name: str) -> Path | None:
    return next((place / name for place in _tables(folder) if (place / name).is_file()), None)


def _index(folder: Path) -> list[str]:
    table = _table(folder, "index.csv")
    if table is None:
        raise InvalidArgumentError(f"{folder} has no index.csv, which says what is searched")
    return [name for (name,) in rows(table, "id")]


def _train(folder: Path) -> dict[str, str]:
    """Landmark by photo."""
    clean, whole = _table(folder, "train_clean.csv"), _table(folder, "train.csv")
    if clean is not None:
        return {name: mark for mark, names in rows(clean, "landmark_id", "images") for name in names.split()}
    if whole is not None:
        return dict(rows(whole, "id", "landmark_id"))  # type: ignore[arg-type] # of two columns
    raise InvalidArgumentError(f"{folder} has neither train_clean.csv nor train.csv, which say what is searched")


def _photos(folder: Path, split: str, names: Iterable[str], *, partial: bool) -> dict[str, LabPhoto]:
    found, missing = {}, []
    for name in names:
        path = folder / split / "/".join(name[:3]) / f"{name}.jpg"
        if path.is_file():
            found[name] = LabPhoto(f"{split}/{name}", path)
        else:
            missing.append(path)
    if missing and not partial:
        raise InvalidArgumentError(
            f"{len(missing)} photos are missing, {missing[0]} among them; the option partial leaves them out, and "
            "figures then compare with nothing published"
        )
    return found


def _places(gallery: Mapping[str, LabPhoto], labels: Mapping[str, str] | None) -> dict[str, list[int]]:
    """Positions in the gallery by what answers name: a photo, or a landmark."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(gallery):
        places[name if labels is None else labels[name]].append(place)
    return dict(places)


def _query(photo: LabPhoto, answers: tuple[str, ...], places: Mapping[str, list[int]], *, keep: bool) -> LabQuery:
    """With ``keep``, what it shows is told also where the gallery does not have it."""
    right = [place for answer in answers for place in places.get(answer, ())]
    return LabQuery(photo, " ".join(answers) if right or keep else "", "", dict.fromkeys(right, Grade.EASY))
