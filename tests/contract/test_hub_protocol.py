"""The hub's contract with a builder, rule by rule: one suite for the embedded hub and a real one (`--hub`).

Each test makes what it needs under names of its own (`World`), and moves records back in time instead of
waiting.
"""

from __future__ import annotations

import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, dumps, loads

import koji
import pytest

from tests.contract.hub_wire import HalfUpload, anonymous_upload, fetch, raw_call

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_a_subsession_cannot_become_exclusive(world: World) -> None:
    child = world.login(world.host()[0]).subsession()
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
    builder = world.builder(arches="ppc64le", capacity=1.1)
    builder.host.setTaskWeight(world.open_task(builder), 100.0)
    world.admin.removeHostFromChannel(builder.name, world.channel)
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


def task_dir(task_id: int) -> str:
    return f"tasks/{task_id % 10000}/{task_id}"


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
    deadline = time.monotonic() + 10
    while not (world.hub.topdir / "work" / path).exists():
        assert time.monotonic() < deadline, f"the hub did not begin with {path}"
        time.sleep(0.01)


# --- /kojifiles


def test_kojifiles_serves_the_topdir(world: World, builder: Builder) -> None:
    task_id = world.open_task(builder)
    upload(builder.session, task_id, "build.log", b"0123456789")
    path = f"work/{task_dir(task_id)}/build.log"
    assert fetch(world.hub, path) == (200, b"0123456789")
    assert fetch(world.hub, f"/{path}") == (200, b"0123456789")  # a double slash is normal
    assert fetch(world.hub, path, Range="bytes=2-4") == (206, b"234")
    assert fetch(world.hub, f"{path}.missing")[0] == 404
