"""External repos: of tags, by priority, through inheritance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


@pytest.fixture
def repos(hub: ContentHub) -> dict[str, int]:
    """`dist` inherits `base`; three repos."""
    hub.tag("base")
    hub.tag("dist", parent="base")
    return {
        name: hub.admin.createExternalRepo(name, f"http://repo.example/{name}/$arch")["id"]
        for name in ("one", "two", "three")
    }


def names(rows: list[dict[str, str]]) -> list[str]:
    return [row["external_repo_name"] for row in rows]


def test_a_repos_url_is_a_directory(admin: Caller, repos: dict[str, int]) -> None:
    assert admin.getExternalRepo("one") == {
        "id": repos["one"],
        "name": "one",
        "url": "http://repo.example/one/$arch/",
    }
    assert admin.getExternalRepo("four") is None
    with pytest.raises(koji.GenericError, match="No such repo: four"):
        admin.getExternalRepo("four", strict=True)
    assert [repo["name"] for repo in admin.listExternalRepos(url="http://repo.example/two/$arch/")] == ["two"]


def test_a_tags_entry_has_the_real_hubs_fields(admin: Caller, repos: dict[str, int]) -> None:
    admin.addExternalRepoToTag("dist", "one", 10)
    entry = {
        "arches": None,
        "external_repo_id": repos["one"],
        "external_repo_name": "one",
        "merge_mode": "koji",
        "priority": 10,
        "tag_id": admin.getTag("dist")["id"],
        "tag_name": "dist",
        "url": "http://repo.example/one/$arch/",
    }
    assert admin.getTagExternalRepos("dist") == [entry]
    assert admin.getExternalRepoList("dist") == [entry]


@pytest.mark.usefixtures("repos")
def test_the_list_follows_inheritance_then_priority_each_repo_once(admin: Caller) -> None:
    admin.addExternalRepoToTag("base", "one", 1)
    admin.addExternalRepoToTag("base", "two", 2)
    admin.addExternalRepoToTag("dist", "three", 20)
    admin.addExternalRepoToTag("dist", "two", 10, merge_mode="bare", arches="x86_64,i686")
    found = admin.getExternalRepoList("dist")
    assert names(found) == ["two", "three", "one"]
    assert (found[0]["merge_mode"], found[0]["arches"]) == ("bare", "x86_64 i686")
    assert names(admin.getTagExternalRepos("dist")) == ["two", "three"]
    assert names(admin.getTagExternalRepos(repo_info="two")) == ["two", "two"]


@pytest.mark.usefixtures("repos")
def test_a_tag_takes_a_repo_and_a_priority_once(admin: Caller) -> None:
    admin.addExternalRepoToTag("dist", "one", 10)
    with pytest.raises(koji.GenericError, match="already associated with external repo one"):
        admin.addExternalRepoToTag("dist", "one", 20)
    with pytest.raises(koji.GenericError, match="at priority 10"):
        admin.addExternalRepoToTag("dist", "two", 10)
    with pytest.raises(koji.GenericError, match="No such merge mode"):
        admin.addExternalRepoToTag("dist", "two", 20, merge_mode="magic")


@pytest.mark.usefixtures("repos")
def test_edits_and_removals_are_seen_from_their_event_on(admin: Caller) -> None:
    admin.addExternalRepoToTag("dist", "one", 10)
    event = admin.getLastEvent()["id"]
    assert admin.editTagExternalRepo("dist", "one", priority=5) is True
    assert admin.editTagExternalRepo("dist", "one", priority=5) is False
    admin.editExternalRepo("one", url="http://elsewhere.example")
    entry = admin.getTagExternalRepos("dist")[0]
    assert (entry["priority"], entry["url"]) == (5, "http://elsewhere.example/")
    then = admin.getTagExternalRepos("dist", event=event)[0]
    assert (then["priority"], then["url"]) == (10, "http://repo.example/one/$arch/")
    admin.removeExternalRepoFromTag("dist", "one")
    assert admin.getExternalRepoList("dist") == []
    assert names(admin.getExternalRepoList("dist", event=event)) == ["one"]
    with pytest.raises(koji.GenericError, match="not associated"):
        admin.removeExternalRepoFromTag("dist", "one")


@pytest.mark.usefixtures("repos")
def test_a_deleted_repo_leaves_every_tag(admin: Caller) -> None:
    admin.addExternalRepoToTag("dist", "one", 10)
    admin.deleteExternalRepo("one")
    assert admin.getExternalRepo("one") is None
    assert admin.getTagExternalRepos("dist") == []


@pytest.mark.usefixtures("repos")
def test_external_repos_need_permissions(hub: ContentHub, admin: Caller) -> None:
    someone = hub.user("someone")
    with pytest.raises(koji.ActionNotAllowed):
        someone.createExternalRepo("four", "http://repo.example")
    with pytest.raises(koji.ActionNotAllowed):
        someone.addExternalRepoToTag("dist", "one", 10)
    with pytest.raises(koji.GenericError, match="already exists"):
        admin.createExternalRepo("one", "http://repo.example")
