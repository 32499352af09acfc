"""Images written layer by layer, for engines that answer nobody while they write one."""
