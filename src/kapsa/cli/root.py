"""The root of the command line."""

from collections.abc import Callable

import click

from kapsa import __version__
from kapsa.cli.follow import follow
from kapsa.cli.plan import plan
from kapsa.cli.preview import preview
from kapsa.cli.promote import promote
from kapsa.cli.rollback import rollback
from kapsa.cli.validate import validate


def make_cli(run_operator: Callable[[], None]) -> click.Group:
    """Return the `kapsa` command; `run_operator` is what `kapsa run` does."""

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(__version__, prog_name="kapsa")
    def cli() -> None:
        """Give every branch and pull request a running environment with its own URL."""

    @cli.command()
    def run() -> None:
        """Run the operator.

        It finds the cluster by $KUBECONFIG, or by the ServiceAccount of the pod that it runs in,
        and its settings in environment variables KAPSA_… (see docs/reference/settings.md). It ends
        on SIGINT or SIGTERM.
        """
        run_operator()

    for command in (follow, plan, preview, promote, rollback, validate):
        cli.add_command(command)
    return cli
