#!/bin/sh
# sshd in the foreground with the configuration $1. It insists on /run/sshd, which only the package's service makes;
# so it gets a /run of its own, in the mount namespace that this script was started in.
set -eu

mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -m 0755 /run/sshd
exec /usr/sbin/sshd -D -e -f "$1"
