"""A tag that is built for x86_64 and i686: made when somebody asks, for it takes a second distribution.

That distribution is kept beside the first, and neither is remade for the other's sake. Everything stays until
the hub goes.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.content import HOST, TAG, add_external_repo, add_groups
from koji_adjutant.testbed.description import cache_directory, read_description
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.distribution.recipe import MACHINE, read_groups
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.packages_source import INSTALL_GROUPS, distribution_directory, publish
from koji_adjutant.testbed.tasks import new_repo
from koji_adjutant.testbed.waiting import IdleBuilderCheck

I686 = "i686"
ARCHES = f"{MACHINE} {I686}"
MULTI_TAG = "dist-md-i686"
MULTI_BUILD_TAG = f"{MULTI_TAG}-build"
MULTI_TARGET = MULTI_TAG
MULTI_REPO = "minidist-arches"
# As Koji names an architecture in the paths of repos, and where hosts are concerned.
_DIRECTORIES = {MACHINE: MACHINE, I686: "i386"}
_PUBLISHED = f"external/{MULTI_REPO}"


Say = Callable[[str], None]


def add_i686(layout: Layout, say: Say) -> None:
    """Give the testbed that is up at `place` the tag, with its first repo, and a host that takes both."""
    description = read_description(layout)
    admin = admin_session(layout, description.server)
    try:
        cache = cache_directory(os.environ, Path.home())
        fill(admin, cache, Path(description.topdir), description.topurl, say)
        new_repo(admin, MULTI_BUILD_TAG, is_hopeless=IdleBuilderCheck(admin, layout))
    finally:
        admin.logout()
        admin.rsession.close()
    say(f"target {MULTI_TARGET} builds for {ARCHES}")


def fill(admin: Any, cache: Path, topdir: Path, topurl: str, say: Say) -> None:
    """Tag, build tag and target on the hub, and the packages of both architectures below its topdir."""
    first = make(distribution_directory(cache), say)
    second = make(distribution_directory(cache, machine=I686), say, I686, first)
    for arch, made in ((MACHINE, first), (I686, second)):
        publish(made.repo, topdir, topurl, f"{_PUBLISHED}/{_DIRECTORIES[arch]}")
    if admin.getTag(MULTI_TAG) is None:
        admin.createTag(MULTI_TAG, parent=TAG, arches=ARCHES)
    if admin.getTag(MULTI_BUILD_TAG) is None:
        admin.createTag(MULTI_BUILD_TAG, parent=MULTI_TAG, arches=ARCHES)
    groups = read_groups()
    add_groups(admin, MULTI_BUILD_TAG, {name: groups[name] for name in INSTALL_GROUPS})
    add_external_repo(admin, MULTI_BUILD_TAG, MULTI_REPO, f"{topurl}/{_PUBLISHED}/$arch/")
    if admin.getBuildTarget(MULTI_TARGET) is None:
        admin.createBuildTarget(MULTI_TARGET, MULTI_BUILD_TAG, MULTI_TAG)
    admin.editHost(HOST, arches=" ".join(_DIRECTORIES.values()))
