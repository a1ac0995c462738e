from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.identity import Identity
from lab.site import Site, load


def test_a_saved_site_is_read_back_as_it_was(tmp_path: Path) -> None:
    site = Site(tmp_path, "demo", {"etcd": Path("/cache/etcd")})
    site.processes["etcd"] = Identity(7, 9)
    port, secret = site.port("etcd"), site.secret("admin")
    site.save()
    found = load(tmp_path)
    assert found == site
    assert (found.port("etcd"), found.secret("admin")) == (port, secret)


def test_the_state_file_is_private(tmp_path: Path) -> None:
    Site(tmp_path / "lab", "demo", {}).save()
    assert (tmp_path / "lab" / "lab.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700


def test_an_empty_directory_holds_no_laboratory(tmp_path: Path) -> None:
    assert load(tmp_path) is None


def test_a_broken_state_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text('{"directory": "/x", "new": 1}', "utf-8")
    with pytest.raises(LabError, match="End its processes"):
        load(tmp_path)


def test_secrets_are_not_shown_by_accident(tmp_path: Path) -> None:
    site = Site(tmp_path, "demo", {})
    assert site.secret("admin") not in repr(site)
