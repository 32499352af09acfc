"""The buildroot: its record on the hub, how its root is populated and kept, what is in it."""
