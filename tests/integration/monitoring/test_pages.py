"""The pages in a browser, over the server's own process: what people see, with keys alone, and without scripts."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.public import logs_directory
from tests.fakes.journals import Sample, write_sample
from tests.fakes.story import BUILD_ERROR, FIRST_ERROR, Story, append_events
from tests.integration.monitoring.chromium import chromium
from tests.integration.monitoring.shown_host import (
    FAILS,
    HOSTILE,
    LINES,
    LONG,
    MARK,
    NEW,
    RUNS_LONG,
    add_tasks,
)
from tests.pace import slowness
from tests.status_server import running_server
from tests.waiting import PATIENCE, eventually

SCREENSHOTS = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
MOST_BYTES = 120_000
AXE_OPTIONS: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
"""By the scheme; what a scheme changes are colours."""
SAME_TEMPLATE = ("hostile", "long")
"""Pages of which axe sees another one."""
SEVERE = ("serious", "critical")
TAIL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host with a past, and who shows it."""

    address: str
    sample: Sample

    @property
    def pages(self) -> dict[str, str]:
        """A page of each kind."""
        failed, running = self.sample.failed, self.sample.running
        return {
            "now": "/",
            "history": "/tasks",
            "failed": f"/tasks/{failed}",
            "running": f"/tasks/{running}",
            "hostile": f"/tasks/{HOSTILE}",
            "long": f"/tasks/{LONG}",
            "log": f"/tasks/{failed}/logs/build.log",
            "cache": "/buildroots",
            "containers": "/containers",
            "missing": "/tasks/999999",
        }

    def log(self, task: int, name: str = "build.log") -> Path:
        """The file of a log."""
        return logs_directory(self.sample.state_dir, task) / name


expect.set_options(timeout=PATIENCE * 1000)

