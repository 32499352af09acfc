#!/bin/bash
# Whether this container has the user namespace that it was made with, and its root without a copy.
#
# usage: user_namespace.sh FIRST     FIRST is the host's id of its root
set -u

read -r inside outside _ </proc/self/uid_map
[[ $inside == 0 && $outside == "$1" ]] || { echo "its ids are not mapped"; exit 1; }
# The engine's storage says so in the names of the directories below the root.
while read -r line; do
    [[ $line == *' / / '*' - overlay '* ]] || continue
    [[ $line == */mapped/* ]] && break
    echo 'it copies the files of an image for it'
    exit 1
done </proc/self/mountinfo
[[ $line == */mapped/* ]] || { echo "its root is no overlay"; exit 1; }
[[ -O /bin/bash ]] || { echo "the files of an image are not root's"; exit 1; }
: >/mnt/dev/null && [[ -r /second-proc/self/status ]]
