"""buildSRPMFromSCM from the task's parameters to its result: what the hub is asked, and who sees what."""

import dataclasses
import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import koji
import koji.plugin
import pytest

from koji_adjutant.buildroot.settings import TOPDIR
from koji_adjutant.container import labels
from koji_adjutant.guards.limited import SCRIPT_TEXT as LIMITS_TEXT
from koji_adjutant.handlers.sources.build_srpm_from_scm import BuildSRPMFromSCMTask
from koji_adjutant.task_adapters.rpmbuild import AUTOSPEC, FAILED, TURN
from koji_adjutant.task_adapters.sources.checkout import SCRIPT_TEXT
from tests.fakes.containers import Command, FakeContainer
from tests.unit.handlers.build.build_hub import OF_A_BUILD, SRPM, TaskHub
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.task_adapters.build_bench import INSTALLER, Bench, script_of

URL = "git+https://git.example/rpms/hello.git#main"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHECKOUT = ("/bin/bash", "-c", SCRIPT_TEXT)
ALLOWED = "git.example:/rpms/*:no:"
BEFORE_ROOT = ["getTaskInfo", "getChannel", "repoInfo", "getTag", "getHost", "getBuildConfig"]
SPEC = {"hello/hello.spec": "Name: hello\n"}


class ScmHub(TaskHub):
    """Also answers what is asked about the task itself."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = "allow none"
        self.asked: list[Any] = []

    def getTaskInfo(self, task: int, *, request: bool = False, strict: bool = False) -> dict[str, Any]:  # noqa: N802
        self.order.append("getTaskInfo")
        return {"id": task, "owner": 3, "channel_id": 1, "arch": "noarch", "request": []}

    def getChannel(self, channel: int, **_: Any) -> dict[str, Any]:  # noqa: N802
        self.order.append("getChannel")
        return {"id": channel, "name": "default"}

    def evalPolicy(self, name: str, data: dict[str, Any]) -> str:  # noqa: N802
        self.order.append("evalPolicy")
        self.asked.append((name, data))
        return self.policy


@pytest.fixture
def task_hub() -> ScmHub:
    return ScmHub()


@pytest.fixture(autouse=True)
def _no_callbacks_are_left() -> Iterator[None]:
    before = {name: list(found) for name, found in koji.plugin.callbacks.items()}
    yield
    for name, found in before.items():
        koji.plugin.callbacks[name][:] = found


def register(function: Callable[..., None]) -> None:
    """As a plugin does."""
    koji.plugin.register_callback(cast("Any", "preSCMCheckout"), function)


def tree(files: Mapping[str, str]) -> bytes:
    """What a checkout sends of these files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        directories = dict.fromkeys(
            str(parent) for name in files for parent in reversed(Path("scmroot", name).parents[:-1])
        )
        for name in directories:
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(directory)
        for name, text in files.items():
            member = tarfile.TarInfo(f"scmroot/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return raw.getvalue()


class Scene:
    """One task; `events` are what happens in containers and in plugins, in order."""

    def __init__(self, bench: Bench, hub: ScmHub, make_handler: MakeHandler, srpm: bytes) -> None:
        self.bench = bench
        self.hub = hub
        self.events: list[str] = []
        self.files = SPEC
        self.said = f"head {COMMIT}"
        self.actions: list[tuple[str, ...]] = []
        self.options: dict[str, Any] = {"allowed_scms": ALLOWED, "scm_ssh_dir": None, "scm_netrc": None}
        self._make = make_handler
        self._srpm = srpm
        bench.manager.add_image(bench.config.task_image_default)
        bench.script(CHECKOUT, self._check_out)
        # No limit has been hit.
        bench.script(("/bin/bash", "-c", LIMITS_TEXT), lambda *_: (0,))
        for action in ("sources", "srpm"):
            bench.script(script_of(action), self._run)

    def task(self, url: str = URL, **opts: Any) -> Any:
        own = {"user_namespace": "no", "scm_gitconfig": (), "scm_ca_trust": (), "mock_site_defaults": None}
        config = dataclasses.replace(self.bench.config, **{**own, **self.options})
        params = [url, "dist-build", {"repo_id": 7, **opts}]
        return self._make(
            BuildSRPMFromSCMTask, 5, params, self.hub, config=config, manager=self.bench.manager
        )

    @property
    def specs(self) -> list[Any]:
        """The build containers."""
        return [spec for spec in self.bench.manager.specs if spec.labels[labels.ROLE] == "build"]

    def _check_out(self, _container: FakeContainer, _command: Command) -> tuple[Any, ...]:
        self.events.append("checkout")
        sent = f"{self.said}\n".encode() + (tree(self.files) if self.said.startswith("head") else b"")
        return (0 if self.said.startswith("head") else 1), ("stderr", b"$ git clone\n"), ("stdout", sent)

    def _run(self, container: FakeContainer, command: Command) -> tuple[Any, ...]:
        action, *arguments = command.argv[3:]
        self.events.append(action)
        self.actions.append((action, *arguments))
        if action == "srpm.sh":
            container.files[f"{TOPDIR}/SRPMS/hello-1.0-1.md1.src.rpm"] = self._srpm
        return 0, ("stderr", b"phase rpmbuild-bs\nresult built\n")


@pytest.fixture
def scene(bench: Bench, task_hub: ScmHub, make_handler: MakeHandler, tmp_path: Path) -> Scene:
    return Scene(bench, task_hub, make_handler, (tmp_path / "web" / "work" / SRPM).read_bytes())


def test_the_hub_is_asked_in_the_order_of_kojid(scene: Scene) -> None:
    result = scene.task().run()
    assert scene.hub.order == [*BEFORE_ROOT, *OF_A_BUILD, "uploadWrapper", "setBuildRootState"]
    assert result["srpm"] == "tasks/5/5/hello-1.0-1.md1.src.rpm"
    assert result["brootid"] == 3
    assert result["source"] == {"url": URL, "source": f"git+https://git.example/rpms/hello.git#{COMMIT}"}
    assert "tasks/5/5/state.log" in result["logs"]
    assert "tasks/5/5/checkout.log" not in result["logs"]
    assert "checkout.log" in scene.hub.files


def test_without_a_command_there_is_one_run_in_one_container(scene: Scene) -> None:
    scene.task().run()
    assert scene.actions == [
        ("srpm.sh", "noarch", "/builddir/scmroot/hello", "hello.spec", "yes", "no"),
    ]
    (spec,) = scene.specs
    assert spec.network == "bridge"


def test_a_command_runs_in_the_same_container(scene: Scene) -> None:
    scene.options["allowed_scms"] = "git.example:/rpms/*:no:fedpkg,sources"
    scene.task().run()
    assert [action[-2:] for action in scene.actions] == [("fedpkg", "sources")]
    assert len(scene.specs) == 1


def test_credentials_are_seen_by_the_command_alone(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "token").write_text("secret")
    scene.options |= {
        "allowed_scms": "git.example:/rpms/*:no:make,sources",
        "scm_credentials_dir": str(tmp_path / "credentials"),
    }
    seen = {}
    plain = scene._run

    def look(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        seen[command.argv[3]] = container.files.get("/credentials/token")
        return plain(container, command)

    for action in ("sources", "srpm"):
        scene.bench.script(script_of(action), look)
    scene.task().run()
    assert seen == {"sources.sh": b"secret", "srpm.sh": None}
    assert [spec.network for spec in scene.specs] == ["bridge", "bridge"]


def test_a_tag_takes_the_network_from_rpmbuild_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = {"id": 2, "name": "dist-build", "arches": "x86_64", "extra": {"adjutant.srpm_network": "no"}}
    monkeypatch.setattr(scene.hub, "getBuildConfig", lambda *_, **__: tag)
    scene.options["allowed_scms"] = "git.example:/rpms/*:no:make,sources"
    scene.task().run()
    assert scene.events[-2:] == ["sources.sh", "srpm.sh"]
    assert [spec.network for spec in scene.specs] == ["bridge", "none"]


def test_policy_is_asked_what_kojid_asks(scene: Scene) -> None:
    scene.options |= {"allowed_scms_use_config": False, "allowed_scms_use_policy": True}
    scene.task(scratch=True).run()
    ((name, data),) = scene.hub.asked
    assert name == "build_from_scm"
    assert (data["user_id"], data["channel"], data["scratch"]) == (3, "default", True)
    assert (data["scm_host"], data["scm_repository"], data["scm_type"]) == (
        *("git.example", "/rpms/hello.git", "GIT"),
    )
    assert scene.hub.order[:4] == ["getTaskInfo", "getChannel", "evalPolicy", "repoInfo"]


def test_what_is_not_allowed_is_not_checked_out(scene: Scene) -> None:
    scene.options["allowed_scms"] = "!git.example:/rpms/* *:*"
    with pytest.raises(
        koji.BuildError, match=r"^git\.example:/rpms/hello\.git is not in the list of allowed SCMs$"
    ):
        scene.task().run()
    assert scene.events == []
    assert scene.hub.host.calls == []


@pytest.mark.parametrize("url", ["git+http://[x/y#main", "git+http://u:p@[x/y#main"])
def test_a_url_that_nobody_can_read(scene: Scene, url: str) -> None:
    with pytest.raises(koji.GenericError, match="Unable to parse SCM URL") as raised:
        scene.task(url).run()
    assert ":p@" not in str(raised.value)


def test_a_password_is_not_quoted(scene: Scene) -> None:
    with pytest.raises(koji.GenericError, match="username:password format not supported") as raised:
        scene.task("git+https://me:hunter2@git.example/rpms/hello#main").run()
    assert str(raised.value).endswith(": me:***")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            "failed clone",
            r'^Error running GIT command "git clone -n https://\S+ /var/tmp/scm/scmroot/hello", see checkout\.log',
        ),
        ("failed reset", r'^Error running GIT command "git reset --hard main", see checkout\.log for'),
        ("failed head", r"^Error getting commit hash for git$"),
        ("head --output=x", r"^Error getting commit hash for git$"),
        ("", r"^Error running GIT commands, see checkout\.log for details$"),
    ],
)
def test_a_checkout_that_fails(scene: Scene, said: str, error: str) -> None:
    scene.said = said
    with pytest.raises(koji.BuildError, match=error):
        scene.task().run()
    assert scene.hub.host.calls[-1] == ("setBuildRootState", "EXPIRED")
    assert "checkout.log" in scene.hub.files


