"""An image in which Python runs: this host's, with the modules of its library that are plain files."""

import sysconfig
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from koji_adjutant.testbed.engine import rootfs
from koji_adjutant.testbed.engine.service import Engine

MODULES = ("collections", "encodings", "importlib", "lib-dynload", "re")


def import_python(engine: Engine, archive: Path, name: str, *, programs: Sequence[str]) -> None:
    """The image `name` with these programs of this host and /usr/bin/python3; `archive` is written on the way."""
    python = Path(sysconfig.get_config_var("BINDIR"), f"python{sysconfig.get_python_version()}").resolve()
    library = Path(sysconfig.get_path("stdlib"))
    content = BytesIO(rootfs.archive(programs))
    with tarfile.open(fileobj=content, mode="a") as tar:
        tar.add(python, "usr/bin/python3")
        for needed in sorted({str(path) for path in rootfs.libraries(python)}):
            if needed.lstrip("/") not in tar.getnames():
                tar.add(Path(needed).resolve(), needed.lstrip("/"))
        for path in (*library.glob("*.py"), *filter(Path.exists, (library / name for name in MODULES))):
            tar.add(path, str(path).lstrip("/"))
    archive.write_bytes(content.getvalue())
    engine.podman("import", "--quiet", str(archive), name)
