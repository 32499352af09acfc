"""Engines of the testbed: two at once never meet, and a stopped one leaves nothing."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineError, EngineUnavailable
from koji_adjutant.testbed import census
from koji_adjutant.testbed.engine.bridge import LINKS, Bridge, bridge_for, networks_in_use
from koji_adjutant.testbed.engine.probe import Choice, probe
from koji_adjutant.testbed.engine.processes import engine_tools, mounts_below
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import IMAGE, Output, kill_service, spec
from tests.fakes.containers import running

pytestmark = pytest.mark.podman

LONG = "a-directory-with-a-name-that-is-much-longer-than-podman-likes-the-path-of-its-run-directory-to-be"

LOWEST = "00:00:00:00:00:01"


@pytest.fixture
def image(engine: Engine, contract_image: str, tmp_path: Path) -> Path:
    """An archive of the contract image."""
    path = tmp_path / "image.tar"
    engine.podman("save", "--quiet", "--output", str(path), contract_image)
    return path


@pytest.fixture
def second(engine: Engine, image: Path, tmp_path: Path) -> Iterator[Engine]:
    """Another engine beside the session's, in a directory with a long name."""
    own = Engine(tmp_path / LONG, choice=engine.choice)
    try:
        own.start()
        assert own.load_archive(image) == (IMAGE,)
        yield own
    finally:
        own.destroy()


def forwarding_rules(subnet: str) -> list[str]:
    rules = subprocess.run(
        ["iptables", "--wait", "-t", "nat", "-S"], capture_output=True, text=True, check=True
    )
    return [line for line in rules.stdout.splitlines() if subnet in line]


def test_two_engines_do_not_meet(engine: Engine, second: Engine) -> None:
    first, other = PodmanManager(engine.socket, Timeouts()), PodmanManager(second.socket, Timeouts())
    labels = {"only": "here"}
    with running(first, spec(own_labels=labels)) as container:
        assert other.find(labels) == ()
        assert other.inspect(container) is None
        with running(other, spec(own_labels=labels)) as own:
            assert [found.id for found in other.find(labels)] == [own]
            assert [found.id for found in first.find(labels)] == [container]
    assert first.storage_path() != other.storage_path()
    assert (engine.network, engine.gateway) != (second.network, second.gateway)
    assert engine.environment["CONTAINERS_CONF"] != second.environment["CONTAINERS_CONF"]
    first.close()
    other.close()


def test_end_of_a_container_is_learned_at_once_whatever_the_directory_is_called(second: Engine) -> None:
    manager = PodmanManager(second.socket, Timeouts())
    output = Output()
    assert manager.run(spec("/bin/sh", "-c", "echo done"), output, timeout=15) == 0
    assert output.stdout == b"done\n"
    assert len(second.socket) < 108
    manager.close()


def test_gateway_is_there_without_containers_and_after_the_last_one(
    engine: Engine, manager: PodmanManager, contract_image: str
) -> None:
    for _ in range(2):
        with socket.create_server((engine.gateway, 0)):
            assert (LINKS / engine.network).exists()
        on_network = ContainerSpec(
            image=contract_image, command=("/bin/true",), labels={}, network=engine.network
        )
        assert manager.run(on_network, Output()) == 0


def test_stop_leaves_nothing_but_images(engine: Engine, image: Path, tmp_path: Path) -> None:
    own = Engine(tmp_path / "own", choice=engine.choice)
    try:
        own.start()
        own.load_archive(image)
        bridge = own.bridge
        for network in ("none", own.network):
            own.podman("run", "--detach", "--network", network, IMAGE, "/bin/sleep", "1000")
        assert own.helpers()
        assert forwarding_rules(bridge.subnet)
        assert own.stop()
        assert own.helpers() == []
        assert list(engine_tools(str(own.home))) == []
        assert mounts_below(own.home) == []
        assert not any((LINKS / link).exists() for link in (bridge.name, *bridge.plugs))
        assert forwarding_rules(bridge.subnet) == []
        assert not own.stop()
        with pytest.raises(EngineUnavailable, match="does not run"):
            _ = own.gateway
        own.start()
        assert IMAGE in own.podman("images", "--format", "{{.Repository}}:{{.Tag}}")
        assert census.leftovers(own) == []
    finally:
        own.destroy()
    assert not own.home.exists()


