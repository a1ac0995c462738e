"""Text from outside, made fit for a status, an event or a log line."""

import re
from typing import Final

MESSAGE_LIMIT: Final = 1024
"""Longest message that Kapsa writes into a condition (characters)."""

# Up to the last `@` before the path: a password that was not escaped may hold an `@` itself.
# Without the scheme before it: a search for that takes seconds for a long word without any URL.
_CREDENTIALS_IN_URL: Final = re.compile(r"://[^/\s]*@")
# Control characters, line separators and the marks that turn the direction of writing.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
# The API server would store U+FFFD in their place, and a status would never equal what is stored.
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def sanitise(text: str, limit: int = MESSAGE_LIMIT, secrets: tuple[str, ...] = ()) -> str:
    """Return `text` on one line, without credentials, of at most `limit` characters.

    Args:
        text: Whatever another system said.
        limit: Longest result; a cut is shown by an ellipsis.
        secrets: Values known to be secret; each occurrence is replaced.
    """
    text = _without_secrets(text, secrets)
    text = _CREDENTIALS_IN_URL.sub("://", text)
    text = _SURROGATES.sub("\ufffd", _UNPRINTABLE.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def last_lines(text: str, limit: int, secrets: tuple[str, ...] = ()) -> str:
    """Return the end of a log on one line of at most `limit` characters, as `sanitise` does.

    The last lines are kept whole as far as they fit, with ` | ` between them.
    """
    kept: list[str] = []
    for line in reversed(_without_secrets(text, secrets).splitlines()):
        clean = sanitise(line, limit)
        if not clean:
            continue
        if len(" | ".join((clean, *kept))) > limit:
            break
        kept.insert(0, clean)
    return " | ".join(kept)


def _without_secrets(text: str, secrets: tuple[str, ...]) -> str:
    """Replace every secret in one pass, longest first: none is looked for in a replacement."""
    found = "|".join(re.escape(s) for s in sorted(filter(None, secrets), key=len, reverse=True))
    return re.sub(found, "[redacted]", text) if found else text
