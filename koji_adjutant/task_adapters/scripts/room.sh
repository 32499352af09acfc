#!/bin/bash
# Whether the disk below this container is full, and how much of that the build has written: `full KIB`, or nothing.
#
# usage: room.sh HOME      full: less than 64 MiB are free
# The build is this user, who has nothing in the root but what it wrote, wherever that is.
# No here-strings: bash may want a file for one.
IFS=' ' read -r size free < <(stat -f -c '%S %a' /)
((size * free < 64 << 20)) || exit 0
if type -P find >/dev/null; then
    measure() { find / -xdev -user "$UID" -type f -print0 2>/dev/null | du -ck --files0-from=- 2>/dev/null; }
else
    measure() { du -ckx "$1" /tmp /var/tmp 2>/dev/null; }
fi
IFS=$'\t' read -r written _ < <(measure "$1" | tail -n 1)
echo "full $written"
