"""Repo metadata as the solver sees them, and what its drivers share; runs in the solver container.

Metadata are read here only as far as no package manager looks: what one holds whole must not expand without end, and
whether file lists are needed is found out before they are read.
"""

import bz2
import contextlib
import gzip
import json
import lzma
import os
import re
import sys
import zlib

import rpm

IN_PRIMARY = re.compile(r"/etc/|.*bin/|/usr/lib/sendmail$")
"""Paths that createrepo_c writes into primary metadata."""
RELATION = re.compile(rb'name="([/(][^"]*)"')
RELATION_LIMIT = 4096
BLOCK = 1 << 20
OPENERS = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
    # Python has no zstd before 3.14. Damage is not told of here: the package manager, which reads the file next, does.
    (b"\x28\xb5\x2f\xfd", lambda path: rpm.fd(path, "r", "zstdio")),
)
"""How a file is opened, by its first bytes."""
EXPANDED_LIMIT = 4 << 30
"""Bytes that a file of metadata may expand to. A package manager needs memory of that order to read one, and has no
limit of its own."""
ODD_PATHS = "odd-paths.json"
"""File beside dnf's caches: whether packages of the repo depend on files that primary metadata does not have."""


class Unsolvable(Exception):
    """The text says why."""


class Unusable(Exception):
    """The metadata are not what a package manager may be given; the text says which file, and why."""


UNREADABLE = (Unusable, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)


def say(text):
    """A line for root.log."""
    print(text, file=sys.stderr, flush=True)


def link_files(source, target):
    """A symbolic link in `target` for everything in `source`; dnf also writes beside them."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        os.symlink(os.path.join(source, name), os.path.join(target, name))


def has_packages(root):
    """Whether the root has an RPM database."""
    return any(os.path.isdir(os.path.join(root, path)) for path in ("usr/lib/sysimage/rpm", "var/lib/rpm"))


def needs_filelists(task):
    """Whether a solution may depend on files that primary metadata does not have; what the repo needs is noted."""
    if any("/" in text and is_odd(text) for text in task["install"].get("requires", ())):
        return True
    name = os.path.join(task["scratch"], "cache", ODD_PATHS)
    if not os.path.exists(name):
        with open(name, "w") as file:
            json.dump(has_odd_paths(os.path.join(task["metadata"], "repodata")), file)
    with open(name) as file:
        return json.load(file)


def has_odd_paths(repodata):
    """Whether a dependency in primary metadata names a file that is not in primary metadata."""
    rest = b""
    for block in expanded(repodata, "primary"):
        text = rest + block
        for name in RELATION.findall(text):
            if is_odd(name.decode(errors="replace")):
                say("File lists are needed: something depends on %s" % name.decode(errors="replace"))
                return True
        rest = text[-RELATION_LIMIT:]
    return False


def check_expanded(repodata, more):
    """Unusable when a file that is held whole, in memory or on a disk, is one that expands without end."""
    for kind in ("group", "modules", *more):
        for _block in expanded(repodata, kind):
            pass


def expanded(repodata, kind):
    """The content of the file of metadata of this kind, piece by piece, whatever it is compressed with."""
    for name in os.listdir(repodata):
        if name.startswith(kind):
            yield from expanded_file(os.path.join(repodata, name))


def expanded_file(path):
    """The content of a file, piece by piece; Unusable when it does not end."""
    with open(path, "rb") as file:
        head = file.read(8)
    opener = next((opener for magic, opener in OPENERS if head.startswith(magic)), None)
    size = 0
    with contextlib.closing(opener(path) if opener else open(path, "rb")) as file:
        while True:
            block = file.read(BLOCK)
            if not block:
                return
            size += len(block)
            if size > EXPANDED_LIMIT:
                raise Unusable("%s expands to more than %d bytes" % (os.path.basename(path), EXPANDED_LIMIT))
            yield block


def is_odd(relation):
    """Whether a dependency names a file that is not in primary metadata."""
    return any(word.startswith("/") and not IN_PRIMARY.match(word) for word in re.split(r"[\s()]+", relation))
