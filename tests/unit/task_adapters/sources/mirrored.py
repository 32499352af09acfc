"""Mirrors of a repository that a real server has, made and borrowed from as by tasks and the daemon."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from koji_adjutant.container.interface import ContainerSpec, LogSink
from koji_adjutant.task_adapters.sources.checkout import SCRIPT as CHECKOUT
from koji_adjutant.task_adapters.sources.mirror import Mirrors
from koji_adjutant.task_adapters.sources.mirror_care import MirrorCare

LARGE = os.urandom(200_000)
"""A file that tells who sends it again."""


@dataclass
class Engine:
    """Runs the script of a container on this host, with its mounts in their places."""

    images: frozenset[str] = frozenset({"image"})
    specs: list[ContainerSpec] = field(default_factory=list)
    code: int | None = None

    def has_image(self, reference: str) -> bool:
        return reference in self.images

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        self.specs.append(spec)
        if self.code is not None:
            sink.write("stderr", b"fatal: no\n")
            return self.code
        places = {mount.target: mount.source for mount in spec.mounts}
        argv = [places.get(word, word) for word in spec.command]
        done = subprocess.run(
            argv, env={**spec.environment, "PATH": os.environ["PATH"]}, capture_output=True, check=False
        )
        sink.write("stderr", done.stderr)
        return done.returncode


@dataclass(frozen=True)
class CheckedOut:
    said: str
    log: str
    tree: Path

    def has(self, name: str) -> bool:
        """Whether an object is in the clone."""
        done = subprocess.run(
            ["git", "-C", self.tree, "cat-file", "-e", name], capture_output=True, check=False
        )
        return done.returncode == 0


def check_out(directory: Path, url: str, mirror: Path | None, revision: str = "main") -> CheckedOut:
    """As the container does, but that the tree stays where it is."""
    shutil.rmtree(directory, ignore_errors=True)
    top = directory / "scmroot"
    borrowed = {"SCM_MIRROR": str(mirror)} if mirror else {}
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory / "home"), "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["bash", CHECKOUT, top, "git", url, "hello", "", revision, revision],
        env={**environment, **borrowed},
        capture_output=True,
        check=False,
    )
    said = done.stdout.partition(b"\n")[0].decode()
    return CheckedOut(said=said, log=done.stderr.decode(), tree=top / "hello")


def mirrored(mirrors: Mirrors, url: str, directory: Path) -> Path:
    """The mirror of a repository that was checked out once."""
    first = check_out(directory, url, None)
    assert mirrors.leave(url, first.tree, "image")
    take_over(mirrors)
    with mirrors.borrowed(url) as mirror:
        assert mirror is not None
        return mirror


def take_over(mirrors: Mirrors, engine: Engine | None = None) -> None:
    """As the daemon does when it has the time."""
    MirrorCare(config=mirrors.config).take_over(engine or Engine(), "worker")  # type: ignore[arg-type]
