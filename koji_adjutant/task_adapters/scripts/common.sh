#!/bin/bash
# The part that all actions have in common of what runs in a build container, as the build user, home directory
# /builddir. An action is a script of its own: this one, those that the action needs, and its own file are read one behind
# the other as one text (koji_adjutant/task_adapters/rpmbuild.py).
#
# usage: ACTION.sh TARGET [ARGUMENT...]
#
# In the environment, where the commands do not see them: ADJUTANT_MACHINE is what setarch makes of this machine for them,
# ADJUTANT_OPEN_FILES how many files they may open.
# What commands say goes to standard output, and between, once, the line `\0build.log\0` where that log begins.
# Standard error carries the lines to the daemon: `phase NAME` as one begins,
# `source NAME` for a source package below SRPMS, `require TEXT` for each of its BuildRequires, `lacking TEXT` for one that
# rpmbuild does not find after all were installed, and at the end `result WORD`.
# Exit codes: 0 done, 10 a command failed, 20 BuildRequires are missing, 21 they are dynamic,
# 22 the spec file is to be looked into for rpmautospec.
set -u
umask 022
# A command of the engine's may have the hard limit as its soft one; builds under mock have 1024, or the site's.
ulimit -Sn "${ADJUTANT_OPEN_FILES-1024}" 2>/dev/null
unset ADJUTANT_OPEN_FILES

# shellcheck disable=SC2034 # for the actions
FAILED=10 MISSING=20 DYNAMIC=21 AUTOSPEC=22
exec 9>&2 2>&1
turned=

phase() {
    printf 'phase %s\n' "$1" >&9
    [[ $1 == unpack || $1 == sources || -n $turned ]] && return
    # Where build.log begins is said among what commands say: one stream may be ahead of the other.
    printf '\0build.log\0\n'
    turned=yes
}
finish() { printf 'result %s\n' "$1" >&9; exit "$2"; }

# This shell is none of the build's: its level is as if there was none.
SHLVL=$((SHLVL - 1))
((SHLVL)) || export -n SHLVL

target=$1 machine=${ADJUTANT_MACHINE-}
unset ADJUTANT_MACHINE
# shellcheck disable=SC2034 # for the actions
topdir=$HOME/build

# Runs a command as what it is to see as this machine.
as_machine() {
    if [[ -z $machine ]]; then
        "$@"
    elif type -P setarch >/dev/null; then
        setarch "$machine" "$@"
    else
        echo "setarch is not in the buildroot: a build for $target needs package util-linux"
        return 127
    fi
}

# A command in a login shell, as mock runs it; the lines to the daemon are none of its business.
run() {
    echo "\$ $*"
    # shellcheck disable=SC2016 # $0 and $@ are the inner shell's
    as_machine bash --login -c '"$0" "$@"' "$@" 9>&- </dev/null
}

# Sets spec to the one spec file in directory $1.
find_spec() {
    local specs
    shopt -s nullglob
    specs=("$1"/*.spec)
    shopt -u nullglob
    if ((${#specs[@]} != 1)); then
        echo "${#specs[@]} spec files in the source package, there must be one"
        finish spec "$FAILED"
    fi
    # shellcheck disable=SC2034 # for the actions
    spec=${specs[0]}
}
