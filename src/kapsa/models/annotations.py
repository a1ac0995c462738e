"""Annotations that people have Kapsa put on the objects that it makes."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from kapsa.models.base import GROUP, Rule, said
from kapsa.models.meta import LABEL_KEY_PATTERN, LabelKey

_KEY: Final[TypeAdapter[str]] = TypeAdapter(LabelKey)
"""Keys of annotations have the form of those of labels.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set
"""


def _check_keys(annotations: dict[str, str]) -> dict[str, str]:
    """Return the annotations. The schema of a map says nothing of its keys, only a rule does."""
    for key in annotations:
        try:
            _KEY.validate_python(key)
        except ValidationError:
            raise ValueError(
                f"{key!r} is not the key of an annotation, such as example.com/team"
            ) from None
        if key.startswith(f"{GROUP}/"):
            raise ValueError(f"{key!r} is Kapsa's own annotation")
    return annotations


def keys_rule(field: str) -> Rule:
    """Return the rule over the keys of the map of annotations that is called `field`."""
    return Rule(
        f"!has(self.{field}) || self.{field}.all(key, key.size() <= 317"
        f" && key.matches(r'{LABEL_KEY_PATTERN}') && !key.startsWith('{GROUP}/'))",
        f"{field} needs keys of annotations, such as example.com/team; those of {GROUP} are"
        " Kapsa's own",
    )


AnnotationMap = Annotated[
    dict[str, Annotated[str, Field(max_length=2048)]],
    Field(max_length=16),
    AfterValidator(_check_keys),
]
"""Annotations by their keys; the model that has such a map needs its `keys_rule`."""

AnnotationPattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=317,
        pattern=r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?"
        r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?|([A-Za-z0-9][-A-Za-z0-9_.]{0,62})?[*])$",
        examples=["nginx.ingress.kubernetes.io/proxy-body-size"],
        json_schema_extra=said(
            "must be the key of an annotation, such as nginx.ingress.kubernetes.io/proxy-body-size;"
            " a '*' at its end stands for any rest of what comes after the '/'"
        ),
    ),
]
