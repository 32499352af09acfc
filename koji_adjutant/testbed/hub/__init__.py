"""The embedded hub: Koji's XML-RPC protocol on loopback HTTP, over SQLite; strict as the real one."""
