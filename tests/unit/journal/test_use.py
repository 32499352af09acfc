"""What a container has used, on its way through an event."""

from koji_adjutant.journal.use import Use


def test_what_was_not_measured_is_left_out_and_stays_so() -> None:
    use = Use(memory_bytes=200 << 20, cpu_seconds=2.5)
    assert use.details() == {"memory_bytes": 200 << 20, "cpu_seconds": 2.5}
    assert Use.of({**use.details(), "role": "build"}) == use


def test_nought_was_measured() -> None:
    assert Use.of(Use(written_bytes=0).details()).written_bytes == 0


def test_what_is_no_figure_is_none() -> None:
    assert Use.of({"memory_bytes": "much", "pids": True, "cpu_seconds": -1, "disk_bytes": None}) == Use()
