"""Whether every task of a fault run ended as it had to, exactly once, and what it has built is whole.

A build is whole when the digests in its packages hold, the hub's books agree with the files, and its log has every
line once.
"""

import hashlib
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import koji

from koji_adjutant.testbed.content import BUILD_TAG, TAG
from koji_adjutant.testbed.tasks import fault_of, task_output
from tests.faults.fault_testbed import FaultTestbed
from tests.faults.packages import GREEDY, Source, missing_records
from tests.faults.workload import NEW_REPO, Job

PACKAGE_FAILED = "error building package"
OUT_OF_MEMORY = "of its processes for want of memory; the limit memory is 1 GiB: raise memory in "
REPO_NAMESPACE = "{http://linux.duke.edu/metadata/repo}"
BUILD_LOGS = ("build.log", "root.log", "state.log")


def lost(testbed: FaultTestbed, jobs: list[Job]) -> list[str]:
    """What is wrong, a line for each job that is."""
    found = []
    for job in jobs:
        problems = list(_problems(testbed, job))
        if problems:
            found.append(f"{job}: {'; '.join(problems)}")
    return found


def _problems(testbed: FaultTestbed, job: Job) -> Iterator[str]:
    if job.state != job.expected:
        said = fault_of(testbed.session, job.task) if job.state == "FAILED" else ""
        yield f"is {job.state}, should be {job.expected} {said.strip()[:500]}".rstrip()
        return
    family = _family(testbed, job)
    yield from (
        f"{one['method']} {one['id']} is {state}" for one, state in family if state not in _allowed(job)
    )
    if job.state == "CLOSED" and job.kind == NEW_REPO:
        yield from _repo_problems(testbed, job)
    elif job.state == "CLOSED":
        methods = Counter(one["method"] for one, _ in family)
        if methods != _methods(job):
            yield f"subtasks {dict(methods)}"
        yield from _scratch_problems(testbed, job) if job.scratch else _build_problems(testbed, job)
        yield from _log_problems(testbed, job, family)
    elif job.state == "FAILED":
        said = fault_of(testbed.session, job.task)
        if PACKAGE_FAILED not in said or (job.kind == GREEDY and OUT_OF_MEMORY not in said):
            yield f"failed for another reason than it had: {said[:300]}"
    if job.source is not None and not job.scratch and job.state != "CLOSED":
        yield from _no_build(testbed, job, job.source)


def _family(testbed: FaultTestbed, job: Job) -> list[tuple[dict[str, Any], str]]:
    found = testbed.session.getTaskDescendents(job.task)
    children = [one for siblings in found.values() for one in siblings]
    return [(one, koji.TASK_STATES[one["state"]]) for one in children]


def _allowed(job: Job) -> set[str]:
    match job.state:
        case "CANCELED":
            return {"CANCELED", "CLOSED", "FAILED"}
        case "FAILED":
            return {"FAILED", "CLOSED", "CANCELED"}
        case _:
            return {"CLOSED"}


def _methods(job: Job) -> Counter[str]:
    wanted = ["rebuildSRPM", "buildArch"]
    return Counter(wanted if job.scratch else [*wanted, "tagBuild"])


# Builds


def _build_problems(testbed: FaultTestbed, job: Job) -> Iterator[str]:
    assert job.source
    build = testbed.session.getBuild(job.source.nvr)
    if build is None or build["state"] != koji.BUILD_STATES["COMPLETE"] or build["task_id"] != job.task:
        yield f"its build is {build}"
        return
    tagged = testbed.session.listTagged(TAG, package=job.source.name)
    if [one["nvr"] for one in tagged].count(job.source.nvr) != 1:
        yield "its build is not tagged"
    yield from _files_problems(testbed, job.source, build["id"])


