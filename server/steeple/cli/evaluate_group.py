"""``steeple evaluate``: how well photographs with known answers are recognised, by Steeple and by other methods."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

from steeple.cli import evaluate, evaluate_compare, evaluate_lab, evaluate_matching, evaluate_methods, evaluate_report

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT: Final = "release"
_HELP: Final = ("--help", "-h")


class FolderOrCommand(TyperGroup):
    """A group whose first argument may be a folder: then it is a call of its first command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own Click has no public types
        """Puts the command in front of what is no command."""
        return super().parse_args(ctx, [_DEFAULT, *args] if self._is_folder(args) else args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - see above
        """Commands, and the options of the one that may be left out."""
        found: list[Any] = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            command: Any = self.commands[_DEFAULT]
            known = {item.value for item in found}
            inner = command.make_context(_DEFAULT, [], parent=ctx, resilient_parsing=True)
            found += [item for item in command.shell_complete(inner, incomplete) if item.value not in known]
        return found

    def _is_folder(self, args: Sequence[str]) -> bool:
        if not args or args[0] in _HELP or args[0] in self.commands:
            return False
        # `steeple evaluate comapre` is no folder.
        return Path(args[0]).exists() or not get_close_matches(args[0], self.commands)


app = typer.Typer(
    cls=FolderOrCommand,
    no_args_is_help=True,
    subcommand_metavar="DIR | COMMAND [ARGS]...",
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """How well photos with known answers are recognised: by a release of Steeple, and by other methods beside it.

    Without a command, DIR is evaluated with a release. If it has the name of a command, write ./DIR.

    \b
    Examples:
      steeple evaluate photos/
      steeple evaluate lab photos/ --training others/
      steeple evaluate run experiment.yaml
    """


app.command(_DEFAULT, short_help="A model release, on a folder of photos (may be left out).")(evaluate.evaluate)
app.command("lab", short_help="All methods side by side, on a folder of photos.")(evaluate_lab.lab)
app.command("run", short_help="An experiment: systems and photos of a YAML file.")(evaluate_lab.run)
app.command("methods", short_help="What an experiment can be made of.")(evaluate_methods.methods)
app.command("compare", short_help="Whether one system is better than another.")(evaluate_compare.compare)
app.command("report", short_help="A run as a page of HTML.")(evaluate_report.report)
app.command("matching", short_help="How well local features match, on pairs of known geometry.")(
    evaluate_matching.matching
)
