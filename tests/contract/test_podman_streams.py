"""Output of real commands: exact, at once, bounded; and never taken for complete when the engine went away."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Stream, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineError, EngineUnavailable, ProgramMissing, TaskInterrupted
from koji_adjutant.testbed import census
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import IMAGE, WORKER, Output, kill_service, shell, spec
from tests.contract.read_200_mb import AMOUNT
from tests.fakes.containers import running

pytestmark = pytest.mark.podman


class Clock:
    """A LogSink that knows when what came."""

    def __init__(self) -> None:
        self.times: dict[bytes, float] = {}
        self.seen = threading.Event()

    def write(self, stream: Stream, data: bytes) -> None:
        for line in data.splitlines():
            self.times[line] = time.monotonic()
        self.seen.set()


@pytest.fixture
def own_engine(engine: Engine, contract_image: str, tmp_path: Path) -> Iterator[Engine]:
    """An engine that a test may kill; it has the contract image."""
    engine.podman("save", "--quiet", "--output", str(tmp_path / "image.tar"), contract_image)
    own = Engine(tmp_path / "own", choice=engine.choice)
    try:
        own.start()
        assert own.load_archive(tmp_path / "image.tar") == (IMAGE,)
        yield own
        own.start()
        left = census.leftovers(own)
    finally:
        own.destroy()
    assert not left


@pytest.mark.usefixtures("contract_image")
class TestOutput:
    def test_five_megabytes_of_anything_are_exact(self, manager: PodmanManager, tmp_path: Path) -> None:
        data = os.urandom(5_000_000)
        (tmp_path / "data").write_bytes(data)
        output = Output()
        with running(manager, spec()) as container:
            manager.copy_to(container, tmp_path / "data", "/work")
            assert manager.exec(container, shell("cat /work/data; cat /work/data >&2"), output) == 0
        assert output.stdout == data
        assert output.stderr == data

    def test_five_megabytes_go_in_and_come_back(self, manager: PodmanManager) -> None:
        data = os.urandom(5_000_000)
        output = Output()
        with running(manager, spec()) as container:
            assert manager.exec(container, ["cat"], output, stdin=data) == 0
        assert output.stdout == data

    def test_input_that_nobody_reads_does_not_block(self, manager: PodmanManager) -> None:
        with running(manager, spec()) as container:
            assert manager.exec(container, shell("exit 4"), Output(), stdin=bytes(20_000_000)) == 4

    def test_streams_keep_their_order(self, manager: PodmanManager) -> None:
        output = Output()
        script = "for i in 1 2 3 4; do echo o$i; sleep 0.25; echo e$i >&2; sleep 0.25; done"
        with running(manager, spec()) as container:
            manager.exec(container, shell(script), output)
        assert b"".join(data for _, data in output.pieces) == b"o1\ne1\no2\ne2\no3\ne3\no4\ne4\n"

    def test_output_comes_while_the_command_runs(self, manager: PodmanManager) -> None:
        clock = Clock()
        with running(manager, spec()) as container:
            manager.exec(container, shell("echo first; sleep 1; echo last"), clock)
        assert clock.times[b"last"] - clock.times[b"first"] > 0.8

    def test_no_byte_of_pid_1_is_lost(self, manager: PodmanManager) -> None:
        for _ in range(5):
            output = Output()
            assert manager.run(spec(*shell("seq 1 20000; seq 1 9 >&2")), output) == 0
            assert output.stdout == b"".join(b"%d\n" % number for number in range(1, 20001))
            assert output.stderr == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"

    def test_command_that_closes_its_output_is_waited_for(self, manager: PodmanManager) -> None:
        with running(manager, spec()) as container:
            assert manager.exec(container, shell("exec >&- 2>&-; sleep 1; exit 6"), Output()) == 6

    def test_process_left_in_the_background_is_not_waited_for(self, manager: PodmanManager) -> None:
        output = Output()
        with running(manager, spec()) as container:
            began = time.monotonic()
            assert manager.exec(container, shell("sleep 30 & echo done"), output) == 0
            assert time.monotonic() - began < 15
        assert output.stdout == b"done\n"

    def test_200_megabytes_need_no_memory(self, manager: PodmanManager) -> None:
        with running(manager, spec()) as container:
            program = [sys.executable, "-m", "tests.contract.read_200_mb", manager.socket, container]
            found = json.loads(subprocess.run(program, capture_output=True, check=True, text=True).stdout)
        assert (found["code"], found["bytes"]) == (0, AMOUNT)
        assert found["more_kb"] < 30_000

    def test_commands_of_several_threads_do_not_mix(self, manager: PodmanManager) -> None:
        outputs = [Output() for _ in range(4)]
        with running(manager, spec()) as container:
            threads = [
                threading.Thread(
                    target=manager.exec,
                    args=(container, shell(f"for i in $(seq 500); do echo {n}; done"), output),
                )
                for n, output in enumerate(outputs)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [output.stdout for output in outputs] == [b"%d\n" % n * 500 for n in range(4)]

    def test_container_removed_under_a_command_ends_it(self, manager: PodmanManager) -> None:
        clock = Clock()
        with running(manager, spec()) as container:

            def remove_when_seen() -> None:
                clock.seen.wait(10)
                manager.remove(container)

            remover = threading.Thread(target=remove_when_seen)
            remover.start()
            # Its exit code goes away together with the container.
            with suppress(EngineError, TaskInterrupted):
                assert manager.exec(container, shell("echo up; sleep 60"), clock) == 137
            remover.join()
            assert manager.inspect(container) is None


class TestEngineGone:
    def test_command_whose_engine_dies_has_no_result(self, own_engine: Engine) -> None:
        manager = PodmanManager(own_engine.socket, Timeouts())
        clock = Clock()

        def kill_when_seen() -> None:
            clock.seen.wait(10)
            kill_service(own_engine)

        killer = threading.Thread(target=kill_when_seen)
        killer.start()
        with (
            pytest.raises(EngineUnavailable, match="went away in the middle") as raised,
            running(manager, spec()) as container,
        ):
            manager.exec(container, shell("echo up; sleep 60"), clock)
        killer.join()
        # What ended the block is what its caller is told; that the removal failed as well is a note.
        assert any("cannot remove" in note for note in raised.value.__notes__)
        manager.close()

    def test_command_is_not_complete_when_the_engine_came_back(self, own_engine: Engine) -> None:
        manager = PodmanManager(own_engine.socket, Timeouts())
        clock = Clock()

        def restart_when_seen() -> None:
            clock.seen.wait(10)
            kill_service(own_engine)
            own_engine.serve()

        restarter = threading.Thread(target=restart_when_seen)
        restarter.start()
        with running(manager, spec()) as container:
            with pytest.raises(EngineUnavailable, match="went away in the middle"):
                manager.exec(container, shell("echo up; sleep 1; echo lost"), clock)
            restarter.join()
            assert manager.exec(container, ["true"], Output()) == 0
        assert manager.find(WORKER) == ()
        manager.close()

    def test_run_and_wait_whose_engine_dies_have_no_result(self, own_engine: Engine) -> None:
        manager = PodmanManager(own_engine.socket, Timeouts())
        killer = threading.Timer(1.5, kill_service, [own_engine])
        killer.start()
        with pytest.raises(EngineUnavailable):
            manager.run(spec(), Output())
        killer.join()
        manager.close()


class FullDisk:
    """A LogSink that cannot take anything."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, stream: Stream, data: bytes) -> None:
        raise self.error


@pytest.mark.usefixtures("contract_image")
@pytest.mark.parametrize("error", [OSError(28, "full"), ConnectionResetError("hub"), TimeoutError("hub")])
def test_error_of_the_sink_is_not_the_engine_s(manager: PodmanManager, error: OSError) -> None:
    with running(manager, spec()) as container, pytest.raises(type(error)) as raised:
        manager.exec(container, shell("echo x; sleep 1"), FullDisk(error), timeout=30)
    assert raised.value is error


def test_an_image_without_the_program(manager: PodmanManager, contract_image: str) -> None:
    """Told from what else an engine refuses: no other attempt finds it."""
    wanted = ("/usr/bin/no-such-program", "--version")
    with pytest.raises(
        ProgramMissing, match=rf"^image {contract_image} has no /usr/bin/no-such-program, .*;"
    ):
        manager.run(replace(spec(), command=wanted), Output())
    assert manager.run(spec(*shell("exit 127")), Output()) == 127
