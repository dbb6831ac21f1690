"""``steeple index``: which engine keeps the descriptors, and from one to another."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Cell, Column, Output, describe_time
from steeple.errors import InvalidArgumentError, SteepleError

if TYPE_CHECKING:
    from steeple.delf.release import ModelRelease
    from steeple.server.catalogue import Catalogue
    from steeple.server.index.milvus.listing import StoredCollection
    from steeple.server.index_migration import IndexStatus, Moved
    from steeple.server.settings import Settings
    from steeple.server.shared_index.milvus import MilvusEngine

app = typer.Typer(no_args_is_help=True, help="Which engine keeps the descriptors, and from one to another.")

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="The server's data folder. [as the settings say]")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The server's settings as TOML. [STEEPLE_CONFIG]")
]
MilvusOption = Annotated[
    str | None,
    typer.Option("--milvus-uri", metavar="URI", help="As in http://milvus:19530. [as the settings say]"),
]


@app.command("status")
def status(
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    milvus_uri: MilvusOption = None,
    json: JsonOption = False,
) -> None:
    """Show which indexes there are of a catalogue, and how far each is.

    Reads the catalogue, FAISS's files in the data folder, all of them, and asks Milvus where the settings name one.
    A server may run meanwhile: what it has of FAISS's index beyond its files is not told here, but by steeple info.
    Collections in Milvus that begin with the same milvus_prefix and are not of this catalogue are listed, too.

    \b
    Examples:
      steeple index status --data-dir /var/lib/steeple
      steeple index status --config /etc/steeple.toml --json | jq '.indexes[] | select(.serves)'
    """
    from steeple.server.catalogue import Catalogue
    from steeple.server.index_migration import statuses

    faiss, milvus = _settings(data_dir, config, milvus_uri)
    output = Output(as_json=json)
    with ExitStack() as opened:
        catalogue = opened.enter_context(Catalogue.open(faiss.catalogue_url))
        engine = opened.enter_context(closing(_engine(milvus, catalogue))) if milvus.milvus_uri else None
        found = statuses(catalogue, _releases(faiss, catalogue), faiss.data_dir / "index", engine)
        others, unasked = _others(engine)
    output.document(
        {
            "indexes": [asdict(one) for one in found],
            "other_collections": [_collection(one) for one in others],
            "other_collections_problem": unasked,
        }
    )
    output.table(
        (
            Column("model"),
            Column("engine"),
            Column("serves"),
            Column("kind"),
            Column("generation", "right"),
            Column("change", "right"),
            Column("images", "right"),
            Column("descriptors", "right"),
            Column("notes"),
        ),
        [_row(one) for one in found],
    )
    if others:
        output.table(_COLLECTION, [_collection_row(one) for one in others], title="Not of this catalogue")
        output.note("delete those whose catalogues are gone with steeple index drop")
    if unasked:
        output.note(f"what else Milvus has is unknown: {unasked}")


@app.command("drop")
def drop(
    collections: Annotated[list[str], typer.Argument(metavar="COLLECTION", help="As steeple index status has them.")],
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    milvus_uri: MilvusOption = None,
    serving: Annotated[
        bool, typer.Option("--serving", help="Also what serves this catalogue, once no server of it uses Milvus.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete collections in Milvus that no catalogue needs any more.

    They stay behind, and cost Milvus memory, where the database of a catalogue was lost, or replaced by a restored one.
    Nobody but you knows whether the catalogue of a collection is there still; if it is, its servers make it anew.
    All that are named are looked at before the first is deleted: what Steeple has not made is refused.

    \b
    Examples:
      steeple index drop steeple_9f86d081884c_delf_lite2_v1_3 --data-dir /var/lib/steeple
      steeple index drop steeple_9f86d081884c_delf_lite2_v1_3 --config /etc/steeple.toml --yes --json
    """
    from steeple.server.catalogue import Catalogue
    from steeple.server.index_migration import drop as delete
    from steeple.server.index_migration import droppable

    faiss, milvus = _settings(data_dir, config, milvus_uri, needs_milvus=True)
    output = Output(as_json=json)
    if not yes and (json or not sys.stdin.isatty()):
        raise InvalidArgumentError("nothing was deleted: nobody can be asked here; say --yes")
    dropped = []
    with ExitStack() as opened:
        catalogue = opened.enter_context(Catalogue.open(faiss.catalogue_url))
        engine = opened.enter_context(closing(_engine(milvus, catalogue)))
        found = droppable(catalogue, engine, collections, serving=serving)
        if not yes:
            output.table(_COLLECTION, [_collection_row(one) for one in found])
            if not typer.confirm("Delete them, and all that they have?", err=True):
                output.note("nothing was deleted")
                raise typer.Exit(1)
        for one in found:
            delete(catalogue, engine, one)
            dropped.append(one.name)
            output.say(f"deleted {one.name}")
    output.document({"dropped": dropped})


