"""A program for tests: `koji-adjutant buildroots` with the arguments it is given."""

import sys

from koji_adjutant.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["buildroots", *sys.argv[1:]]))
