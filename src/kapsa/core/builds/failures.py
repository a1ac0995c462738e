"""What the last lines of a failed build mean: whether it may go well another time, or never."""

import re
from collections.abc import Iterable
from typing import Final

_VERDICT: Final = re.compile(
    r"^(\x1b\[[0-9;]*m)*((error|fatal): |error verifying |fetching remote: )", re.IGNORECASE
)
"""How buildctl, git and kpack say why they give up. What a Dockerfile runs writes other lines."""
_OWN_FAULT: Final = re.compile(r"did not complete successfully: exit code")
"""buildctl's word for a command of the Dockerfile that failed, which it quotes."""
_PASSING: Final = re.compile(
    "|".join(
        (
            # Registries: containerd's and buildctl's words.
            r"unexpected status(?: from \w+ request to \S+|\b[^:]*): (?:429|5\d\d)\b",
            r"failed to fetch \w+ token: .*\b5\d\d\b",
            r"(?i:\btoomanyrequests\b)",
            # kpack's words, of registries and of git.
            r"\bunexpected (?:http )?status code:? (?:429|5\d\d)\b",
            # Networks, as Go says it.
            r"\bi/o timeout\b",
            r"\b[Cc]onnection (?:refused|reset by peer|timed out)\b",
            r"\bTLS handshake timeout\b",
            r"\bClient\.Timeout exceeded\b",
            r"\bcontext deadline exceeded\b",
            r"\bunexpected EOF\b",
            r"\bserver misbehaving\b",
            r"\bTemporary failure in name resolution\b",
            r"\bnetwork is unreachable\b",
            r"\bno route to host\b",
            # git.
            r"The requested URL returned error: (?:429|5\d\d)\b",
            r"\bCould not resolve host\b",
            r"\bFailed to connect to \S+ port \d+\b",
            r"\bthe remote end hung up unexpectedly\b",
            r"\bearly EOF\b",
        )
    )
)
# A condition has room for about 230 characters of it, beside the end of the log.
_OBSTACLES: Final = (
    (
        re.compile(
            r"^\[rootlesskit:\w+ *\] error: .*"
            r"(?:No sub[ug]id ranges found|\"new[ug]idmap\": executable file not found)",
            re.MULTILINE,
        ),
        (
            "the image of the operator's setting KAPSA_BUILDKIT_IMAGE is not BuildKit's rootless"
            " one: it lacks newuidmap, newgidmap, or the ids for the user 1000 in /etc/subuid and"
            " /etc/subgid"
        ),
    ),
    (
        re.compile(
            r"^\[rootlesskit:\w+ *\] error: .*"
            r"(?:start the child|UID/GID map|unshare|namespace|share mount point)",
            re.MULTILINE,
        ),
        (
            "the node does not let BuildKit make a user namespace:"
            " user.max_user_namespaces=0, kernel.unprivileged_userns_clone=0 or"
            " kernel.apparmor_restrict_unprivileged_userns=1 forbids it there, or a policy forbids"
            " privilege escalation"
        ),
    ),
    (
        re.compile(r"could not connect to unix://\S+ after \d+ trials"),
        "BuildKit did not start; the log of its pod says why",
    ),
    (
        re.compile(r"no space left on device"),
        (
            "there is no space left on the node; look at its disk, and at the operator's setting"
            " KAPSA_BUILD_LIMITS"
        ),
    ),
)


def is_transient(lines: Iterable[str]) -> bool:
    """Tell whether a build failed for a reason that has nothing to do with the commit.

    Only what buildctl, git and kpack themselves say of it counts: a registry or a forge that can't
    be reached, is overloaded or fails.

    Args:
        lines: The last lines of the log.
    """
    verdicts = [line for line in lines if _VERDICT.match(line.strip())]
    return any(
        _PASSING.search(line) is not None and _OWN_FAULT.search(line) is None for line in verdicts
    )


def obstacle(lines: Iterable[str]) -> str:
    """Return what the cluster lacks that the build needed; nothing where that isn't the reason.

    Args:
        lines: The last lines of the log.
    """
    text = "\n".join(lines)
    return next((words for pattern, words in _OBSTACLES if pattern.search(text)), "")
