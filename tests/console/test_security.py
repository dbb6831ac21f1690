"""What somebody may try against the console, and that it does not work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

import pytest
from playwright.sync_api import expect

from steeple.client import Client
from steeple.console.pages import PARTS
from steeple.console.routing import Row

from .conftest import PASSWORD, Guarded, Visit
from .raw import FORM, Reply, ask, other_site

SESSION = "steeple_session"
BROWSER = "steeple_browser"
ROWS = [row for part in PARTS for row in part.rows]
GETS, POSTS = ([row for row in ROWS if row.method == method] for method in ("GET", "POST"))
RANKS = ("reader", "editor", "admin")

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def path_of(row: Row) -> str:
    """A path that the row answers at."""
    return re.sub(r"\{[^}]*\}", "1", row.path)


def shown(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.fixture(scope="module")
def admin(guarded: Guarded) -> dict[str, str]:
    """Cookies of an admin's browser."""
    return {SESSION: guarded.secrets["admin"]}


@pytest.fixture(scope="module")
def client(guarded: Guarded) -> Iterator[Client]:
    """What an admin sees."""
    with Client(guarded.address, key=guarded.secrets["admin"]) as connected:
        yield connected


def token_of(console: str, cookies: dict[str, str]) -> str:
    return ask(console, "/me", cookies=cookies).token


# --- who may what ---


def test_nobody_sees_or_does_anything_without_signing_in(guarded: Guarded) -> None:
    assert len(GETS) > 10
    for row in GETS:
        reply = ask(guarded.console, path_of(row))
        if row.scope is None:
            # Where no identity provider is trusted, its pages say so.
            assert reply.status in (200, 303) or row.path.startswith("/sign-in/provider"), shown(row)
        else:
            assert reply.status == 303, shown(row)
            assert reply.headers["location"].startswith("/sign-in?next="), shown(row)
    for row in POSTS:
        assert ask(guarded.console, path_of(row), form={}).status in (401, 403), shown(row)


def test_no_form_is_taken_without_its_token(guarded: Guarded, admin: dict[str, str]) -> None:
    assert len(POSTS) > 10
    files = b'--x\r\ncontent-disposition: form-data; name="next"\r\n\r\n/\r\n--x--\r\n'
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    for row in POSTS:
        reply = ask(guarded.console, path_of(row), method="POST", body=files, headers=multipart, cookies=admin)
        assert reply.status == 403, shown(row)
        if not row.own_form:
            reply = ask(guarded.console, path_of(row), form={"name": "x", "next": "/"}, cookies=admin)
            assert reply.status == 403, shown(row)


@pytest.mark.parametrize("scope", ["reader", "editor"])
def test_whoever_may_less_is_refused_on_every_path_for_others(guarded: Guarded, scope: str) -> None:
    cookies = {SESSION: guarded.secrets[scope]}
    token = token_of(guarded.console, cookies)
    beyond = [row for row in ROWS if row.scope in RANKS[RANKS.index(scope) + 1 :]]
    assert beyond
    for row in beyond:
        form = {"token": token} if row.method == "POST" else None
        assert ask(guarded.console, path_of(row), form=form, cookies=cookies).status == 403, shown(row)


def test_a_reader_is_shown_nothing_to_change(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(url=guarded.console)
    visitor.page.context.add_cookies([{"name": SESSION, "value": guarded.secrets["reader"], "url": guarded.console}])
    scopes = {row.path: row.scope for row in POSTS}
    patterns = {re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)): scope for path, scope in scopes.items()}
    for row in GETS:
        if "{" in row.path or row.scope != "reader":
            continue
        visitor.go(path_of(row))
        actions = visitor.page.evaluate("[...document.querySelectorAll('form[method=post]')].map(form => form.action)")
        for action in actions:
            path = urlsplit(action).path
            asked = [scope for pattern, scope in patterns.items() if re.fullmatch(pattern, path)]
            assert asked, f"{row.path}: no such form: {path}"
            assert asked[0] in (None, "reader"), f"{row.path}: {path} is for {asked[0]}s"
    visitor.complaints = [text for text in visitor.complaints if "Failed to load resource" not in text]  # no such place
    menu = visitor.page.get_by_role("navigation", name="Pages").inner_text()
    assert "Keys" not in menu
    assert "Add imagery" not in menu


