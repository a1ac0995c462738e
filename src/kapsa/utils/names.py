"""Names of Kubernetes objects and hosts, made from text that anybody may have chosen.

Two guarantees, whatever the text:

1. every name is a valid DNS-1123 label (RFC 1123: lower-case letters, digits and inner hyphens)
   of at most `limit` characters;
2. two different texts never give the same name, unless their digests meet: ten hexadecimal digits
   of SHA-256. A text that survives unchanged keeps its form; any other gets the digest of the
   whole original appended. A text that already ends like such a digest is treated as changed, so
   that nobody can choose a branch name that reads like another's digested form.
"""

import re
from typing import Final

from kapsa.utils.hashing import text_digest

LABEL_LIMIT: Final = 63
"""Longest DNS label, and longest value of a Kubernetes label (RFC 1035, section 2.3.4)."""

_DIGEST_LENGTH: Final = 10
# Longer than a slug's: `join` and `label` leave alone names that end with a slug's digest, as most
# of them do, and still tell them from those that they have cut themselves.
_JOIN_DIGEST_LENGTH: Final = 12
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def slug(text: str, limit: int = LABEL_LIMIT) -> str:
    """Return a DNS label for `text`, of at most `limit` (at least 12) characters.

    `slug("login")` is `login`; `slug("feature/login")` is `feature-login-` and ten digits.
    """
    return _kept_or_digested(text, limit, _DIGEST_LENGTH)


def label(text: str, limit: int = LABEL_LIMIT) -> str:
    """Return `text` where it is a DNS label, such as a slug; a label made from it where it isn't.

    It has at most `limit` (at least 14) characters. A digest that is appended is longer than a
    slug's, so that it is not taken for one.
    """
    return _kept_or_digested(text, limit, _JOIN_DIGEST_LENGTH)


def with_digest(text: str, identity: str, limit: int = LABEL_LIMIT) -> str:
    """Return a DNS label that shows `text` and ends with the digest of `identity`.

    It has at most `limit` (at least 12) characters. Distinct identities give distinct names;
    `text` is only there for people.
    """
    return _with_digest(text, identity, limit, _DIGEST_LENGTH)


def join(prefix: str, name: str, limit: int = LABEL_LIMIT) -> str:
    """Return `<prefix>-<name>` as a DNS label, with a digest when it is too long or no label.

    It has at most `limit` (at least 14) characters. Distinct names with the same `prefix` give
    distinct results. Where prefixes differ, `a` + `b-c` and `a-b` + `c` do meet: callers that
    share a namespace ask `join_digested` for the second.
    """
    return _kept_or_digested(f"{prefix}-{name}", limit, _JOIN_DIGEST_LENGTH)


def join_digested(prefix: str, name: str, limit: int = LABEL_LIMIT) -> str:
    """Return `<prefix>-<name>-<digest of both>`: distinct for every pair."""
    return with_digest(f"{prefix}-{name}", f"{len(prefix)}\n{prefix}{name}", limit)


def _kept_or_digested(text: str, limit: int, digits: int) -> str:
    """Return `text` if it is a label that can't be taken for a digested one."""
    looks_digested = re.search(rf"(^|-)[0-9a-f]{{{digits}}}\Z", text)
    if _LABEL.fullmatch(text) and len(text) <= limit and not looks_digested:
        return text
    return _with_digest(text, text, limit, digits)


def _with_digest(text: str, identity: str, limit: int, digits: int) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    readable = readable[: limit - digits - 1].strip("-")
    digest = text_digest(identity, digits)
    return f"{readable}-{digest}" if readable else digest
