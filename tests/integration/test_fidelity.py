"""A build sees what mock shows it, and is made in the same steps; both were written down beside a real one."""

from collections.abc import Mapping
from pathlib import Path

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.second_arch import MULTI_TARGET, add_i686
from koji_adjutant.testbed.tasks import Task
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed

pytestmark = pytest.mark.podman

# In a spec a percent sign is written twice.
PROBE = (Path(__file__).parent / "scripts" / "fidelity.sh").read_text().replace("%", "%%")
NO_DEBUG = "%global debug_package %{nil}"
ODD = """it's "one" $HOME `value` #"""


def probes(testbed: Testbed, task: Task) -> Mapping[str, str]:
    """What the probe has said in a task."""
    log = (testbed.output(task) / "build.log").read_text()
    lines = [line.split(" ", 2) for line in log.splitlines() if line.startswith("probe ")]
    return {name: value for _, name, value in lines}


def arch_task(build: Build, testbed: Testbed, arch: str) -> Task:
    labels = {task.id: testbed.session.getTaskInfo(task.id)["label"] for task in build.tasks}
    return next(task for task in build.tasks if task.method == "buildArch" and labels[task.id] == arch)


def test_a_build_sees_what_mock_shows(testbed: Testbed, tmp_path: Path) -> None:
    extra = {"rpm.macro.odd": ODD, "rpm.env.ODD": ODD}
    testbed.session.editTag2(BUILD_TAG, extra=extra)
    try:
        repo = testbed.regenerate()
        package = source_package(tmp_path, "fidelity", head=NO_DEBUG, build=PROBE)
        build = testbed.build(package, "--scratch", f"--repo-id={repo}")
    finally:
        testbed.session.editTag2(BUILD_TAG, remove_extra=list(extra))
    assert build.returncode == 0, build.output
    seen = probes(testbed, build.task("buildArch"))
    localtime = Path("/etc/localtime")
    expected = {
        "user": "mockbuild:mock 1000:135",
        "umask": "0022",
        "nofile": "1024",
        "localtime": str(localtime.readlink()) if localtime.is_symlink() else "",
        "zone": "[unset]",
        "machine-id": "1",
        "mtab": "../proc/self/mounts",
        "resolv": "0",
        "hosts": "2",
        "root-mode": "755",
        "tmp-mode": "1777",
        "odd": ODD,
        "odd-environment": ODD,
        "stdin": "/dev/null",
        "machine": "x86_64 64",
        "target": "x86_64-koji-linux-gnu",
        "container": "[unset]",
        "shared-memory": "runs",
        "interfaces": "lo ",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["macros"].split()[:2] == ["%_topdir", "%_rpmfilename"]
    assert seen["macros"].split()[-2:] == ["%_buildhost", "%_openpgp_autosign_id"]
    assert seen["passwd"].startswith("mockbuild:x:1000:135::/builddir:/bin/")


CHAIN = """\
BuildRequires: m4
%if 0%(test -e /usr/bin/m4 && echo 1)
BuildRequires: bison
Provides: seen-m4
%endif
%if 0%(test -e /usr/bin/bison && echo 1)
Provides: seen-bison
%endif
"""


def test_requirements_that_depend_on_what_is_installed(testbed: Testbed, tmp_path: Path) -> None:
    """The source package is made again until nothing more is asked for, and is the one that was made last."""
    package = source_package(tmp_path, "chain", head=f"{NO_DEBUG}\n{CHAIN}", build="bison --version")
    build = testbed.build(package, "--scratch")
    assert build.returncode == 0, build.output
    task = build.task("buildArch")
    (buildroot,) = testbed.session.listBuildroots(taskID=task.id)
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    assert {"m4", "bison"} <= {row["name"] for row in rows if row["is_update"]}
    (made,) = testbed.output(task).glob("*.src.rpm")
    requires = koji.get_header_field(koji.get_rpm_header(str(made)), "REQUIRENAME")
    assert {"m4", "bison"} <= set(requires)


def test_a_source_package_that_was_rebuilt_has_files_of_root(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("hello"), "--scratch")
    assert build.returncode == 0, build.output
    (made,) = testbed.output(build.task("rebuildSRPM")).glob("*.src.rpm")
    header = koji.get_rpm_header(str(made))
    assert set(koji.get_header_field(header, "FILEUSERNAME")) == {"root"}
    assert koji.get_header_field(header, "ARCH") == "x86_64"
    assert set(koji.get_header_field(header, "PROVIDES")) == {"hello", "hello-debuginfo", "hello-debugsource"}


def test_a_build_for_two_architectures(testbed: Testbed, tmp_path: Path) -> None:
    add_i686(testbed.layout, print)
    package = source_package(tmp_path, "fidelity", head=NO_DEBUG, build=PROBE)
    build = testbed.build(package, "--scratch", target=MULTI_TARGET)
    assert build.returncode == 0, build.output
    for arch, machine in (("i686", "i686 32"), ("x86_64", "x86_64 64")):
        seen = probes(testbed, arch_task(build, testbed, arch))
        assert (seen["machine"], seen["target"]) == (machine, f"{arch}-koji-linux-gnu")