def test_a_repository_without_a_spec_file(scene: Scene) -> None:
    scene.files = {"hello/README": ""}
    with pytest.raises(koji.BuildError, match=r"^No spec file found$"):
        scene.task().run()


@pytest.mark.parametrize(
    ("last", "error"),
    [
        ("sources 2", r"^error retrieving sources, build exited with status 2; see root\.log for more"),
        ("rpmbuild-bs 1", r"^error building srpm, build exited with status 1; see build\.log for more"),
    ],
)
def test_a_step_that_fails(scene: Scene, last: str, error: str) -> None:
    scene.options["allowed_scms"] = "git.example:/rpms/*:no:make,sources"
    said = f"phase sources\nresult {last}\n".encode()
    turn = TURN if last.startswith("rpmbuild") else b"fetching\n"
    scene.bench.script(script_of("srpm"), lambda *_: (FAILED, ("stderr", said), ("stdout", turn)))
    with pytest.raises(koji.BuildError, match=error):
        scene.task().run()


def test_no_source_package(scene: Scene) -> None:
    def make_nothing(container: FakeContainer, _: Command) -> tuple[Any, ...]:
        container.files[f"{TOPDIR}/SRPMS/README"] = b""
        return 0, ("stderr", b"phase rpmbuild-bs\nresult built\n")

    scene.bench.script(script_of("srpm"), make_nothing)
    with pytest.raises(koji.BuildError, match=r"^No srpms found in /builddir/scmroot/hello$"):
        scene.task().run()


