"""What is known of each task method: the one table, for whoever has to know.

Limits, network, prewarm, plugins, handlers, the shell, the configuration and its documents read it. It has data and no
classes of handlers, and imports nothing of ours, so that all of them can: `koji_adjutant.handlers.registry` binds a
handler to each name. All of it is constant.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

Finder = Callable[[Sequence[Any], Mapping[str, Any]], Any]
"""Finds something in a request: in its parameters by place, or in those by name. None when it is not there."""


def nothing(_by_place: Sequence[Any], _by_name: Mapping[str, Any]) -> None:
    """Of a method whose request does not have it."""


def parameter(place: int, name: str) -> Finder:
    """A parameter, counted from 0."""

    def find(by_place: Sequence[Any], by_name: Mapping[str, Any]) -> Any:
        return by_place[place] if len(by_place) > place else by_name.get(name)

    return find


def repo_in_options(place: int) -> Finder:
    """The repo that `opts` names, the dictionary that is the parameter at this place."""
    options = parameter(place, "opts")

    def find(by_place: Sequence[Any], by_name: Mapping[str, Any]) -> Any:
        return (options(by_place, by_name) or {}).get("repo_id")

    return find


class Profile(StrEnum):
    """What the container may do in which code of a package runs. More come with the methods that need more."""

    BUILD = "build"
    """Nothing: no capability, no device, no new privileges. A build tag may ask for what its builder allows."""


@dataclass(frozen=True, kw_only=True)
class KojidMethod:
    """What is known of any method of kojid's, whether this builder has it or not."""

    name: str
    network: bool = False
    """Whether what a package or a user brings runs with a network, as kojid has it."""
    callbacks: frozenset[str] = frozenset()
    """Callbacks of plugins that its tasks fire."""
    kojid_class: str = ""
    """The class of kojid that has it, where plugins inherit from that."""


@dataclass(frozen=True, kw_only=True)
class Method(KojidMethod):
    """A method that this builder has."""

    weight: float = 1.0
    """The load of one task, before the hub or the handler says otherwise."""
    containers: bool = False
    """Whether its tasks work in containers of their own, and so have limits."""
    profile: Profile | None = None
    """None where no code of a package runs."""
    install_group: str = ""
    """The group of packages that its buildroot begins with; empty where it has no buildroot."""
    prewarm: bool = False
    """Whether a task of it is a reason to prepare that group for the next repo of its tag."""
    tag: Finder = nothing
    """The tag whose packages or repo it is about, by name or id."""
    arch: Finder = nothing
    repo: Finder = nothing
    """The id of the repo."""
    source: Finder = nothing
    """The source package, or the URL of a commit, that it builds from."""
    averaged: bool = False
    """Whether the hub knows how long one for the same package takes on average."""
    waits: bool = False
    """Whether its tasks wait for others, or for a repo, once they run."""


_Row = TypeVar("_Row", bound=KojidMethod)


def _by_name(rows: Iterable[_Row]) -> Mapping[str, _Row]:
    return MappingProxyType({row.name: row for row in rows})


_SCM = frozenset({"preSCMCheckout", "postSCMCheckout"})

