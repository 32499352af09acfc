"""The two commands, `kojid` and `koji-adjutant`."""

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.kojid import kojid

__all__ = ["kojid", "main"]
