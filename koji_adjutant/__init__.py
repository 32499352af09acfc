"""koji-adjutant: Koji's builder daemon, with podman containers where kojid has mock chroots."""

__version__ = "0.1.0"
