"""What the testbed's hub knows from the start: a host, a tag with its build tag, a target, packages, an external repo.

Everything is made through Koji's own calls, as an administrator would. Filling a hub that was filled before
changes only what differs (the URL of the external repo, say).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TAG = "dist-md"
BUILD_TAG = "dist-md-build"
TARGET = "dist-md"
HOST = "builder"
EXTERNAL_REPO = "minidist"
PRIORITY = 10
MERGE_MODE = "koji"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a hub is filled with."""

    arch: str
    external_repo: str
    """URL of the packages that buildroots are made of."""
    packages: Sequence[str]
    """Names of packages that may be built into the tag."""
    groups: Mapping[str, Sequence[str]]
    """Install groups and their packages."""
    capacity: float = 8.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Extra data of the build tag."""


def fill(admin: Any, content: Content) -> None:
    """Bring the hub behind `admin`, a session of an administrator, to that content."""
    _host(admin, content)
    _tags(admin, content)
    _packages(admin, content)
    add_groups(admin, BUILD_TAG, content.groups)
    add_external_repo(admin, BUILD_TAG, EXTERNAL_REPO, content.external_repo)


def _host(admin: Any, content: Content) -> None:
    if admin.getHost(HOST) is None:
        admin.addHost(HOST, [content.arch])
    admin.editHost(HOST, capacity=content.capacity)
    channels = {channel["name"] for channel in admin.listChannels(HOST)}
    if "createrepo" not in channels:
        admin.addHostToChannel(HOST, "createrepo", create=True)


def _tags(admin: Any, content: Content) -> None:
    if admin.getTag(TAG) is None:
        admin.createTag(TAG, arches=content.arch)
    if admin.getTag(BUILD_TAG) is None:
        admin.createTag(BUILD_TAG, parent=TAG, arches=content.arch)
    missing = {
        key: value
        for key, value in content.extra.items()
        if admin.getTag(BUILD_TAG)["extra"].get(key) != value
    }
    if missing:
        admin.editTag2(BUILD_TAG, extra=missing)
    if admin.getBuildTarget(TARGET) is None:
        admin.createBuildTarget(TARGET, BUILD_TAG, TAG)


def _packages(admin: Any, content: Content) -> None:
    known = {package["package_name"] for package in admin.listPackages(TAG)}
    owner = admin.getLoggedInUser()["name"]
    for name in content.packages:
        if name not in known:
            admin.packageListAdd(TAG, name, owner)


def add_groups(admin: Any, tag: str, groups: Mapping[str, Sequence[str]]) -> None:
    """Give `tag` the install groups that it lacks, and the packages that those lack."""
    known = {
        group["name"]: {package["package"] for package in group["packagelist"]}
        for group in admin.getTagGroups(tag)
    }
    for group, packages in groups.items():
        if group not in known:
            admin.groupListAdd(tag, group)
        for name in packages:
            if name not in known.get(group, ()):
                admin.groupPackageListAdd(tag, group, name)


def add_external_repo(admin: Any, tag: str, name: str, url: str, *, priority: int = PRIORITY) -> None:
    """The external repo `name` of `tag`, at `url`."""
    repo = admin.getExternalRepo(name)
    if repo is None:
        admin.createExternalRepo(name, url)
    elif repo["url"].rstrip("/") != url.rstrip("/"):
        admin.editExternalRepo(name, url=url)
    if name not in {repo["external_repo_name"] for repo in admin.getTagExternalRepos(tag)}:
        admin.addExternalRepoToTag(tag, name, priority, merge_mode=MERGE_MODE)
