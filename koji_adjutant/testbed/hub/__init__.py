"""The embedded hub: Koji's XML-RPC protocol on loopback HTTP, with SQLite underneath; strict as the real one."""