def _files_problems(testbed: FaultTestbed, source: Source, build: int) -> Iterator[str]:
    rpms = testbed.session.listBuildRPMs(build)
    if not {"src"} < {rpm["arch"] for rpm in rpms}:
        yield f"its rpms are {[rpm['nvr'] for rpm in rpms]}"
    for rpm in rpms:
        path = _build_directory(testbed, source) / rpm["arch"] / f"{rpm['nvr']}.{rpm['arch']}.rpm"
        yield from _rpm_problems(path, rpm)


def _build_directory(testbed: FaultTestbed, source: Source) -> Path:
    name, version, release = source.nvr.rsplit("-", 2)
    return testbed.topdir / "packages" / name / version / release


def _no_build(testbed: FaultTestbed, job: Job, source: Source) -> Iterator[str]:
    build = testbed.session.getBuild(source.nvr)
    ended = {koji.BUILD_STATES[name] for name in ("FAILED", "CANCELED")}
    if build is not None and job.canceled and build["state"] == koji.BUILD_STATES["COMPLETE"]:
        # Who cancels while it is being tagged comes too late for the build.
        if build["completion_ts"] > testbed.session.getTaskInfo(job.task)["completion_ts"]:
            yield "its build was completed after it had been canceled"
        yield from _files_problems(testbed, source, build["id"])
    elif build is not None and build["state"] not in ended:
        yield f"its build is {koji.BUILD_STATES[build['state']]}"


def _scratch_problems(testbed: FaultTestbed, job: Job) -> Iterator[str]:
    found = sorted((testbed.topdir / "scratch").glob(f"*/task_{job.task}/*.rpm"))
    if not any(path.name.endswith(".src.rpm") for path in found) or len(found) < 2:
        yield f"its scratch files are {[path.name for path in found]}"
    for path in found:
        yield from _rpm_problems(path, None)


def _rpm_problems(path: Path, known: dict[str, Any] | None) -> Iterator[str]:
    if not path.is_file():
        yield f"{path.name} is missing"
        return
    checked = subprocess.run(
        ["rpm", "--checksig", "--nosignature", str(path)], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        yield f"{path.name}: {checked.stdout.strip()} {checked.stderr.strip()}"
        return
    asked = ["rpm", "-qp", "--nosignature", "--qf", "%{sigmd5}", str(path)]
    digest = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    if known is not None and (known["size"], known["payloadhash"]) != (path.stat().st_size, digest):
        yield f"{path.name} is not the file that the hub knows"


def _log_problems(testbed: FaultTestbed, job: Job, family: list[tuple[dict[str, Any], str]]) -> Iterator[str]:
    assert job.source
    (task,) = [one for one, _ in family if one["method"] == "buildArch"]
    if job.scratch:
        directories = [task_output(testbed.topdir, task["id"])]
    else:
        directories = sorted((_build_directory(testbed, job.source) / "data" / "logs").iterdir())
    for name in BUILD_LOGS:
        found = [directory / name for directory in directories if (directory / name).is_file()]
        if not found or not found[0].stat().st_size:
            yield f"{name} is missing or empty"
        elif name == "build.log" and (problem := missing_records(found[0].read_bytes())):
            yield f"{name}: {problem}"


# Repos


def _repo_problems(testbed: FaultTestbed, job: Job) -> Iterator[str]:
    number = testbed.session.getTaskResult(job.task)[0]
    state = koji.REPO_STATES[testbed.session.repoInfo(number)["state"]]
    if state not in ("READY", "EXPIRED"):
        yield f"repo {number} is {state}"
    where = testbed.topdir / "repos" / BUILD_TAG / str(number) / testbed.description.arch
    for entry in ET.parse(where / "repodata" / "repomd.xml").getroot().iter(f"{REPO_NAMESPACE}data"):
        location, checksum = (entry.find(f"{REPO_NAMESPACE}{name}") for name in ("location", "checksum"))
        assert location is not None
        assert checksum is not None
        content = (where / location.attrib["href"]).read_bytes()
        if hashlib.new(checksum.attrib["type"], content).hexdigest() != checksum.text:
            yield f"repo {number}: {location.attrib['href']} is not what repomd.xml says"
