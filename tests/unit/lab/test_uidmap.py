"""Debian's package is unpacked where its programs aren't installed; apt is a script here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import uidmap

_APT = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
touch uidmap_1.deb
"""
_DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin"
for name in newuidmap newgidmap; do echo "of ${2##*/}" > "$3/usr/bin/$name"; done
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PATH with little more than an apt that downloads, and an empty cache."""
    directory = tmp_path / "bin"
    directory.mkdir()
    _put(directory, "apt-get", _APT)
    _put(directory, "dpkg-deb", _DPKG)
    for name in ("sh", "touch", "mkdir", "dirname"):
        (directory / name).symlink_to(Path("/bin") / name)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uidmap.unpacked.cache_clear()
    yield directory
    uidmap.unpacked.cache_clear()


def _put(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)
    (directory / name).chmod(0o755)


def test_a_program_on_path_is_taken_and_nothing_is_downloaded(programs: Path) -> None:
    _put(programs, "newuidmap", "#!/bin/sh\n")
    assert uidmap.find("newuidmap") == programs / "newuidmap"
    assert not (programs / "asked").exists()


def test_the_package_is_downloaded_once_and_unpacked(programs: Path) -> None:
    found = uidmap.find("newuidmap")
    assert found is not None
    assert found.read_text() == "of uidmap_1.deb\n"
    uidmap.unpacked.cache_clear()
    assert uidmap.find("newgidmap") == found.with_name("newgidmap")
    assert (programs / "asked").read_text().splitlines() == [
        "-o APT::Sandbox::User=root download uidmap"
    ]


def test_what_apt_complains_of_is_told_and_nothing_is_left(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _put(programs, "apt-get", '#!/bin/sh\necho "E: No packages found" >&2\nexit 100\n')
    assert uidmap.find("newuidmap") is None
    assert "can't download uidmap: E: No packages found" in capsys.readouterr().err
    left = [path.name for path in (tmp_path / "cache/kapsa/lab").iterdir()]
    assert left == ["uidmap.lock"]


def test_without_apt_there_is_none(programs: Path) -> None:
    (programs / "apt-get").unlink()
    assert uidmap.find("newuidmap") is None
