"""Lists of installed packages, whole and broken."""

import pytest

from koji_adjutant.buildroot.packages import digest_format, list_again, start_and_list
from koji_adjutant.container.interface import ContainerSpec, Stream
from koji_adjutant.errors import BuildrootFailed, TaskInterrupted
from tests.fakes.containers import CommandResult, FakeContainerManager

ROW = b"bash\t5\t1\t(none)\tx86_64\t1\t2\t" + b"0" * 32 + b"\n"
IDLE = ("idle",)


def started(*output: tuple[Stream, bytes], endless: bool = True) -> tuple[FakeContainerManager, str]:
    manager = FakeContainerManager()
    manager.add_image("localhost/x")
    manager.script(IDLE, CommandResult(output=output, endless=endless))
    return manager, manager.create(ContainerSpec(image="localhost/x", command=IDLE, labels={}))


@pytest.mark.parametrize("cut", [1, 10, len(ROW), len(ROW) + 3, len(ROW) + 8])
def test_a_list_may_come_in_pieces(cut: int) -> None:
    said = ROW + b"listed 0\n"
    manager, container = started(("stdout", said[:cut]), ("stdout", said[cut:]))
    (package,) = start_and_list(manager, container)
    assert package.nevra == "bash-5-1.x86_64"


def test_an_empty_list_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, container = started(("stdout", b"listed 0\n"))
    assert start_and_list(manager, container) == ()


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        (b"listed 1\n", "1"),
        (b"listed 127\n", "127"),
        (ROW, "none"),
        (ROW + b"listed 0", "none"),
        (b"", "none"),
    ],
)
def test_what_is_not_a_whole_list_is_none(said: bytes, ended: str) -> None:
    manager, container = started(("stderr", b"rpm: cannot\nopen"), ("stdout", said), endless=False)
    with pytest.raises(
        BuildrootFailed, match=rf"list of installed rpms: rpm ended with {ended}: rpm: cannot open"
    ):
        start_and_list(manager, container)


@pytest.mark.parametrize(
    ("endless", "exit_code", "reason"), [(False, 137, "was killed"), (True, 0, "was cut off")]
)
def test_a_list_that_somebody_broke_off_is_no_fault_of_the_repo(
    endless: bool, exit_code: int, reason: str
) -> None:
    manager = FakeContainerManager()
    manager.add_image("localhost/x")
    result = CommandResult(output=(("stdout", ROW),), exit_code=exit_code, endless=endless)
    manager.script(IDLE, result)
    container = manager.create(ContainerSpec(image="localhost/x", command=IDLE, labels={}))
    with pytest.raises(TaskInterrupted, match=reason):
        start_and_list(manager, container)


def test_one_whose_container_was_removed_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, container = started(("stdout", ROW))
    monkeypatch.setattr(manager, "inspect", lambda _container: None)
    with pytest.raises(TaskInterrupted, match="was removed"):
        start_and_list(manager, container)


def test_a_later_list_needs_no_last_line() -> None:
    manager, container = started()
    manager.start(container)
    manager.script(("rpm", "-qa"), CommandResult(output=(("stdout", ROW),)))
    (package,) = list_again(manager, container)
    assert package.name == "bash"
    assert manager.commands[-1].user == "0:0"


def test_a_later_list_that_fails_is_none() -> None:
    manager, container = started()
    manager.start(container)
    manager.script(("rpm", "-qa"), CommandResult(exit_code=1, output=(("stderr", b"no database"),)))
    with pytest.raises(BuildrootFailed, match="rpm ended with 1: no database"):
        list_again(manager, container)


NEW = ROW.replace(b"0" * 32, b"(none)")


@pytest.mark.parametrize(
    ("newest", "digests", "ident"),
    [(0, b"aa\tbb\t(none)\n", "sha3-256::aa"), (1, b"bb\t(none)\n", "sha256::bb")],
)
def test_packages_of_rpm_6_are_asked_for_once_more(newest: int, digests: bytes, ident: str) -> None:
    said = b"bash\t5\t1\t(none)\tx86_64\t" + digests
    manager, container = started(("stdout", NEW + b"listed 0\n"))
    refusal: tuple[Stream, bytes] = ("stderr", b'unknown tag: "SHA3_256HEADER"')
    output: tuple[Stream, bytes] = ("stdout", said)
    manager.script(
        ("rpm", "-qa", "--qf", digest_format(newest=True)),
        CommandResult(output=(refusal if newest else output,)),
    )
    manager.script(
        ("rpm", "-qa", "--qf", digest_format(newest=False)), CommandResult(output=(("stdout", said),))
    )
    (package,) = start_and_list(manager, container)
    assert package.payloadhash == ident


def test_an_rpm_that_tells_no_digest_is_named() -> None:
    manager, container = started(("stdout", NEW + b"listed 0\n"))
    manager.script(("rpm", "-qa"), CommandResult(exit_code=1, output=(("stderr", b"no database"),)))
    with pytest.raises(BuildrootFailed, match="rpm ended with 1: no database"):
        start_and_list(manager, container)
