from dataclasses import replace

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.public import ContainerFacts, Containers
from koji_adjutant.monitoring.containers import ContainerHistory
from koji_adjutant.monitoring.views import ContainerView
from tests.unit.monitoring.test_tasks import NOW, clock, event

LISTED = ContainerFacts(
    id="a" * 64,
    name="adjutant-1",
    role="build",
    worker="w1",
    task=5,
    image="i",
    state="running",
    created=NOW - 90,
)


def views(events: list[Event], listed: Containers | None) -> dict[str, ContainerView]:
    own = clock()
    history = ContainerHistory(own)
    for one in events:
        history.take(one, own.moment(one))
    return {one.id: one for one in history.views(listed, worker="w1")}


def about(at: float, name: str, container: str, task: int | None = 5) -> Event:
    return replace(event(at, name, task, role="build"), container=container)


def test_containers_of_all_workers_are_shown() -> None:
    other = replace(LISTED, id="b" * 64, worker="w2", task=9)
    found = views(
        [about(90, "container-created", LISTED.id)], Containers(time=NOW - 5, containers=(LISTED, other))
    )
    assert {one.worker for one in found.values()} == {"w1", "w2"}
    assert found[LISTED.id].state == "running"


def test_the_journal_knows_first() -> None:
    listed = Containers(time=NOW - 20, containers=(LISTED,))
    found = views(
        [
            about(90, "container-created", LISTED.id),
            about(10, "container-removed", LISTED.id),
            about(5, "container-created", "c"),
        ],
        listed,
    )
    assert (found[LISTED.id].state, found[LISTED.id].removed) == ("removed", NOW - 10)
    assert (found["c"].state, found["c"].worker) == ("created", "w1")


def test_what_the_engine_has_no_more_is_gone() -> None:
    """Its task process was killed, and could not say so."""
    found = views([about(90, "container-created", "c")], Containers(time=NOW - 20))
    assert (found["c"].state, found["c"].removed) == ("removed", NOW - 20)


def test_a_sweep_shows_what_it_removed() -> None:
    found = views([about(50, "swept", "c", None)], None)
    assert (found["c"].state, found["c"].task, found["c"].role) == ("removed", None, "build")


def test_those_that_are_gone_are_forgotten() -> None:
    own = clock()
    history = ContainerHistory(own, most=2)
    for one in (
        about(90, "container-created", "a"),
        about(80, "container-removed", "a"),
        about(70, "container-created", "b"),
    ):
        history.take(one, own.moment(one))
    history.forget(older_than=NOW - 75)
    assert [one.id for one in history.views(None, worker="")] == ["b"]
    for name in "cde":
        one = about(10, "container-created", name)
        history.take(one, own.moment(one))
    assert [one.id for one in history.views(None, worker="")] == ["d", "e"]


def test_what_a_container_may_take() -> None:
    ready = replace(
        event(80, "buildroot-ready", 5, limits={"memory_bytes": 1 << 30, "cpus": "many"}), container=LISTED.id
    )
    events = [about(90, "container-created", LISTED.id), ready, about(70, "container-created", "c")]
    found = views(events, Containers(time=NOW - 75, containers=(LISTED,)))
    assert found[LISTED.id].limits == {"memory_bytes": float(1 << 30)}
    assert found["c"].limits == {}
