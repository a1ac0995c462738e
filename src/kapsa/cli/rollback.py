"""The command `kapsa rollback`."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

import click

from kapsa.cli.promotions.options import EXIT_CODES, way, written
from kapsa.cli.remote.options import patient, run_at, where

if TYPE_CHECKING:
    from kapsa.cli.remote.desk import Desk

_HELP: Final = f"""\
Have an environment of a Project run an image again that it ran before.

That is the one of the newest roll-out that succeeded with another image than it is told to run now;
with --to it is the one of a commit. --list shows the last ten roll-outs. Nothing is built:
spec.environments[].image of the Project is set to the digest, and revision to its commit. The
environment stays at that image until it is told another, or kapsa follow. Only the image goes back,
and no other setting; a release that succeeded with it isn't run again.

\b
Examples:
  kapsa rollback shop production --list
  kapsa rollback shop production --wait
  kapsa rollback shop production --to 1f3b5d7
  kapsa rollback shop production --dry-run -o yaml

With --wait, progress goes to standard error, and the URL is all of the standard output.

{EXIT_CODES}"""


@click.command(help=_HELP)
@click.argument("project")
@click.argument("environment")
@click.option(
    "--to",
    default="",
    metavar="SHA",
    help="Commit to go back to, or digest of its image; the beginning will do.",
)
@click.option("--list", "listing", is_flag=True, help="Show the last roll-outs; change nothing.")
@patient("10m", "Return once it runs and is Ready, and print its URL.")
@written
@where
def rollback(project: str, environment: str, to: str, listing: bool, **options: Any) -> None:
    """Roll back; see `_HELP`."""
    from kapsa.cli.promotions import run  # noqa: PLC0415

    def work(desk: "Desk") -> Awaitable[int]:
        if listing:
            return run.history(desk, project, environment)
        return run.rollback(desk, project, environment, to, way(options))

    run_at(options, work)
