"""Logs: JSON, one object a line, or console output for people; never a raw newline."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any, Literal

import structlog

from kapsa.utils.text import sanitise

_LONGEST = 8192
_FRAMES = 12


def configure(level: str, form: Literal["json", "console"]) -> None:
    """Send the logs of Kapsa and of its libraries to stderr in one form.

    Args:
        level: Least severity that is logged.
        form: `json` for collectors, `console` for people.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        # Without a list of names kopf's settings would be dumped into each line.
        structlog.stdlib.ExtraAdder(allow={"k8s_ref"}),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _one_line_exception,
        _one_line,
    ]
    last: list[structlog.types.Processor] = (
        [structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # kopf's own account of each event; its warnings stay.
    logging.getLogger("kopf").setLevel(max(logging.INFO, root.level))
    logging.getLogger("kopf.objects").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, root.level))


def _one_line_exception(
    _: Any, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Put what was raised, and where, into the field `exception`.

    The frames come without their variables, one of which may hold a password.
    """
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = _described(error)
    return event


def _described(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_described(part) for part in error.exceptions)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = " > ".join(
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames
    )
    return f"{type(error).__name__}: {error} (at {where})"


def _one_line(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Escape control characters: nobody outside can forge a line of the log."""
    return {
        key: sanitise(value, _LONGEST) if isinstance(value, str) else value
        for key, value in event.items()
    }
