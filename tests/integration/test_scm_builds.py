"""`koji build` of a commit: what is checked out becomes a source package in the buildroot, and that is built."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import koji
import pytest

from koji_adjutant.testbed import census
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from tests.integration.configured import configured
from tests.integration.running import Build, Testbed
from tests.waiting import eventually

pytestmark = pytest.mark.podman

CONNECTED_SECONDS = 120.0


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Nobody's news."""


@contextmanager
def served(directory: Path, host: str) -> Iterator[str]:
    """Host and port at which the files below a directory are."""
    with ThreadingHTTPServer((host, 0), partial(QuietHandler, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def git(directory: Path, *arguments: str) -> str:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    argv = ["git", "-C", str(directory), *author, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def hello(testbed: Testbed, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URL of a repository of package hello, and its commit."""
    work = tmp_path / "work"
    work.mkdir()
    topdir = ("--define", f"_topdir {work}", "--define", f"_sourcedir {work}", "--define", f"_specdir {work}")
    subprocess.run(["rpm", *topdir, "-i", testbed.srpm("hello")], check=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message=hello")
    bare = tmp_path / "served" / "hello.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    git(bare, "update-server-info")
    with served(bare.parent, gateway(testbed)) as address:
        yield f"git+http://{address}/hello.git", git(work, "rev-parse", "HEAD")


def assert_closed(testbed: Testbed, build: Build) -> None:
    faults = [testbed.fault(task.id) for task in build.tasks if task.state == "FAILED"]
    assert build.returncode == 0, f"{build.output}\n{faults}"
    assert {task.state for task in build.tasks} == {"CLOSED"}


def test_a_commit_is_built(testbed: Testbed, hello: tuple[str, str]) -> None:
    url, commit = hello
    build = testbed.build(f"{url}#main", "--scratch", target=TARGET)
    assert_closed(testbed, build)
    assert [task.method for task in build.tasks] == ["build", "buildSRPMFromSCM", "buildArch"]
    task = build.task("buildSRPMFromSCM")
    result = testbed.session.getTaskResult(task.id)
    directory = koji.pathinfo.taskrelpath(task.id)
    (root,) = testbed.session.listBuildroots(taskID=task.id)
    assert result["srpm"] == f"{directory}/hello-1.0-1.md1.src.rpm"
    assert result["brootid"] == root["id"]
    assert root["state"] == koji.BR_STATES["EXPIRED"]
    assert result["source"] == {"url": f"{url}#main", "source": f"{url}#{commit}"}
    logs = {name.removeprefix(f"{directory}/") for name in result["logs"]}
    assert {"build.log", "root.log", "state.log", "mock_output.log", "mock_config.log"} <= logs
    assert "checkout.log" not in logs
    assert "git clone -n" in (testbed.output(task) / "checkout.log").read_text()


PLUGIN = """\
import json, os, subprocess
from koji.plugin import callback

def note(what):
    with open("@SEEN@", "a") as file:
        file.write(json.dumps(what) + "\\n")

@callback("preSCMCheckout")
def before(cbtype, *args, **kws):
    note([cbtype, sorted(kws), kws["buildroot"].id, kws["scminfo"]["revision"]])

@callback("postSCMCheckout")
def after(cbtype, *args, **kws):
    srcdir = kws["srcdir"]
    run = lambda *argv: subprocess.check_output(argv, cwd=srcdir, text=True).split()
    branches = run("git", "branch", "-r", "--contains", "HEAD")
    count = run("git", "rev-list", "--count", "HEAD")
    note([cbtype, os.stat(srcdir).st_uid == os.getuid(), branches, count, kws["taskinfo"]["id"]])
    spec = os.path.join(srcdir, "hello.spec")
    with open(spec) as file:
        text = file.read().replace("Release: 1", "Release: 7")
    with open(spec, "w") as file:
        file.write(text)
"""


def test_plugins_see_a_checkout_on_this_host_and_may_change_it(
    testbed: Testbed, hello: tuple[str, str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    (tmp_path / "looks.py").write_text(PLUGIN.replace("@SEEN@", str(seen)))
    url, commit = hello
    with configured(testbed, section="kojid", plugin="looks", pluginpath=str(tmp_path)):
        build = testbed.build(f"{url}#{commit}", "--scratch")
        assert_closed(testbed, build)
    task = build.task("buildSRPMFromSCM")
    (root,) = testbed.session.listBuildroots(taskID=task.id)
    before, after = (json.loads(line) for line in seen.read_text().splitlines())
    told = ["build_tag", "buildroot", "scminfo", "scratch", "session", "taskinfo"]
    assert before == ["preSCMCheckout", told, root["id"], commit]
    assert after[:2] == ["postSCMCheckout", True]
    assert "origin/main" in after[2]
    assert after[3:] == [["1"], task.id]
    result = testbed.session.getTaskResult(task.id)
    assert result["srpm"].endswith("/hello-1.0-7.md1.src.rpm")
    assert result["source"]["source"] == f"{url}#{commit}"


def test_a_site_that_checks_out_on_its_host(testbed: Testbed, hello: tuple[str, str]) -> None:
    url, commit = hello
    with configured(testbed, scm_on_host="yes"):
        build = testbed.build(f"{url}#main", "--scratch")
        assert_closed(testbed, build)
    task = build.task("buildSRPMFromSCM")
    source = testbed.session.getTaskResult(task.id)["source"]
    assert source == {"url": f"{url}#main", "source": f"{url}#{commit}"}
    assert "/on_host/scmroot/hello\n" in (testbed.output(task) / "checkout.log").read_text()


def test_a_checkout_from_a_server_that_never_answers_is_canceled(testbed: Testbed) -> None:
    with socket.create_server((gateway(testbed), 0)) as server:
        url = f"git+http://{gateway(testbed)}:{server.getsockname()[1]}/hello#main"
        admin = testbed.session
        options = {"repo_id": admin.getRepo(BUILD_TAG)["id"]}
        task = int(admin.makeTask("buildSRPMFromSCM", [url, BUILD_TAG, options]))
        server.settimeout(CONNECTED_SECONDS)
        connection, _ = server.accept()
        with connection:
            assert list(checkouts(testbed))
            admin.cancelTask(task)
            eventually(lambda: not list(checkouts(testbed)), "its container is gone")
    assert testbed.wait_task(task).state == "CANCELED"
    work = testbed.layout.builder / "work" / "tasks" / f"{task % 10000}" / f"{task}"
    eventually(lambda: not work.exists(), "its work directory is gone, which comes last")


def checkouts(testbed: Testbed) -> Iterator[str]:
    """The containers of checkouts."""
    yield from (thing for thing in census.things(testbed.engine) if "'checkout'" in thing)


def gateway(testbed: Testbed) -> str:
    return testbed.engine.gateway
