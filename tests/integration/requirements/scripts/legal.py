"""Which texts rpm takes as BuildRequires; runs with this machine's own Python.

Argument: a directory. Standard input: a JSON list of texts. Standard output: a JSON list of those that are taken.
"""

import json
import os
import sys

import rpm

SPEC = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildRequires: %s\n%%description\nx\n"


def is_legal(path, text):
    with open(path, "w") as file:
        file.write(SPEC % text)
    try:
        rpm.spec(path)
    except ValueError:
        return False
    return True


texts = json.load(sys.stdin)
json.dump([text for text in texts if is_legal(os.path.join(sys.argv[1], "x.spec"), text)], sys.stdout)
