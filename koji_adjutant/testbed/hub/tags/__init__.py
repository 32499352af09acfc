"""Tags and what hangs on them: inheritance, packages, groups, targets, external repos."""
