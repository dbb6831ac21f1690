"""What the walk-through says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steeple.app.ui.language import message


@dataclass(frozen=True)
class WelcomeStep:
    """A step: its icon, what it says, and the word that leads on."""

    icon: str
    title: str
    detail: str
    button: str


STEPS: Final = (
    WelcomeStep(
        "steeple",
        message("Point at a landmark"),
        message("Its outline lights up, with its name and how sure that is. If nobody knows it, the app says so."),
        message("Next"),
    ),
    WelcomeStep(
        "lock",
        message("Your photos stay here"),
        message(
            "This device turns a picture into a few hundred numbers, and only they are sent. "
            "A photo leaves it when you say so, and never else."
        ),
        message("Next"),
    ),
    WelcomeStep(
        "server",
        message("Who answers?"),
        message("A Steeple server, or an offline pack of your region. Both can be changed in the settings."),
        message("Next"),
    ),
    WelcomeStep(
        "camera",
        message("One permission"),
        message("The camera is needed to look with you. Location is asked for only if you turn it on."),
        message("Start"),
    ),
)

SERVER_STEP: Final = 2
"""The step at which the server's address is typed."""
