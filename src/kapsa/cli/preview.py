"""The commands `kapsa preview …`."""

from typing import Any, Final

import click

from kapsa.cli.remote.options import Command, Duration, patient, run_at, where

_EXIT_CODES: Final = """\
The exit code is 0 when it is done; 1 if the preview has failed, is not there, or is not as awaited
in time; and 2 if the command was misused, or the API server can't be reached or refuses.
"""

_HELP: Final = f"""\
Make, list and delete previews without a Project, as CI does.

A preview is an Environment that stands alone: one image, one URL, one time to live. The operator
does the rest.

{_EXIT_CODES}"""

_CREATE_HELP: Final = f"""\
Make a preview, or change it: the same command with another image rolls that out.

What is left out goes back to its default. NAME, or pr-N for pull request N, is the name of the
Environment. With --own-namespace it gets a namespace that goes with it.

\b
Examples:
  kapsa preview create shop-pr-42 --image ghcr.io/acme/shop:1f3b5d7 --domain-pool apps --wait
  kapsa preview create --pr 42 --image "$IMAGE" --ttl 2d --env LOG_LEVEL=debug -n team-a
  kapsa preview create shop-pr-42 --image "$IMAGE" --own-namespace --domain-pool apps -o name
  kapsa preview create --pr 42 --image harbor.example.com/acme/shop:1f3b5d7 --registry harbor

With --wait, progress goes to standard error, and the URL is all of the standard output.

{_EXIT_CODES}"""

_LIST_HELP: Final = f"""\
List the previews of a namespace, also those of Projects.

\b
Examples:
  kapsa preview list
  kapsa preview list -A -o wide

{_EXIT_CODES}"""

_DELETE_HELP: Final = f"""\
Delete a preview, and with it all that it became; its own namespace goes, too, if it has one.

\b
Examples:
  kapsa preview delete --pr 42 -n team-a
  kapsa preview delete shop-pr-42 --wait --ignore-not-found

{_EXIT_CODES}"""

_EXTEND_HELP: Final = f"""\
Have a preview live longer: for that time from now on, unless its time to live is longer anyway.

\b
Examples:
  kapsa preview extend shop-pr-42 --for 2d

{_EXIT_CODES}"""

_PIN_HELP: Final = f"""\
Have a preview stay until it is deleted.

\b
Examples:
  kapsa preview pin shop-pr-42
  kapsa preview pin shop-pr-42 --off

{_EXIT_CODES}"""


def _variables(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    pairs = [value.partition("=") for value in values]
    if not all(name and equals for name, equals, _ in pairs):
        raise click.BadParameter("write NAME=VALUE")
    return tuple((name, value) for name, _, value in pairs)


def _which(command: Command) -> Command:
    """Add the argument and the option that name a preview."""
    command = click.option(
        "--pr", type=click.IntRange(min=1), metavar="N", help="Number of the pull request."
    )(command)
    return click.argument("name", required=False)(command)


@click.group(help=_HELP)
def preview() -> None:
    """Previews; see `_HELP`."""


@preview.command(help=_CREATE_HELP)
@_which
@click.option("--image", required=True, help="Image to run, best by its digest.")
@click.option(
    "--ttl",
    default="7d",
    show_default=True,
    metavar="DURATION",
    help="How long it lives after its last change.",
)
@click.option("--domain-pool", default="", metavar="NAME", help="DomainPool that gives the host.")
@click.option("--subdomain", default="", metavar="NAME", help="Name below the base domain.")
@click.option(
    "--registry", default="", metavar="NAME", help="Registry that the image is on, to pull it."
)
@click.option("--branch", default="", help="Branch that it shows.")
@click.option("--commit", default="", metavar="SHA", help="Commit that it shows.")
@click.option(
    "--env",
    multiple=True,
    callback=_variables,
    metavar="NAME=VALUE",
    help="Variable of the application; more than once if need be.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=None, help="Port that it listens on."
)
@click.option(
    "--own-namespace",
    is_flag=True,
    help="Make a namespace for it, called as --namespace says or after the preview.",
)
@patient("5m", "Return once it is Ready, and print its URL.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["wide", "json", "yaml", "name"]),
    help="Print the Environment in this form.",
)
@where
def create(name: str | None, pr: int | None, **options: Any) -> None:
    """Create; see `_CREATE_HELP`."""
    from kapsa.cli.previews.objects import Wanted  # noqa: PLC0415
    from kapsa.cli.previews.run import Create, create_preview  # noqa: PLC0415

    if options["subdomain"] and not options["domain_pool"]:
        raise click.UsageError("--subdomain needs --domain-pool")
    wanted = Wanted(
        name=_name(name, pr),
        namespace="",
        image=options["image"],
        ttl=options["ttl"],
        pull_request=pr or 0,
        domain_pool=options["domain_pool"],
        subdomain=options["subdomain"],
        registry=options["registry"],
        branch=options["branch"],
        commit=options["commit"],
        env=options["env"],
        port=options["port"] or 0,
    )
    asked = Create(
        wanted, options["own_namespace"], options["wait"], options["timeout"], options["output"]
    )
    run_at(options, lambda desk: create_preview(desk, asked))


@preview.command(name="list", help=_LIST_HELP)
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
    default="table",
    show_default=True,
    help="Form of the list.",
)
@where
def list_(all_namespaces: bool, output: str, **options: Any) -> None:
    """List; see `_LIST_HELP`."""
    from kapsa.cli.previews.run import list_previews  # noqa: PLC0415

    run_at(options, lambda desk: list_previews(desk, everywhere=all_namespaces, output=output))


@preview.command(help=_DELETE_HELP)
@_which
@patient("5m", "Return once it is gone, and its own namespace if it has one.")
@click.option("--ignore-not-found", is_flag=True, help="Do nothing if it isn't there.")
@where
def delete(
    name: str | None, pr: int | None, wait: bool, timeout: int, ignore_not_found: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Delete; see `_DELETE_HELP`."""
    from kapsa.cli.previews.run import delete_preview  # noqa: PLC0415

    which = _name(name, pr)
    run_at(
        options,
        lambda desk: delete_preview(
            desk, which, longest=timeout if wait else None, ignore_not_found=ignore_not_found
        ),
    )


@preview.command(help=_EXTEND_HELP)
@_which
@click.option("--for", "seconds", type=Duration(), required=True, help="Time from now on.")
@where
def extend(name: str | None, pr: int | None, seconds: int, **options: Any) -> None:
    """Extend; see `_EXTEND_HELP`."""
    from kapsa.cli.previews.run import extend_preview  # noqa: PLC0415

    which = _name(name, pr)
    run_at(options, lambda desk: extend_preview(desk, which, seconds=seconds))


@preview.command(help=_PIN_HELP)
@_which
@click.option("--off", is_flag=True, help="Let it expire again.")
@where
def pin(name: str | None, pr: int | None, off: bool, **options: Any) -> None:
    """Pin; see `_PIN_HELP`."""
    from kapsa.cli.previews.run import pin_preview  # noqa: PLC0415

    which = _name(name, pr)
    run_at(options, lambda desk: pin_preview(desk, which, off=off))


def _name(name: str | None, pull_request: int | None) -> str:
    from kapsa.cli.previews.objects import preview_name  # noqa: PLC0415

    try:
        return preview_name(name, pull_request)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
