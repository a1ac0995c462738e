"""The command `kapsa plan`."""

import sys
import time
from typing import Any

import click

_EXTRA = frozenset({"cel", "jsonschema", "rich", "yaml"})

_HELP = """\
Show what the operator would do for a Project.

Nothing is done, and no cluster is needed. It is the operator's own core that plans: which
Environments there would be, why a branch or pull request has none, and every object. The files hold
the Project, and may hold its DomainPool, its Registry, and Environments that exist already.

\b
Examples:
  kapsa plan -f project.yaml -f pool.yaml
  git ls-remote https://git.example.com/acme/shop.git > refs.txt
  kapsa plan -f deploy/ --refs refs.txt
  kapsa plan -f project.yaml --refs refs.txt -o yaml | less
  kapsa plan -f project.yaml --refs refs.txt -o diff

Only `-o diff` reads from a cluster: the one of the current kubeconfig. It shows the fields that the
operator would change there, writes nothing, and reads no Secret.

The exit code is 0, with `-o diff` 1 if there is a difference, and 2 if a file is wrong or something
can't be read.
"""


@click.command(help=_HELP)
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    metavar="FILE",
    help="File or folder with manifests, or - for standard input; more than once if need be.",
)
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    help="Namespace of manifests that name none.",
)
@click.option(
    "--refs",
    metavar="FILE",
    help="Refs of the repository, as `git ls-remote <url>` prints them. Left out: the branches that"
    " the Project names, at made-up commits.",
)
@click.option(
    "--pulls",
    metavar="FILE",
    help="Open pull requests: a list, as JSON or YAML, of number, head, sha, and where they matter"
    " title, author, url, labels, draft, fork, created. Left out: what the refs show.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "yaml", "json", "diff"]),
    default="table",
    show_default=True,
    help="table: for people; yaml: every object; json: everything; diff: against the cluster.",
)
@click.option("--kubeconfig", metavar="FILE", help="Kubeconfig to use for -o diff.")
@click.option("--context", metavar="NAME", help="Context of the kubeconfig to use for -o diff.")
def plan(**options: Any) -> None:
    """Plan; see `_HELP`."""
    try:
        from kapsa.cli.planning.run import Request, run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise _NotInstalled("this command needs more packages: pip install 'kapsa[cli]'") from error
    sys.exit(run(Request(**options), now=time.time()))


class _NotInstalled(click.ClickException):
    """What the command needs isn't there."""

    exit_code = 2
