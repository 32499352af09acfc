#!/bin/bash
# Which limits of this container the kernel has enforced: `memory N` processes killed, `pids N` not started; and how
# full its disk is, in blocks: `blocks TOTAL FREE`.
# Builtins first: there may be no room for another process. The files are those of cgroup v2, and of v1.

events() {
    local name=$1 wanted=$2 file word number
    shift 2
    for file; do
        [[ -r $file ]] || continue
        while read -r word number; do
            [[ $word == "$wanted" ]] && echo "$name $number"
        done <"$file"
    done
}

cgroup=/sys/fs/cgroup
events memory oom_kill "$cgroup/memory.events" "$cgroup/memory/memory.oom_control"
events pids max "$cgroup/pids.events" "$cgroup/pids/pids.events"
stat -f -c 'blocks %b %a' /
