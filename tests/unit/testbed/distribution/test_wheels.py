"""Wheels as trees: where their files go, what they are called, and what they require and provide."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.packages import conversion
from koji_adjutant.testbed.distribution.programs import ProgramFailed
from koji_adjutant.testbed.distribution.recipe import Recipe, RootLayout
from koji_adjutant.testbed.distribution.trees import Tree
from koji_adjutant.testbed.distribution.wheels import (
    Interpreter,
    fetch,
    unpack_wheel,
    wanted_extras,
    wheel_trees,
)

PYTHON = Interpreter(version="3.11.2", machine="x86_64")
METADATA = "Metadata-Version: 2.1\nName: tool\nVersion: 1.5.0\nSummary: A tool\nRequires-Dist: other>=2\n"
MODULES = "/usr/lib/python3/dist-packages"


def make_wheel(directory: Path, files: Mapping[str, str], *, pure: bool = True, name: str = "tool") -> Path:
    info = f"{name}-1.5.0.dist-info"
    content = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": METADATA.replace("Name: tool", f"Name: {name}"),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **{path.replace("INFO", info): text for path, text in files.items()},
    }
    wheel = directory / f"{name}-1.5.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return wheel


def unpacked(tmp_path: Path, files: Mapping[str, str], *, pure: bool = True) -> Tree:
    wheel = make_wheel(tmp_path, files, pure=pure)
    work = tmp_path / "work"
    work.mkdir()
    tree = unpack_wheel(wheel, work, PYTHON, {"tool": ()}, "amd64")
    assert list(work.iterdir()) == [tree.root]
    return tree


def modes(tree: Tree) -> dict[str, int]:
    return {path: status.st_mode & 0o777 for path, status in tree.paths.items()}


def test_modules_are_where_the_interpreter_looks(tmp_path: Path) -> None:
    tree = unpacked(tmp_path, {})
    assert tree.fields["Package"] == "python3-tool"
    assert (tree.fields["Version"], tree.fields["Architecture"]) == ("1.5.0-1", "all")
    assert modes(tree)[f"{MODULES}/tool/__init__.py"] == 0o644
    assert f"{MODULES}/tool-1.5.0.dist-info/RECORD" not in tree.paths
    assert tree.requires == ("python3", "python3dist(other) >= 2")
    assert tree.provides == ("tool = 1.5.0-1",)


def test_entry_points_and_scripts_are_programs(tmp_path: Path) -> None:
    tree = unpacked(
        tmp_path,
        {
            "INFO/entry_points.txt": "[console_scripts]\ntool = tool:main\n",
            "tool-1.5.0.data/scripts/older": "#!python\nprint(1)\n",
            "tool-1.5.0.data/data/share/tool/text": "text",
            "tool-1.5.0.data/purelib/more.py": "",
        },
    )
    assert (tree.fields["Package"], tree.provides) == ("tool", ("python3-tool = 1.5.0-1",))
    assert modes(tree)["/usr/bin/tool"] == modes(tree)["/usr/bin/older"] == 0o755
    assert (tree.root / "usr/bin/tool").read_text().startswith("#!/usr/bin/python3\nimport sys\n")
    assert (tree.root / "usr/bin/older").read_text() == "#!/usr/bin/python3\nprint(1)\n"
    assert {"/usr/share/tool/text", f"{MODULES}/more.py"} <= set(tree.paths)
    assert not [path for path in tree.paths if ".data" in path]


def test_machine_code_is_of_one_architecture(tmp_path: Path) -> None:
    tree = unpacked(tmp_path, {"tool/fast.cpython-311-x86_64-linux-gnu.so": ""}, pure=False)
    assert tree.fields["Architecture"] == "amd64"
    assert "glibc" in tree.requires


def test_package_of_it_provides_what_others_require(
    tmp_path: Path, recipe: Recipe, layout: RootLayout
) -> None:
    spec = conversion([tree := unpacked(tmp_path, {})], recipe, layout).spec(tree)
    assert (spec.name, str(spec.version), spec.noarch) == ("python3-tool", "1.5.0-1", True)
    assert {"python3dist(tool) = 1.5", "tool = 1.5.0-1"} <= set(spec.provides)
    assert "python3dist(other) >= 2" in spec.requires


def test_extras_are_those_of_the_pins() -> None:
    pins = "# why\n\nSome.Tool[b,a]==1.5 --hash=sha256:0\nother==2 --hash=sha256:1\n"
    assert wanted_extras(pins) == {"some-tool": frozenset({"a", "b"}), "other": frozenset()}


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels that is all that pip knows."""
    shop = tmp_path / "shop"
    shop.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    return shop


def pin(wheel: Path, pins: Path, extra: str = "") -> Path:
    checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pins.write_text(f"tool{extra}==1.5.0 --hash=sha256:{checksum}\n")
    return pins


def test_wheels_are_fetched_once_and_those_of_other_pins_go(offline: Path, tmp_path: Path) -> None:
    wheel, kept = make_wheel(offline, {}), tmp_path / "kept"
    first = fetch(pin(wheel, tmp_path / "pins"), kept, PYTHON)
    assert [path.read_bytes() for path in first] == [wheel.read_bytes()]
    wheel.unlink()
    assert fetch(tmp_path / "pins", kept, PYTHON) == first
    other = fetch(pin(make_wheel(offline, {"tool/more.py": ""}), tmp_path / "pins"), kept, PYTHON)
    assert other != first
    assert list(kept.iterdir()) == [other[0].parent]
    work = tmp_path / "work"
    work.mkdir()
    trees = wheel_trees(tmp_path / "pins", kept, work, PYTHON, "amd64")
    assert [tree.fields["Package"] for tree in trees] == ["python3-tool"]


def test_a_wheel_of_another_hash_is_not_taken(offline: Path, tmp_path: Path) -> None:
    pins = pin(make_wheel(offline, {}), tmp_path / "pins")
    make_wheel(offline, {"tool/evil.py": ""})
    with pytest.raises(ProgramFailed, match=r"(?i)hash"):
        fetch(pins, tmp_path / "kept", PYTHON)
    assert not list((tmp_path / "kept").iterdir())
