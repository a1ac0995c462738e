"""What `kapsa promote`, `rollback` and `follow` do; each returns its exit code.

All but `history` change the Project's spec, as whoever edits it would; the operator does the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled
from kapsa.adapters.resources import PROJECTS
from kapsa.cli.promotions.change import Change
from kapsa.cli.promotions.finding import environment_of, existing, project_of
from kapsa.cli.promotions.waiting import Awaited, until_running
from kapsa.cli.remote.desk import OK, Desk, NotReadyError
from kapsa.cli.remote.output import encoded, table, without_managed_fields
from kapsa.cli.remote.waiting import Patience
from kapsa.core.projects.promotion import (
    SHORT,
    Pin,
    PromotionError,
    followed,
    former,
    permanent,
    proven,
)
from kapsa.models.base import GROUP
from kapsa.models.project import PermanentEnvironment, Project

_KEEP: Final = (
    "note: the Project's manifest must say so, too, or whoever applies it next takes this back;"
    " --dry-run -o yaml prints the change"
)


@dataclass(frozen=True)
class Way:
    """How a change is made and told; see the options of the commands.

    Attributes:
        dry_run: Whether it is only told.
        wait: Whether to return once the environment runs the image.
        timeout: Seconds to wait at most.
        output: `yaml`, `json` or `name`; None for words.
    """

    dry_run: bool = False
    wait: bool = False
    timeout: float = 600.0
    output: str | None = None


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what can't be promoted into what the person is told."""
    try:
        yield
    except PromotionError as error:
        raise NotReadyError(str(error)) from error


async def promote(desk: Desk, name: str, source: str, target: str, way: Way) -> int:
    """Have environment `target` of a Project run what `source` runs."""
    live, project = await project_of(desk, name)
    with _explained():
        wanted = permanent(project, target)
        pin = proven(await existing(desk, project, source))
    return await _pin(desk, project, wanted, Change(live, target, pin), way)


async def rollback(desk: Desk, name: str, target: str, version: str, way: Way) -> int:
    """Have environment `target` of a Project run what it ran before.

    Args:
        desk: Where.
        name: Name of the Project.
        target: Name of the environment.
        version: The beginning of a commit or digest; nothing for the image before.
        way: How.
    """
    live, project = await project_of(desk, name)
    with _explained():
        wanted = permanent(project, target)
        environment = await existing(desk, project, target)
        told = wanted.image or environment.spec.image or environment.status.image
        pin = former(environment, told, version)
    if pin.result != "Succeeded":
        desk.say(f"note: its roll-out of then is {pin.result}")
    return await _pin(desk, project, wanted, Change(live, target, pin), way)


async def history(desk: Desk, name: str, target: str) -> int:
    """Print the last roll-outs of an environment of a Project, the newest first."""
    _, project = await project_of(desk, name)
    environment = await existing(desk, project, target)
    rows = [
        (item.started_at, item.commit[:SHORT], item.result, item.release or "", item.image)
        for item in environment.status.history
    ]
    if rows:
        click.echo(table([("STARTED", "COMMIT", "RESULT", "RELEASE", "IMAGE"), *rows]), nl=False)
    else:
        desk.say(f"{target} has run nothing yet")
    return OK


async def follow(desk: Desk, name: str, target: str, way: Way) -> int:
    """Have environment `target` of a Project run what it follows again."""
    live, project = await project_of(desk, name)
    with _explained():
        wanted = permanent(project, target)
    written = await _carry_out(desk, Change(live, target, None), way)
    _print(written, way)
    source = followed(wanted)
    desk.say(
        f"{target} follows {source}"
        if wanted.auto_sync
        else f"{target} keeps what it runs; what {source} offers shows in the Project's"
        " status.environments[].available"
    )
    return OK


async def _pin(
    desk: Desk, project: Project, wanted: PermanentEnvironment, change: Change, way: Way
) -> int:
    pin = change.pin
    assert pin is not None
    before = await environment_of(desk, project, wanted.name)
    if before is not None and before.status.image not in ("", pin.image):
        desk.say(f"{wanted.name} runs {Pin(before.status.image, before.status.commit)}")
    desk.say(f"{wanted.name} is told to run {pin}")
    written = await _carry_out(desk, change, way)
    if wanted.auto_sync:
        desk.say(
            f"{wanted.name} stays at this image, whatever {followed(wanted)} says, until"
            f" kapsa follow {project.metadata.name} {wanted.name}"
        )
    if way.dry_run or not way.wait:
        _print(written, way)
        return OK
    awaited = Awaited(Project.model_validate(written.live), wanted.name, pin.image)
    environment = await until_running(Patience.of(desk, way.timeout), awaited)
    url = (environment.get("status") or {}).get("url", "")
    if way.output:
        _print(written, way)
    elif url:
        click.echo(url)
    desk.say("Ready" if url else "Ready; it has no URL")
    return OK


@dataclass(frozen=True)
class _Written:
    """What became of a change: the Project as it is then, and how kubectl would call that."""

    live: Manifest
    what: str
    change: Change


async def _carry_out(desk: Desk, change: Change, way: Way) -> _Written:
    if not change.is_needed:
        return _Written(change.live, "unchanged", change)
    if way.dry_run:
        return _Written(change.live, "configured (dry run)", change)
    metadata = change.live["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    try:
        live = await desk.cluster.patch(PROJECTS, name, namespace, change.operations())
    except Stalled as error:
        if change.fits(await desk.cluster.get(PROJECTS, name, namespace)):
            raise
        raise NotReadyError(
            f"Project {namespace}/{name} was changed by somebody else meanwhile, and nothing is"
            " written; look at it, and run the command again"
        ) from error
    desk.say(_KEEP)
    return _Written(live, "configured", change)


def _print(written: _Written, way: Way) -> None:
    """Print the result: with a dry run the change alone, as it goes into a manifest."""
    named = f"project.{GROUP}/{written.live['metadata']['name']}"
    if way.output == "name":
        click.echo(named)
    elif way.output is not None:
        shown = written.change.manifest() if way.dry_run else without_managed_fields(written.live)
        click.echo(encoded(shown, way.output), nl=False)
    else:
        click.echo(f"{named} {written.what}")
