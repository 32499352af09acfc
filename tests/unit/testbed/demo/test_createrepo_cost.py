"""createrepo's commands without the task."""

from pathlib import Path

from koji_adjutant.testbed.demo.createrepo_cost import redirected


def test_a_command_goes_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "mergerepos.log"
    log.write_text(
        "$ /usr/bin/mergerepo_c --koji -o /work/repo -r file:///work/repo_3_premerge/ -r http://h/x/\nsaid\n"
    )
    assert redirected(log, tmp_path / "out", "file:///mine/") == [
        "/usr/bin/mergerepo_c",
        "--koji",
        "-o",
        str(tmp_path / "out"),
        "-r",
        "file:///mine/",
        "-r",
        "http://h/x/",
    ]
    assert (tmp_path / "out").is_dir()


def test_an_empty_repo_is_made_of_its_output(tmp_path: Path) -> None:
    log = tmp_path / "createrepo.log"
    log.write_text("$ /usr/bin/createrepo_c -vd -o /work/repo -g /top/comps.xml /work/repo\n")
    out = str(tmp_path / "out")
    assert redirected(log, tmp_path / "out", "file:///mine/") == [
        *("/usr/bin/createrepo_c", "-vd", "-o", out, "-g", "/top/comps.xml", out)
    ]
