"""Makes images in the engine in memory: its installer and census work on the roots of its containers.

A package is a file below /rpmdb of a root. What the installer puts there, and what a census says, can be changed.
"""

import hashlib
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from koji_adjutant.buildroot.images import census
from koji_adjutant.buildroot.images.keys import EMPTY_IMAGE, packages_digest
from koji_adjutant.buildroot.images.layered.writer import LayeredWriter
from koji_adjutant.buildroot.images.maker import ImageMaker
from koji_adjutant.buildroot.images.requests import ImageRequest, requests_directory
from koji_adjutant.buildroot.images.writer import ImageWriter
from koji_adjutant.buildroot.install.installer import SCRIPT
from koji_adjutant.buildroot.install.solutions import Solution, SolvedPackage
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ImageInfo
from koji_adjutant.journal.phases import Journal, NullJournal
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = b"package"
INSTALL = ("/bin/bash", "-c", SCRIPT.read_text())
CENSUS = ("/bin/bash", "-c", census.SCRIPT.read_text())
BASE, MORE = "bash-5-1.x86_64", "zlib-1-1.x86_64"
BASE_KEY, MORE_KEY = "b" * 64, "m" * 64
SETTINGS = BuildrootSettings(
    tag_id=1,
    tag_name="dist-build",
    repo_id=7,
    event_id=2,
    arch="x86_64",
    target_arch="x86_64",
    group="build",
    baseurls=("http://h/7",),
    macros={},
    environment={},
)
TASK_IMAGE = ImageInfo(id="t" * 64, digest="sha256:1")
INSTALLED = InstalledPackage(
    name="bash",
    version="5",
    release="1",
    epoch=None,
    arch="x86_64",
    size=1,
    buildtime=2,
    payloadhash="0" * 32,
)


class RootManager(FakeContainerManager):
    """Does what the scripts of installer and census would."""

    def __init__(self) -> None:
        super().__init__()
        self.add_image("localhost/task")
        self.import_empty_image(EMPTY_IMAGE)
        self.install: Callable[[dict[str, bytes], tuple[str, ...]], int] = self.put
        self.says = b"installed\n"
        self.see: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda files: files

    @staticmethod
    def put(files: dict[str, bytes], nevras: tuple[str, ...]) -> int:
        """What the installer does."""
        for nevra in nevras:
            files[f"/rpmdb/{nevra}"] = CONTENT
            files[f"/usr/share/{nevra}"] = CONTENT * 100
        return 0

    def _result(self, command: Command) -> CommandResult:
        self.commands.append(command)
        spec = self.container(command.container).spec
        (source,) = (mount.source for mount in spec.mounts if mount.target == "/buildroot")
        root = self.container(Path(source).parent.name)
        if command.argv[:3] == INSTALL:
            (packages,) = (mount.source for mount in spec.mounts if mount.target == "/packages")
            nevras = tuple(sorted(path.stem for path in Path(packages).iterdir()))
            return CommandResult(exit_code=self.install(root.files, nevras), output=(("stdout", self.says),))
        assert command.argv[:3] == CENSUS
        return CommandResult(output=(("stdout", listing(self.see(dict(root.files)))),))

    def root_of(self, name: str) -> dict[str, bytes]:
        """Files of an image."""
        return self.images.files(name)

    def named(self, name: str) -> FakeContainer | None:
        """The container of a name."""
        return self._named(name)


def listing(files: dict[str, bytes]) -> bytes:
    """What the census script would say of a root with `files`."""
    rows = []
    for path in sorted(files):
        if found := re.fullmatch(r"/rpmdb/(.+)-([^-]+)-([^-]+)\.([^.]+)", path):
            name, version, release, arch = found.groups()
            sigmd5 = hashlib.md5(files[path], usedforsecurity=False).hexdigest()
            rows.append(f"{name}\t{version}\t{release}\t(none)\t{arch}\t1\t2\t{sigmd5}\n")
    entries = [b"d 755 0 0 2 40 0 1 3.5 3.5 \0\0"]
    for path, data in sorted(files.items()):
        inode, changed = (zlib.crc32(known) for known in (path.encode(), data))
        entry = f"f 644 0 0 1 {len(data)} 8 {inode} 3.5 {changed}.5 {path.strip('/')}\0\0"
        entries.append(entry.encode())
    return "".join(rows).encode() + b"\0\0" + b"".join(entries)


class ImageBench:
    """A cache directory with packages, an engine, and a maker of images."""

    def __init__(self, directory: Path) -> None:
        self.journal: Journal = NullJournal()
        self.config = Config(
            server="http://127.0.0.1/kojihub",
            topurls=("http://127.0.0.1/kojifiles",),
            state_dir=directory / "state",
            cache_dir=directory / "cache",
        )
        self.manager = RootManager()
        self.pauses: list[float] = []
        for nevra in (BASE, MORE):
            file = self.config.cache_dir / self.package(nevra).file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(CONTENT)

    @staticmethod
    def package(nevra: str) -> SolvedPackage:
        """A package of the store."""
        return SolvedPackage(
            nevra=nevra,
            size=len(CONTENT),
            checksum_kind="sha256",
            checksum=hashlib.sha256(CONTENT).hexdigest(),
            file=f"packages/{nevra}.rpm",
            location=f"{nevra}.rpm",
        )

    def base(self, key: str = BASE_KEY) -> ImageRequest:
        """A request for the base root."""
        return ImageRequest(
            key=key,
            task_image="localhost/task",
            tag_name="dist-build",
            repo_id=7,
            arch="x86_64",
            group="build",
            packages=(self.package(BASE),),
            contents=packages_digest([BASE]),
        )

    def more(self) -> ImageRequest:
        """A request for the base root with one package more."""
        return ImageRequest(
            kind="requires",
            key=MORE_KEY,
            base_key=BASE_KEY,
            task_image="localhost/task",
            tag_name="dist-build",
            repo_id=7,
            arch="x86_64",
            group="build",
            packages=(self.package(MORE),),
            contents=packages_digest([BASE, MORE]),
        )

    def ask(self, request: ImageRequest) -> Path:
        """Leave a request; where it is."""
        request.save(requests_directory(self.config))
        return requests_directory(self.config) / f"{request.key}.json"

    def maker(self, worker: str = "w") -> ImageMaker:
        """The maker of a worker."""
        return ImageMaker(
            manager=self.manager,
            config=self.config,
            worker=worker,
            journal=self.journal,
            writer=self.writer(),
        )

    def writer(self) -> ImageWriter:
        """One that notes its pauses."""
        return LayeredWriter(manager=self.manager, pause=self.pauses.append)

    def make(self, request: ImageRequest) -> bool:
        """Ask for an image and have it made."""
        return self.maker().make(self.ask(request))

    def refusals(self) -> list[str]:
        """Why images cannot be had."""
        return [path.read_text() for path in requests_directory(self.config).glob("*.refused")]

    def leftovers(self) -> list[str]:
        """What should not be there after an image was made."""
        images = self.manager.find_images({})
        unfinished = [image.id for image in images if not image.names or "unverified" in image.names[0]]
        containers = [found.id for found in self.manager.find({})]
        return [*unfinished, *containers, *(path.name for path in self.config.cache_dir.glob("image-*-*"))]


def solution(*nevras: str, remove: tuple[str, ...] = ()) -> Solution:
    """What a solver found."""
    return Solution(install=tuple(map(ImageBench.package, nevras)), remove=frozenset(remove))
