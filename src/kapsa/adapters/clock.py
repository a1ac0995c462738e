"""The API server's time, so that a wrong clock on this machine shortens no lifetime."""

import time
from email.utils import parsedate_to_datetime

_TOLERANCE = 2.0


class ServerClock:
    """Unix time as the API server has it, from the `Date` headers of its answers."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Return the API server's Unix time in seconds; this machine's until it has spoken."""
        return time.time() + self._offset

    def observe(self, date: str | None) -> None:
        """Take note of a `Date` header (RFC 9110, section 6.6.1), which has whole seconds."""
        if not date:
            return
        try:
            server = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        if abs(server - self.now()) > _TOLERANCE:
            self._offset = server - time.time()
