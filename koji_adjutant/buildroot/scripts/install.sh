#!/bin/bash
# Install packages into /buildroot; runs as root in the installer container, without network.
#
# usage: install.sh base|more USER UID GROUP GID HOME
#   base: the root is empty; afterwards it has the build user and what mock puts into a root
#   more: packages are added
# The packages are the files below /packages. Everything said goes to root.log.
set -u -o pipefail
umask 022

mode=$1 user=$2 uid=$3 group=$4 gid=$5 home=$6
root=/buildroot

prepare_root() {
    mkdir -p "$root"/{etc,proc,sys,dev,run,tmp,var/tmp,var/log} || return
    chmod 1777 "$root"/{tmp,var/tmp} || return
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

install_packages() {
    local files=()
    mapfile -d '' -t files < <(find /packages -name '*.rpm' -print0 | sort -z)
    echo "Installing ${#files[@]} packages"
    ((${#files[@]})) || return 0
    rpm --root "$root" -Uvh --oldpackage --replacepkgs --noplugins \
        --define '_netsharedpath /proc:/sys:/dev' \
        --define '_pkgverify_level digest' \
        -- "${files[@]}" </dev/null
}

has_entry() {
    grep -q "^$2:" "$root/etc/$1" 2>/dev/null
}

add_build_user() {
    has_entry group "$group" || echo "$group:x:$gid:" >>"$root/etc/group" || return
    has_entry passwd "$user" || echo "$user:x:$uid:$gid::$home:/bin/bash" >>"$root/etc/passwd" || return
    mkdir -p "$root$home/build/originals" || return
    chown -R "$uid:$gid" "$root$home"
}

write_etc() {
    printf '127.0.0.1 localhost localhost.localdomain\n::1       localhost localhost.localdomain localhost6 localhost6.localdomain6\n' >"$root/etc/hosts" &&
        : >"$root/etc/resolv.conf" &&
        : >"$root/etc/fstab" &&
        ln -sfn /proc/self/mounts "$root/etc/mtab"
}

clean() {
    rm -rf "$root"/var/cache/{dnf,yum}/* "$root"/var/lib/dnf "$root"/var/log/{dnf,hawkey}* \
        "$root"/{var/lib,usr/lib/sysimage}/rpm/{__db.*,.rpm.lock} "$root"/tmp/* "$root"/var/tmp/*
}

case $mode in
base) prepare_root && link_devices && install_packages && add_build_user && write_etc && clean ;;
more) link_devices && install_packages && clean ;;
*) echo "install.sh: unknown mode $mode" >&2 && exit 64 ;;
esac
