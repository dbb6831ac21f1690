"""Printing: nothing a catalogue holds can steer the terminal, and results and remarks go separate ways."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from steeple.cli.output import Cell, Column, Output, describe_metadata, describe_time, error_facts, plain, without_nan
from steeple.errors import NotFoundError


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Sacré-Cœur", "Sacré-Cœur"),
        ("清真寺 👍🏽", "清真寺 👍🏽"),
        ("\x1b[2Jgone", " [2Jgone"),
        ("two\nlines\r", "two lines "),
        ("\u202egnp.jpg", " gnp.jpg"),
        ("[bold]markup[/bold] :smile:", "[bold]markup[/bold] :smile:"),
    ],
)
def test_text_is_printed_as_it_is_without_control_characters(
    text: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain(text) == printed
    output = Output(as_json=False)
    output.say(text)
    output.table([Column("name")], [[text], [Cell(text, "bold red")]])
    output.facts([("name", text), ("empty", "")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    expected = printed.rstrip()
    assert lines[0] == expected
    assert [line.rstrip() for line in lines[3:5]] == [expected, expected]
    assert lines[5:] == [f"name  {printed}".rstrip()], "facts without a value are left out"


def test_json_mode_prints_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.say("a")
    output.note("b")
    output.table([Column("c")], [["d"]])
    output.facts([("e", "f")])
    with output.progress("g", 2) as done:
        done.advance("h")
    output.line({"name": "Sacré-Cœur"})
    printed = capsys.readouterr()
    assert printed.out == '{"name": "Sacré-Cœur"}\n'
    assert printed.err == ""


def test_text_mode_prints_no_json_and_keeps_notes_out_of_results(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.document({"a": 1})
    output.line({"a": 1})
    output.note("under way")
    with output.progress("adding", 3) as done:
        done.advance("x.jpg")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "under way\n", "no progress bar without a terminal"


def test_results_go_where_they_are_sent_while_a_bar_is_on_the_terminal() -> None:
    code = (
        "from steeple.cli.output import Output\n"
        "output = Output(as_json=False)\n"
        "with output.progress('adding', 2) as done:\n"
        "    output.say('a result')\n"
        "    done.advance('[red]x.jpg')\n"
    )
    terminal, slave = pty.openpty()
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=slave, text=True, check=True)
    os.close(slave)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert ran.stdout == "a result\n"
    assert "adding" in shown
    assert "[red]x.jpg" in shown
    assert "a result" not in shown


def test_a_long_row_is_not_cut_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table([Column("a"), Column("b")], [["x" * 90, "y" * 90]])
    assert f"{'x' * 90}  {'y' * 90}" in capsys.readouterr().out.replace("   ", "  ")


def test_an_error_names_its_subject_its_cause_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    error = NotFoundError("there is no such landmark", resource="landmarks/x")
    Output(as_json=False).error(error, hint="list them", photo="a.jpg")
    assert capsys.readouterr().err == "error: a.jpg: there is no such landmark\nhint: list them\n"
    Output(as_json=True).error(error, photo="a.jpg")
    facts = json.loads(capsys.readouterr().err)["error"]
    assert facts == {"photo": "a.jpg", **error_facts(error)}
    assert (facts["exit_code"], facts["metadata"]) == (4, {"resource": "landmarks/x"})


def test_times_are_told_in_utc() -> None:
    assert describe_time(datetime(2026, 1, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01 23:30:00 UTC"
    assert describe_time(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00:00 UTC"
    assert describe_time(None) == ""


def test_metadata_is_told_in_order() -> None:
    assert describe_metadata({"b": "2", "a": "1"}) == "a=1, b=2"


def test_json_has_none_for_nan_at_any_depth() -> None:
    nan = float("nan")
    assert without_nan({"a": (nan, 0.25), "b": [{"c": nan}], "d": "nan", "e": 3}) == {
        "a": [None, 0.25],
        "b": [{"c": None}],
        "d": "nan",
        "e": 3,
    }
    assert without_nan([1 / 3, nan, 12345678], 6) == [0.333333, None, 12345678]
    assert without_nan(1 / 3) == 1 / 3


def test_what_a_bar_counts_is_told_as_it_is_called() -> None:
    code = (
        "from steeple.cli.output import Output\n"
        "from steeple.cli.progress import bytes_bar\n"
        "output = Output(as_json=False)\n"
        "with output.steps() as told:\n"
        "    told('[red]step', 1, 2)\n"
        "with bytes_bar(output, 'sending') as sent:\n"
        "    sent(1500, 3000)\n"
    )
    terminal, slave = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=slave, check=True)
    os.close(slave)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert "[red]step" in shown
    assert "sending" in shown
    assert "1.5/3.0 kB" in shown
