"""What every model shares: aliases, immutability, bounded types, rules for the API server."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from kapsa.utils.durations import MAXIMUM, PATTERN, parse_duration

GROUP: Final = "kapsa-project.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"


@dataclass(frozen=True)
class Rule:
    """A CEL rule that the API server checks, with what it says to who breaks it.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
    """

    rule: str
    message: str


@dataclass(frozen=True)
class Column:
    """A printer column of `kubectl get`; priority 1 shows only with `-o wide`."""

    name: str
    json_path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class Kind:
    """How a kind is registered with the API server."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    scope: Literal["Namespaced", "Cluster"]
    columns: tuple[Column, ...]
    selectable_fields: tuple[str, ...] = ()


class Model(BaseModel):
    """A value of the API: camelCase outside, frozen inside.

    Fields that this version doesn't know are ignored when read, so that an object stored by
    another version is still served; the API server refuses them when they are written.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules over the whole value, put into the CRD beside it."""

    def to_json(self) -> dict[str, Any]:
        """Return the value as the API server stores it, without what is unset or empty."""
        pruned = _without_empty(self.model_dump(mode="json", by_alias=True, exclude_none=True))
        return pruned if isinstance(pruned, dict) else {}


def _without_empty(value: Any) -> Any:
    """Return a JSON value without empty maps, lists and strings inside maps."""
    if isinstance(value, dict):
        pruned = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in ({}, [], "")}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def map_list(*keys: str) -> dict[str, Any]:
    """Return the schema keywords of a list whose items are identified by `keys`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


SET_LIST: Final[dict[str, Any]] = {"x-kubernetes-list-type": "set"}
ATOMIC_LIST: Final[dict[str, Any]] = {"x-kubernetes-list-type": "atomic"}

DnsLabel = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
"""RFC 1123 label."""

ObjectName = Annotated[
    str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
]
"""Name of a Kubernetes object: an RFC 1123 subdomain."""

Host = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]
"""Fully qualified host name in lower case, without a trailing dot."""

Glob = Annotated[str, Field(min_length=1, max_length=250)]
"""Shell glob: `*` any text, `?` one character, `[ab]` one of them; `*` also crosses slashes."""

GitRef = Annotated[str, Field(min_length=1, max_length=250)]
"""Name of a branch, without `refs/heads/`."""

CommitSha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$", max_length=64)]
"""Full object name of a commit, SHA-1 or SHA-256."""


def _quantity_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity_as_text),
    Field(max_length=32),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "minimum": 0,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$",
        }
    ),
]
"""Kubernetes quantity, such as `500m`, `1` (also without quotes) or `256Mi`; held as text."""


def _check_duration(value: str | int) -> str | int:
    parse_duration(value)
    return value


Duration = Annotated[
    str | int,
    AfterValidator(_check_duration),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "minimum": 0,
            "maximum": MAXIMUM,
            "pattern": PATTERN,
        }
    ),
]
"""Time span: parts of `s m h d w` such as `90s`, `1h30m` or `7d`, or a whole number of seconds."""
