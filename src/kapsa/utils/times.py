"""Points in time: Unix seconds inside, RFC 3339 text outside."""

from datetime import UTC, datetime


def to_rfc3339(seconds: float) -> str:
    """Return a Unix time as RFC 3339 text in UTC, to the second, as Kubernetes writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_rfc3339_micro(seconds: float) -> str:
    """Return a Unix time as RFC 3339 text in UTC, to the microsecond: Kubernetes' MicroTime."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_rfc3339(text: str) -> float | None:
    """Return the Unix time that RFC 3339 text means, or None where it is no such text."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.timestamp() if parsed.tzinfo else None
