"""Short, stable digests of text and of JSON values."""

import hashlib
import json
from typing import Any


def text_digest(text: str, length: int = 10) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def value_digest(value: Any, length: int = 16) -> str:
    """Return a digest of a JSON value; the order of a map's keys does not count."""
    return text_digest(json.dumps(value, sort_keys=True, separators=(",", ":")), length)
