"""The status server of a daemon that no service manager runs, and what its user can read of the state directory."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.public import HostFacts, MonitoringFacts, TaskFacts, public_directory, read_facts
from koji_adjutant.testbed.hub_process import LOOPBACK, free_port
from tests.integration.daemon.kojid_process import Kojid
from tests.waiting import eventually

pytestmark = pytest.mark.podman

READABLE = "import os, sys; print(*(name for name in sys.argv[1:] if os.access(name, os.R_OK)), sep='\\n')"


@pytest.fixture
def options() -> Mapping[str, str]:
    return {
        "adjutant_monitoring_enabled": "yes",
        "adjutant_monitoring_bind": f"{LOOPBACK}:{free_port(LOOPBACK)}",
    }


def status(options: Mapping[str, str]) -> dict[str, Any]:
    url = f"http://{options['adjutant_monitoring_bind']}/api/v1/status"
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return dict(json.load(answer))
    return {}


def children(pid: int) -> list[int]:
    """Those that are status servers."""
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in words if b"koji_adjutant.monitoring" in cmdline(int(word))]


def cmdline(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def server_of(daemon: "subprocess.Popen[bytes]", but: int = 0) -> int:
    """The one server of the daemon, another than `but`."""

    def one() -> int:
        found = children(daemon.pid)
        return found[0] if len(found) == 1 and found[0] != but else 0

    return eventually(one, "there is a status server")


def status_fields(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}


def as_server(pid: int, directory: Path) -> list[str]:
    """What a process with the identity of server `pid` can read below `directory`, in which it is started."""
    fields = status_fields(pid)
    argv = ["setpriv", f"--reuid={fields['Uid'][0]}", f"--regid={fields['Gid'][0]}", "--clear-groups"]
    argv += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "/usr/bin/python3", "-c", READABLE]
    argv += [str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=True)
    return sorted(done.stdout.splitlines())


def test_a_server_that_dies_harms_nobody(kojid: Kojid, options: Mapping[str, str], tmp_path: Path) -> None:
    release = tmp_path / "release"
    task = kojid.hub.admin.makeTask("until", [str(release)])
    with kojid.running(**options) as daemon:
        eventually(lambda: status(options).get("ready"), "the status server says that the host is ready")
        kojid.pid_of(task)
        server = server_of(daemon)
        fields = status_fields(server)
        if os.geteuid() == 0:
            assert "0" not in fields["Uid"]
            assert fields["Groups"] == []
        assert fields["CapEff"] == fields["CapPrm"] == ["0" * 16]
        assert fields["NoNewPrivs"] == ["1"]
        assert os.getpriority(os.PRIO_PROCESS, server) == 19
        assert b"PASSWORD" not in Path(f"/proc/{server}/environ").read_bytes().upper()
        held = {str(path.readlink()) for path in Path(f"/proc/{server}/fd").iterdir() if int(path.name) > 2}
        ours = {
            Path(name).relative_to(kojid.directory) for name in held if name.startswith(str(kojid.directory))
        }
        assert {path.parts[:2] for path in ours} <= {("state", "status"), ("state", "journal")}

        os.kill(server, signal.SIGKILL)
        second = server_of(daemon, but=server)
        eventually(lambda: status(options), "another server answers")
        assert kojid.task_state(task) == "OPEN"

        # A reload: the same process, another server, and the task goes on.
        before = kojid.log.read_text().count("Starting up")
        daemon.send_signal(signal.SIGUSR1)
        eventually(lambda: kojid.log.read_text().count("Starting up") > before, "started anew")
        third = server_of(daemon, but=second)
        eventually(lambda: status(options).get("ready"), "the server of the new one answers")
        assert start_time(second) is None
        release.touch()
        kojid.wait_for(task, "CLOSED")
    assert daemon.returncode == 0
    assert start_time(third) is None
    assert not status(options)


def test_it_goes_with_a_daemon_that_is_killed(kojid: Kojid, options: Mapping[str, str]) -> None:
    with kojid.running(**options) as daemon:
        server = server_of(daemon)
        eventually(lambda: status(options), "the server answers")
        daemon.kill()
        eventually(lambda: start_time(server) is None, "the server is gone")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users read")
def test_what_its_user_can_read(kojid: Kojid, options: Mapping[str, str], tmp_path: Path) -> None:
    """Also in a state directory of an earlier version, whose files nothing but its own mode had hidden."""
    kojid.state.mkdir(mode=0o700)
    for name in ("plugins", "journal", "journal.1", "machines"):
        (kojid.state / name).write_text("")
        (kojid.state / name).chmod(0o644)
    (kojid.state / "cache" / "packages").mkdir(parents=True)
    (kojid.state / "cache" / "packages" / "a.rpm").write_text("a package")
    (kojid.state / "session").write_text("{}")
    release, nobody = tmp_path / "release", TaskFacts(task=0, method="")
    task = kojid.hub.admin.makeTask("until", [str(release)])
    with kojid.running(**options) as daemon:
        public = public_directory(kojid.state)
        eventually(lambda: kojid.pid_of(task) and status(options).get("ready"), "all is there")
        eventually((public / "containers.json").exists, "the first sweep has looked")
        file = public / "tasks" / f"{task}.json"
        eventually(lambda: (read_facts(TaskFacts, file) or nobody).owner, "the owner is known")
        facts = read_facts(TaskFacts, file) or nobody
        assert (facts.method, facts.owner) == ("until", "admin")
        assert facts.created is not None
        readable = as_server(server_of(daemon), kojid.state)
        shown = [name for name in readable if not name.startswith("status/")]
        assert set(shown) == {
            "journal",
            "journal.1",
            "public/containers.json",
            "public/host.json",
            "public/monitoring.json",
            f"public/tasks/{task}.json",
        }
        assert kojid.state.stat().st_mode & 0o777 == 0o710
        assert public.stat().st_mode & 0o777 == 0o750
        host = read_facts(HostFacts, public / "host.json")
        assert host is not None
        assert (host.writer.pid, host.channels, host.ready) == (daemon.pid, ("createrepo", "default"), True)
        assert {disk.area for disk in host.disks} >= {"workdir", "storage", "state", "cache"}
        assert host.engine_version
        seen = read_facts(MonitoringFacts, public / "monitoring.json")
        assert seen is not None
        assert seen.bind == options["adjutant_monitoring_bind"]
        release.touch()
        kojid.wait_for(task, "CLOSED")


def test_a_hub_that_is_away_is_shown(kojid: Kojid, options: Mapping[str, str]) -> None:
    with kojid.running(**options):
        eventually(lambda: status(options).get("ready"), "the host is ready")
        kojid.hub.hub.control.go_offline()
        eventually(lambda: status(options).get("obstacle") == "hub", "it is shown that the hub is away")
        kojid.hub.hub.control.go_online()
        eventually(lambda: status(options).get("ready"), "and that it is back")
