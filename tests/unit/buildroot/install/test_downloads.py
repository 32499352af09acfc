"""Files from a server that may be broken, slow or wrong."""

import fcntl
import hashlib
import ssl
import threading
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.downloads import (
    Download,
    DownloadFailed,
    Downloads,
    locked,
    open_session,
)
from koji_adjutant.host import https
from tests.unit.buildroot.web import web

CONTENT = b"content" * 1000


def wanted(target: Path, *urls: str, content: bytes = CONTENT, verify: bool = True) -> Download:
    return Download(
        title="package bash-5-1.noarch",
        urls=urls,
        checksum_kind="sha256",
        checksum=hashlib.sha256(content).hexdigest(),
        size=len(content),
        target=target,
        verify=verify,
    )


def fetch(tmp_path: Path, *download: Download) -> None:
    Downloads(tmp_path / "partial", pause=0.001).fetch(download)


def test_many_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    contents = {f"file-{number}": f"{number}".encode() * 100 for number in range(30)}
    for name, content in contents.items():
        (tmp_path / "web" / name).write_bytes(content)
    with web(tmp_path / "web") as url:
        fetch(
            tmp_path,
            *(
                wanted(tmp_path / "store" / name, f"{url}/{name}", content=content)
                for name, content in contents.items()
            ),
        )
    assert {path.name: path.read_bytes() for path in (tmp_path / "store").iterdir()} == contents
    assert list((tmp_path / "partial").iterdir()) == []


def test_the_next_server_is_asked_when_one_does_not_have_it(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "file").write_bytes(CONTENT)
    with web(tmp_path / "full") as full, web(tmp_path / "empty") as empty:
        fetch(tmp_path, wanted(tmp_path / "file", f"{empty}/file", f"{full}/file"))
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_file_that_nobody_has_is_named_with_its_urls(tmp_path: Path) -> None:
    with web(tmp_path) as url, pytest.raises(DownloadFailed) as caught:
        fetch(tmp_path, wanted(tmp_path / "store" / "file", f"{url}/nowhere"))
    assert "package bash-5-1.noarch" in str(caught.value)
    assert f"{url}/nowhere: 404" in str(caught.value)
    assert not caught.value.differs
    assert list((tmp_path / "partial").iterdir()) == []


def test_another_file_than_expected_is_never_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT[:-1] + b"!")
    target = tmp_path / "store" / "file"
    with web(tmp_path) as url:
        with pytest.raises(DownloadFailed, match=r"the repo says sha256 .*regenerate the repo") as caught:
            fetch(tmp_path, wanted(target, f"{url}/file"))
        assert caught.value.differs
        assert not target.exists()
        (tmp_path / "file").write_bytes(CONTENT)
        fetch(tmp_path, wanted(target, f"{url}/file"))
    assert target.read_bytes() == CONTENT


def test_an_endless_file_is_not_taken(tmp_path: Path) -> None:
    def endless(handler: SimpleHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * (1 << 16))
        except OSError:
            return True

    with web(tmp_path, answer=endless) as url, pytest.raises(DownloadFailed, match="checksum"):
        fetch(tmp_path, wanted(tmp_path / "file", f"{url}/file"))


def test_a_server_in_trouble_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "file").write_bytes(CONTENT)
    troubles = ["unavailable", "half", ""]

    def answer(handler: SimpleHTTPRequestHandler) -> bool:
        trouble = troubles.pop(0)
        if trouble == "unavailable":
            handler.send_error(503)
        if trouble == "half":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(CONTENT)))
            handler.end_headers()
            handler.wfile.write(CONTENT[: len(CONTENT) // 2])
            handler.close_connection = True
        return bool(trouble)

    with web(tmp_path / "web", answer=answer) as url:
        fetch(tmp_path, wanted(tmp_path / "file", f"{url}/file"))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert troubles == []


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    with web(tmp_path) as url:
        pass
    with pytest.raises(DownloadFailed, match=r"cannot be fetched: .*check topurl, the external repos"):
        fetch(tmp_path, wanted(tmp_path / "file", f"{url}/file"))


def test_what_is_there_is_not_fetched_again_unless_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "file").write_bytes(CONTENT)
    target = tmp_path / "file"
    seen: list[str] = []
    with web(tmp_path / "web", seen=seen) as url:
        download = wanted(target, f"{url}/file")
        fetch(tmp_path, download)
        fetch(tmp_path, download)
        assert seen == ["/file"]
        target.write_bytes(b"!" + CONTENT[1:])
        fetch(tmp_path, download)
        target.write_bytes(b"")
        fetch(tmp_path, download)
    assert target.read_bytes() == CONTENT
    assert seen == ["/file"] * 3


def test_two_tasks_that_want_the_same_file_fetch_it_once(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "file").write_bytes(CONTENT)
    seen: list[str] = []
    with web(tmp_path / "web", seen=seen) as url:
        threads = [
            threading.Thread(target=fetch, args=(tmp_path, wanted(tmp_path / "file", f"{url}/file")))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == ["/file"]


def test_what_a_killed_task_left_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "file").write_bytes(CONTENT)
    with web(tmp_path / "web") as url:
        download = wanted(tmp_path / "file", f"{url}/file")
        (tmp_path / "partial").mkdir()
        (tmp_path / "partial" / download.checksum).write_bytes(b"half of something")
        fetch(tmp_path, download)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    order = []

    def second() -> None:
        with locked(path) as handle:
            order.append("second")
            assert path.samefile(f"/proc/self/fd/{handle.fileno()}")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        path.unlink()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_shared_locks_go_together(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked(path, exclusive=False),
        locked(path, exclusive=False),
        path.open("rb") as handle,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_systems_certificates_are_trusted_unless_the_environment_names_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in https.CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    bundle = ssl.get_default_verify_paths().cafile
    with open_session() as session:
        assert session.verify == (bundle or True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/our-own.pem")
    with open_session() as session:
        found = session.merge_environment_settings("https://example.org", {}, None, None, None)
        assert found["verify"] == "/etc/our-own.pem"
