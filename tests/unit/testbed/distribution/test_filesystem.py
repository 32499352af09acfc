"""The package that has the directories."""

from pathlib import Path

from koji_adjutant.testbed.distribution.filesystem import directory_modes, filesystem_spec, fill
from koji_adjutant.testbed.distribution.packages import conversion
from koji_adjutant.testbed.distribution.recipe import Recipe, RootLayout, read_root_layout
from tests.unit.testbed.distribution.trees import tree


def test_shared_directories_belong_to_the_filesystem(
    tmp_path: Path, recipe: Recipe, layout: RootLayout
) -> None:
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
    layout = read_root_layout()
    modes = directory_modes([], layout.directories, layout)
    fill(tmp_path, modes, layout)
    spec = filesystem_spec(modes, layout, recipe)
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "etc" / "passwd").read_text().startswith("root:x:0:0:")
    assert '%dir %attr(1777,root,root) "/tmp"' in spec.files
    assert '%config(noreplace) %attr(0640,root,root) "/etc/shadow"' in spec.files
    assert "/bin" in spec.files
    assert "dash" in spec.provides
