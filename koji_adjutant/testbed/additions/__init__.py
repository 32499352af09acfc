"""Packages that a testbed may have beside the mini distribution."""