# --- forms of others ---


def keys_of(client: Client) -> list[str]:
    return sorted(key.display_name for key in client.list_keys())


def test_forms_of_others_change_nothing(guarded: Guarded, admin: dict[str, str], client: Client) -> None:
    before = keys_of(client)
    own, console = token_of(guarded.console, admin), guarded.console
    form = {"display_name": "Forged", "scope": "admin", "token": own}
    foreign = token_of(console, {SESSION: guarded.secrets["editor"]})
    tries: list[tuple[str, dict[str, str], dict[str, str]]] = [
        ("another origin", form, {"origin": "https://evil.example"}),
        ("another port", form, {"origin": "http://127.0.0.1:1"}),
        ("no origin that it tells", form, {"origin": "null"}),
        ("another site", form, {"sec-fetch-site": "cross-site"}),
        ("the same site, from another origin", form, {"sec-fetch-site": "same-site"}),
        ("no token", {**form, "token": ""}, {}),
        ("a made-up token", {**form, "token": "0" * 64}, {}),
        ("a token that is not ASCII", {**form, "token": "ä" * 64}, {}),
        ("the token of somebody else", {**form, "token": foreign}, {}),
        (
            "a made-up token, from here",
            {**form, "token": "0" * 64},
            {"origin": console, "sec-fetch-site": "same-origin"},
        ),
        ("the secret itself as the token", {**form, "token": admin[SESSION]}, {}),
    ]
    for what, sent, headers in tries:
        assert ask(console, "/keys/new", form=sent, cookies=admin, headers=headers).status == 403, what
    assert keys_of(client) == before
    right = ask(console, "/keys/new", form=form | {"display_name": "Not forged"}, cookies=admin)
    assert right.status == 200, "the form itself was right"
    assert keys_of(client) == sorted([*before, "Not forged"])


def test_a_page_elsewhere_can_neither_send_forms_nor_show_the_console_in_a_frame(
    guarded: Guarded, visit: Visit, client: Client
) -> None:
    before = keys_of(client)
    visitor = visit(url=guarded.console)
    visitor.page.context.add_cookies([{"name": SESSION, "value": guarded.secrets["admin"], "url": guarded.console}])
    page, token = visitor.go("/keys"), ""
    token = page.locator('meta[name="form-token"]').get_attribute("content") or ""
    fields = f"""<input name="display_name" value="Forged"><input name="scope" value="admin">
        <input name="token" value="{token}">"""
    pages = {
        "/form": f'<form action="{guarded.console}/keys/new" method="post">{fields}</form>'
        "<script>document.forms[0].submit()</script>",
        "/fetch": f"""<p id="told"></p><script>
            fetch("{guarded.console}/keys/new", {{method: "POST", credentials: "include", mode: "no-cors",
              body: new URLSearchParams({{display_name: "Forged", scope: "admin", token: "{token}"}})}})
              .then(() => told.textContent = "sent", () => told.textContent = "refused")</script>""",
        "/read": f"""<p id="told"></p><script>fetch("{guarded.console}/keys", {{credentials: "include"}})
              .then(() => told.textContent = "read", () => told.textContent = "refused")</script>""",
        "/frame": f'<iframe src="{guarded.console}/keys" width="900" height="600"></iframe>',
        "/window": f"""<p id="told"></p><button>Open</button><script>
            document.querySelector("button").onclick = () => {{
              const other = open("{guarded.console}/keys");
              const look = () => other.closed ? told.textContent = "out of reach" : requestAnimationFrame(look);
              look(); }}</script>""",
    }
    with other_site(pages) as evil:
        page.goto(f"{evil}/form")
        page.get_by_text("Only the console's own pages may change something").wait_for()
        page.goto(f"{evil}/fetch")
        page.locator("#told", has_text=re.compile("sent|refused")).wait_for()
        page.goto(f"{evil}/read")
        page.locator("#told", has_text="refused").wait_for()
        page.goto(f"{evil}/frame")
        frame = page.frames[-1]
        frame.wait_for_load_state()
        assert frame.url.startswith("chrome-error:"), "a frame of another site stays empty"
        page.goto(f"{evil}/window")
        with page.context.expect_page() as opened:
            page.get_by_role("button", name="Open").click()
        page.locator("#told", has_text="out of reach").wait_for()
        expect(opened.value.get_by_role("heading", name="Keys", exact=True), "and yet it is there").to_be_visible()
    assert keys_of(client) == before
    visitor.strays.clear()
    visitor.complaints.clear()  # the browser's own, of what it has refused


