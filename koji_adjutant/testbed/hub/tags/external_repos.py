"""External repos: where packages come from that no build of this hub made, and which tags see them."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import arch_list, as_int, require_name
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions
from koji_adjutant.testbed.hub.tags.inheritance import ancestors
from koji_adjutant.testbed.hub.tags.tags import require_tag

EDITABLE = ("priority", "merge_mode", "arches")


@exposed("createExternalRepo")
def create_external_repo(call: Call, name: str, url: str) -> Row:
    call.require_permission("admin")
    require_name(name)
    if _find(call, name, None):
        raise koji.GenericError(f'An external repo named "{name}" already exists')
    repo_id: int = lookups.find_or_create(call, "external_repo", name)["id"]
    url = _directory(url)
    create_version(call, "external_repo_config", external_repo_id=repo_id, url=url)
    return {"id": repo_id, "name": name, "url": url}


@exposed("listExternalRepos")
def list_external_repos(
    call: Call,
    info: Any = None,
    url: str | None = None,
    event: int | None = None,
    queryOpts: QueryOptions = None,
) -> Any:
    return apply_options(_find(call, info, event, url=url), queryOpts)


@exposed("getExternalRepo")
def get_external_repo(call: Call, info: Any, strict: bool = False, event: int | None = None) -> Row | None:
    found = _find(call, info, event)
    if not found and strict:
        raise koji.GenericError(f"No such repo: {info}")
    return found[0] if found else None


@exposed("editExternalRepo")
def edit_external_repo(call: Call, info: Any, name: str | None = None, url: str | None = None) -> None:
    call.require_permission("admin")
    repo = _require(call, info)
    if name and name != repo["name"]:
        require_name(name)
        taken = lookups.id_or_none(call, "external_repo", name)
        if taken is not None:
            raise koji.GenericError(f'name "{name}" is already taken by external repo {taken}')
        call.db.update("external_repo", {"id": repo["id"]}, name=name)
    if url and url != repo["url"]:
        revoke_versions(call, "external_repo_config", external_repo_id=repo["id"])
        create_version(call, "external_repo_config", external_repo_id=repo["id"], url=_directory(url))


@exposed("deleteExternalRepo")
def delete_external_repo(call: Call, info: Any) -> None:
    call.require_permission("admin")
    repo = _require(call, info)
    revoke_versions(call, "tag_external_repos", external_repo_id=repo["id"])
    revoke_versions(call, "external_repo_config", external_repo_id=repo["id"])


@exposed("addExternalRepoToTag")
def add_external_repo_to_tag(
    call: Call, tag_info: Any, repo_info: Any, priority: int, merge_mode: str = "koji", arches: Any = None
) -> None:
    call.require_permission("tag")
    merge_mode = merge_mode or "koji"
    if merge_mode not in koji.REPO_MERGE_MODES:
        raise koji.GenericError(f"No such merge mode: {merge_mode}")
    tag = require_tag(call, tag_info)
    repo = _require(call, repo_info)
    priority = as_int(priority)
    for existing in get_tag_external_repos(call, tag["id"]):
        if existing["external_repo_id"] == repo["id"]:
            raise koji.GenericError(f"tag {tag['name']} already associated with external repo {repo['name']}")
        if existing["priority"] == priority:
            raise koji.GenericError(
                f"tag {tag['name']} already associated with an external repo at priority {priority}"
            )
    create_version(
        call,
        "tag_external_repos",
        tag_id=tag["id"],
        external_repo_id=repo["id"],
        priority=priority,
        merge_mode=merge_mode,
        arches=None if arches is None else arch_list(arches, strict=False),
    )


@exposed("removeExternalRepoFromTag")
def remove_external_repo_from_tag(call: Call, tag_info: Any, repo_info: Any) -> None:
    call.require_permission("tag")
    tag, repo = require_tag(call, tag_info), _require(call, repo_info)
    if not revoke_versions(call, "tag_external_repos", tag_id=tag["id"], external_repo_id=repo["id"]):
        raise koji.GenericError(f"external repo {repo['name']} not associated with tag {tag['name']}")


@exposed("editTagExternalRepo")
def edit_tag_external_repo(
    call: Call,
    tag_info: Any,
    repo_info: Any,
    priority: int | None = None,
    merge_mode: str | None = None,
    arches: str | None = None,
) -> bool:
    """Change what is given; whether anything changed."""
    call.require_permission("tag")
    tag, repo = require_tag(call, tag_info), _require(call, repo_info)
    found = get_tag_external_repos(call, tag["id"], repo["id"])
    if not found:
        raise koji.GenericError(f"external repo {repo['name']} not associated with tag {tag['name']}")
    now = {name: found[0][name] for name in EDITABLE}
    given = {
        "priority": priority,
        "merge_mode": merge_mode,
        "arches": None if arches is None else arch_list(arches),
    }
    wanted = now | {name: value for name, value in given.items() if value is not None}
    if wanted == now:
        return False
    remove_external_repo_from_tag(call, tag["id"], repo["id"])
    add_external_repo_to_tag(call, tag["id"], repo["id"], **wanted)
    return True


@exposed("getTagExternalRepos")
def get_tag_external_repos(
    call: Call, tag_info: Any = None, repo_info: Any = None, event: int | None = None
) -> list[Row]:
    """The external repos of this tag alone, without inherited ones, by priority."""
    conditions = [at_event(event, "tag_external_repos"), at_event(event, "external_repo_config")]
    params: list[int] = []
    if tag_info:
        conditions.append("tag.id = ?")
        params.append(lookups.id_of(call, "tag", tag_info))
    if repo_info:
        conditions.append("external_repo.id = ?")
        params.append(_require(call, repo_info, event)["id"])
    return call.db.all(
        "SELECT external_repo.id AS external_repo_id, external_repo.name AS external_repo_name, "
        "priority, tag.id AS tag_id, tag.name AS tag_name, url, merge_mode, arches "
        "FROM tag_external_repos JOIN tag ON tag.id = tag_id "
        "JOIN external_repo ON external_repo.id = tag_external_repos.external_repo_id "
        "JOIN external_repo_config ON external_repo_config.external_repo_id = external_repo.id "
        f"WHERE {' AND '.join(conditions)} ORDER BY priority",
        params,
    )


@exposed("getExternalRepoList")
def get_external_repo_list(call: Call, tag_info: Any, event: int | None = None) -> list[Row]:
    """All that a tag's builds see: its own first, then its ancestors', each repo once."""
    tag = require_tag(call, tag_info, event)
    found: dict[int, Row] = {}
    for tag_id in ancestors(call, tag["id"], event):
        for repo in get_tag_external_repos(call, tag_id, event=event):
            found.setdefault(repo["external_repo_id"], repo)
    return list(found.values())


def _find(call: Call, info: Any, event: int | None, *, url: str | None = None) -> list[Row]:
    conditions, params = [at_event(event)], list[Any]()
    if info is not None:
        column, value = lookups.key_of(info)
        conditions.append(f"external_repo.{column} = ?")
        params.append(value)
    if url:
        conditions.append("url = ?")
        params.append(url)
    return call.db.all(
        "SELECT id, name, url FROM external_repo JOIN external_repo_config "
        f"ON external_repo_id = id WHERE {' AND '.join(conditions)}",
        params,
    )


def _require(call: Call, info: Any, event: int | None = None) -> Row:
    found = _find(call, info, event)
    if not found:
        raise koji.GenericError(f"No such repo: {info}")
    return found[0]


def _directory(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
