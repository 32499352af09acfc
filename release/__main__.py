"""`python -m release documents|srpm DIR`: write manual pages and completion, or the source package, to DIR."""

import argparse
import sys
from pathlib import Path

from release.documents import write_documents
from release.srpm import make_srpm

TREE = Path(__file__).parent.parent


def main() -> int:
    """Write what is asked for, and say which files."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("what", choices=["documents", "srpm"])
    parser.add_argument("directory", metavar="DIR", type=Path)
    given = parser.parse_args()
    directory = given.directory.absolute()
    files = write_documents(directory) if given.what == "documents" else [make_srpm(TREE, directory)]
    sys.stdout.write("".join(f"{file}\n" for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
