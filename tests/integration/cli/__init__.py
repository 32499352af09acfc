"""The commands for who looks at a host, run as programs: as other users, on terminals, while a task runs."""