# --- sessions ---


def test_a_session_begins_with_signing_in_and_ends_with_signing_out(guarded: Guarded) -> None:
    console = guarded.console
    with Client(guarded.address) as anybody:
        attackers = anybody.sign_in("ada", PASSWORD).secret
    for planted in (attackers, "sts_" + "a" * 16 + "_" + "b" * 52, guarded.secrets["reader"], "x;y", '"><script>'):
        cookies = {SESSION: quote(planted), BROWSER: "planted"}
        asked = ask(console, "/sign-in", cookies=cookies)
        token = asked.token or token_of(console, cookies)
        form = {"username": "bob", "password": PASSWORD, "token": token, "next": "/me"}
        reply = ask(console, "/sign-in", form=form, cookies=cookies)
        if reply.status == 403:  # what was planted counted for nothing, and neither did its token
            cookies = {BROWSER: asked.cookies[BROWSER].value if BROWSER in asked.cookies else "planted"}
            form["token"] = ask(console, "/sign-in", cookies=cookies).token
            reply = ask(console, "/sign-in", form=form, cookies=cookies)
        assert reply.status == 303, planted
        made = reply.cookies[SESSION].value
        assert made not in (planted, ""), planted
        assert reply.cookies[BROWSER].value != "planted"
        page = ask(console, "/me", cookies={SESSION: made})
        assert "people/bob" in page.body
        out = ask(console, "/sign-out", form={"token": page.token}, cookies={SESSION: made})
        assert out.status == 303
        assert out.cookies[SESSION]["max-age"] == "0"
        again = ask(console, "/me", cookies={SESSION: made})
        assert again.headers["location"] == "/sign-in?next=%2Fme", "the secret is worth nothing any more"
        assert again.cookies[SESSION]["max-age"] == "0", "and the browser forgets it"


def test_signing_in_takes_a_form_of_this_browser(guarded: Guarded) -> None:
    other = ask(guarded.console, "/sign-in").token
    form = {"username": "bob", "password": PASSWORD, "token": other}
    reply = ask(guarded.console, "/sign-in", form=form, cookies={BROWSER: "mine"})
    assert reply.status == 403, "or somebody could be signed in as somebody else"
    assert SESSION not in reply.cookies


def test_cookies_are_for_this_host_and_not_for_scripts(guarded: Guarded) -> None:
    asked = ask(guarded.console, "/sign-in")
    cookies = {BROWSER: asked.cookies[BROWSER].value}
    form = {"username": "bob", "password": PASSWORD, "token": asked.token}
    made = ask(guarded.console, "/sign-in", form=form, cookies=cookies).cookies
    for name in (SESSION, BROWSER):
        assert made[name]["httponly"] is True
        assert made[name]["samesite"] == "lax"
        assert made[name]["path"] == "/"
        assert made[name]["domain"] == ""


