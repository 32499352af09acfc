"""Seeing the daemon: a process of its own reads the journal and `<state_dir>/public`, and answers."""
