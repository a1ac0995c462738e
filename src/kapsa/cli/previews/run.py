"""What the commands of `kapsa preview` do; each returns its exit code or raises `CommandError`."""

from dataclasses import dataclass, replace

import click
from pydantic import ValidationError

from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.cluster import Manifest
from kapsa.adapters.resources import ENVIRONMENTS, NAMESPACES
from kapsa.cli.previews.create import create, create_with_namespace
from kapsa.cli.previews.finding import find
from kapsa.cli.previews.objects import (
    Wanted,
    environment,
    lifetime_annotation,
    own_namespace_name,
)
from kapsa.cli.previews.output import named, rendered
from kapsa.cli.remote.desk import MANAGER, OK, CommandError, Desk, NotReadyError
from kapsa.cli.remote.waiting import Patience, until_gone, until_ready
from kapsa.core import labels
from kapsa.core.environments.own_namespace import is_made_for
from kapsa.models.environment import Environment
from kapsa.utils.times import to_rfc3339


@dataclass(frozen=True)
class Create:
    """See `kapsa preview create --help`; the namespace of `wanted` is decided here."""

    wanted: Wanted
    own_namespace: bool = False
    wait: bool = False
    timeout: float = 300.0
    output: str | None = None


async def create_preview(desk: Desk, asked: Create) -> int:
    """Make or change a preview; with `wait` return once it is Ready."""
    own = own_namespace_name(asked.wanted.name, desk.namespace)
    place = (desk.asked or own) if asked.own_namespace else desk.here
    wanted = replace(asked.wanted, namespace=place)
    _check(wanted)
    patience = Patience.of(desk, asked.timeout)
    made = await (create_with_namespace if asked.own_namespace else create)(patience, wanted)
    said = f"{named(made.live)} {made.what}"
    where = f" in namespace {place}" if asked.own_namespace else ""
    if not asked.wait:
        click.echo(_shown(made.live, asked.output, desk) if asked.output else said + where + "\n",
                   nl=False)  # fmt: skip
        return OK
    desk.say(said + where)
    live = await until_ready(patience, made.live)
    url = (live.get("status") or {}).get("url", "")
    if asked.output:
        click.echo(_shown(live, asked.output, desk), nl=False)
    elif url:
        click.echo(url)
    desk.say("Ready" if url else "Ready; it has no URL, since it names no --domain-pool")
    return OK


def _check(wanted: Wanted) -> None:
    """Raise where the API server would refuse it, before anything is made."""
    try:
        Environment.model_validate(environment(wanted))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CommandError(f"{where}: {first['msg']}") from error


def _shown(live: Manifest, output: str, desk: Desk) -> str:
    return rendered([live], output, now=desk.now(), single=True)


async def list_previews(desk: Desk, *, everywhere: bool, output: str) -> int:
    """Print the previews of a namespace, or of all."""
    place = "" if everywhere else desk.here
    listing = await desk.cluster.list_all(ENVIRONMENTS, namespace=place)
    previews = sorted(
        (item for item in listing.items if (item.get("spec") or {}).get("type") != "permanent"),
        key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"]),
    )
    if not previews and output in ("table", "wide"):
        desk.say("no previews" if everywhere else f"no previews in namespace {place}")
        return OK
    click.echo(rendered(previews, output, now=desk.now(), namespaces=everywhere), nl=False)
    return OK


async def delete_preview(
    desk: Desk, name: str, *, longest: float | None = None, ignore_not_found: bool = False
) -> int:
    """Delete a preview; its own namespace, if it has one, goes with it.

    Args:
        desk: Where.
        name: Name of the preview.
        longest: Seconds to wait until all that is gone; None not to wait.
        ignore_not_found: Whether all is well if it isn't there.
    """
    try:
        live = await find(desk, name)
    except (NotReadyError, NotFound):
        if not ignore_not_found:
            raise
        return OK
    metadata = live["metadata"]
    project = ((live.get("spec") or {}).get("projectRef") or {}).get("name")
    if project:
        raise CommandError(
            f"Environment {metadata['namespace']}/{metadata['name']} is made by Project {project},"
            " which would make it anew: close its pull request, or change the Project"
        )
    own = None
    if longest is not None:
        own = await desk.cluster.get(NAMESPACES, metadata["namespace"])
    await desk.cluster.delete(
        ENVIRONMENTS, metadata["name"], metadata["namespace"], uid=metadata["uid"]
    )
    click.echo(f"{named(live)} deleted")
    if longest is not None:
        patience = Patience.of(desk, longest)
        await until_gone(patience, live)
        if own is not None and is_made_for(own, metadata["name"]):
            await until_gone(patience, own)
    return OK


async def extend_preview(desk: Desk, name: str, *, seconds: int) -> int:
    """Have a preview live for at least that many seconds from now on."""
    until = to_rfc3339(desk.now() + seconds)
    await _annotate(desk, name, labels.EXTENDED_UNTIL, until)
    click.echo(f"it stays until {until} at least")
    return OK


async def pin_preview(desk: Desk, name: str, *, off: bool) -> int:
    """Have a preview stay for ever, or no more."""
    await _annotate(desk, name, labels.PIN, "false" if off else "true")
    click.echo("it expires in its time" if off else "it stays until it is deleted")
    return OK


async def _annotate(desk: Desk, name: str, key: str, value: str) -> None:
    live = await find(desk, name)
    # A manager for each: an apply takes away what its manager applied before and leaves out now.
    manager = desk.as_manager(f"{MANAGER}-{key.partition('/')[2]}")
    await manager.apply(lifetime_annotation(live, key, value), uid=live["metadata"]["uid"])
