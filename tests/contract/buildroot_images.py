"""Small images that carry the labels of buildroots, in a real engine."""

import hashlib

from koji_adjutant.buildroot.images.keys import BASE_LABEL, KIND_LABEL, image_name
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ImageInfo
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.engine.service import Engine

WORKER = "buildroots"
TAG = "dist-build"


def key_of(name: str) -> str:
    """A key that looks like one."""
    return hashlib.sha256(name.encode()).hexdigest()


def found_labels(name: str, *, base: str = "", tag: str = TAG, worker: str = WORKER) -> dict[str, str]:
    return {
        labels.WORKER: worker,
        labels.ROLE: labels.Role.IMAGE.value,
        labels.KEY: key_of(name),
        labels.TAG: tag,
        labels.REPO: "7",
        labels.ARCH: "x86_64",
        labels.GROUP: "build",
        KIND_LABEL: "requires" if base else "base",
        BASE_LABEL: key_of(base) if base else "",
    }


def add_image(
    manager: PodmanManager, name: str, source: str, *, base: str = "", tag: str = TAG, worker: str = WORKER
) -> ImageInfo:
    """An image of what `source` (or the image of `base`) has, as if it were a buildroot."""
    found = found_labels(name, base=base, tag=tag, worker=worker)
    origin = image_name(key_of(base)) if base else source
    with manager.created(ContainerSpec(image=origin, command=("/bin/true",), labels={})) as container:
        return manager.commit(container, image_name(key_of(name)), found)


def remove_all(engine: Engine) -> None:
    """Leave none of them."""
    listed = engine.podman("images", "--quiet", "--no-trunc", "--filter", f"label={labels.WORKER}")
    for image in dict.fromkeys(listed.split()):
        engine.podman("rmi", "--force", image)
