"""The page of the settings says what `Settings` really takes."""

from typing import Annotated, Literal

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hack.settings import settings_page
from kapsa.config import Names, Seconds, Settings


class Example(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="EX_", use_attribute_docstrings=True)

    name: str = ""
    """Who | what."""
    mode: Literal["fast", "slow"] = "fast"
    """How
    it runs."""
    wait: Annotated[Seconds, Field(ge=60)] = 5400
    """For how long."""
    span: Annotated[Seconds, Field(ge=0, le=86400)] = 0
    """Within what."""
    workers: Annotated[int, Field(le=64)] = 8
    """How many."""
    hosts: Names = ()
    """Which."""
    loud: bool = False
    """Whether."""
    token: str
    """Must be given."""


@pytest.mark.parametrize(
    "line",
    [
        r"| `EX_NAME` | text | none |  | Who \| what. |",
        "| `EX_MODE` | `fast` or `slow` | `fast` |  | How it runs. |",
        "| `EX_WAIT` | duration | `1h30m` | at least 1m | For how long. |",
        "| `EX_SPAN` | duration | `0s` | 0s to 1d | Within what. |",
        "| `EX_WORKERS` | integer | `8` | at most 64 | How many. |",
        "| `EX_HOSTS` | list | none |  | Which. |",
        "| `EX_LOUD` | `true` or `false` | `false` |  | Whether. |",
        "| `EX_TOKEN` | text | required |  | Must be given. |",
    ],
)
def test_a_setting_is_one_line_of_the_table(line: str) -> None:
    assert line in settings_page(Example).splitlines()


def test_every_setting_of_the_operator_is_on_the_page_in_order() -> None:
    lines = [line for line in settings_page().splitlines() if line.startswith("| `KAPSA_")]

    assert [line.split("`")[1] for line in lines] == [
        f"KAPSA_{name.upper()}" for name in Settings.model_fields
    ]


@pytest.mark.parametrize("setting", ["KAPSA_WORKERS", "KAPSA_SWEEP_INTERVAL"])
def test_a_documented_variable_is_the_one_that_is_read(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, "17")

    assert getattr(Settings(), setting.removeprefix("KAPSA_").lower()) == 17


def test_a_setting_without_a_docstring_is_refused() -> None:
    class Silent(BaseSettings):
        quiet: int = 1

    with pytest.raises(TypeError, match="quiet has no docstring"):
        settings_page(Silent)


def test_a_setting_of_another_type_is_refused() -> None:
    class Odd(BaseSettings):
        model_config = SettingsConfigDict(use_attribute_docstrings=True)

        ratio: float = 0.5
        """Of what."""

    with pytest.raises(TypeError, match="ratio is <class 'float'>"):
        settings_page(Odd)
