"""The command `kapsa promote`."""

from typing import Any, Final

import click

from kapsa.cli.promotions.options import EXIT_CODES, way, written
from kapsa.cli.remote.options import patient, run_at, where

_HELP: Final = f"""\
Have the environment TO of a Project run the very image that FROM runs.

FROM is another environment, a preview such as pr-42, or a branch with a preview; it must be Ready.
Nothing is built: spec.environments[].image of the Project is set to the digest, and revision to its
commit, and the operator does the rest. TO stays at that image until it is told another, or kapsa
follow.

\b
Examples:
  kapsa promote shop staging production --wait
  kapsa promote shop pr-42 production -n team-a
  kapsa promote shop staging production --dry-run -o yaml

With --wait, progress goes to standard error, and the URL is all of the standard output.

{EXIT_CODES}"""


@click.command(help=_HELP)
@click.argument("project")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@patient("10m", "Return once it runs there and is Ready, and print its URL.")
@written
@where
def promote(project: str, source: str, target: str, **options: Any) -> None:
    """Promote; see `_HELP`."""
    from kapsa.cli.promotions import run  # noqa: PLC0415

    if source == target:
        raise click.UsageError(f"FROM and TO are both {source}")
    run_at(options, lambda desk: run.promote(desk, project, source, target, way(options)))
