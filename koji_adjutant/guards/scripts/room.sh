#!/bin/bash
# How much of the disk below this container the build has written: `written KIB`.
#
# usage: room.sh HOME
# The build is this user, who has nothing in the root but what it wrote, wherever that is.
# No here-strings: bash may want a file for one.
if type -P find >/dev/null; then
    measure() { find / -xdev -user "$UID" -type f -print0 2>/dev/null | du -ck --files0-from=- 2>/dev/null; }
else
    measure() { du -ckx "$1" /tmp /var/tmp 2>/dev/null; }
fi
IFS=$'\t' read -r written _ < <(measure "$1" | tail -n 1)
echo "written $written"