def test_engine_outlives_its_starter_and_is_stopped_by_another_process(
    engine: Engine, tmp_path: Path
) -> None:
    home = tmp_path / "own"
    module = "import sys, pathlib; from koji_adjutant.testbed.engine.service import Engine"
    program = f"{module}; Engine(pathlib.Path(sys.argv[1])).{{}}()"
    home.mkdir()
    (home / "choice.json").write_text((engine.home / "choice.json").read_text())
    own = Engine(home)
    try:
        subprocess.run([sys.executable, "-c", program.format("start"), home], check=True)
        first = own.service()
        assert first
        own.start()
        assert own.service() == first
        manager = PodmanManager(own.socket, Timeouts())
        manager.ping()
        manager.close()
        subprocess.run([sys.executable, "-c", program.format("stop"), home], check=True)
        assert own.service() is None
        assert not first.alive()
    finally:
        own.destroy()


def test_process_that_took_over_the_pid_is_not_touched(engine: Engine, tmp_path: Path) -> None:
    own = Engine(tmp_path / "own", choice=engine.choice)
    with subprocess.Popen(["sleep", "60"]) as other:
        state = json.loads((engine.home / "service.json").read_text())
        own.home.mkdir()
        (own.home / "service.json").write_text(json.dumps({**state, "pid": other.pid}))
        assert not own.stop()
        assert other.poll() is None
        other.kill()


def test_start_after_a_crash_clears_up_first(engine: Engine, image: Path, tmp_path: Path) -> None:
    own = Engine(tmp_path / "own", choice=engine.choice)
    try:
        own.start()
        own.load_archive(image)
        own.podman("run", "--detach", IMAGE, "/bin/sleep", "1000")
        kill_service(own)
        own.start()
        assert census.leftovers(own) == []
    finally:
        own.destroy()


def test_choice_is_the_one_that_runs(engine: Engine, tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert found == engine.choice
    assert isinstance(found, Choice)
    assert list(tmp_path.iterdir()) == []


def test_census_names_what_is_there(engine: Engine, manager: PodmanManager, contract_image: str) -> None:
    assert contract_image
    with running(manager, spec(own_labels={"left": "behind"})) as container:
        manager.mount_root(container)
        # The runtime becomes what it starts a moment after the start was answered.
        deadline = time.monotonic() + census.WAIT
        while "sleep infinity" not in (text := "\n".join(census.leftovers(engine, wait=0))):
            assert time.monotonic() < deadline, text
    assert f"container {container[:12]} (running), labels {{'left': 'behind'}}" in text
    assert "\nmount " in text
    assert "conmon" in text


def test_podman_command_that_fails_says_why(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"podman inspect .*no such"):
        engine.podman("inspect", "nothing")


def test_bridges_of_directories_differ_and_avoid_what_is_used(engine: Engine, tmp_path: Path) -> None:
    bridges = [bridge_for(tmp_path / str(number)) for number in range(20)]
    assert len({bridge.name for bridge in bridges}) == len({bridge.subnet for bridge in bridges}) == 20
    assert all(len(link) <= 15 for bridge in bridges for link in (bridge.name, *bridge.plugs))
    assert engine.bridge.subnet in {str(network) for network in networks_in_use()}
    assert bridge_for(engine.home).subnet != engine.bridge.subnet
    assert Bridge(name="x", subnet="10.1.2.0/24").gateway == "10.1.2.1"


def test_the_gateway_stays_where_containers_have_found_it(engine: Engine) -> None:
    """Whoever talks to it would wait for half a minute when its hardware address changed with another container."""
    address = LINKS / engine.bridge.name / "address"
    before, names = address.read_text(), (f"{engine.bridge.name}t", f"{engine.bridge.name}u")
    pair = [names[0], "address", LOWEST, "type", "veth", "peer", "name", names[1]]
    subprocess.run(["ip", "link", "add", *pair], check=True)
    try:
        subprocess.run(["ip", "link", "set", names[0], "master", engine.bridge.name], check=True)
        assert address.read_text() == before
    finally:
        subprocess.run(["ip", "link", "delete", names[0]], check=True)
