"""Where other releases are had, by what apt of this machine is configured with."""

from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.sources import (
    configured,
    host_release,
    of_release,
    parse_lines,
    parse_stanzas,
    signed_by,
    written,
)

STANZAS = """# the archive
Types: deb
URIs: http://archive.example.org/debian
Suites: trixie trixie-updates
# a comment
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example.org/debian-security
Suites: trixie-security
Components: main

Types: deb
URIs: http://packages.example.org/apt
Suites: tool-trixie nodistro
Components: main

Types: deb-src
URIs: http://archive.example.org/debian
Suites: trixie
Components: main
"""
LINES = """# nothing
deb [arch=amd64,i386 signed-by=/etc/apt/own.gpg] http://mirror.example.org/debian trixie main contrib # ours
deb http://packages.example.org/apt tool-trixie main
deb-src http://mirror.example.org/debian trixie main
"""


def test_the_suites_are_those_of_the_release_and_nobody_elses() -> None:
    made = of_release(list(parse_stanzas(STANZAS)), "trixie", "bookworm")
    assert [stanza["Suites"] for stanza in made] == ["bookworm bookworm-updates", "bookworm-security"]
    assert made[0]["URIs"] == "http://archive.example.org/debian"


def test_the_older_format() -> None:
    (made,) = of_release(list(parse_lines(LINES)), "trixie", "testing")
    assert made == {
        "URIs": "http://mirror.example.org/debian",
        "Suites": "testing",
        "Components": "main contrib",
        "Architectures": "amd64 i386",
        "Signed-By": "/etc/apt/own.gpg",
    }


@pytest.mark.parametrize("suite", ["stable", "testing", "sid"])
def test_a_machine_that_names_no_codename(suite: str) -> None:
    lines = f"deb http://a.example.org/debian {suite} main\ndeb http://b.example.org/apt other main\n"
    (made,) = of_release(list(parse_lines(lines)), "forky", "bookworm")
    assert (made["URIs"], made["Suites"]) == ("http://a.example.org/debian", "bookworm")


def test_an_alias_of_another_site_is_not_taken_for_debian() -> None:
    lines = "deb http://a.example.org/debian trixie main\ndeb http://chat.example.org/apt stable main\n"
    (made,) = of_release(list(parse_lines(lines)), "trixie", "testing")
    assert made["URIs"] == "http://a.example.org/debian"


def test_disabled_sources_are_not_taken() -> None:
    stanza = STANZAS.replace("# a comment", "Enabled: no")
    (made,) = of_release(list(parse_stanzas(stanza)), "trixie", "testing")
    assert made["Suites"] == "testing-security"


def test_debians_keyring_is_replaced_and_no_other() -> None:
    debians, none = list(parse_stanzas(STANZAS))[:2]
    (own, _) = parse_lines(LINES)
    made = [signed_by(stanza, Path("/kept/keyring.gpg")).get("Signed-By") for stanza in (debians, none, own)]
    assert made == ["/kept/keyring.gpg", "/kept/keyring.gpg", "/etc/apt/own.gpg"]


def test_a_key_in_the_source_itself_stays_whole() -> None:
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"
    text = f"Types: deb\nURIs: http://a.example.org\nSuites: trixie\n{key}\n"
    assert key.replace("By:", "By: ") in written(list(parse_stanzas(text)))


def test_sources_are_written_for_both_kinds_of_packages() -> None:
    text = written(of_release(list(parse_stanzas(STANZAS)), "trixie", "testing"))
    assert text.count("Types: deb deb-src\n") == 2
    assert [stanza["Suites"] for stanza in parse_stanzas(text)] == [
        "testing testing-updates",
        "testing-security",
    ]


def test_all_files_of_apt_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example.org trixie main\n")
    (tmp_path / "sources.list.d" / "two.list").write_text("deb http://two.example.org trixie main\n")
    (tmp_path / "sources.list.d" / "three.sources").write_text(STANZAS)
    found = [stanza["URIs"] for stanza in configured(tmp_path)]
    assert found[:2] == ["http://one.example.org", "http://two.example.org"]
    assert len(found) == 5


def test_the_release_of_this_machine(tmp_path: Path) -> None:
    assert not host_release(tmp_path)
    (tmp_path / "os-release").write_text('VERSION_ID="13"\nVERSION_CODENAME=trixie\n')
    assert host_release(tmp_path) == "trixie"
