#!/bin/bash
# Install packages into /buildroot, and erase some; runs as root in the installer container, without network.
#
# usage: install.sh base|more USER UID GROUP GID HOME SCRATCH TIMEZONE MACHINE FORCED TRANSACTION [NEVRA ...]
#   base: the root is empty; afterwards it has the build user and what mock puts into a root
#   more: packages are added, and those of the NEVRAs erased
# SCRATCH is a directory of the build user's. TIMEZONE is what the root's /etc/localtime points to, or empty. MACHINE is
# what setarch makes of this machine for scriptlets, or empty. FORCED is not empty when packages are taken whatever their
# architecture is. TRANSACTION is the text of transaction.py.
# The packages are the files in /packages. Everything said goes to root.log.
set -u -o pipefail
umask 022

mode=$1 user=$2 uid=$3 group=$4 gid=$5 home=$6
scratch=$7 timezone=$8 machine=$9 forced=${10} transaction=${11}
erased=("${@:12}")
root=/buildroot
packages=/packages

# What mock puts into an empty root before there are packages: a package finds these files, and leaves its own beside them.
prepare_root() {
    chmod 755 "$root" &&
        mkdir -p "$root"/{run,tmp/ccache,var/{log,tmp,cache/{dnf,yum},lib/{rpm,yum,dbus}}} \
            "$root"/{dev,proc,sys,etc/{rpm,dnf/vars,yum}} &&
        chmod 1777 "$root"/{tmp,var/tmp} &&
        touch "$root"/etc/{fstab,yum/yum.conf,dnf/dnf.conf,resolv.conf} "$root/var/log/yum.log" &&
        ln -sfn yum/yum.conf "$root/etc/yum.conf" &&
        printf '%s\n' '127.0.0.1 localhost localhost.localdomain' \
            '::1       localhost localhost.localdomain localhost6 localhost6.localdomain6' >"$root/etc/hosts" &&
        tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id" &&
        ln -sfn ../../../etc/machine-id "$root/var/lib/dbus/machine-id" || return
    [[ -z $timezone ]] || ln -sfn "$timezone" "$root/etc/localtime"
}

# /buildroot/dev is a tmpfs with the nodes bound into it; scriptlets also know it by these names.
link_devices() {
    ln -sfn /proc/self/fd "$root/dev/fd" &&
        ln -sfn /proc/self/fd/0 "$root/dev/stdin" &&
        ln -sfn /proc/self/fd/1 "$root/dev/stdout" &&
        ln -sfn /proc/self/fd/2 "$root/dev/stderr" &&
        mkdir -p "$root/dev/shm" "$root/dev/pts" &&
        chmod 1777 "$root/dev/shm"
}

as_machine() {
    if [[ -n $machine ]]; then setarch "$machine" "$@"; else "$@"; fi
}

# Whether packages are what they say of themselves; their files are so if their payload is.
verify_packages() {
    (($#)) || return 0
    rpmkeys --checksig --nosignature --define '_pkgverify_level digest' -- "$@" | sed '/: digests OK$/d'
}

# Packages are verified beside their installation, on another processor: a root that got a broken one is thrown away.
install_packages() {
    local files=() verification status
    mapfile -d '' -t files < <(find "$packages" -name '*.rpm' -print0 | sort -z)
    echo "Installing ${#files[@]} packages, erasing ${#erased[@]}"
    ((${#files[@]} + ${#erased[@]})) || return 0
    verify_packages "${files[@]}" &
    verification=$!
    as_machine /usr/bin/python3 -I -c "$transaction" "$root" "$packages" "$forced" "${erased[@]}" </dev/null
    status=$?
    # Who kills this container ends this shell, too: rpm alone is killed by the kernel, or by a scriptlet.
    ((status == 137)) && ! tell_of_memory && echo "error: rpm was killed, by a scriptlet or for want of memory" && status=1
    wait "$verification" && return "$status"
}

# Whether the kernel has ended something here for want of memory; not every engine tells.
tell_of_memory() {
    local file word number has_told=1
    for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [[ -r $file ]] || continue
        while read -r word number; do
            [[ $word == oom_kill && $number != 0 ]] || continue
            echo "the kernel has killed $number processes for want of memory"
            has_told=0
        done <"$file"
    done
    return "$has_told"
}

# Sets the line of $2 in the database $1, if there is such a database.
set_entry() {
    local file=$root/etc/$1 mode
    [[ -e $file ]] || return 0
    mode=$(stat -c %a "$file") &&
        { grep -v "^$2:" "$file" || true; } >"$file.new" &&
        printf '%s\n' "$3" >>"$file.new" &&
        chmod "$mode" "$file.new" &&
        mv "$file.new" "$file"
}

# The user as useradd makes it, with the root's own defaults; mock removes one of the same name first.
add_build_user() {
    local shell
    shell=$(sed -n 's/^SHELL=//p' "$root/etc/default/useradd" 2>/dev/null | tail -n 1)
    touch "$root"/etc/{passwd,group} &&
        set_entry group "$group" "$group:x:$gid:" &&
        set_entry gshadow "$group" "$group:!::" &&
        set_entry passwd "$user" "$user:x:$uid:$gid::$home:${shell:-/bin/bash}" &&
        set_entry shadow "$user" "$user:!:$(($(date +%s) / 86400)):0:99999:7:::" &&
        mkdir -p "$root$scratch" "$root$home"/build/{RPMS,SPECS,SRPMS,SOURCES,BUILD,BUILDROOT,originals} &&
        chown -R "$uid:$gid" "$root$scratch" "$root$home"
}

# What mock sets again each time it runs, whatever packages have brought.
write_etc() {
    rm -f "$root"/etc/{resolv.conf,mtab} &&
        touch "$root"/etc/{resolv.conf,os-release} &&
        ln -s ../proc/self/mounts "$root/etc/mtab"
}

remove_locks() {
    rm -f "$root"/{var/lib,usr/lib/sysimage}/rpm/{__db.*,.rpm.lock}
}

case $mode in
base) prepare_root && link_devices && install_packages && add_build_user && write_etc && remove_locks ;;
more) link_devices && install_packages && remove_locks ;;
*) echo "install.sh: unknown mode $mode" >&2 && exit 64 ;;
esac
