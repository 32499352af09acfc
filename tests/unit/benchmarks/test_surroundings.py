"""What the benchmark makes for itself, and takes away again."""

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_mock import MockerFixture

from benchmarks import __main__ as main
from benchmarks import scale
from benchmarks import storage as storage_module
from benchmarks.bench_testbed import BenchFailed, BenchTestbed
from benchmarks.figures import Figure, figure
from benchmarks.mock import RECORDED, Spread
from benchmarks.storage import Storage, storage
from koji_adjutant.errors import AdjutantError


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def test_storage_is_gone_afterwards() -> None:
    with pytest.raises(KeyboardInterrupt), storage() as place:
        assert str(place.directory) in mounts()
        written = place.bytes_written()
        (place.directory / "file").write_bytes(b"x" * (1 << 20))
        if place.device:
            assert "journal" in place.kind
            assert (place.bytes_written() or 0) - (written or 0) >= 1 << 20
        raise KeyboardInterrupt
    assert str(place.directory) not in mounts()
    assert not place.directory.parent.exists()


def test_without_loop_devices_it_is_a_tmpfs(mocker: MockerFixture) -> None:
    real = storage_module._run

    def run(*argv: str | Path) -> str:
        if "loop" in argv:
            raise AdjutantError("no loop device")
        return real(*argv)

    mocker.patch.object(storage_module, "_run", run)
    with storage() as place:
        assert (place.kind, place.bytes_written()) == ("tmpfs", None)
        found = subprocess.run(
            ["findmnt", "-no", "FSTYPE", place.directory], capture_output=True, text=True, check=True
        )
        assert found.stdout == "tmpfs\n"
    assert not place.directory.parent.exists()


def test_small_images_are_an_archive_of_images(tmp_path: Path) -> None:
    names = scale.write_images(tmp_path / "images.tar")
    assert len(set(names)) == scale.IMAGES
    with tarfile.open(tmp_path / "images.tar") as archive:
        members = {member.name: cast("Any", archive.extractfile(member)).read() for member in archive}
    manifest = json.loads(members["manifest.json"])
    assert [tag for image in manifest for tag in image["RepoTags"]] == names
    for image in manifest:
        config = members[image["Config"]]
        assert image["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
        (layer,) = json.loads(config)["rootfs"]["diff_ids"]
        assert layer == f"sha256:{hashlib.sha256(members[image['Layers'][0]]).hexdigest()}"


def test_what_was_recorded_says_so() -> None:
    spread = Spread(RECORDED, "hello")
    spread.take()
    spread.take()
    found = spread.against()
    assert found is not None
    assert (found.value, "recorded" in found.what) == (5.53, True)
    nothing = Spread(RECORDED, "noarch")
    nothing.take()
    assert nothing.against() is None


def test_a_build_that_fails_is_no_figure(mocker: MockerFixture) -> None:
    session = mocker.Mock()
    session.getTaskInfo.return_value = {
        "id": 3, "method": "buildArch", "state": 5, "arch": "x86_64",
        "create_ts": 0.5, "start_ts": 1.0, "completion_ts": 2.0,
    }  # fmt: skip
    testbed = BenchTestbed(
        layout=mocker.Mock(),
        description=mocker.Mock(),
        session=session,
        engine=mocker.Mock(),
        config=mocker.Mock(),
    )
    with pytest.raises(BenchFailed, match=r"task 3 \(buildArch\) FAILED"):
        testbed.finish(3)


def test_what_was_measured_until_an_error_is_shown_and_not_written(
    tmp_path: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    gone: list[str] = []

    def run(*_: object) -> Iterator[Figure]:
        try:
            yield figure("warm_hello", [0.75], against=None)
            raise BenchFailed("the rest cannot be measured")
        finally:
            gone.append("testbed")

    @contextmanager
    def storage(**_: object) -> Iterator[Storage]:
        try:
            yield Storage(directory=tmp_path, kind="tmpfs")
        finally:
            gone.append("storage")

    mocker.patch.object(main, "run", run)
    mocker.patch.object(main, "storage", storage)
    assert main.main([f"--json={tmp_path}/figures.json"]) == 1
    said = capsys.readouterr()
    assert "0.75" in said.out
    assert "cannot be measured" in said.err
    assert not (tmp_path / "figures.json").exists()
    assert gone == ["testbed", "storage"]


@pytest.mark.parametrize(("seconds", "code"), [(1.0, 0), (1.2, 1)])
def test_a_broken_limit_is_an_exit_code(
    seconds: float, code: int, tmp_path: Path, mocker: MockerFixture
) -> None:
    def run(*_: object) -> Iterator[Figure]:
        yield figure("warm_hello", [seconds], against=None)

    mocker.patch.object(main, "run", run)
    place = nullcontext(Storage(directory=tmp_path, kind="tmpfs"))
    mocker.patch.object(main, "storage", return_value=place)
    assert main.main([f"--json={tmp_path}/figures.json"]) == code
    assert json.loads((tmp_path / "figures.json").read_text())["warm_hello"]["value"] == seconds
