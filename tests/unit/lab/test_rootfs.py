from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from lab.rootfs import Entry, fingerprint, libraries, program, tar

OF_DEBIAN = """\
\tlinux-vdso.so.1 (0x00007f80c4d33000)
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f80c4c69000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f80c4d35000)
"""
OF_MUSL = """\
\t/lib/ld-musl-x86_64.so.1 (0x7f80c4d35000)
\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f80c4d35000)
"""
SET_USER_IDS = 7


def members(content: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getmembers()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (OF_DEBIAN, {"/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"}),
        (OF_MUSL, {"/lib/ld-musl-x86_64.so.1"}),
        ("\tnot a dynamic executable\n", set()),
    ],
)
def test_libraries_and_their_loader_are_read_from_what_ldd_says(
    said: str, expected: set[str]
) -> None:
    assert set(libraries(said)) == expected


def test_a_program_that_loads_nothing_comes_alone(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert [*program(script, "/bin/script")] == [Entry("/bin/script", source=script)]


def test_directories_come_before_what_is_in_them(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    entries = [
        Entry("/home/user/file", mode=0o640, owner=1000, source=source),
        Entry("/home/user", mode=0o700, owner=1000),
        Entry("/bin/sh", link="/bin/dash"),
        Entry("/etc/passwd", mode=0o644, text="root"),
    ]
    found = members(tar(entries))
    assert [(m.name, m.mode, m.uid, m.gid) for m in found] == [
        ("bin/sh", 0o755, 0, 0),
        ("etc/passwd", 0o644, 0, 0),
        ("home/user", 0o700, 1000, 1000),
        ("home/user/file", 0o640, 1000, 1000),
    ]
    assert [m.type for m in found] == [
        tarfile.SYMTYPE,
        tarfile.REGTYPE,
        tarfile.DIRTYPE,
        tarfile.REGTYPE,
    ]
    assert (found[0].linkname, found[1].size, found[3].size) == ("/bin/dash", 4, 7)


def test_of_two_entries_for_a_path_the_first_counts() -> None:
    found = members(tar([Entry("/a", text="first"), Entry("/a", text="the second")]))
    assert [m.size for m in found] == [len("first")]


def test_a_capability_is_an_extended_attribute_as_the_kernel_wants_it(tmp_path: Path) -> None:
    source = tmp_path / "newuidmap"
    source.write_bytes(b"#!")
    (found,) = members(tar([Entry("/newuidmap", source=source, capability=SET_USER_IDS)]))
    said = found.pax_headers["SCHILY.xattr.security.capability"]
    attribute = said.encode("utf-8", "surrogateescape")
    # Second version, effective; bit 7 of the permitted ones; nothing inheritable.
    assert attribute == bytes.fromhex("01000002 80000000 00000000 00000000 00000000")


def test_the_fingerprint_follows_the_entries_and_the_files_that_they_name(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"one")
    entries = [Entry("/a", source=source), Entry("/b", text="b")]
    before = fingerprint(entries)
    assert fingerprint(entries[::-1]) == before
    assert fingerprint([*entries, Entry("/c")]) != before
    os.utime(source, ns=(1, 1))
    assert fingerprint(entries) != before
