"""``steeple keys``: who may call a server, and how much."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Column, Output, describe_time
from steeple.cli.times import read_time
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Key, KeyLimits, NewKey

app = typer.Typer(no_args_is_help=True, help="Keys: who may call a server, and how much.")

KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY_ID", autocompletion=completion.keys, help="Id of the key, as `steeple keys list` prints it."
    ),
]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="SPAN|TIME", help="It ends then: 90d, 12h, 2027-01-31.")
]
RateOption = Annotated[
    float | None, typer.Option("--requests-per-second", metavar="N", min=0, help="In the long run; 0: any number.")
]
BurstOption = Annotated[
    int | None, typer.Option("--burst", metavar="N", min=0, help="At once after a pause; 0: twice the rate.")
]
QuotaOption = Annotated[
    int | None,
    typer.Option("--monthly-identifications", metavar="N", min=0, help="Queries answered in a month; 0: any number."),
]


@app.command("create")
def create_key(
    display_name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, and whose.")] = "",
    scope: Annotated[
        str,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            autocompletion=completion.choices("device", "reader", "editor", "admin"),
            help="device, reader, editor or admin; each may all before it.",
        ),
    ] = "device",
    expires: ExpiresOption = None,
    requests_per_second: RateOption = None,
    burst: BurstOption = None,
    monthly_identifications: QuotaOption = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", metavar="DIR", help="Make it in this data folder, while no server runs on it."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="With --data-dir: the server's settings as TOML.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: the server does not store its secret.

    The first key of a server is made with --data-dir, before it is started.

    \b
    Examples:
      steeple keys create "Ada" --scope admin --data-dir /var/lib/steeple
      steeple keys create "City guide for phones" --requests-per-second 5 --monthly-identifications 100000
      steeple keys create "Nightly import" --scope editor --expires 90d
    """
    expire_time = None if expires is None else read_time(expires, "--expires", towards="future")
    limits = _limits(None, requests_per_second, burst, monthly_identifications)
    name = display_name or f"{scope} key"
    output = Output(as_json=json)
    if data_dir is not None:
        from steeple.cli.keys_local import create_in_data_dir

        made = create_in_data_dir(data_dir, config, name, scope, expire_time, limits)
    elif config is not None:
        raise InvalidArgumentError("--config goes with --data-dir")
    else:
        with connect(server) as client:
            made = client.create_key(name, scope, expire_time=expire_time, limits=limits)
    _print_new(output, made)


