"""A registry of container images on 127.0.0.1, over plain HTTP, that may want a login."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Registry:
    """Runs as long as its `with` block. `asked` is every path that was asked for."""

    login: str = ""
    """user:password, if it wants one."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def do_HEAD(self) -> None:
                registry.answer(self)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def publish(self, name: str, tag: str, text: str) -> str:
        """An image with one file /text under name:tag; its digest."""
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as tar:
            info = tarfile.TarInfo("text")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        layer = gzip.compress(plain.getvalue(), mtime=0)
        rootfs = {"type": "layers", "diff_ids": [digest_of(plain.getvalue())]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": self._blob(config), "size": len(config)},
                "layers": [{"mediaType": LAYER, "digest": self._blob(layer), "size": len(layer)}],
            }
        ).encode()
        for key in (tag, digest_of(manifest)):
            self.tags[f"/v2/{name}/manifests/{key}"] = manifest
        return digest_of(manifest)

    def _blob(self, data: bytes) -> str:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        self.asked.append(request.path)
        wanted = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if self.login and request.headers.get("Authorization") != wanted:
            body, status, kind = b'{"errors": [{"code": "UNAUTHORIZED"}]}', 401, "application/json"
        elif request.path == "/v2/":
            body, status, kind = b"{}", 200, "application/json"
        elif manifest := self.tags.get(request.path):
            body, status, kind = manifest, 200, MANIFEST
        elif blob := self.blobs.get(request.path.rpartition("/")[2]):
            body, status, kind = blob, 200, "application/octet-stream"
        else:
            body, status, kind = b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', 404, "application/json"
        request.send_response(status)
        if status == 401:
            request.send_header("WWW-Authenticate", 'Basic realm="registry"')
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Docker-Content-Digest", digest_of(body))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)
