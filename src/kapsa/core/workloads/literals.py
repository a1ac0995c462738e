"""Text that the kubelet hands to containers as it is."""


def literal(value: str) -> str:
    """Return what makes the kubelet give a container `value`, and not what `$(NAME)` stands for.

    Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return value.replace("$", "$$") if "$(" in value or "$$" in value else value
