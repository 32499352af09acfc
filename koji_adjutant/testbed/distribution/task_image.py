"""The task image out of the mini distribution: a base image from nothing, and Containerfile.task on top of it.

Both are made through the socket of an engine, and only when the engine has no image of that reference with the
label of this content. A base's root lives in a temporary directory while it is made; the task image is kept
as an archive beside the distribution, for the next engine; images stay until somebody removes them.
"""

import contextlib
import functools
import hashlib
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution.content import Progress
from koji_adjutant.testbed.distribution.distribution import Distribution, only_run
from koji_adjutant.testbed.distribution.programs import EPOCH, ProgramFailed, run
from koji_adjutant.testbed.distribution.recipe import read_groups, toolbox_of
from koji_adjutant.testbed.distribution.roots import files_for, install_command
from koji_adjutant.testbed.engine import rootless

BASE_REFERENCE = "localhost/minidistro:1"
TASK_REFERENCE = "localhost/koji-adjutant-task:minidistro"
CONTAINERFILE = Path(__file__).parents[3] / "Containerfile.task"
CONTENT_LABEL = "io.koji.adjutant.testbed.content"


@dataclass(frozen=True, kw_only=True)
class Podman:
    """podman's command line for the engine at `socket`; `environment` has what is its own, CONTAINERS_CONF say."""

    socket: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str | Path) -> str:
        return run(["podman", "--url", f"unix://{self.socket}", *arguments], env=self.environment)

    def as_root(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Run a program with the ids of the engine's containers, as their root."""
        words = [f"{name}={value}" for name, value in (env or {}).items()]
        run(rootless.inside(["env", *words, *argv]), env=self.environment)

    def has(self, reference: str, content: str) -> bool:
        """Whether the image is there and is of this content."""
        return self._inspect(reference, f'{{{{index .Config.Labels "{CONTENT_LABEL}"}}}}') == content

    @contextlib.contextmanager
    def replaced(self, reference: str) -> Iterator[None]:
        """An image that loses its name in this context is removed, unless a container still needs it."""
        before = self._inspect(reference, "{{.Id}}")
        yield
        if before and before != self._inspect(reference, "{{.Id}}"):
            with contextlib.suppress(ProgramFailed):
                self("rmi", before)

    def _inspect(self, reference: str, template: str) -> str:
        """Empty when there is no such image."""
        try:
            return self("image", "inspect", "--format", template, reference).strip()
        except ProgramFailed:
            return ""


def make_base_image(
    distribution: Distribution, podman: Podman, progress: Progress, reference: str = BASE_REFERENCE
) -> None:
    """An image of comps group `base` and nothing else."""
    if podman.has(reference, distribution.digest):
        progress(f"image {reference} is up to date")
        return
    with tempfile.TemporaryDirectory(prefix="minidistro-") as scratch:
        root, archive = Path(scratch) / "root", Path(scratch) / "root.tar"
        root.mkdir(mode=0o755)
        files = files_for(distribution, read_groups()["base"])
        try:
            podman.as_root(install_command(distribution.tools, root, files), env={"HOME": "/nonexistent"})
            pinned = ["--sort=name", "--numeric-owner", "--clamp-mtime", f"--mtime=@{EPOCH}"]
            podman.as_root(
                ["tar", "--create", "--file", str(archive), *pinned, "--directory", str(root), "."]
            )
        finally:
            rootless.remove_tree(root, podman.environment)
        podman("import", "--change", f"LABEL {CONTENT_LABEL}={distribution.digest}", archive, reference)
    progress(f"image {reference} made")


def make_task_image(
    distribution: Distribution,
    podman: Podman,
    progress: Progress,
    reference: str = TASK_REFERENCE,
    *,
    base: str = BASE_REFERENCE,
    containerfile: Path = CONTAINERFILE,
) -> None:
    """The image of `containerfile`, with `base` as its base and the distribution as its package source."""
    if not containerfile.is_file():
        raise ConfigError(
            f"the task image's recipe {containerfile} is missing",
            hint="the testbed needs a checkout of the source",
        )
    content = content_of_image(distribution, containerfile, reference)
    if podman.has(reference, content):
        progress(f"image {reference} is up to date")
        return
    archive = distribution.directory / "images" / f"{content}.tar"
    with only_run(distribution.directory, progress), podman.replaced(base), podman.replaced(reference):
        if archive.exists():
            podman("load", "--input", archive)
        else:
            make_base_image(distribution, podman, progress, base)
            options = ("--tag", reference, "--label", f"{CONTENT_LABEL}={content}")
            with (
                tempfile.TemporaryDirectory(prefix="task-image-") as context,
                served(distribution.repo) as url,
            ):
                arguments = {"BASE_IMAGE": base, "PACKAGE_SOURCE": url}
                if more := toolbox_of(distribution.release):
                    arguments["MORE_PACKAGES"] = " ".join(more)
                build(podman, containerfile, Path(context), options, arguments)
            _keep(podman, reference, archive)
    progress(f"image {reference} made")


def content_of_image(distribution: Distribution, containerfile: Path, reference: str) -> str:
    identity = hashlib.sha256(f"{distribution.digest} {reference}\n".encode())
    identity.update(containerfile.read_bytes())
    return identity.hexdigest()


def build(
    podman: Podman, containerfile: Path, context: Path, options: Iterable[str], arguments: Mapping[str, str]
) -> None:
    """The image of a recipe; `arguments` are its own, and may be URLs on loopback."""
    podman(
        "build",
        *("--file", str(containerfile), *options),
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        # What is on loopback is not asked for through a proxy.
        *("--layers=false", "--force-rm", "--pull-never", "--network", "host", "--http-proxy=false"),
        context,
    )


def _keep(podman: Podman, reference: str, archive: Path) -> None:
    """Save the image for the next engine, which loads it faster than it would build it. Older archives go."""
    archive.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=archive.parent) as incoming:
        podman("save", "--format", "docker-archive", "--output", Path(incoming) / archive.name, reference)
        for old in archive.parent.glob("*.tar"):
            old.unlink()
        (Path(incoming) / archive.name).rename(archive)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Requests for packages are nobody's news."""


@contextlib.contextmanager
def served(directory: Path) -> Iterator[str]:
    """The URL of `directory` on loopback, for a build in the host's network.

    A volume would do without a server, but podman 4.3 ignores volumes of a build that comes over its socket.
    """
    handler = functools.partial(_QuietHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
