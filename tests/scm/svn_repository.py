"""Subversion repositories, made by import of a directory that lives as long as that takes."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SvnRepository:
    """The repository at `path`."""

    path: Path

    def add(self, where: str, files: Mapping[str, str | bytes]) -> int:
        """Import files below directory `where`, which is new; the revision that has them."""
        with tempfile.TemporaryDirectory(prefix="svn-import-") as staged:
            for name, content in files.items():
                path = Path(staged, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            target = f"file://{self.path}/{where}"
            _run("svn", "import", "--quiet", "--non-interactive", "--message=A change", staged, target)
        return int(_run("svnlook", "youngest", str(self.path)))


def svn_repository(path: Path) -> SvnRepository:
    """A new, empty repository that anybody may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _run("svnadmin", "create", str(path))
    (path / "conf/svnserve.conf").write_text("[general]\nanon-access = read\nauth-access = read\n")
    return SvnRepository(path=path)


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
