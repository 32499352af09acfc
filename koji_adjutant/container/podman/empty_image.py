"""The image without anything in it, as an archive that an engine loads.

Each time it is the same to the last byte: engines that are told several times at once end up with one image, not with
one that has the name and others that have lost it.
"""

import hashlib
import io
import json
import platform
import tarfile

LAYER = b"\0" * (2 * tarfile.BLOCKSIZE)
"""An archive with nothing in it."""
CREATED = "1970-01-01T00:00:00Z"
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "386",
    "armv7l": "arm",
    "loongarch64": "loong64",
}
"""What Go calls machines, where it is another name."""


def empty_archive(reference: str, machine: str = "") -> bytes:
    """The archive of an empty image of this name, for this machine where no other is given."""
    machine = machine or platform.machine()
    config = {
        "created": CREATED,
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(LAYER).hexdigest()}"]},
        "history": [{"created": CREATED, "created_by": "koji-adjutant"}],
    }
    content = json.dumps(config, sort_keys=True).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in (
            ("layer.tar", LAYER),
            (name, content),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
