"""Keys of programs and apps: who may call the server, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from steeple.client import UNSET, Key, KeyLimits, NewKey
from steeple.console.key_facts import Draft, Group, grouped, months
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.console.wrong_fields import problem_of, read_date, read_number
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()

SCOPES: Final = (
    ("device", "App: identifies photos, and no more"),
    ("reader", "Reader: looks at everything"),
    ("editor", "Editor: also changes the catalogue"),
    ("admin", "Admin: everything, people and keys among it"),
)
OVERLAPS: Final = (("0", "At once"), ("1", "In a day"), ("7", "In a week"), ("30", "In 30 days"))
"""Days that a key goes on beside its successor."""

_PAGE_SIZE: Final = 200
_FIELDS: Final = {
    "display_name": "display_name",
    "scope": "scope",
    "expire_time": "expires",
    "expires": "expires",
    "limits.requests_per_second": "rate",
    "requests_per_second": "rate",
    "rate": "rate",
    "limits.burst": "burst",
    "burst": "burst",
    "limits.monthly_identifications": "quota",
    "monthly_identifications": "quota",
    "quota": "quota",
}


@PAGES.get("/keys", scope="admin")
async def keys(visit: Visit) -> Response:
    """All keys, by what they may do."""
    page = await visit.client.list_keys(page_size=_PAGE_SIZE).page(visit.query.get("page", ""))
    now = datetime.now(UTC)
    groups: Sequence[Group] = grouped(page.items, dict(SCOPES), now)
    return visit.show("keys.html", page=page, groups=groups, now=now)


@PAGES.get("/keys/new", scope="admin")
async def new(visit: Visit) -> Response:
    """A form for another key."""
    return _form(visit, Draft())


@PAGES.post("/keys/new", scope="admin")
async def create(visit: Visit) -> Response:
    """Makes a key, and shows its secret, this once."""
    draft = Draft.sent(visit.text)
    try:
        made = await visit.client.create_key(
            draft.display_name, draft.scope, expire_time=_expiry(draft), limits=_limits(draft)
        )
    except InvalidArgumentError as error:
        return _form(visit, draft, 400, problem_of(error, _FIELDS))
    return _secret(visit, made)


@PAGES.get("/keys/{id}", scope="admin")
async def key(visit: Visit) -> Response:
    """One key: its usage, its limits, and its end."""
    return await _key(visit)


@PAGES.post("/keys/{id}", scope="admin")
async def update(visit: Visit) -> Response:
    """Changes name, end and limits of a key."""
    key_id, draft = visit.request.path_params["id"], Draft.sent(visit.text)
    as_it_was = Draft.of(await visit.client.get_key(key_id)).expires
    try:
        made = await visit.client.update_key(
            key_id,
            display_name=draft.display_name,
            expire_time=UNSET if draft.expires == as_it_was else _expiry(draft),  # a day has no hour to keep
            limits=_limits(draft),
        )
    except InvalidArgumentError as error:
        return await _key(visit, 400, draft, problem_of(error, _FIELDS))
    return visit.go(f"/keys/{key_id}", f"{made.display_name} is changed.")


@PAGES.post("/keys/{id}/rotate", scope="admin")
async def rotate(visit: Visit) -> Response:
    """Makes a successor of a key, and shows its secret, this once."""
    days = next((int(days) for days, _ in OVERLAPS if days == visit.text("overlap")), 0)
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    return _secret(visit, await visit.client.rotate_key(visit.request.path_params["id"], old_expire_time=ends))


@PAGES.post("/keys/{id}/revoke", scope="admin")
async def revoke(visit: Visit) -> Response:
    """Ends a key at once, and for good."""
    made = await visit.client.revoke_key(visit.request.path_params["id"])
    return visit.go(f"/keys/{made.id}", f"{made.display_name} has ended.")


async def _key(
    visit: Visit, status: int = 200, draft: Draft | None = None, problems: dict[str, str] | None = None
) -> Response:
    found: Key = await visit.client.get_key(visit.request.path_params["id"])
    now = datetime.now(UTC)
    return visit.show(
        "key.html",
        status,
        key=found,
        draft=draft or Draft.of(found),
        months=months(found),
        overlaps=OVERLAPS,
        scopes=dict(SCOPES),
        now=now,
        problems=problems or {},
    )


def _form(visit: Visit, draft: Draft, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    return visit.show("key_new.html", status, draft=draft, scopes=SCOPES, problems=problems or {})


def _secret(visit: Visit, made: NewKey) -> Response:
    return visit.show("key_secret.html", made=made)


def _expiry(draft: Draft) -> datetime | None:
    return read_date(draft.expires, "expires", end=True)


def _limits(draft: Draft) -> KeyLimits:
    return KeyLimits(
        requests_per_second=read_number(draft.rate, "rate", whole=False),
        burst=int(read_number(draft.burst, "burst", whole=True)),
        monthly_identifications=int(read_number(draft.quota, "quota", whole=True)),
    )
