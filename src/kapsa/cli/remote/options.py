"""Options of commands that work at a cluster."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from kapsa.utils.durations import parse_duration

if TYPE_CHECKING:
    from kapsa.cli.remote.desk import Desk


class Duration(click.ParamType[int]):
    """A duration such as `90s`, `1h30m` or `7d`; gives seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds; fail for what is no duration."""
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


Command = Callable[..., Any]


def where(command: Command) -> Command:
    """Add the options that say which cluster and namespace are meant."""
    for option in (
        click.option("--kubeconfig", metavar="FILE", help="Kubeconfig to use."),
        click.option("--context", metavar="NAME", help="Context of the kubeconfig to use."),
        click.option(
            "-n", "--namespace", metavar="NAME", help="Namespace; the context's if left out."
        ),
    ):
        command = option(command)
    return command


def patient(default: str, what: str) -> Callable[[Command], Command]:
    """Add the options of those who wait."""

    def with_options(command: Command) -> Command:
        command = click.option(
            "--timeout",
            type=Duration(),
            default=default,
            show_default=True,
            help="Longest time to wait.",
        )(command)
        return click.option("--wait", is_flag=True, help=what)(command)

    return with_options


def run_at(options: dict[str, Any], work: "Callable[[Desk], Awaitable[int]]") -> None:
    """Do the work at the cluster that the options name, and exit with its code."""
    from kapsa.cli.remote.desk import at_kubeconfig, at_work  # noqa: PLC0415

    reach = at_kubeconfig(options["kubeconfig"], options["context"], options["namespace"])
    sys.exit(at_work(reach, work))
