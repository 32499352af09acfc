"""The hub's contract with a builder, rule by rule: one suite for the embedded hub and a real one (`--hub`).

Each test makes what it needs under names of its own (`World`), and moves records back in time instead of
waiting.
"""

from __future__ import annotations

import json
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast
from xmlrpc.client import Fault, dumps, loads

import koji
import pytest
import requests

from tests.contract.hub_rpms import BuildInProgress, Package, make_package, prepare_build, task_dir
from tests.contract.hub_wire import HalfUpload, anonymous_upload, fetch, raw_call
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.hub_fixtures import Builder, Session, World

DAY = 24 * 3600


@pytest.fixture
def builder(world: World) -> Builder:
    return world.builder()


# --- Sessions


def test_login_gives_id_key_and_header_auth(world: World) -> None:
    user = world.user()
    session = world.login(user)
    assert set(session.sinfo) == {"session-id", "session-key", "header-auth"}
    assert session.sinfo["header-auth"] is True
    assert session.getLoggedInUser()["name"] == user


@pytest.mark.parametrize(("known", "password"), [(True, "wrong"), (True, ""), (False, "x")])
def test_login_with_wrong_credentials_is_an_autherror(world: World, known: bool, password: str) -> None:
    name = world.user() if known else world.name("nobody")
    with pytest.raises(koji.AuthError, match="invalid username or password"):
        world.login(name, password)


def test_wrong_session_key_is_an_autherror(world: World) -> None:
    session = world.login(world.user())
    forged = world.twin(session, **{"session-key": "0-forged"})
    with pytest.raises(koji.AuthError, match="Invalid session or bad credentials"):
        forged.echo(1)


def test_session_is_bound_to_the_clients_address(world: World) -> None:
    session = world.login(world.user())
    elsewhere = raw_call(world.hub, session, "getLoggedInUser", source="127.0.0.2")
    assert isinstance(elsewhere, Fault)
    assert elsewhere.faultCode == koji.AuthError.faultCode
    assert raw_call(world.hub, session, "getLoggedInUser")["name"] == session.opts["user"]


def test_logout_ends_the_session_and_its_subsessions(world: World) -> None:
    session = world.login(world.user())
    child, twin = world.child(session), world.twin(session)
    assert child.echo("x") == ["x"]
    session.logout()
    for dead in (child, twin):
        with pytest.raises(koji.AuthError, match="Invalid session"):
            dead.echo("x")


def test_logout_child_ends_only_that_subsession(world: World) -> None:
    session = world.login(world.user())
    first, second = world.child(session), world.child(session)
    session.logoutChild(first.sinfo["session-id"])
    with pytest.raises(koji.AuthError, match="Invalid session"):
        first.echo("x")
    assert second.echo("x") == ["x"]
    assert session.echo("x") == ["x"]


def test_nobody_else_may_log_out_a_session(world: World) -> None:
    mine, other = world.login(world.user()), world.login(world.user())
    with pytest.raises(koji.GenericError):
        other.logout(mine.sinfo["session-id"])
    assert mine.echo("x") == ["x"]


def test_calls_that_need_a_login(world: World) -> None:
    anonymous = world.anonymous()
    with pytest.raises(koji.AuthError, match="Not logged-in"):
        anonymous.host.getID()
    assert anonymous.getLoggedInUser() is None
    with pytest.raises(koji.ActionNotAllowed):
        anonymous.makeTask("sleep", [0])


def test_what_is_shown_of_a_task_is_told_without_a_login(world: World, builder: Builder) -> None:
    user = world.user()
    anonymous = world.anonymous()
    with anonymous.multicall() as calls:
        owner = calls.getUser(world.login(user).getLoggedInUser()["id"])
        average = calls.getAverageBuildDuration(world.name("nothing"))
    assert owner.result["name"] == user
    assert average.result is None
    channels = builder.session.listChannels(builder.session.host.getID())
    assert "default" in {channel["name"] for channel in channels}


def test_host_calls_need_the_exclusive_session(world: World) -> None:
    name, host_id = world.host()
    session = world.login(name)
    with pytest.raises(koji.AuthError, match="requires an exclusive session"):
        session.host.getID()
    session.exclusiveSession()
    assert session.host.getID() == host_id
    assert world.child(session).host.getID() == host_id


def test_host_calls_need_a_host(world: World) -> None:
    session = world.login(world.user())
    session.exclusiveSession()
    with pytest.raises(koji.AuthError, match="is not a host"):
        session.host.getID()


def test_one_exclusive_session_per_user(world: World, builder: Builder) -> None:
    second = world.login(builder.name)
    with pytest.raises(koji.AuthLockError, match="Cannot get exclusive session"):
        second.exclusiveSession()
    assert builder.host.getID() == builder.id


def test_exclusive_session_locks_other_sessions_of_the_user_out(world: World, builder: Builder) -> None:
    second = world.login(builder.name)
    with pytest.raises(koji.AuthLockError, match="User locked by another session"):
        second.echo("x")


def test_a_session_that_is_locked_out_may_end_the_one_with_the_lock(world: World, builder: Builder) -> None:
    """A daemon that was killed left it open; the next one needs no force, and the tasks stay open."""
    task, child = world.open_task(builder), world.child(builder.session)
    session = world.login(builder.name)
    with pytest.raises(koji.AuthLockError):
        session.echo("x")
    session.logout(builder.session.sinfo["session-id"])
    for dead in (builder.session, child):
        with pytest.raises(koji.AuthError, match="Invalid session"):
            dead.echo("x")
    session.exclusiveSession()
    assert world.state(task) == "OPEN"
    world.child(session).host.setTaskWeight(task, 1.5)
    session.logout(builder.session.sinfo["session-id"])


def test_a_subsession_cannot_become_exclusive(world: World) -> None:
    child = world.child(world.login(world.host()[0]))
    with pytest.raises(koji.GenericError, match="subsessions cannot become exclusive"):
        child.exclusiveSession()


def test_force_takes_the_exclusive_session_over(world: World, builder: Builder) -> None:
    child = world.child(builder.session)
    second = world.login(builder.name)
    second.exclusiveSession(force=True)
    assert second.host.getID() == builder.id
    with pytest.raises(koji.AuthError, match="Invalid session") as old:
        world.twin(builder.session).host.getID()
    assert not isinstance(old.value, koji.AuthLockError)
    with pytest.raises(koji.AuthLockError):
        child.host.getID()


# --- Call numbers


def test_lower_call_number_is_a_sequence_error(world: World) -> None:
    session = world.login(world.user())
    session.callnum = 50
    session.exclusiveSession()
    session.callnum = 49
    with pytest.raises(koji.SequenceError):
        session.echo("x")


def test_repeated_call_number_of_a_write_is_a_retry_error(builder: Builder) -> None:
    builder.host.updateHost(0.0, False)
    builder.session.callnum -= 1
    with pytest.raises(koji.RetryError, match="unable to retry call"):
        builder.session.subsession()


def test_repeated_call_number_of_a_read_is_accepted(builder: Builder) -> None:
    builder.host.getHost()
    builder.session.callnum -= 1
    assert builder.host.getID() == builder.id


def test_higher_call_numbers_may_leave_gaps(builder: Builder) -> None:
    builder.session.callnum += 1000
    assert builder.host.getID() == builder.id


@pytest.mark.parametrize("method", ["taskWait", "taskSetWait", "updateHost", "setBuildRootState"])
def test_calls_that_may_be_repeated_with_their_number(world: World, builder: Builder, method: str) -> None:
    task_id = world.open_task(builder)
    buildroot_id = builder.host.newBuildRoot(world.repo(builder), "x86_64", task_id=task_id)
    arguments: dict[str, list[Any]] = {
        "taskWait": [task_id],
        "taskSetWait": [task_id, []],
        "updateHost": [0.0, False],
        "setBuildRootState": [buildroot_id, "BUILDING"],
    }
    for _ in range(2):
        getattr(builder.host, method)(*arguments[method])
        builder.session.callnum -= 1


@pytest.mark.parametrize("method", ["repoExpire", "repoDelete", "repoProblem"])
def test_repo_calls_may_be_repeated_with_their_number(world: World, builder: Builder, method: str) -> None:
    repo_id = world.repo(builder)
    for _ in range(2):
        getattr(world.admin, method)(repo_id)
        world.admin.callnum -= 1
    world.admin.callnum += 1


def test_subsessions_count_their_calls_on_their_own(world: World, builder: Builder) -> None:
    child = world.child(builder.session)
    builder.session.callnum = 500
    builder.host.updateHost(0.0, False)
    child.host.updateHost(0.0, False)
    assert child.callnum == 1


# --- Renewal


def test_an_old_session_expires_with_all_its_subsessions(world: World, builder: Builder) -> None:
    child = world.child(builder.session)
    world.hub.backdoor.age_session(builder.session.sinfo["session-id"], DAY + 60)
    for session in (builder.session, child):
        with pytest.raises(koji.AuthExpired):
            world.twin(session).host.getID()


def test_a_session_younger_than_a_day_does_not_expire(world: World, builder: Builder) -> None:
    world.hub.backdoor.age_session(builder.session.sinfo["session-id"], DAY - 60)
    assert builder.host.getID() == builder.id


def test_renewal_keeps_the_id_and_the_subsessions(world: World, builder: Builder) -> None:
    main, child = builder.session, world.child(builder.session)
    child.host.getID()
    old = dict(main.sinfo)
    world.hub.backdoor.age_session(old["session-id"], DAY + 60)
    with pytest.raises(koji.AuthExpired):
        world.twin(main).host.getID()
    for session in (main, child):
        number = session.callnum
        assert session.login(renew=True)
        session.callnum = number + 2
        assert session.host.getID() == builder.id
    assert main.sinfo["session-id"] == old["session-id"]
    assert main.sinfo["session-key"] != old["session-key"]
    with pytest.raises(koji.AuthError):
        world.twin(main, **old).host.getID()


