"""Debian packages as RPM packages."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.filesystem import directory_modes, filesystem_spec, fill
from koji_adjutant.testbed.distribution.packages import conversion
from koji_adjutant.testbed.distribution.recipe import Layout, Recipe, read_layout, read_recipe
from koji_adjutant.testbed.distribution.spec import Spec
from koji_adjutant.testbed.distribution.trees import Tree, paths_below


@pytest.fixture
def recipe() -> Recipe:
    """The distribution's, with one entry of each kind."""
    return dataclasses.replace(
        read_recipe(),
        dropped=frozenset(["dash"]),
        names={"g++": "gcc-c++"},
        provides={"tool": ("own",)},
        requires={"tool": ("said",)},
        scriptlets={"tool": "%post\ntrue\n"},
    )


@pytest.fixture
def layout() -> Layout:
    return dataclasses.replace(
        read_layout(), directories={"/": 0o755, "/usr": 0o755}, links={"/bin": "usr/bin"}, files={}
    )


def tree(root: Path, fields: Mapping[str, str], *files: str, commands: tuple[str, ...] = ()) -> Tree:
    for file in files:
        path = root / fields["Package"] / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
    where = root / fields["Package"]
    where.mkdir(exist_ok=True)
    full = {"Version": "1.0-1", "Architecture": "amd64", "Description": "a tool\nIn short\n.\nlong", **fields}
    return Tree(
        root=where,
        fields=full,
        paths=paths_below(where),
        commands=commands,
        conffiles=frozenset(["/etc/tool.conf"]),
    )


def spec_of(trees: list[Tree], recipe: Recipe, layout: Layout) -> Spec:
    return conversion(trees, recipe, layout).spec(trees[0])


def test_first_alternative_of_the_set_is_required(tmp_path: Path, recipe: Recipe, layout: Layout) -> None:
    depends = "nowhere | g++ (>= 4), dash, virtual, absent | missing"
    packages = [
        tree(tmp_path, {"Package": "tool", "Depends": depends}),
        tree(tmp_path, {"Package": "g++", "Provides": "virtual (= 2)"}),
    ]
    assert spec_of(packages, recipe, layout).requires == [
        "minidistro-filesystem",
        "said",
        "g++ >= 4",
        "virtual",
    ]


def test_renamed_package_provides_its_name(tmp_path: Path, recipe: Recipe, layout: Layout) -> None:
    spec = spec_of(
        [tree(tmp_path, {"Package": "g++", "Provides": "c++-compiler, api (= 3)"})], recipe, layout
    )
    assert spec.name == "gcc-c++"
    assert spec.provides == ["g++ = 1.0-1", "c++-compiler", "api = 3-0"]


def test_development_package_is_found_by_its_rpm_name(tmp_path: Path, recipe: Recipe, layout: Layout) -> None:
    assert spec_of([tree(tmp_path, {"Package": "libfoo-dev"})], recipe, layout).provides == [
        "foo-devel = 1.0-1"
    ]


def test_package_keeps_what_the_recipe_adds(tmp_path: Path, recipe: Recipe, layout: Layout) -> None:
    spec = spec_of([tree(tmp_path, {"Package": "tool"}, commands=("/bin/tool",))], recipe, layout)
    assert spec.provides == ["/bin/tool", "own"]
    assert spec.scriptlets == "%post\ntrue\n"
    assert spec.description == "In short\n\nlong"


def test_shared_directories_belong_to_the_filesystem(tmp_path: Path, recipe: Recipe, layout: Layout) -> None:
    packages = [
        tree(tmp_path, {"Package": "tool"}, "/etc/tool.conf", "/usr/lib/tool/data"),
        tree(tmp_path, {"Package": "other"}, "/usr/lib/other"),
    ]
    common = conversion(packages, recipe, layout)
    assert common.shared == {"/", "/usr", "/usr/lib"}
    assert common.spec(packages[0]).files == [
        '%dir %attr(0755,root,root) "/etc"',
        '%config(noreplace) %attr(0644,root,root) "/etc/tool.conf"',
        '%dir %attr(0755,root,root) "/usr/lib/tool"',
        '%attr(0644,root,root) "/usr/lib/tool/data"',
    ]
    modes = directory_modes(packages, common.shared, layout)
    assert modes == {"/": 0o755, "/usr": 0o755, "/usr/lib": 0o755}


def test_filesystem_owns_links_and_accounts_and_provides_what_was_dropped(
    tmp_path: Path, recipe: Recipe
) -> None:
    layout = read_layout()
    modes = directory_modes([], layout.directories, layout)
    fill(tmp_path, modes, layout)
    spec = filesystem_spec(modes, layout, recipe)
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "etc" / "passwd").read_text().startswith("root:x:0:0:")
    assert '%dir %attr(1777,root,root) "/tmp"' in spec.files
    assert '%config(noreplace) %attr(0640,root,root) "/etc/shadow"' in spec.files
    assert "/bin" in spec.files
    assert "dash" in spec.provides
