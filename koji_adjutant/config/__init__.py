"""The configuration: `options` is the table of all options, `values` reads one, `load` reads all, once."""

from koji_adjutant.config.load import DEFAULT_FILE, load_config
from koji_adjutant.config.options import Config

__all__ = ["DEFAULT_FILE", "Config", "load_config"]