def test_the_hub_keeps_the_call_number_over_a_renewal(world: World, builder: Builder) -> None:
    for _ in range(3):
        builder.host.updateHost(0.0, False)
    world.hub.backdoor.age_session(builder.session.sinfo["session-id"], DAY + 60)
    with pytest.raises(koji.SequenceError):  # the library renews, and starts again from 0
        builder.host.getID()


def test_uploads_after_a_renewal(world: World, builder: Builder) -> None:
    task_id, child = world.open_task(builder), world.child(builder.session)
    child.host.setTaskWeight(task_id, 1.0)
    world.hub.backdoor.age_session(child.sinfo["session-id"], DAY + 60)
    with pytest.raises(koji.AuthExpired):
        upload(world.twin(child), task_id, "build.log", b"x")
    number = child.callnum
    child.login(renew=True)
    child.callnum = number + 2
    assert upload(child, task_id, "build.log", b"x")["size"] == 1


# --- Multicalls


def test_a_fault_in_a_multicall_rolls_back_that_entry_only(world: World, builder: Builder) -> None:
    kept, other = world.open_task(builder), world.task()
    with builder.session.multicall() as batch:
        batch.host.setTaskWeight(kept, 3.0)
        failed = batch.host.setTaskWeight(other, 3.0)
        weight = batch.getTaskInfo(kept)
    with pytest.raises(koji.ActionNotAllowed):
        _ = failed.result
    assert weight.result["weight"] == 3.0
    assert world.admin.getTaskInfo(kept)["weight"] == 3.0
    assert world.admin.getTaskInfo(other)["weight"] == 1.0


def test_an_entry_that_fails_halfway_leaves_nothing(world: World, builder: Builder) -> None:
    open_task, missing = world.open_task(builder), 2**31 - 1
    with builder.session.multicall() as batch:
        failed = batch.host.freeTasks([open_task, missing])
    with pytest.raises(koji.GenericError):
        _ = failed.result
    assert world.state(open_task) == "OPEN"


def test_the_number_of_a_multicall_is_committed_even_for_reads(builder: Builder) -> None:
    with builder.session.multicall() as batch:
        batch.host.getID()
    builder.session.callnum -= 1
    with pytest.raises(koji.RetryError), builder.session.multicall() as batch:
        batch.host.getID()


def test_authexpired_is_the_fault_of_the_whole_multicall(world: World, builder: Builder) -> None:
    world.hub.backdoor.age_session(builder.session.sinfo["session-id"], DAY + 60)
    twin = world.twin(builder.session)
    with pytest.raises(koji.AuthExpired), twin.multicall() as batch:
        batch.host.getID()


# --- Tasks


def xml(result: Any) -> str:
    return dumps((result,), methodresponse=True, allow_none=True)


def fault(code: int, text: str) -> str:
    return dumps(Fault(code, text))


def test_open_task_gives_the_task_with_its_request(world: World, builder: Builder) -> None:
    task_id = world.task("sleep", [5])
    task = builder.host.openTask(task_id)
    assert loads(task["request"]) == ((5,), "sleep")
    expected = {"id": task_id, "host_id": builder.id, "state": koji.TASK_STATES["OPEN"]}
    assert expected.items() <= task.items()


def test_open_task_opens_a_free_one_without_asking_for_channel_arch_or_capacity(world: World) -> None:
    builder = world.builder(arches="ppc64le")
    builder.host.setTaskWeight(world.open_task(builder), 100.0)
    task_id = world.task(arch="x86_64")
    assert builder.host.openTask(task_id)["host_id"] == builder.id


@pytest.mark.parametrize("state", ["own OPEN", "OPEN elsewhere", "ASSIGNED elsewhere", "CLOSED", "CANCELED"])
def test_open_task_gives_none_for_what_cannot_be_opened(world: World, builder: Builder, state: str) -> None:
    other = world.builder()
    if state == "ASSIGNED elsewhere":
        task_id = world.task(assign=other.id)
    else:
        task_id = world.open_task(other if state == "OPEN elsewhere" else builder)
    if state == "CLOSED":
        builder.host.closeTask(task_id, xml(None))
    elif state == "CANCELED":
        world.admin.cancelTask(task_id)
    assert builder.host.openTask(task_id) is None


def test_open_task_that_does_not_exist(builder: Builder) -> None:
    with pytest.raises(koji.GenericError):
        builder.host.openTask(2**31 - 1)


