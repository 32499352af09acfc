"""The table of methods, and that nothing of it is written a second time."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import koji
import pytest
from koji.tasks import LEGACY_SIGNATURES

import koji_adjutant
from koji_adjutant.policy.methods import IN_CONTAINERS, METHODS, NOT_HERE, OF_GROUPS, OF_KOJID, Method

PACKAGE = Path(koji_adjutant.__file__).parent
HERE = {"policy/methods.py", "handlers/registry.py", "cli/doctor/topdir.py"}
"""The table, what binds its rows, and where a channel is meant."""
LEFT_OUT = frozenset({"testbed", "scripts"})
PLAIN_WORDS = frozenset({"build", "default", "fork", "restart", "shutdown", "sleep", "subtask"})
"""Of these a text does not tell whether a method is meant."""
ROWS = pytest.mark.parametrize("row", METHODS.values(), ids=lambda row: row.name)


def test_the_methods_in_containers() -> None:
    assert IN_CONTAINERS == ("buildArch", "buildSRPMFromSCM", "rebuildSRPM", "createrepo")
    assert {group: row.name for group, row in OF_GROUPS.items()} == {
        "build": "buildArch",
        "srpm-build": "rebuildSRPM",
    }


@ROWS
def test_a_row_agrees_with_itself(row: Method) -> None:
    assert row.containers >= bool(row.profile)
    assert bool(row.profile) >= bool(row.install_group) >= row.prewarm


def test_no_group_is_made_ready_for_two_methods() -> None:
    assert len(OF_GROUPS) == sum(row.prewarm for row in METHODS.values())


def test_what_this_builder_has_stands_in_one_part_of_the_table() -> None:
    assert not METHODS.keys() & NOT_HERE.keys()
    assert OF_KOJID.keys() == METHODS.keys() | NOT_HERE.keys()


encode: Any = koji.encode_args
REQUESTS: list[tuple[str, Any, tuple[Any, Any, Any]]] = [
    ("build", ["cli-build/a.src.rpm", "dist", {"repo_id": 7}], (None, None, 7)),
    ("build", ["cli-build/a.src.rpm", "dist"], (None, None, None)),
    ("buildArch", ["a.src.rpm", 2, "i686", True, {"repo_id": 7}], (2, "i686", 7)),
    ("buildArch", ["a.src.rpm", 2, "i686", True, None], (2, "i686", None)),
    ("buildArch", ["a.src.rpm"], (None, None, None)),
    (
        "buildArch",
        encode("a.src.rpm", root=2, arch="i686", keep_srpm=True, opts={"repo_id": 7}),
        (2, "i686", 7),
    ),
    ("rebuildSRPM", ["a.src.rpm", "dist-build", {"repo_id": 7}], ("dist-build", None, 7)),
    ("rebuildSRPM", encode("a.src.rpm", build_tag=2), (2, None, None)),
    ("buildSRPMFromSCM", ["git://h/a#b", "dist-build", {"repo_id": 7}], ("dist-build", None, 7)),
    ("tagBuild", [3, 4, False, None, True], (3, None, None)),
    ("newRepo", ["dist-build"], ("dist-build", None, None)),
    ("createrepo", [7, "x86_64", None], (None, "x86_64", 7)),
    ("waitrepo", ["dist-build", None, []], ("dist-build", None, None)),
    ("sleep", [5], (None, None, None)),
]


@pytest.mark.parametrize(("method", "request_", "found"), REQUESTS)
def test_what_a_request_names(method: str, request_: Any, found: tuple[Any, Any, Any]) -> None:
    row = METHODS[method]
    by_place, by_name = cast("Any", koji.decode_args)(*request_)
    assert tuple(find(by_place, by_name) for find in (row.tag, row.arch, row.repo)) == found


@ROWS
def test_parameters_have_the_names_that_koji_knows(row: Method) -> None:
    """What is found by its place in a request is found by its name too."""
    names = cast("Any", LEGACY_SIGNATURES)[row.name][-1][0]
    values = [f"value of {name}" if name != "opts" else {"repo_id": 7} for name in names]
    by_name = dict(zip(names, values, strict=True))
    for find in (row.tag, row.arch, row.repo):
        assert find(values, {}) == find([], by_name)


def named_elsewhere(path: Path) -> Iterator[str]:
    """Names of methods in a module, but where one is an argument of a call: what a task asks of the hub."""
    tree = ast.parse(path.read_bytes())
    arguments = {
        id(value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for value in (*call.args, *(keyword.value for keyword in call.keywords))
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in arguments:
            continue
        if node.value in OF_KOJID and node.value not in PLAIN_WORDS:
            yield f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"


def test_what_a_method_is_stands_in_the_table_alone() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if not LEFT_OUT & set(path.parts)]
    found = [
        where
        for path in sorted(paths)
        if str(path.relative_to(PACKAGE)) not in HERE
        for where in named_elsewhere(path)
    ]
    assert not found, "\n".join(found)
