"""Writes down which functions of ours a Python process calls, and those that are forked from it: a line each.

usage: PYTHONPATH=<this directory> ADJUTANT_CALLS=FILE PYTHON-PROGRAM

A line is `PID TIME MODULE FUNCTION`, where TIME is seconds since the epoch. A function that is called again within a
hundredth of a second has one line. What runs once, when a module is imported, is no call.
"""

import os
import sys
import threading
import time

PACKAGE = "koji_adjutant"
IN_A_FUNCTION = 1
"""Flag of code (CO_OPTIMIZED) that bodies of modules and classes do not have."""

log = os.open(os.environ["ADJUTANT_CALLS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
modules = {}
written = set()


def module_of(path):
    """The module in a file of ours; empty for any other."""
    _, found, inner = path.rpartition(f"/{PACKAGE}/")
    return inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".") if found else ""


def called(frame, event, _argument):
    if event != "call" or not frame.f_code.co_flags & IN_A_FUNCTION:
        return
    path = frame.f_code.co_filename
    if path not in modules:
        modules[path] = module_of(path)
    if not modules[path]:
        return
    now = time.time()
    call = (os.getpid(), int(now * 100), path, frame.f_code.co_name)
    if call not in written:
        written.add(call)
        os.write(log, f"{call[0]} {now:.4f} {modules[path]} {call[3]}\n".encode())


threading.setprofile(called)
sys.setprofile(called)