def test_nothing_is_checked_out_before_a_plugin_was_asked(scene: Scene) -> None:
    def before(*_: Any, **told: Any) -> None:
        scene.events.append("asked")
        assert set(told) == {"scminfo", "build_tag", "scratch", "buildroot", "taskinfo", "session"}
        assert told["scminfo"]["repository"] == "/rpms/hello.git"
        assert told["build_tag"]["name"] == "dist-build"
        assert (told["buildroot"].id, told["buildroot"].tag_name, told["buildroot"].repoid) == (
            *(3, "dist-build", 7),
        )

    register(before)
    scene.task().run()
    assert scene.events == ["asked", "checkout", "srpm.sh"]


def test_a_plugin_that_refuses_ends_the_task(scene: Scene) -> None:
    def before(*_: Any, **__: Any) -> None:
        raise koji.GenericError("not this one")

    register(before)
    with pytest.raises(koji.CallbackError, match="not this one"):
        scene.task().run()
    assert scene.events == []


def test_what_a_plugin_asks_of_a_buildroot_that_is_not_there(scene: Scene) -> None:
    def before(*_: Any, **told: Any) -> None:
        told["buildroot"].rootdir()

    register(before)
    with pytest.raises(koji.CallbackError, match="rootdir"):
        scene.task().run()


