"""What is shown of the engine: the containers and the buildroot images that it has. For helpers: it takes its time."""

import logging
import time
from collections.abc import Iterable
from types import MappingProxyType

from koji_adjutant.buildroot.images.cached import CachedImage, cached_images
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerInfo, ContainerManager
from koji_adjutant.errors import AdjutantError
from koji_adjutant.journal.public import (
    CONTAINERS,
    IMAGES,
    ContainerFacts,
    Containers,
    Facts,
    ImageFacts,
    Images,
    public_directory,
    write_facts,
)

logger = logging.getLogger("koji.adjutant.daemon.public")


def show_containers(config: Config, manager: ContainerManager) -> None:
    """Show the containers of all workers of the engine."""
    if not config.monitoring_enabled:
        return
    now = time.time()
    try:
        ours = [one for one in manager.find({}) if labels.WORKER in one.labels]
    except AdjutantError as error:
        logger.info("containers are not shown: %s", error)
    else:
        _show(config, CONTAINERS, Containers(time=now, containers=tuple(map(container_facts, ours))))


def show_images(config: Config, manager: ContainerManager) -> None:
    """Show the buildroot images that are known."""
    if not config.monitoring_enabled:
        return
    now = time.time()
    try:
        found = cached_images(manager, UsageRecords(config.cache_dir))
    except AdjutantError as error:
        logger.info("images are not shown: %s", error)
    else:
        _show(config, IMAGES, images_facts(config, found, now))


def container_facts(found: ContainerInfo) -> ContainerFacts:
    """A container, with its labels of ours."""
    task = found.labels.get(labels.TASK, "")
    return ContainerFacts(
        id=found.id,
        name=found.name,
        role=found.labels.get(labels.ROLE, ""),
        worker=found.labels[labels.WORKER],
        task=int(task) if task.isdecimal() else None,
        image=found.image,
        state=found.state,
        created=found.created,
        labels=MappingProxyType(
            {name: value for name, value in found.labels.items() if name.startswith(labels.PREFIX)}
        ),
    )


def images_facts(config: Config, found: Iterable[CachedImage], now: float) -> Images:
    """Buildroot images as they are shown."""
    return Images(
        time=now,
        limit_bytes=config.buildroot_cache_size,
        images=tuple(
            ImageFacts(
                key=one.record.key,
                kind=one.record.kind,
                tag=one.record.tags[0].tag_name if one.record.tags else "",
                arch=one.record.arch,
                group=one.record.group,
                bytes=one.own_size,
                created=one.image.created,
                last_used=one.last_used,
                uses=one.record.hits,
            )
            for one in found
        ),
    )


def _show(config: Config, name: str, facts: Facts) -> None:
    file = public_directory(config.state_dir) / name
    try:
        write_facts(file, facts)
    except OSError as error:
        logger.warning("%s not written: %s", file, error)
