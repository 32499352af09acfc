"""Checks of the engine: that it answers, what it works with, and that a container of it can do what a task needs.

One container is run for most of them (`scripts/look.sh`), and one for the user namespace. Both carry the name of this
process: should it be killed meanwhile, the daemon's next sweep removes them.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from koji_adjutant.cli.doctor.check import Check, Finding, failure, not_checked, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.config.values import AUTO
from koji_adjutant.container import labels
from koji_adjutant.container.interface import IdMap, ResourceLimits
from koji_adjutant.container.labels import Owner
from koji_adjutant.container.podman.releases import check_release
from koji_adjutant.container.programs import HeadSink, bash
from koji_adjutant.daemon.cleanup.bound_containers import process_label
from koji_adjutant.daemon.engine.trial import EngineTrial
from koji_adjutant.errors import EngineUnavailable, EngineUnsuitable, NoPodman
from koji_adjutant.guards.confinement import probe_spec, try_user_namespace, worker_map

SCRIPT = Path(__file__).with_name("scripts") / "look.sh"
MEMORY, PIDS, CPUS = 256 << 20, 1234, 0.5
TOLERANCE = 1 << 16
"""A kernel rounds a limit down to whole pages."""
LEAST_FILES = 1024
PATIENCE = 60.0
"""Seconds. An engine answers nobody while it writes a layer, and a busy one is no broken one."""


def _socket(on: Surroundings) -> Finding:
    socket = on.config.podman_socket
    start = "systemctl enable --now podman.socket (--user for a rootless engine), or set podman_socket"
    try:
        on.manager.ping()
    except NoPodman as error:
        return failure(error.message, error.hint)
    except EngineUnsuitable:
        # It is podman; the next check says why not this one.
        pass
    except EngineUnavailable as error:
        return failure(error.message, start)
    return ok(f"podman answers at {socket}")


def _version(on: Surroundings) -> Finding:
    version = on.engine.version
    try:
        check_release(on.manager.socket, version)
    except EngineUnsuitable as error:
        return failure(error.message, error.hint)
    return ok(f"podman {version}")


def _storage(on: Surroundings) -> Finding:
    engine = on.engine
    text = f"storage driver {engine.storage_driver} at {engine.storage}"
    if engine.storage_driver == "vfs":
        return failure(
            f"{text}: it copies a whole root for each container",
            'driver = "overlay" in storage.conf (fuse-overlayfs for a rootless engine), then podman system reset',
        )
    if engine.storage_driver != "overlay":
        return warning(
            f"{text}: buildroots are tried with overlay alone", 'driver = "overlay" in storage.conf'
        )
    return ok(text)


def _runtime(on: Surroundings) -> Finding:
    engine = on.engine
    kind = "rootless" if engine.is_rootless else "of root"
    text = (
        f"runtime {engine.runtime or 'unknown'}, engine {kind}, cgroups {engine.cgroup_version or 'unknown'}"
    )
    if engine.runtime not in {"crun", "runc"}:
        return warning(f"{text}: tried with crun and runc", "set runtime in containers.conf")
    if engine.network == "cni":
        return warning(f"{text}; networks by cni", "install netavark and aardvark-dns")
    return ok(text)


def _trial(on: Surroundings) -> Finding:
    if not on.manager.has_image(on.config.task_image_default):
        return not_checked("not checked: needs the task image")
    sink = HeadSink()
    EngineTrial(
        config=on.config,
        worker=on.worker,
        command=bash(SCRIPT.read_text(), SCRIPT.name),
        limits=ResourceLimits(memory_bytes=MEMORY, cpus=CPUS, pids=PIDS),
    )(on.manager, sink)
    lines = sink.data.decode(errors="replace").splitlines()
    on.report = dict(line.split("=", 1) for line in lines if "=" in line)
    return ok(f"a container of {on.config.task_image_default} has run, and is removed")


def _unknown(on: Surroundings) -> Finding | None:
    """What a check says that would read the report of the trial, where there is none."""
    return None if on.report else not_checked("not checked: needs the task image")


def _limits(on: Surroundings) -> Finding:
    if unknown := _unknown(on):
        return unknown
    seen = on.report
    loose = [
        name
        for name, holds in (
            ("memory", abs(_number(seen, "memory") - MEMORY) <= TOLERANCE),
            ("pids", _number(seen, "pids") == PIDS),
            ("cpus", seen["cpu"] != "" and not seen["cpu"].startswith(("max", "-1"))),
        )
        if not holds
    ]
    if not loose:
        return ok("limits of memory, cpus and pids hold in a container")
    text = f"limits of {', '.join(loose)} are not enforced in a container"
    hint = "cgroup v2, with its controllers delegated (systemd: Delegate=yes for a rootless engine)"
    wanted = [name for name in on.config.limits if name.rpartition(".")[2] in loose]
    if wanted:
        return failure(f"{text}, and the configuration sets {', '.join(wanted)}", hint)
    return warning(text, hint)


def _number(seen: Mapping[str, str], name: str) -> int:
    text = seen.get(name, "")
    return int(text) if text.isdecimal() else -1


def _files(on: Surroundings) -> Finding:
    if unknown := _unknown(on):
        return unknown
    text = on.report["nofile"]
    most = int(text) if text.isdecimal() else 0
    if text != "unlimited" and most < LEAST_FILES:
        return warning(
            f"a process in a container may open {text} files",
            "default_ulimits in containers.conf, or LimitNOFILE= of podman.service",
        )
    return ok(f"a process in a container may open {text} files")


def _user_namespaces(on: Surroundings) -> Finding:
    wanted, config = on.config.user_namespace, on.config
    if wanted == "no":
        return warning("user_namespace is no: root in a container is root of the engine", "set it to auto")
    if wanted == AUTO and config.build_mounts:
        return ok("builds have no user namespace, since build_mounts are set")
    image = on.manager.inspect_image(config.task_image_default)
    if image is None:
        return not_checked("not checked: needs the task image")
    id_map = wanted if isinstance(wanted, IdMap) else worker_map(on.worker)
    spec = probe_spec(Owner(worker=on.worker), image.id, id_map)
    bound = replace(spec, labels={**spec.labels, labels.PROCESS: process_label(os.getpid())})
    problem = try_user_namespace(on.manager, bound).problem
    if problem is None:
        return ok(f"builds have a user namespace, from host id {id_map.first}")
    hint = (
        "overlay with idmapped mounts (Linux 5.19, crun 1.4.5 or runc 1.2), and ids that the engine may map"
    )
    if wanted == AUTO:
        return warning(f"builds have none: {problem.what}", hint)
    return failure(problem.what, hint)


def _selinux(on: Surroundings) -> Finding:
    is_on = Path("/sys/fs/selinux/enforce").exists()
    if not is_on:
        return ok("SELinux is off on this host")
    if not on.engine.has_selinux:
        return failure(
            "SELinux is on, and podman does not label its containers",
            "install container-selinux, and label = true in containers.conf",
        )
    label = on.report.get("label", "")
    if on.report and "container_t" not in label:
        return warning(f"a container runs as {label or 'nothing that is known'}", "install container-selinux")
    return ok(f"SELinux labels containers: {label or 'not tried, for want of the task image'}")


def _seccomp(on: Surroundings) -> Finding:
    if not on.engine.has_seccomp:
        return failure(
            "the engine has no seccomp: nothing filters system calls of builds", "install libseccomp"
        )
    path = on.config.our_path(on.engine.seccomp_profile)
    if not os.access(path, os.R_OK):
        return warning(
            f"the engine's seccomp profile {path} cannot be read here: builds have it as it is",
            "install containers-common here, or name its place in host_mount_map",
        )
    return ok(f"builds have a profile made of {path}")


_ENGINE, _RAN = ("engine.version",), ("engine.trial",)
CHECKS = (
    Check(
        id="engine.socket", title="Engine's socket", look=_socket, needs=("config.file",), seconds=PATIENCE
    ),
    Check(
        id="engine.version",
        title="Engine's version",
        look=_version,
        needs=("engine.socket",),
        seconds=PATIENCE,
    ),
    Check(id="engine.storage", title="Engine's storage driver", look=_storage, needs=_ENGINE),
    Check(id="engine.runtime", title="Engine's runtime", look=_runtime, needs=_ENGINE),
    Check(id="engine.seccomp", title="Seccomp profile", look=_seccomp, needs=_ENGINE),
    Check(id="engine.trial", title="A container runs", look=_trial, needs=_ENGINE, seconds=PATIENCE),
    Check(id="engine.limits", title="Limits of containers", look=_limits, needs=_RAN),
    Check(id="engine.files", title="Open files in containers", look=_files, needs=_RAN),
    Check(id="engine.selinux", title="SELinux", look=_selinux, needs=_RAN),
    Check(
        id="engine.user-namespaces",
        title="User namespaces",
        look=_user_namespaces,
        needs=_RAN,
        seconds=PATIENCE,
    ),
)
