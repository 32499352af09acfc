"""What a checkout container is given and what of its output comes to this host."""

import io
import tarfile
from pathlib import Path

import pytest
from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed, UnpackRefused
from koji_adjutant.host.unpack import UnpackLimits
from koji_adjutant.policy.scm_access import ScmAccess
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.checkout import (
    HINTS,
    CheckoutAdapter,
    check_login,
    failure,
    hint_for,
    script_arguments,
)
from koji_adjutant.task_adapters.sources.tree_sink import LINE_LIMIT, TreeSink
from koji_adjutant.task_adapters.tool import LineWatch
from tests.unit.task_adapters.conftest import Log

LIMITS = UnpackLimits(bytes=1 << 20, files=10)


def address(url: str) -> ScmAddress:
    return ScmAddress.of(SCM(url, allow_password=True))


def access(**files: bytes) -> ScmAccess:
    return ScmAccess(
        mounts=(), environment={"GIT_CONFIG_NOSYSTEM": "1"}, network="bridge", files=files, found=()
    )


def adapter(url: str, **files: bytes) -> CheckoutAdapter:
    return CheckoutAdapter(address=address(url), use_common=True, image="tools", access=access(**files))


def test_a_container_without_privileges_and_without_this_host(ctx: TaskContext) -> None:
    spec = adapter("git+https://h/a#x").build_spec(ctx, {})
    assert (spec.user, spec.network, spec.mounts, spec.files) == ("1000:1000", "bridge", (), {})
    assert not spec.capabilities
    assert spec.no_new_privileges
    assert spec.environment["GIT_CONFIG_NOSYSTEM"] == "1"


def test_a_password_is_in_no_part_of_the_container(ctx: TaskContext) -> None:
    spec = adapter("git+https://u:hunter2@h/a#x", netrc=b"hunter2").build_spec(ctx, {})
    assert "hunter2" not in repr(spec)
    assert (spec.home, spec.files) == ("/var/tmp/home", {"netrc": b"hunter2"})


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        (
            "git+https://h/a/b.git?m#origin/x",
            ("git", "https://h/a/b.git", "b", "m", "origin/x", "x", "https://h/a/common.git"),
        ),
        ("svn://h/a?m#7", ("svn", "svn://h/a", "", "m", "7", "7", "svn://h/a/common")),
    ],
)
def test_what_the_script_is_told(url: str, arguments: tuple[str, ...]) -> None:
    assert script_arguments(address(url), "/top", use_common=True) == ("/top", *arguments)
    assert script_arguments(address(url), "/top", use_common=False) == ("/top", *arguments[:-1])


@pytest.mark.parametrize(
    ("url", "step", "said"),
    [
        ("git://h/a#x", "clone", 'GIT command "git clone -n git://h/a /top/a"'),
        ("git://h/a#origin/x", "reset", 'GIT command "git reset --hard origin/x"'),
        ("git+ssh://u@h/a#x", "common", 'GIT+SSH command "git clone git+ssh://u@h/common common"'),
        ("svn://h/a?m#7", "checkout", 'SVN command "svn checkout -r 7 svn://h/a/m m"'),
        ("svn+ssh://u@h/a?m#7", "common", 'SVN+SSH command "svn checkout svn+ssh://u@h/a/common"'),
        ("git://h/a#x", "something", "GIT commands"),
    ],
)
def test_what_the_hub_is_told_of_a_step(url: str, step: str, said: str) -> None:
    assert failure(address(url), "/top", step) == f"Error running {said}, see checkout.log for details"


def test_what_the_hub_is_told_of_externals() -> None:
    said = failure(address("svn+https://u:p@h/a?m#7"), "/top", "externals")
    assert said == "h has svn:externals there, and the password of the URL is for no other server"


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Host key verification failed.", "this builder does not know h:22 by its key"),
        ("git@h: Permission denied (publickey,password).", "h:22 lets none of this builder's keys in"),
        ("fatal: could not read Username for 'https://h'", "h:22 wants a login"),
        ("svn: E170001: Authentication failed", "h:22 wants a login"),
        ("server certificate verification failed. CAfile: none", "does not trust the certificate of h:22"),
        ("SSL certificate problem: self-signed certificate", "does not trust the certificate of h:22"),
        (
            "svn: E230001: Server SSL certificate verification failed",
            "does not trust the certificate of h:22",
        ),
        ("Operation too slow. Less than 1 bytes/sec", "h:22 sends nothing: see scm_low_speed"),
        ("checkout.sh: line 31: svn: command not found", "a program is missing: see scm_image"),
        ("error: cannot run ssh: No such file or directory", "a program is missing: see scm_image"),
        ("fatal: repository 'https://h/x' not found", ""),
    ],
)
def test_what_an_operator_can_do(said: str, hint: str) -> None:
    watch = LineWatch(*HINTS)
    watch.write("stderr", f"Cloning into 'x'...\n{said}\n".encode())
    found = hint_for(address("git+ssh://u@h:22/a#x"), watch)
    assert hint in found
    assert bool(found) == bool(hint)


def test_who_is_not_tried() -> None:
    with pytest.raises(BuildFailed, match=r"^No user specified for repository access scheme: git\+ssh://$"):
        check_login(address("git+ssh://h/a#x"))
    with pytest.raises(BuildFailed, match="this builder has no CVS"):
        check_login(address("cvs://h/a?m#x"))


def archive(*names: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return raw.getvalue()


def send(sink: TreeSink, data: bytes, piece: int = 100) -> None:
    for start in range(0, len(data), piece):
        sink.write("stdout", data[start : start + piece])


def test_the_line_and_the_tree(tmp_path: Path, log: Log) -> None:
    with TreeSink(tmp_path, log, LIMITS) as sink:
        sink.write("stderr", b"Cloning\n")
        send(sink, b"head abc\n" + archive("a", "b"), piece=7)
    assert sink.said == "head abc"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    assert log.data == b"Cloning\n"


def test_a_checkout_that_failed_sends_no_tree(tmp_path: Path, log: Log) -> None:
    with TreeSink(tmp_path, log, LIMITS) as sink:
        send(sink, b"failed clone\n")
    assert sink.said == "failed clone"


def test_a_tree_that_is_refused(tmp_path: Path, log: Log) -> None:
    with pytest.raises(UnpackRefused), TreeSink(tmp_path, log, LIMITS) as sink:
        send(sink, b"head abc\n" + archive("../a"))


def test_what_goes_on_after_a_refusal_is_not_read(tmp_path: Path, log: Log) -> None:
    endless = b"head abc\n" + archive("../a") + b"x" * (4 << 20)
    with pytest.raises(UnpackRefused), TreeSink(tmp_path, log, LIMITS) as sink:
        send(sink, endless, piece=1 << 16)


def test_a_tree_that_breaks_off(tmp_path: Path, log: Log) -> None:
    with pytest.raises(UnpackRefused), TreeSink(tmp_path, log, LIMITS) as sink:
        send(sink, b"head abc\n" + archive("a")[:300])


def test_a_line_without_an_end(tmp_path: Path, log: Log) -> None:
    with (
        pytest.raises(BuildFailed, match="says nothing that can be understood"),
        TreeSink(tmp_path, log, LIMITS) as sink,
    ):
        send(sink, b"x" * (LINE_LIMIT + 1))
