"""What a run was, and what is wrong with it, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.history.checker import Violation, compared
from tests.history.operations import DATABASE_ENDS, History, Outcome


def facts(
    history: History, violations: Sequence[Violation], failures: Sequence[str] = (), lag: int = 0
) -> dict[str, Any]:
    """Numbers of a run, fit for JSON; ``lag`` as in :func:`~tests.history.checker.check`."""
    outcomes = Counter(one.outcome for one in history.operations)
    return {
        "seed": history.seed,
        "retained": history.retained,
        "seconds": round(max((one.completed for one in history.operations), default=0) / 1e9, 1),
        "operations": len(history.operations),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "sent_more_than_once": sum(one.attempts > 1 for one in history.operations),
        "identify_compared": compared(history, lag),
        "identified": sum(bool(one.answer.get("found")) for one in history.operations if one.action == "Identify"),
        "kills": sum(event.what == "SIGKILL" for event in history.events),
        "stops": sum(event.what == "SIGTERM" for event in history.events),
        "outages": sum(event.what == DATABASE_ENDS for event in history.events),
        "damages": sum(
            event.what.startswith("damage: ") and not event.what.endswith(": nothing") for event in history.events
        ),
        "violations": [str(one) for one in violations],
        "failures": list(failures),
    }


def text(said: dict[str, Any]) -> str:
    """The same in a few lines."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in said["outcomes"].items())
    lines = [
        f"seed {said['seed']}: {said['operations']} operations in {said['seconds']} s ({outcomes}; "
        f"{said['sent_more_than_once']} sent more than once)",
        f"{said['kills']} SIGKILL, {said['stops']} SIGTERM, {said['damages']} times the saved index damaged; "
        f"{said['identify_compared']} searches compared, {said['identified']} identified",
        *said["violations"],
        *said["failures"],
    ]
    wrong = len(said["violations"]) + len(said["failures"])
    return "\n".join([*lines, f"{wrong} violations" if wrong else "nothing is wrong with it"])