METHODS: Mapping[str, Method] = _by_name(
    (
        Method(
            name="build",
            kojid_class="BuildTask",
            weight=0.2,
            repo=repo_in_options(2),
            source=parameter(0, "src"),
            averaged=True,
            waits=True,
        ),
        Method(
            name="buildArch",
            kojid_class="BuildArchTask",
            weight=1.5,
            containers=True,
            profile=Profile.BUILD,
            install_group="build",
            prewarm=True,
            tag=parameter(1, "root"),
            arch=parameter(2, "arch"),
            repo=repo_in_options(4),
            source=parameter(0, "pkg"),
            averaged=True,
        ),
        Method(
            name="buildSRPMFromSCM",
            kojid_class="BuildSRPMFromSCMTask",
            network=True,
            callbacks=_SCM,
            containers=True,
            profile=Profile.BUILD,
            install_group="srpm-build",
            tag=parameter(1, "build_tag"),
            repo=repo_in_options(2),
            source=parameter(0, "url"),
        ),
        Method(
            name="rebuildSRPM",
            kojid_class="RebuildSRPM",
            containers=True,
            profile=Profile.BUILD,
            install_group="srpm-build",
            prewarm=True,
            tag=parameter(1, "build_tag"),
            repo=repo_in_options(2),
            source=parameter(0, "srpm"),
        ),
        Method(name="tagBuild", kojid_class="TagBuildTask", tag=parameter(0, "tag_id")),
        Method(name="newRepo", kojid_class="NewRepoTask", weight=0.1, tag=parameter(0, "tag"), waits=True),
        Method(
            name="createrepo",
            kojid_class="CreaterepoTask",
            callbacks=frozenset({"postCreateRepo"}),
            weight=1.5,
            containers=True,
            arch=parameter(1, "arch"),
            repo=parameter(0, "repo_id"),
        ),
        Method(name="chainbuild", kojid_class="ChainBuildTask", weight=0.1, waits=True),
        Method(name="buildNotification", kojid_class="BuildNotificationTask", weight=0.1),
        Method(
            name="tagNotification",
            kojid_class="TagNotificationTask",
            weight=0.1,
            tag=parameter(2, "tag_info"),
        ),
        # Koji's library brings these along.
        Method(name="waitrepo", weight=0.2, tag=parameter(0, "tag"), waits=True),
        Method(name="dependantTask", weight=0.2),
        Method(name="restart", weight=0.1),
        Method(name="restartVerify", weight=0.1),
        Method(name="restartHosts", weight=0.1),
        Method(name="shutdown", weight=0.0),
        Method(name="sleep", weight=0.25),
        Method(name="someMethod"),
        Method(name="fork"),
        Method(name="waittest", weight=0.1),
        Method(name="subtask", weight=0.1),
        Method(name="default", weight=0.1),
    )
)
"""The methods that this builder has, in the order in which the hub is told of them."""

NOT_HERE: Mapping[str, KojidMethod] = _by_name(
    (
        KojidMethod(name="buildMaven", network=True, callbacks=_SCM),
        KojidMethod(name="createAppliance", network=True, callbacks=_SCM),
        KojidMethod(name="createDudIso", network=True, callbacks=_SCM),
        KojidMethod(name="createImage", callbacks=_SCM),
        KojidMethod(name="createKiwiImage", network=True, callbacks=_SCM),
        KojidMethod(name="createLiveCD", network=True, callbacks=_SCM),
        KojidMethod(name="createLiveMedia", network=True, callbacks=_SCM),
        KojidMethod(name="createdistrepo", callbacks=frozenset({"postCreateDistRepo"})),
        KojidMethod(name="indirectionimage", callbacks=_SCM),
        KojidMethod(name="kiwiBuild", callbacks=_SCM),
        KojidMethod(name="runroot", network=True),
        KojidMethod(name="wrapperRPM", callbacks=_SCM),
    )
)
"""Methods of kojid's that this builder has not: what would govern them is known, so that none of it is forgotten when
they come."""

OF_KOJID: Mapping[str, KojidMethod] = MappingProxyType({**METHODS, **NOT_HERE})
FIRED_BY: Mapping[str, frozenset[str]] = {
    name: frozenset(method.name for method in OF_KOJID.values() if name in method.callbacks)
    for name in ("preSCMCheckout", "postSCMCheckout", "postCreateRepo", "postCreateDistRepo")
}
"""The callbacks that are fired on builders, and by which methods: what a plugin may allow, refuse or change."""
BUILDER_CALLBACKS = frozenset(FIRED_BY)
"""Their names; the other callbacks of Koji are the hub's."""
IN_CONTAINERS: tuple[str, ...] = tuple(row.name for row in METHODS.values() if row.containers)
"""The methods whose tasks can be limited."""
OF_GROUPS: Mapping[str, Method] = MappingProxyType(
    {row.install_group: row for row in METHODS.values() if row.prewarm}
)
"""The method that an install group is made ready for."""
