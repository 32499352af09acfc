"""`python -m koji_adjutant.testbed`: the testbed's commands, in a process that knows nothing of the daemon."""

import sys

from koji_adjutant.testbed.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
