"""What a connection that failed means; what answers mean is in `test_cluster.py`."""

import pytest

from kapsa.adapters.api_errors import unreachable


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("connection refused"), "the API server does not answer: connection refused"),
        (TimeoutError(), "the API server does not answer: TimeoutError"),
        (OSError("two\nlines"), "the API server does not answer: two lines"),
        (
            OSError("https://me:secret@proxy:3128 refused"),
            "the API server does not answer: https://proxy:3128 refused",
        ),
    ],
    ids=["what-it-says", "its-kind", "one-line", "no-password"],
)
def test_a_failed_connection_is_waited_for(error: Exception, message: str) -> None:
    waiting = unreachable(error)
    assert waiting.message == message
    assert waiting.reason == "ApiServerUnavailable"
    assert waiting.retry_after == 5.0
