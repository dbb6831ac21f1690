"""Who changed what, and what it was before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import grpc
from starlette.responses import Response

from steeple.client import AuditEvent, ListPage
from steeple.console.audit_facts import entry_of
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.console.wrong_fields import problem_of, read_date
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()

SERVICES: Final[Mapping[str, str]] = {
    "": "Everything",
    "CatalogService": "Landmarks and photos",
    "PersonService": "People and signing in",
    "KeyService": "Keys",
    "ReviewService": "Review",
    "DiscoveryService": "Discoveries",
    "ImportService": "Imports",
    "OperationService": "Operations",
    "SnapshotService": "Snapshots",
    "ModelService": "Model releases",
    "PackService": "Packs",
}
OUTCOMES: Final[Mapping[str, str]] = {"": "Any", "done": "Done", "failed": "Failed"}

_FAILED: Final = tuple(code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK)
_PAGE_SIZE: Final = 50
_FIELDS: Final = {"actor": "actor", "resource": "resource", "from": "from", "until": "until", "method": "what"}
_NAMES: Final = ("actor", "resource", "what", "outcome", "from", "until")


@PAGES.get("/audit", scope="admin")
async def audit(visit: Visit) -> Response:
    """The audit log, the latest first."""
    asked = {name: visit.query.get(name, "").strip() for name in _NAMES}
    problems: dict[str, str] = {}
    page: ListPage[AuditEvent] = ListPage((), "", None)
    found, actors = await asyncio.gather(_events(visit, asked), _actors(visit))
    if isinstance(found, InvalidArgumentError):
        problems = problem_of(found, _FIELDS)
    else:
        page = found
    kept = {name: value for name, value in asked.items() if value}
    return visit.show(
        "audit.html",
        400 if problems else 200,
        asked=asked,
        problems=problems,
        entries=[entry_of(event, visit.me) for event in page.items],
        actors=actors,
        services=list(SERVICES.items()),
        outcomes=list(OUTCOMES.items()),
        filtered=bool(kept),
        first=f"/audit?{urlencode(kept)}" if visit.query.get("page") else "",
        next=f"/audit?{urlencode(kept | {'page': page.next_page_token})}" if page.next_page_token else "",
    )


async def _events(visit: Visit, asked: Mapping[str, str]) -> ListPage[AuditEvent] | InvalidArgumentError:
    try:
        until = read_date(asked["until"], "until")
        listing = visit.client.list_audit_events(
            resource=asked["resource"].strip("/"),
            actor=asked["actor"],
            method=f"steeple.v1.{asked['what']}/" if asked["what"] in SERVICES and asked["what"] else "",
            outcomes={"done": ("OK",), "failed": _FAILED}.get(asked["outcome"], ()),
            start_time=read_date(asked["from"], "from"),
            end_time=until + timedelta(days=1) if until else None,
            page_size=_PAGE_SIZE,
        )
        return await listing.page(visit.query.get("page", ""))
    except InvalidArgumentError as error:
        return error


async def _actors(visit: Visit) -> list[tuple[str, str]]:
    """Names that may have done something, as far as they are worth offering."""
    people, keys = await asyncio.gather(
        visit.client.list_people(page_size=100).page(), visit.client.list_keys(page_size=100).page()
    )
    return [
        *((person.name, person.display_name) for person in people.items),
        *((key.name, key.display_name) for key in keys.items),
        ("local", "Whoever runs the server"),
        ("open", "Somebody, while it asked nobody"),
    ]
