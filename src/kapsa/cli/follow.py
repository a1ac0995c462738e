"""The command `kapsa follow`."""

from typing import Any, Final

import click

from kapsa.cli.promotions.options import EXIT_CODES, way, written
from kapsa.cli.remote.options import run_at, where

_HELP: Final = f"""\
Have an environment of a Project follow its branch, tags, or other environment again.

That ends what kapsa promote, kapsa rollback, or somebody else, told it to run: image and revision
are taken out of spec.environments[] of the Project. With autoSync: false it keeps what it runs.

\b
Examples:
  kapsa follow shop production
  kapsa follow shop production --dry-run -o yaml

{EXIT_CODES}"""


@click.command(help=_HELP)
@click.argument("project")
@click.argument("environment")
@written
@where
def follow(project: str, environment: str, **options: Any) -> None:
    """Follow; see `_HELP`."""
    from kapsa.cli.promotions import run  # noqa: PLC0415

    run_at(options, lambda desk: run.follow(desk, project, environment, way(options)))
