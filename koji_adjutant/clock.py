"""Times of day, which may jump: somebody, or ntp, sets the clock of a machine that has been up for weeks.

How long something takes is measured with time.monotonic, which does not jump. Where a time of day is compared with
another that a file or an engine has kept, the difference may be wrong by a jump: what is removed by its age has to be
older by `JUMP` than the age at which nobody can be using it.
"""

JUMP = 7200.0
"""Seconds: twice an hour, by which clocks are set wrong."""
