"""How values of an environment go over those of its Project."""

from typing import Any

from kapsa.models.ingress import Ingress
from kapsa.models.runtime import Runtime


def merge_runtime(*layers: Runtime | None) -> Runtime:
    """Return the runtime that the layers give together, the last one strongest.

    Scalars replace, maps merge, lists of named items merge by name, other lists replace. What a
    layer leaves out it leaves alone.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        if layer is not None:
            merged = _merge(merged, _said(layer))
    return Runtime.model_validate(merged)


def merge_ingress(*layers: Ingress | None) -> Ingress:
    """Return the ingress that the layers give together, likewise."""
    merged: dict[str, Any] = {}
    for layer in layers:
        if layer is not None:
            merged = _merge(merged, layer.model_dump(exclude_unset=True))
    return Ingress.model_validate(merged)


def _said(layer: Runtime) -> dict[str, Any]:
    """Return what the layer says, and the names of its ports even where they are the default."""
    said = layer.model_dump(exclude_unset=True)
    if layer.ports:
        said["ports"] = [
            {"name": port.name, **port.model_dump(exclude_unset=True)} for port in layer.ports
        ]
    return said


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: _merge(base.get(key), value) for key, value in over.items()}
    if _is_named(base) and (_is_named(over) or over in ((), [])):
        names = [item["name"] for item in base]
        mine = {item["name"]: item for item in over}
        kept = [_merge(item, mine[item["name"]]) if item["name"] in mine else item for item in base]
        return kept + [item for item in over if item["name"] not in names]
    return base if over is None else over


def _is_named(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(item, dict) and "name" in item for item in value)
    )
