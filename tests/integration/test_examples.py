"""Every file of examples/ is accepted by a real API server."""

import json
from pathlib import Path

import pytest
import yaml

import lab

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.fixture(scope="module")
def team(platform: lab.Platform) -> lab.Platform:
    """The laboratory with the namespace that the examples are for."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}}
    platform.kubectl("apply", "-f", "-", input=json.dumps(namespace))
    return platform


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_an_example_is_accepted_without_a_warning(team: lab.Platform, file: Path) -> None:
    said = team.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(file))

    documents = [item for item in yaml.safe_load_all(file.read_text(encoding="utf-8")) if item]
    assert said.count("(server dry run)") == len(documents)
