"""Fixtures of the fault tests."""

from tests.unit.conftest import hub

__all__ = ["hub"]
