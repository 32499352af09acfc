"""Finishing a repo: its metadata moves from the upload directory into place, and it becomes READY."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import koji
import koji.util

from koji_adjutant.testbed.hub.builds.build_files import work_directory
from koji_adjutant.testbed.hub.repos.repo_queue import answer_requests
from koji_adjutant.testbed.hub.repos.repos import EXPIRED, INIT, READY, repos_where, require_repo, set_state
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_type


@exposed("host.repoDone")
def finish_repo(
    call: Call,
    repo_id: Any,
    data: Mapping[str, Any],
    expire: bool = False,
    repo_json_updates: Mapping[str, Any] | None = None,
) -> None:
    """`data` is {arch: [upload path, [file, …]]}."""
    call.require_host()
    repo = require_repo(call, repo_id)
    require_type(data, dict)
    if repo["state"] != INIT:
        raise koji.GenericError(f"Repo {repo['id']} not in INIT state (got {repo['state']})")
    directory = Path(call.paths.repo(repo["id"], repo["tag_name"]))
    if repo_json_updates:
        _update_description(directory / "repo.json", repo_json_updates)
    for arch, (upload_path, files) in data.items():
        home = directory / koji.canonArch(arch)
        if not home.is_dir():
            raise koji.GenericError(f"Repo arch directory missing: {home}")
        _move_metadata(work_directory(call) / upload_path, home, files)
    if expire:
        set_state(call, repo["id"], EXPIRED)
        return
    set_state(call, repo["id"], READY)
    answer_requests(call, repo["id"])
    _link_latest(call, repo, directory.parent / "latest")


def _update_description(path: Path, updates: Mapping[str, Any]) -> None:
    description = json.loads(path.read_text(encoding="utf-8")) | dict(updates)
    path.write_text(json.dumps(description, indent=2), encoding="utf-8")


def _move_metadata(source: Path, home: Path, files: list[str]) -> None:
    (home / "repodata").mkdir(exist_ok=True)
    for name in files:
        if not (source / name).exists():
            raise koji.GenericError(f"uploaded file missing: {source / name}")
        destination = home / name if name.endswith("pkglist") else home / "repodata" / name
        koji.util.safer_move(str(source / name), str(destination))


def _link_latest(call: Call, repo: Row, link: Path) -> None:
    """To this repo, unless it is an unusual one or a newer one is ready."""
    newer = repos_where(
        call,
        "repo.tag_id = :tag AND repo.state = :ready AND create_event > :event AND custom_opts = '{}'",
        {"tag": repo["tag_id"], "ready": READY, "event": repo["create_event"]},
    )
    if repo["custom_opts"] or newer:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(str(repo["id"]))
