"""What the installer's script leaves in a root; rpm is played, and the root is a directory of the test's."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from koji_adjutant.buildroot.installer import SCRIPT

RPM = """\
#!/bin/bash
echo "rpm $*" >>"$PLAY/calls"
ls -A "$PLAY/root/etc" >"$PLAY/before"
mkdir -p "$PLAY/root/etc/default"
printf 'root:x:0:0:root:/root:/bin/bash\\nmockbuild:x:77:77::/gone:/bin/false\\n' >"$PLAY/root/etc/passwd"
printf 'root:x:0:\\nmock:x:7:\\n' >"$PLAY/root/etc/group"
printf 'root:*:1::::::\\n' >"$PLAY/root/etc/shadow"
chmod 640 "$PLAY/root/etc/shadow"
printf 'SHELL=/bin/zsh\\n' >"$PLAY/root/etc/default/useradd"
echo own >"$PLAY/root/etc/resolv.conf"
"""


class Play:
    """A root, packages, and an rpm that brings what some packages bring."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        for name in ("bin", "packages", "root"):
            (directory / name).mkdir()
        (directory / "packages" / "a.rpm").touch()
        for name, text in (
            ("rpm", RPM),
            ("rpmkeys", "#!/bin/bash\n"),
            ("setarch", '#!/bin/bash\necho "$1" >"$PLAY/machine"\nexec "${@:2}"\n'),
        ):
            (directory / "bin" / name).write_text(text)
            (directory / "bin" / name).chmod(0o755)

    def run(self, mode: str, *, timezone: str = "", machine: str = "", forced: str = "") -> str:
        """Run the script on the root; what rpm was called with."""
        text = SCRIPT.read_text().replace("root=/buildroot", f"root={self.root}")
        text = text.replace("/packages -name", f"{self.directory}/packages -name")
        user = ("mockbuild", str(os.getuid()), "mock", str(os.getgid()), "/builddir", "/chroot_tmpdir")
        done = subprocess.run(
            ["/bin/bash", "-c", text, "install.sh", mode, *user, timezone, machine, forced],
            env={"PATH": f"{self.directory}/bin:{os.environ['PATH']}", "PLAY": str(self.directory)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return (self.directory / "calls").read_text()

    def etc(self, name: str) -> str:
        return (self.root / "etc" / name).read_text()


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_files_of_mock_are_there_before_packages_are(play: Play) -> None:
    play.run("base", timezone="/usr/share/zoneinfo/Asia/Tokyo")
    before = (play.directory / "before").read_text().split()
    assert {"fstab", "hosts", "resolv.conf", "machine-id", "localtime", "yum.conf", "dnf", "rpm"} <= set(
        before
    )
    assert play.root.stat().st_mode & 0o7777 == 0o755
    assert (play.root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert str((play.root / "etc" / "localtime").readlink()) == "/usr/share/zoneinfo/Asia/Tokyo"
    assert re.fullmatch(r"[0-9a-f]{32}\n", play.etc("machine-id"))
    assert str((play.root / "var/lib/dbus/machine-id").readlink()) == "../../../etc/machine-id"


def test_what_packages_bring_gives_way_where_mock_sets_it_again(play: Play) -> None:
    play.run("base")
    assert play.etc("resolv.conf") == ""
    assert str((play.root / "etc" / "mtab").readlink()) == "../proc/self/mounts"
    assert play.etc("os-release") == ""
    assert not (play.root / "etc" / "localtime").is_symlink()


def test_the_build_user_replaces_one_of_its_name(play: Play) -> None:
    play.run("base")
    ids = f"{os.getuid()}:{os.getgid()}"
    assert play.etc("passwd").splitlines()[1:] == [f"mockbuild:x:{ids}::/builddir:/bin/zsh"]
    assert play.etc("group").splitlines() == ["root:x:0:", f"mock:x:{os.getgid()}:"]
    assert re.search(r"^mockbuild:!:\d+:0:99999:7:::$", play.etc("shadow"), re.MULTILINE)
    assert (play.root / "etc/shadow").stat().st_mode & 0o7777 == 0o640
    assert not (play.root / "etc/gshadow").exists()
    made = {path.name for path in (play.root / "builddir" / "build").iterdir()}
    assert made == {"RPMS", "SPECS", "SRPMS", "SOURCES", "BUILD", "BUILDROOT", "originals"}
    assert (play.root / "chroot_tmpdir").is_dir()


def test_packages_that_are_added_change_nothing_else(play: Play) -> None:
    play.run("base")
    (play.root / "etc/passwd").write_text("x\n")
    (play.root / "etc/resolv.conf").write_text("x\n")
    calls = play.run("more")
    assert calls.count("rpm ") == 2
    assert not play.etc("passwd").startswith("x")
    assert "mockbuild:x:77:77" in play.etc("passwd")


def test_scriptlets_of_32_bits_see_a_machine_of_32_bits(play: Play) -> None:
    assert "--ignorearch" not in play.run("base", machine="i686")
    assert (play.directory / "machine").read_text() == "i686\n"


def test_packages_of_a_forced_arch_are_taken(play: Play) -> None:
    assert "--ignorearch" in play.run("base", forced="forced")
    assert not (play.directory / "machine").exists()
