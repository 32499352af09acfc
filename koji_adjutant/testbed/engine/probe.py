"""What an engine on this host has to be told, found by running a container with each choice.

The first choice that runs a container under the limits that builds get is taken: no guess from names or versions.
"""

import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import ConfigError, Problem
from koji_adjutant.testbed.engine import rootfs, rootless
from koji_adjutant.testbed.engine.processes import Process, engine_tools, mounts_below, rooted_below

PACKAGES = "podman runc crun conmon netavark iptables iproute2"
PROGRAMS = ("podman", "conmon", "iptables", "ip")
ROOTLESS_PACKAGES = "podman runc crun conmon uidmap"
ROOTLESS_PROGRAMS = ("podman", "conmon", "newuidmap", "newgidmap")
DRIVERS = ("overlay", "vfs")
RUNTIMES = ("crun", "runc")
PATIENCE = 10.0
STEP = 0.02
PROBE_IMAGE = "localhost/probe:1"
EXIT_COMMAND_DELAY = 2
LONGEST_RUN_DIRECTORY = 50
SHORTEST = Path("/tmp")  # noqa: S108 (a directory there that is somebody else's is refused)
ROOMY = Path("/var/tmp")  # noqa: S108 (the same; large files may go there, and every user may go through)
MOST_FILES = 1048576
LOW_LIMITS = {"nofile": (1024, 1024), "nproc": (1024, 1024)}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How an engine can be run here."""

    driver: str
    runtime: str
    nofile: tuple[int, int]
    nproc: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class EngineLayout:
    """The files of one engine: all below `home`, but for what podman wants to have a short path."""

    home: Path

    @property
    def brief(self) -> Path:
        """`home`, or where that is too long a directory of our own with a short name.

        podman 4.3 learns of the end of a container 20 s late when the path of its run directory is longer than
        50 characters, and a socket cannot have more than 107.
        """
        if len(str(self.home / self._run)) <= LONGEST_RUN_DIRECTORY:
            return self.home
        # Not by TMPDIR: who stops an engine may have another than who started it.
        return SHORTEST / self._name

    @property
    def temporary(self) -> Path:
        """Where the engine keeps what it needs for a moment.

        podman 5 mounts the root of a container that has a user namespace there, since the container's users have to
        reach it: where a directory above is closed to them, as `home` is, runc and crun say "permission denied".
        """
        return ROOMY / self._name

    @property
    def _name(self) -> str:
        return f"adjutant-engine-{hashlib.sha256(str(self.home).encode()).hexdigest()[:12]}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes podman use this engine, beside the caller's PATH."""
        return {
            "CONTAINERS_CONF": str(self.home / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "TMPDIR": str(self.temporary),
            "HOME": str(self.home),
            "PATH": os.environ.get("PATH", os.defpath),
            **({rootless.RUNTIME_DIRECTORY: str(self.runtime_directory)} if rootless.is_rootless() else {}),
        }

    @property
    def runtime_directory(self) -> Path:
        """What a rootless engine takes for its user's."""
        return (self.brief / self._run).parent

    @property
    def keeper(self) -> Path:
        """File with the pid of what keeps the namespaces of a rootless engine."""
        return self.home / "tmp" / rootless.KEEPER

    @property
    def run(self) -> Path:
        """The run directory (runroot)."""
        return self.brief / self._run

    @property
    def _run(self) -> Path:
        # Where a rootless podman has it below XDG_RUNTIME_DIR, whatever it is told.
        return Path("run/containers" if rootless.is_rootless() else "run")

    @property
    def storage(self) -> Path:
        """The directory of images and containers (graphroot)."""
        return self.home / "storage"

    def write(self, choice: Choice, *, network: str = "", subnet: str = "") -> None:
        """Both configuration files, and the directories they name."""
        for name in ("storage", "tmp", "networks", "copy"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        _own(self.brief, 0o700)
        _own(self.temporary, 0o711)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / "containers.conf").write_text(self._containers(choice, network, subnet))
        (self.home / "storage.conf").write_text(
            f"[storage]\ndriver = {_toml(choice.driver)}\n"
            f"graphroot = {_toml(self.storage)}\nrunroot = {_toml(self.run)}\n"
            f"rootless_storage_path = {_toml(self.storage)}\n"
        )

    def remove_storage(self) -> None:
        """Remove all images. No process of the engine is there before and after."""
        if rootless.is_rootless() and self.storage.exists():
            _own(self.brief, 0o700)
            self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
            rootless.remove_tree(self.storage, self.environment)
            rootless.end_namespaces(self.keeper, PATIENCE)
        else:
            shutil.rmtree(self.storage, ignore_errors=True)

    def forget(self) -> None:
        """Remove what is of no use once the engine has stopped."""
        for directory in (*(self.home / name for name in ("tmp", "networks", "copy")), self.brief / "run"):
            shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        if self.brief != self.home:
            shutil.rmtree(self.brief, ignore_errors=True)

    def _containers(self, choice: Choice, network: str, subnet: str) -> str:
        ulimits = [f"{kind}={soft}:{hard}" for kind, (soft, hard) in _limits(choice).items()]
        sections: dict[str, dict[str, object]] = {
            "containers": {"default_ulimits": ulimits, "http_proxy": False},
            "engine": {
                "runtime": choice.runtime,
                "cgroup_manager": "cgroupfs",
                "events_logger": "file",
                "tmp_dir": self.home / "tmp",
                "image_copy_tmp_dir": self.home / "copy",
                "lock_type": "file",
                "exit_command_delay": EXIT_COMMAND_DELAY,
            },
            "network": {"network_backend": "netavark", "network_config_dir": self.home / "networks"},
        }
        if network:
            sections["network"].update(default_network=network, default_subnet=subnet)
        return "".join(
            f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in section.items())
            for name, section in sections.items()
        )


