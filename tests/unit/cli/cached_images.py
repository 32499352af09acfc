"""Images of buildroots, as the cache knows them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.cached import CachedImage
from koji_adjutant.buildroot.images.keys import image_name
from koji_adjutant.buildroot.images.usage import KeptImage, TagUse, UsageRecord, UsageRecords
from koji_adjutant.cli.buildroots import Cache
from koji_adjutant.config import Config
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager

NOW = 1_000_000.0


def cached(key: str, *tags: TagUse, **changes: str | float) -> CachedImage:
    record = UsageRecord(
        key=key,
        kind="base",
        arch="x86_64",
        group="build",
        packages=149,
        tags=tags,
        created=NOW - 9000,
        last_used=NOW - 7300,
        hits=12,
    )
    image = KeptImage(id=f"id-{key}", size=700 << 20, created=NOW - 9000, worker="w")
    known = {name: value for name, value in changes.items() if name in UsageRecord.__dataclass_fields__}
    return CachedImage(
        record=replace(record, **known),  # type: ignore[arg-type]
        image=replace(image, base_key=str(changes.get("base_key", ""))),
        name=image_name(key),
        own_size=700 << 20,
    )


def use(name: str, *repos: int) -> TagUse:
    return TagUse(tag_name=name, tag_id=1, repo_ids=repos, last_used=NOW)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    config = Config(server="http://h", topurls=("http://h",), state_dir=tmp_path)
    manager = PodmanManager(str(tmp_path / "none.sock"), Timeouts())
    yield Cache(config=config, manager=manager, records=UsageRecords(config.cache_dir), worker="w")
    manager.close()
