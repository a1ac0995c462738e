"""`kapsa validate`: judges manifests without a cluster."""

import os
import sys
from typing import Final

import click

EXIT_FINDINGS: Final = 1
EXIT_UNUSABLE: Final = 2

_EXTRA: Final = frozenset({"cel", "jsonschema", "yaml"})

_HELP: Final = """\
Check manifests of Kapsa without a cluster.

Each FILE is YAML or JSON with any number of documents, a directory with such files in it or
below, or - for standard input. Objects are judged by the rules of the API server, and then by
those of the operator; files that are given together may name one another's objects. What is
of other groups is skipped with a note.

\b
Examples:
  kapsa validate project.yaml
  kapsa validate deploy/ --strict
  helm template ./chart | kapsa validate -
  kubectl get projects -A -o yaml | kapsa validate -
  kapsa validate -o json deploy/ | jq -r '.[].path'

The exit code is 0 if there are no errors, 1 if there are, and 2 if the command was misused or
a file can't be read.
"""


@click.command(help=_HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people and editors, or a list of objects for programs.",
)
@click.option("--strict", is_flag=True, help="Fail for notes, too.")
def validate(files: tuple[str, ...], output: str, strict: bool) -> None:
    """Judge the files; the command's help is what people read."""
    try:
        from kapsa.cli.validation import findings, judging, sources  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise _Unusable("this command needs more packages: pip install 'kapsa[cli]'") from error
    try:
        names = sources.expand(files)
        read = [sources.read(name, sys.stdin.buffer.read) for name in names]
    except sources.UnreadableError as error:
        raise _Unusable(str(error)) from error
    verdict = judging.judge(read)
    if output == "json":
        click.echo(findings.as_json(verdict.findings))
    else:
        for line in findings.as_text(verdict.findings):
            click.echo(line, color=_wants_colour())
    click.echo(findings.summary(verdict), err=True)
    if verdict.fails(strict=strict):
        raise SystemExit(EXIT_FINDINGS)


class _Unusable(click.ClickException):
    """The command can't do what was asked; the message says why."""

    exit_code = EXIT_UNUSABLE


def _wants_colour() -> bool:
    """Tell whether a person reads along who hasn't asked for none, by https://no-color.org."""
    return _is_terminal() and not os.environ.get("NO_COLOR")


def _is_terminal() -> bool:
    return sys.stdout.isatty()
