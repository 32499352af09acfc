"""The mini distribution for real: whole, the same every time, and good for building in."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from koji_adjutant.testbed.description import cache_directory
from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.closure import closure, read_candidates
from koji_adjutant.testbed.distribution.distribution import Distribution, make
from koji_adjutant.testbed.distribution.packages import conversion
from koji_adjutant.testbed.distribution.recipe import DATA, read_groups, read_recipe, read_root_layout
from koji_adjutant.testbed.distribution.roots import files_for, install_command
from koji_adjutant.testbed.distribution.source_packages import make_source_package, source_names
from koji_adjutant.testbed.distribution.spec import pack, pack_written
from koji_adjutant.testbed.distribution.task_image import Podman
from koji_adjutant.testbed.distribution.trees import unpack
from koji_adjutant.testbed.packages_source import distribution_directory
from tests.integration import running
from tests.pace import slowness

WITH_ROOT = Path(__file__).parent / "scripts" / "with-root.sh"
NOBODY = 65534
BUILD_REQUIRES_MISSING = 11


@dataclass(frozen=True, kw_only=True)
class Root:
    """A root with the packages of group `build`, and a place that an unprivileged user builds in."""

    path: Path
    distribution: Distribution

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [WITH_ROOT, self.path, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )

    def _install_command(self, names: Sequence[str], present: Sequence[str]) -> list[str]:
        files = files_for(self.distribution, names, present)
        return install_command(self.distribution.tools, self.path, files)

    def install(self, names: Sequence[str], present: Sequence[str] = ()) -> None:
        done = self.run(*self._install_command(names, present))
        assert done.returncode == 0, done.stdout

    def chrooted(self, *command: str) -> subprocess.CompletedProcess[str]:
        drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        environment = (
            "env",
            "--ignore-environment",
            "HOME=/build",
            "PATH=/usr/bin:/usr/sbin",
            "LANG=C.UTF-8",
        )
        return self.run("chroot", str(self.path), *drop, *environment, *command)

    def rebuild(self, srpm: Path) -> subprocess.CompletedProcess[str]:
        (self.path / "build" / srpm.name).write_bytes(srpm.read_bytes())
        return self.chrooted("rpmbuild", "--define=_topdir /build", "--rebuild", f"/build/{srpm.name}")


@pytest.fixture(scope="module")
def distribution() -> Distribution:
    """The testbeds' own, made when it is not there."""
    return make(distribution_directory(cache_directory(os.environ, Path.home())), print)


