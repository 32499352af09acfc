#!/bin/bash
# Say what is in /buildroot, which is only read; runs in a container of the task image without network.
#
# usage: census.sh QUERY_FORMAT
# Written to the standard output, each part ended by a null byte: what rpm lists, in QUERY_FORMAT; file capabilities,
# where the image has getcap; then two strings for each path: its properties with its name, and where a link points.
set -u -o pipefail
umask 077

root=/buildroot database=/tmp/rpmdb

# rpm wants to write beside a database that it reads.
list_packages() {
    cp -r "$root$(rpm --eval '%_dbpath')" "$database" &&
        rpm --dbpath "$database" -qa --qf "$1"
}

list_capabilities() {
    command -v getcap >/dev/null || return 0
    getcap -r "$root" 2>/dev/null | sort
}

list_files() {
    find "$root" -xdev -printf '%y %m %U %G %n %s %b %i %T@ %C@ %P\0%l\0'
}

list_packages "$1" && printf '\0' && list_capabilities && printf '\0' && list_files
