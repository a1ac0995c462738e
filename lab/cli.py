"""The command line of the laboratory."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from lab import builds, laboratory
from lab.builder import build as build_recipes
from lab.builder import is_built
from lab.errors import LabError
from lab.node.requirements import choose, missing
from lab.platform import Platform
from lab.recipes import USUAL_PROFILES, Asked, book

_INTERRUPTED = 130
_NOT_RUNNING = 1
# The recipes of a real node alone make no laboratory.
_PROFILES = click.Choice(sorted(set(book().profiles) - {"node"}))

name_option = click.option(
    "--name", default="default", show_default=True, help="Which laboratory: several can run."
)
profile_option = click.option(
    "--profile",
    type=_PROFILES,
    help="demo: what the demo needs on simulated nodes. routing: that, cert-manager and a router. "
    "test: what the integration tests need.  [default: demo; routing with a real node]",
)

node_option = click.option(
    "--node",
    type=click.Choice(["simulated", "real", "auto"]),
    default="simulated",
    show_default=True,
    help="simulated: pods become Ready, nothing runs. real: containers run; needs root and runc. "
    "auto: real where this machine can, and else it says why not.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Run a real platform on this machine, without Docker and without a cluster.

    The laboratory consists of etcd, kube-apiserver, kube-controller-manager, kube-scheduler,
    simulated nodes (kwok) or a real one (kubelet, containerd), a forge (Gitea), an OCI registry
    and, by profile, cert-manager and a router (Traefik). All of it listens on 127.0.0.1; with a
    real node, what pods talk to listens on a bridge of this machine.

    The servers are built from source once (about 12 minutes on two cores, 10 GB of disk with Go's
    own caches) and kept in ${XDG_CACHE_HOME:-~/.cache}/kapsa/lab (1 GB at most). After that they
    start in seconds. Needed: git, a C compiler (for Gitea), and Go 1.26, which is fetched if it is
    missing. The data of a laboratory is in ${XDG_STATE_HOME:-~/.local/state}/kapsa/lab/NAME until
    `down` removes it.

    \b
    Typical use:
      python -m lab up
      eval "$(python -m lab env)"
      kubectl get nodes
      python -m lab down

    Your own kubeconfig is never read or changed.

    \b
    Exit codes: 0 done, 1 not running or failed, 2 wrong usage, 3 a build failed,
    4 a server failed, 5 refused to touch a foreign cluster, 130 interrupted.
    """  # noqa: D301 - \b is for click


@cli.command()
@profile_option
@node_option
@name_option
def up(profile: str | None, node: Asked, name: str) -> None:
    """Start a laboratory that stays until `down`; build what is missing.

    Starts only what doesn't run yet, so it can be repeated at any time. With a real node and the
    profile `routing`, Kapsa can build images there: the operator's setting for it is printed.
    """
    kind = choose(node, missing, _say)
    profile = profile or USUAL_PROFILES[kind]
    platform = laboratory.up(profile, name, _say, node=kind)
    _summary(platform, name)
    if kind == "real" and profile == "routing":
        _summary_of_builds(platform)


@cli.command(short_help="Stop a laboratory and remove its data.")
@name_option
def down(name: str) -> None:
    """Stop a laboratory and remove its data. What was built stays."""
    stopped = laboratory.down(name, _say)
    _say(f"the laboratory {name!r} is " + ("stopped" if stopped else "not there: nothing to do"))


@cli.command()
@name_option
def status(name: str) -> None:
    """Show the servers of a laboratory. Ends with 1 if not all of them run."""
    rows = laboratory.states(name)
    if not rows:
        _say(f"there is no laboratory {name!r}. `python -m lab up` starts one.")
        sys.exit(_NOT_RUNNING)
    table = Table("server", "state", "pid", "log", box=None)
    for row in rows:
        table.add_row(*row)
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)
    if any(state != "running" for _, state, _, _ in rows):
        sys.exit(_NOT_RUNNING)


@cli.command(short_help="Print shell lines that point at a laboratory, for eval.")
@name_option
def env(name: str) -> None:
    """Print shell lines that point KUBECONFIG and KAPSA_LAB_* at a laboratory.

    For `eval "$(python -m lab env)"`. The output contains passwords and tokens. They are
    throw-away: they work on this machine only, and only until `down`.
    """
    variables = laboratory.attached(name).environment()
    click.echo("# passwords and tokens of a throw-away laboratory on this machine")
    for variable, value in variables.items():
        click.echo(f"export {variable}={shlex.quote(value)}")


@cli.command(short_help="Build servers without starting them.")
@profile_option
@node_option
@click.argument("names", nargs=-1, metavar="[NAME]...")
def build(profile: str | None, node: Asked, names: tuple[str, ...]) -> None:
    """Build the servers of a profile, or only those named; keep what is built already."""
    kind = choose(node, missing, _say)
    profile = profile or USUAL_PROFILES[kind]
    recipes = book().select(names) if names else book().laboratory(profile, kind)
    known = {recipe.name for recipe in recipes if is_built(recipe)}
    for name, path in build_recipes(recipes).items():
        click.echo(f"{name}\t{path}\t{'was there' if name in known else 'built'}")


def _summary(platform: Platform, name: str) -> None:
    click.echo(f"kubeconfig  {platform.kubeconfig}")
    click.echo(f"API server  {platform.api_server.url}")
    click.echo(f"nodes       {platform.node}")
    if platform.gitea is not None:
        click.echo(f"Gitea       {platform.gitea.url}  (user {platform.gitea.username})")
    if platform.registry is not None:
        click.echo(f"registry    {platform.registry.url}  (user {platform.registry.username})")
    if platform.routing is not None:
        advice = platform.routing.advice or "URLs of applications open as they are"
        click.echo(f"router      {advice}")
    option = "" if name == "default" else f" --name {name}"
    click.echo(f'\nIn your shell:  eval "$(python -m lab env{option})"')


def _summary_of_builds(platform: Platform) -> None:
    if why := builds.missing():
        _say(f"no builds: {why}")
        return
    for variable, value in builds.enable_builds(platform).items():
        click.echo(f"\nFor an operator that builds:  export {variable}={shlex.quote(value)}")


def _say(message: str) -> None:
    click.echo(f"lab: {message}", err=True)


def main(run: Callable[..., object] = cli) -> None:
    """Runs the command line; ends the process with the exit code."""
    try:
        run(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LabError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        sys.exit(_INTERRUPTED)
