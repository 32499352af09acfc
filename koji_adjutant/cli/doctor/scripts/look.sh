#!/bin/bash
# What a container of the task image sees, as lines of key=value: read by koji-adjutant doctor. Needs no privilege.

first() {
    local file
    for file in "$@"; do
        [ -r "$file" ] && read -r REPLY <"$file" && printf '%s\n' "$REPLY" && return
    done
}

printf 'machine=%s\n' "$(uname -m)"
printf 'memory=%s\n' "$(first /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes)"
printf 'pids=%s\n' "$(first /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max)"
printf 'cpu=%s\n' "$(first /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us)"
printf 'nofile=%s\n' "$(ulimit -Hn)"
printf 'label=%s\n' "$(tr -d '\0' </proc/self/attr/current 2>/dev/null)"
printf 'interfaces=%s\n' "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')"
printf 'rpm=%s\n' "$(rpm --eval '%{_db_backend} %{_dbpath}' 2>/dev/null)"
printf 'rpm-version=%s\n' "$(rpm --version 2>/dev/null)"
for program in dnf rpm createrepo_c rpmbuild; do
    printf 'has-%s=%s\n' "$program" "$(type -P "$program")"
done
