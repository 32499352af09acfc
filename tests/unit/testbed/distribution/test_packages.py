"""Debian packages as RPM packages."""

from pathlib import Path

from koji_adjutant.testbed.distribution.packages import conversion
from koji_adjutant.testbed.distribution.recipe import Recipe, RootLayout
from koji_adjutant.testbed.distribution.spec import Spec
from koji_adjutant.testbed.distribution.trees import Tree
from tests.unit.testbed.distribution.trees import tree


def spec_of(trees: list[Tree], recipe: Recipe, layout: RootLayout) -> Spec:
    return conversion(trees, recipe, layout).spec(trees[0])


def test_first_alternative_of_the_set_is_required(tmp_path: Path, recipe: Recipe, layout: RootLayout) -> None:
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


def test_renamed_package_provides_its_name(tmp_path: Path, recipe: Recipe, layout: RootLayout) -> None:
    spec = spec_of(
        [tree(tmp_path, {"Package": "g++", "Provides": "c++-compiler, api (= 3)"})], recipe, layout
    )
    assert spec.name == "gcc-c++"
    assert spec.provides == ["g++ = 1.0-1", "c++-compiler", "api = 3-0"]


def test_development_package_is_found_by_its_rpm_name(
    tmp_path: Path, recipe: Recipe, layout: RootLayout
) -> None:
    assert spec_of([tree(tmp_path, {"Package": "libfoo-dev"})], recipe, layout).provides == [
        "foo-devel = 1.0-1"
    ]


def test_package_keeps_what_the_recipe_adds(tmp_path: Path, recipe: Recipe, layout: RootLayout) -> None:
    spec = spec_of([tree(tmp_path, {"Package": "tool"}, commands=("/bin/tool",))], recipe, layout)
    assert spec.provides == ["/bin/tool", "own"]
    assert spec.scriptlets == "%post\ntrue\n"
    assert spec.description == "In short\n\nlong"
