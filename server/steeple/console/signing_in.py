"""Who calls: as the server says, with what the browser has kept."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from steeple.client import AsyncClient
from steeple.console.sessions import ANYBODY, Me, is_secret
from steeple.console.visit import Visit
from steeple.errors import FailedPreconditionError, InvalidArgumentError, SteepleError, UnauthenticatedError

EVERYBODY: Final = Me(scope="admin", display_name="Everybody")
"""Who visits the console of a server that asks nobody who they are."""

SESSION_SECONDS: Final = 30 * 86_400
"""For which browsers keep a session, at most; the server ends it earlier, see ``session_idle_hours``."""

_KEY: Final = "stp_"


async def who(visit: Visit) -> Me:
    """Who sits at the browser; nobody, if their session is over.

    What the browser signs in with counts for nothing from here on where the server does not know it, or does not ask.
    """
    try:
        me = await _asked(visit.client)
    except UnauthenticatedError:
        me = ANYBODY
    if not me.signed_in:
        # Cookies are of a host, whatever the port: beside a server that asks nobody may be one that does.
        visit.disown(forget=me is not EVERYBODY)
    return me


async def _asked(client: AsyncClient) -> Me:
    told = await client.get_me()
    if not told.asks_for_keys:
        return EVERYBODY
    if told.scope is None:
        return ANYBODY
    return Me(told.actor, told.display_name, told.scope.value)


async def begin_session(visit: Visit, name: str, password: str) -> str:
    """Signs somebody in.

    Returns:
        The secret of a session that is new.

    Raises:
        UnauthenticatedError: If there is nobody of that name and password who may.
        ResourceExhaustedError: If there were too many failures.
        InvalidArgumentError: If one of the two is missing or too long.
    """
    made = await visit.door.sign_in(name, password, user_agent=visit.user_agent, address=visit.address)
    return made.secret


async def begin_vouched_session(visit: Visit, id_token: str, nonce: str) -> str:
    """Signs in whom an identity provider vouches for.

    Returns:
        The secret of a session that is new.

    Raises:
        UnauthenticatedError: If the token is none for this server, or of nobody who may sign in.
        UnavailableError: If the server cannot ask the provider for its keys.
    """
    made = await visit.door.sign_in_with_id_token(
        id_token, nonce=nonce, user_agent=visit.user_agent, address=visit.address
    )
    return made.secret


async def check_key(visit: Visit, key: str) -> str:
    """Whether pages can be used with a key.

    Returns:
        The key.

    Raises:
        UnauthenticatedError: If it is none of this server's, or has ended.
        InvalidArgumentError: If it is one that can do no more than identify photos.
    """
    if not key.startswith(_KEY) or not is_secret(key):
        raise UnauthenticatedError("that is no key; keys begin with stp_")
    try:
        me = await _asked(visit.client_of(key))
    except UnauthenticatedError:
        visit.forget(key)
        raise
    if not me.may("reader"):
        visit.forget(key)
        raise InvalidArgumentError("this key is for apps, which only identify photos; these pages take one of a reader")
    return key


async def end_session(visit: Visit) -> None:
    """Signs out whoever sits at the browser, if that is a person; keys go on being keys."""
    if visit.me.is_person:
        with suppress(UnauthenticatedError, FailedPreconditionError):  # it was over already
            await visit.client.sign_out()
    visit.forget(visit.secret)


async def end_silently(visit: Visit) -> None:
    """The same, of a session that another one takes the place of: what fails is nobody's concern."""
    with suppress(SteepleError):
        await end_session(visit)
