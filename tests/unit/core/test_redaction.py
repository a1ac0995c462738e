"""What must not show of what an application says."""

from kapsa.core.redaction import all_forms, secret_variables
from kapsa.models.container import EnvironmentVariable


def test_a_secret_is_known_in_the_forms_that_programs_write() -> None:
    assert all_forms(['pa"ss/1', "plain"]) == (
        'pa"ss/1',
        "pa%22ss%2F1",
        'pa\\"ss/1',
        "cGEic3MvMQ",
        "plain",
        "plain",
        "plain",
        "cGxhaW4",
    )


def test_variables_that_are_called_like_secrets_are_some() -> None:
    named = {
        "DB_PASSWORD": "correct-horse",
        "apiToken": "0123456",
        "LOG_LEVEL": "verbose",
        "KEY": "1",
    }
    variables = [EnvironmentVariable(name=name, value=value) for name, value in named.items()]

    assert list(secret_variables(variables)) == ["correct-horse", "0123456"]
