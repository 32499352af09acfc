"""A build host for the commands of the documents: a mount namespace of this machine, with a testbed's hub and engine.

It has the machine's programs and directories of its own; systemd is none of them, and what does `systemctl`'s work is
Debian's package of that name, unpacked. What was started there is ended with the context.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import ADMINISTRATOR, admin_password
from koji_adjutant.testbed.distribution.task_image import TASK_REFERENCE
from tests.integration.running import Testbed
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[3]
MACHINE = Path(__file__).with_name("scripts") / "machine.sh"
COMMAND_SECONDS = 300
NO_FOLDER = "_system_folder9 = None"
FOLDER = '_system_folder9 = "/usr/local/lib/systemd/system"'
"""Where systemd looks as well."""
NO_EXEC, EXEC = '"idle" ]', '"idle", "exec" ]'
"""Type=exec is younger than it."""
IN_TREE = 'cd /usr/local/src/tree && eval "$1"'
OWN_PLACES = re.compile(
    r"^(podman_socket|state_dir|task_image_default|image_pull_policy|log_file|workdir) = .*\n", re.MULTILINE
)
"""Where a build host has its own, by default."""
PODMAN = """\
#!/bin/bash
# podman of this host is the testbed's, and its registry the testbed's packages.
set -eu
export {environment}
if [ "$1" = build ]; then
    shift
    set -- build --build-arg BASE_IMAGE={base} --build-arg PACKAGE_SOURCE={packages} \\
        --layers=false --force-rm --pull-never --network host --http-proxy=false "$@"
fi
exec /usr/bin/podman --url unix://{socket} "$@"
"""
SYSTEMCTL = """\
#!/bin/bash
# It knows --now of enable alone.
set -eu
if [ "${1-} ${2-}" = "disable --now" ]; then
    shift 2
    /usr/bin/systemctl stop "$@"
    set -- disable "$@"
fi
exec /usr/bin/systemctl "$@"
"""
KOJI = """\
#!/bin/bash
exec {python} -m koji_adjutant.testbed koji --dir={directory} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended."""

    command: str
    status: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The host. `environment` is that of an administrator's shell."""

    pid: int
    directory: Path
    environment: Mapping[str, str]

    def run(self, command: str) -> Done:
        """Run a line of shell as root, in the checkout of the project."""
        done = subprocess.run(
            ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", "bash", "-c", IN_TREE, "in-tree", command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=COMMAND_SECONDS,
        )
        return Done(command=command, status=done.returncode, output=done.stdout)

    def processes(self) -> list[int]:
        """What runs on the host, and not in a container of it."""
        own = Path(f"/proc/{self.pid}/ns/mnt").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "ns/mnt").readlink() == own and int(process.name) != self.pid:
                    found.append(int(process.name))
        return found


def unpacked_systemctl(directory: Path) -> Path:
    """Debian's replacement of systemctl, for machines without systemd. Its package would take the place of systemd."""
    download = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "systemctl"]
    subprocess.run(download, cwd=directory, check=True, stdout=subprocess.DEVNULL)
    (package,) = directory.glob("systemctl_*.deb")
    subprocess.run(["dpkg-deb", "--extract", str(package), str(directory / "systemctl")], check=True)
    program = directory / "systemctl/usr/bin/systemctl"
    text = program.read_text()
    assert NO_FOLDER in text
    assert NO_EXEC in text
    program.write_text(text.replace(NO_FOLDER, FOLDER).replace(NO_EXEC, EXEC))
    return program


@contextmanager
def build_host(testbed: Testbed, directory: Path) -> Iterator[Machine]:
    """The host of a testbed, as it was before anybody installed something; the testbed's own daemon is stopped."""
    services.stop(testbed.layout.record(builder.DAEMON), grace=60)
    _write_files(testbed, directory)
    tree = directory / "tree"
    files = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    tree.mkdir()
    for name in files.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    process = subprocess.Popen(
        [str(MACHINE), str(directory), str(unpacked_systemctl(directory)), testbed.engine.socket, str(tree)]
    )
    machine = Machine(
        pid=process.pid,
        directory=directory,
        environment={
            **{
                name: os.environ[name]
                for name in os.environ
                if name.startswith(("PIP_", "SSL_", "HTTP", "REQUESTS"))
            },
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/local/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PIP_CONSTRAINT": "/usr/local/src/tree/constraints.txt",
        },
    )
    try:
        eventually((directory / "ready").exists, "the host is there")
        made = machine.run("/usr/bin/python3 -m venv --system-site-packages /usr/local/venv")
        assert made.status == 0, made.output
        yield machine
    finally:
        _end(machine, process)


def _end(machine: Machine, process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in machine.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        with suppress(AssertionError):
            eventually(lambda: not machine.processes(), "nothing runs there", seconds=30)
    process.kill()
    process.wait()


def _write_files(testbed: Testbed, directory: Path) -> None:
    """What a host has that ran kojid: its configuration, a client, podman."""
    kojid = directory / "etc/kojid"
    kojid.mkdir(parents=True)
    conf = OWN_PLACES.sub("", testbed.layout.kojid_conf.read_text())
    # Its last section is ours.
    places = f"host_mount_map = /var/lib:{directory}/lib /var/tmp:{directory}/tmp\n"
    (kojid / "kojid.conf").write_text(conf + places)
    (kojid / "kojid.conf").chmod(0o600)
    programs = directory / "bin"
    programs.mkdir()
    environment = " ".join(f"{name}={value}" for name, value in testbed.description.engine.items())
    _program(
        programs / "podman",
        PODMAN.format(
            environment=environment or "LANG=C.UTF-8",
            base=TASK_REFERENCE,
            packages=testbed.description.external_repo,
            socket=testbed.engine.socket,
        ),
    )
    _program(programs / "systemctl", SYSTEMCTL)
    _program(programs / "koji", KOJI.format(python=sys.executable, directory=testbed.layout.directory))
    assert admin_password(testbed.layout), ADMINISTRATOR


def _program(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)
