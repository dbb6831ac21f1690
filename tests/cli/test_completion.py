"""Tab: the protocol that shells speak with the program, and a real bash."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from steeple.cli import completion
from steeple.cli.main import main
from steeple.client import Client, Scope
from tests.scenes import encoded, scene

Offered = Callable[..., list[str]]
NOBODY = "127.0.0.1:9"  # the discard port


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("STEEPLE_", "_STEEPLE", "COMP_"))}
    scripts = str(Path(sys.executable).parent)
    return {**clean, "PATH": f"{scripts}{os.pathsep}{clean['PATH']}", **more}


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Offered:
    """What the program offers bash for the last word of a line, when STEEPLE_SERVER is this."""

    def ask(line: str, server: str = NOBODY) -> list[str]:
        asked = {"_STEEPLE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        for name, value in {**asked, "STEEPLE_SERVER": server}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main([])
        printed = capsys.readouterr()
        assert (ended.value.code, printed.err) == (0, "")
        return printed.out.split()

    return ask


@pytest.fixture(scope="module")
def filled(address: str) -> Iterator[str]:
    """A server with landmarks of ours; its address."""
    with Client(address) as client:
        ids = ["tab-bridge", "tab-tower", "tab-tower-gone"]
        for landmark_id in ids:
            client.create_landmark(landmark_id.title(), landmark_id=landmark_id)
        client.delete_landmark("tab-tower-gone")
        key = client.create_key("tab", scope=Scope.READER)
        client.create_person("tab-ada", "Ada", Scope.READER)
        yield address
        client.delete_person("tab-ada")
        client.revoke_key(key.key.id)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("steeple ide", ["identify"]),
        ("steeple landmarks un", ["undelete", "undo"]),
        ("steeple identify --max-b", ["--max-bytes"]),
        ("steeple identify --root", ["--root-certificates"]),
        ("steeple serve --access ", ["auto", "open", "keys"]),
        ("steeple serve --device g", ["gpu"]),
        ("steeple keys create Ada --scope e", ["editor"]),
        ("steeple model show delf-lite", ["delf-lite0-v1", "delf-lite2-v1"]),
        ("steeple evaluate photos --model delf-b", ["delf-base"]),
        ("steeple evaluate re", ["release", "report"]),
        ("steeple evaluate --mo", ["--model"]),
        ("steeple identify photo", []),  # the shell offers files
    ],
)
def test_words_that_need_no_server(line: str, words: list[str], offered: Offered) -> None:
    assert offered(line) == words


def test_names_that_a_server_knows(filled: str, offered: Offered) -> None:
    assert offered("steeple landmarks show tab-", filled) == ["tab-bridge", "tab-tower"]
    assert offered("steeple landmarks show landmarks/tab-t", filled) == ["landmarks/tab-tower"]
    assert offered(f"steeple landmarks show --server {filled} tab-b") == ["tab-bridge"]
    assert offered("steeple landmarks undelete tab-", filled) == ["tab-tower-gone"]
    assert offered("steeple audit landmarks/tab-b", filled) == ["landmarks/tab-bridge"]
    assert offered("steeple people show tab-", filled) == ["tab-ada"]


def test_keys_and_images_that_a_server_knows(filled: str, offered: Offered, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(scene(33, 320, 240)))
    with Client(filled) as client:
        for image in ("east", "west"):
            client.add_reference_image("tab-tower", photo, image_id=image)
        ids = [key.id for key in client.list_keys()]
    assert offered("steeple keys revoke ", filled) == ids
    both = ["landmarks/tab-tower/images/east", "landmarks/tab-tower/images/west"]
    assert offered("steeple images show landmarks/tab-tow", filled) == both
    assert offered("steeple images show tab-tower/images/w", filled) == ["tab-tower/images/west"]
    assert offered(f"steeple images delete {both[0]} landmarks/tab-t", filled) == both[1:]


def test_a_server_that_is_away_or_does_not_answer_offers_nothing(offered: Offered) -> None:
    assert offered("steeple landmarks show tab-", NOBODY) == []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert offered("steeple landmarks show tab-", f"127.0.0.1:{silent.getsockname()[1]}") == []


def test_what_a_shell_could_carry_out_is_not_offered() -> None:
    names = ["a", "a$(touch x)", "a;b", "a b", 'a"', "a'", "a\\", "a`b`", "a\nb", "-a", "landmarks/a/images/b"]
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    assert completion._quietly(context, "", lambda: names) == ["a", "landmarks/a/images/b"]


def test_a_real_bash() -> None:
    script = (
        'eval "$(_STEEPLE_COMPLETE=source_bash steeple)"; complete -p steeple\n'
        "COMP_WORDS=(steeple keys create Ada --scope e); COMP_CWORD=5; _steeple_completion steeple\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    registered, *words = ran.stdout.splitlines()
    assert registered.split() == ["complete", "-o", "default", "-F", "_steeple_completion", "steeple"]
    assert words == ["editor"]


@pytest.mark.parametrize(
    ("shell", "says"), [("zsh", '_arguments \'*: :(("identify":'), ("fish", "identify\tName the landmark")]
)
def test_other_shells(shell: str, says: str) -> None:
    asked = {
        "_STEEPLE_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "steeple ide",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "steeple.cli"], env=environment(**asked), capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(says)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_that_shells_read(shell: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "steeple.cli"],
        env=environment(_STEEPLE_COMPLETE=f"source_{shell}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"_STEEPLE_COMPLETE=complete_{shell}" in ran.stdout
