"""Stand-ins with the behaviour of the real thing, kept honest by the contract suites."""
