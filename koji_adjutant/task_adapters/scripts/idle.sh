#!/bin/bash
# PID 1 of a build container: says what rpm finds installed, then waits for its end, and for every process that
# nobody else waits for. It does not end when a build kills all that it may: who ends it is outside.
#
# usage: idle.sh FORMAT     a line `listed STATUS` follows the list of `rpm -qa --qf FORMAT`
rpm -qa --qf "$1"
echo "listed $?"
exec >/dev/null 2>&1
while :; do
    sleep infinity &
    wait "$!"
    (($? == 127)) && exit 127
done