def _own(directory: Path, mode: int) -> None:
    """Make the directory, which may be among those of other users, unless it is there and ours."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        directory.chmod(mode)
    if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
        raise ConfigError(f"{directory} belongs to somebody else", hint="remove it, or use another directory")


def _limits(choice: Choice) -> Mapping[str, tuple[int, int]]:
    return {"nofile": choice.nofile, "nproc": choice.nproc}


def _toml(value: object) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value)


def probe(directory: Path) -> Choice:
    """The first choice with which a container runs; ConfigError with every reason when there is none."""
    is_rootless = rootless.is_rootless()
    programs, packages = (ROOTLESS_PROGRAMS, ROOTLESS_PACKAGES) if is_rootless else (PROGRAMS, PACKAGES)
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise ConfigError(f"not on this host: {', '.join(missing)}", hint=f"install {packages}")
    reasons = []
    image = rootfs.archive(["true"])
    for choice in choices():
        reason = _refusal(directory, choice, image)
        if not reason:
            return choice
        reasons.append(f"{choice.driver} with {choice.runtime}: {reason}")
    advice = "give the user 65,536 ids in /etc/subuid and /etc/subgid" if is_rootless else "run as root"
    raise ConfigError(
        f"no container runs on this host: {'; '.join(reasons)}", hint=f"install {packages}, and {advice}"
    )


def choices() -> Iterator[Choice]:
    """All that is worth trying, best first."""
    for driver in DRIVERS:
        for runtime in RUNTIMES:
            for limits in (current_limits(), LOW_LIMITS):
                if shutil.which(runtime):
                    yield Choice(driver=driver, runtime=runtime, **limits)


def current_limits() -> dict[str, tuple[int, int]]:
    """The limits that this process has: without CAP_SYS_RESOURCE nothing that it starts can have more.

    podman itself goes down to a number of processes that can exist at all, and of files that it thinks enough.
    """
    return {
        "nofile": _capped(resource.RLIMIT_NOFILE, MOST_FILES),
        "nproc": _capped(resource.RLIMIT_NPROC, int(Path("/proc/sys/kernel/pid_max").read_text())),
    }


def _capped(limit: int, most: int) -> tuple[int, int]:
    soft, hard = (most if value == resource.RLIM_INFINITY else value for value in resource.getrlimit(limit))
    return min(soft, most), min(hard, most)


def _refusal(directory: Path, choice: Choice, image: bytes) -> Problem | None:
    """Why a container does not run with this choice; None when it does."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=directory) as home:
        layout = EngineLayout(home=Path(home))
        layout.write(choice)
        (layout.home / "image.tar").write_bytes(image)
        limits = ("--network=none", "--memory=256m", "--pids-limit=64", "--cap-drop=all")
        try:
            return _said(layout, "import", "--quiet", str(layout.home / "image.tar"), PROBE_IMAGE) or _said(
                layout, "run", "--rm", *limits, "--security-opt=no-new-privileges", PROBE_IMAGE, "/bin/true"
            )
        finally:
            clear(layout)
            layout.remove_storage()
            layout.forget()


def _said(layout: EngineLayout, *arguments: str) -> Problem | None:
    done = subprocess.run(
        ["podman", *arguments], env=layout.environment, capture_output=True, text=True, check=False
    )
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return Problem(lines[-1]) if done.returncode else None


def clear(layout: EngineLayout, *, service: Process | None = None) -> None:
    """Wait for the helpers of an engine without containers, end those that stay, and unmount what is below it."""
    deadline = time.monotonic() + EXIT_COMMAND_DELAY + 1
    while helpers(layout.home, service) and time.monotonic() < deadline:
        time.sleep(STEP)
    for helper in helpers(layout.home, service):
        helper.end(PATIENCE)
    rootless.end_namespaces(layout.keeper, PATIENCE)
    for point in (*mounts_below(layout.home), *mounts_below(layout.brief)):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def helpers(home: Path, *service: Process | None) -> list[Process]:
    """Processes of an engine beside its service: monitors, clean-up commands, and what runs in containers.

    podman copies files in a thread that enters the container's mount namespace and ends there. The first thread of a
    process cannot end: where it was that one, the service's own process is seen in a container that is gone.
    """
    found = set(engine_tools(f"{home}/")) | set(rooted_below(home))
    return sorted((each for each in found if each not in service), key=lambda each: each.pid)
