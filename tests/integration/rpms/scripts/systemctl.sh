#!/bin/sh
# systemctl of a root where no systemd runs: writes down what it is asked for, and reloads as kojid.service does, where
# the daemon has its files.
echo "$*" >>/var/log/systemctl
case "$*" in
    *is-active*) test -s /run/kojid.pid ;;
    "reload kojid.service")
        daemon=$(cat /run/kojid.pid)
        exec nsenter --target "$daemon" --mount --root --wd koji-adjutant reload "$daemon"
        ;;
esac
