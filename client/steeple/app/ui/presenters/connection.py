"""What the connection check shows."""

from __future__ import annotations

from dataclasses import dataclass

from steeple.app.trouble import ConnectionReport, Step
from steeple.app.ui.language import Translator
from steeple.app.ui.presenters import words


@dataclass(frozen=True)
class StepModel:
    """One thing that was looked at: ``kind`` is good, danger or info."""

    kind: str
    icon: str
    title: str
    detail: str


@dataclass(frozen=True)
class ConnectionModel:
    """The verdict and the steps to it: ``kind`` is good, danger or info."""

    kind: str
    icon: str
    verdict: str
    steps: tuple[StepModel, ...] = ()


def present(report: ConnectionReport | None, tr: Translator) -> ConnectionModel:
    """What is shown of a report; None while there is none yet."""
    if report is None:
        return ConnectionModel("info", "search", tr("Looking …"))
    steps = tuple(_step(step, tr) for step in report.steps)
    if not report.usable:
        return ConnectionModel("danger", "warning", tr("That does not work yet"), steps)
    verdict = tr("All is well")
    if report.round_trip_ms is not None:
        verdict = tr("All is well: {milliseconds} ms there and back", milliseconds=round(report.round_trip_ms))
    return ConnectionModel("good", "check", verdict, steps)


def _step(step: Step, tr: Translator) -> StepModel:
    title = tr(words.STAGES[step.stage])
    if step.trouble is not None:
        trouble = tr(words.TROUBLES[step.trouble])
        return StepModel("info" if step.passed else "danger", "warning", title, trouble)
    # What was found is told in English alone; it adds nothing that is needed.
    return StepModel("good", "check", title, step.found if tr.code == "en" else "")
