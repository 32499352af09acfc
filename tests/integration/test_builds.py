"""`koji build --wait` of the distribution's source packages: each does what it is there to show."""

import hashlib
import json
import re
import select
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from koji_adjutant.testbed.content import BUILD_TAG, TAG
from koji_adjutant.testbed.tasks import family, newest_task
from tests.integration.packages import source_package
from tests.integration.running import Build, Testbed
from tests.waiting import eventually

pytestmark = pytest.mark.podman

CHATTY_LINE = b"0" * 127 + b"\n"
CHATTY_BYTES = 209_715_200
BUILD_LOGS = {"build.log", "root.log", "state.log", "mock_output.log", "hw_info.log", "installed_pkgs.log"}
NETTRY = "rpm.macro.network_md_targets"
FAILING = "failing"
FAILING_CHECK = "true\n\n%check\necho 'this %check fails' >&2\nexit 3"


@pytest.fixture(scope="module", autouse=True)
def before(testbed: Testbed) -> int:
    """The newest task before anything of this file was built."""
    return newest_task(testbed.session)


def buildroots(testbed: Testbed, build: Build) -> list[dict[str, object]]:
    found: list[dict[str, object]] = testbed.session.listBuildroots(taskID=build.task("buildArch").id)
    return found


def listed(testbed: Testbed, buildroot: object) -> set[str]:
    """What `koji list-buildroot` says is in it."""
    done = testbed.koji("list-buildroot", str(buildroot))
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "Component RPMs:"
    return {line.split()[0] for line in lines[1:]}


def assert_succeeded(testbed: Testbed, build: Build) -> None:
    assert build.returncode == 0, build.output
    assert {task.state for task in build.tasks} == {"CLOSED"}
    for buildroot in buildroots(testbed, build):
        assert buildroot["state"] == koji.BR_STATES["EXPIRED"]


def test_hello_becomes_a_tagged_build(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("hello"))
    assert_succeeded(testbed, build)
    assert [task.method for task in build.tasks] == ["build", "rebuildSRPM", "buildArch", "tagBuild"]
    assert "hello-1.0-1.md1" in testbed.koji("list-tagged", TAG, "hello").stdout
    where = testbed.topdir / "packages/hello/1.0/1.md1"
    assert (where / "x86_64/hello-1.0-1.md1.x86_64.rpm").stat().st_size > 0
    assert (where / "src/hello-1.0-1.md1.src.rpm").stat().st_size > 0
    assert {path.name for path in (where / "data/logs/x86_64").iterdir()} >= BUILD_LOGS
    assert "hello" in testbed.container_log(build.task("buildArch")).read_text()


def test_a_build_whose_root_was_there_has_its_logs(testbed: Testbed) -> None:
    builds = [testbed.build(testbed.srpm("hello"), "--scratch") for _ in range(2)]
    for build in builds:
        assert_succeeded(testbed, build)
    output = testbed.output(builds[-1].task("buildArch"))
    assert {path.name for path in output.iterdir()} >= BUILD_LOGS
    assert re.search(r"^Install +bash-\S+$", (output / "root.log").read_text(), re.MULTILINE)


def test_a_tagged_build_is_in_the_next_repo(testbed: Testbed) -> None:
    assert testbed.session.getBuild("hello-1.0-1.md1"), "test_hello_becomes_a_tagged_build makes it"
    done = testbed.koji("regen-repo", "--wait", BUILD_TAG)
    assert done.returncode == 0, done.stdout
    repo = testbed.session.getRepo(BUILD_TAG)["id"]
    pkglist = testbed.topdir / "repos" / BUILD_TAG / str(repo) / "x86_64" / "pkglist"
    assert "packages/hello/1.0/1.md1/x86_64/hello-1.0-1.md1.x86_64.rpm" in pkglist.read_text()


def test_build_requirements_are_installed_and_reported(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("needsdeps"), "--scratch")
    assert_succeeded(testbed, build)
    (buildroot,) = buildroots(testbed, build)
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    updates = {row["name"] for row in rows if row["is_update"]}
    assert {"zlib-devel", "openssl-devel", "bison", "libtool"} <= updates
    assert not updates & {"bash", "glibc", "rpm-build"}


def test_generated_build_requirements_are_installed_and_reported(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("dynreqs"), "--scratch")
    assert_succeeded(testbed, build)
    (buildroot,) = buildroots(testbed, build)
    rows = testbed.session.listRPMs(componentBuildrootID=buildroot["id"])
    assert "zlib-devel" in {row["name"] for row in rows if row["is_update"]}
    assert commands(testbed, build.task("buildArch").id)[:3] == ["rpmbuild-bs", "rpmbuild-br", "prep"]
    log = (testbed.output(build.task("buildArch")) / "build.log").read_text()
    assert re.search(r"^zlib 1\.", log, re.MULTILINE)


