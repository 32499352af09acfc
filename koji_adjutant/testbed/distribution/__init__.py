"""A mini RPM distribution, made on the spot from Debian packages."""

from koji_adjutant.testbed.distribution.distribution import Distribution, make

__all__ = ["Distribution", "make"]