# --- where somebody is sent ---


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "\t//evil.example/",
        "/\n/evil.example/",
        " //evil.example/",
        "https:evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//[",
        "/%09/evil.example",
        "/%5cevil.example",
        "/.//evil.example",
        "/..//evil.example",
        "evil.example",
        "@evil.example",
        "/\u2028/evil.example",
        "/\x00/evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(guarded: Guarded, admin: dict[str, str], target: str) -> None:
    reply = ask(guarded.console, f"/sign-in?next={quote(target, safe='')}", cookies=admin)
    token = token_of(guarded.console, admin)
    chosen = ask(guarded.console, "/theme", form={"next": target, "token": token}, cookies=admin)
    for answer in (reply, chosen):
        assert answer.status == 303
        location = answer.headers["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        assert urlsplit(urljoin(guarded.console, location)).netloc == urlsplit(guarded.console).netloc


# --- names ---


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:{port}", "", None, "localhost.", "[::1"]
)
def test_another_name_is_refused(guarded: Guarded, admin: dict[str, str], host: str | None) -> None:
    port = str(urlsplit(guarded.console).port)
    headers = {"host": host.replace("{port}", port) if host is not None else None}
    reply = ask(guarded.console, "/people", cookies=admin, headers=headers)
    assert reply.status in (400, 403), "a name elsewhere that points here is not obeyed"
    assert "Ada" not in reply.body


def test_what_others_say_of_the_host_is_not_believed(guarded: Guarded, admin: dict[str, str]) -> None:
    headers = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "forwarded": "host=evil.example",
        "x-original-url": "/people",
    }
    reply = ask(guarded.console, "/", cookies=admin, headers=headers)
    assert reply.headers["location"] == "/landmarks"
    assert "evil" not in ask(guarded.console, "/me", cookies=admin, headers=headers).body


# --- what every answer says ---


def assert_sealed(reply: Reply, what: str) -> None:
    """Whether browsers are told what is allowed."""
    policy = dict(
        part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split("; ") if " " in part
    )
    assert POLICY.items() <= policy.items(), what
    assert "unsafe" not in reply.headers["content-security-policy"], what
    assert reply.headers["x-content-type-options"] == "nosniff", what
    assert reply.headers["x-frame-options"] == "DENY", what
    assert reply.headers["referrer-policy"] == "same-origin", what
    assert reply.headers["cross-origin-opener-policy"] == "same-origin", what
    assert reply.headers["cross-origin-resource-policy"] == "same-origin", what
    assert "server" not in reply.headers, what
    assert "access-control-allow-origin" not in reply.headers, what


def test_every_kind_of_answer_is_sealed(guarded: Guarded, admin: dict[str, str], client: Client) -> None:
    console, page = guarded.console, ask(guarded.console, "/me", cookies=admin)
    style = re.search(r'href="(/static/[^"]+\.css)"', page.body)
    assert style is not None
    token = {"token": page.token}
    replies = {
        "a page": (200, page),
        "the way to sign in": (303, ask(console, "/me")),
        "a page that is not there": (404, ask(console, "/nothing", cookies=admin)),
        "a thing that is not there": (404, ask(console, "/keys/aaaaaaaaaaaaaaaa", cookies=admin)),
        "a name that is none": (400, ask(console, "/keys/AAA", cookies=admin)),
        "another method": (405, ask(console, "/people", method="DELETE", cookies=admin)),
        "another name": (403, ask(console, "/", headers={"host": "evil.example"})),
        "a form that is not its own": (403, ask(console, "/theme", form={}, cookies=admin)),
        "a wrong form": (400, ask(console, "/keys/new", form=token | {"scope": "admin"}, cookies=admin)),
        "a password that is wrong": (401, wrong_password(console)),
        "no file": (404, ask(console, "/static/x/nothing.css")),
        "a script that asks": (401, ask(console, "/me", headers={"x-steeple-script": "1"})),
        "a page token that is none": (400, ask(console, "/keys?page=nonsense", cookies=admin)),
        "too much": (413, ask(console, "/sign-in", body=b"x" * 100_000, method="POST", headers=FORM)),
    }
    for what, (status, reply) in replies.items():
        assert reply.status == status, what
        assert_sealed(reply, what)
        assert reply.headers["cache-control"] == "no-store", what
    begun = client.wait_operation(client.create_snapshot())
    stream = ask(console, f"/operations/{begun.id}/events", cookies=admin)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "event: end" in stream.body
    assert_sealed(stream, "a stream")
    static = ask(console, style[1])
    assert static.status == 200
    assert_sealed(static, "a file")
    assert "immutable" in static.headers["cache-control"]
    stale = ask(console, re.sub(r"/static/\w+/", "/static/0/", style[1]))
    assert stale.headers["cache-control"] == "no-store", "what is of another version is not kept"


def wrong_password(console: str) -> Reply:
    asked = ask(console, "/sign-in")
    form = {"username": "nobody", "password": "wrong", "token": asked.token}
    return ask(console, "/sign-in", form=form, cookies={BROWSER: asked.cookies[BROWSER].value})