@app.command("list")
def list_keys(
    every: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """List keys, with what was identified with them this month.

    \b
    Examples:
      steeple keys list
      steeple keys list --all --json | jq -r '.[].name'
    """
    output, now = Output(as_json=json), datetime.now(UTC)
    with connect(server) as client:
        keys = [key for key in client.list_keys() if every or _state(key, now) == "valid"]
    output.document([key.to_dict() for key in keys])
    output.table(
        (
            Column("id"),
            Column("name"),
            Column("scope"),
            Column("state"),
            Column("this month", "right"),
            Column("last used"),
        ),
        [
            (
                key.id,
                key.display_name,
                key.scope.value,
                _state(key, now),
                f"{_this_month(key, now):,}",
                describe_time(key.last_use_time) or "never",
            )
            for key in keys
        ],
    )


@app.command("show")
def show_key(key: KeyArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one key: its scope, its limits, and its usage by month.

    \b
    Example:
      steeple keys show mfzwizltoqqhg2ds
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.get_key(key))


@app.command("revoke")
def revoke_key(key: KeyArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """End a key at once, and for good.

    \b
    Example:
      steeple keys revoke mfzwizltoqqhg2ds
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.revoke_key(key))


@app.command("rotate")
def rotate_key(
    key: KeyArgument,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="SPAN|TIME", help="The old key goes on for so long: 7d, 12h.")
    ] = "7d",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="SPAN|TIME", help="The new key ends then; else it does not.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Replace a key with a new one of the same name, scope and limits; the old one goes on for a while.

    \b
    Examples:
      steeple keys rotate mfzwizltoqqhg2ds
      steeple keys rotate mfzwizltoqqhg2ds --overlap 12h --expires 90d
    """
    old = read_time(overlap, "--overlap", towards="future")
    new = None if expires is None else read_time(expires, "--expires", towards="future")
    output = Output(as_json=json)
    with connect(server) as client:
        made = client.rotate_key(key, old_expire_time=old, new_expire_time=new)
    _print_new(output, made)
    if made.old_key is not None:
        output.note(f"keys/{made.old_key.id} goes on until {describe_time(made.old_key.expire_time)}")


@app.command("limits")
def limit_key(
    key: KeyArgument,
    requests_per_second: RateOption = None,
    burst: BurstOption = None,
    monthly_identifications: QuotaOption = None,
    expires: ExpiresOption = None,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="It does not end by itself.")] = False,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change how much a key may use, and how long; what is not given stays.

    \b
    Examples:
      steeple keys limits mfzwizltoqqhg2ds --requests-per-second 10 --burst 50
      steeple keys limits mfzwizltoqqhg2ds --monthly-identifications 0 --expires 30d
    """
    from steeple.client import UNSET

    if never_expires and expires is not None:
        raise InvalidArgumentError("--expires and --never-expires exclude each other")
    given = (requests_per_second, burst, monthly_identifications)
    if all(value is None for value in given) and expires is None and not never_expires:
        raise InvalidArgumentError(
            "nothing to change: give --requests-per-second, --burst, --monthly-identifications, --expires or "
            "--never-expires"
        )
    expire_time = None if expires is None else read_time(expires, "--expires", towards="future")
    with connect(server) as client:
        limits = None
        if any(value is not None for value in given):
            limits = _limits(client.get_key(key).limits, *given)
        updated = client.update_key(
            key, limits=limits, expire_time=expire_time if expires is not None or never_expires else UNSET
        )
    _print(Output(as_json=json), updated)


def _limits(before: KeyLimits | None, rate: float | None, burst: int | None, quota: int | None) -> KeyLimits:
    from steeple.client import KeyLimits

    before = before or KeyLimits()
    return KeyLimits(
        before.requests_per_second if rate is None else rate,
        before.burst if burst is None else burst,
        before.monthly_identifications if quota is None else quota,
    )


def _print_new(output: Output, made: NewKey) -> None:
    output.document(made.to_dict())
    _print_facts(output, made.key)
    output.facts([("secret", made.secret)])
    output.note("keep the secret now: it cannot be shown again. Send it with STEEPLE_KEY, or Client(key=...).")


def _print(output: Output, key: Key) -> None:
    output.document(key.to_dict())
    _print_facts(output, key)


def _print_facts(output: Output, key: Key) -> None:
    limits = key.limits
    rate = f"{limits.requests_per_second:g} a second" if limits.requests_per_second else ""
    output.facts(
        [
            ("id", key.id),
            ("name", key.display_name),
            ("scope", key.scope.value),
            ("state", _state(key, datetime.now(UTC))),
            ("rate", rate + (f", {limits.burst} at once" if rate and limits.burst else "")),
            ("quota", f"{limits.monthly_identifications:,} a month" if limits.monthly_identifications else ""),
            ("created", describe_time(key.create_time)),
            ("expires", describe_time(key.expire_time)),
            ("revoked", describe_time(key.revoke_time)),
            ("last used", describe_time(key.last_use_time)),
            ("successor", key.successor),
            *((of.month, f"{of.identified:,} identified, {of.unknown:,} unknown") for of in key.usage),
        ]
    )


def _state(key: Key, now: datetime) -> str:
    if key.revoke_time is not None:
        return "revoked"
    if key.expire_time is not None and key.expire_time <= now:
        return "expired"
    return "valid"


def _this_month(key: Key, now: datetime) -> int:
    return sum(of.identified + of.unknown for of in key.usage if of.month == f"{now:%Y-%m}")
