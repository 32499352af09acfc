"""kojid's command line."""

from pathlib import Path

import pytest

from koji_adjutant.cli.arguments import parse
from koji_adjutant.config import load_config

ALL_FLAGS = """
-c /x -f -v -d --force-lock --debug-task --debug-xmlrpc --debug-mock --skip-main --single --user u --password p
--maxjobs 1 --minspace 2 --sleeptime 3 --admin-emails a@b --topdir /t --topurl http://f --workdir /w
--chroot-tmpdir /c --pluginpath /p --plugin one --plugin two --mockdir /m --mockuser k -s http://h --pkgurl z
"""


def test_as_the_systemd_unit_has_it() -> None:
    given = parse(["--fg", "--force-lock", "--verbose"])
    assert (given.foreground, given.force_lock, given.verbose, given.skip_main) == (True, True, True, False)
    assert given.config == Path("/etc/kojid/kojid.conf")
    assert given.overrides == {}


def test_every_flag_of_kojid() -> None:
    given = parse(
        [
            "-c",
            "/x",
            "-f",
            "-v",
            "-d",
            "--force-lock",
            "--debug-task",
            "--debug-xmlrpc",
            "--debug-mock",
            "--skip-main",
            "--single",
            "--user",
            "u",
            "--password",
            "p",
            "--maxjobs",
            "1",
            "--minspace",
            "2",
            "--sleeptime",
            "3",
            "--admin-emails",
            "a@b",
            "--topdir",
            "/t",
            "--topurl",
            "http://f",
            "--workdir",
            "/w",
            "--chroot-tmpdir",
            "/c",
            "--pluginpath",
            "/p",
            "--plugin",
            "one",
            "--plugin",
            "two",
            "--mockdir",
            "/m",
            "--mockuser",
            "k",
            "-s",
            "http://h",
            "--pkgurl",
            "z",
        ]
    )
    assert given.config == Path("/x")
    assert given.skip_main
    assert given.overrides == {
        "server": "http://h",
        "debug": True,
        "user": "u",
        "password": "p",
        "maxjobs": "1",
        "minspace": "2",
        "sleeptime": "3",
        "admin_emails": "a@b",
        "topdir": "/t",
        "topurl": "http://f",
        "workdir": "/w",
        "chroot_tmpdir": "/c",
        "pluginpath": "/p",
        "mockdir": "/m",
        "mockuser": "k",
        "pkgurl": "z",
        "debug_task": True,
        "debug_xmlrpc": True,
        "single": True,
        "plugin": ("one", "two"),
    }


def test_all_of_it_is_understood_by_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text("[kojid]\n")
    given = parse(
        ["--single", "-d", "-s", "http://h", "--topurl", "http://f", "--maxjobs", "3", "--plugin", "one"]
    )
    config = load_config(file, overrides=given.overrides, environment={})
    assert (config.single, config.debug, config.maxjobs, config.plugin) == (True, True, 3, ("one",))


def test_one_task_means_the_foreground() -> None:
    assert parse(["--single"]).foreground


@pytest.mark.parametrize("argv", [["--colour"], ["start"]])
def test_what_is_wrong_ends_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == 2
    assert "kojid: error" in capsys.readouterr().err
