"""A build tag whose repos have a distribution's size.

It has what the testbed's own build tag has; its repos are made by the hub and the daemon as any, and then enlarged,
because merging a distribution takes minutes. The tag stays until its hub goes.
"""

from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.content import BUILD_TAG, TAG
from koji_adjutant.testbed.synthetic.repository import SyntheticRepo, enlarge
from koji_adjutant.testbed.tasks import new_repo

LARGE_TAG = "dist-md-large"
LARGE_TARGET = LARGE_TAG


def add_large_tag(admin: Any) -> None:
    """The tag, and a target that builds in it."""
    if admin.getTag(LARGE_TAG) is None:
        admin.createTag(LARGE_TAG, parent=BUILD_TAG, arches=admin.getTag(BUILD_TAG)["arches"])
    if admin.getBuildTarget(LARGE_TARGET) is None:
        admin.createBuildTarget(LARGE_TARGET, LARGE_TAG, TAG)


def new_large_repo(admin: Any, topdir: Path, cache: Path, wanted: SyntheticRepo, tag: str = LARGE_TAG) -> int:
    """A new repo of the tag, enlarged before anybody can have used it: nothing builds in the tag meanwhile."""
    repo = new_repo(admin, tag)
    directory = Path(koji.PathInfo(str(topdir)).repo(repo, tag))
    for pkglist in directory.glob("*/pkglist"):
        enlarge(pkglist.parent, cache, wanted)
    return repo
