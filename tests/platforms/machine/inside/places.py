"""Where things are on a machine."""

from pathlib import Path

from koji_adjutant.testbed.layout import layout_at

DIRECTORY = Path("/srv/testbed")
LAYOUT = layout_at(DIRECTORY)
"""Of the testbed whose hub the machine has."""
STORAGE = Path("/var/lib/containers/storage")
CONF = Path("/etc/kojid/kojid.conf")
CACHE = Path("/var/lib/koji-adjutant/cache")
"""Of a daemon of root's, with what goes with the images in the storage."""
