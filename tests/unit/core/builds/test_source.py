"""What git prints of commits and trees, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.builds.source import (
    UnreadableObjectError,
    path_of,
    read_commit,
    read_directory,
    read_files,
)

OID = "3f2a6e1c8b4d7f90a1b2c3d4e5f60718293a4b5c"


@pytest.mark.parametrize(
    ("context", "path"),
    [
        (".", ""),
        ("", ""),
        ("web", "web"),
        ("services/web", "services/web"),
        ("services/web/", "services/web"),
        (".github", ".github"),
        ("a b", "a b"),
        ("..", None),
        ("a/../b", None),
        ("./a", None),
        ("/a", None),
        ("/", None),
        ("a//b", None),
        ("a\0b", None),
    ],
)
def test_a_context_is_a_path_inside_the_repository_or_none(context: str, path: str | None) -> None:
    assert path_of(context) == path


@given(st.text())
def test_no_path_leads_out_of_the_repository(context: str) -> None:
    path = path_of(context)
    if path:
        assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (b"", ""),
        (b"one\n", "one\n"),
        (b"one\n\ntwo [skip ci]\n", "one\n\ntwo [skip ci]\n"),
        (b"caf\xe9", "caf\ufffd"),
        ("é".encode() * 20_000, "é" * 16_384),
    ],
)
def test_a_commit_has_a_tree_and_a_message(message: bytes, read: str) -> None:
    head = f"tree {OID}\nparent {OID}\nauthor A <a@b> 1 +0000\ngpgsig -----\n \n -----".encode()

    assert read_commit(head + b"\n\n" + message) == (OID, read)


@pytest.mark.parametrize("output", [b"", b"blob", b"tree 12\n\n", b"parent x\ntree y\n\n"])
def test_what_is_no_commit_is_not_taken_for_one(output: bytes) -> None:
    with pytest.raises(UnreadableObjectError):
        read_commit(output)


@pytest.mark.parametrize(
    ("output", "tree"),
    [
        (b"", None),
        (f"040000 tree {OID}\tweb\0", OID),
        (f"100644 blob {OID}\tweb\0", None),
        (f"120000 blob {OID}\tweb\0", None),
        (f"160000 commit {OID}\tweb\0", None),
    ],
)
def test_only_a_tree_is_a_directory(output: str | bytes, tree: str | None) -> None:
    assert read_directory(output.encode() if isinstance(output, str) else output) == tree


def test_files_are_read_with_the_bytes_that_they_are_called() -> None:
    output = b"100644 blob %b\ta\nb\t c\x00100755 blob %b\tcaf\xe9\0" % (OID.encode(), OID.encode())

    assert read_files(output) == (
        ("a\nb\t c", f"100644 {OID}"),
        ("caf\udce9", f"100755 {OID}"),
    )


@pytest.mark.parametrize(
    "output",
    [
        f"100644 blob {OID}\ta",
        f"100644 blob {OID} a\0",
        f"100644 blob {OID}\t\0",
        "100644 blob 12\ta\0",
        f"100644 thing {OID}\ta\0",
        "\0",
    ],
)
def test_a_listing_that_breaks_off_or_is_none_is_not_believed(output: str) -> None:
    with pytest.raises(UnreadableObjectError):
        read_files(output.encode())
