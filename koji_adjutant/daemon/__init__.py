"""The daemon: Koji's task manager, with containers where that has chroots.

The main process polls the hub, forks a process for each task and collects it; it never does anything that takes
long. What takes long is done by task processes and helpers. Memory is not trusted: after a crash, labels on
containers and the files of `state` say what was there.
"""

from koji_adjutant.daemon.manager import Daemon, Next

__all__ = ["Daemon", "Next"]
