#!/bin/bash
# Whether the disk below this container is full, and how much of that the build has written: `full KIB`, or nothing.
#
# usage: room.sh HOME      full: less than 64 MiB are free
# No here-strings: bash may want a file for one.
IFS=' ' read -r size free < <(stat -f -c '%S %a' /)
((size * free < 64 << 20)) || exit 0
IFS=$'\t' read -r written _ < <(du -skx "$1" 2>/dev/null)
echo "full $written"
