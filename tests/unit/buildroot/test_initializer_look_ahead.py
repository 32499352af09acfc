"""What a look ahead keeps of the solver's words, and when it is worth while."""

from concurrent.futures import Future

from koji_adjutant.buildroot.initializer import KEPT, KeptOutput, LookAhead, is_worth_it
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.container.interface import Stream

BASH = InstalledPackage(
    name="bash",
    version="5",
    release="1",
    epoch=None,
    arch="x86_64",
    size=1,
    buildtime=2,
    payloadhash="0" * 32,
)


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, stream: Stream, data: bytes) -> None:
        self.data += data


def found(requires: tuple[str, ...]) -> LookAhead:
    output, fetching = KeptOutput(), Future[None]()
    output.write("stdout", b"solved\n")
    output.write("stdout", b"x" * KEPT)
    fetching.set_exception(OSError("no more room"))
    return LookAhead(requires=requires, output=output, fetching=fetching, buildroot=None)


def test_what_was_asked_for_is_told_and_its_failures_are_not() -> None:
    log = Log()
    found(("zlib",)).settle(["zlib"], log)
    assert log.data == b"solved\n"


def test_what_was_asked_for_in_vain_is_not_told() -> None:
    log = Log()
    found(("zlib",)).settle(["flex"], log)
    assert log.data == b""


def test_only_a_package_that_is_not_there_is_looked_for() -> None:
    assert is_worth_it(["bash >= 9", "zlib"], [BASH])
    assert not is_worth_it(["bash >= 9", "rpmlib(X) <= 1"], [BASH])
