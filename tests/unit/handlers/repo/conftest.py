"""What the tests of repo tasks have in common: a topdir, and tags that are known already."""

from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.policy.cache import TagPolicyCache

TAG = "dist-md-build"


@pytest.fixture
def topdir(config: Config) -> Path:
    directory = Path(config.topdir)
    (directory / "repos").mkdir(parents=True)
    return directory


@pytest.fixture
def known_tags(config: Config) -> None:
    """What the recorded calls do not ask for is known already."""
    cache = TagPolicyCache(config.cache_dir, hub=config.server, ttl=config.policy_cache_ttl)
    for tag in (2, 9):
        cache.keep(tag, 0, {})
