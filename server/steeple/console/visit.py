"""One request of a browser: who it is, what it sent, and what it is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from steeple.client import AsyncClient
from steeple.console.clients import Clients
from steeple.console.config import ConsoleConfig
from steeple.console.navigation import Item, items_for
from steeple.console.security import form_token, is_form_token, new_secret
from steeple.console.sessions import ANYBODY, Me, browser_cookie, note_cookie, secret_of, session_cookie, theme_of
from steeple.errors import CancelledError, InvalidArgumentError, PermissionDeniedError, UnauthenticatedError

_LONGEST_ADDRESS: Final = 64
_LONGEST_AGENT: Final = 200

NOTE_SECONDS: Final = 60
"""A note that no page has shown by then is forgotten."""


class Visit:
    """One request, from one browser.

    Args:
        request: As Starlette has it.
        config: Of the console.
        clients: Of the server.
        templates: Of pages.

    Attributes:
        request: The same.
        config: The same.
        client: Calls the server as whoever is signed in.
        me: Who that is.
        form: What a form sent; empty for requests that change nothing.
        secret: What the browser signs in with; empty: nothing, or nothing that the server knows.
    """

    def __init__(self, request: Request, config: ConsoleConfig, clients: Clients, templates: Environment) -> None:
        self.request = request
        self.config = config
        self._templates = templates
        self._clients = clients
        self.secret = secret_of(request, config)
        self._stale = bool(request.cookies.get(session_cookie(config))) and not self.secret
        self.browser = request.cookies.get(browser_cookie(config), "")
        self.client: AsyncClient = clients.of(self.secret)
        self.me: Me = ANYBODY
        self.form: FormData = FormData()
        self.note = ""

    @property
    def path(self) -> str:
        """Where the browser is, with its query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def query(self) -> Mapping[str, str]:
        """What follows the path."""
        return self.request.query_params

    @property
    def token(self) -> str:
        """What forms of this browser carry."""
        return form_token(self.secret or self.browser)

    async def read_form(self, *, max_files: int = 1000, max_fields: int = 2000) -> None:
        """Reads the form, which must be one of this browser's.

        Raises:
            PermissionDeniedError: If it is not.
            InvalidArgumentError: If it cannot be read.
            ResourceExhaustedError: If it is too large.
            DeadlineExceededError: If it takes too long.
        """
        try:
            form = await self.request.form(max_files=max_files, max_fields=max_fields)
        except HTTPException as error:
            raise InvalidArgumentError(f"this form cannot be read: {error.detail}") from error
        except ClientDisconnect as error:
            raise CancelledError("the browser went away before the form was there") from error
        self.take_form(form)

    def take_form(self, form: FormData) -> None:
        """Takes a form that was read in another way.

        Raises:
            PermissionDeniedError: If it is none of this browser's.
        """
        self.check_token(form.get("token"))
        self.form = form

    def check_token(self, of_form: object = None) -> None:
        """Returns if what was sent is one of this browser's forms.

        Args:
            of_form: The form's field of that name, where there is a form; the header goes before it.

        Raises:
            PermissionDeniedError: If it is not.
        """
        given = self.request.headers.get("x-form-token") or of_form
        if not isinstance(given, str) or not is_form_token(given, self.secret or self.browser):
            raise PermissionDeniedError("this form is of another visit; go back, reload the page and send it again")

    def text(self, name: str, default: str = "") -> str:
        """A field of the form."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All fields of that name."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def show(self, template: str, status: int = 200, /, **values: object) -> Response:
        """A page."""
        context = {
            "visit": self,
            "me": self.me,
            "token": self.token,
            "navigation": self.navigation(),
            "theme": theme_of(self.request),
            "note": self.note,
            **values,
        }
        response = HTMLResponse(self._templates.get_template(template).render(context), status)
        if self.note:
            response.delete_cookie(note_cookie(self.config), path="/")
        return response

    def go(self, path: str, note: str = "") -> Response:
        """Sends the browser to another page of the console.

        Args:
            path: Of the page.
            note: What that page tells first.
        """
        response = RedirectResponse(path, 303)
        if note:
            self.leave(response, note)
        return response

    def leave(self, response: Response, note: str) -> None:
        """Leaves a note for the next page."""
        text = base64.urlsafe_b64encode(json.dumps(note[:500]).encode()).decode()
        self._set_cookie(response, note_cookie(self.config), text, NOTE_SECONDS)

    def set_session(self, response: Response, secret: str, seconds: int | None = None) -> None:
        """Signs the browser in, or out with an empty secret. Its forms are others from then on.

        Args:
            response: That tells the browser.
            secret: As the server has just given it, or as somebody typed it: never one that came as a cookie.
            seconds: The browser forgets it then; None: when it is closed.
        """
        self._stale = False
        if secret:
            self._set_cookie(response, session_cookie(self.config), secret, seconds)
        else:
            self._delete_session(response)
        self.browser = new_secret()
        self.set_browser(response, self.browser)

    def disown(self, *, forget: bool = True) -> None:
        """What the browser signs in with is worth nothing here: goes on without it.

        Args:
            forget: Whether the browser is to forget it.
        """
        self._clients.forget(self.secret)
        self._stale = forget and (self._stale or bool(self.secret))
        self.secret = ""
        self.client = self._clients.of("")

    def tidy(self, response: Response) -> None:
        """Has the browser forget what it signs in with, if that is worth nothing."""
        if self._stale:
            self._delete_session(response)

    def set_browser(self, response: Response, secret: str) -> None:
        """Tells this browser's forms from those of others, before anybody is signed in."""
        self._set_cookie(response, browser_cookie(self.config), secret, None)

    def client_of(self, secret: str) -> AsyncClient:
        """A client that calls with another secret."""
        return self._clients.of(secret)

    def forget(self, secret: str) -> None:
        """Lets go of the client that calls with a secret."""
        self._clients.forget(secret)

    @property
    def door(self) -> AsyncClient:
        """A client that calls with no secret, and does not try again by itself: it signs people in."""
        return self._clients.once

    @property
    def address(self) -> str:
        """IP address of the browser, as far as the console can tell; empty: it cannot.

        Behind something that talks TLS for the console, it is what that adds to X-Forwarded-For, at its end.
        """
        if self.config.behind_tls:
            forwarded = self.request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if forwarded:
                return forwarded[:_LONGEST_ADDRESS]
        return self.request.client.host[:_LONGEST_ADDRESS] if self.request.client else ""

    @property
    def user_agent(self) -> str:
        """What the browser calls itself."""
        agent = self.request.headers.get("user-agent", "")
        return "".join(character for character in agent if character.isprintable())[:_LONGEST_AGENT]

    def navigation(self) -> list[Item]:
        """Pages that are for whoever is signed in."""
        return items_for(self.me, self.request.url.path)

    def sign_in_path(self) -> str:
        """Where to sign in, and to come back from."""
        return f"/sign-in?next={quote(self.path, safe='')}"

    def require(self, scope: str) -> None:
        """Returns if whoever is signed in may do that.

        Raises:
            UnauthenticatedError: If nobody is.
            PermissionDeniedError: If they may not.
        """
        if not self.me.known:
            raise UnauthenticatedError("sign in first")
        if not self.me.may(scope):
            raise PermissionDeniedError(f"this page is for {scope}s; you are signed in as {self.me.scope}")

    def _delete_session(self, response: Response) -> None:
        response.delete_cookie(
            session_cookie(self.config), path="/", secure=self.config.secure, httponly=True, samesite="lax"
        )

    def _set_cookie(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.config.secure, httponly=True, samesite="lax"
        )
