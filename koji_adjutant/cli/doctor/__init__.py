"""`koji-adjutant doctor`: what can be wrong on a build host, before its first task and after.

A check is a small function in a table (`table.py`), which has its id, its title and what it needs. They run side by
side (`run.py`), each for as long as its limit lets it, look at the same surroundings (`surroundings.py`), and change
nothing: no task is taken, no session is ended, no container stays.
"""

from koji_adjutant.cli.doctor.command import add_command

__all__ = ["add_command"]
