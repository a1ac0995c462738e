"""Puts minimal OCI images into the registry, and takes them out again."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from lab.errors import ApiError
from lab.httpclient import Response, basic, request

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Registry:
    """The registry: `host` is `address:port`, and it speaks plain HTTP.

    Two users, one for pushing and one meant for pulling. Its htpasswd authentication doesn't
    tell their rights apart: the pulling user could push as well.
    """

    host: str
    username: str
    password: str = field(repr=False)
    pull_username: str
    pull_password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"http://{self.host}"


@dataclass(frozen=True)
class Layer:
    """The files of an image: a tar, `packed` by gzip; `diff_id` is the digest of the tar itself."""

    packed: bytes = field(repr=False)
    diff_id: str


def layer_of(tar: bytes) -> Layer:
    """A tar as a layer; the same tar gives the same layer."""
    # Hardly compressed: it goes no further than this machine.
    return Layer(gzip.compress(tar, compresslevel=1, mtime=0), _digest(tar))


def pack(files: Mapping[str, bytes], mode: int = 0o644) -> Layer:
    """A layer of files, all with the same mode, that belong to root."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)  # owner 0, time 0: the same bytes every time
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return layer_of(output.getvalue())


def architecture() -> str:
    """This machine's architecture, as images name it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def push_image(
    registry: Registry, repository: str, tag: str, labels: Mapping[str, str] | None = None
) -> str:
    """Pushes an image whose only file tells its tag and labels; its digest (`sha256:…`).

    The same arguments give the same digest. Raises ApiError if the registry refuses.
    """
    text = json.dumps({"tag": tag, "labels": dict(labels or {})}, sort_keys=True)
    layer = pack({"image.json": text.encode()})
    settings = {"Labels": dict(sorted((labels or {}).items()))}
    return push_layer(registry, repository, tag, layer, settings)


def push_layer(
    registry: Registry, repository: str, tag: str, layer: Layer, settings: Mapping[str, object]
) -> str:
    """Pushes an image of one layer; its digest (`sha256:…`).

    `settings` is how it runs, in the image specification's words: `User`, `Env`, `Entrypoint` …
    Raises ApiError if the registry refuses.
    """
    config = json.dumps(
        {
            "architecture": architecture(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": dict(settings),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        }
    ).encode()
    for blob in (layer.packed, config):
        _push_blob(registry, repository, blob)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(_CONFIG_TYPE, config),
            "layers": [_descriptor(_LAYER_TYPE, layer.packed)],
        }
    ).encode()
    path = f"/v2/{repository}/manifests/{tag}"
    _expect(_call(registry, "PUT", path, manifest, MANIFEST_TYPE), 201, f"pushing {path}")
    return _digest(manifest)


def image_digest(registry: Registry, repository: str, reference: str) -> str | None:
    """The digest that a tag points at; None if there is no such image."""
    path = f"/v2/{repository}/manifests/{reference}"
    answer = _call(registry, "HEAD", path)
    if answer.status == 404:
        return None
    _expect(answer, 200, f"looking at {path}")
    return str(answer.headers["Docker-Content-Digest"])


def delete_image(registry: Registry, repository: str, reference: str) -> bool:
    """Deletes the image a tag or digest points at, with all its tags; False if there was none."""
    digest = image_digest(registry, repository, reference)
    if digest is None:
        return False
    path = f"/v2/{repository}/manifests/{digest}"
    _expect(_call(registry, "DELETE", path), 202, f"deleting {path}")
    return True


def _push_blob(registry: Registry, repository: str, blob: bytes) -> None:
    digest = _digest(blob)
    if _call(registry, "HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
        return
    started = _call(registry, "POST", f"/v2/{repository}/blobs/uploads/", b"")
    _expect(started, 202, f"uploading to {repository}")
    location = urljoin(registry.url, str(started.headers["Location"]))
    separator = "&" if "?" in location else "?"
    target = f"{location}{separator}digest={digest}"
    finished = _call(registry, "PUT", target, blob, "application/octet-stream")
    _expect(finished, 201, f"uploading to {repository}")


def _call(
    registry: Registry,
    method: str,
    path: str,
    body: bytes | None = None,
    content_type: str = "",
) -> Response:
    headers = {"Accept": MANIFEST_TYPE}
    if content_type:
        headers["Content-Type"] = content_type
    return request(
        method,
        urljoin(registry.url, path),
        authorization=basic(registry.username, registry.password),
        body=body,
        headers=headers,
    )


def _expect(answer: Response, status: int, what: str) -> None:
    if answer.status != status:
        text = answer.body.decode("utf-8", "replace")[:500]
        raise ApiError(answer.status, f"{what}: {answer.status} {text}")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
