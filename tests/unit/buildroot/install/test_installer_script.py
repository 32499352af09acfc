"""What the installer's script leaves in a root, a directory of the test's; the transaction is played."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install import installer
from koji_adjutant.buildroot.install.installer import SCRIPT

RPM = """\
#!/bin/bash
echo "$*" >>"$PLAY/calls"
ls -A "$PLAY/root/etc" >"$PLAY/before"
mkdir -p "$PLAY/root/etc/default"
printf 'root:x:0:0:root:/root:/bin/bash\\nmockbuild:x:77:77::/gone:/bin/false\\n' >"$PLAY/root/etc/passwd"
printf 'root:x:0:\\nmock:x:7:\\n' >"$PLAY/root/etc/group"
printf 'root:*:1::::::\\n' >"$PLAY/root/etc/shadow"
chmod 640 "$PLAY/root/etc/shadow"
printf 'SHELL=/bin/zsh\\n' >"$PLAY/root/etc/default/useradd"
echo own >"$PLAY/root/etc/resolv.conf"
"""


TRANSACTION = "import subprocess, sys; subprocess.run(['transaction', *sys.argv[1:]], check=True)"


class Play:
    """A root, packages, and a transaction that brings what some packages bring."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        for name in ("bin", "packages", "root"):
            (directory / name).mkdir()
        (directory / "packages" / "a.rpm").touch()
        (directory / "packages" / "of no rpm").touch()
        for name, text in (
            ("transaction", RPM),
            ("rpmkeys", "#!/bin/bash\n"),
            ("setarch", '#!/bin/bash\necho "$1" >"$PLAY/machine"\nexec "${@:2}"\n'),
        ):
            (directory / "bin" / name).write_text(text)
            (directory / "bin" / name).chmod(0o755)

    def run(
        self, mode: str, *erased: str, timezone: str = "", machine: str = "", forced: str = ""
    ) -> list[str]:
        """Run the script on the root; the arguments of each transaction."""
        done = self.end(mode, *erased, timezone=timezone, machine=machine, forced=forced)
        assert done.returncode == 0, done.stderr
        return (self.directory / "calls").read_text().splitlines()

    def end(
        self, mode: str, *erased: str, timezone: str = "", machine: str = "", forced: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run it; how it ended."""
        text = SCRIPT.read_text().replace("root=/buildroot", f"root={self.root}")
        text = text.replace("/sys/fs/cgroup/", f"{self.directory}/cgroup/")
        text = text.replace("packages=/packages", f"packages={self.directory}/packages")
        user = ("mockbuild", str(os.getuid()), "mock", str(os.getgid()), "/builddir", "/chroot_tmpdir")
        options = (timezone, machine, forced, TRANSACTION)
        return subprocess.run(
            ["/bin/bash", "-c", text, "install.sh", mode, *user, *options, *erased],
            env={"PATH": f"{self.directory}/bin:{os.environ['PATH']}", "PLAY": str(self.directory)},
            capture_output=True,
            text=True,
            check=False,
        )

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
    assert len(calls) == 2
    assert not play.etc("passwd").startswith("x")
    assert "mockbuild:x:77:77" in play.etc("passwd")


def test_scriptlets_of_32_bits_see_a_machine_of_32_bits(play: Play) -> None:
    assert play.run("base", machine="i686") == [f"{play.root} {play.directory}/packages "]
    assert (play.directory / "machine").read_text() == "i686\n"


def test_packages_of_a_forced_arch_are_taken(play: Play) -> None:
    assert play.run("base", forced="forced") == [f"{play.root} {play.directory}/packages forced"]
    assert not (play.directory / "machine").exists()


def test_a_scriptlet_that_kills_rpm_has_not_killed_the_container(play: Play) -> None:
    """Whose PID 1 is the script; 137 is left to who ends that from outside, and to the kernel."""
    (play.directory / "bin" / "transaction").write_text("#!/bin/bash\nkill -9 $PPID\n")
    done = play.end("base")
    assert done.returncode == 1
    assert "error: rpm was killed, by a scriptlet" in done.stdout
    (play.directory / "cgroup").mkdir()
    (play.directory / "cgroup" / "memory.events").write_text("oom 2\noom_kill 1\n")
    done = play.end("base")
    assert done.returncode == 137
    assert "the kernel has killed 1 processes for want of memory" in done.stdout


MACRO_OF_A_RUN = """\
import runpy, rpm, sys
runpy.run_path(sys.argv[1])["main"](sys.argv[2], sys.argv[3], "")
print(rpm.expandMacro("<%{__transaction_unshare}>"))
"""


def test_scriptlets_have_no_namespaces_made_for_them(tmp_path: Path) -> None:
    """rpm's unshare plugin wants a privilege that the installer does not have."""
    for name in ("root", "packages"):
        (tmp_path / name).mkdir()
    done = subprocess.run(
        [
            "/usr/bin/python3",
            "-c",
            MACRO_OF_A_RUN,
            installer.TRANSACTION,
            tmp_path / "root",
            tmp_path / "packages",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "<>\n"


def test_what_is_erased_goes_in_the_same_transaction(play: Play) -> None:
    play.run("base")
    _, call = play.run("more", "a-1-1.noarch", "$(b)-1:1-1.noarch")
    assert call == f"{play.root} {play.directory}/packages  a-1-1.noarch $(b)-1:1-1.noarch"


def test_a_root_may_only_lose_something(play: Play) -> None:
    play.run("base")
    (play.directory / "packages" / "a.rpm").unlink()
    _, call = play.run("more", "a-1-1.noarch")
    assert call == f"{play.root} {play.directory}/packages  a-1-1.noarch"
