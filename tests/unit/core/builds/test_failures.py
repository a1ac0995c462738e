"""What BuildKit's and git's own words mean; all of them were copied from real logs."""

import pytest

from kapsa.core.builds.failures import is_transient, obstacle

PUSH = (
    "error: failed to solve: failed to push registry.example.com/a/b:c: unexpected status from HEAD"
    " request to https://registry.example.com/v2/a/b/blobs/sha256:6ae7: "
)
ASK = "error: failed to solve: failed to push registry.example.com/a/b:c: failed to do request: "

ROOM = 230
"""Characters of it that a condition shows."""


@pytest.mark.parametrize(
    "line",
    [
        f"{PUSH}503 Service Unavailable",
        f"{PUSH}502 Bad Gateway",
        f"{PUSH}429 Too Many Requests",
        f'{ASK}Head "https://registry.example.com/v2/": dial tcp 192.0.2.1:443: i/o timeout',
        (
            f'{ASK}Head "https://registry.example.com/v2/": dial tcp 192.0.2.1:443: connect:'
            " connection refused"
        ),
        f'{ASK}Put "https://registry.example.com/v2/": net/http: TLS handshake timeout',
        (
            "fatal: unable to access 'https://git.example.com/a/b.git/': Could not resolve host:"
            " git.example.com"
        ),
        (
            "fatal: unable to access 'http://127.0.0.1:3000/a/b.git/': Failed to connect to"
            " 127.0.0.1 port 3000 after 0 ms: Couldn't connect to server"
        ),
        (
            "fatal: unable to access 'https://git.example.com/a/b.git/': The requested URL returned"
            " error: 503"
        ),
    ],
)
def test_a_server_that_fails_is_no_fault_of_the_commit(line: str) -> None:
    assert is_transient(["#8 pushing layers", "------", line])


@pytest.mark.parametrize(
    "line",
    [
        f"{PUSH}401 Unauthorized",
        f"{PUSH}403 Forbidden",
        (
            'error: failed to solve: process "/bin/sh -c make" did not complete successfully: exit'
            " code: 2"
        ),
        (
            'error: failed to solve: process "/bin/sh -c echo i/o timeout; false" did not complete'
            " successfully: exit code: 1"
        ),
        "error: failed to solve: dockerfile parse error on line 2: unknown instruction: FOO",
        "error: failed to solve: failed to read dockerfile: open Nope: no such file or directory",
        "fatal: Authentication failed for 'https://git.example.com/a/b.git/'",
        "fatal: Not a valid object name 4f2e8c1d0b9a7f6e5d4c3b2a190817263544f2e8:nowhere",
    ],
)
def test_what_the_commit_or_a_person_must_mend_does_not_pass(line: str) -> None:
    assert not is_transient([line])


def test_what_a_command_of_the_dockerfile_writes_decides_nothing() -> None:
    assert not is_transient(
        [
            "#5 0.045 curl: (28) connection timed out",
            "0.045 error: 503 Service Unavailable: i/o timeout",
            (
                'error: failed to solve: process "/bin/sh -c curl x" did not complete successfully:'
                " exit code: 28"
            ),
        ]
    )


@pytest.mark.parametrize(
    "line",
    [
        (
            "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 46 [0 1000 1"
            " 1 100000 65536] failed: newuidmap: write to uid_map failed: Operation not permitted"
        ),
        (
            "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: no"
            " space left on device"
        ),
        (
            "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe:"
            " operation not permitted"
        ),
        (
            "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 19 [0 1000 1"
            " 1 100000 65536] failed: : fork/exec /usr/bin/newuidmap: operation not permitted"
        ),
        "[rootlesskit:child ] error: failed to share mount point: /: permission denied",
    ],
)
def test_a_node_without_user_namespaces_is_told_as_such(line: str) -> None:
    log = [
        "could not connect to unix:///run/user/1000/buildkit/buildkitd.sock after 10 trials",
        "========== log ==========",
        line,
    ]
    words = obstacle(log)
    assert "user.max_user_namespaces" in words
    assert len(words) <= ROOM


@pytest.mark.parametrize(
    "line",
    [
        (
            "[rootlesskit:parent] error: failed to setup UID/GID map: failed to compute uid/gid"
            ' map: No subuid ranges found for user 1000 ("user")'
        ),
        (
            "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 19 [0 1000 1"
            ' 1 100000 65536] failed: : exec: "newuidmap": executable file not found in $PATH'
        ),
    ],
)
def test_an_image_that_is_not_rootless_is_told_by_its_setting(line: str) -> None:
    said = obstacle(["could not connect to unix:///x after 10 trials", line])
    assert "KAPSA_BUILDKIT_IMAGE" in said
    assert "user.max_user_namespaces" not in said
    assert len(said) <= ROOM


def test_a_full_disk_is_told_as_such() -> None:
    line = "error: failed to solve: failed to write: write /x: no space left on device"
    assert "KAPSA_BUILD_LIMITS" in obstacle([line])


def test_a_command_that_fails_is_no_obstacle() -> None:
    assert obstacle(["#5 0.1 newuidmap is installed", "error: failed to solve: exit code: 1"]) == ""
