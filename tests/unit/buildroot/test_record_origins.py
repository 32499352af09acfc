"""Where the packages of a buildroot came from."""

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import MetadataRecord, RepoMetadata
from koji_adjutant.buildroot.packages import parse_installed
from koji_adjutant.buildroot.record import (
    NESTED_LIMIT,
    Origins,
    fetch,
    internal_packages,
    origin_urls,
    parse_origins,
    read_origins,
    without_epoch,
)
from koji_adjutant.errors import BuildFailed, BuildrootFailed
from koji_adjutant.hub.files import may_be_answered_later
from tests.unit.buildroot.web import settings_for, web
from tests.unit.buildroot.xml_repo import COMPRESSIONS

DIGEST = "0123456789abcdef0123456789abcdef"
(BASH,) = parse_installed(f"bash\t5.2\t1\t1\tx86_64\t7000\t1700000000\t{DIGEST}")
URL = "http://127.0.0.1/minidist"
EXTERNAL = {"external_repo_id": 4, "external_repo_name": "minidist", "url": URL}
PREMERGE = "/repo_7_premerge/"


def origins(urls: dict[str, str], internal: dict[str, Any] | None = None) -> Origins:
    return Origins(external={URL: EXTERNAL}, urls=urls, internal=internal or {}, premerge=PREMERGE)


def test_external_packages_carry_the_repo_and_its_id() -> None:
    (row,) = origins({BASH.nvra: URL}).rows([BASH])
    assert (row["external_repo"], row["location"]) == (EXTERNAL, 4)
    assert "id" not in row


def test_a_long_list_has_to_do_with_the_repos_id() -> None:
    rows = origins({BASH.nvra: URL}).rows([BASH] * (NESTED_LIMIT + 1))
    assert {row["location"] for row in rows} == {4}
    assert not any("external_repo" in row for row in rows)


def test_internal_packages_carry_the_rpm_id() -> None:
    known = {BASH.nvra: (12, DIGEST)}
    (row,) = origins({BASH.nvra: "file:///tmp/x/repo_7_premerge/"}, known).rows([BASH])
    assert row["id"] == 12
    assert "location" not in row


def test_another_file_of_the_same_name_is_refused() -> None:
    known = {BASH.nvra: (12, "f" * 32)}
    with pytest.raises(BuildrootFailed, match=r"hash mismatch for bash-5\.2-1\.x86_64"):
        Origins(external={}, urls={}, internal=known, premerge=PREMERGE).rows([BASH])


def test_a_hub_with_an_older_rpm_is_told_its_own_word() -> None:
    """It took the best digest that its rpm can read; the root's reads a better one."""
    package = replace(BASH, payloadhash="sha3-256::aa", others=("sha256::bb", "sha1::cc"))
    known = {BASH.nvra: (12, "sha256::bb")}
    (row,) = Origins(external={}, urls={}, internal=known, premerge=PREMERGE).rows([package])
    assert (row["id"], row["payloadhash"]) == (12, "sha256::bb")
    with pytest.raises(BuildrootFailed, match="sha3-256::aa, the hub has sha256::dd"):
        Origins(external={}, urls={}, internal={BASH.nvra: (12, "sha256::dd")}, premerge=PREMERGE).rows(
            [package]
        )


def test_without_external_repos_nothing_is_looked_up() -> None:
    (row,) = Origins(external={}, urls={}, internal={}, premerge=PREMERGE).rows([BASH])
    assert row == BASH.row()


def test_a_package_without_origin_fails_the_task() -> None:
    with pytest.raises(BuildFailed, match=r"No origin for bash-5\.2-1\.x86_64"):
        origins({}).rows([BASH])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/other", "file:///tmp/repo_8_premerge/", "file:///x_premerge"]
)
def test_an_unknown_origin_fails_the_task(url: str) -> None:
    with pytest.raises(BuildFailed, match="Unknown origin"):
        origins({BASH.nvra: url}).rows([BASH])


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("bash-5.2-1.x86_64", "bash-5.2-1.x86_64"),
        ("1:bash-5.2-1.x86_64", "bash-5.2-1.x86_64"),
        ("bash-1:5.2-1.x86_64", "bash-5.2-1.x86_64"),
        ("0:bash-5.2-1.x86_64", "bash-5.2-1.x86_64"),
        ("perl-libs-0:5.36-7.noarch", "perl-libs-5.36-7.noarch"),
    ],
)
def test_epochs_are_left_out_in_both_places(written: str, normal: str) -> None:
    assert without_epoch(written) == normal


def test_lines_of_pkgorigins() -> None:
    assert parse_origins(f"1:bash-5.2-1.x86_64\t{URL}\nmake-4-1.x86_64\t{URL}\n".splitlines()) == {
        "bash-5.2-1.x86_64": URL,
        "make-4-1.x86_64": URL,
    }


