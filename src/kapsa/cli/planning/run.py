"""Runs `kapsa plan`: reads, plans, and writes the answer."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
from kubernetes.aio.config import ConfigException
from pydantic import ValidationError

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.connection import connect
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import JOBS, VOLUME_CLAIMS
from kapsa.cli.planning.assemble import Assembled, Listed, assemble, identified, offered_by_files
from kapsa.cli.planning.difference import difference
from kapsa.cli.planning.documents import to_json, to_yaml
from kapsa.cli.planning.files import InvalidError, manifests_in
from kapsa.cli.planning.listings import ListingError, pull_requests_in, refs_in
from kapsa.cli.planning.live import LiveCluster
from kapsa.cli.planning.project import plan_project
from kapsa.cli.planning.sources import Given, sort_out
from kapsa.cli.planning.table import write_tables
from kapsa.cli.planning.values import Manifest, PlannedProject
from kapsa.cli.validation.sources import UnreadableError
from kapsa.config import SettingsError, read_settings
from kapsa.core.projects.furnishings import NamespaceRules
from kapsa.models.project import Project

OK = 0
DIFFERENT = 1
FAILED = 2


@dataclass(frozen=True)
class Request:
    """What a person asks for; see `kapsa plan --help`."""

    files: tuple[str, ...]
    output: str = "table"
    namespace: str = "default"
    refs: str | None = None
    pulls: str | None = None
    kubeconfig: str | None = None
    context: str | None = None


class PlanError(click.ClickException):
    """Nothing can be planned; the message says why."""

    exit_code = FAILED


Reach = Callable[[Request], AbstractAsyncContextManager[Cluster]]
"""Gives the cluster that a diff is made against, for a while."""


@asynccontextmanager
async def reach_by_kubeconfig(request: Request) -> AsyncIterator[Cluster]:
    """Give the cluster of the kubeconfig; whoever tries to write there gets an error."""
    try:
        connection = await connect(kubeconfig=request.kubeconfig, context=request.context)
    except ConfigException as error:
        raise PlanError(f"there is no usable kubeconfig: {error}") from error
    try:
        yield Cluster(connection, fence=_forbid_writes)
    finally:
        await connection.close()


def _forbid_writes() -> None:
    raise RuntimeError("a plan writes nothing")


def run(request: Request, *, now: float, reach: Reach = reach_by_kubeconfig) -> int:
    """Write the plan to standard output, and notes to standard error; return the exit code.

    Args:
        request: What is asked for.
        now: Unix time.
        reach: Gives the cluster for a diff.

    Raises:
        PlanError: Nothing can be planned.
    """
    try:
        manifests = manifests_in(request.files, sys.stdin.buffer.read)
    except InvalidError as error:
        click.echo(error, err=True, color=False if os.environ.get("NO_COLOR") else None)
        return FAILED
    except UnreadableError as error:
        raise PlanError(str(error)) from error
    given = sort_out(manifests, request.namespace)
    if not given.projects:
        raise PlanError(f"there is no Project in {', '.join(request.files)}")
    _tell(given.notes)
    listed = _listed(request, given.projects)
    try:
        if request.output == "diff":
            return asyncio.run(_diff(request, given, listed, now, reach))
        _write([_planned(_offline(item, given, listed, now)) for item in given.projects], request)
    except ValidationError as error:
        raise PlanError(f"a stored object breaks the rules of this version: {error}") from error
    except AdapterError as error:
        raise PlanError(error.message) from error
    return OK


def _rules() -> NamespaceRules:
    """Return the rules for namespaces that the variables of the operator's settings give.

    Raises:
        PlanError: One of the variables is wrong.
    """
    try:
        return read_settings().namespace_rules
    except SettingsError as error:
        raise PlanError(str(error)) from error


def _listed(request: Request, projects: Sequence[Manifest]) -> Listed:
    """Return what the files say of the repository, which all the Projects must share."""
    repositories = {item["spec"]["repository"]["url"] for item in projects}
    if (request.refs or request.pulls) and len(repositories) > 1:
        raise PlanError(
            "--refs and --pulls are about one repository, and these Projects have"
            f" {len(repositories)}: {', '.join(sorted(repositories))}. Plan them one by one"
        )
    try:
        return Listed(
            refs_in(_read(request.refs), request.refs) if request.refs else None,
            pull_requests_in(_read(request.pulls), request.pulls) if request.pulls else None,
        )
    except ListingError as error:
        raise PlanError(str(error)) from error
    except OSError as error:
        raise PlanError(f"{error.filename}: {error.strerror}") from error


def _read(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def _offline(manifest: Manifest, given: Given, listed: Listed, now: float) -> Assembled:
    project = Project.model_validate(identified(manifest, given.environments))
    offered, notes = offered_by_files(project, given)
    offered = replace(offered, rules=_rules())
    assembled = assemble(project, given.environments, offered, listed, now)
    return replace(assembled, notes=notes + assembled.notes)


def _planned(assembled: Assembled) -> PlannedProject:
    """Return the plan, having told what it assumes."""
    _tell(assembled.notes)
    return replace(plan_project(assembled.known), notes=assembled.notes)


def _write(plans: Sequence[PlannedProject], request: Request) -> None:
    if request.output == "table":
        write_tables(plans, sys.stdout)
    else:
        sys.stdout.write(to_yaml(plans) if request.output == "yaml" else to_json(plans))


async def _diff(request: Request, given: Given, listed: Listed, now: float, reach: Reach) -> int:
    """Write the difference between the plans and the cluster; return the exit code."""
    different = False
    async with reach(request) as cluster:
        live = LiveCluster(cluster)
        for manifest in given.projects:
            project = await live.project(manifest)
            environments = await live.environments(project, given)
            offered = await live.offered(project, given)
            namespaces = await live.namespaces(project)
            offered = replace(
                offered,
                rules=_rules(),
                namespaces=namespaces,
                jobs=await live.beside(project, environments, JOBS),
                volume_claims=await live.beside(project, environments, VOLUME_CLAIMS),
            )
            plan = _planned(assemble(project, environments, offered, listed, now))
            changes, notes = difference(plan, await live.compare_with(plan))
            sys.stdout.write(changes)
            _tell([*notes, *_obstacles(plan)])
            different = different or bool(changes)
    return DIFFERENT if different else OK


def _obstacles(plan: PlannedProject) -> list[str]:
    """Return why the Project, and each of its Environments, doesn't become what it should."""
    blocked = [
        (plan.name, plan.failure),
        *((item.name, item.blocked) for item in plan.environments),
    ]
    return [f"{name}: {item.reason}: {item.message}" for name, item in blocked if item]


def _tell(notes: Iterable[str]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)
