"""A new repo's directory: package lists, groups and repo.json, for the builder to make metadata of.

<topdir>/repos/<tag>/<id>/ has groups/comps.xml, repo.json and, for each architecture, pkglist (paths below
`toplink`, a link to the topdir), rpmlist.jsonl (what the hub knows of each rpm) and blocklist.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.repos.repo_options import Options, options_of_tag
from koji_adjutant.testbed.hub.repos.repos import INIT
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.events import get_event
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int_or_none
from koji_adjutant.testbed.hub.tags.groups import get_tag_groups
from koji_adjutant.testbed.hub.tags.packages import package_list
from koji_adjutant.testbed.hub.tags.tag_changes import tag_first_change_event, tag_last_change_event
from koji_adjutant.testbed.hub.tags.tagged import rpms_of, tagged_builds
from koji_adjutant.testbed.hub.tags.tags import require_tag

TOPLINK = "toplink"


@exposed("host.repoInit")
def init_repo(call: Call, tag: Any, task_id: Any = None, event: Any = None, opts: Any = None) -> list[int]:
    """[repo id, event id]"""
    call.require_host()
    event = as_int_or_none(event)
    info = require_tag(call, tag, event)
    options, custom = options_of_tag(info, opts)
    if event is not None:
        get_event(call, event)
    event_id: int = call.new_event() if event is None else event
    repo_id = call.db.insert(
        "repo",
        tag_id=info["id"],
        create_event=event_id,
        begin_event=tag_last_change_event(call, info["id"], before=event_id) or event_id,
        end_event=tag_first_change_event(call, info["id"], after=event_id),
        creation_ts=call.now(),
        state=INIT,
        state_ts=call.now(),
        task_id=as_int_or_none(task_id),
        opts=options,
        custom_opts=custom,
    )
    directory = Path(call.paths.repo(repo_id, info["name"]))
    directory.mkdir(parents=True)
    _write_groups(call, directory, info["id"], event_id)
    _write_description(
        directory,
        info,
        {"id": repo_id, "task_id": as_int_or_none(task_id), "event_id": event_id},
        options,
        custom,
    )
    _write_lists(call, directory, info, event_id, options)
    return [repo_id, event_id]


def _write_groups(call: Call, directory: Path, tag_id: int, event: int) -> None:
    groups: Any = get_tag_groups(call, tag_id, event=event)
    (directory / "groups").mkdir()
    comps = koji.generate_comps(groups, expand_groups=True)
    (directory / "groups" / "comps.xml").write_text(comps, encoding="utf-8")


def _write_description(directory: Path, tag: Row, ids: Row, options: Options, custom: Options) -> None:
    description = {
        "id": ids["id"],
        "tag": tag["name"],
        "tag_id": tag["id"],
        "task_id": ids["task_id"],
        "event_id": ids["event_id"],
        "opts": options,
        "custom_opts": custom,
        "with_src": options["src"],
        "with_separate_src": options["separate_src"],
        "with_debuginfo": options["debuginfo"],
    }
    (directory / "repo.json").write_text(json.dumps(description, indent=2), encoding="utf-8")


def _write_lists(call: Call, directory: Path, tag: Row, event: int, options: Options) -> None:
    arches = _repo_arches(tag, options)
    blocked = [
        config["package_name"]
        for config in package_list(call, tag["id"], event=event).values()
        if config["blocked"]
    ]
    builds = tagged_builds(
        call, tag["id"], event=event, inherit=True, latest=not tag["extra"].get("repo_include_all", False)
    )
    paths = koji.PathInfo(topdir=TOPLINK)
    locations = {build["id"]: paths.build(_any(build)).lstrip("/") for build in builds}
    packages: dict[str, list[str]] = {arch: [] for arch in arches}
    rpms: dict[str, list[str]] = {arch: [] for arch in arches}
    for rpm in rpms_of(call, builds):
        if not options["debuginfo"] and koji.is_debuginfo(rpm["name"]):
            continue
        for arch in _arches_of(rpm, arches, options):
            packages[arch].append(f"{locations[rpm['build_id']]}/{paths.rpm(_any(rpm))}")
            rpms[arch].append(json.dumps(rpm))
    for arch in arches:
        home = directory / arch
        home.mkdir()
        (home / TOPLINK).symlink_to(os.path.relpath(call.paths.topdir, home))
        _write_lines(home / "pkglist", packages[arch])
        _write_lines(home / "rpmlist.jsonl", rpms[arch])
        _write_lines(home / "blocklist", blocked)


def _repo_arches(tag: Row, options: Options) -> list[str]:
    arches = [koji.canonArch(arch) for arch in (tag["arches"] or "").split()]
    found = ["src"] if options["separate_src"] else []
    return list(dict.fromkeys(found + [arch for arch in arches if arch not in {"src", "noarch"}]))


def _arches_of(rpm: Row, arches: Iterable[str], options: Options) -> list[str]:
    """The repos that an rpm belongs in."""
    if rpm["arch"] == "src":
        everywhere = list(arches) if options["src"] else []
        return everywhere + (["src"] if options["separate_src"] else [])
    if rpm["arch"] == "noarch":
        return [arch for arch in arches if arch != "src"]
    return [arch for arch in arches if arch == koji.canonArch(rpm["arch"])]


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _any(row: Row) -> Any:
    return row
