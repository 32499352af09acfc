"""A builder's configuration with a state directory of the test's own."""

from tests.unit.policy.rules import config

__all__ = ["config"]
