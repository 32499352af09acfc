"""The marker `timing`: a test that measures time, and that a busy machine may fail.

One that fails is run once more when everything else has ended, by a process of its own and with nothing beside it. It
has failed when that run fails, too; both results stand in the summary. A plugin of pytest: the session's conftest
registers it.
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

MARKER = "timing"
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
    """Only what was measured is measured again: what a test leaves behind is no matter of time."""
    report = yield
    if report.when == "call" and report.failed and item.get_closest_marker(MARKER) and not is_second_run():
        cast("Any", report).outcome = DEFERRED
    return report


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
        run_alone(config, list(first))
    return done


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
    terminalreporter.section("timing: once more, alone")
    for name, report in first.items():
        again = config.stash[SECOND].get(name, [])
        failed = next((one for one in again if one.failed), None)
        second = "passed" if again and failed is None else f"failed: {said_by(failed)}"
        terminalreporter.write_line(f"{name}\n    first:  failed: {said_by(report)}\n    second: {second}")


def said_by(report: pytest.TestReport | None) -> str:
    """The line that says what went wrong."""
    if report is None:
        return "no result"
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longreprtext).strip().partition("\n")[0]
