#!/bin/bash
# From a checkout to a source package, in steps; behind common.sh, before the action's own file.
# shellcheck disable=SC2154 # common.sh sets topdir, target and the exit codes

# Runs a command in directory $1, as mock does: one word is a command line of its own.
retrieve() {
    local directory=$1 status
    shift
    phase sources
    cd "$directory" || finish directory "$FAILED"
    if (($# == 1)); then
        run /bin/sh -c "$1"
    else
        run "$@"
    fi
    status=$?
    ((status == 0)) || finish "sources $status" "$FAILED"
    cd "$HOME" || finish directory "$FAILED"
}

# Lays out SPECS and SOURCES as mock does, which gives rpmbuild all of a checkout: that of directory $1, whose spec file
# is $2 below it. $3 is yes where sources may be in SOURCES.
lay_out() {
    local sources=$1
    [[ $3 == yes && -d $1/SOURCES ]] && sources=$1/SOURCES
    rm -rf "$topdir/SOURCES"
    if ! { mkdir -p "$topdir/SPECS" && cp "$1/$2" "$topdir/SPECS/" && mv "$sources" "$topdir/SOURCES"; }; then
        finish directory "$FAILED"
    fi
}

# Makes the source package of the spec file of that name.
make_srpm() {
    phase rpmbuild-bs
    run rpmbuild -bs --noclean --target "$target" --nodeps "$topdir/SPECS/$1" || finish "rpmbuild-bs $?" "$FAILED"
    finish built 0
}
