"""References to images come apart as Docker takes them apart."""

import pytest

from kapsa.utils.image_reference import ImageReference, is_digest, parse_reference

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "ghcr.io/acme/shop:1.2",
            ImageReference("ghcr.io", "acme/shop", "1.2"),
            id="host-and-tag",
        ),
        pytest.param(
            "localhost:5000/shop:x", ImageReference("localhost:5000", "shop", "x"), id="port"
        ),
        pytest.param(
            "localhost/shop", ImageReference("localhost", "shop", "latest"), id="localhost"
        ),
        pytest.param(
            "10.0.0.7:5000/a/b/c:x", ImageReference("10.0.0.7:5000", "a/b/c", "x"), id="address"
        ),
        pytest.param("REG.example/shop:V1", ImageReference("reg.example", "shop", "V1"), id="case"),
        pytest.param(
            "nginx", ImageReference("docker.io", "library/nginx", "latest"), id="shorthand"
        ),
        pytest.param("acme/shop:1", ImageReference("docker.io", "acme/shop", "1"), id="hub-user"),
        pytest.param(
            "index.docker.io/nginx:1", ImageReference("docker.io", "library/nginx", "1"), id="alias"
        ),
        pytest.param(
            f"reg.example/shop@{DIGEST}",
            ImageReference("reg.example", "shop", "", DIGEST),
            id="digest",
        ),
        pytest.param(
            f"reg.example/shop:1@{DIGEST}",
            ImageReference("reg.example", "shop", "1", DIGEST),
            id="tag-and-digest",
        ),
        pytest.param(
            "reg.example/a__b/c.d/e---f:1",
            ImageReference("reg.example", "a__b/c.d/e---f", "1"),
            id="separators",
        ),
    ],
)
def test_a_reference_comes_apart(text: str, expected: ImageReference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/shop",
        "reg.example/",
        "reg.example/Shop:1",
        "reg.example/shop:",
        "reg.example/shop:-x",
        "reg.example/shop:" + "x" * 129,
        "reg.example/shop:a:b",
        "reg.example/../v2/x:1",
        "reg.example/shop@sha256:abc",
        "reg.example/shop@sha512:" + "a" * 128,
        "reg.example//shop:1",
        "reg.example:port/shop:1",
        "-reg.example/shop:1",
        "user:password@reg.example/shop:1",
        "reg.example/shop:1\n",
        "reg.example/shop?x=1:1",
        "https://reg.example/shop:1",
        "reg.example/" + "x" * 250,
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_reference(text)


def test_the_digest_names_the_manifest_where_there_is_one() -> None:
    assert parse_reference(f"reg.example/shop:1@{DIGEST}").version == DIGEST
    assert parse_reference("reg.example/shop:1").version == "1"
    assert parse_reference("nginx:1").repository == "docker.io/library/nginx"


def test_only_whole_sha256_digests_are_digests() -> None:
    assert is_digest(DIGEST)
    assert not is_digest(DIGEST.upper())
    assert not is_digest(DIGEST + "\n")
