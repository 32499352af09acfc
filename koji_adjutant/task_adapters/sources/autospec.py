"""rpmautospec: a release and a changelog that a spec file has from the history of its checkout.

Done as mock's plugin does it, in the build container and as the build user, between the fetching of sources and
`rpmbuild -bs`. The script that lays SPECS and SOURCES out looks whether there is a history, and whether the spec file
may want it: only then is that read here. What it takes is installed from the build tag's repo; the hub hears nothing
of it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from rpmautospec_core import specfile_uses_rpmautospec

from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.install.solver import Unsolvable
from koji_adjutant.buildroot.roots import Buildroot, InstallFailed
from koji_adjutant.buildroot.settings import TOPDIR
from koji_adjutant.config.autospec import AutospecPlan
from koji_adjutant.container.interface import ContainerFiles
from koji_adjutant.errors import BuildFailed, ContentRefused
from koji_adjutant.task_adapters.rpmbuild import BUILT, ROOT_LOG, STATUS_PACKAGES, Scripts

SPEC_LIMIT = 64 << 20
"""Bytes of a spec file that is looked into."""


@dataclass(frozen=True, kw_only=True)
class AutospecStep:
    """Works the history in SOURCES into the spec file in SPECS, both as the script has laid them out."""

    plan: AutospecPlan
    scripts: Scripts
    files: ContainerFiles
    initializer: BuildrootInitializer
    limit: int = SPEC_LIMIT

    def run(self, buildroot: Buildroot, target: str, spec: str) -> tuple[Buildroot, int]:
        """The buildroot afterwards, whose container may be another one, and how the script ended.

        `spec` is the name of the file. BuildFailed when what it takes cannot be installed.
        """
        if not self._is_wanted(buildroot.container, spec):
            return buildroot, BUILT
        buildroot = self._installed(buildroot)
        return buildroot, self.scripts.run(buildroot.container, "autospec", target, spec, *self.plan.command)

    def _is_wanted(self, container: str, spec: str) -> bool:
        directory = self.scripts.ctx.workdir / "autospec"
        directory.mkdir()
        try:
            paths = self.files.copy_from(container, f"{TOPDIR}/SPECS/{spec}", directory, limit=self.limit)
            return any(uses_rpmautospec(path) for path in paths)
        except ContentRefused as error:
            raise BuildFailed(f"the spec file {spec} cannot be looked into: {error}") from error
        finally:
            shutil.rmtree(directory)

    def _installed(self, buildroot: Buildroot) -> Buildroot:
        narrator, requires = self.scripts.narrator, self.plan.requires
        narrator.begin("installing rpmautospec")
        try:
            return self.initializer.install_requires(buildroot, requires)
        except (Unsolvable, InstallFailed) as error:
            raise BuildFailed(
                f"error building srpm, build exited with status {STATUS_PACKAGES}; "
                f"see {ROOT_LOG} for more information",
                hint=f"{', '.join(requires)} cannot be installed: {error}",
            ) from error
        finally:
            narrator.end()


def uses_rpmautospec(spec: Path) -> bool:
    """Whether a spec file has its release or changelog from its history, by the same test as mock's."""
    return bool(specfile_uses_rpmautospec(spec))
