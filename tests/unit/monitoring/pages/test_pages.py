"""Pages as documents: whole, of nothing but their own files, and with texts of others as texts."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.monitoring.pages import CONTENT_SECURITY_POLICY, NAMES, STATIC, Pages
from koji_adjutant.monitoring.phases import PhaseName
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.views import LogView, Outcome
from tests.fakes.journals import Sample, write_sample
from tests.fakes.views import NO_CACHE, NOW, a_host, a_task

HOSTILE = (
    "<script>alert('guest')</script>\"'><img src=x onerror=guest()>\x1b]0;guest\x07\u202egnp\u2066\x00"
    + "w" * 5000
)
INLINE = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
REFERENCE = re.compile(r"""(?:src|href|action)="([^"]*)\"""")


def views(registry: Registry, sample: Sample) -> dict[str, dict[str, Any]]:
    """What each page gets."""
    tasks, task = registry.tasks(), registry.task(sample.failed)
    assert task
    return {
        "overview": {"tasks": tasks, "cache": registry.cache(), "containers": registry.containers()},
        "tasks": {"tasks": tasks, "query": {"text": "hello"}},
        "task": {"task": task, "containers": registry.containers(), "subtasks": tasks[:2]},
        "log": {"task": task, "log": task.logs[0], "tail": b"\x1b[31merror:\x1b[m x\n"},
        "buildroots": {"cache": registry.cache(), "tasks": tasks},
        "containers": {"containers": registry.containers()},
        "problem": {"status": 404, "title": "There is no such task", "advice": "It may be gone."},
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Every page of a host with a past."""
    state_dir = tmp_path_factory.mktemp("state") / "state"
    sample = write_sample(state_dir)
    with closing(Registry(state_dir)) as registry:
        assert registry.refresh()
        pages = Pages(clock=lambda: sample.now)
        yield {
            name: pages.render(name, host=registry.host(), **of)
            for name, of in views(registry, sample).items()
        }


def test_every_page_is_drawn(rendered: dict[str, str]) -> None:
    assert set(rendered) == NAMES
    assert all(page.rstrip().endswith("</html>") for page in rendered.values())


def test_no_page_has_a_script_or_style_of_its_own(rendered: dict[str, str]) -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    found = {name: INLINE.findall(page) for name, page in rendered.items() if INLINE.search(page)}
    assert not found


def test_what_a_page_loads_is_in_the_package(rendered: dict[str, str]) -> None:
    of_the_hub = "https://koji.example.org/koji/taskinfo"
    references = {one for page in rendered.values() for one in REFERENCE.findall(page)}
    assert not [one for one in references if not one.startswith(("/", "#")) and one and of_the_hub not in one]
    files = [one.removeprefix("/static/") for one in references if one.startswith("/static/")]
    assert files
    assert all((STATIC / name).is_file() for name in files)


@pytest.fixture(scope="module")
def hostile() -> dict[str, str]:
    """Every page, of things that all have a hostile name."""
    words: dict[str, Any] = dict.fromkeys(
        ("method", "label", "package", "arch", "tag", "owner", "image", "image_digest", "link"), HOSTILE
    )
    words |= {"error": HOSTILE, "first_error_line": HOSTILE, "phase": HOSTILE, "root": HOSTILE}
    task = a_task(**words, last_lines=(HOSTILE,), logs=(LogView(name=HOSTILE, size=7),))
    running = a_task(**words, outcome=Outcome.RUNNING, ended=None, logs=(LogView(name=HOSTILE, size=7),))
    host = a_host(name=HOSTILE, sentence=HOSTILE, reason=HOSTILE, ready=False, hub=HOSTILE, arches=(HOSTILE,))
    pages = Pages(clock=lambda: NOW)
    return {
        "overview": pages.render("overview", host=host, tasks=(task, running), cache=NO_CACHE, containers=()),
        "tasks": pages.render(
            "tasks", host=host, tasks=(task, running), query={"text": HOSTILE, "method": HOSTILE}
        ),
        "history": pages.render("tasks", host=host, tasks=(task, running), query={}),
        "task": pages.render("task", host=host, task=task, containers=(), subtasks=(task,)),
        "log": pages.render("log", host=host, task=task, log=task.logs[0], tail=HOSTILE.encode()),
        "problem": pages.render("problem", host=host, status=404, title=HOSTILE, advice=HOSTILE),
    }


@pytest.mark.parametrize("name", ["overview", "tasks", "history", "task", "log", "problem"])
def test_hostile_names_are_text(name: str, hostile: dict[str, str]) -> None:
    page = hostile[name]
    assert "<script>alert" not in page
    assert "<img" not in page
    assert not INLINE.search(page.replace("onerror=guest()", ""))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "&lt;script&gt;alert(" in page


def test_a_host_that_nobody_has_seen() -> None:
    page = Pages(clock=lambda: NOW).render("overview", host=None, tasks=(), cache=NO_CACHE, containers=())
    assert "Nothing is known of this host yet" in page


def test_a_page_that_there_is_none_of() -> None:
    with pytest.raises(KeyError):
        Pages().render("../task", host=None)


def test_what_an_operator_is_to_do_stands_below_the_sentence() -> None:
    host = a_host(ready=False, obstacle="space", sentence="builder takes no task: too little space.")
    page = Pages(clock=lambda: NOW).render("overview", host=host, tasks=(), cache=NO_CACHE, containers=())
    assert "What to do: koji-adjutant buildroots list shows what images take" in page


def test_scripts_put_text_in_as_text() -> None:
    for script in Path(STATIC).glob("*.js"):
        assert not re.search(
            r"innerHTML\s*=[^=]|outerHTML\s*=[^=]|insertAdjacentHTML|eval\(|document\.write",
            script.read_text(),
        )


@pytest.mark.parametrize("phase", PhaseName)
def test_every_phase_has_its_colour(phase: PhaseName) -> None:
    assert re.search(rf"\.p-{phase.value}\b[^}}]*\{{ fill: var\(", (STATIC / "style.css").read_text())
