"""Which spec file of a checkout is taken, and what it may not begin with."""

from pathlib import Path

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.task_adapters.sources.spec_file import check_spec, find_spec


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout of `hello`, without a file."""
    (tmp_path / "scmroot" / "hello").mkdir(parents=True)
    return tmp_path / "scmroot"


def found(tree: Path, *files: str, with_layout: bool = True) -> str:
    directory = tree / "hello"
    for name in files:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text("Name: hello\n")
    return str(find_spec(directory, tree, with_layout=with_layout).relative_to(directory))


@pytest.mark.parametrize(
    ("files", "spec"),
    [
        (["other.spec"], "other.spec"),
        (["SPECS/other.spec"], "SPECS/other.spec"),
        (["a.spec", "SPECS/b.spec"], "a.spec"),
        (["a.spec", "hello.spec"], "hello.spec"),
        (["SPECS/a.spec", "SPECS/hello.spec"], "SPECS/hello.spec"),
        ([".hidden.spec", "a.spec"], "a.spec"),
    ],
)
def test_the_spec_file(tree: Path, files: list[str], spec: str) -> None:
    assert found(tree, *files) == spec


def test_no_spec_file(tree: Path) -> None:
    with pytest.raises(BuildFailed, match=r"^No spec file found$"):
        found(tree, "hello.txt", "deeper/hello.spec")


def test_no_layout_where_it_is_switched_off(tree: Path) -> None:
    with pytest.raises(BuildFailed, match="No spec file found"):
        found(tree, "SPECS/hello.spec", with_layout=False)


def test_several_spec_files(tree: Path) -> None:
    with pytest.raises(
        BuildFailed,
        match=r"^Multiple spec files found but none is matching SCM checkout dir name: 'a.spec', 'b.spec'$",
    ):
        found(tree, "a.spec", "b.spec")


def test_a_module_that_is_not_there(tree: Path) -> None:
    with pytest.raises(BuildFailed, match="No spec file found"):
        find_spec(tree / "hello" / "missing", tree, with_layout=True)


@pytest.mark.parametrize("target", ["/etc/hostname", "../../secret", "missing"])
def test_a_link_out_of_the_checkout_is_not_followed(tree: Path, target: str) -> None:
    (tree.parent / "secret").write_text("secret")
    (tree / "hello" / "hello.spec").symlink_to(target)
    with pytest.raises(BuildFailed, match=r"spec file 'hello\.spec' is no file of the checkout"):
        found(tree)


def test_a_directory_out_of_the_checkout_is_not_looked_into(tree: Path) -> None:
    (tree.parent / "elsewhere").mkdir()
    (tree.parent / "elsewhere" / "a.spec").write_text("")
    (tree / "hello" / "SPECS").symlink_to("../../elsewhere")
    with pytest.raises(BuildFailed, match="is no file of the checkout"):
        found(tree)


def test_a_link_within_the_checkout_is(tree: Path) -> None:
    (tree / "hello" / "SPECS").mkdir()
    (tree / "hello" / "SPECS" / "hello.spec").symlink_to("../hello.in")
    (tree / "hello" / "hello.in").write_text("")
    assert found(tree) == "SPECS/hello.spec"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Packager: me\n", "Packager is not allowed to be set in spec file"),
        ("Vendor:me\n", "Vendor is not allowed to be set in spec file"),
        ("%define  distribution\tmine\n", "distribution is not allowed to be defined in spec file"),
    ],
)
def test_what_a_spec_file_may_not_begin_with(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.spec").write_text(text)
    with pytest.raises(BuildFailed, match=f"^{said}$"):
        check_spec(tmp_path / "a.spec")


@pytest.mark.parametrize(
    "text", ["Name: a\nPackager: me\n", " Packager: me\n", "#\n%define vendor me\n", "%global vendor me\n"]
)
def test_kojid_looks_no_further(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.spec").write_bytes(text.encode() + b"\xff\xfe")
    check_spec(tmp_path / "a.spec")
