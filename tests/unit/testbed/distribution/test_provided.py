"""What the files of a package provide."""

from pathlib import Path

from koji_adjutant.testbed.distribution.provided import generated_provides
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS
from koji_adjutant.testbed.distribution.trees import Tree, paths_below


def write(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_pkgconfig_modules_are_provided_and_linker_scripts_are_no_libraries(tmp_path: Path) -> None:
    write(tmp_path / "usr" / "lib" / "x86_64-linux-gnu" / "libc.so", "/* GNU ld script */")
    write(tmp_path / "usr" / "lib" / "x86_64-linux-gnu" / "pkgconfig" / "zlib.pc")
    write(tmp_path / "usr" / "share" / "pkgconfig" / "bash-completion.pc")
    tree = Tree(root=tmp_path, fields={}, paths=paths_below(tmp_path), commands=(), conffiles=frozenset())
    assert generated_provides(tree, HOST_TOOLS) == ["pkgconfig(bash-completion)", "pkgconfig(zlib)"]


def test_packages_of_python_are_provided_by_their_metadata(tmp_path: Path) -> None:
    modules = tmp_path / "usr" / "lib" / "python3" / "dist-packages"
    write(modules / "Some_Thing-1.0.dist-info" / "METADATA", "Name: Some_Thing\nVersion: 1.0\n")
    write(modules / "older-2.egg-info" / "PKG-INFO", "Name: older\nVersion: 2.5\n")
    write(modules / "oldest-3.egg-info", "Name: oldest\nVersion: 3\n")
    write(modules / "none" / "METADATA", "Name: none\nVersion: 4\n")
    tree = Tree(root=tmp_path, fields={}, paths=paths_below(tmp_path), commands=(), conffiles=frozenset())
    assert generated_provides(tree, HOST_TOOLS) == [
        "python3dist(older) = 2.5",
        "python3dist(oldest) = 3",
        "python3dist(some-thing) = 1",
    ]
