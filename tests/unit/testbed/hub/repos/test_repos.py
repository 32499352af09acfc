"""Repos: what repoInit writes, what repoDone moves, and the states between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

from tests.unit.testbed.hub.repos.repo_files import KEYS, directory

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def ready(builder: Caller, tag: str = "dist", **options: Any) -> int:
    repo_id: int = builder.host.repoInit(tag, **options)[0]
    builder.host.repoDone(repo_id, {})
    return repo_id


@pytest.mark.usefixtures("tag")
def test_latest_is_the_newest_usual_repo(hub: ContentHub, builder: Caller) -> None:
    older, newer = (builder.host.repoInit("dist")[0] for _ in range(2))
    link = directory(hub, older).parent / "latest"
    builder.host.repoDone(newer, {})
    builder.host.repoDone(older, {})
    assert link.readlink().name == str(newer)
    ready(builder, opts={"src": True})
    assert link.readlink().name == str(newer)


@pytest.mark.usefixtures("tag")
def test_get_repo_gives_the_newest_of_a_state(admin: Caller, builder: Caller) -> None:
    assert admin.getRepo("dist") is None
    first, second = ready(builder), ready(builder)
    third, event = builder.host.repoInit("dist")
    assert admin.getRepo("dist")["id"] == second
    assert admin.getRepo("dist", state=koji.REPO_INIT)["id"] == third
    assert admin.getRepo("dist", event=event)["id"] == third
    assert admin.getRepo("dist", event=admin.repoInfo(first)["create_event"])["id"] == first
    assert admin.getRepo("dist", min_event=event) is None
    assert admin.getRepo("dist", dist=True) is None
    with pytest.raises(koji.GenericError):
        admin.getRepo("nothing")


@pytest.mark.usefixtures("tag")
def test_states_only_go_forward(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = ready(builder)
    admin.repoExpire(repo_id)
    admin.repoExpire(repo_id)
    with pytest.raises(koji.GenericError, match="EXPIRED -> READY"):
        admin.repo.setState(repo_id, koji.REPO_READY)
    admin.repoProblem(repo_id)
    assert admin.repoDelete(repo_id) == 0
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_DELETED
    with pytest.raises(koji.GenericError, match="is deleted"):
        admin.repoProblem(repo_id)
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("someone").repoExpire(repo_id)
    assert admin.repoInfo(repo_id + 1) is None
    with pytest.raises(koji.GenericError):
        admin.repoInfo(repo_id + 1, strict=True)


@pytest.mark.usefixtures("tag")
def test_an_unexpired_buildroot_keeps_its_repo(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = ready(builder)
    buildroot = hub.buildroot(builder, repo_id)
    assert admin.repoDelete(repo_id) == 1
    assert [row["id"] for row in admin.repo.references(repo_id)] == [buildroot]
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    assert admin.repoDelete(repo_id) == 0
    assert admin.getActiveRepos() == []


@pytest.mark.usefixtures("tag")
def test_repo_query(admin: Caller, builder: Caller) -> None:
    first, second = ready(builder), ready(builder)

    def found(*clauses: list[Any], **options: Any) -> list[int]:
        return [row["id"] for row in admin.repo.query(list(clauses), ["id"], options)]

    assert found(["tag_name", "dist"], order="id") == [first, second]
    assert found(["id", "!=", first]) == [second]
    assert found(["id", [first]]) == [first]
    assert found(["create_event", ">", admin.repoInfo(first)["create_event"]]) == [second]
    assert found(["end_event", "<", 1000]) == []
    assert found(["opts", "@>", {"src": False}], ["custom_opts", "<@", {}], order="-id") == [second, first]
    assert set(admin.repo.query([["id", first]])[0]) == {
        *("id", "tag_id", "create_event", "state", "dist", "task_id", "opts", "custom_opts")
    }
    assert set(admin.repo.query([["id", first]], "**")[0]) == KEYS
    with pytest.raises(koji.ParameterError, match="Invalid field"):
        found(["colour", "red"])
    with pytest.raises(koji.ParameterError, match="Invalid operator"):
        found(["id", "LIKE", "1"])
