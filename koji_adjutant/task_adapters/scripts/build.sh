#!/bin/bash
# The rpm and rpmbuild commands of a build; runs in the build container as the build user, home directory /builddir.
#
# usage: build.sh source TARGET SRPM    unpack SRPM and make the source package that the base root makes of it, then
#                                       build it if its BuildRequires are there
#        build.sh requires TARGET ROUND ask a package with dynamic BuildRequires for what it misses
#        build.sh binary TARGET MODE    build; MODE is bb, or ba after a round of dynamic BuildRequires
#        build.sh rebuild TARGET SRPM DIRECTORY
#                                       unpack SRPM below DIRECTORY and make one source package of it there
#
# What commands say goes to standard output. Standard error carries one line a phase: `phase NAME`, `source NAME` for a
# source package below SRPMS, and at the end `result WORD`. Exit codes: 0 done, 10 a command failed, 20 BuildRequires are missing, 21 they are dynamic.
set -u
umask 022
ulimit -Sn 1024 2>/dev/null

FAILED=10 MISSING=20 DYNAMIC=21
exec 9>&2 2>&1

phase() { printf 'phase %s\n' "$1" >&9; }
source_made() { printf 'source %s\n' "${1##*/}" >&9; }
finish() { printf 'result %s\n' "$1" >&9; exit "$2"; }

# A command in a login shell, as mock runs it; the lines to the daemon are none of its business.
run() {
    echo "\$ $*"
    # shellcheck disable=SC2016 # $0 and $@ are the inner shell's
    bash --login -c 'exec "$0" "$@"' "$@" 9>&- </dev/null
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
    spec=${specs[0]}
}

is_dynamic() {
    rpm -qp --requires "$1" 9>&- | grep -q '^rpmlib(DynamicBuildRequires)'
}

build() {
    phase "rpmbuild-$2"
    local options=(--noclean --target "$1" --nodeps)
    [[ $2 == ba ]] && options=(--noclean --noprep --target "$1" --nodeps)
    run rpmbuild "-$2" "${options[@]}" "$spec"
    local status=$?
    ((status == 0)) || finish "rpmbuild-$2 $status" "$FAILED"
    finish built 0
}

action=$1 target=$2
topdir=$HOME/build
case $action in
source)
    phase unpack
    run rpm -Uvh --nodeps "$topdir/originals/$3" || finish unpack "$FAILED"
    find_spec "$topdir/SPECS"
    phase rpmbuild-bs
    run rpmbuild -bs --noclean --target "$target" --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
    sources=("$topdir"/SRPMS/*.src.rpm)
    source_made "${sources[0]}"
    is_dynamic "${sources[0]}" && finish dynamic "$DYNAMIC"
    phase check
    # Without --nodeps and with --nobuild rpmbuild compares BuildRequires with what is installed, and does nothing else.
    run rpmbuild -bc --nobuild --target "$target" "$spec" >/dev/null || finish missing "$MISSING"
    build "$target" bb
    ;;
requires)
    find_spec "$topdir/SPECS"
    phase "rpmbuild-br"
    options=(--noclean --target "$target" --nodeps)
    (($3 > 1)) && options=(--noclean --noprep --target "$target" --nodeps)
    run rpmbuild -br "${options[@]}" "$spec"
    status=$?
    sources=("$topdir"/SRPMS/*.buildreqs.nosrc.rpm)
    source_made "${sources[0]}"
    case $status in
    0) finish complete 0 ;;
    11) finish missing "$MISSING" ;;
    *) finish rpmbuild-br "$FAILED" ;;
    esac
    ;;
binary)
    find_spec "$topdir/SPECS"
    build "$target" "$3"
    ;;
rebuild)
    phase unpack
    mkdir -p "$4" || finish directory "$FAILED"
    run rpm --define "_topdir $4" -iv "$3" || finish unpack "$FAILED"
    find_spec "$4/SPECS"
    phase rpmbuild-bs
    run rpmbuild --define "_topdir $4" --target "$target" -bs --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
    finish built 0
    ;;
*)
    echo "build.sh: unknown action $action"
    finish usage "$FAILED"
    ;;
esac
