"""What a killed laboratory left goes, and nothing else."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab import leftovers
from lab.identity import identify
from lab.site import Owner, Site


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def laboratory(place: Path, owner: Owner | None) -> tuple[Path, Path]:
    """Make the directories of a laboratory: its own, and the forge's."""
    own, outside = place / "kapsa-lab-own", place / "forge"
    site = Site(own, "demo", {}, outside={"gitea": str(outside)}, owner=owner)
    site.save()
    for directory in (own, outside):
        (directory / "data").mkdir(parents=True)
    return own, outside


def ended() -> Owner:
    """Return a process of ours that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found, us = identify(process.pid), leftovers.this_process()
    process.communicate(b"\n")
    assert found is not None
    assert us is not None
    return Owner(found, us.namespace)


def test_the_directories_of_a_killed_laboratory_go(temporary: Path) -> None:
    own, outside = laboratory(temporary, ended())
    leftovers.sweep()
    assert not own.exists()
    assert not outside.exists()


def test_those_of_one_that_runs_stay(temporary: Path) -> None:
    us = leftovers.this_process()
    assert us is not None
    assert us.process.pid == os.getpid()
    places = laboratory(temporary, us)
    leftovers.sweep()
    assert all((place / "data").exists() for place in places)


def test_one_that_stays_until_it_is_taken_down_stays(temporary: Path) -> None:
    places = laboratory(temporary, None)
    leftovers.sweep()
    assert all((place / "data").exists() for place in places)


def test_a_process_of_another_namespace_is_not_judged(temporary: Path) -> None:
    places = laboratory(temporary, Owner(ended().process, "pid:[1]"))
    leftovers.sweep()
    assert all((place / "data").exists() for place in places)


def test_logs_that_were_kept_and_what_cannot_be_read_stay(temporary: Path) -> None:
    kept, strange = temporary / "kapsa-lab-kept", temporary / "kapsa-lab-strange"
    for directory in (kept / "logs", strange):
        directory.mkdir(parents=True)
    (strange / "lab.json").write_text("{}")
    leftovers.sweep()
    assert (kept / "logs").exists()
    assert strange.exists()