def test_the_result_of_a_closed_task(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    with pytest.raises(koji.GenericError, match="is not finished"):
        world.admin.getTaskResult(task_id)
    builder.host.closeTask(task_id, xml({"rpms": ["a"], "brootid": 1}))
    assert world.state(task_id) == "CLOSED"
    assert world.admin.getTaskResult(task_id) == {"rpms": ["a"], "brootid": 1}


def test_the_result_of_a_failed_task_is_its_fault(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    builder.host.failTask(task_id, fault(1005, "error building package"))
    assert world.state(task_id) == "FAILED"
    with pytest.raises(koji.BuildError, match="error building package"):
        world.admin.getTaskResult(task_id)
    result = world.admin.getTaskResult(task_id, raise_fault=False)
    assert result == {"faultCode": 1005, "faultString": "error building package"}


def test_the_result_of_a_canceled_task(world: World) -> None:
    task_id = world.task()
    world.admin.cancelTask(task_id)
    with pytest.raises(koji.GenericError, match="is canceled"):
        world.admin.getTaskResult(task_id)


OWNER_CALLS: dict[str, Callable[[Builder, int], Any]] = {
    "closeTask": lambda builder, task: builder.host.closeTask(task, xml(None)),
    "failTask": lambda builder, task: builder.host.failTask(task, fault(1, "x")),
    "setTaskWeight": lambda builder, task: builder.host.setTaskWeight(task, 2.0),
    "subtask": lambda builder, task: builder.host.subtask(method="sleep", arglist=[0], parent=task),
    "newBuildRoot": lambda builder, task: builder.host.newBuildRoot(1, "x86_64", task_id=task),
    "initBuild": lambda builder, task: builder.host.initBuild({"task_id": task, "name": "x"}),
    "moveBuildToScratch": lambda builder, task: builder.host.moveBuildToScratch(task, "a.src.rpm", []),
    "completeBuild": lambda builder, task: builder.host.completeBuild(task, 1, "a.src.rpm", []),
    "failBuild": lambda builder, task: builder.host.failBuild(task, 1),
    "tagBuild": lambda builder, task: builder.host.tagBuild(task, 1, 1),
    "upload": lambda builder, task: upload(builder.session, task, "build.log", b"x"),
}


@pytest.mark.parametrize("call", OWNER_CALLS)
def test_only_the_host_that_has_a_task_open_may(world: World, call: str) -> None:
    builder, other = world.builder(), world.builder()
    tasks = [world.open_task(owner) for owner in (other, builder, builder, builder)]
    builder.host.freeTasks([tasks[1]])
    world.admin.cancelTask(tasks[2])
    builder.host.closeTask(tasks[3], xml(None))
    for task_id in tasks:
        with pytest.raises(koji.ActionNotAllowed, match=f"host {builder.id} does not own task {task_id}"):
            OWNER_CALLS[call](builder, task_id)


def test_a_task_belongs_to_host_and_state_not_to_the_session(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    new = world.login(builder.name)
    new.exclusiveSession(force=True)
    child = world.child(new)
    child.host.setTaskWeight(task_id, 1.5)
    upload(child, task_id, "build.log", b"x")
    child.host.closeTask(task_id, xml(None))
    assert world.state(task_id) == "CLOSED"


def test_a_freed_task_that_the_same_host_opens_again_accepts_the_old_process(
    world: World, builder: Builder
) -> None:
    task_id, child = world.task(), world.child(builder.session)
    builder.host.openTask(task_id)
    builder.host.freeTasks([task_id])
    assert world.state(task_id) == "FREE"
    builder.host.openTask(task_id)
    child.host.setTaskWeight(task_id, 1.5)
    child.host.closeTask(task_id, xml(None))
    assert world.state(task_id) == "CLOSED"


def test_free_tasks_frees_own_open_ones_and_passes_over_the_rest(world: World, builder: Builder) -> None:
    mine, elsewhere = world.open_task(builder), world.open_task(world.builder())
    assigned = world.task(assign=builder.id)
    builder.host.freeTasks([elsewhere, assigned, mine])
    assert [world.state(task_id) for task_id in (mine, elsewhere, assigned)] == ["FREE", "OPEN", "ASSIGNED"]
    assert world.admin.getTaskInfo(mine)["host_id"] is None


@pytest.mark.parametrize("soft", [True, False])
def test_refuse_task_hands_it_back_and_bars_the_host(world: World, builder: Builder, soft: bool) -> None:
    task_id = world.task(assign=builder.id)
    builder.host.refuseTask(task_id, soft=soft, msg="not today")
    assert world.state(task_id) == "FREE"
    (refusal,) = world.refusals(task_id)
    expected = {"host_id": builder.id, "soft": soft, "by_host": True, "msg": "not today"}
    assert expected.items() <= refusal.items()


def test_refusing_the_task_of_another_host_does_nothing(world: World, builder: Builder) -> None:
    task_id = world.open_task(world.builder())
    builder.host.refuseTask(task_id, msg="not mine")
    assert world.state(task_id) == "OPEN"
    assert world.refusals(task_id) == []


def test_get_host_tasks_shows_open_ones_only(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    world.task(assign=builder.id)
    builder.host.setTaskWeight(task_id, 2.5)
    assert builder.host.getHostTasks() == [{"id": task_id, "waiting": None, "weight": 2.5}]


def test_canceling_ends_children_too_but_leaves_finished_ones(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    closed, free = (builder.host.subtask(method="sleep", arglist=[0], parent=parent) for _ in range(2))
    builder.host.openTask(closed)
    builder.host.closeTask(closed, xml(None))
    assert world.admin.cancelTask(parent) is None
    assert [world.state(task_id) for task_id in (parent, closed, free)] == ["CANCELED", "CLOSED", "CANCELED"]


def test_cancel_task_children_leaves_the_parent(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    child = builder.host.subtask(method="sleep", arglist=[0], parent=parent)
    builder.session.cancelTaskChildren(parent)
    assert [world.state(parent), world.state(child)] == ["OPEN", "CANCELED"]


def test_only_owner_or_admin_may_cancel(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    with pytest.raises(koji.ActionNotAllowed):
        world.login(world.user()).cancelTask(task_id)
    assert world.state(task_id) == "OPEN"


# --- Subtasks and waiting


def test_a_subtask_takes_after_its_parent(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    child = builder.host.subtask(method="sleep", arglist=[0], parent=parent, label="x86_64", arch="x86_64")
    ours, theirs = world.admin.getTaskInfo(parent), world.admin.getTaskInfo(child)
    assert theirs["priority"] == ours["priority"] - 1
    assert (theirs["owner"], theirs["channel_id"]) == (ours["owner"], ours["channel_id"])
    assert (theirs["parent"], theirs["label"], theirs["arch"]) == (parent, "x86_64", "x86_64")
    assert theirs["state"] == koji.TASK_STATES["FREE"]


def test_a_label_makes_a_subtask_once(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    first = builder.host.subtask(method="sleep", arglist=[0], parent=parent, label="a")
    assert builder.host.subtask(method="sleep", arglist=[9], parent=parent, label="a") == first
    assert builder.host.subtask(method="sleep", arglist=[0], parent=parent, label="b") != first
    unlabelled = [builder.host.subtask(method="sleep", arglist=[0], parent=parent) for _ in range(2)]
    assert len({first, *unlabelled}) == 3


def test_an_assigned_subtask_skips_the_scheduler_and_its_timeouts(world: World) -> None:
    builder, other = world.ready_builder(), world.ready_builder()
    parent = world.open_task(builder)
    child = builder.host.subtask(method="sleep", arglist=[0], parent=parent, assign=other.id)
    assert world.state(child) == "ASSIGNED"
    assert world.admin.scheduler.getTaskRuns([["task_id", child]]) == []
    world.hub.backdoor.age_host(other.id, 1000)
    world.schedule()
    assert world.state(child) == "ASSIGNED"
    assert [task["id"] for task in other.host.getTasks()] == [child]


def test_a_waiting_parent(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    first, second = (builder.host.subtask(method="sleep", arglist=[0], parent=parent) for _ in range(2))
    builder.host.taskSetWait(parent, [first, second])
    assert world.admin.getTaskInfo(parent)["waiting"] is True
    finished, unfinished = builder.host.taskWait(parent)
    assert (finished, sorted(unfinished)) == ([], [first, second])
    assert builder.host.getHostTasks() == [{"id": parent, "waiting": True, "weight": 1.0}]
    builder.host.openTask(first)
    builder.host.closeTask(first, xml(["done"]))
    assert builder.host.getHostTasks() == [{"id": parent, "waiting": True, "weight": 1.0, "alert": True}]
    assert builder.host.taskWait(parent) == [[first], [second]]
    assert builder.host.taskWait(parent) == [[], [second]]  # a finished one is told of once
    assert builder.host.taskWaitResults(parent, [first]) == [[first, ["done"]]]
    assert world.admin.getTaskInfo(parent)["waiting"] is False
    assert builder.host.taskWait(parent) == [[], []]


def test_task_set_wait_waits_for_the_given_subtasks_only(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    first, second = (builder.host.subtask(method="sleep", arglist=[0], parent=parent) for _ in range(2))
    builder.host.taskSetWait(parent, None)
    finished, unfinished = builder.host.taskWait(parent)
    assert (finished, sorted(unfinished)) == ([], [first, second])
    builder.host.taskSetWait(parent, [second])
    assert builder.host.taskWait(parent) == [[], [second]]


def test_wait_results_raise_the_fault_of_a_failed_subtask(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    child = builder.host.subtask(method="sleep", arglist=[0], parent=parent)
    builder.host.openTask(child)
    builder.host.failTask(child, fault(1005, "no luck"))
    with pytest.raises(koji.BuildError, match="no luck"):
        builder.host.taskWaitResults(parent, [child], canfail=None)
    allowed = builder.host.taskWaitResults(parent, [child], canfail=[child])
    assert allowed == [[child, {"faultCode": 1005, "faultString": "no luck"}]]


def test_wait_results_of_a_canceled_subtask(world: World, builder: Builder) -> None:
    parent = world.open_task(builder)
    child = builder.host.subtask(method="sleep", arglist=[0], parent=parent)
    world.admin.cancelTask(child)
    with pytest.raises(koji.GenericError, match="is canceled"):
        builder.host.taskWaitResults(parent, [child])
    ((task_id, result),) = builder.host.taskWaitResults(parent, [child], canfail=[child])
    assert task_id == child
    assert result["faultCode"] == koji.GenericError.faultCode


# --- Uploads


def upload(
    session: Session,
    task_id: int,
    name: str,
    data: bytes,
    *,
    offset: int = 0,
    overwrite: bool = True,
    **options: Any,
) -> Any:
    return session.rawUpload(data, offset, task_dir(task_id), name, overwrite=overwrite, **options)


def test_upload_answers_with_size_offset_and_checksum(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    answer = upload(builder.session, task_id, "build.log", b"hello")
    checksum = f"{zlib.adler32(b'hello'):08x}"
    assert answer == {"size": 5, "fileverify": "adler32", "offset": 0, "hexdigest": checksum}
    assert (world.hub.topdir / "work" / task_dir(task_id) / "build.log").read_bytes() == b"hello"


@pytest.mark.parametrize(("verify", "digest"), [("md5", "5d41402a"), ("sha256", "2cf24dba")])
def test_upload_checksums(world: World, builder: Builder, verify: str, digest: str) -> None:
    answer = upload(builder.session, world.open_task(builder), "build.log", b"hello", verify=verify)
    assert answer["hexdigest"].startswith(digest)


def test_upload_with_an_unknown_checksum(world: World, builder: Builder) -> None:
    with pytest.raises(koji.GenericError, match="Unsupported verify type"):
        upload(builder.session, world.open_task(builder), "build.log", b"hello", verify="crc7")


def test_a_growing_log_is_sent_as_its_tail(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    for offset, data in [(0, b"one\n"), (4, b"two\n"), (8, b"three\n")]:
        assert upload(builder.session, task_id, "build.log", data, offset=offset)["offset"] == offset
    assert uploaded(world, task_id) == b"one\ntwo\nthree\n"


def test_overwrite_cuts_the_file_at_the_offset(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "build.log", b"0123456789")
    upload(builder.session, task_id, "build.log", b"ab", offset=4)  # a chunk that comes late: accepted
    assert uploaded(world, task_id) == b"0123ab"


def test_overwrite_past_the_end_leaves_a_hole(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "build.log", b"ab")
    upload(builder.session, task_id, "build.log", b"cd", offset=5)
    assert uploaded(world, task_id) == b"ab\0\0\0cd"


def test_without_overwrite_nothing_is_cut(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "build.log", b"abcd", overwrite=False)
    with pytest.raises(koji.GenericError, match="upload path exists"):
        upload(builder.session, task_id, "build.log", b"xy", overwrite=False)
    with pytest.raises(koji.GenericError, match="Incorrect upload length"):
        upload(builder.session, task_id, "build.log", b"C", offset=2, overwrite=False)
    upload(builder.session, task_id, "build.log", b"D", offset=3, overwrite=False)
    upload(builder.session, task_id, "build.log", b"ef", offset=-1, overwrite=False)
    assert uploaded(world, task_id) == b"abCDef"


@pytest.mark.parametrize("name", [".hidden", "a/b", "../a", "/a"])
def test_upload_names_that_are_refused(world: World, builder: Builder, name: str) -> None:
    with pytest.raises(koji.GenericError, match="Invalid upload filename"):
        upload(builder.session, world.open_task(builder), name, b"x")


@pytest.mark.parametrize("name", ["a b", "a\nb", "-rf", "büild.log", "a..b"])
def test_upload_names_that_are_accepted(world: World, builder: Builder, name: str) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, name, b"x")
    assert uploaded(world, task_id, name) == b"x"
    assert builder.session.checkUpload(task_dir(task_id), name)["size"] == 1


@pytest.mark.parametrize("path", ["../elsewhere", "tasks/1/2/../../../..", "tasks/1", "tasks/1/x"])
def test_upload_directories_that_are_refused(builder: Builder, path: str) -> None:
    with pytest.raises(koji.GenericError, match=r"Invalid (task )?upload directory"):
        builder.session.rawUpload(b"x", 0, path, "a", overwrite=True)


def test_upload_to_an_unknown_volume(world: World, builder: Builder) -> None:
    with pytest.raises(koji.GenericError):
        upload(builder.session, world.open_task(builder), "a", b"x", volume=world.name("volume"))


def test_an_upload_directory_belongs_to_the_user_who_made_it(world: World) -> None:
    mine, other = world.login(world.user()), world.login(world.user())
    directory = f"cli-build/{world.name('dir')}"
    for name in ("a", "b"):
        mine.rawUpload(b"x", 0, directory, name, overwrite=True)
    with pytest.raises(koji.GenericError, match="not owner"):
        other.rawUpload(b"x", 0, directory, "c", overwrite=True)


def test_only_a_host_uploads_for_a_task(world: World, builder: Builder) -> None:
    task_id, user = world.open_task(builder), world.login(world.user())
    with pytest.raises(koji.AuthError, match="is not a host"):
        upload(user, task_id, "build.log", b"x")


def test_upload_without_a_login(world: World) -> None:
    answer = anonymous_upload(world.hub, "cli-build/x", "a", b"x")
    assert isinstance(answer, Fault)
    # which of the two depends on the hub taking sessions from the query (DisableURLSessions)
    assert answer.faultCode in {koji.ActionNotAllowed.faultCode, koji.AuthError.faultCode}


def test_uploads_must_have_a_rising_number_but_do_not_commit_it(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    builder.host.setTaskWeight(task_id, 1.0)
    committed = builder.session.callnum - 1
    builder.session.callnum = committed + 10
    upload(builder.session, task_id, "build.log", b"x")
    builder.session.callnum = committed + 1
    upload(builder.session, task_id, "build.log", b"y")
    builder.session.callnum = committed - 1
    with pytest.raises(koji.SequenceError):
        upload(builder.session, task_id, "build.log", b"z")
    assert uploaded(world, task_id) == b"y"


def test_check_upload(world: World, builder: Builder) -> None:
    task_id, check = world.open_task(builder), builder.session.checkUpload
    directory = task_dir(task_id)
    assert check(directory, "build.log") is None
    upload(builder.session, task_id, "build.log", b"0123456789")
    assert set(check(directory, "build.log")) == {"size", "mtime"}
    whole = check(directory, "build.log", verify="adler32")
    assert (whole["size"], whole["sumlength"]) == (10, 10)
    assert whole["hexdigest"] == f"{zlib.adler32(b'0123456789'):08x}"
    tail = check(directory, "build.log", verify="adler32", tail=4)
    assert (tail["size"], tail["sumlength"]) == (10, 4)
    assert tail["hexdigest"] == f"{zlib.adler32(b'6789'):08x}"
    with pytest.raises(koji.GenericError, match="Unsupported verify type"):
        check(directory, "build.log", verify="crc7")


def test_a_canceled_task_refuses_the_next_upload(world: World, builder: Builder) -> None:
    task_id, child = world.open_task(builder), world.child(builder.session)
    upload(child, task_id, "build.log", b"x")
    world.admin.cancelTask(task_id)
    with pytest.raises(koji.ActionNotAllowed, match="does not own task"):
        upload(child, task_id, "build.log", b"y", offset=1)
    with pytest.raises(koji.ActionNotAllowed, match="does not own task"):
        child.host.failTask(task_id, fault(1, "x"))
    assert uploaded(world, task_id) == b"x"


def test_a_half_sent_upload_holds_the_file(world: World) -> None:
    session, directory = world.login(world.user()), f"cli-build/{world.name('dir')}"
    second = world.child(session)
    with HalfUpload(hub=world.hub, session=session, path=directory, name="a") as half:
        wait_for_file(world, f"{directory}/a")
        with pytest.raises(koji.LockError) as error:
            second.rawUpload(b"x", 0, directory, "a", overwrite=True)
        assert error.value.faultCode == 1001
        with pytest.raises(koji.LockError):
            second.checkUpload(directory, "a")
        assert half.finish()["size"] == 10
    assert second.checkUpload(directory, "a")["size"] == 10


def test_a_session_does_one_call_at_a_time(world: World) -> None:
    session, directory = world.login(world.user()), f"cli-build/{world.name('dir')}"
    with HalfUpload(hub=world.hub, session=session, path=directory, name="a") as half:
        wait_for_file(world, f"{directory}/a")
        with ThreadPoolExecutor(max_workers=1) as pool:
            waiting = pool.submit(world.twin(session).echo, "x")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            half.finish()
            assert waiting.result(timeout=20) == ["x"]


@pytest.mark.parametrize("call", ["cancelTask", "upload"])
def test_a_half_sent_upload_holds_the_task(world: World, builder: Builder, call: str) -> None:
    task_id, child = world.open_task(builder), world.child(builder.session)
    with HalfUpload(hub=world.hub, session=child, path=task_dir(task_id), name="a") as half:
        wait_for_file(world, f"{task_dir(task_id)}/a")
        with ThreadPoolExecutor(max_workers=1) as pool:
            if call == "cancelTask":
                waiting = pool.submit(world.admin.cancelTask, task_id)
            else:
                waiting = pool.submit(upload, builder.session, task_id, "b", b"x")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            assert half.finish()["size"] == 10
            waiting.result(timeout=20)
    assert world.state(task_id) == ("CANCELED" if call == "cancelTask" else "OPEN")


def uploaded(world: World, task_id: int, name: str = "build.log") -> bytes:
    return (world.hub.topdir / "work" / task_dir(task_id) / name).read_bytes()


def wait_for_file(world: World, path: str) -> None:
    """Until the hub has begun to write it."""
    eventually((world.hub.topdir / "work" / path).exists, f"the hub begins with {path}")


# --- /kojifiles


def test_kojifiles_serves_the_topdir(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "build.log", b"0123456789")
    path = f"work/{task_dir(task_id)}/build.log"
    assert fetch(world.hub, path) == (200, b"0123456789")
    assert fetch(world.hub, f"/{path}") == (200, b"0123456789")  # a double slash is normal
    assert fetch(world.hub, path, Range="bytes=2-4") == (206, b"234")
    assert fetch(world.hub, f"{path}.missing")[0] == 404


# --- Buildroots

STATES = koji.BR_STATES


@pytest.fixture
def buildroot(world: World, builder: Builder) -> int:
    return new_buildroot(world, builder)


def new_buildroot(world: World, builder: Builder) -> int:
    repo_id, task_id = world.repo(builder), world.open_task(builder)
    buildroot_id: int = builder.host.newBuildRoot(repo_id, "x86_64", task_id=task_id)
    return buildroot_id


def broot_state(world: World, buildroot_id: int) -> str:
    (row,) = world.admin.listBuildroots(buildrootID=buildroot_id)
    return str(STATES[row["state"]])


def test_a_new_buildroot(world: World, builder: Builder) -> None:
    task_id, repo_id = world.open_task(builder), world.repo(builder)
    buildroot_id = builder.host.newBuildRoot(repo_id, "x86_64", task_id=task_id)
    (row,) = world.admin.listBuildroots(buildrootID=buildroot_id)
    expected = {"state": STATES["INIT"], "host_id": builder.id, "repo_id": repo_id, "task_id": task_id}
    assert expected.items() <= row.items()
    assert (row["arch"], row["container_type"]) == ("x86_64", "chroot")


def test_the_buildroots_that_a_builder_has_to_look_after(
    world: World, builder: Builder, buildroot: int
) -> None:
    unexpired = [STATES[name] for name in ("INIT", "WAITING", "BUILDING")]
    rows = world.admin.listBuildroots(hostID=builder.id, state=unexpired)
    assert [row["id"] for row in rows] == [buildroot]
    builder.host.setBuildRootState(buildroot, STATES["EXPIRED"])
    assert world.admin.listBuildroots(hostID=builder.id, state=unexpired) == []


def test_the_states_of_a_buildroot_in_order(world: World, builder: Builder, buildroot: int) -> None:
    builder.host.setBuildRootList(buildroot, [])
    builder.host.setBuildRootState(buildroot, "BUILDING")
    assert broot_state(world, buildroot) == "BUILDING"
    builder.host.updateBuildRootList(buildroot, [])
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    assert broot_state(world, buildroot) == "EXPIRED"
    builder.host.setBuildRootState(buildroot, STATES["EXPIRED"])  # twice is tolerated
    with pytest.raises(koji.GenericError, match=f"buildroot {buildroot} is EXPIRED"):
        builder.host.setBuildRootState(buildroot, "BUILDING")


@pytest.mark.parametrize("state", ["WAITING", "BUILDING", "EXPIRED"])
def test_the_first_list_needs_a_buildroot_in_init(builder: Builder, buildroot: int, state: str) -> None:
    builder.host.setBuildRootState(buildroot, state)
    with pytest.raises(koji.GenericError, match="in wrong state"):
        builder.host.setBuildRootList(buildroot, [])


@pytest.mark.parametrize("state", ["INIT", "WAITING", "EXPIRED"])
def test_the_second_list_needs_a_buildroot_in_building(builder: Builder, buildroot: int, state: str) -> None:
    if state != "INIT":
        builder.host.setBuildRootState(buildroot, state)
    with pytest.raises(koji.GenericError, match="in wrong state"):
        builder.host.updateBuildRootList(buildroot, [])


def test_a_buildroot_never_goes_back_to_init(builder: Builder, buildroot: int) -> None:
    with pytest.raises(koji.GenericError, match="Cannot change buildroot state to INIT"):
        builder.host.setBuildRootState(buildroot, "INIT")


BUILDROOT_CALLS: dict[str, list[Any]] = {
    "setBuildRootState": ["EXPIRED"],
    "setBuildRootList": [[]],
    "updateBuildRootList": [[]],
}


@pytest.mark.parametrize("call", BUILDROOT_CALLS)
def test_only_the_host_of_a_buildroot_may_change_it(world: World, buildroot: int, call: str) -> None:
    other = world.builder()
    with pytest.raises(koji.ActionNotAllowed, match=f"not owner of buildroot {buildroot}"):
        getattr(other.host, call)(buildroot, *BUILDROOT_CALLS[call])


@pytest.mark.parametrize("call", BUILDROOT_CALLS)
def test_buildroot_calls_that_name_a_task_need_it_open_and_of_that_buildroot(
    world: World, builder: Builder, buildroot: int, call: str
) -> None:
    change = getattr(builder.host, call)
    unrelated, freed = world.open_task(builder), world.open_task(builder)
    builder.host.freeTasks([freed])
    for task_id in (unrelated, freed):
        with pytest.raises(koji.ActionNotAllowed):
            change(buildroot, *BUILDROOT_CALLS[call], task_id=task_id)
    assert broot_state(world, buildroot) == "INIT"


def test_a_buildroot_can_be_expired_after_its_task_was_canceled(
    world: World, builder: Builder, buildroot: int
) -> None:
    (row,) = world.admin.listBuildroots(buildrootID=buildroot)
    world.admin.cancelTask(row["task_id"])
    with pytest.raises(koji.ActionNotAllowed):
        builder.host.setBuildRootState(buildroot, "EXPIRED", task_id=row["task_id"])
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    assert broot_state(world, buildroot) == "EXPIRED"


def test_a_buildroot_that_does_not_exist(builder: Builder) -> None:
    with pytest.raises(koji.GenericError):
        builder.host.setBuildRootState(2**31 - 1, "EXPIRED")


# --- Package lists


def external(name: str, **changes: Any) -> dict[str, Any]:
    """An entry as a builder sends it for a package of an external repo."""
    rpm = {"name": name, "version": "1", "release": "2", "epoch": None, "arch": "x86_64"}
    return {**rpm, "payloadhash": "0" * 32, "size": 1000, "buildtime": 1_700_000_000, **changes}


def listed(world: World, buildroot_id: int) -> dict[str, Any]:
    """What `koji list-buildroot -v` shows: name to row."""
    return {row["name"]: row for row in world.admin.listRPMs(componentBuildrootID=buildroot_id)}


def test_external_packages_come_with_their_repo(world: World, builder: Builder, buildroot: int) -> None:
    repo = world.external_repo()
    nested = {"external_repo_id": repo["id"], "external_repo_name": repo["name"], "url": "http://x/"}
    plain = external("zlib", location=repo["id"])
    full = external("bash", location=repo["id"], external_repo=nested, epoch=1, sha256header="extra")
    builder.host.setBuildRootList(buildroot, [plain, full])
    rows = listed(world, buildroot)
    assert set(rows) == {"zlib", "bash"}
    assert {row["external_repo_name"] for row in rows.values()} == {repo["name"]}
    assert (rows["zlib"]["epoch"], rows["bash"]["epoch"]) == (None, 1)
    assert rows["bash"]["payloadhash"] == "0" * 32


def test_the_second_list_adds_what_is_new_and_marks_it(
    world: World, builder: Builder, buildroot: int
) -> None:
    location = world.external_repo()["id"]
    first, second = external("bash", location=location), external("gcc", location=location)
    builder.host.setBuildRootList(buildroot, [first])
    builder.host.setBuildRootState(buildroot, "BUILDING")
    builder.host.updateBuildRootList(buildroot, [first, second])
    builder.host.updateBuildRootList(buildroot, [first, second])
    assert {name: row["is_update"] for name, row in listed(world, buildroot).items()} == {
        "bash": False,
        "gcc": True,
    }


@pytest.mark.parametrize(
    "field", ["name", "version", "release", "epoch", "arch", "payloadhash", "size", "buildtime"]
)
def test_external_packages_need_every_field(
    world: World, builder: Builder, buildroot: int, field: str
) -> None:
    entry = external("bash", location=world.external_repo()["id"])
    del entry[field]
    with pytest.raises(koji.GenericError, match=f"{field} field missing"):
        builder.host.setBuildRootList(buildroot, [entry])


@pytest.mark.parametrize(
    ("field", "value"), [("epoch", "1"), ("payloadhash", None), ("size", "1000"), ("buildtime", None)]
)
def test_external_packages_need_the_right_types(
    world: World, builder: Builder, buildroot: int, field: str, value: Any
) -> None:
    entry = external("bash", location=world.external_repo()["id"], **{field: value})
    with pytest.raises(koji.GenericError, match=f"Invalid value for {field}"):
        builder.host.setBuildRootList(buildroot, [entry])


def test_an_external_package_keeps_its_hash(world: World, builder: Builder, buildroot: int) -> None:
    location = world.external_repo()["id"]
    builder.host.setBuildRootList(buildroot, [external("bash", location=location)])
    builder.host.setBuildRootState(buildroot, "BUILDING")
    changed = external("bash", location=location, payloadhash="1" * 32)
    with pytest.raises(koji.GenericError, match="hash changed for external rpm"):
        builder.host.updateBuildRootList(buildroot, [changed])
    elsewhere = {**changed, "location": world.external_repo()["id"]}
    builder.host.updateBuildRootList(buildroot, [elsewhere])


def test_an_external_repo_that_does_not_exist(builder: Builder, buildroot: int) -> None:
    with pytest.raises(koji.GenericError):
        builder.host.setBuildRootList(buildroot, [external("bash", location=2**31 - 1)])


def test_a_package_without_location_must_be_known(world: World, builder: Builder, buildroot: int) -> None:
    known = external("bash", location=world.external_repo()["id"])
    with pytest.raises(koji.GenericError, match="No such rpm"):
        builder.host.setBuildRootList(buildroot, [known, external(world.name("stranger"))])
    assert listed(world, buildroot) == {}


def test_internal_packages_by_id_or_by_name(world: World, builder: Builder, package: Package) -> None:
    build = finished_build(world, builder, package)
    rows = world.admin.listRPMs(buildID=build.build_id)
    by_id, by_nvra = (row for row in rows if row["arch"] != "src")
    buildroot_id = new_buildroot(world, builder)
    entry = external("another name altogether", id=by_id["id"])
    fields = {key: by_nvra[key] for key in ("name", "version", "release", "epoch", "arch")}
    builder.host.setBuildRootList(buildroot_id, [entry, external("x") | fields])
    assert {row["id"] for row in listed(world, buildroot_id).values()} == {by_id["id"], by_nvra["id"]}


def test_a_request_may_have_4_mib(builder: Builder) -> None:
    limit, slack = 4 << 20, 1000
    assert len(builder.session.echo("x" * (limit - slack))[0]) == limit - slack
    with pytest.raises(requests.HTTPError, match="400"):
        builder.session.echo("x" * limit)


# --- Builds


@pytest.fixture
def package(world: World, tmp_path: Path) -> Package:
    """For a build that gets finished: of one name and version there can be only one."""
    return make_package(tmp_path / "package", world.name("package"))


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """For builds that come to nothing."""
    return make_package(tmp_path_factory.mktemp("spare") / "package", f"spare{uuid.uuid4().hex[:10]}")


def finished_build(world: World, builder: Builder, package: Package) -> BuildInProgress:
    build = prepare_build(world, builder, package)
    build.start()
    build.complete()
    return build


def test_a_build_begins(world: World, builder: Builder) -> None:
    task_id, name = world.open_task(builder), world.name("package")
    data = {"name": name, "version": "1", "release": "2", "epoch": None, "task_id": task_id}
    build_id = builder.host.initBuild(
        {**data, "source": "src.rpm", "extra": {"source": {"original_url": "x"}}}
    )
    build = world.admin.getBuild(build_id)
    expected = {"nvr": f"{name}-1-2", "state": koji.BUILD_STATES["BUILDING"], "task_id": task_id}
    assert expected.items() <= build.items()
    assert build["extra"] == {"source": {"original_url": "x"}}
    assert build["owner_name"] == world.hub.admin[0]
    assert build["completion_time"] is None


@pytest.mark.parametrize("missing", ["name", "version", "release", "epoch"])
def test_a_build_needs_its_name(world: World, builder: Builder, missing: str) -> None:
    data = {"name": world.name("package"), "version": "1", "release": "2", "epoch": None}
    del data[missing]
    with pytest.raises(koji.GenericError):
        builder.host.initBuild({**data, "task_id": world.open_task(builder)})


def test_a_finished_build(world: World, builder: Builder, package: Package) -> None:
    build = prepare_build(world, builder, package)
    build.start()
    assert build.complete()["state"] == koji.BUILD_STATES["COMPLETE"]
    top = world.hub.topdir / "packages" / package.name / package.version / package.release
    files = {str(file.relative_to(top)) for file in top.rglob("*") if file.is_file()}
    assert {
        f"src/{package.srpm.name}",
        f"x86_64/{package.binary.name}",
        f"noarch/{package.noarch.name}",
        "data/logs/x86_64/build.log",
    } <= files
    for path in [build.srpm, *build.rpms]:
        assert (world.hub.topdir / "work" / path).is_symlink()  # moved, and a link left behind
    rows = world.admin.listRPMs(buildID=build.build_id)
    assert {row["arch"] for row in rows} == {"src", "x86_64", "noarch"}
    assert {row["buildroot_id"] for row in rows} == {build.buildroot_id}
    (binary,) = (row for row in rows if row["arch"] == "x86_64")
    assert binary["size"] == package.binary.stat().st_size
    assert binary["payloadhash"] == sigmd5(package.binary)


def sigmd5(file: Path) -> str:
    header = koji.get_rpm_header(str(file))
    return str(koji.hex_string(cast("str", koji.get_header_field(header, "sigmd5"))))


def test_complete_build_needs_its_files(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.rpms.append(f"{task_dir(build.arch_task_id)}/missing-1-1.x86_64.rpm")
    with pytest.raises(koji.GenericError, match="No such file"):
        build.complete()
    assert world.admin.getBuild(build.build_id)["state"] == koji.BUILD_STATES["BUILDING"]


def test_complete_build_needs_its_logs(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.logs["x86_64"].append(f"{task_dir(build.arch_task_id)}/missing.log")
    with pytest.raises(koji.GenericError):
        build.complete()


def test_complete_build_needs_real_buildroots(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.buildroots[build.srpm] = 2**31 - 1
    with pytest.raises(koji.GenericError, match="no buildroot with ID"):
        build.complete()


@pytest.mark.parametrize("key", ["version", "release", "epoch", "name"])
def test_complete_build_needs_the_srpm_that_was_announced(
    world: World, builder: Builder, spare: Package, key: str
) -> None:
    build = prepare_build(world, builder, spare)
    build.start(**{key: 7 if key == "epoch" else world.name("x").replace("-", "")})
    with pytest.raises(koji.GenericError, match=f"{key} mismatch"):
        build.complete()


def test_complete_build_needs_the_task_that_began_it(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.task_id = world.open_task(builder)
    with pytest.raises(koji.GenericError, match="task_id mismatch"):
        build.complete()


def test_complete_build_needs_a_source_package(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.srpm = build.rpms[0]
    with pytest.raises(koji.GenericError, match="not a source package"):
        build.complete()


def test_an_rpm_is_named_after_its_header(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    build.rpms[0] = build.upload(spare.binary, "other-1.0-1.x86_64.rpm")
    with pytest.raises(koji.GenericError, match="bad filename"):
        build.complete()


def test_an_rpm_comes_from_the_srpm_of_its_build(
    world: World, builder: Builder, package: Package, spare: Package
) -> None:
    build = prepare_build(world, builder, package)
    build.start()
    build.rpms.append(build.upload(spare.binary))
    with pytest.raises(koji.GenericError, match="srpm mismatch"):
        build.complete()
    assert world.admin.listRPMs(buildID=build.build_id) == []


def test_of_equal_noarch_packages_the_first_is_kept(world: World, builder: Builder, package: Package) -> None:
    build = prepare_build(world, builder, package)
    build.start()
    second = world.open_task(builder)
    build.rpms.append(build.upload(package.noarch, task_id=second))
    build.complete()
    assert len(world.admin.listRPMs(buildID=build.build_id)) == 3


def test_noarch_packages_that_differ_fail_the_build(
    world: World, builder: Builder, spare: Package, tmp_path: Path
) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    other = make_package(tmp_path / "other", spare.name, files=["data", "more"])
    build.rpms.append(build.upload(other.noarch, task_id=world.open_task(builder)))
    with pytest.raises(koji.BuildError, match="built differently on different architectures"):
        build.complete()


@pytest.mark.parametrize("state", ["COMPLETE", "BUILDING"])
def test_a_name_is_built_once(world: World, builder: Builder, package: Package, state: str) -> None:
    build = prepare_build(world, builder, package)
    build.start()
    if state == "COMPLETE":
        build.complete()
    again = prepare_build(world, builder, package)
    with pytest.raises(koji.GenericError):
        again.start()


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_build_that_came_to_nothing_can_be_built_again(
    world: World, builder: Builder, package: Package, state: str
) -> None:
    build = prepare_build(world, builder, package)
    build.start()
    if state == "FAILED":
        builder.host.failBuild(build.task_id, build.build_id)
    else:
        world.admin.cancelBuild(build.build_id)
    assert koji.BUILD_STATES[world.admin.getBuild(build.build_id)["state"]] == state
    again = prepare_build(world, builder, package)
    assert again.start() == build.build_id
    assert again.complete()["state"] == koji.BUILD_STATES["COMPLETE"]


def test_only_a_build_in_progress_can_fail(world: World, builder: Builder, package: Package) -> None:
    build = finished_build(world, builder, package)
    with pytest.raises(koji.GenericError, match="cannot update build"):
        builder.host.failBuild(build.task_id, build.build_id)


def test_canceling_the_task_cancels_its_build(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    world.admin.cancelTask(build.task_id)
    assert world.admin.getBuild(build.build_id)["state"] == koji.BUILD_STATES["CANCELED"]


def test_a_scratch_build_leaves_links(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.to_scratch()
    scratch = world.hub.topdir / "scratch" / world.hub.admin[0] / f"task_{build.task_id}"
    work = world.hub.topdir / "work"
    for path in [build.srpm, *build.rpms]:
        assert (work / path).is_symlink()
        assert (work / path).resolve() == (scratch / path.rpartition("/")[2]).resolve()
    assert (scratch / "logs" / "x86_64" / "build.log").read_bytes() == b"built\n"
    with pytest.raises(koji.GenericError, match="destination is a symlink"):
        build.upload(spare.binary)


def test_a_scratch_build_needs_its_files(world: World, builder: Builder, spare: Package) -> None:
    build = prepare_build(world, builder, spare)
    build.rpms.append(f"{task_dir(build.arch_task_id)}/missing-1-1.x86_64.rpm")
    with pytest.raises(koji.GenericError, match="No such file"):
        build.to_scratch()


def test_tag_build(world: World, builder: Builder, package: Package) -> None:
    build, tag = finished_build(world, builder, package), world.tag()
    with pytest.raises(koji.TagError, match="not in list for"):
        builder.host.tagBuild(build.task_id, tag, build.build_id, force=False, fromtag=None)
    world.admin.packageListAdd(tag, package.name, owner=world.hub.admin[0])
    builder.host.tagBuild(build.task_id, tag, build.build_id, force=False, fromtag=None)
    assert [row["nvr"] for row in world.admin.listTagged(tag)] == [package.nvr]
    with pytest.raises(koji.TagError, match="already tagged"):
        builder.host.tagBuild(build.task_id, tag, build.build_id)


def test_tag_build_can_move(world: World, builder: Builder, package: Package) -> None:
    build, old, new = finished_build(world, builder, package), world.tag(), world.tag()
    for tag in (old, new):
        world.admin.packageListAdd(tag, package.name, owner=world.hub.admin[0])
    builder.host.tagBuild(build.task_id, old, build.build_id)
    builder.host.tagBuild(build.task_id, new, build.build_id, fromtag=old)
    assert world.admin.listTagged(old) == []
    assert [row["nvr"] for row in world.admin.listTagged(new)] == [package.nvr]


def mail_tasks(world: World, method: str, build: BuildInProgress, place: int) -> list[dict[str, Any]]:
    """The tasks that tell people of this try of a build; what names it stands at `place` of their requests."""
    tasks = world.admin.listTasks({"method": method, "decode": True}, {"order": "-id", "limit": 20})
    found = []
    for task in tasks:
        named = task["request"][place]
        is_named = (named["id"] if isinstance(named, dict) else named) == build.build_id
        if is_named and task["id"] > build.task_id:
            world.at_end("cancelTask", task["id"])
            found.append(task)
    return found


def test_a_build_that_has_ended_is_told(world: World, builder: Builder, spare: Package) -> None:
    """A task of nobody's below, in the name of who has ended the build."""
    build = prepare_build(world, builder, spare)
    build.start()
    assert mail_tasks(world, "buildNotification", build, 1) == []
    builder.host.failBuild(build.task_id, build.build_id)
    (task,) = mail_tasks(world, "buildNotification", build, 1)
    recipients, shown, target, url = task["request"]
    assert [address.partition("@")[0] for address in recipients] == [world.hub.admin[0]]
    assert (shown["nvr"], shown["state"]) == (spare.nvr, koji.BUILD_STATES["FAILED"])
    assert (shown["task_id"], shown["package_name"]) == (build.task_id, spare.name)
    assert {"creation_ts", "completion_ts", "owner_name", "epoch", "volume_name"} <= shown.keys()
    assert (target, url.startswith("http")) == (None, True)
    assert (task["parent"], task["owner_name"]) == (None, builder.name)


def test_who_is_told_of_a_build(world: World, builder: Builder, spare: Package) -> None:
    """Subscribers of package and tag, and the builder of the build, unless they do not want to be."""
    build = prepare_build(world, builder, spare)
    build.start()
    wanting, other, unwilling = world.user(), world.user(), world.user()
    tag = world.tag()
    for name, tags in ((wanting, None), (other, tag), (unwilling, None)):
        world.login(name).createNotification(name, spare.name, tags, False)
    world.login(unwilling).createNotificationBlock(unwilling, spare.name)
    with pytest.raises(koji.GenericError, match="notification already exists"):
        world.login(wanting).createNotification(wanting, spare.name, None, False)
    with pytest.raises(koji.GenericError, match="cannot create notifications for user"):
        world.login(wanting).createNotification(other, spare.name, None, True)
    world.admin.cancelBuild(build.build_id)
    (task,) = mail_tasks(world, "buildNotification", build, 1)
    told = {address.partition("@")[0] for address in task["request"][0]}
    assert told == {wanting, world.hub.admin[0]}
    assert task["owner_name"] == world.hub.admin[0]


def test_a_tagged_build_is_told(world: World, builder: Builder, package: Package) -> None:
    build, tag = finished_build(world, builder, package), world.tag()
    world.admin.packageListAdd(tag, package.name, owner=world.user())
    user = world.admin.getLoggedInUser()["id"]
    builder.host.tagNotification(True, tag, None, build.build_id, user, True)
    assert mail_tasks(world, "tagNotification", build, 4) == []
    builder.host.tagNotification(False, tag, None, build.build_id, user, True, "refused")
    (task,) = mail_tasks(world, "tagNotification", build, 4)
    recipients, *request = task["request"]
    assert len(recipients) == 2
    assert request == [False, tag, None, build.build_id, user, True, "refused"]
    assert (task["parent"], task["owner_name"]) == (None, builder.name)


def test_a_chain_of_builds(world: World) -> None:
    levels = [["git://host/a#1"], ["hello-1-1"]]
    task = world.admin.chainBuild(levels, "target", {"skip_tag": True}, channel=world.channel)
    world.at_end("cancelTask", task)
    info = world.admin.getTaskInfo(task, request=True)
    assert (info["method"], info["request"]) == ("chainbuild", [levels, "target", {"skip_tag": True}])
    with pytest.raises(koji.ParameterError):
        world.admin.chainBuild("git://host/a#1", "target")


def test_an_unfinished_build_cannot_be_tagged(world: World, builder: Builder, spare: Package) -> None:
    build, tag = prepare_build(world, builder, spare), world.tag()
    build.start()
    world.admin.packageListAdd(tag, spare.name, owner=world.hub.admin[0])
    with pytest.raises(koji.TagError):
        builder.host.tagBuild(build.task_id, tag, build.build_id)


# --- Repos


def repo_dir(world: World, tag: str, repo_id: int) -> Path:
    return world.hub.topdir / "repos" / tag / str(repo_id)


def test_a_new_repo(world: World, builder: Builder) -> None:
    tag = world.tag(arches="x86_64 i686")
    world.admin.groupListAdd(tag, "build")
    world.admin.groupPackageListAdd(tag, "build", "bash")
    task_id = world.open_task(builder)
    repo_id, event = builder.host.repoInit(world.admin.getTag(tag)["id"], opts=None, task_id=task_id)
    info = world.admin.repoInfo(repo_id, strict=True)
    expected = {"state": koji.REPO_INIT, "tag_name": tag, "create_event": event, "task_id": task_id}
    assert expected.items() <= info.items()
    top = repo_dir(world, tag, repo_id)
    assert "<packagereq" in (top / "groups" / "comps.xml").read_text()
    assert json.loads((top / "repo.json").read_text())["id"] == repo_id
    assert {file.parent.name for file in top.glob("*/pkglist")} == {"x86_64", "i386"}
    assert (top / "x86_64" / "toplink").resolve() == world.hub.topdir.resolve()
    assert (top / "x86_64" / "pkglist").read_text() == ""
    assert (top / "x86_64" / "blocklist").exists()


def test_the_packages_of_a_repo(world: World, builder: Builder, package: Package) -> None:
    build, tag = finished_build(world, builder, package), world.tag()
    world.admin.packageListAdd(tag, package.name, owner=world.hub.admin[0])
    builder.host.tagBuild(build.task_id, tag, build.build_id)
    top = repo_dir(world, tag, world.repo(builder, tag)) / "x86_64"
    lines = (top / "pkglist").read_text().split()
    assert {line.rpartition("/")[2] for line in lines} == {file.name for file in package.rpms}
    for line in lines:
        assert line.startswith(f"toplink/packages/{package.name}/")
        assert (top / line).is_file()
    rows = [json.loads(line) for line in (top / "rpmlist.jsonl").read_text().splitlines()]
    known = {row["id"]: row["payloadhash"] for row in world.admin.listRPMs(buildID=build.build_id)}
    binaries = [row for row in rows if row["arch"] != "src"]
    assert {row["name"] for row in binaries} == {package.name, f"{package.name}-data"}
    assert all(known[row["id"]] == row["payloadhash"] for row in rows)


def test_repo_of_an_unknown_tag(world: World, builder: Builder) -> None:
    with pytest.raises(koji.GenericError):
        builder.host.repoInit(world.name("tag"))


def finish_repo(world: World, builder: Builder, repo_id: int, **options: Any) -> str:
    """Upload a repomd.xml and finish the repo with it; where it was uploaded."""
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "repomd.xml", b"<repomd/>")
    builder.host.repoDone(repo_id, {"x86_64": [task_dir(task_id), ["repomd.xml"]]}, **options)
    return task_dir(task_id)


def test_a_finished_repo(world: World, builder: Builder) -> None:
    tag = world.tag()
    repo_id = world.repo(builder, tag)
    assert world.admin.getRepo(tag) is None
    directory = finish_repo(world, builder, repo_id, repo_json_updates={"cloned_from_repo_id": 7})
    assert world.admin.repoInfo(repo_id)["state"] == koji.REPO_READY
    assert world.admin.getRepo(tag)["id"] == repo_id
    top = repo_dir(world, tag, repo_id)
    assert (top / "x86_64" / "repodata" / "repomd.xml").read_bytes() == b"<repomd/>"
    assert not (world.hub.topdir / "work" / directory / "repomd.xml").is_file()
    assert json.loads((top / "repo.json").read_text())["cloned_from_repo_id"] == 7
    assert (top.parent / "latest").resolve() == top.resolve()
    with pytest.raises(koji.GenericError, match="not in INIT state"):
        finish_repo(world, builder, repo_id)


def test_a_repo_needs_its_files(world: World, builder: Builder) -> None:
    repo_id, directory = world.repo(builder), task_dir(world.open_task(builder))
    with pytest.raises(koji.GenericError, match="uploaded file missing"):
        builder.host.repoDone(repo_id, {"x86_64": [directory, ["repomd.xml"]]})
    with pytest.raises(koji.GenericError, match="Repo arch directory missing"):
        builder.host.repoDone(repo_id, {"s390x": [directory, []]})
    assert world.admin.repoInfo(repo_id)["state"] == koji.REPO_INIT


def test_a_repo_request_takes_a_repo_that_is_new_enough(world: World, builder: Builder) -> None:
    tag = world.tag()
    repo_id = world.repo(builder, tag)
    finish_repo(world, builder, repo_id)
    answer = builder.session.repo.request(tag, min_event="last")
    assert (answer["repo"]["id"], answer["request"]) == (repo_id, None)
    world.admin.groupListAdd(tag, "build")
    first = builder.session.repo.request(tag, min_event="last")
    assert first["repo"] is None
    assert (first["request"]["tag_name"], first["request"]["active"], first["duplicate"]) == (
        tag,
        True,
        False,
    )
    second = builder.session.repo.request(tag, min_event="last")
    assert (second["request"]["id"], second["duplicate"]) == (first["request"]["id"], True)


# --- The scheduler


def host_ready(world: World, builder: Builder) -> bool:
    ready: bool = world.admin.getHost(builder.id)["ready"]
    return ready


def test_a_ready_host_gets_the_task(world: World) -> None:
    builder, task_id = world.ready_builder(), world.task()
    world.schedule()
    (task,) = builder.host.getTasks()
    fields = {"id", "state", "channel_id", "host_id", "arch", "method", "priority", "create_ts"}
    assert (set(task), task["id"], task["host_id"]) == (fields, task_id, builder.id)
    assert task["state"] == koji.TASK_STATES["ASSIGNED"]
    (run,) = world.admin.scheduler.getTaskRuns([["task_id", task_id]])
    assert (run["host_id"], run["active"]) == (builder.id, True)


@pytest.mark.parametrize(
    "why", ["not ready", "disabled", "arch", "channel", "capacity", "maxjobs", "refused"]
)
def test_who_gets_no_task(world: World, why: str) -> None:
    builder = world.ready_builder(maxjobs=1, methods=[])
    task_id = world.task(arch="ppc64le" if why == "arch" else "x86_64")
    if why == "not ready":
        builder.host.updateHost(0.0, False)
    elif why == "disabled":
        world.admin.disableHost(builder.name)
    elif why == "channel":
        world.admin.removeHostFromChannel(builder.name, world.channel)
    elif why in {"capacity", "maxjobs"}:
        other = world.open_task(builder)
        builder.host.setTaskWeight(other, 8.0 if why == "capacity" else 0.1)
        builder.host.updateHost(0.0, True, data={"maxjobs": 5 if why == "capacity" else 1})
    elif why == "refused":
        builder.host.openTask(task_id)
        builder.host.refuseTask(task_id, soft=False, msg="no handler for method")
    world.schedule()
    assert world.state(task_id) == "FREE"


def test_the_reported_methods_do_not_matter(world: World) -> None:
    builder, task_id = world.ready_builder(methods=["createrepo"], maxjobs=1), world.task("sleep")
    world.schedule()
    assert [task["id"] for task in builder.host.getTasks()] == [task_id]


def test_a_waiting_task_is_no_load(world: World) -> None:
    builder = world.ready_builder()
    parent, task_id = world.open_task(builder), world.task()
    builder.host.setTaskWeight(parent, 8.0)
    builder.host.taskSetWait(parent, [])
    world.schedule()
    assert [task["id"] for task in builder.host.getTasks()] == [task_id]


def test_the_less_loaded_host_gets_the_task(world: World) -> None:
    busy, idle = world.ready_builder(), world.ready_builder()
    world.open_task(busy)
    task_id = world.task()
    world.schedule()
    assert [task["id"] for task in idle.host.getTasks()] == [task_id]


def test_low_priority_numbers_come_first(world: World) -> None:
    builder = world.ready_builder(maxjobs=2)
    late, urgent, early = world.task(priority=25), world.task(priority=10), world.task(priority=20)
    world.schedule()
    assert [task["id"] for task in builder.host.getTasks()] == [urgent, early]
    assert world.state(late) == "FREE"


def test_get_tasks_runs_the_scheduler_but_not_too_often(world: World) -> None:
    builder = world.ready_builder()
    assert builder.host.getTasks() == []  # the hub notes when it was
    task_id = world.task()
    world.hub.backdoor.age_scheduler(-1000)
    assert builder.host.getTasks() == []
    world.hub.backdoor.age_scheduler(2000)
    assert [task["id"] for task in builder.host.getTasks()] == [task_id]


def test_a_host_that_has_something_to_open_does_not_run_the_scheduler(world: World) -> None:
    builder, first = world.ready_builder(), world.task()
    world.schedule()
    second = world.task()
    world.hub.backdoor.age_scheduler(2000)
    assert [task["id"] for task in builder.host.getTasks()] == [first]
    assert world.state(second) == "FREE"


def test_one_hosts_call_serves_all_hosts(world: World) -> None:
    builder, other = world.ready_builder(), world.ready_builder()
    other.host.updateHost(0.0, False)
    task_id = world.task()
    world.hub.backdoor.age_scheduler(2000)
    assert other.host.getTasks() == []
    assert [task["id"] for task in builder.host.getTasks()] == [task_id]


def test_a_run_by_hand_respects_the_interval_unless_forced(world: World) -> None:
    builder = world.ready_builder()
    builder.host.getTasks()  # the hub notes when it was
    world.hub.backdoor.age_scheduler(-1000)
    assert world.admin.scheduler.doRun() is False
    world.hub.backdoor.age_scheduler(2000)
    assert world.admin.scheduler.doRun(force=True) is True
    # One that is forced is not noted.
    assert world.admin.scheduler.doRun() is True


@pytest.mark.parametrize(("weight", "state"), [(12.9, "ASSIGNED"), (13.0, "FREE")])
def test_a_task_may_weigh_five_more_than_is_left(world: World, weight: float, state: str) -> None:
    builder = world.ready_builder()
    heavy = world.open_task(builder)
    builder.host.setTaskWeight(heavy, weight)
    builder.host.freeTasks([heavy])
    world.schedule()
    assert world.state(heavy) == state


def test_a_host_that_others_need_is_spared(world: World) -> None:
    able, plain = world.ready_builder(), world.ready_builder()
    world.admin.editHost(able.name, arches="x86_64 ppc64le")
    common, special = world.task(arch="x86_64"), world.task(arch="ppc64le")
    world.schedule()
    assert [task["id"] for task in plain.host.getTasks()] == [common]
    assert [task["id"] for task in able.host.getTasks()] == [special]


def test_a_host_that_was_silent_for_180_s_is_not_ready(world: World) -> None:
    silent, alive = world.ready_builder(), world.ready_builder()
    world.hub.backdoor.age_host(silent.id, 185)
    world.hub.backdoor.age_host(alive.id, 150)
    world.schedule()
    assert (host_ready(world, silent), host_ready(world, alive)) == (False, True)


def test_a_task_that_is_not_opened_in_300_s_goes_elsewhere(world: World) -> None:
    builder, task_id = world.ready_builder(), world.task()
    world.schedule()
    world.hub.backdoor.age_assignment(task_id, 250)
    world.schedule()
    assert world.state(task_id) == "ASSIGNED"
    builder.host.updateHost(0.0, True)
    world.hub.backdoor.age_assignment(task_id, 60)
    world.schedule()
    assert world.state(task_id) == "FREE"
    (refusal,) = world.refusals(task_id)
    assert (refusal["host_id"], refusal["soft"], refusal["by_host"]) == (builder.id, True, False)
    world.schedule()
    assert world.state(task_id) == "FREE"


def test_a_silent_host_has_not_refused_what_it_was_given(world: World) -> None:
    builder, task_id = world.ready_builder(), world.task()
    world.schedule()
    world.hub.backdoor.age_host(builder.id, 400)
    world.hub.backdoor.age_assignment(task_id, 310)
    world.schedule()
    assert world.state(task_id) == "FREE"
    assert world.refusals(task_id) == []


def test_a_host_that_is_silent_for_900_s_loses_its_open_tasks(world: World) -> None:
    builder, task_id = world.ready_builder(), world.task()
    world.schedule()
    builder.host.openTask(task_id)
    directly = world.open_task(builder)
    world.hub.backdoor.age_host(builder.id, 850)
    world.schedule()
    assert world.state(task_id) == "OPEN"
    world.hub.backdoor.age_host(builder.id, 60)
    world.schedule()
    # What was opened without the scheduler stays: nobody ever frees it.
    assert (world.state(task_id), world.state(directly)) == ("FREE", "OPEN")


def test_a_soft_refusal_lasts_900_s_and_a_hard_one_for_ever(world: World) -> None:
    builder = world.ready_builder()
    soft, hard = world.task(), world.task()
    for task_id in (soft, hard):
        builder.host.openTask(task_id)
        builder.host.refuseTask(task_id, soft=task_id == soft, msg="no")
    world.schedule()
    assert builder.host.getTasks() == []
    for task_id in (soft, hard):
        world.hub.backdoor.age_refusal(task_id, builder.id, 1000)
    world.schedule()
    assert (world.state(soft), world.state(hard)) == ("ASSIGNED", "FREE")


def test_a_refusal_that_is_repeated_keeps_its_time(world: World) -> None:
    builder, task_id = world.ready_builder(), world.task()
    for message in ("no", "still no"):
        builder.host.openTask(task_id)
        builder.host.refuseTask(task_id, msg=message)
        world.hub.backdoor.age_refusal(task_id, builder.id, 500)
    (refusal,) = world.refusals(task_id)
    assert refusal["msg"] == "still no"
    world.schedule()
    assert world.state(task_id) == "ASSIGNED"


@pytest.mark.parametrize("method", ["buildArch", "rebuildSRPM", "buildSRPMFromSCM", "wrapperRPM"])
@pytest.mark.parametrize(("arches", "barred"), [("ppc64le", True), ("x86_64", False), ("", False)])
def test_a_noarch_task_bars_hosts_that_share_no_arch_with_its_tag(
    world: World, method: str, arches: str, barred: bool
) -> None:
    builder, tag = world.ready_builder(), world.tag(arches=arches)
    target = world.name("target")
    world.admin.createBuildTarget(target, tag, tag)
    arglists: dict[str, list[Any]] = {
        "buildArch": ["a.src.rpm", tag, "noarch", False, {}],
        "rebuildSRPM": ["a.src.rpm", tag, {}],
        "buildSRPMFromSCM": ["git+https://127.0.0.1:9/a#b", tag, {}],
        "wrapperRPM": ["git+https://127.0.0.1:9/a#b", target, {}, None, {}],
    }
    task_id = world.task(method, arglists[method])
    refusals = [(one["host_id"], one["soft"], one["by_host"], one["msg"]) for one in world.refusals(task_id)]
    assert refusals == ([(builder.id, False, False, "automatic arch refusal")] if barred else [])


def test_a_task_that_names_no_tag_is_made_all_the_same(world: World) -> None:
    world.ready_builder()
    task_id = world.task("rebuildSRPM", ["a.src.rpm", {"no": "tag"}, {}])
    assert world.state(task_id) == "FREE"
    assert world.refusals(task_id) == []


def test_the_first_builder_after_an_outage_frees_the_tasks_of_all_others(world: World) -> None:
    first, other = world.ready_builder(), world.ready_builder()
    tasks = {first.id: world.task(), other.id: world.task()}
    world.schedule()
    tasks = {host.id: host.host.getTasks()[0]["id"] for host in (first, other)}
    for host in (first, other):
        host.host.openTask(tasks[host.id])
        world.hub.backdoor.age_host(host.id, 1000)
    first.host.updateHost(1.0, True)
    world.schedule()
    assert (world.state(tasks[first.id]), world.state(tasks[other.id])) == ("OPEN", "FREE")


# --- What a client gets wrong


def test_an_unknown_method(builder: Builder) -> None:
    with pytest.raises(koji.GenericError, match="Invalid method"):
        builder.host.noSuchMethod()


def test_parameters_that_do_not_fit(builder: Builder) -> None:
    with pytest.raises(koji.ParameterError):
        builder.host.openTask()
    with pytest.raises(koji.ParameterError):
        builder.host.openTask(1, colour="red")


def test_keyword_arguments_come_as_a_last_dict(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    keywords = {"task_id": task_id, "weight": 2.5, "__starstar": True}
    assert raw_call(world.hub, builder.session, "host.setTaskWeight", keywords) is None
    assert world.admin.getTaskInfo(task_id)["weight"] == 2.5


@pytest.mark.parametrize(
    "call", ["getTag", "getBuild", "getTaskInfo", "repoInfo", "getBuildTarget", "getHost"]
)
def test_what_does_not_exist_is_none_or_an_error_when_strict(builder: Builder, call: str) -> None:
    with pytest.raises(koji.GenericError):
        getattr(builder.session, call)(2**31 - 1, strict=True)
    assert getattr(builder.session, call)(2**31 - 1) is None


def test_only_an_administrator_makes_tasks(world: World) -> None:
    with pytest.raises(koji.ActionNotAllowed):
        world.login(world.user()).makeTask("sleep", [0])


def test_a_session_that_goes_on_in_another_process(world: World, builder: Builder) -> None:
    child = world.child(builder.session)
    taken = world.twin(builder.session)
    taken.callnum += 1000
    assert taken.host.getID() == builder.id
    taken.host.updateHost(0.0, False)
    assert child.host.getID() == builder.id
    with pytest.raises(koji.SequenceError):
        builder.host.getID()


def test_new_repo_makes_a_task_at_once(world: World) -> None:
    tag = world.tag()
    task_id = world.admin.newRepo(tag)
    world.at_end("cancelTask", task_id)
    task = world.admin.getTaskInfo(task_id, request=True)
    assert (task["method"], task["request"][0], task["priority"]) == ("newRepo", tag, 15)
    assert task["channel_id"] == world.admin.getChannel("createrepo")["id"]


@pytest.mark.parametrize("equal", [True, False])
def test_equal_noarch_hashes_spare_the_comparison(
    world: World, builder: Builder, spare: Package, tmp_path: Path, equal: bool
) -> None:
    build = prepare_build(world, builder, spare)
    build.start()
    other = make_package(tmp_path / "other", spare.name, files=["data", "more"])
    second = world.open_task(builder)
    build.rpms.append(build.upload(other.noarch, task_id=second))
    for number, task_id in enumerate([build.arch_task_id, second]):
        # The hub looks the hashes up by the directory that a file lies in, not by its task.
        hashes = {str(task_id % 10000): {spare.noarch.name: "same" if equal else str(number)}}
        file = tmp_path / "noarch_rpmdiff.json"
        file.write_text(json.dumps(hashes), encoding="utf-8")
        build.logs[f"arch{number}"] = [build.upload(file, task_id=task_id)]
    if equal:
        build.to_scratch()
    else:
        with pytest.raises(koji.BuildError, match="built differently"):
            build.to_scratch()
