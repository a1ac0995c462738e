"""Kubernetes quantities, compared by what they mean: `0.5` is `500m`."""

from kubernetes.utils.quantity import parse_quantity


def same_quantity(one: object, other: object) -> bool:
    """Tell whether two quantities, as text or numbers, mean the same amount."""
    if one == other:
        return True
    if one is None or other is None:
        return False
    try:
        return bool(parse_quantity(one) == parse_quantity(other))
    except ValueError:
        return False
