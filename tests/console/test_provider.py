"""Signing in through an identity provider, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from steeple.cli.local_server import running_server
from steeple.cli.people_local import create_in_data_dir
from steeple.client import Client

from .conftest import PASSWORD, Visit
from .provider import SECRET, Signs, provider


@pytest.fixture(scope="module")
def signs() -> Iterator[Signs]:
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def trusting(signs: Signs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server that trusts the provider, with somebody whom that knows."""
    folder = tmp_path_factory.mktemp("trusting")
    create_in_data_dir(folder / "data", None, "root", "Root", "admin", PASSWORD, "")
    settings = folder / "steeple.toml"
    settings.write_text(
        f'access = "keys"\noidc_issuer = "{signs.issuer}"\n'
        f'oidc_client_id = "steeple"\noidc_client_secret = "{SECRET}"\n'
    )
    flags = ("--config", str(settings), "--console-address", "127.0.0.1:0")
    with running_server(folder / "data", folder / "log", *flags) as ready:
        with Client(ready["address"]) as anybody:
            anybody.wait_until_ready()
            admin = anybody.sign_in("root", PASSWORD).secret
        with Client(ready["address"], key=admin) as client:
            client.create_person("ada", "Ada Lovelace", "editor", oidc_subject="sub-ada")
        yield ready


@pytest.fixture(autouse=True)
def willing(signs: Signs) -> None:
    signs.subject, signs.nonce, signs.held = "sub-ada", "", None
    signs.refused.clear()


def test_whom_the_provider_vouches_for_is_signed_in_and_where_they_were_going(
    visit: Visit, signs: Signs, trusting: dict[str, Any]
) -> None:
    visitor = visit("/review", url=trusting["console"])
    page = visitor.page
    visitor.examine()
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    page.wait_for_url(f"{trusting['console']}/review")
    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    assert signs.refused == []
    assert {url.partition("?")[0] for url in visitor.strays} == {f"{signs.issuer}/authorize"}
    visitor.strays.clear()
    (cookie,) = (each for each in page.context.cookies() if each["name"] == "steeple_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


@pytest.mark.parametrize(
    ("subject", "nonce", "told"),
    [("", "", "access_denied"), ("sub-nobody", "", "may not sign in here"), ("sub-ada", "of another", "nonce")],
)
def test_whom_it_does_not_is_told_why(
    visit: Visit, signs: Signs, trusting: dict[str, Any], subject: str, nonce: str, told: str
) -> None:
    signs.subject, signs.nonce = subject, nonce
    visitor = visit("/sign-in", url=trusting["console"])
    visitor.page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    problem = visitor.page.get_by_role("alert")
    problem.wait_for()
    expect(problem).to_contain_text(told)
    assert "steeple_session" not in {each["name"] for each in visitor.page.context.cookies()}
    visitor.strays.clear()
    visitor.complaints.clear()  # browsers tell of the status


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(
    visit: Visit, signs: Signs, trusting: dict[str, Any]
) -> None:
    mine, theirs = (visit("/sign-in", url=trusting["console"]) for _ in range(2))
    signs.held = []
    mine.page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    mine.page.get_by_text("kept").wait_for()
    theirs.page.goto(signs.held[0])
    expect(theirs.page.get_by_role("alert")).to_contain_text("was not begun here")
    theirs.page.goto(f"{trusting['console']}/sign-in/provider/back?code=code-0&state=guessed")
    expect(theirs.page.get_by_role("alert")).to_contain_text("was not begun here")
    assert "steeple_session" not in {each["name"] for each in theirs.page.context.cookies()}
    for each in (mine, theirs):
        each.strays.clear()
        each.complaints.clear()


def test_without_a_provider_there_is_no_such_page(visit: Visit, served: dict[str, Any]) -> None:
    visitor = visit("/sign-in/provider", url=served["console"])
    expect(visitor.page.get_by_role("alert")).to_contain_text("trusts no identity provider")
    visitor.complaints.clear()
