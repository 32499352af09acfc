"""A Koji on one machine: an engine, an embedded hub and a mini RPM distribution, for the demo and the tests."""
