"""Commits are read by a real git from a real server: their trees, messages and names of files."""

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import MakeRepositories, Serve, serving
from tests.unit.adapters.git_origin import Origin
from tests.unit.adapters.git_server import COMMIT, GitServer

MIB = 2**20


async def test_the_tree_of_a_commit_is_read_with_its_message(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    commit = origin.commit("Shop opens\n\nfor all [skip ci]", {"app.py": "1", "web/a.js": "2"})

    source = await repositories.read_source(url, commit, with_files=False)

    assert source.tree == origin.tree(commit)
    assert source.message == "Shop opens\n\nfor all [skip ci]"
    assert source.files == ()


async def test_two_commits_with_the_same_content_have_the_same_tree(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    first = origin.commit("one", {"a": "1"})
    second = origin.commit("two")

    sources = [await repositories.read_source(url, c, with_files=True) for c in (first, second)]

    assert sources[0].tree == sources[1].tree
    assert sources[0].files == sources[1].files
    assert [source.message for source in sources] == ["one", "two"]


async def test_a_change_outside_the_context_keeps_its_tree_and_one_inside_does_not(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    first = origin.commit(files={"services/web/a": "1", "services/db/a": "1", "README": "1"})
    outside = origin.commit(files={"services/db/a": "2", "README": "2"})
    inside = origin.commit(files={"services/web/a": "2"})

    trees = [
        (await repositories.read_source(url, c, context="services/web", with_files=False)).tree
        for c in (first, outside, inside)
    ]

    assert trees[0] == trees[1] != trees[2]
    assert trees[2] == origin.tree(inside, "services/web")


async def test_files_have_paths_inside_the_context_and_tell_content_and_mode(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    blob = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"
    origin.files[b"other/x"] = b""
    commit = origin.import_commit(
        "all kinds",
        [
            b"M 100644 inline web/a",
            b"data 5",
            b"hello",
            b"M 100755 inline web/bin/run",
            b"data 5",
            b"hello",
            b"M 120000 inline web/link",
            b"data 5",
            b"hello",
            b"M 160000 %s web/module" % COMMIT.encode(),
            b"M 100644 inline other",
            b"data 0",
            b"",
        ],
    )

    source = await repositories.read_source(url, commit, context="web", with_files=True)

    assert source.files == (
        ("a", f"100644 {blob}"),
        ("bin/run", f"100755 {blob}"),
        ("link", f"120000 {blob}"),
        ("module", f"160000 {COMMIT}"),
    )


@pytest.mark.parametrize("context", ["nope", "web/nope", "file", "file/x", "link", "module", ".."])
async def test_what_is_no_directory_of_the_commit_is_named(
    repositories: GitRepositories, origin: Origin, url: str, context: str
) -> None:
    commit = origin.import_commit(
        "no directories",
        [
            *(b"M 100644 inline file", b"data 0", b""),
            *(b"M 100644 inline web/a", b"data 0", b""),
            *(b"M 120000 inline link", b"data 3", b"web"),
            b"M 160000 %s module" % COMMIT.encode(),
        ],
    )

    with pytest.raises(Stalled, match=rf"no directory {context}: correct spec\.build") as stalled:
        await repositories.read_source(url, commit, context=context, with_files=True)

    assert stalled.value.reason == Reason.CONTEXT_NOT_FOUND
    assert (await repositories.read_source(url, commit, context="web/", with_files=False)).tree


async def test_a_commit_that_the_server_does_not_have_is_waited_for(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    commit = origin.commit()

    with pytest.raises(Waiting, match=f"does not give commit {COMMIT}") as waiting:
        await repositories.read_source(url, COMMIT, with_files=False)

    assert waiting.value.reason == Reason.COMMIT_NOT_FOUND
    assert (await repositories.read_source(url, commit, with_files=False)).tree


async def test_the_content_of_files_does_not_go_over_the_wire(
    repositories: GitRepositories, origin: Origin, server: GitServer, url: str
) -> None:
    origin.files[b"large"] = os.urandom(MIB)
    commit = origin.commit(files={".gitmodules": "[submodule]", "a": "b"})

    source = await repositories.read_source(url, commit, with_files=True)

    assert [name for name, _ in source.files] == [".gitmodules", "a", "large"]
    assert server.sent < 10_000


async def test_of_the_next_commit_only_what_is_new_is_fetched(
    repositories: GitRepositories, origin: Origin, server: GitServer, url: str
) -> None:
    first = origin.commit(files={f"directory{n % 50}/file{n}": str(n) for n in range(2000)})
    second = origin.commit(files={"directory7/new": ""})
    await repositories.read_source(url, first, with_files=True)
    before, server.sent = server.sent, 0

    source = await repositories.read_source(url, second, with_files=True)

    assert len(source.files) == 2001
    assert server.sent < before / 10


async def test_what_was_read_is_read_again_without_the_server(
    repositories: GitRepositories, origin: Origin, server: GitServer, url: str
) -> None:
    commit = origin.commit(files={"web/a": ""})
    first = await repositories.read_source(url, commit, with_files=True)
    server.seen.clear()

    assert await repositories.read_source(url, commit, with_files=True) == first
    assert (await repositories.read_source(url, commit, context="web", with_files=False)).tree
    assert server.seen == []


async def test_a_server_without_filters_is_read_within_the_bound_of_size(
    make: MakeRepositories, origin: Origin, url: str
) -> None:
    origin.configure("uploadpack.allowFilter", "false")
    small = origin.commit(files={"a": "1"})
    origin.files[b"large"] = os.urandom(2 * MIB)
    large = origin.commit()
    repositories = make(cache_size=2 * MIB)

    assert (await repositories.read_source(url, small, with_files=False)).tree
    with pytest.raises(Stalled, match="at most 1 MiB") as stalled:
        await repositories.read_source(url, large, with_files=False)

    assert stalled.value.reason == Reason.REPOSITORY_TOO_LARGE
    assert (await repositories.read_source(url, small, with_files=False)).tree == origin.tree(small)


async def test_a_server_that_gives_only_what_refs_name_is_asked_for_those(
    repositories: GitRepositories, origin: Origin, server: GitServer, url: str
) -> None:
    server.knows_protocol_2 = False
    old, tip = origin.commit(files={"a": "1"}), origin.commit(files={"a": "2"})

    for commit in (tip, old):
        source = await repositories.read_source(url, commit, with_files=False)
        assert source.tree == origin.tree(commit)
    with pytest.raises(Waiting, match="only what branches, tags and pull requests name"):
        await repositories.read_source(url, COMMIT, with_files=False)


async def test_a_repository_with_sha256_is_read(
    repositories: GitRepositories, server: GitServer, serve: Serve
) -> None:
    origin = Origin(server, "new", "sha256")
    commit = origin.commit(files={"web/a": ""})

    source = await repositories.read_source(
        f"{await serve(server.handle)}/new.git", commit, context="web", with_files=True
    )

    assert len(commit) == 64
    assert source.tree == origin.tree(commit, "web")


async def test_a_long_message_and_one_in_no_encoding_are_kept_as_far_as_they_are_text(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    commit = origin.commit("é" * 50_000)

    source = await repositories.read_source(url, commit, with_files=False)

    assert source.message == "é" * 16_384


async def test_too_many_files_are_refused(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    # Ten levels of ten names for one and the same tree.
    origin.git("hash-object", "-w", "--stdin")
    tree = origin.git("mktree", stdin=f"100644 blob {empty}\tf\n".encode())
    for _ in range(6):
        listing = "".join(f"040000 tree {tree}\t{n}\n" for n in range(10))
        tree = origin.git("mktree", stdin=listing.encode())
    commit = origin.git("commit-tree", tree, "-m", "bomb")
    origin.git("update-ref", "refs/heads/main", commit)

    with pytest.raises(Stalled, match="names too many files") as stalled:
        await repositories.read_source(url, commit, with_files=True)

    assert stalled.value.reason == Reason.REPOSITORY_TOO_LARGE
    assert (await repositories.read_source(url, commit, with_files=False)).tree == tree


_NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."}
)
_AWKWARD = st.sampled_from(
    [b"-x", b":(top)a", b"*", b"a b", b"a\nb", b'"', b"\\", "é".encode(), b"\xff", b"$(id)", b"!x"]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(paths=st.lists(st.lists(_AWKWARD | _NAMES, min_size=2, max_size=3), min_size=1, max_size=4))
def test_any_name_of_a_file_and_a_directory_is_read_as_it_is(
    policy: AddressPolicy, paths: list[list[bytes]]
) -> None:
    with tempfile.TemporaryDirectory() as root, ThreadPoolExecutor(1) as executor:
        origin = Origin(GitServer(Path(root)))
        for number, parts in enumerate(paths):
            # No file is where another one has a directory.
            origin.files[b"/".join([b"%d" % number, *parts])] = b""
        commit = origin.commit()

        async def read() -> None:
            async with serving() as serve:
                repositories = GitRepositories(
                    GitRemote(policy, allow_http=True),
                    executor,
                    directory=f"{root}/cache",
                    cache_size=MIB,
                )
                url = f"{await serve(origin.server.handle)}/shop.git"
                source = await repositories.read_source(url, commit, with_files=True)
                assert {os.fsencode(path) for path, _ in source.files} == set(origin.files)
                first = os.fsdecode(next(iter(sorted(origin.files))))
                context = first.rpartition("/")[0]
                inside = await repositories.read_source(
                    url, commit, context=context, with_files=True
                )
                assert first.rpartition("/")[2] in dict(inside.files)
                repositories.close()

        asyncio.run(read())