def test_a_root_that_fails_does_not_wait_for_the_server(scene: Scene) -> None:
    """The checkout is ended, and its container goes."""
    checking_out, killed = threading.Event(), threading.Event()

    def hang(*_: Any) -> tuple[Any, ...]:
        checking_out.set()
        assert killed.wait(60)
        return 137, ("stderr", b"")

    def kill(container: str) -> None:
        killed.set()
        plain(container)

    def fail(*_: Any) -> tuple[Any, ...]:
        assert checking_out.wait(60)
        return (1, ("stdout", b"no"))

    plain, manager = scene.bench.manager.kill, cast("Any", scene.bench.manager)
    manager.kill = kill
    scene.bench.script(CHECKOUT, hang)
    scene.bench.script(INSTALLER, fail)
    with pytest.raises(koji.BuildrootError, match="rpm ended with status 1"):
        scene.task().run()
    assert killed.is_set()


def test_a_module_of_subversion(scene: Scene) -> None:
    asked: list[Any] = []

    def after(*_: Any, **told: Any) -> None:
        asked.append(told["srcdir"])

    koji.plugin.register_callback(cast("Any", "postSCMCheckout"), after)
    scene.files, scene.said = {"trunk/hello.spec": "Name: hello\n"}, "head -"
    scene.options["allowed_scms"] = "svn.example:/rpms:no:"
    url = "svn://svn.example/rpms?trunk#7"
    result = scene.task(url).run()
    assert result["source"] == {"url": url, "source": url}
    assert scene.actions[-1][2:4] == ("/builddir/scmroot/trunk", "hello.spec")
    assert [Path(path).name for path in asked] == ["trunk"]


def test_a_plugin_is_not_shown_a_repository_that_is_none_of_the_checkouts(scene: Scene) -> None:
    koji.plugin.register_callback(
        cast("Any", "postSCMCheckout"), lambda *_, **__: scene.events.append("shown")
    )
    scene.files, scene.said = {"trunk/hello.spec": "", "trunk/.git/config": "[core]\n"}, "head -"
    scene.options["allowed_scms"] = "svn.example:/rpms:no:"
    with pytest.raises(koji.BuildError, match="it is a repository within the checkout"):
        scene.task("svn://svn.example/rpms?trunk#7").run()
    assert scene.events == ["checkout"]


def test_history_is_looked_at_between_two_runs(scene: Scene) -> None:
    """A spec file that only looks as if it used rpmautospec is packaged as it is."""
    scene.options["rpmautospec"] = True
    plain = scene._run

    def lay_out(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        *_, layout, history = command.argv
        assert (layout, history) == ("yes", "yes")
        plain(container, command)
        container.files[f"{TOPDIR}/SPECS/hello.spec"] = b"# no autorelease\nName: hello\n"
        return AUTOSPEC, ("stderr", b"result autospec\n")

    scene.bench.script(script_of("srpm"), lay_out)
    scene.bench.script(script_of("laidout"), plain)
    scene.task().run()
    assert scene.events == ["checkout", "srpm.sh", "laidout.sh"]
