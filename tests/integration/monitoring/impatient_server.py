"""A status server whose patience with its clients is short, so that tests need not wait for it."""

import sys

from koji_adjutant.monitoring.__main__ import main
from koji_adjutant.monitoring.connections import Connection

if __name__ == "__main__":
    Connection.request_seconds = 1.0
    Connection.stall_seconds = 1.0
    sys.exit(main())
