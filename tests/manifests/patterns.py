"""Texts that break a pattern, by what the API server says of them.

A pattern is written for the field's standard; what is listed here is what people get wrong, and
what somebody might try who means harm.
"""

from typing import Final

SHA256: Final = "ab" * 32

WRONG: Final[dict[str, tuple[str, ...]]] = {
    "must be a DNS label: lower-case letters, digits and '-', with a letter or digit at both ends,"
    " such as 'shop-1'": (
        "Shop",
        "-shop",
        "shop-",
        "my shop",
        "a.b",
        "a_b",
        "a\n",
        "ä",
        "*",
    ),
    "must be the name of an object: lower-case letters, digits, '-' and '.', with a letter or digit"
    " at both ends": (
        "Harbor",
        ".harbor",
        "harbor-",
        "team/harbor",
        "har bor",
        "harbor\n",
    ),
    "must be a host name in lower case, such as 'apps.example.com', without '*', scheme, port or"
    " final dot, and with at most 63 characters between two dots": (
        "Apps.example.com",
        "*.example.com",
        "https://example.com",
        "example.com:443",
        "example.com.",
        ".example.com",
        "a..example.com",
        "-a.example.com",
        "a-.example.com",
        "a_b.example.com",
        f"{64 * 'a'}.com",
        "example.com\n",
    ),
    "must be the full object name of a commit: 40 (or 64) lower-case hexadecimal digits": (
        "",
        "main",
        "3f2a3f2",
        "3f2a" * 10 + "3",
        "3F2A" * 10,
        "3f2g" * 10,
        "3f2a" * 10 + "\n",
    ),
    "must name an image by its digest, such as registry.example.com/acme/shop@sha256:...: a tag"
    " could move": (
        "registry.example.com/acme/shop:1.2",
        "registry.example.com/acme/shop",
        f"sha256:{SHA256}",
        f"@sha256:{SHA256}",
        f"acme/shop@sha256:{SHA256[1:]}",
        f"acme/shop@sha256:{SHA256.upper()}",
        f"acme/shop@sha512:{SHA256}",
        f"acme/shop@sha256:{SHA256}\n",
    ),
    "must be an image such as registry.example.com/acme/shop:1.2, or better"
    " registry.example.com/acme/shop@sha256:...": (
        "https//shop image",
        "-shop",
        "shop@1.2",
        f"acme/shop@sha256:{SHA256[1:]}",
        "acme/shop:{sha}",
        "acme/shop\n",
    ),
    "must be an address such as https://git.example.com/acme/shop.git; user and password belong"
    " into the Secret of spec.repository.credentials": (
        "",
        "git.example.com/acme/shop.git",
        "https://git.example.com",
        "https://ann:secret@git.example.com/acme/shop.git",
        "https://git.example.com/acme/shop.git?ref=main",
        "https://git.example.com/acme/shop.git#main",
        "https://git.example.com/acme/my shop.git",
        "file:///etc/passwd",
        "ext::sh -c id",
        "--upload-pack=id",
        "git@git.example.com:acme/shop.git",
        "https://git.example.com/acme/shop.git\n",
    ),
    "must be an address such as https://git.example.com/api/v1, without user, password, query or"
    " fragment": (
        "git.example.com/api/v1",
        "https://ann:secret@git.example.com/api/v1",
        "https://git.example.com/api/v1?token=x",
        "https://git.example.com/api/v1#x",
        "ftp://git.example.com",
        "https://git.example.com/api/v1\n",
    ),
    "must name registry, repository and tag, such as ghcr.io/acme/shop:{sha}; the tag may use"
    " {sha}, {shortSha}, {branch} and {pr}, and nothing else in braces": (
        "ghcr.io/acme/shop",
        "ghcr.io/acme/shop:{commit}",
        "ghcr.io/acme/shop:{sha",
        "ghcr.io/acme/{branch}:{sha}",
        "ghcr.io/Acme/shop:{sha}",
        "shop:{sha}",
        "https://ghcr.io/acme/shop:{sha}",
        f"ghcr.io/acme/shop@sha256:{SHA256}",
        "ghcr.io/acme/shop:{sha}\n",
    ),
    "must be a host such as harbor.example.com or localhost:5000, without scheme and path": (
        "https://harbor.example.com",
        "harbor.example.com/acme",
        "harbor.example.com:port",
        "harbor.example.com:500000",
        "ann@harbor.example.com",
        ".example.com",
        "harbor.example.com\n",
    ),
    "must be a duration, such as 90s, 1h30m or 7d, or a whole number of seconds without quotes": (
        "",
        "soon",
        "1.5h",
        "-5m",
        "1 h",
        "30",
        "1y",
        "1H",
        "7d\n",
    ),
    "must be a quantity, such as 500m, 1 or 256Mi": (
        "",
        "much",
        "-1",
        "1,5",
        "256 Mi",
        "256MB",
        "256mi",
        "1\n",
    ),
    "must be a path that starts with '/', such as /healthz": (
        "healthz",
        "http://localhost/healthz",
        "/health z",
        "/healthz#up",
        "/healthz\n",
    ),
    "must be the name of a variable: letters, digits, '_', '.' and '-', not starting with a digit,"
    " '.' or '-'": (
        "1A",
        "-A",
        ".A",
        "A B",
        "A=B",
        "A\n",
    ),
    "must be the key of a label, such as example.com/team": (
        "/team",
        "example.com/",
        "a/b/c",
        "-team",
        "team-",
        "Example.com/team",
        "a" * 64,
        "team\n",
    ),
    "must be the value of a label: up to 63 letters, digits, '-', '_' and '.', with a letter or"
    " digit at both ends": (
        "-shop",
        "shop-",
        "my shop",
        "a/b",
        "shop\n",
    ),
}