@app.command("migrate")
def migrate(
    to: Annotated[
        str,
        typer.Option("--to", metavar="ENGINE", help="Whose index is to be made: faiss or milvus.", show_default=False),
    ],
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    milvus_uri: MilvusOption = None,
    images: Annotated[
        int, typer.Option("--images", metavar="N", min=1, help="Reference images whose descriptors are searched for.")
    ] = 500,
    agreement: Annotated[
        float,
        typer.Option(
            "--agreement",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Of these, whose nearest must be of the same image in both indexes.",
        ),
    ] = 0.95,
    anew: Annotated[
        bool, typer.Option("--anew", help="Make it from the start, also where it is there already.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make the index of another engine beside the one that serves, and compare the two.

    Nothing is switched: at the end it says which setting to change. It can be interrupted, or killed, and run again,
    and then goes on. FAISS's index lies in the data folder, whose server must be stopped; on a catalogue in PostgreSQL
    servers may go on, and --data-dir names any other folder.

    Counts must be the same in the catalogue and in both indexes. For descriptors of reference images, evenly chosen,
    the nearest must be of the same image for most.

    \b
    Examples:
      steeple index migrate --to milvus --milvus-uri http://milvus:19530 --data-dir /var/lib/steeple
      steeple index migrate --to milvus --config /etc/steeple.toml --data-dir /tmp/for-faiss --json
      steeple index migrate --to faiss --config /etc/steeple.toml
    """
    if to not in ("faiss", "milvus"):
        raise InvalidArgumentError(f"--to is faiss or milvus, not {to!r}")

    from steeple.server.catalogue import Catalogue
    from steeple.server.data_dir import DataDir
    from steeple.server.index_migration import EngineName, Migration

    faiss, milvus = _settings(data_dir, config, milvus_uri, needs_milvus=True)
    output = Output(as_json=json)
    with ExitStack() as opened:
        folder = opened.enter_context(closing(DataDir(faiss.data_dir)))
        catalogue = opened.enter_context(Catalogue.open(faiss.catalogue_url))
        engine = opened.enter_context(closing(_engine(milvus, catalogue)))
        stopping = opened.enter_context(_stopping())
        told = opened.enter_context(output.steps())
        migration = Migration(
            catalogue, folder.index, engine, factory=faiss.index_factory, stopping=stopping, told=told
        )
        moved = [
            migration.move(release, EngineName(to), anew=anew, images=images, least=agreement)
            for release in _releases(faiss, catalogue)
        ]
    objections = [one.objection for one in moved if one.objection]
    then = "" if objections else _then(to, milvus)
    output.document({"to": to, "indexes": [_facts(one) for one in moved], "then": then})
    output.table(
        (
            Column("model"),
            Column("images", "right"),
            Column("descriptors", "right"),
            Column("queries", "right"),
            Column("same image", "right"),
            Column("same feature", "right"),
            Column("overlap", "right"),
        ),
        [
            (
                one.model,
                f"{one.catalogue.images:,}",
                f"{one.catalogue.descriptors:,}",
                f"{one.agreement.queries:,}",
                f"{one.agreement.same_image:.2%}",
                f"{one.agreement.same_feature:.2%}",
                f"{one.agreement.overlap:.2%}",
            )
            for one in moved
        ],
    )
    for objection in objections:
        output.say(objection, "red")
    output.say(then)
    if objections:
        raise typer.Exit(1)


def _settings(
    data_dir: Path | None, config: Path | None, milvus_uri: str | None, *, needs_milvus: bool = False
) -> tuple[Settings, Settings]:
    """The settings as they are for FAISS, and as they are for Milvus: there may be some of both."""
    from steeple.server.settings import Settings

    # What the settings say of listening is not at stake here.
    common = {"data_dir": data_dir, "insecure": True}
    faiss = Settings.load(config, milvus_uri="", milvus_token="", milvus_kind="IVF_PQ", **common)
    milvus = Settings.load(config, milvus_uri=milvus_uri, index="", device="cpu", batching="off", **common)
    if needs_milvus and not milvus.milvus_uri:
        raise InvalidArgumentError("which Milvus? name it with --milvus-uri, or in the settings")
    return faiss, milvus


def _engine(settings: Settings, catalogue: Catalogue) -> MilvusEngine:
    from steeple.server.catalogue.index_identity import identity_of
    from steeple.server.index_engines import milvus_engine

    return milvus_engine(settings, identity_of(catalogue.database))


def _others(engine: MilvusEngine | None) -> tuple[list[StoredCollection], str]:
    """Collections of other catalogues, and why there is no telling; empty if there is."""
    if engine is None:
        return [], ""
    try:
        return engine.others(), ""
    except SteepleError as error:
        return [], error.message


def _releases(settings: Settings, catalogue: Catalogue) -> list[ModelRelease]:
    """Those that are served, as a server would serve them."""
    from dataclasses import replace

    from steeple.delf.release import ModelRelease

    sources = [one.source for one in catalogue.releases().served] or [settings.model]
    wanted = {name: value for name in ("probes", "neighbours") if (value := getattr(settings, name)) is not None}
    releases = [ModelRelease.load(source) for source in sources]
    return [replace(release, index=replace(release.index, **wanted)) for release in releases]


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Set by Ctrl-C and by a request to end, so that what is done is kept."""
    event = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: event.set())
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _then(to: str, settings: Settings) -> str:
    if to == "milvus":
        return (
            f"set milvus_uri = {settings.milvus_uri} in the settings of each server (STEEPLE_MILVUS_URI) and start "
            "them anew; what FAISS has in their data folders can be deleted then"
        )
    return (
        "take milvus_uri out of the settings (STEEPLE_MILVUS_URI) of the server with the data folder "
        f"{settings.data_dir} and start it anew; Milvus's collections stay until steeple index drop --serving"
    )


def _facts(moved: Moved) -> dict[str, Any]:
    return {**asdict(moved), "objection": moved.objection}


_COLLECTION: Final = (Column("collection"), Column("model"), Column("rows", "right"), Column("made"), Column("alias"))


def _collection(one: StoredCollection) -> dict[str, Any]:
    return {**asdict(one), "create_time": one.create_time.isoformat()}


def _collection_row(one: StoredCollection) -> tuple[str, ...]:
    return one.name, one.model, f"{one.rows:,}", describe_time(one.create_time), ", ".join(one.aliases)


def _row(one: IndexStatus) -> tuple[str | Cell, ...]:
    notes = [one.problem] if one.problem else []
    if one.images_done:
        notes.append(f"a new one is being made: {one.images_done:,} images")
    if one.kind and (one.images, one.descriptors) != (one.catalogue_images, one.catalogue_descriptors):
        notes.append(f"the catalogue has {one.catalogue_images:,} images, {one.catalogue_descriptors:,} descriptors")
    style: Literal["red", ""] = "red" if one.problem and one.serves else ""
    return (
        one.model,
        one.engine.value,
        "yes" if one.serves else "no",
        one.kind,
        str(one.generation or ""),
        f"{one.sequence:,} of {one.catalogue_sequence:,}" if one.kind else "",
        f"{one.images:,}" if one.kind else "",
        f"{one.descriptors:,}" if one.kind else "",
        Cell("; ".join(notes), style),
    )
