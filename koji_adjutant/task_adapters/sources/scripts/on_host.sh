#!/bin/bash
# Runs COMMAND as long as somebody holds the other end of standard input: who ends, in whatever way, ends all of it.
#
# usage: on_host.sh COMMAND... in a session of its own
exec 4<&0 </dev/null
{
    exec >/dev/null 2>&1 </dev/null
    read -r -u 4
    kill -KILL 0
} &
exec 4<&-
exec "$@"
