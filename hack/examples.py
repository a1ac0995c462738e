"""Examples of the fields' values, for the reference pages."""

from typing import Any

from hack.schema import Schema


def example_of(schema: Schema) -> Any:
    """Return a value that somebody might write into the field; None where none is known.

    It is the first of the model's own examples; otherwise it follows from the schema: a value that
    isn't the default, where there are but a few, or else the default.
    """
    if "examples" in schema:
        return schema["examples"][0]
    default = schema.get("default")
    if schema.get("type") == "boolean":
        return not default
    if "enum" in schema:
        return next((value for value in schema["enum"] if value != default), default)
    if default is not None:
        return default
    if "items" in schema:
        item = example_of(schema["items"])
        return None if item is None else [item]
    return None