def test_scriptlets_of_build_requirements_have_run(testbed: Testbed) -> None:
    assert_succeeded(testbed, testbed.build(testbed.srpm("scriptlets"), "--scratch"))


def test_noarch_has_its_rpmdiff(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("noarch"))
    assert_succeeded(testbed, build)
    task = build.task("buildArch")
    (log,) = (testbed.topdir / "packages/noarch/1.0/1.md1/data/logs").rglob("noarch_rpmdiff.json")
    hashes = json.loads(log.read_text())[str(task.id)]
    assert list(hashes) == ["noarch-1.0-1.md1.noarch.rpm"]
    assert re.fullmatch(r"[0-9a-f]{64}", hashes["noarch-1.0-1.md1.noarch.rpm"])


def test_a_failing_package_names_its_log(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm(FAILING))
    assert build.returncode == 1, build.output
    task = build.task("buildArch")
    assert task.state == "FAILED"
    with pytest.raises(koji.BuildError, match=r"^error building package \(arch x86_64\).*see build\.log"):
        testbed.session.getTaskResult(task.id)
    assert "failing: this failure is intended" in (testbed.output(task) / "build.log").read_text()
    assert "failing: this failure is intended" in testbed.container_log(task).read_text()
    assert [buildroot["state"] for buildroot in buildroots(testbed, build)] == [koji.BR_STATES["EXPIRED"]]
    assert testbed.session.getBuild("failing-1.0-1.md1")["state"] == koji.BUILD_STATES["FAILED"]


def commands(testbed: Testbed, task: int) -> list[str]:
    """What rpmbuild was called for, and the steps that it took."""
    steps = [event for event in testbed.journal() if event.name == Phase.RPMBUILD_STARTED]
    return [str(event.details["command"]) for event in steps if event.task == task]


def test_a_failing_check_is_told_as_that(testbed: Testbed, tmp_path: Path) -> None:
    build = testbed.build(source_package(tmp_path, "checked", build=FAILING_CHECK), "--scratch")
    assert build.returncode == 1, build.output
    task = build.task("buildArch")
    with pytest.raises(
        koji.BuildError, match=r"build exited with status 1; see build\.log .*rpmbuild-bb 1 in %check$"
    ):
        testbed.session.getTaskResult(task.id)
    assert commands(testbed, task.id)[-1] == "check"
    (failed,) = [event for event in testbed.journal() if event.task == task.id and event.name == Phase.FAILED]
    assert re.fullmatch(r"error: Bad exit status from \S+ \(%check\)", failed.details["first_error_line"])
    assert "Processing files: " not in (testbed.output(task) / "build.log").read_text()


