#!/bin/bash
# Usage: with-root.sh ROOT COMMAND...
# Runs COMMAND with /proc and /dev mounted in ROOT and no network. The mounts end with the command.
set -eu
if [ "$1" != --inside ]; then
    exec unshare --mount --net -- "$0" --inside "$@"
fi
root=$2
shift 2
mkdir -p "$root/proc" "$root/dev"
mount -t proc -o ro proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
exec "$@"
