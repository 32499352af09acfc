from koji_adjutant.journal.public import ImageFacts, Images
from koji_adjutant.monitoring.cache import cache_view
from tests.unit.monitoring.test_tasks import event, history

IMAGE = ImageFacts(
    key="k", kind="base", tag="t", arch="x86_64", group="build", bytes=5, created=1.0, last_used=2.0, uses=3
)


def test_what_hits_have_saved_is_what_populating_takes_here() -> None:
    events = [
        event(100, "opened", 1),
        event(99, "populated", 1, seconds=10.0),
        event(90, "opened", 2),
        event(89, "populated", 2, seconds=20.0),
    ]
    for task in (3, 4):
        events += [event(80, "opened", task), event(79, "image-ready", task, key="a")]
    events += [event(70, "image-ready", 4, key="b")]
    view = cache_view(Images(time=0, limit_bytes=50, images=(IMAGE, IMAGE)), history(events))
    assert (view.populated, view.hits, view.deps_hits) == (2, 1, 1)
    assert view.seconds_saved == 30.0
    assert (view.bytes, view.limit_bytes, len(view.images)) == (10, 50, 2)


def test_without_a_list_and_without_tasks_there_is_nothing() -> None:
    view = cache_view(None, [])
    assert (view.images, view.bytes, view.limit_bytes, view.seconds_saved) == ((), 0, None, 0.0)
