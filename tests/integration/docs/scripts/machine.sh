#!/bin/bash
# Usage: machine.sh DIRECTORY SYSTEMCTL SOCKET TREE
# A build host in a mount namespace of its own, which lasts as long as this process: what is written to /etc, /usr/local
# and /var is kept in DIRECTORY and gone with it. /var/lib and /var/tmp are empty and DIRECTORY/lib and DIRECTORY/tmp, where
# the engine finds them. SYSTEMCTL does what systemctl does, without systemd; SOCKET is that of the engine, TREE what
# /usr/local/src/tree shows. DIRECTORY/ready is made when all is there.
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
mkdir -p "$directory/lib" "$directory/tmp"
chmod 1777 "$directory/tmp"
mount --bind "$directory/lib" /var/lib
mount --bind "$directory/tmp" /var/tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/podman /run/systemd /usr/local/src/tree
ln -s "$socket" /run/podman/podman.sock
mount --bind "$systemctl" /usr/bin/systemctl
mount --bind "$tree" /usr/local/src/tree
rm -rf /etc/kojid /etc/koji.conf
cp -a "$directory/etc/." /etc/
cp -a "$directory/bin/." /usr/local/bin/
touch "$directory/ready"
exec sleep infinity
