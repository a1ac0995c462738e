"""The README's first command where containers run: every page is fetched, and nothing is left."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from lab import builds
from lab.demo.real_story import RealStory
from lab.node.outside import name_of
from tests.e2e.traces import mounts, traces

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN = 500.0


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files that Gitea's user may enter too."""
    with tempfile.TemporaryDirectory(prefix="kapsa-demo-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_demo_opens_every_page_over_verified_https_and_leaves_nothing(
    real_node: None, temporary: Path
) -> None:
    if why := builds.missing():
        pytest.skip(why)
    done = subprocess.run(
        [sys.executable, "-m", "lab.demo", "--node", "real", "--once"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    steps = RealStory(MagicMock(), MagicMock(), MagicMock()).steps()
    for number, step in enumerate(steps, 1):
        assert f"== {number}. {step.headline}" in done.stdout
    assert "says 'Log in with a password'" in done.stdout
    assert "its certificate verifies" in done.stdout
    assert f"{len(steps)} steps, " in done.stdout
    assert re.search(r"\d\.\d s .*https://shop", done.stdout), "seconds until a page is there"
    assert list(temporary.iterdir()) == []
    found = re.search(rf"{temporary}/kapsa-lab-[^/]+(?=/manifests/)", done.stdout)
    assert found is not None
    directory = Path(found[0])
    left = traces(name_of(directory), directory)
    assert {kind: names for kind, names in left.items() if names} == {}
    assert not [place for place in mounts() if place.startswith(str(temporary))]
