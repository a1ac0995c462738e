"""The models and the schemas that the API server is given say the same."""

from typing import Any

import pytest

from hack.schema import structural_schema
from kapsa.models import KINDS
from kapsa.models.base import Duration, Model, Quantity
from kapsa.models.reasons import Reason


class Values(Model):
    """One field of each type that the schema spells otherwise than pydantic does."""

    duration: Duration | None = None
    quantity: Quantity | None = None


def defaulted(schema: dict[str, Any], value: Any) -> Any:
    """Return `value` with the defaults that the API server would put in."""
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        filled = {name: field["default"] for name, field in fields.items() if "default" in field}
        filled |= {name: defaulted(fields[name], item) for name, item in value.items()}
        return filled
    if isinstance(value, list) and "items" in schema:
        return [defaulted(schema["items"], item) for item in value]
    return value


@pytest.mark.parametrize("model", KINDS)
def test_the_api_servers_defaults_are_those_of_the_model(model: Any) -> None:
    for annotation in (model.model_fields["spec"], model.model_fields["status"]):
        part = annotation.annotation
        if any(field.is_required() for field in part.model_fields.values()):
            continue
        schema = structural_schema(part, part.__name__)
        stored = defaulted(schema, {})

        assert part.model_validate(stored) == part()
        assert stored.items() <= part().to_json().items()


@pytest.mark.parametrize("field", ["duration", "quantity"])
def test_an_integer_or_string_is_bounded(field: str) -> None:
    schema = structural_schema(Values, "Values")["properties"][field]

    assert schema["maxLength"] == 32
    assert schema["pattern"].startswith("^")
    assert schema["pattern"].endswith("$")


def test_each_reason_is_a_camel_case_word_with_an_explanation() -> None:
    for reason in Reason:
        assert reason.isalnum()
        assert reason[0].isupper()
        assert reason.explanation.endswith(".")


def test_a_reason_is_its_own_word_in_json_and_text() -> None:
    assert f"{Reason.READY}" == "Ready"
    assert next(reason for reason in Reason if reason == "Ready") is Reason.READY
