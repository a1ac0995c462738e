"""The root of the command line."""

import re
import subprocess
import sys
from pathlib import Path

import click
from click.testing import CliRunner

from kapsa import __version__
from kapsa.cli import make_cli
from kapsa.cli.preview import preview


def test_run_runs_the_operator() -> None:
    calls: list[str] = []
    result = CliRunner().invoke(make_cli(lambda: calls.append("run")), ["run"])
    assert (result.exit_code, calls) == (0, ["run"])


def test_nothing_runs_without_being_asked_for() -> None:
    calls: list[str] = []
    for arguments in ([], ["--help"], ["run", "--help"], ["run", "now"], ["walk"]):
        CliRunner().invoke(make_cli(lambda: calls.append("run")), arguments)
    assert calls == []


def test_it_says_its_version() -> None:
    result = CliRunner().invoke(make_cli(lambda: None), ["--version"])
    assert result.output == f"kapsa, version {__version__}\n"


def test_help_names_the_settings() -> None:
    result = CliRunner().invoke(make_cli(lambda: None), ["run", "-h"])
    assert "KAPSA_" in result.output
    assert "KUBECONFIG" in result.output


def test_examples_of_each_command_stand_on_lines_of_their_own() -> None:
    cli = make_cli(lambda: None)
    within = [("preview", name) for name in preview.commands]
    for names in [*((name,) for name in cli.commands), *within]:
        text = CliRunner().invoke(cli, [*names, "--help"]).output
        assert "\\b" not in text
        asked = "plan -f|validate|(?:preview|promote|rollback|follow) [a-z]+"
        examples = re.findall(rf"^ .*kapsa (?:{asked}) .*$", text, re.MULTILINE)
        assert all(line.startswith("    ") for line in examples)


def test_the_operator_is_loaded_only_to_run_it() -> None:
    code = "import sys, kapsa.__main__; print([name for name in sys.modules if 'kopf' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_of_the_command_line_names_each_option_of_each_command() -> None:
    page = (Path(__file__).parents[3] / "docs/cli.md").read_text(encoding="utf-8")
    sections = dict(
        re.findall(r"^## `kapsa (\w+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    )
    commands = {
        name: each for name, each in make_cli(lambda: None).commands.items() if name != "run"
    }

    assert sections.keys() == commands.keys()
    for name, command in commands.items():
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        options = {
            option
            for part in parts
            for each in part.params
            for option in each.opts
            if option[0] == "-"
        }
        assert {option for option in options if f"`{option}`" not in sections[name]} == set()
