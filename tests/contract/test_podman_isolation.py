"""What a container of ours may and may not do, read from inside a real one."""

import json
import resource
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.container.interface import ContainerSpec, IdMap, ResourceLimits, VolumeMount
from koji_adjutant.container.podman.api import Kind, Request
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import ContentRefused, TaskTimeout
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import HAS_LIMITS, ID_MAP, PATH, WORKER, Output, shell, spec
from tests.fakes.containers import running

pytestmark = [pytest.mark.podman, pytest.mark.usefixtures("contract_image")]

INSTALLER = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "SETFCAP", "SYS_CHROOT")
CAPABILITY_BITS = {
    name: 1 << bit
    for name, bit in {
        "CHOWN": 0,
        "DAC_OVERRIDE": 1,
        "FOWNER": 3,
        "FSETID": 4,
        "SETGID": 6,
        "SETUID": 7,
        "SYS_CHROOT": 18,
        "SETFCAP": 31,
    }.items()
}


def said(manager: PodmanManager, wanted: ContainerSpec, script: str) -> str:
    """What a shell script prints in a container; it has to succeed."""
    output = Output()
    with running(manager, wanted) as container:
        code = manager.exec(container, shell(script), output)
    assert code == 0, (output.stdout, output.stderr)
    return output.stdout.decode()


def status(manager: PodmanManager, wanted: ContainerSpec) -> dict[str, str]:
    """/proc/self/status of an exec, and of PID 1, which has to be the same where they are compared."""
    text = said(manager, wanted, "cat /proc/self/status")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def test_no_capability_unless_asked_for(manager: PodmanManager) -> None:
    found = status(manager, spec())
    assert {found[key] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert found["NoNewPrivs"] == "1"
    assert found["Seccomp"] == "2"


def test_exactly_the_capabilities_asked_for(manager: PodmanManager) -> None:
    found = status(manager, replace(spec(), capabilities=frozenset(INSTALLER)))
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == sum(CAPABILITY_BITS.values())


def test_new_privileges_only_where_allowed(manager: PodmanManager) -> None:
    assert status(manager, replace(spec(), no_new_privileges=False))["NoNewPrivs"] == "0"


def test_user_of_the_container_and_of_a_command(manager: PodmanManager) -> None:
    output = Output()
    with running(manager, replace(spec(), user="1000:1001")) as container:
        manager.exec(container, shell("id -u; id -g; echo $PWD"), output, workdir="/tmp")
        manager.exec(container, shell("id -u; id -g"), output, user="0:0")
    assert output.stdout.decode().split() == ["1000", "1001", "/tmp", "0", "0"]


def test_environment_is_exactly_what_was_given(manager: PodmanManager) -> None:
    given = {**PATH, "HOME": "/builddir", "EMPTY": "", "TEXT": "a=b 'c' \"d\" $e é"}
    output = Output()
    with running(manager, spec(environment=given)) as container:
        manager.exec(container, ["env", "-0"], output, environment={"MORE": "x\ny"})
        manager.exec(container, ["cat", "/proc/1/environ"], first := Output())
    found = dict(line.split("=", 1) for line in output.stdout.decode().split("\0") if line)
    assert found == {**given, "MORE": "x\ny"}
    of_pid_1 = dict(line.split("=", 1) for line in first.stdout.decode().split("\0") if line)
    # The engine sets HOSTNAME for PID 1 whatever it is told.
    assert {key: value for key, value in of_pid_1.items() if key != "HOSTNAME"} == given


def test_no_network_but_loopback(manager: PodmanManager) -> None:
    text = said(manager, spec(), "cat /proc/net/dev")
    assert [line.split(":")[0].strip() for line in text.splitlines()[2:]] == ["lo"]


def test_a_network_reaches_its_gateway(manager: PodmanManager, engine: Engine) -> None:
    with socket.create_server((engine.gateway, 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"hello\n")

        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        script = f"exec 3<>/dev/tcp/{engine.gateway}/{port}; cat <&3"
        output = Output()
        with running(manager, replace(spec(), network=engine.network)) as container:
            assert manager.exec(container, shell(script), output) == 0
        greeter.join()
    assert output.stdout == b"hello\n"


def test_default_network_is_the_engine_s_own(manager: PodmanManager, engine: Engine) -> None:
    assert "eth0" in said(manager, replace(spec(), network="bridge"), "cat /proc/net/dev")


def test_memory_limit_kills(manager: PodmanManager) -> None:
    limits = ResourceLimits(memory_bytes=64 << 20)
    hog = shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}")
    with running(manager, replace(spec(), command=hog, limits=limits)) as container:
        code = manager.wait(container, 60)
        found = manager.inspect(container)
    assert code == (137 if HAS_LIMITS else 0)
    assert found
    assert found.exit_code == code


def test_pids_limit_refuses(manager: PodmanManager) -> None:
    output = Output()
    with (
        running(manager, replace(spec(), limits=ResourceLimits(pids=30))) as container,
        pytest.raises(TaskTimeout),
    ):
        script = "for i in {1..40}; do sleep 30 & done; wait"
        manager.exec(container, shell(script), output, timeout=2)
    assert (b"Resource temporarily unavailable" in output.stderr) == HAS_LIMITS


def test_shared_memory_has_the_size_asked_for(manager: PodmanManager) -> None:
    wanted = replace(spec(), limits=ResourceLimits(shm_bytes=8 << 20))
    assert "size=8192k" in said(manager, wanted, "grep /dev/shm /proc/mounts")


RLIMITS = {
    "nofile": (512, 768),
    "nproc": (700, 900),
    "core": (0, 4096),
    "fsize": (1 << 20, 1 << 30),
    "stack": (1 << 20, 1 << 22),
    "memlock": (4096, 8192),
    "cpu": (100, 200),
    "data": (1 << 30, resource.RLIM_INFINITY),
    "as": (1 << 32, 1 << 33),
}
LIMIT_NAMES = {
    "nofile": "Max open files",
    "nproc": "Max processes",
    "core": "Max core file size",
    "fsize": "Max file size",
    "stack": "Max stack size",
    "memlock": "Max locked memory",
    "cpu": "Max cpu time",
    "data": "Max data size",
    "as": "Max address space",
}


@pytest.mark.parametrize("process", ["1", "self"])
def test_limits_of_a_process_hold_for_the_container_and_for_commands(
    manager: PodmanManager, process: str
) -> None:
    wanted = replace(spec(), limits=ResourceLimits(rlimits=RLIMITS))
    text = said(manager, wanted, f"cat /proc/{process}/limits")
    rows = {line[:26].strip(): tuple(line[26:].split()[:2]) for line in text.splitlines()}
    for kind, limits in RLIMITS.items():
        soft, hard = ("unlimited" if one == resource.RLIM_INFINITY else str(one) for one in limits)
        # Some engines give a command the hard limit of open files for its soft one.
        may_be = {soft, hard} if (kind, process) == ("nofile", "self") else {soft}
        assert rows[LIMIT_NAMES[kind]][0] in may_be
        assert rows[LIMIT_NAMES[kind]][1] == hard


def test_other_limits_of_a_process_stay_as_they_are(manager: PodmanManager) -> None:
    """Of files and of processes, for which the engine would ask for more than it may have."""
    text = said(
        manager, replace(spec(), limits=ResourceLimits(rlimits={"core": (0, 0)})), "ulimit -Hn; ulimit -Hu"
    )
    files, processes = map(int, text.split())
    assert files == min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] % 2**64, 1048576)
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    assert processes == min(resource.getrlimit(resource.RLIMIT_NPROC)[1] % 2**64, most)


