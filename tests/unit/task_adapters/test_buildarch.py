"""buildArch step by step, on the engine in memory: which command follows which answer, and what the hub is told."""

import hashlib
from functools import partial
from typing import Any, cast

import pytest

from koji_adjutant.buildroot.images import keys
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import BuildFailed, BuildrootFailed, EngineError, TaskTimeout
from koji_adjutant.task_adapters.buildarch import DYNAMIC_ROUNDS
from koji_adjutant.task_adapters.rpmbuild import DYNAMIC, FAILED, MISSING
from tests.fakes.containers import Command, FakeContainer
from tests.unit.buildroot.fake_repo import answer, asked
from tests.unit.task_adapters.build_bench import (
    BASE,
    EXPIRED,
    FLEX,
    IDLE,
    INSTALLER,
    SOLVER,
    STATES,
    ZLIB,
    Answer,
    Bench,
    script_of,
)

BASH = BASE[0]


def update(*names: str) -> tuple[str, list[str]]:
    return ("updateBuildRootList", list(names))


def test_a_package_whose_requirements_are_there_is_built_in_one_go(bench: Bench) -> None:
    bench.have_image()
    assert [path.name for path in bench.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert bench.build_actions == [("source", "x86_64", "hello-1-1.src.rpm", "")]
    assert bench.hub.host.calls == [*STATES, update("bash"), EXPIRED]
    assert bench.hub.files["build.log"] == b"output\n"
    assert bench.roles == ["solver", "build"]


def test_what_was_solved_before_needs_no_solver(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(), Answer()]}
    bench.run()
    (bench.ctx.workdir / "result").rename(bench.ctx.workdir / "first")
    (bench.ctx.workdir / "stage").rename(bench.ctx.workdir / "first stage")
    bench.run()
    assert bench.roles == ["solver", "build", "build"]


def test_missing_requirements_are_installed_and_the_source_package_is_made_again(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(code=MISSING, requires=("zlib",))], "again": [Answer()]}
    bench.run()
    there = hashlib.sha256(b"zlib\n").hexdigest()
    assert bench.build_actions == [("source", "x86_64", "hello-1-1.src.rpm", ""), ("again", "x86_64", there)]
    assert bench.hub.host.calls == [*STATES, update("bash", "zlib"), EXPIRED]
    assert bench.roles == ["solver", "build", "solver", "installer"]