def test_lines_of_rpmlist() -> None:
    lines = b"".join(
        json.dumps(
            {"id": number, "name": name, "version": "1", "release": "2", "arch": "noarch"} | more
        ).encode()
        + b"\n"
        for number, name, more in (
            (1, "bash", {"payloadhash": DIGEST}),
            (2, "make", {"payloadhash": "x", "epoch": 3}),
        )
    )
    found = {"bash-1-2.noarch": (1, DIGEST), "make-1-2.noarch": (2, "x")}
    assert internal_packages(lines, frozenset({"bash", "make", "gcc"})) == found
    assert internal_packages(lines.replace(b'": "', b'":"'), frozenset({"make"})) == {
        "make-1-2.noarch": (2, "x")
    }
    assert internal_packages(lines.replace(b"make", rb"m\u0061ke"), frozenset({"make"})) == {
        "make-1-2.noarch": (2, "x")
    }


def test_a_repo_of_an_older_hub_has_the_hub_asked_for_drafts(tmp_path: Path) -> None:
    row = {"id": 5, "name": "bash", "version": "1", "release": "2", "arch": "noarch", "payloadhash": DIGEST}
    asked = []

    class Hub:
        def getExternalRepoList(self, *_args: Any, **_options: Any) -> Any:  # noqa: N802 - the hub's name
            return []

        def listTaggedRPMS(self, **options: Any) -> Any:  # noqa: N802 - the hub's name
            asked.append(options)
            return [[row], []]

    hub: Any = Hub()
    package = replace(BASH, name="bash", version="1", release="2", arch="noarch", payloadhash=DIGEST)
    with web(tmp_path) as url:
        settings = settings_for(url, url)
        (reported,) = read_origins(hub, settings).rows([package])
        assert reported["id"] == 5
        assert asked == [{"tag": 2, "event": 1, "latest": True, "draft": True}]
        (tmp_path / "rpmlist.jsonl").write_text(json.dumps({**row, "id": 6}))
        (reported,) = read_origins(hub, settings).rows([package])
        assert reported["id"] == 6
        assert len(asked) == 1


def test_a_server_that_fails_is_no_older_hub(tmp_path: Path) -> None:
    def broken(request: Any) -> bool:
        request.send_error(500)
        return True

    class Hub:
        def getExternalRepoList(self, *_args: Any, **_options: Any) -> Any:  # noqa: N802 - the hub's name
            return []

    hub: Any = Hub()
    with web(tmp_path, answer=broken) as url, pytest.raises(BuildrootFailed, match="500") as raised:
        read_origins(hub, settings_for(url))
    assert may_be_answered_later(raised.value)


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    with web(tmp_path) as url:
        settings = settings_for(url)
    with open_session() as http, pytest.raises(BuildrootFailed, match="cannot be read") as raised:
        fetch(http, settings.baseurls, "rpmlist.jsonl")
    assert may_be_answered_later(raised.value)


@pytest.mark.parametrize("compression", [*COMPRESSIONS, ""])
def test_origin_data_of_every_compression(tmp_path: Path, compression: str) -> None:
    pack = COMPRESSIONS.get(compression, bytes)
    assert read_urls(tmp_path, pack(f"bash-5.2-1.x86_64\t{URL}\n".encode())) == {"bash-5.2-1.x86_64": URL}


def test_origin_data_without_end(tmp_path: Path) -> None:
    """What a megabyte becomes is not for the repo to say."""
    expected = r"origins of repo 7 of dist-build cannot be read: repodata/pkgorigins expands to more than 65,536 bytes"
    with pytest.raises(BuildrootFailed, match=expected):
        read_urls(tmp_path, COMPRESSIONS["zst"](b"a" * (1 << 20)), limit=1 << 16)


def read_urls(directory: Path, data: bytes, **options: int) -> dict[str, str]:
    record = MetadataRecord(
        kind="origin",
        location="repodata/pkgorigins",
        checksum_kind="sha256",
        checksum=hashlib.sha256(data).hexdigest(),
    )
    (directory / "repodata").mkdir()
    (directory / record.location).write_bytes(data)
    with web(directory) as url, open_session() as http:
        metadata = RepoMetadata(repomd=b"", digest="", records={"origin": record})
        return origin_urls(http, settings_for(url), metadata, **options)


def test_origin_data_is_what_the_repo_says(tmp_path: Path) -> None:
    data = gzip.compress(f"bash-5.2-1.x86_64\t{URL}\n".encode())
    record = MetadataRecord(
        kind="origin",
        location="repodata/pkgorigins.gz",
        checksum_kind="sha256",
        checksum=hashlib.sha256(data).hexdigest(),
    )
    metadata = RepoMetadata(repomd=b"", digest="", records={"origin": record})
    (tmp_path / "repodata").mkdir()
    with web(tmp_path) as url, open_session() as http:
        settings = settings_for(url)
        (tmp_path / record.location).write_bytes(data)
        assert origin_urls(http, settings, metadata) == {"bash-5.2-1.x86_64": URL}
        (tmp_path / record.location).write_bytes(data[:-4])
        with pytest.raises(BuildrootFailed, match=r"pkgorigins\.gz of repo 7 of dist-build is not what"):
            origin_urls(http, settings, metadata)
        with pytest.raises(BuildFailed, match="has no origin data"):
            origin_urls(http, settings, RepoMetadata(repomd=b"", digest="", records={}))