def test_mounts_are_what_was_asked_for(manager: PodmanManager, tmp_path: Path) -> None:
    (tmp_path / "shared" / "proc").mkdir(mode=0o777, parents=True)
    (tmp_path / "shared" / "file").write_text("of the host")
    wanted = replace(
        spec(),
        mounts=(
            VolumeMount(target="/work/ro", source=str(tmp_path / "shared")),
            VolumeMount(target="/work/rw", source=str(tmp_path / "shared"), read_only=False),
            VolumeMount(target="/work/tmp", kind="tmpfs", read_only=False, options=("size=64k", "mode=0700")),
            VolumeMount(target="/work/rw/proc", kind="proc", options=("nosuid", "noexec", "nodev")),
        ),
    )
    script = """
        cat /work/ro/file; echo
        touch /work/ro/new || echo ro refused
        touch /work/rw/new && echo rw written
        head -c 200000 /dev/zero > /work/tmp/big || echo tmpfs full
        echo x > /work/rw/proc/sys/kernel/core_pattern || echo proc refused
        grep ' /work/' /proc/mounts
    """
    text = said(manager, wanted, script)
    for line in ("of the host", "ro refused", "rw written", "tmpfs full", "proc refused"):
        assert line in text.splitlines()
    kinds = {line.split()[1]: line.split()[2] for line in text.splitlines() if line.count(" /work/")}
    assert (kinds["/work/tmp"], kinds["/work/rw/proc"]) == ("tmpfs", "proc")
    assert (tmp_path / "shared" / "new").exists()


def test_root_of_one_container_is_seen_by_another(manager: PodmanManager) -> None:
    with manager.created(spec()) as builder:
        root = manager.mount_root(builder)
        bind = VolumeMount(target="/work/root", source=root, read_only=False)
        said(manager, replace(spec(), mounts=(bind,)), "echo seen > /work/root/work/note")
        manager.start(builder)
        output = Output()
        manager.exec(builder, ["cat", "/work/note"], output)
    assert output.stdout == b"seen\n"