@pytest.fixture(scope="module")
def root(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    made = Root(path=tmp_path_factory.mktemp("root"), distribution=distribution)
    made.path.chmod(0o755)
    made.install(read_groups()["build"])
    (made.path / "build").mkdir()
    os.chown(made.path / "build", NOBODY, NOBODY)
    yield made
    shutil.rmtree(made.path)


def checksums(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


@pytest.mark.timing
def test_made_once(distribution: Distribution) -> None:
    began = time.monotonic()
    assert make(distribution.directory, print) == distribution
    assert time.monotonic() - began < slowness()


def test_every_requirement_is_met(distribution: Distribution) -> None:
    candidates = read_candidates(distribution.repo)
    assert len(candidates) == len(list((distribution.repo / "Packages").iterdir()))
    assert len(closure(candidates, candidates)) == len(candidates)


def test_harmful_scriptlets_are_required_by_nothing(distribution: Distribution) -> None:
    candidates = read_candidates(distribution.repo)
    harmful = {"scriptlets-failing", "scriptlets-sparse", "scriptlets-whiteout"}
    harmless = closure(candidates, set(candidates) - harmful)
    assert set(candidates) - {candidate.name for candidate in harmless} == harmful


@pytest.mark.parametrize("debian", ["bash", "libc-bin", "zlib1g"])
def test_converted_package_is_the_same_in_any_directory(
    debian: str, distribution: Distribution, tmp_path: Path
) -> None:
    (deb,) = (distribution.directory / "debs").glob(f"{debian}_*.deb")
    recipe, layout = read_recipe(), read_root_layout()
    for place in (tmp_path / "one", tmp_path / "another" / "place"):
        (place / "packages").mkdir(parents=True)
        tree = unpack(deb, place / "tree", recipe)
        spec = conversion([tree], recipe, layout, distribution.tools).spec(tree)
        pack(spec, tree.root, place / "work", place / "packages", tools=distribution.tools)
    assert checksums(tmp_path / "one" / "packages") == checksums(tmp_path / "another" / "place" / "packages")


@pytest.mark.parametrize("name", ["minidistro", "scriptlets-deps"])
def test_own_package_is_the_same_in_any_directory(
    name: str, distribution: Distribution, tmp_path: Path
) -> None:
    spec = DATA / "packages" / name / f"{name}.spec"
    pack_written(spec, tmp_path / "work", tmp_path / "packages", tools=distribution.tools)
    made = checksums(tmp_path / "packages")
    published = checksums(distribution.repo / "Packages")
    assert made
    assert made == {name: published[name] for name in made}


@pytest.mark.parametrize("name", source_names())
def test_source_package_is_the_same_in_any_directory(
    name: str, distribution: Distribution, tmp_path: Path
) -> None:
    (tmp_path / "packages").mkdir()
    archive, packages = Archive(distribution.directory), tmp_path / "packages"
    make_source_package(name, tmp_path / "work", archive, packages, distribution.tools)
    published = distribution.srpms[name]
    assert checksums(tmp_path / "packages") == {
        published.name: hashlib.sha256(published.read_bytes()).hexdigest()
    }


def test_root_is_what_was_installed(root: Root) -> None:
    listed = root.chrooted("rpm", "-qa", "--queryformat", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm\n")
    files = files_for(root.distribution, read_groups()["build"])
    assert sorted(listed.stdout.split()) == sorted(path.name for path in files)
    changed = root.run("chroot", str(root.path), "rpm", "-Va", "--noconfig")
    assert changed.stdout == ""


def test_generated_requirements_are_asked_for_and_then_used(root: Root) -> None:
    srpm = root.distribution.srpms["dynreqs"]
    first = root.rebuild(srpm)
    assert first.returncode == BUILD_REQUIRES_MISSING, first.stdout
    asked = next((root.path / "build" / "SRPMS").glob("dynreqs-*.buildreqs.nosrc.rpm"))
    wanted = root.chrooted("rpm", "-qp", "--requires", f"/build/SRPMS/{asked.name}").stdout.split()
    assert "zlib-devel" in wanted
    root.install(["zlib-devel"], read_groups()["build"])
    second = root.rebuild(srpm)
    assert second.returncode == 0, second.stdout
    assert "zlib 1." in second.stdout


def test_scriptlets_of_build_requirements_do_their_work(root: Root) -> None:
    root.install(["scriptlets-deps"], read_groups()["build"])
    done = root.rebuild(root.distribution.srpms["scriptlets"])
    assert done.returncode == 0, done.stdout
    assert "scriptlets: capability by rpm: /usr/bin/scriptlets-caps cap_net_raw=ep" in done.stdout


def test_packages_of_pypi_run(root: Root) -> None:
    root.install(["rpmautospec"], read_groups()["build"])
    done = root.chrooted("rpmautospec", "--help")
    assert done.returncode == 0, done.stdout
    assert "process-distgit" in done.stdout


@pytest.mark.parametrize("name", ["hello", "noarch", "nettry"])
def test_small_source_package_builds(name: str, root: Root) -> None:
    done = root.rebuild(root.distribution.srpms[name])
    assert done.returncode == 0, done.stdout
    assert list((root.path / "build" / "RPMS").glob(f"*/{name}-*.rpm"))


def test_failing_fails(root: Root) -> None:
    done = root.rebuild(root.distribution.srpms["failing"])
    assert done.returncode == 1
    assert "failing: this failure is intended" in done.stdout


@pytest.mark.podman
def test_task_image_has_its_tools_and_no_compiler(testbed: running.Testbed) -> None:
    podman = Podman(socket=Path(testbed.engine.socket), environment=testbed.engine.environment)
    run = ("run", "--rm", "--network=none", testbed.description.task_image)
    python = "import dnf, rpm; print(rpm.expandMacro('%_dbpath'))"
    assert podman(*run, "/usr/bin/python3", "-c", python).strip() == "/usr/lib/sysimage/rpm"
    # Defined, and nothing: a macro that is not defined is printed as it stands.
    assert podman(*run, "rpm", "--eval", "<%{__transaction_unshare}>").strip() == "<>"
    for tool in ("createrepo_c", "dnf", "git", "rpmbuild", "rsync", "svn", "tar", "zstd"):
        assert podman(*run, tool, "--version")
    assert podman(*run, "dnf", "builddep", "--help")
    assert podman(*run, "find", "/usr/bin", "-name", "gcc*", "-o", "-name", "cc").strip() == ""


@pytest.mark.podman
def test_task_image_checks_out_by_every_way(testbed: running.Testbed) -> None:
    podman = Podman(socket=Path(testbed.engine.socket), environment=testbed.engine.environment)
    run = ("run", "--rm", "--network=none", testbed.description.task_image)
    helpers = podman(*run, "git", "--exec-path").strip()
    assert podman(*run, "ls", f"{helpers}/git-remote-http", f"{helpers}/git-remote-https")
    assert podman(*run, "ssh", "-G", "localhost")
    assert "https" in podman(*run, "svn", "--version")
    # Whom git and svn trust: curl would take the file's absence for a failure of any https URL.
    trusted = podman(*run, "cat", "/etc/ssl/certs/ca-certificates.crt")
    assert trusted.count("BEGIN CERTIFICATE") > 50
