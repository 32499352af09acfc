"""A root file system of a few programs of this host and the libraries they need: enough to run a container."""

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from koji_adjutant.errors import ConfigError

DIRECTORIES = ("dev", "etc", "proc", "run", "sys", "tmp", "work")
_LIBRARY = re.compile(r"(/\S+) \(0x")


def archive(programs: Sequence[str]) -> bytes:
    """A tar archive with `programs` in /bin, by their own names; `sh` is there when `bash` is."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in DIRECTORIES:
            tar.addfile(_directory(name))
        for program in programs:
            tar.add(_located(program).resolve(), f"bin/{program}", recursive=False)
        for library in sorted({path for program in programs for path in libraries(_located(program))}):
            tar.add(Path(library).resolve(), library.lstrip("/"), recursive=False)
        if "bash" in programs:
            link = tarfile.TarInfo("bin/sh")
            link.type, link.linkname = tarfile.SYMTYPE, "bash"
            tar.addfile(link)
    return content.getvalue()


def _directory(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    info.mode = 0o1777 if name in ("tmp", "work") else 0o755
    return info


def _located(program: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise ConfigError(f"the program {program} is not on this host", hint="install its package")
    return Path(found)


def libraries(program: Path) -> Iterable[str]:
    """Paths of the shared libraries and the loader that a program names; none for a static one."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return _LIBRARY.findall(said.stdout)