def test_masked_path_is_empty(manager: PodmanManager) -> None:
    assert said(manager, replace(spec(), masked_paths=("/proc/version",)), "cat /proc/version") == ""


def test_own_seccomp_profile_is_used(manager: PodmanManager, tmp_path: Path) -> None:
    profile = tmp_path / "seccomp.json"
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    script = "mkdir /work/x 2>&1 || echo refused"
    assert "refused" in said(manager, replace(spec(), seccomp_profile=str(profile)), script)
    assert "refused" not in said(manager, spec(), script)


def test_id_map_shifts_users(manager: PodmanManager) -> None:
    wanted = replace(spec(), id_map=ID_MAP)
    assert (
        said(manager, wanted, "cat /proc/self/uid_map /proc/self/gid_map").split()
        == ["0", str(ID_MAP.first), "65536"] * 2
    )


def test_hostname_workdir_and_hosts_of_the_root(manager: PodmanManager, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 of-the-root\n")
    wanted = replace(spec(), hostname="builder.example", workdir="/tmp", image_hosts=True)
    output = Output()
    with manager.created(wanted) as container:
        manager.copy_to(container, tmp_path / "hosts", "/etc")
        manager.start(container)
        manager.exec(container, shell("cat /proc/sys/kernel/hostname; echo $PWD; cat /etc/hosts"), output)
    assert output.stdout.decode().splitlines() == ["builder.example", "/tmp", "127.0.0.1 of-the-root"]


def test_files_have_the_owner_that_was_asked_for(manager: PodmanManager, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")
    output = Output()
    with manager.created(replace(spec(), user="1000:1000")) as container:
        manager.copy_to(container, tmp_path / "tree", "/work", owner=(1234, 77))
        manager.start(container)
        manager.exec(container, ["stat", "-c", "%u %g", "/work/tree", "/work/tree/file"], output)
    assert output.stdout.decode().splitlines() == ["1234 77", "1234 77"]


@pytest.mark.parametrize("id_map", [None, ID_MAP])
def test_files_of_a_spec_are_for_its_user_alone(manager: PodmanManager, id_map: IdMap | None) -> None:
    wanted = replace(
        spec(), user="1000:1000", home="/work/home", files={".ssh/key": b"s3cret\n"}, id_map=id_map
    )
    script = (
        "cd /work/home && stat -c '%n %a %u %g' . .ssh .ssh/key && cat .ssh/key && echo >.ssh/known_hosts"
    )
    output = Output()
    with running(manager, wanted) as container:
        assert manager.exec(container, shell(script), output) == 0, output.stderr
        told = manager.call(
            Request(purpose="", kind=Kind.START, method="GET", path=f"/containers/{container}/json")
        )
    assert output.stdout.decode().splitlines() == [
        ". 700 1000 1000",
        ".ssh 700 1000 1000",
        ".ssh/key 600 1000 1000",
        "s3cret",
    ]
    assert b"s3cret" not in told.content


def test_only_files_come_out_of_a_hostile_directory(manager: PodmanManager, tmp_path: Path) -> None:
    script = r"""
        mkdir -p /work/r/sub; cd /work/r; echo good > sub/file; ln sub/file hard
        ln -s /etc/passwd link; ln -s / root; ln -s ../../../../../etc up; mkfifo pipe
        echo dots > ..hidden; mkdir ../odd; echo odd > ../odd/$'line\nbreak'
    """
    for name in ("out", "odd"):
        (tmp_path / name).mkdir()
    with running(manager, spec()) as container:
        assert manager.exec(container, shell(script), Output()) == 0
        written = manager.copy_from(container, "/work/r", tmp_path / "out")
        with pytest.raises(ContentRefused, match=r"'line\\nbreak'"):
            manager.copy_from(container, "/work/odd", tmp_path / "odd")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert names == {"sub/file", "hard", "..hidden"}
    assert {path.read_text() for path in written} == {"good\n", "dots\n"}
    assert not list((tmp_path / "odd").iterdir())
    found = [
        path
        for path in (tmp_path / "out").rglob("*")
        if path.is_symlink() or not (path.is_file() or path.is_dir())
    ]
    assert found == []


def test_interrupt_between_creation_and_its_answer_leaves_nothing(
    manager: PodmanManager, mocker: MockerFixture
) -> None:
    create = manager._create

    def interrupted(*args: Any, **options: Any) -> str:
        create(*args, **options)
        raise KeyboardInterrupt

    mocker.patch.object(manager, "_create", interrupted)
    with pytest.raises(KeyboardInterrupt), manager.created(spec()):
        raise AssertionError
    with pytest.raises(KeyboardInterrupt):
        manager.run(spec(), Output())
    assert manager.find(WORKER) == ()
