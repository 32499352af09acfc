#!/bin/bash
# Usage: machine.sh DIRECTORY SYSTEMCTL SOCKET TREE
# A build host in a mount namespace of its own, which lasts as long as this process: what is written to /etc, /usr/local
# and /var is kept in DIRECTORY and gone with it. SYSTEMCTL does what systemctl does, without systemd; SOCKET is that of
# the engine, TREE what /usr/local/src/tree shows. DIRECTORY/ready is made when all is there.
set -eu
if [ "$1" != --inside ]; then
    exec unshare --mount --propagation private -- "$0" --inside "$@"
fi
directory=$2 systemctl=$3 socket=$4 tree=$5
for place in etc usr/local var; do
    mkdir -p "$directory/upper/$place" "$directory/work/$place"
    mount -t overlay overlay \
        -o "lowerdir=/$place,upperdir=$directory/upper/$place,workdir=$directory/work/$place" "/$place"
done
mount -t tmpfs -o mode=755 tmpfs /var/tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/podman /run/systemd /usr/local/src/tree
ln -s "$socket" /run/podman/podman.sock
mount --bind "$systemctl" /usr/bin/systemctl
mount --bind "$tree" /usr/local/src/tree
rm -rf /etc/kojid /etc/koji.conf /var/lib/koji-adjutant
cp -a "$directory/etc/." /etc/
cp -a "$directory/bin/." /usr/local/bin/
touch "$directory/ready"
exec sleep infinity
