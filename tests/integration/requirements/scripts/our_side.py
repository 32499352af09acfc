"""The solver's program, for many tasks one after the other; runs with this machine's own Python.

Arguments: the program. Standard input: a JSON list of paths of the tasks' files. Standard output: a JSON list of
{"install", "remove"}, NEVRAs, or of the problem where there is no solution.
"""

import json
import os
import runpy
import sys


def nevra(row):
    epoch = "%s:" % row["epoch"] if row["epoch"] else ""
    return "%s-%s%s-%s.%s" % (row["name"], epoch, row["version"], row["release"], row["arch"])


def solved(program, path):
    code = program["main"](path)
    with open(os.path.join(os.path.dirname(path), "answer.json")) as file:
        answer = json.load(file)
    if code == program["UNSOLVABLE"]:
        return answer["problem"]
    assert code == 0, answer
    return {"install": sorted(nevra(row) for row in answer["install"]), "remove": sorted(answer["remove"])}


sys.path.insert(0, os.path.dirname(sys.argv[1]))
program = runpy.run_path(sys.argv[1], run_name="solver")
json.dump([solved(program, path) for path in json.load(sys.stdin)], sys.stdout)
