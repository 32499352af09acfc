"""Find out which packages a root needs; runs in the solver container with the task image's own Python, without network.

Argument: a file with a JSON object:
    metadata: a directory with the repo's repodata; solver_caches: a directory with the solver's own caches of it, or ""
    arch, root, scratch (a directory of this run)
    install: {"group": NAME} or {"requires": [capability, ...]}
    releasever, module_hotfixes (true or false), modules: [[action, specifications with commas], ...]
    managers: [[driver, options], ...], drivers being "dnf4" and "dnf5": the first that the image has solves. options:
    {"allow_erasing": true or false, "set": [[name, value], ...]}, of the package manager, which knows the names
Writes into scratch answer.json, an object {"install": [...], "remove": [NEVRA, ...], "problem": text}, an entry of
install being {name, epoch, version, release, arch, size, checksum: [kind, hex], location, base}; and caches that
were made anew into scratch/cache.
What a user should read goes to standard error. Exit codes: 0 solved, 3 cannot be solved, 4 the metadata cannot be
used, 5 the image lacks a package, which the problem names, anything else is an error of the program.
"""

import importlib
import json
import os
import sys

UNSOLVABLE, UNUSABLE, LACKING = 3, 4, 5
PACKAGES = {
    "dnf": "python3-dnf",
    "hawkey": "python3-hawkey",
    "libdnf": "python3-libdnf",
    "libdnf5": "python3-libdnf5",
    "rpm": "python3-rpm",
}
"""The package that a Python module is in."""


class Lacking(Exception):
    """The text is the name of a package."""


def driver_of(managers):
    """The module of the first of them that the image has, and the options; Lacking says what the first one lacks."""
    lacking = []
    for name, options in managers:
        try:
            driver = importlib.import_module("solver_" + name)
        except ModuleNotFoundError as error:
            if error.name not in PACKAGES:
                raise
            lacking.append(PACKAGES[error.name])
            continue
        if lacking:
            driver.say("WARNING: %s solves in place of %s: there is no %s" % (name, managers[0][0], lacking[0]))
        return driver, options
    raise Lacking(lacking[0])


def answer_for(task):
    """An exit code, and the answer."""
    try:
        driver, options = driver_of(task["managers"])
    except Lacking as error:
        return LACKING, {"problem": str(error)}
    driver.say("Solved by %s" % driver.VERSION)
    try:
        return 0, driver.solve(dict(task, options=options))
    except driver.Unsolvable as error:
        code, problem = UNSOLVABLE, str(error)
    except driver.UNREADABLE as error:
        code, problem = UNUSABLE, str(error)
    driver.say(problem)
    return code, {"problem": problem}


def main(path):
    """An exit code; the answer is written in any case."""
    with open(path) as file:
        task = json.load(file)
    code, answer = answer_for(task)
    with open(os.path.join(task["scratch"], "answer.json"), "w") as file:
        json.dump(dict({"install": [], "remove": [], "problem": ""}, **answer), file)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
