"""Which old repo a new one may take metadata from."""

from typing import Any

from koji_adjutant.handlers.repo.old_repo import find_old_repo
from tests.unit.handlers.replay import ReplaySession

TAG = "dist-md-build"


def kw(**words: Any) -> dict[str, Any]:
    return {**words, "__starstar": True}


def answers(*calls: tuple[str, list[Any], Any]) -> Any:
    return ReplaySession([{"call": name, "args": args, "result": result} for name, args, result in calls])


def test_hint_goes_before_inheritance() -> None:
    tag = {"id": 2, "name": TAG, "extra": {"repo.oldrepo_hint": ["gone", "stable-build"]}}
    session = answers(
        ("getRepo", [2], None),
        ("getTag", ["gone", kw(strict=False)], None),
        ("getTag", ["stable-build", kw(strict=False)], {"id": 8}),
        ("getRepo", [8], {"id": 30}),
    )
    assert find_old_repo(session, tag) == {"id": 30, "tag_id": 8}
    assert session.finished()


def test_nearest_parent_with_a_repo() -> None:
    tag = {"id": 2, "name": TAG, "extra": {"repo.oldrepo_hint": "stable-build"}}
    links = [{"parent_id": 7, "currdepth": 2}, {"parent_id": 5, "currdepth": 1}]
    session = answers(
        ("getRepo", [2], None),
        ("getTag", ["stable-build", kw(strict=False)], {"id": 8}),
        ("getRepo", [8], None),
        ("getFullInheritance", [2], links),
        ("getRepo", [5], None),
        ("getRepo", [7], {"id": 31}),
    )
    assert find_old_repo(session, tag) == {"id": 31, "tag_id": 7}
    assert session.finished()
