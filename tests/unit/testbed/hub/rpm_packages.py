"""Real packages, a few kilobytes each, made with rpmbuild when a test asks for them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
Name: {name}
Version: {version}
Release: {release}
{epoch}
Summary: A package of the tests
License: Public Domain
BuildArch: {arch}

%description
Nothing.

%install
mkdir -p %{{buildroot}}/usr/share/{name}
printf '%s' '{content}' > %{{buildroot}}/usr/share/{name}/content
{more}

%files
/usr/share/{name}

%changelog
* Wed Nov 15 2023 Tester <tester@example.com> - {version}-{release}
- Packaged
"""


@dataclass(frozen=True, kw_only=True)
class Built:
    name: str
    version: str
    release: str
    epoch: int | None
    srpm: Path
    rpms: list[Path]

    @property
    def nvr(self) -> str:
        return f"{self.name}-{self.version}-{self.release}"

    def build_data(self, task_id: int, **changes: Any) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "release": self.release,
            "epoch": self.epoch,
            "task_id": task_id,
            "source": self.srpm.name,
            "extra": {"source": {"original_url": self.srpm.name}},
            **changes,
        }


@dataclass(frozen=True, kw_only=True)
class PackageMaker:
    directory: Path

    def make(
        self,
        name: str = "hello",
        version: str = "1.0",
        release: str = "1",
        *,
        epoch: int | None = None,
        arch: str = "noarch",
        content: str = "hello",
        more: str = "",
    ) -> Built:
        self.directory.mkdir(parents=True, exist_ok=True)
        spec = self.directory / f"{name}.spec"
        spec.write_text(
            SPEC.format(
                name=name,
                version=version,
                release=release,
                epoch="" if epoch is None else f"Epoch: {epoch}",
                arch=arch,
                content=content,
                more=more,
            ),
            encoding="utf-8",
        )
        subprocess.run(
            ["rpmbuild", "-ba", "--nodeps", "--define", f"_topdir {self.directory}", str(spec)],
            check=True,
            capture_output=True,
        )
        return Built(
            name=name,
            version=version,
            release=release,
            epoch=epoch,
            srpm=self.directory / "SRPMS" / f"{name}-{version}-{release}.src.rpm",
            rpms=sorted(self.directory.glob(f"RPMS/*/{name}-{version}-{release}.*.rpm")),
        )
