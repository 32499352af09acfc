"""Programs of the distribution's release, out of its packages."""

from pathlib import Path

from koji_adjutant.testbed.distribution.tools import ELFDEPS, HOST_TOOLS, Tools, gather
from tests.unit.testbed.distribution.trees import tree

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
LINKER = f"{LIBRARIES}/ld-linux-x86-64.so.2"


def test_programs_and_what_they_need_are_taken(tmp_path: Path) -> None:
    packages = [
        tree(
            tmp_path, {"Package": "libc6"}, LINKER, f"{LIBRARIES}/libc.so.6", f"{LIBRARIES}/gconv/UTF-16.so"
        ),
        tree(
            tmp_path,
            {"Package": "rpm"},
            "/usr/bin/rpm",
            "/usr/bin/rpm2cpio",
            "/usr/lib/rpm/macros",
            "/usr/lib/rpm/macros.d/macros.transaction_unshare",
            f"{LIBRARIES}/rpm-plugins/unshare.so",
        ),
    ]
    link = tmp_path / "rpm" / "usr" / "bin" / "rpmbuild"
    link.symlink_to("rpm")
    again = tree(tmp_path, {"Package": "rpm"})
    gather([packages[0], again], tmp_path / "tools")
    libraries = tmp_path / "tools" / LIBRARIES.lstrip("/")
    assert sorted(path.name for path in libraries.iterdir()) == ["ld-linux-x86-64.so.2", "libc.so.6"]
    assert (tmp_path / "tools" / "usr" / "bin" / "rpmbuild").readlink() == Path("rpm")
    assert (tmp_path / "tools" / "usr" / "lib" / "rpm" / "macros").is_file()
    for left in ("usr/bin/rpm2cpio", "usr/lib/rpm/macros.d", f"{LIBRARIES[1:]}/gconv"):
        assert not (tmp_path / "tools" / left).exists()


def test_they_are_run_by_their_own_linker() -> None:
    tools = Tools(root=Path("/kept"))
    linker = [f"/kept{LINKER}", "--library-path", f"/kept{LIBRARIES}"]
    settings = ["env", "RPM_CONFIGDIR=/kept/usr/lib/rpm"]
    assert tools.command("rpm") == [*settings, *linker, "/kept/usr/bin/rpm"]
    assert tools.command(ELFDEPS) == [*settings, *linker, "/kept/usr/lib/rpm/elfdeps"]
    assert tools.environment == {"MAGIC": "/kept/usr/lib/file/magic.mgc"}


def test_those_of_this_machine_are_found_by_name() -> None:
    assert HOST_TOOLS.command("rpmbuild") == ["rpmbuild"]
    assert HOST_TOOLS.command(ELFDEPS) == ["/usr/lib/rpm/elfdeps"]
    assert not HOST_TOOLS.environment
