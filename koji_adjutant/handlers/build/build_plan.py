"""What a `build` task works out around its subtasks: options, destination, policy data, results. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import koji

from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.source_header import SourceHeader

Options = Mapping[str, Any]
"""The `opts` of a build request, as the hub keeps them: policies see missing values as None."""
Id = Any
"""A number that the hub gave and that only goes back there; the stubs have a type for each kind."""
REPO_USABLE = ("READY", "EXPIRED")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where packages come from, and where the build goes."""

    build_tag: Id
    dest_tag: Id
    dest_tag_name: str
    target: str | None
    skip_tag: bool


@dataclass(kw_only=True)
class BuiltFiles:
    """What the buildArch subtasks made, as the hub's import wants it."""

    srpm: str = ""
    rpms: list[str] = field(default_factory=list)
    buildroots: dict[str, int] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)


def check_arch_override(opts: Options) -> None:
    """BuildFailed when a build that is to be kept asks for architectures of its own."""
    if opts.get("arch_override") and not opts.get("scratch"):
        raise BuildFailed("arch_override is only allowed for scratch builds")


def check_metadata(opts: Options) -> None:
    """BuildFailed when the user's metadata cannot be kept with the build."""
    metadata = opts.get("custom_user_metadata")
    if not metadata:
        return
    if not isinstance(metadata, dict):
        raise BuildFailed("custom_user_metadata must be serializable to a JSON object")
    try:
        json.dumps(metadata)
    except TypeError as error:
        raise BuildFailed(f"custom_user_metadata is not JSON serializable: {error}") from error


def check_repo(repo: Mapping[str, Any] | None, repo_id: object) -> Mapping[str, Any]:
    """The repo that a build asked for by its id; BuildFailed when nothing can be built from it."""
    if not repo:
        raise BuildFailed(f"No such repo: {repo_id}")
    state = koji.REPO_STATES[repo["state"]]
    if state not in REPO_USABLE:
        raise BuildFailed(f"Bad repo: {repo['id']} ({state})", hint="name one that is READY, or none")
    return repo


def destination_of_target(
    target: Mapping[str, Any], repo: Mapping[str, Any] | None, opts: Options
) -> Destination:
    """What a target says, which has to agree with the repo if one was named."""
    if repo and repo["tag_id"] != target["build_tag"]:
        raise BuildFailed(f"Repo/Target mismatch: {repo['tag_name']}/{target['build_tag_name']}")
    return Destination(
        build_tag=target["build_tag"],
        dest_tag=target["dest_tag"],
        dest_tag_name=target["dest_tag_name"],
        target=target["name"],
        skip_tag=bool(opts.get("skip_tag")),
    )


def policy_data(
    *, task_id: int, owner: int, src: str, from_scm: bool, destination: Destination, opts: Options
) -> dict[str, Any]:
    """What the hub's policies decide on."""
    data = {
        "user_id": owner,
        "source": src,
        "task_id": task_id,
        "build_tag": destination.build_tag,
        "skip_tag": destination.skip_tag,
        "scratch": opts.get("scratch"),
        "draft": opts.get("draft"),
        "from_scm": from_scm,
        "repo_id": opts.get("repo_id"),
    }
    if destination.target is not None:
        data["target"] = destination.target
    if not destination.skip_tag:
        data["tag"] = destination.dest_tag
    return data


def build_data(
    task_id: int, header: SourceHeader, source: Mapping[str, Any] | None, opts: Options
) -> dict[str, Any]:
    """The build as `host.initBuild` records it."""
    data: dict[str, Any] = {
        "name": header.name,
        "version": header.version,
        "release": header.release,
        "epoch": header.epoch,
        "task_id": task_id,
    }
    extra: dict[str, Any] = {}
    if source:
        data["source"] = source["source"]
        extra["source"] = {"original_url": source["url"]}
    if opts.get("custom_user_metadata"):
        extra["custom_user_metadata"] = opts["custom_user_metadata"]
    if extra:
        data["extra"] = extra
    if opts.get("draft"):
        data["draft"] = opts["draft"]
    return data


def check_package(config: Mapping[str, Any] | None, name: str, tag_name: str) -> None:
    """BuildFailed when the destination tag does not take this package."""
    if config is None:
        raise BuildFailed(
            f"package {name} not in list for tag {tag_name}",
            hint=f"koji add-pkg --owner OWNER {tag_name} {name} puts it there",
        )
    if config["blocked"]:
        raise BuildFailed(f"package {name} is blocked for tag {tag_name}")


def merge_results(
    task_id: int, subtasks: Mapping[str, int], results: Mapping[int, Mapping[str, Any]]
) -> BuiltFiles:
    """The results of all architectures together; exactly one of them has the source package."""
    files = BuiltFiles()
    for arch, subtask in subtasks.items():
        result = results[subtask]
        for path in (*result["rpms"], *result["srpms"][:1]):
            files.buildroots[path] = result["brootid"]
        files.rpms.extend(result["rpms"])
        if result["logs"]:
            files.logs[arch] = list(result["logs"])
        if result["srpms"]:
            if files.srpm:
                raise BuildFailed(f"multiple builds returned a srpm.  task {task_id}")
            files.srpm = result["srpms"][0]
    if not files.srpm:
        raise BuildFailed("could not find a built srpm")
    return files
