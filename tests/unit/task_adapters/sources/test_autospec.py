"""A history that is worked into a spec file: when, with what installed, and what becomes of a failure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from koji_adjutant.buildroot.roots import Buildroot
from koji_adjutant.buildroot.settings import BUILD_IDS, TOPDIR
from koji_adjutant.config.autospec import AutospecPlan
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter
from koji_adjutant.task_adapters.rpmbuild import BUILT, FAILED, Scripts
from koji_adjutant.task_adapters.sources.autospec import SPEC_LIMIT, AutospecStep, uses_rpmautospec
from tests.unit.task_adapters.build_bench import BASE, ZLIB, Bench, script_of

if TYPE_CHECKING:
    from tests.fakes.containers import FakeContainerManager

COMMAND = ("/usr/bin/rpmautospec", "process-distgit")
USING = b"Name: x\nRelease: %autorelease\n%changelog\n%autochangelog\n"


@dataclass(kw_only=True)
class Adapter(BuildrootAdapter):
    """Does the one step."""

    plan: AutospecPlan
    spec: bytes
    limit: int = SPEC_LIMIT
    before: Buildroot | None = None
    after: Buildroot | None = None
    status: int = -1

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:
        with self.prepared(ctx, manager, lambda _home: None) as prepared:
            self.before = prepared.buildroot
            fake = cast("FakeContainerManager", manager)
            fake.container(prepared.buildroot.container).files[f"{TOPDIR}/SPECS/x.spec"] = self.spec
            scripts = Scripts(
                ctx=ctx, manager=manager, settings=self.place.settings, narrator=prepared.narrator
            )
            step = AutospecStep(
                plan=self.plan,
                scripts=scripts,
                files=manager,
                initializer=self.place.initializer,
                limit=self.limit,
            )
            self.after, self.status = step.run(prepared.buildroot, "noarch", "x.spec")
        return self.status


@dataclass
class Step:
    """The step on a bench; `calls` are the arguments of the script, `code` is how it ends."""

    bench: Bench
    code: int = BUILT

    def __post_init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.bench.script(script_of("autospec"), self._script)

    def _script(self, container: Any, command: Any) -> tuple[Any, ...]:
        self.calls.append(command.argv[len(script_of("autospec")) :])
        word = "built" if self.code == BUILT else "rpmautospec 1"
        return self.code, ("stderr", f"phase rpmautospec\nresult {word}\n".encode()), ("stdout", b"said\n")

    def run(
        self, spec: bytes = USING, requires: tuple[str, ...] = ("zlib",), limit: int = SPEC_LIMIT
    ) -> Adapter:
        with self.bench.workplace() as place:
            plan = AutospecPlan(requires=requires, command=COMMAND)
            adapter = Adapter(place=place, plan=plan, spec=spec, limit=limit)
            adapter.run(self.bench.ctx, self.bench.manager, place.logs.sink("build.log"))
        return adapter


@pytest.fixture
def step(bench: Bench) -> Step:
    return Step(bench)


def nevras(buildroot: Buildroot | None) -> set[str]:
    assert buildroot is not None
    return {package.nevra for package in buildroot.packages}


def test_what_it_takes_is_installed_and_then_it_runs_as_the_build_user(step: Step) -> None:
    adapter = step.run()
    assert (adapter.status, nevras(adapter.after)) == (BUILT, {*BASE, ZLIB})
    assert step.calls == [("noarch", "x.spec", *COMMAND)]
    (command,) = [it for it in step.bench.manager.commands if it.argv[:4] == script_of("autospec")]
    assert command.user == "{}:{}".format(*BUILD_IDS)
    # The hub hears of the base set alone, as from kojid.
    assert [call for call in step.bench.hub.host.calls if "List" in call[0]] == [
        ("setBuildRootList", ["bash"])
    ]


@pytest.mark.parametrize("spec", [b"Release: 1\n", b"# %autoreleases, autochangelog\nRelease: 1\n"])
def test_a_spec_file_that_uses_neither_gets_nothing(step: Step, spec: bytes) -> None:
    adapter = step.run(spec)
    assert (adapter.status, adapter.after, step.calls) == (BUILT, adapter.before, [])


def test_a_site_may_have_it_in_the_install_group(step: Step) -> None:
    adapter = step.run(requires=())
    assert nevras(adapter.after) == set(BASE)
    assert len(step.calls) == 1


def test_packages_that_are_not_there_fail_the_task_as_mocks(step: Step) -> None:
    with pytest.raises(BuildFailed) as raised:
        step.run(requires=("rpmautospec",))
    assert raised.value.message == (
        "error building srpm, build exited with status 30; see root.log for more information"
    )
    assert raised.value.hint.startswith("rpmautospec cannot be installed: ")
    assert step.calls == []


def test_its_failure_is_handed_on(step: Step) -> None:
    step.code = FAILED
    assert step.run().status == FAILED


def test_a_spec_file_that_is_too_large_is_not_looked_into(step: Step) -> None:
    with pytest.raises(BuildFailed, match=r"x\.spec cannot be looked into"):
        step.run(limit=10)


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("Release: %autorelease\n", True),
        ("Release: %{autorelease -b 3}\n", True),
        ("%changelog\n%autochangelog\n", True),
        ("%changelog\n- says %autorelease\n", False),
        ("%define autorelease(e:) 3\nRelease: %autorelease\n", False),
        ("Release: %{autoreleasing}\n", False),
    ],
)
def test_use_is_what_rpmautospec_holds_for_it(tmp_path: Path, text: str, uses: bool) -> None:
    spec = tmp_path / "x.spec"
    spec.write_text(text)
    assert uses_rpmautospec(spec) is uses