@pytest.fixture
def listeners(testbed: Testbed) -> Iterator[list[socket.socket]]:
    """One on the gateway of the engine's bridge, one on loopback; told to builds by a macro of the tag."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_server((address, 0))) for address in addresses(testbed)]
        targets = " ".join("{}/{}".format(*one.getsockname()) for one in found)
        testbed.session.editTag2(BUILD_TAG, extra={NETTRY: targets})
        stack.callback(testbed.session.editTag2, BUILD_TAG, remove_extra=[NETTRY])
        testbed.regenerate()
        yield found


def addresses(testbed: Testbed) -> tuple[str, ...]:
    return (testbed.engine.gateway, "127.0.0.1")


def test_a_build_reaches_no_network(testbed: Testbed, listeners: list[socket.socket]) -> None:
    address, port = listeners[0].getsockname()
    reach = f"exec 3<>/dev/tcp/{address}/{port}"
    network = f"--network={testbed.engine.network}"
    testbed.engine.podman("run", "--rm", network, testbed.description.task_image, "bash", "-c", reach)
    listeners[0].accept()[0].close()
    build = testbed.build(testbed.srpm("nettry"), "--scratch")
    assert_succeeded(testbed, build)
    log = (testbed.output(build.task("buildArch")) / "build.log").read_text()
    assert "nettry: interfaces: lo\n" in log
    assert "nettry: 2 listeners" in log
    assert log.count(" refused: ") == len(listeners)
    assert not select.select(listeners, [], [], 0)[0]


def test_no_byte_of_a_long_log_is_lost(testbed: Testbed) -> None:
    build = testbed.build(testbed.srpm("chatty"), "--scratch")
    assert_succeeded(testbed, build)
    task = build.task("buildArch")
    assert chatty_digest(testbed.output(task) / "build.log") == expected_chatty_digest()
    assert chatty_digest(testbed.container_log(task)) == expected_chatty_digest()


def chatty_digest(log: Path) -> tuple[str, int]:
    """Of the lines between chatty's first and last, without the shell's trace."""
    digest, size, inside = hashlib.sha256(), 0, False
    with log.open("rb") as lines:
        for line in lines:
            if line == b"chatty: begin\n":
                inside = True
            elif line == b"chatty: done\n":
                return digest.hexdigest(), size
            elif inside and not line.startswith(b"+"):
                digest.update(line)
                size += len(line)
    raise AssertionError(f"{log} has no end of chatty's output")


def expected_chatty_digest() -> tuple[str, int]:
    digest, block = hashlib.sha256(), CHATTY_LINE * 1024
    for _ in range(CHATTY_BYTES // len(block)):
        digest.update(block)
    return digest.hexdigest(), CHATTY_BYTES


def test_a_real_program_runs_and_its_buildroot_is_as_reported(testbed: Testbed, tmp_path: Path) -> None:
    started = testbed.koji("build", "--nowait", "--scratch", "dist-md", testbed.srpm("long"))
    (number,) = re.findall(r"^Created task: (\d+)$", started.stdout, re.MULTILINE)
    container, arch_task = running_build(testbed, int(number))
    seen = packages_in(testbed, container, tmp_path)
    assert testbed.wait_task(int(number), timeout=280).state == "CLOSED", testbed.fault(int(number))
    (buildroot,) = testbed.session.listBuildroots(taskID=arch_task)
    assert listed(testbed, buildroot["id"]) == seen
    assert {"bison", "gcc", "ncurses-devel"} <= {name.rsplit("-", 2)[0] for name in seen}
    (package,) = (testbed.topdir / "scratch").rglob(f"task_{number}/long-[0-9]*.x86_64.rpm")
    script = "rpm -i --nodeps --nosignature /long.rpm && /usr/bin/long -c 'echo $((6 * 7))'"
    image, volume = testbed.description.task_image, f"--volume={package}:/long.rpm:ro"
    said = testbed.engine.podman("run", "--rm", "--network=none", volume, image, "sh", "-c", script)
    assert said.strip() == "42"


def test_every_source_package_is_built(testbed: Testbed, before: int) -> None:
    """What no test of this file has built, of the distribution's, is built now: none is forgotten."""
    srpms = testbed.description.srpms
    for name in sorted(set(srpms) - set(states_of_builds(testbed, before))):
        testbed.build(srpms[name], "--scratch")
    states = states_of_builds(testbed, before)
    assert {name: states.get(name) for name in srpms} == {
        name: {"FAILED" if name == FAILING else "CLOSED"} for name in srpms
    }


def states_of_builds(testbed: Testbed, before: int) -> Mapping[str, set[str]]:
    """How the builds of packages, after task `before`, have ended; each package as often as it likes."""
    states: dict[str, set[str]] = {}
    for task in testbed.session.listTasks({"method": "buildArch", "decode": True}):
        if task["id"] > before:
            name = str(koji.parse_NVRA(task["request"][0].rpartition("/")[2])["name"])
            states.setdefault(name, set()).add(koji.TASK_STATES[task["state"]])
    return states


def running_build(testbed: Testbed, number: int) -> tuple[str, int]:
    """Build container and task of a buildArch, once it has its BuildRequires and configures."""

    def configuring() -> list[int]:
        tasks = [task for task in family(testbed.session, number) if task.method == "buildArch"]
        logs = [(task.id, testbed.output(task) / "build.log") for task in tasks]
        return [task for task, log in logs if log.exists() and b"configure: " in log.read_bytes()]

    (task,) = eventually(configuring, f"task {number} compiles", seconds=120)
    return build_container(testbed, task), task


def build_container(testbed: Testbed, task: int) -> str:
    selector = [f"--filter=label={labels.TASK}={task}", f"--filter=label={labels.ROLE}={labels.Role.BUILD}"]
    (container,) = testbed.engine.podman("ps", "--quiet", "--no-trunc", *selector).split()
    return container


def packages_in(testbed: Testbed, container: str, directory: Path) -> set[str]:
    """What this machine's own rpm reads from the exported root of a container."""
    archive = directory / "root.tar"
    testbed.engine.podman("export", "--output", str(archive), container)
    database = "usr/lib/sysimage/rpm"
    unpack = ["tar", "--extract", f"--file={archive}", f"--directory={directory}", database]
    subprocess.run(unpack, check=True)
    archive.unlink()
    query = [
        "rpm",
        "--dbpath",
        str(directory / database),
        "-qa",
        "--qf",
        "%{name}-%{version}-%{release}.%{arch}\n",
    ]
    return set(subprocess.run(query, check=True, capture_output=True, text=True).stdout.split())
