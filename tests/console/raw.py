"""HTTP as no browser would send it."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
"""Headers of a form that is given as a body."""


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        status: Of HTTP.
        headers: By lower-case name; of one that came several times, the last.
        cookies: That were set, with their attributes.
        body: As text.
    """

    status: int
    headers: Mapping[str, str]
    cookies: SimpleCookie
    body: str

    @property
    def token(self) -> str:
        """What forms of the page carry."""
        found = re.search(r'name="form-token" content="([0-9a-f]+)"', self.body)
        return found[1] if found else ""


def ask(
    console: str,
    path: str,
    *,
    method: str = "GET",
    form: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    headers: Mapping[str, str | None] | None = None,
    body: bytes | None = None,
    trust: ssl.SSLContext | None = None,
) -> Reply:
    """One request, on a connection of its own.

    Args:
        console: URL of the console.
        path: As it is sent.
        method: The same.
        form: That is sent, url-encoded, by POST.
        cookies: By name.
        headers: More; None: it is left out, as Host may be.
        body: In place of a form.
        trust: For TLS.
    """
    url = urlsplit(console)
    host, port = url.hostname or "", url.port or 0
    connection = (
        http.client.HTTPSConnection(host, port, context=trust, timeout=20)
        if url.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=20)
    )
    sent: dict[str, str | None] = {"host": url.netloc}
    if form is not None:
        method, body = "POST", urlencode(form).encode()
        sent["content-type"] = "application/x-www-form-urlencoded"
    if body is not None:
        sent["content-length"] = str(len(body))
    if cookies:
        sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    sent |= headers or {}
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough; what it said is still to be read
            connection.endheaders(body)
        response = connection.getresponse()
        jar: SimpleCookie = SimpleCookie()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                jar.load(value)
        return Reply(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            jar,
            response.read().decode("utf-8", "replace"),
        )
    finally:
        connection.close()


@contextmanager
def other_site(pages: Mapping[str, str]) -> Iterator[str]:
    """A site of somebody else, on this host: its URL. ``pages`` has HTML by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(200 if page is not None else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
