"""The image half of the engine in memory: a store of images made of layers, and a registry.

A layer is what it changes: a content for each path, None for one that it takes away. Layers are known by their
diff id, as in podman's store: an archive need not hold what the store has.
"""

import hashlib
import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from koji_adjutant.container.interface import ContainerSpec, ImageInfo, PullPolicy
from koji_adjutant.errors import EngineError, ImagePullError

WHITEOUT = ".wh."
Layer = dict[str, bytes | None]


@dataclass(kw_only=True)
class FakeImages:
    """Images by id; `known_layers` by diff id."""

    images: dict[str, ImageInfo] = field(default_factory=dict)
    known_layers: dict[str, Layer] = field(default_factory=dict)
    registry: dict[str, ImageInfo] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def find(self, reference: str) -> ImageInfo | None:
        return self.images.get(reference) or next(
            (image for image in self.images.values() if reference in image.names), None
        )

    def get(self, reference: str) -> ImageInfo:
        found = self.find(reference)
        if found is None:
            raise EngineError(f"{reference}: image not known", status=404)
        return found

    def with_labels(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        found = [image for image in self.images.values() if labels.items() <= image.labels.items()]
        return tuple(sorted(found, key=lambda image: image.created, reverse=True))

    def files(self, reference: str) -> dict[str, bytes]:
        """What a container of the image begins with."""
        found: dict[str, bytes] = {}
        for diff_id in self.get(reference).layers:
            for path, content in self.known_layers[diff_id].items():
                if content is None:
                    gone = [known for known in found if known == path or known.startswith(f"{path}/")]
                    for known in gone:
                        del found[known]
                else:
                    found[path] = content
        return found

    def add(self, reference: str, labels: Mapping[str, str], files: Mapping[str, bytes]) -> ImageInfo:
        """An image of one layer."""
        diff_id = f"sha256:{next(self.numbers):064x}"
        self.known_layers[diff_id] = dict(files)
        return self._keep(reference, labels, (diff_id,))

    def commit(
        self, reference: str, spec: ContainerSpec, files: Mapping[str, bytes], labels: Mapping[str, str]
    ) -> ImageInfo:
        """The image of a container, with one layer more, after which it has `files`."""
        below, before = self.get(spec.image), self.files(spec.image)
        layer: Layer = {path: data for path, data in files.items() if before.get(path) != data}
        diff_id = f"sha256:{next(self.numbers):064x}"
        self.known_layers[diff_id] = {**layer, **dict.fromkeys(before.keys() - files.keys())}
        return self._keep(reference, {**below.labels, **spec.labels, **labels}, (*below.layers, diff_id))

    def _keep(self, reference: str, labels: Mapping[str, str], layers: tuple[str, ...]) -> ImageInfo:
        self.untag(reference)
        number = next(self.numbers)
        image = ImageInfo(
            id=f"{number:064x}",
            digest=f"sha256:{number:064x}",
            names=(reference,),
            labels=dict(labels),
            created=float(number),
            size=sum(
                len(content or b"") for layer in layers for content in self.known_layers[layer].values()
            ),
            layers=layers,
            architecture="amd64",
        )
        self.images[image.id] = image
        return image

    def tag(self, reference: str, target: str) -> None:
        image = self.get(reference)
        self.untag(target)
        self.images[image.id] = replace(image, names=(*image.names, target))

    def untag(self, reference: str) -> None:
        if image := self.find(reference):
            self.images[image.id] = replace(
                image, names=tuple(name for name in image.names if name != reference)
            )

    def remove(self, reference: str, used: Iterable[str]) -> bool:
        """By name, or by id; `used` are the images of the containers that there are."""
        image = self.find(reference)
        if image is None:
            return False
        if reference in image.names and len(image.names) > 1:
            self.untag(reference)
        elif image.id in {found.id for name in used if (found := self.find(name))}:
            raise EngineError(f"image {reference} is in use", status=409)
        else:
            del self.images[image.id]
        return True

    def add_to_registry(self, reference: str) -> None:
        number = next(self.numbers)
        self.registry[reference] = ImageInfo(
            id=f"{number:064x}", digest=f"sha256:{number:064x}", names=(reference,)
        )

    def ensure_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        known = self.find(reference)
        if known and policy in (PullPolicy.MISSING, PullPolicy.NEVER):
            return known
        if policy is PullPolicy.NEVER:
            raise ImagePullError(f"image {reference} is not in the engine's storage")
        if reference in self.registry:
            self.untag(reference)
            known = self.images[self.registry[reference].id] = self.registry[reference]
        elif policy is PullPolicy.ALWAYS or not known:
            raise ImagePullError(f"image {reference} cannot be pulled: the registry does not have it")
        return known

    def load(self, archive: bytes) -> tuple[str, ...]:
        """A docker archive with one image. Of layers that are known the archive's content is not looked at."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = {member.name: _content(tar, member) for member in tar}
        if "manifest.json" not in members:
            raise EngineError("cannot load an image: no manifest in the archive", status=500)
        (manifest,) = json.loads(members["manifest.json"])
        config: dict[str, Any] = json.loads(members[manifest["Config"]])
        diff_ids = config["rootfs"]["diff_ids"]
        for diff_id, name in zip(diff_ids, manifest["Layers"], strict=True):
            if diff_id in self.known_layers:
                continue
            found = f"sha256:{hashlib.sha256(members[name]).hexdigest()}"
            if found != diff_id:
                raise EngineError(f"layer {name} has {found}, the config says {diff_id}", status=500)
            self.known_layers[diff_id] = _layer(members[name])
        for name in manifest["RepoTags"]:
            self._keep(name, config["config"].get("Labels") or {}, tuple(diff_ids))
        return tuple(manifest["RepoTags"])


def packed(files: Mapping[str, bytes]) -> io.BytesIO:
    """Files as the engine exports a root: with all directories, names without the first slash."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        made: set[str] = set()
        for path, data in sorted(files.items()):
            *parents, _ = path.strip("/").split("/")
            for name in itertools.accumulate(parents, lambda above, name: f"{above}/{name}"):
                if name not in made:
                    directory = tarfile.TarInfo(name)
                    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(directory)
                    made.add(name)
            info = tarfile.TarInfo(path.strip("/"))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    content.seek(0)
    return content


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _layer(archive: bytes) -> Layer:
    found: Layer = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            directory, _, name = f"/{member.name}".rpartition("/")
            if name.startswith(WHITEOUT):
                found[f"{directory}/{name.removeprefix(WHITEOUT)}"] = None
            elif member.isfile():
                found[f"/{member.name}"] = _content(tar, member)
    return found
