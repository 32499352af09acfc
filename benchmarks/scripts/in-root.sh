#!/bin/bash
# Usage: in-root.sh ROOT USER COMMAND...
# Runs COMMAND chrooted to ROOT as USER (uid:gid), with /proc and /dev there and no network. The mounts end with it.
set -eu
if [ "$1" != --inside ]; then
    exec unshare --mount --net -- "$0" --inside "$@"
fi
root=$2 user=$3
shift 3
mkdir -p "$root/proc" "$root/dev"
mount -t proc -o ro proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
exec env --ignore-environment PATH=/usr/bin:/usr/sbin HOME=/builddir LANG=C.UTF-8 TERM=vt100 \
    chroot --userspec="$user" "$root" "$@"
