"""Label selectors: which objects they mean, and how they are shown to people.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Mapping

from kapsa.models.meta import LabelSelector, LabelSelectorRequirement


def selects_all(selector: LabelSelector) -> bool:
    """Tell whether the selector means every object, whatever its labels."""
    return not selector.match_labels and not selector.match_expressions


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Tell whether an object with these labels fulfils all demands of the selector."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _fulfils(requirement, labels) for requirement in selector.match_expressions
    )


def _fulfils(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """Tell whether the labels are as demanded; what is absent is not among the values."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None


def selector_text(selector: LabelSelector) -> str:
    """Return the selector as `kubectl get --selector` takes it: `team=a,stage in (test,dev)`."""
    return ",".join(
        (
            *(f"{key}={value}" for key, value in sorted(selector.match_labels.items())),
            *map(_text, selector.match_expressions),
        )
    )


def _text(requirement: LabelSelectorRequirement) -> str:
    key, values = requirement.key, ",".join(requirement.values)
    match requirement.operator:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return key
        case "DoesNotExist":
            return f"!{key}"
