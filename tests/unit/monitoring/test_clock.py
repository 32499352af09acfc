from koji_adjutant.monitoring.clock import Clock
from tests.unit.monitoring.test_tasks import BOOT, BOOTED, EARLIER_BOOT, NOW, clock, event


def test_what_happened_in_this_boot_is_told_by_the_clock_of_now() -> None:
    ahead = clock(offset=7200)
    assert ahead.tell(ahead.moment(event(10, "ready"))) == NOW + 7200 - 10


def test_what_happened_in_an_earlier_boot_is_told_by_the_clock_of_then() -> None:
    ahead = clock(offset=7200)
    assert ahead.tell(ahead.moment(event(10, "ready", boot=EARLIER_BOOT))) == NOW - 10


def test_a_clock_that_is_set_is_noticed_and_one_that_is_corrected_is_not() -> None:
    offset = 0.0
    own = Clock(now=lambda: NOW + offset, since=lambda: NOW - BOOTED, boot=BOOT)
    moment = own.moment(event(10, "ready"))
    offset = 0.5
    own.look()
    assert own.tell(moment) == NOW - 10
    offset = 90.0
    own.look()
    assert own.tell(moment) == NOW + 80
