"""Checks of the task images for the tags that this host serves: chosen by a policy that can be read, and there.

Asked are the build tags of all targets whose architectures this host offers, as a hub hands out builds.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import koji

from koji_adjutant.cli.doctor.check import Check, Finding, failure, not_checked, ok, warning
from koji_adjutant.cli.doctor.configuration import some
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.container.interface import PullPolicy
from koji_adjutant.container.podman.images import Images
from koji_adjutant.errors import BuildrootFailed, EngineError
from koji_adjutant.policy.methods import METHODS
from koji_adjutant.policy.resolver import PolicyResolver

MOST_TAGS = 500
"""Of a large hub the first will do: a policy is written for a release, not for each tag."""
NEEDED = ("rpm", "dnf", "createrepo_c")
SQLITE_SINCE = (4, 16)
"""rpm reads and writes sqlite from then on, and has written no bdb since."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


def _tags(on: Surroundings) -> Iterator[dict[str, Any]]:
    """The build tags that this host serves."""
    offered = {koji.canonArch(arch) for arch in str(on.host["arches"] or "").split()}
    names = sorted({str(target["build_tag_name"]) for target in on.ask("getBuildTargets")})
    for tag in on.ask_all("getBuildConfig", *(((name,), {}) for name in names[:MOST_TAGS])):
        if offered & {koji.canonArch(arch) for arch in str(tag["arches"] or "").split()}:
            yield tag


def _choices(on: Surroundings) -> dict[str, tuple[str, ...]]:
    """The images, each with the tags that use it. BuildrootFailed when a policy cannot be used."""
    resolver = PolicyResolver(on.config)
    methods = [method.name for method in METHODS.values() if method.containers]
    found: dict[str, dict[str, None]] = {}
    for tag in on.served_tags:
        for arch in str(tag["arches"]).split():
            for method in methods:
                chosen = resolver.image_for(
                    tag_name=tag["name"], tag_extra=tag["extra"], arch=koji.canonArch(arch), method=method
                )
                found.setdefault(chosen.reference, {})[str(tag["name"])] = None
    return {reference: tuple(tags) for reference, tags in found.items()}


def _policies(on: Surroundings) -> Finding:
    on.served_tags = tuple(_tags(on))
    if not on.served_tags:
        return warning(
            "no target builds for an architecture of this host", "koji list-targets, koji edit-host --arches"
        )
    try:
        on.images = _choices(on)
    except BuildrootFailed as error:
        return failure(error.message, error.hint)
    return ok(f"{len(on.served_tags)} build tags are served, with {', '.join(sorted(on.images))}")


def _present(on: Surroundings) -> Finding:
    policy = on.config.image_pull_policy
    images = on.images or {on.config.task_image_default: ()}
    missing = [reference for reference in images if not on.manager.has_image(reference)]
    told = ", ".join(
        f"{reference} (for {some(list(images[reference])) or 'no tag'})" for reference in missing
    )
    if not missing:
        return ok(f"{', '.join(sorted(images))}: present")
    if policy is PullPolicy.NEVER:
        return failure(
            f"{told}: not in podman's storage, and image_pull_policy is never",
            "podman pull or podman build it on this host, or set image_pull_policy to missing",
        )
    refused, store = [], Images(on.manager, str(on.config.registry_auth_file or ""))
    for reference in missing:
        try:
            store.look_in_registry(reference)
        except EngineError as error:
            refused.append(f"{reference}: {error.message}")
    if refused:
        return failure(
            f"cannot be pulled: {some(refused)}",
            "check the reference, that this host reaches the registry, and registry_auth_file",
        )
    return warning(
        f"{told}: not here yet; the registry has it", "podman pull it, or the first task waits for it"
    )


def _programs(on: Surroundings) -> Finding:
    if not on.report:
        return not_checked("not checked: needs the task image")
    image = on.config.task_image_default
    missing = [name for name in NEEDED if not on.report.get(f"has-{name}")]
    if missing:
        return failure(
            f"image {image} lacks {', '.join(missing)}", "build it from Containerfile.task of this release"
        )
    return ok(f"image {image} has {', '.join(NEEDED)}")


def _database(on: Surroundings) -> Finding:
    """The rpm of the image writes the database that the rpm of the tag has to read."""
    if not on.report:
        return not_checked("not checked: needs the task image")
    backend, _, path = on.report["rpm"].partition(" ")
    if not path:
        return failure(f"rpm of image {on.config.task_image_default} does not work", "build it anew")
    old = [
        f"{tag} has rpm {version}"
        for tag, version in _versions(on, on.images.get(on.config.task_image_default, ()))
        if _number(version) < SQLITE_SINCE
    ]
    if old and backend == "sqlite":
        return failure(
            f"rpm of image {on.config.task_image_default} writes {backend}: {some(old)}, which cannot read it",
            "give such tags an image of their own release (adjutant_image_policy)",
        )
    return ok(f"rpm of the image writes {backend} in {path}; no tag has an rpm that cannot read it")


def _versions(on: Surroundings, tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The version of rpm in each tag, where it is not from a repo that the hub does not know the inside of."""
    asked = {"latest": True, "inherit": True, "package": "rpm"}
    for tag, found in zip(tags, on.ask_all("listTagged", *(((tag,), asked) for tag in tags)), strict=True):
        if found:
            yield tag, str(found[0]["version"])


def _number(version: str) -> tuple[int, int]:
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found else SQLITE_SINCE


CHECKS = (
    Check(
        id="images.policy",
        title="Task images of tags",
        look=_policies,
        needs=("hub.login-name",),
        seconds=60,
    ),
    Check(
        id="images.present",
        title="Task images are there",
        look=_present,
        needs=("engine.version", "images.policy"),
        seconds=60,
    ),
    Check(id="images.programs", title="Programs of the task image", look=_programs, needs=("engine.trial",)),
    Check(
        id="images.rpm-database",
        title="rpm of image and tags",
        look=_database,
        needs=("engine.trial", "images.policy"),
        seconds=60,
    ),
)
