"""What repomd.xml says."""

from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata, read_metadata
from koji_adjutant.errors import BuildrootFailed
from tests.unit.buildroot.web import settings_for, web

ONE, TWO = "1" * 64, "2" * 64


def record(kind: str, checksum: str = ONE, location: str = "", **more: object) -> str:
    size = f"<size>{more['size']}</size>" if "size" in more else ""
    return (
        f'<data type="{kind}"><checksum type="{more.get("algorithm", "sha256")}">{checksum}</checksum>'
        f'<location href="{location or f"repodata/{kind}.xml.gz"}"/>{size}</data>'
    )


def repomd(*records: str, revision: int = 1) -> bytes:
    head = '<repomd xmlns="http://linux.duke.edu/metadata/repo">'
    return f"{head}<revision>{revision}</revision>{''.join(records)}</repomd>".encode()


def digest(*records: str, revision: int = 1) -> str:
    return RepoMetadata.parse(repomd(*records, revision=revision), "url").digest


def test_the_digest_is_that_of_what_decides() -> None:
    known = digest(record("primary"), record("group"))
    assert (
        digest(record("group", location="x/y"), record("primary"), record("other", TWO), revision=2) == known
    )
    assert digest(record("primary"), record("group"), record("group_gz", TWO)) == known
    assert digest(record("primary", TWO), record("group")) != known
    assert digest(record("primary"), record("group", TWO)) != known
    assert digest(record("primary"), record("group"), record("modules")) != known
    assert digest(record("primary"), record("group"), record("filelists")) != known


def test_records() -> None:
    parsed = RepoMetadata.parse(repomd(record("primary", size=12), record("origin", TWO)), "url")
    assert parsed.records["primary"].size == 12
    assert parsed.records["origin"].location == "repodata/origin.xml.gz"
    assert [one.kind for one in parsed.decisive] == ["primary"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        repomd(record("primary"))[:-20],
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        repomd(record("group")),
        repomd(record("primary", location="/etc/passwd")),
        repomd(record("primary", location="../../primary.xml")),
        repomd(record("primary", location="repodata/a b")),
        repomd(record("primary", "nothing")),
        repomd(record("primary", algorithm="crc32")),
        repomd(record("primary"), record("../group")),
    ],
)
def test_what_no_repo_can_mean_is_refused(text: bytes) -> None:
    with pytest.raises(BuildrootFailed, match=r"http://example/repomd\.xml.*regenerate the repo"):
        RepoMetadata.parse(text, "http://example/repomd.xml")


def test_the_first_url_that_has_it(tmp_path: Path) -> None:
    for name in ("empty", "full"):
        (tmp_path / name / "repodata").mkdir(parents=True)
    (tmp_path / "full" / "repodata" / "repomd.xml").write_bytes(repomd(record("primary")))
    with web(tmp_path) as url, open_session() as http:
        settings = settings_for(f"{url}/empty", f"{url}/full")
        assert read_metadata(settings, http).repomd == repomd(record("primary"))
        with pytest.raises(
            BuildrootFailed, match=r"repo 7 of dist-build cannot be read: .*empty.*404.*check topurl"
        ):
            read_metadata(settings_for(f"{url}/empty"), http)


def test_yum_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    seen: list[str] = []
    with web(tmp_path, seen=seen) as proxy, open_session() as http, pytest.raises(BuildrootFailed):
        read_metadata(settings_for("http://repo.example/tag", proxy=proxy), http)
    assert seen == ["http://repo.example/tag/repodata/repomd.xml"]
