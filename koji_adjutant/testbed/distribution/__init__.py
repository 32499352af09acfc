"""A mini RPM distribution, made on the spot from Debian packages."""
