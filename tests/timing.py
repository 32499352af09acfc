"""What a busy machine may fail: a test that measures time (marker `timing`), one with a real engine or daemon.

One that fails is run once more when everything else has ended, by a process of its own and with nothing beside it. It
has failed when that run fails, too; the whole first report and both results stand in the summary, so that what is
unsteady is seen and mended. Of those with an engine or a daemon a few may do so: when more fail, it was not the
machine. A plugin of pytest: the session's conftest registers it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

TIMING, PODMAN = "timing", "podman"
"""Markers."""
INTEGRATION = "integration"
"""The room of tests that run the whole daemon, with an engine or without."""
MOST = 4
"""Tests with an engine that may run once more."""
DEFERRED = "deferred"
"""What a first run is that has failed: not passed, not failed yet."""
RESULTS = "TIMING_RESULTS_FILE"
"""In the environment of the second run: the file that its reports go to. There a failure is one. No name that the
daemon would take for an option."""
WHEN = ("setup", "call", "teardown")

FIRST = pytest.StashKey[dict[str, pytest.TestReport]]()
SECOND = pytest.StashKey[dict[str, list[pytest.TestReport]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIRST] = {}
    config.stash[SECOND] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Only what was seen is looked at again: what a test leaves behind is no matter of time."""
    report = yield
    if report.failed and is_unsteady(item, report.when) and not is_second_run():
        cast("Any", report).outcome = DEFERRED
        report.user_properties.append((TIMING, item.get_closest_marker(TIMING) is not None))
    return report


def is_unsteady(item: pytest.Item, when: str | None) -> bool:
    """Whether what failed then may have failed for what ran beside it. What an engine's fixtures do takes time, too."""
    if when == "call" and item.get_closest_marker(TIMING):
        return True
    is_large = item.get_closest_marker(PODMAN) is not None or INTEGRATION in item.path.parts
    return when in {"setup", "call"} and is_large


def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if cast("str", report.outcome) == DEFERRED:
        return DEFERRED, "D", ("DEFERRED", {"yellow": True})
    return None


class Collector:
    """Hears of all reports: in the process that reports of those of its workers, in the second run of its own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results = os.environ.get(RESULTS, "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if cast("str", report.outcome) == DEFERRED:
            self.config.stash[FIRST][report.nodeid] = report
        if self.results:
            data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
            with Path(self.results).open("a") as file:
                file.write(f"{json.dumps(data)}\n")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    """After all tests, and after the last worker has ended: those that are to run once more."""
    config = session.config
    collector = Collector(config)
    if not is_worker(config):
        config.pluginmanager.register(collector)
    done = yield
    first = config.stash[FIRST]
    if first and not is_worker(config):
        too_many = beyond(first)
        for name in too_many:
            cast("Any", first[name]).outcome = "failed"
            config.hook.pytest_runtest_logreport(report=first.pop(name))
        if first:
            run_alone(config, list(first))
    return done


def beyond(first: dict[str, pytest.TestReport]) -> list[str]:
    """All tests with an engine that have failed, when more of them have than a machine is blamed for."""
    with_engine = [name for name, report in first.items() if (TIMING, True) not in report.user_properties]
    return with_engine if len(with_engine) > MOST else []


def is_second_run() -> bool:
    """Whether this process measures alone, what another has measured before."""
    return RESULTS in os.environ


def is_worker(config: pytest.Config) -> bool:
    """Whether another process reports what this one runs."""
    return hasattr(config, "workerinput")


def run_alone(config: pytest.Config, names: list[str]) -> None:
    """Run those tests in a process of their own, and report them as if they had run here."""
    plugins = [word for name in config.option.plugins for word in ("-p", name) if name != "no:xdist"]
    argv = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *plugins]
    argv += [f"--rootdir={config.rootpath}", *(["-c", str(config.inipath)] if config.inipath else [])]
    argv += options_of(config)
    with tempfile.TemporaryDirectory(prefix="timing-") as directory:
        results = Path(directory) / "results"
        with (Path(directory) / "output").open("wb") as output:
            subprocess.run(
                [*argv, *(str(config.rootpath / name) for name in names)],
                env={**os.environ, RESULTS: str(results)},
                cwd=config.invocation_params.dir,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        lines = results.read_text().splitlines() if results.exists() else []
        said = (Path(directory) / "output").read_text(errors="replace")
    for line in lines:
        report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
        config.stash[SECOND].setdefault(report.nodeid, []).append(report)
    for name in names:
        for report in config.stash[SECOND].get(name) or [lost(config.stash[FIRST][name], said)]:
            config.hook.pytest_runtest_logreport(report=report)


def options_of(config: pytest.Config) -> list[str]:
    """Those that say on what the tests are run, as far as this run knows them."""
    release = config.getoption("--distribution", None)
    without = config.getoption("--without-limits", default=False)
    return [*([f"--distribution={release}"] if release else []), *(["--without-limits"] if without else [])]


def lost(first: pytest.TestReport, said: str) -> pytest.TestReport:
    """The report of a test whose second run has come to no result."""
    made = cast("Any", pytest.TestReport)
    return cast(
        "pytest.TestReport",
        made(first.nodeid, first.location, {}, "failed", f"its second run came to nothing:\n{said}", "call"),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    first = config.stash[FIRST]
    if not first:
        return
    terminalreporter.section("once more, alone")
    for name, report in first.items():
        again = config.stash[SECOND].get(name, [])
        failed = next((one for one in again if one.failed), None)
        second = "passed" if again and failed is None else f"failed: {said_by(failed)}"
        terminalreporter.write_line(f"{name}\n    first:  failed: {said_by(report)}\n    second: {second}")
        if (TIMING, True) not in report.user_properties:
            terminalreporter.write_line(report.longreprtext)
            for title, text in report.sections:
                terminalreporter.write_line(f"---- {title}\n{text}")


def said_by(report: pytest.TestReport | None) -> str:
    """The line that says what went wrong."""
    if report is None:
        return "no result"
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longreprtext).strip().partition("\n")[0]
