"""What one container hands to the caller as it starts, and to another container: over the fake and real podman."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerManager, IdMap
from koji_adjutant.errors import EngineError
from tests.contract.containers import ID_MAP, Output, Subject, shell, spec
from tests.fakes.containers import CommandResult, running

LIMIT = 1 << 30


def test_a_container_says_something_first_and_runs_on(subject: Subject) -> None:
    argv = shell("echo begin; echo end; exec sleep infinity")
    said = (("stdout", b"begin\n"), ("stdout", b"end\n"))
    subject.expect(argv, CommandResult(output=said, endless=True))  # type: ignore[arg-type]
    output, manager = Output(), subject.manager
    with manager.created(spec(*argv)) as container:
        manager.start_attached(container, output, lambda: output.stdout.endswith(b"end\n"))
        state = manager.inspect(container)
    assert output.stdout == b"begin\nend\n"
    assert state is not None
    assert state.state == "running"


def test_what_ends_before_it_has_said_enough_is_not_waited_for(subject: Subject) -> None:
    argv = shell("echo begin")
    subject.expect(argv, CommandResult(output=(("stdout", b"begin\n"),)))
    output = Output()
    with subject.manager.created(spec(*argv)) as container:
        subject.manager.start_attached(container, output, lambda: False)
    assert output.stdout == b"begin\n"


def test_a_directory_goes_from_one_container_to_another(manager_of: ContainerManager, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "below").mkdir(parents=True)
    target.mkdir()
    content = bytes(range(256)) * 20_000
    (source / "below" / "data").write_bytes(content)
    with running(manager_of, spec()) as first, manager_of.created(spec()) as second:
        manager_of.copy_to(first, source, "/work", owner=(1000, 135))
        manager_of.copy_across(first, "/work/source", second, limit=LIMIT)
        with pytest.raises(EngineError, match="more than 1000000 bytes"):
            manager_of.copy_across(first, "/work/source", second, limit=1_000_000)
        (copy,) = manager_of.copy_from(second, "/work/source", target)
        with pytest.raises(EngineError):
            manager_of.copy_across(first, "/no/such", second, limit=LIMIT)
    assert copy.read_bytes() == content


@pytest.mark.podman
@pytest.mark.parametrize("id_map", [None, ID_MAP])
def test_a_directory_keeps_modes_and_links_and_is_the_users(
    manager: ContainerManager, contract_image: str, tmp_path: Path, id_map: IdMap | None
) -> None:
    """Also in a user namespace: an engine shows the host's ids of what it reads there, and takes none of them."""
    assert contract_image
    source = tmp_path / "source"
    source.mkdir()
    (source / "script").write_text("#!/bin/sh\n")
    (source / "script").chmod(0o755)
    (source / "link").symlink_to("script")
    output = Output()
    of_first = dataclasses.replace(spec(), id_map=id_map)
    users = dataclasses.replace(of_first, user="1000:135")
    with manager.created(of_first) as first, running(manager, users) as second:
        manager.copy_to(first, source, "/work")
        manager.copy_across(first, "/work/source", second, limit=LIMIT)
        argv = ("/bin/stat", "-c", "%u:%g %a %F", "/work/source/script", "/work/source/link")
        assert manager.exec(second, argv, output, environment={"PATH": "/bin"}) == 0
    assert output.stdout == b"1000:135 755 regular file\n1000:135 777 symbolic link\n"
