"""dnf 5's own program, for many commands one after the other; runs with the task image's own Python.

Standard input: a JSON list of lists of its arguments. Standard output: a JSON list of {"install", "remove"}, NEVRAs, or
of what it says where it ended with an error. What it would do it stores, in place of doing it.
"""

import json
import os
import subprocess
import sys
import tempfile

COMES, GOES = {"Install", "Upgrade", "Downgrade", "Reinstall"}, {"Remove", "Replaced"}


def solved(arguments):
    """What it would do; its own text in place of that when it ends with an error."""
    with tempfile.TemporaryDirectory() as directory:
        stored = os.path.join(directory, "stored")
        argv = ["dnf5", "--assumeyes", *arguments, "--store=" + stored]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return done.stdout
        file = os.path.join(stored, "transaction.json")
        if not os.path.exists(file):
            assert "Nothing to do" in done.stdout, done.stdout
            return {"install": [], "remove": []}
        with open(file) as stream:
            rows = json.load(stream)["rpms"]
    assert {row["action"] for row in rows} <= COMES | GOES | {"Reason Change"}, rows
    return {
        "install": sorted(without_epoch(row["nevra"]) for row in rows if row["action"] in COMES),
        "remove": sorted(without_epoch(row["nevra"]) for row in rows if row["action"] in GOES),
    }


def without_epoch(nevra):
    """An epoch of nothing is not written."""
    return nevra.replace("-0:", "-")


json.dump([solved(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
