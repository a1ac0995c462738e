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


def is_quantity(value: object) -> bool:
    """Tell whether text, or a number, is a quantity that is not negative."""
    try:
        return bool(parse_quantity(value) >= 0)
    except ValueError:
        return False


def is_less(one: object, other: object) -> bool:
    """Tell whether one quantity is less than another; never where either is none."""
    try:
        return bool(parse_quantity(one) < parse_quantity(other))
    except ValueError:
        return False


def whole(value: object) -> int:
    """Return what a quantity means as a whole number, rounded down: `1Ki` is 1024.

    Raises:
        ValueError: It is none.
    """
    return int(parse_quantity(value))
