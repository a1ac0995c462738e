"""Options and help that `kapsa promote`, `rollback` and `follow` share."""

from typing import TYPE_CHECKING, Any, Final

import click

from kapsa.cli.remote.options import Command

if TYPE_CHECKING:
    from kapsa.cli.promotions.run import Way

EXIT_CODES: Final = """\
The exit code is 0 when it is done; 1 if there is nothing to run, the environment has failed, or is
not as awaited in time, or somebody else changed the Project meanwhile; and 2 if the command was
misused, or the API server can't be reached or refuses.
"""


def written(command: Command) -> Command:
    """Add the options that say how a change is made and shown."""
    command = click.option(
        "-o",
        "--output",
        type=click.Choice(["yaml", "json", "name"]),
        help="Print the Project in this form; with --dry-run only the change.",
    )(command)
    return click.option(
        "--dry-run", is_flag=True, help="Write nothing; say what would be written."
    )(command)


def way(options: dict[str, Any]) -> "Way":
    """Return how the change is made, as the options say."""
    from kapsa.cli.promotions.run import Way  # noqa: PLC0415

    named = ("dry_run", "wait", "timeout", "output")
    return Way(**{name: options[name] for name in named if name in options})
