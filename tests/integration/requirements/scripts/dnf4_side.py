"""dnf's own `builddep`, for many source packages one after the other; runs with this machine's own Python.

Standard input: a JSON list of lists of dnf's arguments. Standard output: a JSON list of {"install", "remove"}, NEVRAs,
or of what dnf says where it ended with an error. Only its last step is another: what it would do is taken down.
"""

import io
import json
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout

import dnf.cli.cli
import dnf.cli.main

taken = []


def take_down(base, display=()):
    """In place of the transaction."""
    install = sorted(nevra(one) for one in base.transaction.install_set)
    taken.append({"install": install, "remove": sorted(nevra(one) for one in base.transaction.remove_set)})


def nevra(package):
    epoch = "%s:" % package.epoch if package.epoch else ""
    return "%s-%s%s-%s.%s" % (package.name, epoch, package.version, package.release, package.arch)


def solved(arguments):
    """What dnf would do; its own text in place of that when it ends with an error."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = dnf.cli.main.user_main(arguments, exit_code=False)
    if code:
        return said.getvalue()
    return taken[0] if taken else {"install": [], "remove": []}


def in_a_fork(arguments):
    """dnf takes its plugins once in the life of a process."""
    with tempfile.TemporaryFile("w+") as answer:
        child = os.fork()
        if not child:
            json.dump(solved(arguments), answer)
            answer.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, arguments
        answer.seek(0)
        return json.load(answer)


dnf.cli.cli.BaseCli.do_transaction = take_down
json.dump([in_a_fork(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
