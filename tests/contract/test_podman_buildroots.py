"""`koji-adjutant buildroots` with a real engine."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.cached import cached_images
from koji_adjutant.buildroot.images.keys import image_name
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.cli.commands import main
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import ROLE, WORKER, Role
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.buildroot_images import WORKER as MINE
from tests.contract.buildroot_images import add_image, key_of, remove_all
from tests.fakes.containers import running
from tests.unit.buildroot.uses import root_use

pytestmark = pytest.mark.podman


@pytest.fixture
def conf(engine: Engine, tmp_path: Path) -> Iterator[Path]:
    """A configuration of the daemon whose images these are."""
    (tmp_path / "worker").write_text(MINE + "\n")
    file = tmp_path / "kojid.conf"
    file.write_text(
        "[kojid]\nserver=http://127.0.0.1/kojihub\ntopurl=http://127.0.0.1/k\n"
        f"[adjutant]\nstate_dir={tmp_path}\npodman_socket={engine.socket}\n"
    )
    yield file
    remove_all(engine)


@pytest.fixture
def records(conf: Path) -> UsageRecords:
    return UsageRecords(conf.parent / "cache")


def used(records: UsageRecords, name: str, tag: str = "dist-build", *, hit: bool = True) -> None:
    records.used(key_of(name), root_use(tag_name=tag, tag_id=3, repo_id=9), hit=hit)


def run(capsys: pytest.CaptureFixture[str], conf: Path, action: str, *arguments: str) -> str:
    assert main(["buildroots", action, "--config", str(conf), *arguments]) == 0
    return capsys.readouterr().out


def test_list(
    manager: PodmanManager,
    contract_image: str,
    conf: Path,
    records: UsageRecords,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, conf, "list").splitlines()[1] == "0 images, 0 B; 50.0 GiB may stay"
    add_image(manager, "one", contract_image)
    used(records, "one")
    lines = run(capsys, conf, "list").splitlines()
    assert lines[1].startswith("dist-build  x86_64  build  base  9      149")
    assert lines[1].endswith("second ago   1") or "seconds ago" in lines[1]
    add_image(manager, "two", contract_image, tag="lost")
    assert "lost" not in run(capsys, conf, "list")
    (one, two) = json.loads(run(capsys, conf, "list", "--json", "--scan"))
    assert {one["tags"][0]["tag_name"], two["tags"][0]["tag_name"]} == {"dist-build", "lost"}
    assert one["size"] > 0
    assert "lost" in run(capsys, conf, "list"), "a scan is remembered"


def test_lost_records_are_made_anew(
    manager: PodmanManager, contract_image: str, conf: Path, records: UsageRecords
) -> None:
    add_image(manager, "one", contract_image)
    add_image(manager, "more", contract_image, base="one")
    (more, one) = sorted(cached_images(manager, records), key=lambda cached: cached.base_key, reverse=True)
    assert (one.record.kind, more.record.kind, more.base_key) == ("base", "requires", key_of("one"))
    assert more.own_size < one.own_size
    assert records.find(key_of("one")) == one.record
    assert abs(one.record.last_used - time.time()) < 60


def test_prune(
    manager: PodmanManager,
    contract_image: str,
    conf: Path,
    records: UsageRecords,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("one", "two"):
        add_image(manager, name, contract_image)
        used(records, name, tag=f"tag-{name}")
    add_image(manager, "more", contract_image, base="one")
    assert run(capsys, conf, "prune").startswith("freed 0 B of ")
    planned = run(capsys, conf, "prune", "--tag", "tag-two", "--dry-run")
    assert planned.startswith("would remove tag-two x86_64 build base (")
    assert manager.has_image(image_name(key_of("two")))
    assert run(capsys, conf, "prune", "--tag", "tag-two").startswith("removed tag-two x86_64 build base (")
    assert not manager.has_image(image_name(key_of("two")))
    said = run(capsys, conf, "prune", "--all").splitlines()
    assert [line.split()[4] for line in said[:-1]] == ["requires", "base"], (
        "what was made from a base goes first"
    )
    assert said[-1].startswith("freed ")
    assert cached_images(manager, records) == ()


def test_what_a_container_uses_stays(
    manager: PodmanManager, contract_image: str, conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_image(manager, "one", contract_image)
    spec = ContainerSpec(image=image_name(key_of("one")), command=("/bin/sleep", "infinity"), labels={})
    with running(manager, spec):
        assert run(capsys, conf, "prune", "--all").startswith("in use dist-build x86_64 build base (")
        assert manager.has_image(image_name(key_of("one")))
    assert run(capsys, conf, "prune", "--all").startswith("removed dist-build x86_64 build base (")


def test_an_image_that_lost_its_name(
    manager: PodmanManager, contract_image: str, conf: Path, records: UsageRecords
) -> None:
    first = add_image(manager, "one", contract_image)
    second = add_image(manager, "one", contract_image, tag="again")
    assert first.id != second.id
    found = {cached.image.id: cached.name for cached in cached_images(manager, records, scan=True)}
    assert found == {first.id: "", second.id: image_name(key_of("one"))}


def shell(conf: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [
        "-m",
        "tests.contract.buildroots_command",
        "shell",
        "dist-build",
        "--config",
        str(conf),
        *arguments,
    ]
    return subprocess.run(
        [sys.executable, *argv], input=script, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def opened(manager: PodmanManager, contract_image: str, conf: Path, engine: Engine) -> Path:
    """There is a buildroot with a home of the build user."""
    spec = ContainerSpec(
        image=contract_image,
        command=("/bin/sleep", "infinity"),
        labels={},
        capabilities=frozenset({"DAC_OVERRIDE"}),
    )
    with running(manager, spec) as container:
        engine.podman("exec", container, "/bin/mkdir", "-p", "/builddir", "/root")
        engine.podman("commit", "--quiet", container, "localhost/with-home:1")
    add_image(manager, "one", "localhost/with-home:1")
    engine.podman("rmi", "localhost/with-home:1")
    return conf


def test_shell(opened: Path, manager: PodmanManager) -> None:
    script = "id -u; id -g; pwd; grep -E 'CapEff|NoNewPrivs' /proc/self/status; ls /sys/class/net; exit 7\n"
    done = shell(opened, script)
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == [
        "1000", "135", "/builddir", "CapEff:", "0" * 16, "NoNewPrivs:", "1", "lo",
    ]  # fmt: skip
    assert manager.find({WORKER: MINE}) == ()


def test_shell_as_root_changes_nothing_for_later(opened: Path) -> None:
    done = shell(opened, "id -u; touch /root/mark && ls /root/mark; grep CapEff /proc/self/status", "--root")
    assert done.stdout.split() == ["0", "/root/mark", "CapEff:", "0" * 16], done.stderr
    assert shell(opened, "ls /root/mark").returncode != 0


def test_shell_of_a_tag_without_a_buildroot(opened: Path) -> None:
    done = shell(opened, "true", "--arch", "s390x")
    assert done.returncode == 1
    assert "no buildroot image of tag dist-build, group build, arch s390x" in done.stderr


def test_a_shell_is_known_by_its_label(opened: Path, manager: PodmanManager) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.buildroots_command", "shell", "dist-build", "-c", str(opened)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("echo up\n")
    process.stdin.flush()
    assert process.stdout.readline() == "up\n"
    (found,) = manager.find({WORKER: MINE})
    assert found.labels[ROLE] == Role.SHELL
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()
    assert manager.find({WORKER: MINE}) == ()
