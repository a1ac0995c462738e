"""Whether a document is an object of Kapsa, and of which kind."""

from collections.abc import Iterator
from typing import Any, Final

from kapsa.cli.validation.schemas import MODELS
from kapsa.cli.validation.wording import did_you_mean
from kapsa.core.problems import Problem
from kapsa.models import API_VERSION, GROUP

_NAME: Final = GROUP.partition("-")[0]


def foreign_note(value: Any) -> str | None:
    """Return why a document is none of our business; None where it is Kapsa's."""
    if not isinstance(value, dict) or not ({"apiVersion", "kind"} & value.keys()):
        return "no object of Kubernetes; skipped"
    version, kind = value.get("apiVersion"), value.get("kind")
    ours = _NAME in version.partition("/")[0] if isinstance(version, str) else kind in tuple(MODELS)
    if ours:
        return None
    said = " of ".join(str(each) for each in (kind, version) if each)
    return f"{said or 'an object without a kind'} is not of Kapsa; skipped"


def identity_problems(value: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the apiVersion and kind of an object of Kapsa."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if version is None:
        yield Problem("apiVersion", f"is missing; write {API_VERSION}")
    elif version != API_VERSION:
        yield Problem("apiVersion", f"must be {API_VERSION}")
    if kind is None:
        yield Problem("kind", f"is missing; write one of {', '.join(MODELS)}")
    elif kind not in tuple(MODELS):
        yield Problem("kind", f"must be one of {', '.join(MODELS)}{did_you_mean(kind, MODELS)}")


def is_list(value: Any) -> bool:
    """Tell whether the document is a list of objects, as `kubectl get -o yaml` prints it."""
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return False
    version, kind = value.get("apiVersion"), str(value.get("kind"))
    return (version, kind) == ("v1", "List") or (
        version == API_VERSION and kind.removesuffix("List") in MODELS
    )
