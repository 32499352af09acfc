"""This machine: its disks, processes, clock, service manager, files that several processes share. Nothing of Koji."""