KINDS = ("now", "history", "failed", "running", "hostile", "long", "log", "cache", "containers", "missing")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("status")
    sample = write_sample(home / "state")
    add_tasks(sample)
    (home / "own").mkdir()
    with running_server(home / "state", home / "own") as server:
        yield Site(address=server.url, sample=sample)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A browser window, and what it asked for and complained of."""

    page: Page
    requests: list[str]
    complaints: list[str]


@contextmanager
def window(browser: Browser, site: Site, **options: Any) -> Iterator[Seen]:
    """A window of its own; afterwards it has asked nobody but the server, and obeyed nothing of a guest."""
    context: BrowserContext = browser.new_context(base_url=site.address, **options)
    seen = Seen(page=context.new_page(), requests=[], complaints=[])

    def asked(request: Request) -> None:
        seen.requests.append(request.url)

    def said(message: ConsoleMessage) -> None:
        # A page that is missing is looked at on purpose.
        if message.type == "error" and "404" not in message.text:
            seen.complaints.append(message.text)

    context.on("request", asked)
    context.on("console", said)
    context.on("weberror", lambda error: seen.complaints.append(str(error.error)))
    try:
        yield seen
    finally:
        context.close()
    elsewhere = [url for url in seen.requests if not url.startswith((site.address + "/", "data:"))]
    assert not elsewhere
    assert not seen.complaints


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with window(browser, site, viewport={"width": 1280, "height": 800}) as seen:
        yield seen.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, site: Site, scheme: str) -> None:
    found = []
    with window(browser, site, color_scheme=scheme, reduced_motion="reduce") as seen:
        for kind in KINDS:
            if kind in SAME_TEMPLATE:
                continue
            seen.page.goto(site.pages[kind])
            for one in Axe().run(seen.page, options=AXE_OPTIONS[scheme]).response["violations"]:
                where = [
                    node["html"][:200] + str(node.get("failureSummary", ""))[:300]
                    for node in one["nodes"][:3]
                ]
                if one["impact"] in SEVERE:
                    found.append(f"{kind}: {one['id']} {one['impact']}: {where}")
    assert not found, "\n".join(found)


def test_nothing_is_wider_than_a_narrow_screen(browser: Browser, site: Site) -> None:
    with window(browser, site, viewport={"width": 360, "height": 740}) as seen:
        widths = {}
        for kind in KINDS:
            seen.page.goto(site.pages[kind])
            widths[kind] = seen.page.evaluate("document.documentElement.scrollWidth")
    assert widths == dict.fromkeys(KINDS, 360)


def test_the_host_is_one_sentence_and_its_tasks_are_rows(page: Page, site: Site) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("builder-01.example.org takes tasks")
    row = page.locator(f"li[data-task='{site.sample.running}']")
    expect(row).to_contain_text("buildArch")
    expect(row).to_contain_text("of ~30:00")
    expect(row.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"starting \d+ s"))
    expect(page.locator(".warnings").get_by_text("plugin runroot is not loaded")).to_be_visible()


def test_a_failed_task_says_why(page: Page, site: Site) -> None:
    page.goto(f"/tasks/{site.sample.failed}")
    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible()
    expect(page.locator(".failure .first")).to_contain_text(FIRST_ERROR)
    expect(page.locator(".failure .tail")).to_contain_text("RPM build errors:")
    expect(page.get_by_role("link", name="on the hub")).to_have_attribute("href", re.compile("^https://koji"))
    assert page.locator(".timeline tbody tr").count() >= 4
    page.get_by_role("link", name="in build.log").click()
    expect(page.locator(".line.first")).to_have_text(FIRST_ERROR)
    expect(page.locator(".line.first")).to_be_in_viewport()


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_texts_are_text(browser: Browser, site: Site, scripts: bool) -> None:
    with window(browser, site, java_script_enabled=scripts) as seen:
        for address in (f"/tasks/{HOSTILE}", f"/tasks/{HOSTILE}/logs/build.log", "/tasks"):
            seen.page.goto(address)
            expect(seen.page.get_by_text("<script>window.guest = 1</script>").first).to_be_visible()
            text = seen.page.locator("body").inner_text()
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
            if scripts:
                assert seen.page.evaluate("window.guest") is None
        assert "javascript:" not in seen.page.content()
        seen.page.goto(f"/tasks/{HOSTILE}/logs/build.log")
        expect(seen.page.locator(".ansi-red")).to_have_text("error: red")
        expect(seen.page.get_by_text("\\x1b]0;title\\x07").first).to_be_visible()


@pytest.mark.timing
def test_a_line_is_seen_within_a_second(page: Page, site: Site) -> None:
    page.goto(f"/tasks/{site.sample.running}/logs/build.log")
    lines = page.locator(".loglines")
    expect(lines).to_contain_text("make[1]: step 399")
    taken = []
    for number in range(5):
        with site.log(site.sample.running).open("a") as log:
            log.write(f"a line that is new: {number}\n")
            began = time.monotonic()
        line = page.get_by_text(f"a line that is new: {number}", exact=True)
        line.wait_for(state="attached")
        taken.append(time.monotonic() - began)
        expect(line).to_be_in_viewport()
    assert max(taken) < TAIL_SECONDS * slowness(), taken


def test_a_paused_log_stays_where_it_is(page: Page, site: Site) -> None:
    page.goto(f"/tasks/{RUNS_LONG}/logs/build.log")
    lines = page.locator(".loglines")
    expect(lines).to_contain_text(f"line {LINES - 1} of")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    lines.evaluate("box => { box.scrollTop -= 1000; }")
    before = lines.evaluate("box => box.scrollTop")
    with site.log(RUNS_LONG).open("a") as log:
        log.write("it goes on\n")
    expect(lines).to_contain_text("it goes on")
    assert lines.evaluate("box => box.scrollTop") == before
    page.get_by_role("button", name="Paused").click()
    expect(page.get_by_text("it goes on")).to_be_in_viewport()


def test_a_log_is_searched_from_its_beginning(page: Page, site: Site) -> None:
    """Of which the page has read the end only."""
    page.goto(f"/tasks/{RUNS_LONG}/logs/build.log")
    expect(page.locator(".loglines")).to_contain_text(f"line {LINES - 1} of")
    assert MARK not in page.locator(".loglines").inner_text()
    page.keyboard.press("/")
    page.keyboard.type("NEEDLE in")
    expect(page.locator(".found")).to_have_text("1 of 1")
    expect(page.locator(".line.now")).to_have_text(MARK)
    expect(page.locator(".line.now")).to_be_in_viewport()
    page.locator("#find").fill("line 1999")
    expect(page.locator(".found")).to_have_text("1 of 11")
    page.keyboard.press("Enter")
    expect(page.locator(".found")).to_have_text("2 of 11")
    page.locator("#find").fill("there is no such line")
    expect(page.locator(".found")).to_have_text("nothing found")


def test_a_key_shows_the_first_error(page: Page, site: Site) -> None:
    page.goto(f"/tasks/{RUNS_LONG}/logs/build.log")
    expect(page.locator(".loglines")).to_contain_text(f"line {LINES - 1} of")
    page.keyboard.press("e")
    expect(page.locator(".line.first")).to_have_text("main.c:1:1: error: the first of them")
    expect(page.locator(".line.first")).to_be_in_viewport()


def test_what_happens_is_seen_without_a_reload(page: Page, site: Site) -> None:
    page.goto("/")
    page.evaluate("window.same = true")
    story = Story()
    story.opened(NEW, "tagBuild", 0, label="dist, brandnew-1.0-1")
    append_events(site.sample.state_dir, story)
    expect(page.locator("#running")).to_contain_text("brandnew-1.0-1")
    ended = Story()
    ended.ended(NEW, 0, Phase.CLOSED)
    append_events(site.sample.state_dir, ended)
    expect(page.locator("#ended")).to_contain_text("brandnew-1.0-1")
    assert page.evaluate("window.same")


def test_a_task_fails_while_it_is_looked_at(page: Page, site: Site) -> None:
    story = Story()
    story.opened(FAILS, "buildArch", 5, label="fragile-1.0-1.src.rpm, x86_64")
    append_events(site.sample.state_dir, story)
    eventually(lambda: page.goto(f"/tasks/{FAILS}", wait_until="commit") and page.locator("#failure").count())
    expect(page.get_by_role("heading", name="Why it failed")).to_be_hidden()
    page.locator(".skip").focus()
    failed = Story()
    failed.ended(FAILS, 0, Phase.FAILED, fault=1005, error=BUILD_ERROR, first_error_line=FIRST_ERROR)
    append_events(site.sample.state_dir, failed)
    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible()
    expect(page.locator("#task-head .outcome")).to_have_text("failed")
    expect(page.locator(".skip")).to_be_focused()


def test_keys_alone_are_enough(page: Page, site: Site) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("href", re.compile(r"^/tasks/\d+$"))
    assert focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    address = focused.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/tasks")
    page.keyboard.press("/")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type("broken")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks?text=broken&**")
    page.keyboard.press("?")
    page.get_by_label("Shortcuts of one key").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "/tasks" in page.url


def test_every_control_is_reached_and_seen(page: Page, site: Site) -> None:
    """Tab goes around each page, and what has the focus can be seen."""
    for kind in ("now", "history", "log"):
        page.goto(site.pages[kind])
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
        wanted = page.evaluate(
            "[...document.querySelectorAll('a, button, input, select, [tabindex=\"0\"]')]"
            ".filter(one => one.checkVisibility() && !one.closest('dialog')).slice(0, 40)"
            ".map(one => one.outerHTML.slice(0, 120))"
        )
        assert [one for one in wanted if one not in reached] == []


def test_the_history_is_filtered(page: Page, site: Site) -> None:
    page.goto("/tasks")
    assert page.locator(".plot > svg").count() == 4
    page.locator("[name=outcome]").select_option("failed")
    page.locator("[name=method]").select_option("buildArch")
    page.get_by_role("button", name="Show").click()
    outcomes = page.locator(".rows tbody .outcome").all_inner_texts()
    assert outcomes
    assert set(outcomes) == {"failed"}
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("columnheader", name="Median").first).to_be_visible()


def test_without_scripts_everything_that_matters_is_there(browser: Browser, site: Site) -> None:
    with window(browser, site, java_script_enabled=False) as seen:
        page = seen.page
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("takes tasks")
        expect(page.locator(f"li[data-task='{site.sample.running}']")).to_be_visible()
        expect(page.get_by_role("link", name="Reload")).to_be_visible()
        expect(page.locator("#help-button")).to_be_hidden()
        page.goto(f"/tasks/{RUNS_LONG}/logs/build.log")
        expect(page.get_by_text(f"line {LINES - 1} of many")).to_be_visible()
        expect(page.get_by_role("link", name="the raw log")).to_be_visible()
        expect(page.locator(".logtools")).to_be_hidden()
        page.goto("/tasks")
        page.get_by_label("Text").fill("broken")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".rows tbody tr").first).to_contain_text("broken")


SHOTS = {
    "now": ("now", 1120, "light"),
    "task": ("failed", 1120, "dark"),
    "history": ("history", 1120, "light"),
    "narrow": ("now", 360, "dark"),
}


def test_screenshots(browser: Browser, site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Those of the docs are made here, with `--screenshots`."""
    for name, (kind, width, scheme) in SHOTS.items():
        size = {"width": width, "height": 620}
        with window(browser, site, color_scheme=scheme, viewport=size, reduced_motion="reduce") as seen:
            seen.page.goto(site.pages[kind])
            seen.page.screenshot(path=tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size < MOST_BYTES
        if request.config.getoption("--screenshots"):
            SCREENSHOTS.mkdir(exist_ok=True)
            shutil.copy(tmp_path / f"{name}.png", SCREENSHOTS)
