"""Settings: what variables mean, and what a wrong one gets."""

import pytest
from pydantic import ValidationError

from kapsa.config import Settings, SettingsError, read_settings
from kapsa.core.projects.furnishings import NamespaceRules


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KAPSA_{name.upper()}", raising=False)


def test_the_defaults_are_those_that_the_field_expects() -> None:
    settings = read_settings()
    assert settings.namespace == "kapsa-system"
    assert (settings.log_level, settings.log_format) == ("INFO", "json")
    assert (settings.metrics_enabled, settings.metrics_port) == (True, 8080)
    assert (settings.default_poll_interval, settings.min_poll_interval) == (300, 10)
    assert settings.reconciliation_timeout == 600
    assert not settings.allow_http_repositories
    assert settings.allowed_private_hosts == ()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("7d", 604_800)]
)
def test_durations_are_written_as_in_specs(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: int
) -> None:
    monkeypatch.setenv("KAPSA_DEFAULT_POLL_INTERVAL", text)
    assert read_settings().default_poll_interval == seconds


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("git.example.com", ("git.example.com",)),
        (" a , b,,c ", ("a", "b", "c")),
        ("*", ("*",)),
    ],
)
def test_lists_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KAPSA_ALLOWED_PRIVATE_HOSTS", text)
    assert read_settings().allowed_private_hosts == names


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPSA_BUILD_EGRESS_EXCEPT", "10.0.0.0/8, FD00::/8,192.0.2.1")
    assert read_settings().build_egress_except == ("10.0.0.0/8", "fd00::/8", "192.0.2.1/32")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "registry.example.com"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("KAPSA_BUILD_EGRESS_EXCEPT", text)
    with pytest.raises(SettingsError, match="KAPSA_BUILD_EGRESS_EXCEPT"):
        read_settings()


def test_amounts_are_written_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPSA_RESOURCE_QUOTA", '{"pods": 20, "limits.memory": "8Gi"}')
    monkeypatch.setenv("KAPSA_LIMIT_RANGE", '{"max": {"memory": "1Gi"}}')
    monkeypatch.setenv("KAPSA_POD_SECURITY", "baseline")
    monkeypatch.setenv("KAPSA_DEVELOPER_CLUSTER_ROLE", "")
    assert read_settings().namespace_rules == NamespaceRules(
        pod_security="baseline",
        resource_quota={"pods": "20", "limits.memory": "8Gi"},
        limit_range={"max": {"memory": "1Gi"}},
        developer_role="",
    )


def test_without_settings_namespaces_have_the_rules_that_a_plan_takes_for_granted() -> None:
    assert read_settings().namespace_rules == NamespaceRules()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DEFAULT_POLL_INTERVAL", "soon", "is no duration: write 90s"),
        ("DEFAULT_POLL_INTERVAL", "0", "greater than or equal to 1"),
        ("DEFAULT_POLL_INTERVAL", "-5", "is no duration"),
        ("RESOURCE_QUOTA", '{"pods"', "KAPSA_RESOURCE_QUOTA: Value error, is no JSON"),
        ("RESOURCE_QUOTA", "[]", "must be amounts of resources"),
        ("RESOURCE_QUOTA", '{"pods": "many"}', "pods: 'many' is no quantity"),
        ("RESOURCE_QUOTA", '{"pods": "-1"}', "pods: '-1' is no quantity"),
        ("LIMIT_RANGE", '{"most": {"cpu": "1"}}', "KAPSA_LIMIT_RANGE: most: Input should be"),
        ("LIMIT_RANGE", '{"max": {"cpu": "x"}}', "KAPSA_LIMIT_RANGE: max: Value error, cpu: 'x'"),
        ("METRICS_PORT", "70000", "less than or equal to 65535"),
        ("METRICS_PORT", "http", "valid integer"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("LOG_FORMAT", "xml", "'json' or 'console'"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("METRICS_ENABLED", "perhaps", "valid boolean"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_it_should_be(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"KAPSA_{variable}", value)
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert str(raised.value).startswith(f"KAPSA_{variable}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("duration", "deadline", "interval"),
    [("15", "15", "2"), ("15", "20", "2"), ("15", "10", "10"), ("5", "10", "2")],
)
def test_a_lease_must_outlast_the_belief_in_it(
    monkeypatch: pytest.MonkeyPatch, duration: str, deadline: str, interval: str
) -> None:
    monkeypatch.setenv("KAPSA_LEASE_DURATION", duration)
    monkeypatch.setenv("KAPSA_RENEW_DEADLINE", deadline)
    monkeypatch.setenv("KAPSA_RENEW_INTERVAL", interval)
    with pytest.raises(SettingsError, match="two operators could write at a time"):
        read_settings()


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPSA_WORKERS", "0")
    monkeypatch.setenv("KAPSA_METRICS_PORT", "-1")
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert "KAPSA_WORKERS" in str(raised.value)
    assert "KAPSA_METRICS_PORT" in str(raised.value)


def test_settings_do_not_change_while_it_runs() -> None:
    with pytest.raises(ValidationError):
        read_settings().workers = 9  # type: ignore[misc]


def test_variables_of_other_versions_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPSA_SOMETHING_NEW", "x")
    read_settings()


def test_every_setting_says_what_it_is() -> None:
    undocumented = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undocumented == []


@pytest.mark.parametrize(
    ("size", "count"), [("1Gi", 2**30), ("512Mi", 2**29), ("100M", 10**8), ("4096", 4096)]
)
def test_the_size_of_the_git_cache_is_a_quantity_of_bytes(size: str, count: int) -> None:
    assert Settings(git_cache_size=size).git_cache_bytes == count


@pytest.mark.parametrize("size", ["", "1 Gi", "-1", "1.5Gi", "lots"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(ValidationError, match="git_cache_size"):
        Settings(git_cache_size=size)
