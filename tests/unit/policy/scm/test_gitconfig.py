"""git's configuration of this host, for a container; what a file says is compared with what git reads in it."""

import random
import subprocess
from pathlib import Path

import pytest

from koji_adjutant.policy.scm.gitconfig import Malformed, Setting, git_config, parse, write
from koji_adjutant.policy.scm.host_files import State

FILES = {
    "proxies and rewriting": '[http]\n\tproxy = http://p:3128\n[url "https://mirror/"]\n\tinsteadOf = https://git/\n',
    "comments": '# one\n[a] ; two\nb = c # three\nd = "e # f" ; four\n;five\ng\n',
    "escapes": '[a "b\\"c\\\\d"]\n\te = "x\\ty\\n" \\"q\\" \\\\\n',
    "blanks": '[a]\n b   =   c   d\t \n e = " f "\n g =\n h = i" j "k  \n',
    "continued": "[a]\nb = c \\\n  d\ne = f\\\ng\n",
    "one line": '[core] x = 1\n[Sec.Old]\nKey-1 = V\n[s "CaSe"]\nbool\n',
    "no end": "[a]\nb = c",
    "windows": "\ufeff[a]\r\nb = c\r\n",
    "twice": "[a]\nb = 1\n[a]\nb = 2\nb =\n",
    "empty": "",
    "before a section": "c = 1\n[a]\nb = 2\n",
}
BROKEN = ("[a\nb = c\n", '[a]\nb = "c\n', "[a]\nb = \\q\n", "[a]\n1b = c\n", "[a]\nb c\n", '[a "b\n"]\n')


def as_git_reads(text: str, directory: Path) -> list[tuple[str, str | None]] | None:
    """Keys and values; None where git refuses the file."""
    file = directory / "config"
    file.write_bytes(text.encode())
    done = subprocess.run(
        ["git", "config", "--file", str(file), "--no-includes", "--list", "-z"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return None
    entries = done.stdout.decode().split("\0")[:-1]
    pairs = (entry.partition("\n") for entry in entries)
    return [(key, value if line else None) for key, line, value in pairs if "." in key]


def as_we_read(text: str) -> list[tuple[str, str | None]]:
    return [
        (".".join(filter(None, (setting.section, setting.name, setting.key))), setting.value)
        for setting in parse(text)
    ]


@pytest.mark.parametrize("what", FILES)
def test_a_file_says_what_git_reads_in_it(what: str, tmp_path: Path) -> None:
    expected = as_git_reads(FILES[what], tmp_path)
    assert expected is not None
    assert as_we_read(FILES[what]) == expected
    assert as_git_reads(write(list(parse(FILES[what]))), tmp_path) == expected


@pytest.mark.parametrize("text", BROKEN)
def test_what_git_refuses_is_refused(text: str, tmp_path: Path) -> None:
    assert as_git_reads(text, tmp_path) is None
    with pytest.raises(Malformed, match="line "):
        list(parse(text))


def test_files_drawn_by_lot_are_read_as_git_reads_them(tmp_path: Path) -> None:
    draw = random.Random(11)
    pieces = [
        "[a]\n",
        '[b "c d"]\n',
        "k",
        "-",
        " ",
        "=",
        '"',
        "\\",
        "\\\\",
        "\\n",
        "#",
        ";",
        "v w",
        "\n",
        "\\\n",
        "ä",
    ]
    good = 0
    for _ in range(300):
        text = draw.choice(["[a]\n", "[a]\nk = "]) + "".join(draw.choices(pieces, k=draw.randint(1, 12)))
        expected = as_git_reads(text, tmp_path)
        if expected is None:
            with pytest.raises(Malformed):
                raise AssertionError(f"{text!r}: {list(parse(text))}")
        else:
            good += 1
            assert as_we_read(text) == expected, repr(text)
    assert good > 50


def test_included_files_stand_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("[include]\n\tpath = two\n[a]\n\tb = last\n")
    (tmp_path / "two").write_text('[a]\n\tb = first\n[includeIf "gitdir:/"]\n\tpath = three\n')
    found = git_config([tmp_path / "one", tmp_path / "none"], "/f")
    assert found.text == '[a]\n\tb = "first"\n[a]\n\tb = "last"\n'
    assert [one.path.name for one in found.found] == ["one", "two", "none"]
    assert found.found[1].note == "includeIf is left out"
    assert found.found[2].state is State.ABSENT


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("[include]\n\tpath = one\n")
    assert git_config([tmp_path / "one"], "/f").text == ""


def test_files_that_it_names_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("KEY")
    (tmp_path / "store").write_text("https://u:p@h\n")
    (tmp_path / "config").write_text(
        f'[http "https://h"]\n\tsslKey = key.pem\n\tsslCert = {tmp_path}/none\n'
        f"[credential]\n\thelper = store --file {tmp_path}/store\n"
    )
    found = git_config([tmp_path / "config"], "/home/.scm/files")
    assert found.files == {"file-1": b"KEY", "file-2": b"https://u:p@h\n"}
    assert 'sslkey = "/home/.scm/files/file-1"' in found.text
    assert f'sslcert = "{tmp_path}/none"' in found.text, "git says of it what it says on this host"
    assert 'helper = "store --file=/home/.scm/files/file-2"' in found.text
    assert all("p@h" not in str(one) for one in found.found)


def test_programs_that_it_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        '[core]\n\tsshCommand = ssh -p 22\n[credential "https://h"]\n\thelper = cloud.sh --token=t0ken\n'
        "[credential]\n\thelper = cache --timeout=3\n"
    )
    found = git_config([tmp_path / "config"], "/f")
    assert found.ssh_command == "ssh -p 22"
    assert found.found[0].note == (
        "core.sshcommand names a program, which has to be in the image of checkouts; "
        "credential.helper names a program, which has to be in the image of checkouts"
    )


def test_what_git_cannot_read_ends_there(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[a]\nb = 1\nc = \\x\n")
    found = git_config([tmp_path / "config"], "/f")
    assert found.text == '[a]\n\tb = "1"\n'
    assert found.found[0].note == "git cannot read it from line 3 on"


def test_a_setting_is_one_line_whatever_it_says(tmp_path: Path) -> None:
    odd = Setting(section="a", name='b"\\', key="k", value='x\ny"\\\t;#')
    assert as_git_reads(write([odd]), tmp_path) == [('a.b"\\.k', 'x\ny"\\\t;#')]
