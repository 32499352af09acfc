"""Unpacked packages, shaped."""

import re
from pathlib import Path

from koji_adjutant.testbed.distribution.trees import merge_usr, paths_below, trim


def write(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_usr_is_merged_and_what_it_has_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "bin" / "ls", "real")
    write(tmp_path / "sbin" / "ldconfig", "new")
    write(tmp_path / "usr" / "sbin" / "ldconfig", "kept")
    write(tmp_path / "lib" / "x86" / "libc.so", "library")
    write(tmp_path / "usr" / "lib" / "x86" / "libm.so", "library")
    assert merge_usr(tmp_path) == ("/bin/ls", "/sbin/ldconfig")
    assert sorted(paths_below(tmp_path)) == [
        "/usr",
        "/usr/bin",
        "/usr/bin/ls",
        "/usr/lib",
        "/usr/lib/x86",
        "/usr/lib/x86/libc.so",
        "/usr/lib/x86/libm.so",
        "/usr/sbin",
        "/usr/sbin/ldconfig",
    ]
    assert (tmp_path / "usr" / "sbin" / "ldconfig").read_text() == "kept"


def test_links_of_a_merged_root_stay(tmp_path: Path) -> None:
    (tmp_path / "lib64").symlink_to("usr/lib64")
    assert merge_usr(tmp_path) == ()
    assert list(paths_below(tmp_path)) == ["/lib64"]


def test_trimmed_directories_go_with_their_content(tmp_path: Path) -> None:
    write(tmp_path / "usr" / "share" / "locale" / "de" / "a.mo")
    write(tmp_path / "usr" / "share" / "doc" / "a" / "changelog.gz")
    write(tmp_path / "usr" / "share" / "doc" / "a" / "copyright")
    trim(tmp_path, re.compile("^/usr/share/locale|^/usr/share/doc/.*changelog"))
    assert [path for path in paths_below(tmp_path) if not (tmp_path / path[1:]).is_dir()] == [
        "/usr/share/doc/a/copyright"
    ]
