"""Who calls: users, groups, permissions, sessions, hosts and their channels."""
