"""The address of a repository says how the forge's API names it."""

import pytest

from kapsa.adapters.errors import Stalled
from kapsa.adapters.forges import ForgeRepository, forge_repository
from kapsa.models.reasons import Reason


@pytest.mark.parametrize(
    ("url", "api_url", "expected"),
    [
        pytest.param(
            "https://git.example.com/acme/shop.git",
            None,
            ForgeRepository("https://git.example.com/api/v1", "acme", "shop"),
            id="plain",
        ),
        pytest.param(
            "https://git.example.com:8443/acme/my.shop/",
            None,
            ForgeRepository("https://git.example.com:8443/api/v1", "acme", "my.shop"),
            id="port-and-final-slash",
        ),
        pytest.param(
            "http://git.example.com/forge/acme/shop",
            None,
            ForgeRepository("http://git.example.com/forge/api/v1", "acme", "shop"),
            id="forge-below-a-path",
        ),
        pytest.param(
            "https://git.example.com/acme/shop",
            "https://GIT.example.com:443/other/api/v1/",
            ForgeRepository("https://GIT.example.com:443/other/api/v1", "acme", "shop"),
            id="named-api",
        ),
    ],
)
def test_a_repository_is_found_in_its_address(
    url: str, api_url: str | None, expected: ForgeRepository
) -> None:
    assert forge_repository(url, api_url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/shop",
        "https://git.example.com/",
        "https://git.example.com/acme/.git",
        "https://git.example.com/acme//shop",
        "https://git.example.com/../shop",
        "https://git.example.com/acme/a%2Fb",
    ],
)
def test_an_address_without_owner_and_name_is_no_forges(url: str) -> None:
    with pytest.raises(Stalled, match=r"spec\.repository\.provider") as stalled:
        forge_repository(url)

    assert stalled.value.reason == Reason.FORGE_UNKNOWN


@pytest.mark.parametrize(
    "api_url",
    [
        "https://evil.example.com/api/v1",
        "http://git.example.com/api/v1",
        "https://git.example.com:8443/api/v1",
        "https://git.example.com@evil.example.com/api/v1",
        "https://git.example.com.evil.example.com/api/v1",
    ],
)
def test_an_api_on_another_origin_is_refused(api_url: str) -> None:
    with pytest.raises(Stalled, match="apiURL") as stalled:
        forge_repository("https://git.example.com/acme/shop", api_url)

    assert stalled.value.reason == Reason.REPOSITORY_REFUSED
