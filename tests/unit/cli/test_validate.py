"""The command `kapsa validate`."""

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kapsa.cli import make_cli
from kapsa.cli.validation import sources

RIGHT = """\
apiVersion: kapsa-project.io/v1alpha1
kind: Registry
metadata: {name: harbor}
spec: {endpoint: harbor.example.com}
"""
WRONG = RIGHT.replace("endpoint", "endpont")
FOREIGN = "apiVersion: v1\nkind: Secret\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with `right.yaml`, `wrong.yaml` and `foreign.yaml`."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("right", RIGHT), ("wrong", WRONG), ("foreign", FOREIGN)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def validate(*arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(make_cli(lambda: None), ["validate", *arguments], input=text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["right.yaml"], 0),
        (["foreign.yaml"], 0),
        (["foreign.yaml", "--strict"], 1),
        (["right.yaml", "--strict"], 0),
        (["wrong.yaml"], 1),
        (["right.yaml", "wrong.yaml"], 1),
        (["absent.yaml"], 2),
        (["wrong.yaml", "absent.yaml"], 2),
        ([], 2),
        (["-o", "yaml", "right.yaml"], 2),
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_exit_code_tells_errors_from_misuse(arguments: list[str], code: int) -> None:
    assert validate(*arguments).exit_code == code


@pytest.mark.usefixtures("folder")
def test_findings_go_to_stdout_and_the_summary_to_stderr() -> None:
    result = validate("wrong.yaml")

    assert result.stdout == (
        "wrong.yaml:4:1: spec.endpoint: is missing\n"
        "wrong.yaml:4:8: spec.endpont: unknown field; did you mean endpoint?\n"
    )
    assert result.stderr == "2 errors in 1 object of 1 file\n"


@pytest.mark.usefixtures("folder")
def test_programs_get_a_list_of_flat_objects() -> None:
    result = validate("-o", "json", "wrong.yaml", "foreign.yaml")

    assert json.loads(result.stdout)[1:] == [
        {
            "file": "wrong.yaml",
            "line": 4,
            "column": 8,
            "severity": "error",
            "kind": "Registry",
            "name": "harbor",
            "path": "spec.endpont",
            "reason": "InvalidSpec",
            "message": "unknown field; did you mean endpoint?",
        },
        {
            "file": "foreign.yaml",
            "line": 1,
            "column": 1,
            "severity": "note",
            "kind": "Secret",
            "name": "",
            "path": "",
            "reason": "",
            "message": "Secret of v1 is not of Kapsa; skipped",
        },
    ]
    assert json.loads(validate("-o", "json", "right.yaml").stdout) == []


def test_a_dash_is_standard_input() -> None:
    result = validate("-", text=f"\ufeff{WRONG}".encode())

    assert result.stdout.startswith("-:4:1: spec.endpoint: is missing\n")


def test_a_directory_stands_for_the_yaml_and_json_below_it(folder: Path) -> None:
    below = folder / "deep" / "deeper"
    below.mkdir(parents=True)
    (below / "a.json").write_text(json.dumps({"kind": "Registry"}, indent="\t"), encoding="utf-8")
    (below / "b.yml").write_text(RIGHT, encoding="utf-8")
    (below / "notes.txt").write_text("a: b: c", encoding="utf-8")

    result = validate(".", "right.yaml")

    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        "deep/deeper/a.json",
        "deep/deeper/a.json",
        "deep/deeper/a.json",
        "foreign.yaml",
        "wrong.yaml",
        "wrong.yaml",
    ]
    assert result.stderr.endswith("in 4 objects of 5 files\n")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("absent.yaml", None, "absent.yaml: No such file or directory"),
        ("latin.yaml", "a: \xe9".encode("latin-1"), "latin.yaml: is not UTF-8 (byte 3)"),
        ("large.yaml", b"a" * 2049, "large.yaml: is larger than 0 MiB"),
        ("empty", b"", "empty: no .yaml, .yml or .json file is below this directory"),
    ],
)
def test_what_can_not_be_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes | None, message: str
) -> None:
    monkeypatch.setattr(sources, "LARGEST", 2048)
    if data == b"":
        (folder / name).mkdir()
    elif data is not None:
        (folder / name).write_bytes(data)

    result = validate(name)

    assert (result.exit_code, result.stderr) == (2, f"Error: {message}\n")


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"),
    [(True, "", True), (True, "1", False), (False, "", False)],
)
def test_colours_are_for_terminals_of_people_who_want_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str, coloured: bool
) -> None:
    monkeypatch.setattr("kapsa.cli.validate._is_terminal", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_color)

    assert ("\x1b[" in validate("wrong.yaml").stdout) == coloured


@pytest.mark.parametrize("package", ["cel", "jsonschema", "yaml"])
def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real(name, *rest, **more)

    for loaded in [name for name in sys.modules if name.startswith("kapsa.cli.validation")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(builtins, "__import__", without)

    result = validate("-", text=RIGHT)

    assert result.exit_code == 2
    assert "pip install 'kapsa[cli]'" in result.stderr


def test_help_tells_the_exit_codes_and_gives_examples() -> None:
    text = validate("--help").stdout

    assert "kapsa validate -o json" in text
    assert "The exit code is 0" in text


def test_the_operator_loads_nothing_of_it() -> None:
    program = (
        "import sys, kapsa.__main__, kapsa.main;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'cel', 'jsonschema', 'referencing'}),"
        " *(name for name in sys.modules if name.startswith('kapsa.cli.valid')))"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == ["kapsa.cli.validate"]
