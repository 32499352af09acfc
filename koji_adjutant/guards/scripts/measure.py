#!/usr/bin/python3
"""Counts what is below a directory again and again, until it is killed; runs in a container of the task image.

usage: measure.py DIRECTORY BYTES INODES

After each count a line goes to standard output: when the count began (monotonic seconds), bytes on disk, inodes.
BYTES and INODES are what somebody waits for (0: for nothing). Between two counts it rests longer than it counted;
less when so much has been written to the file system meanwhile, by whomever, that it may be time. Hard links count
once; files that vanish or cannot be seen do not count.
"""

import os
import subprocess
import sys
import time

REST = 1.0
REST_FACTOR = 5.0
LOOK = 0.25
BLOCK = 512
NICENESS = 10


def count(directory):
    """Bytes on disk and inodes. find walks trees of any depth, and faster than Python does."""
    size = inodes = 0
    linked = set()
    argv = ["find", directory, "-xdev", "-mindepth", "1", "-printf", "%b %n %y %i\n"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as find:
        for line in find.stdout:
            blocks, links, kind, inode = line.split()
            if links != b"1" and kind != b"d":
                if inode in linked:
                    continue
                linked.add(inode)
            size += int(blocks) * BLOCK
            inodes += 1
    return size, inodes


def free(directory):
    """What the file system has left: bytes and inodes."""
    found = os.statvfs(directory)
    return found.f_bfree * found.f_frsize, found.f_ffree


def rest(directory, seconds, left, before):
    """Until the time is over, or as much as is `left` has been written since the file system had `before`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(LOOK)
        now = free(directory)
        if any(limit is not None and was - has > limit for limit, was, has in zip(left, before, now)):
            return


def main(directory, *limits):
    os.nice(NICENESS)
    while True:
        began = time.monotonic()
        before = free(directory)
        found = count(directory)
        print(f"{began:.3f}", *found, flush=True)
        left = [int(limit) - has if int(limit) else None for limit, has in zip(limits, found)]
        rest(directory, max(REST, (time.monotonic() - began) * REST_FACTOR), left, before)


if __name__ == "__main__":
    main(*sys.argv[1:])