def test_requirements_that_appear_with_the_first_are_installed_too(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {
        "source": [Answer(code=MISSING, requires=("zlib",))],
        "again": [Answer(code=MISSING, requires=("zlib", "flex")), Answer()],
    }
    bench.run()
    assert bench.actions == ["source", "again", "again"]
    assert bench.hub.host.calls == [*STATES, update("bash", "flex", "zlib"), EXPIRED]


def test_a_package_is_built_when_there_is_nothing_more_to_install(bench: Bench) -> None:
    """The build script finds something missing (a conflict, say) that the solver does not."""
    bench.base = (*BASE, ZLIB)
    bench.have_image(
        bench.base, key=keys.base_key(bench.settings, bench.task_image, bench.solved(*bench.base))
    )
    bench.answers = {"source": [Answer(code=MISSING, requires=("zlib",))], "binary": [Answer()]}
    bench.run()
    assert bench.build_actions[-1] == ("binary", "x86_64", "bb")
    assert "installer" not in bench.roles


def test_dynamic_requirements_are_asked_for_until_nothing_is_missing(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {
        "source": [Answer(code=DYNAMIC, requires=("zlib",))],
        "again": [Answer(code=DYNAMIC, requires=("zlib",))],
        "requires": [Answer(code=MISSING, requires=("flex",)), Answer()],
        "binary": [Answer()],
    }
    assert [path.name for path in bench.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert bench.actions == ["source", "again", "requires", "requires", "binary"]
    assert [arguments[-1] for arguments in bench.build_actions[2:]] == ["1", "2", "ba"]
    assert bench.hub.host.calls == [*STATES, update("bash", "flex", "zlib"), EXPIRED]


def test_dynamic_requirements_that_change_nothing_end_the_rounds(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {
        "source": [Answer(code=DYNAMIC)],
        "requires": [Answer(code=MISSING, requires=("zlib",)), Answer(code=MISSING, requires=("zlib",))],
        "binary": [Answer()],
    }
    bench.run()
    assert bench.actions == ["source", "requires", "requires", "binary"]


def test_dynamic_requirements_without_end_are_the_packages_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.have_image()
    bench.answers = {
        "source": [Answer(code=DYNAMIC)],
        "requires": [Answer(code=MISSING, requires=(f"more{n}",)) for n in range(DYNAMIC_ROUNDS + 1)],
        "binary": [Answer(code=FAILED)],
    }
    bench.providers = {f"more{n}": (ZLIB, FLEX)[n % 2] for n in range(DYNAMIC_ROUNDS + 1)}
    taken = bench.roots.seen_by

    def forget(container: FakeContainer) -> list[str]:
        root = taken(container)
        if container.spec.labels[labels.ROLE] == "solver":
            root[:] = [nevra for nevra in root if nevra in BASE]
        return root

    monkeypatch.setattr(bench.roots, "seen_by", forget)
    monkeypatch.setattr("koji_adjutant.buildroot.roots.Roots._check", lambda *_: None)
    with pytest.raises(BuildFailed, match=r"see build\.log.*in the build, after 10 rounds"):
        bench.run()
    assert bench.actions == ["source", *["requires"] * DYNAMIC_ROUNDS, "binary"]
    assert bench.hub.host.calls[-1] == EXPIRED


def test_a_failing_build_reports_its_packages_and_names_its_log(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(code=FAILED)]}
    text = r"^error building package \(arch x86_64\).*see build.log for more information"
    with pytest.raises(BuildFailed, match=text):
        bench.run()
    assert bench.hub.host.calls == [*STATES, update("bash"), EXPIRED]
    assert bench.hub.files["build.log"] == b"output\n"


def test_a_build_that_fails_with_its_requirements_reports_all_of_them(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {
        "source": [Answer(code=MISSING, requires=("zlib",))],
        "again": [Answer(code=FAILED)],
    }
    with pytest.raises(BuildFailed):
        bench.run()
    assert bench.hub.host.calls == [*STATES, update("bash", "zlib"), EXPIRED]


def test_unsolvable_requirements_are_the_packages_fault(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(code=MISSING, requires=("nothing",))]}
    with pytest.raises(
        BuildFailed, match=r"status 30; see root\.log.*No matching package to install: 'nothing'"
    ):
        bench.run()
    assert b"No matching package" in bench.hub.files["root.log"]
    assert bench.hub.host.calls == [*STATES, update("bash"), EXPIRED]


def test_an_unsolvable_install_group_is_the_tags_fault(bench: Bench) -> None:
    bench.script(SOLVER, partial(answer, problem="No group build in the repo's comps."))
    with pytest.raises(BuildrootFailed, match=r"could not init buildroot.*comps group build"):
        bench.run()
    assert bench.hub.host.calls == [STATES[0], EXPIRED]


def test_an_empty_install_group_is_the_tags_fault(bench: Bench) -> None:
    bench.base = ()
    with pytest.raises(BuildrootFailed, match="comps group build of tag dist-build is empty"):
        bench.run()


def test_a_root_without_a_shell_is_the_tags_fault(bench: Bench) -> None:
    start = bench.manager.start

    def refuse(container: str) -> None:
        if bench.manager.container(container).spec.labels[labels.ROLE] == "build":
            raise EngineError("/bin/bash: no such file or directory", status=500)
        start(container)

    cast("Any", bench.manager).start = refuse
    with pytest.raises(BuildrootFailed, match="check that comps group build of the build tag brings bash"):
        bench.run()


def test_without_an_image_the_root_is_populated_and_an_image_is_asked_for(bench: Bench) -> None:
    bench.run()
    assert bench.roles == ["solver", "build", "installer"]
    assert bench.asked_for == [bench.base_key()]


def test_an_image_that_goes_at_the_last_moment_is_done_without(bench: Bench) -> None:
    image = bench.have_image()
    created = bench.manager.create

    def create(spec: ContainerSpec) -> str:
        if spec.image == image.id:
            raise EngineError("image not known", status=404)
        return created(spec)

    cast("Any", bench.manager).create = create
    bench.run()
    assert bench.roles == ["solver", "build", "installer"]


def test_a_populated_root_that_lists_other_packages_is_not_built_in(bench: Bench) -> None:
    bench.breaks = {BASH: "bash-6-1.x86_64"}
    with pytest.raises(BuildrootFailed, match=r"without bash-5-1\.x86_64, with bash-6-1\.x86_64"):
        bench.run()
    assert bench.build_actions == []
    assert bench.asked_for == []


UNREADABLE = (
    r"rpm of the buildroot of task \d+ does not read the packages that rpm of task image \S+ has installed: "
)


def test_a_root_whose_rpm_finds_nothing_has_another_database(bench: Bench) -> None:
    bench.script(INSTALLER, lambda *_: (0,))
    with pytest.raises(BuildrootFailed, match=f"{UNREADABLE}they have other databases; give tag .* image"):
        bench.run()
    assert bench.build_actions == []


def test_a_root_whose_rpm_cannot_read_its_database(bench: Bench) -> None:
    said = ("stderr", b"error: cannot open Packages database in /var/lib/rpm\n"), ("stdout", b"listed 1\n")
    bench.script(IDLE, lambda *_: (0, *said), endless=True)
    with pytest.raises(BuildrootFailed, match=f"{UNREADABLE}Can't get list .* with 1: error: cannot open"):
        bench.run()
    assert bench.build_actions == []


def test_requirements_that_rpm_installs_otherwise_are_not_built_with(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(code=MISSING, requires=("zlib",))]}
    bench.breaks = {ZLIB: "zlib-2-1.x86_64"}
    with pytest.raises(BuildrootFailed, match=r"without zlib-1-1\.x86_64, with zlib-2-1\.x86_64"):
        bench.run()
    assert bench.actions == ["source"]
    assert bench.hub.host.calls == [*STATES, update("bash"), EXPIRED]


def test_what_rpm_says_of_a_package_that_it_cannot_install_is_told(bench: Bench) -> None:
    said = b"error: bash-5-1.x86_64: install failed\n"
    bench.script(INSTALLER, lambda *_: (1, ("stderr", said)))
    with pytest.raises(BuildrootFailed, match=r"status 1: error: bash-5-1\.x86_64: install failed; see root"):
        bench.run()
    assert said in bench.hub.files["root.log"]


def test_an_installation_without_end_is_stopped_and_names_the_package(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [Answer(code=MISSING, requires=("zlib",))]}
    progress = b"Installing 1 packages, erasing 0\n1/1 installing zlib-1-1.x86_64\n"
    bench.script(INSTALLER, lambda *_: (0, ("stdout", progress)), endless=True)
    with pytest.raises(BuildFailed, match=r"did not end in 86400 seconds.*zlib-1-1.*install_timeout"):
        bench.run()


def test_a_build_that_takes_too_long_ends_as_mocks_does(bench: Bench) -> None:
    bench.have_image()

    def never(*_: Any) -> tuple[Any, ...]:
        raise TaskTimeout("/bin/bash ran longer than 60 s and was killed")

    bench.script(script_of("source"), never)
    with pytest.raises(TaskTimeout, match=r"status 11; see build\.log.*rpmbuild_timeout"):
        bench.run()
    assert bench.hub.host.calls[-1] == EXPIRED


def test_the_solver_gets_each_requirement_once_and_none_of_rpms_own(bench: Bench) -> None:
    bench.have_image()
    seen: list[Any] = []

    def solve(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        install = asked(container, command)
        if "group" not in install:
            seen.append(install)
        return answer(container, command, BASE if "group" in install else (ZLIB,))

    bench.script(SOLVER, solve)
    said = "require zlib >= 1.2\nrequire zlib >= 1.2\nrequire rpmlib(X) <= 3.0.4-1\nrequire (a or b)\n"
    output = f"phase rpmbuild-bs\nsource hello-1-1.src.rpm\n{said}result missing\n".encode()
    bench.script(script_of("source"), lambda *_: (MISSING, ("stderr", output)))
    bench.answers = {"again": [Answer()]}
    bench.run()
    assert seen == [{"requires": ["zlib >= 1.2", "(a or b)"]}]
