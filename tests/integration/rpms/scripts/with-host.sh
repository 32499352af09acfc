#!/bin/bash
# Usage: with-host.sh ROOT SHARED... -- COMMAND...
# Runs COMMAND with /proc, /sys, /dev of this machine, and the directories SHARED at their own paths, in ROOT.
# The mounts end with the command, which has the pid of this script.
set -eu
if [ "$1" != --inside ]; then
    exec unshare --mount -- "$0" --inside "$@"
fi
root=$2
shift 2
for shared in /proc /sys /dev; do
    mkdir -p "$root$shared"
    mount --rbind "$shared" "$root$shared"
done
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    shift
done
shift
exec "$@"
