"""The task image out of the mini distribution: a base image from nothing, and Containerfile.task on top of it.

Both are made through the socket of an engine, and only when the engine has no image of that reference with the
label of this content. A base's root lives in a temporary directory while it is made; images stay until
somebody removes them.
"""

import contextlib
import functools
import hashlib
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from koji_adjutant.testbed.distribution.closure import closure, read_candidates
from koji_adjutant.testbed.distribution.distribution import Distribution, Progress
from koji_adjutant.testbed.distribution.programs import EPOCH, ProgramFailed, run
from koji_adjutant.testbed.distribution.recipe import read_groups

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

    def has(self, reference: str, content: str) -> bool:
        """Whether the image is there and is of this content."""
        template = f'{{{{index .Config.Labels "{CONTENT_LABEL}"}}}}'
        try:
            return self("image", "inspect", "--format", template, reference).strip() == content
        except ProgramFailed:
            return False


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
        populate(root, distribution)
        pinned = ["--sort=name", "--numeric-owner", "--clamp-mtime", f"--mtime=@{EPOCH}"]
        run(["tar", "--create", "--file", archive, *pinned, "--directory", root, "."])
        podman("import", "--change", f"LABEL {CONTENT_LABEL}={distribution.digest}", archive, reference)
    progress(f"image {reference} made")


def populate(root: Path, distribution: Distribution, group: str = "base") -> int:
    """Install a group into the empty directory `root` with this machine's rpm; the number of packages."""
    packages = closure(read_candidates(distribution.repo), read_groups()[group])
    files = [distribution.repo / package.location for package in packages]
    options = ["--root", root, "--define", "_dbpath /usr/lib/sysimage/rpm", "--nosignature", "--quiet"]
    run(["rpm", *options, "-U", *files], env={"HOME": "/nonexistent"})
    return len(files)


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
    content = hashlib.sha256(distribution.digest.encode() + containerfile.read_bytes()).hexdigest()
    if podman.has(reference, content):
        progress(f"image {reference} is up to date")
        return
    make_base_image(distribution, podman, progress, base)
    with tempfile.TemporaryDirectory(prefix="task-image-") as context, served(distribution.repo) as url:
        podman(
            *("build", "--file", containerfile, "--tag", reference, "--label", f"{CONTENT_LABEL}={content}"),
            *("--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"PACKAGE_SOURCE={url}"),
            *("--layers=false", "--force-rm", "--pull-never", "--network", "host", context),
        )
    progress(f"image {reference} made")


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
