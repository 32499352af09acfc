#!/bin/bash
# The rpm and rpmbuild commands of a build; runs in the build container as the build user, home directory /builddir.
#
# usage: build.sh source TARGET SRPM [GONE]
#                                         unpack SRPM and make the source package that the root makes of it, then build it
#                                         if its BuildRequires are there
#        build.sh again TARGET [THERE]    the same after packages were added, without unpacking
#        build.sh requires TARGET ROUND   ask a package with dynamic BuildRequires for what it misses
#        build.sh binary TARGET MODE      build; MODE is bb, or ba after a round of dynamic BuildRequires
#        build.sh rebuild TARGET SRPM DIRECTORY
#                                         unpack SRPM below DIRECTORY and make one source package of it there
#
# GONE and THERE are the SHA-256 of BuildRequires, a line each, that are known to be missing, or to be there.
# ADJUTANT_MACHINE in the environment is what setarch makes of this machine for the commands; they do not see it.
# What commands say goes to standard output. Standard error carries the lines to the daemon: `phase NAME` as one begins,
# `source NAME` for a source package below SRPMS, `require TEXT` for each of its BuildRequires, and at the end `result WORD`.
# Exit codes: 0 done, 10 a command failed, 20 BuildRequires are missing, 21 they are dynamic.
set -u
umask 022
ulimit -Sn 1024 2>/dev/null

FAILED=10 MISSING=20 DYNAMIC=21
exec 9>&2 2>&1

phase() { printf 'phase %s\n' "$1" >&9; }
source_made() { printf 'source %s\n' "${1##*/}" >&9; }
finish() { printf 'result %s\n' "$1" >&9; exit "$2"; }

# This shell is none of the build's: its level is as if there was none.
SHLVL=$((SHLVL - 1))
((SHLVL)) || export -n SHLVL

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
    spec=${specs[0]}
}

# Sets source to the one source package below SRPMS, as mock finds it, and requires to what it needs.
find_source() {
    local found
    shopt -s nullglob
    found=("$topdir"/SRPMS/*src.rpm)
    shopt -u nullglob
    if ((${#found[@]} != 1)); then
        echo "${#found[@]} source packages were made, there must be one: ${found[*]##*/}"
        finish srpm "$FAILED"
    fi
    source=${found[0]}
    mapfile -t requires < <(rpm -qp --requires "$source" 9>&-)
    source_made "$source"
}

# Tells what a source package needs; whether a package has to be asked for more of it.
tell_requires() {
    local requirement dynamic=1
    told=()
    for requirement in "${requires[@]}"; do
        case $requirement in
        'rpmlib(DynamicBuildRequires)'*) dynamic=0 ;;
        'rpmlib('*) ;;
        *) told+=("$requirement") ;;
        esac
    done
    ((${#told[@]} == 0)) || printf 'require %s\n' "${told[@]}" >&9
    return "$dynamic"
}

# Whether what was told is what digest $1 was made of.
is_told() {
    local digest
    [[ -n $1 ]] && read -r digest _ < <(printf '%s\n' "${told[@]}" | sha256sum 9>&-) && [[ $digest == "$1" ]]
}

# The source package that the root as it is makes, and the build if nothing is missing for it. $1 and $2 are digests of
# BuildRequires that need no look, because they are there, or are not.
make_source() {
    phase rpmbuild-bs
    run rpmbuild -bs --noclean --target "$target" --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
    find_source
    tell_requires && finish dynamic "$DYNAMIC"
    is_told "$2" && finish missing "$MISSING"
    if ! is_told "$1"; then
        phase check
        # Without --nodeps and with --nobuild rpmbuild compares BuildRequires with what is there, and does nothing else.
        run rpmbuild -bc --nobuild --target "$target" "$spec" >/dev/null || finish missing "$MISSING"
    fi
    build "$target" bb
}

# After dynamic BuildRequires rpmbuild generates them once more, and is not to go on without what it then finds.
build() {
    phase "rpmbuild-$2"
    local options=(--noclean --target "$1" --nodeps)
    [[ $2 == ba ]] && options=(--noclean --noprep --target "$1")
    run rpmbuild "-$2" "${options[@]}" "$spec"
    local status=$?
    ((status == 0)) || finish "rpmbuild-$2 $status" "$FAILED"
    finish built 0
}

action=$1 target=$2 machine=${ADJUTANT_MACHINE-}
unset ADJUTANT_MACHINE
topdir=$HOME/build
case $action in
source)
    phase unpack
    run rpm -Uvh --nodeps "$topdir/originals/$3" || finish unpack "$FAILED"
    find_spec "$topdir/SPECS"
    make_source '' "${4-}"
    ;;
again)
    find_spec "$topdir/SPECS"
    make_source "${3-}" ''
    ;;
requires)
    find_spec "$topdir/SPECS"
    phase "rpmbuild-br"
    rm -f "$topdir"/SRPMS/*.buildreqs.nosrc.rpm
    options=(--noclean --target "$target" --nodeps)
    (($3 > 1)) && options=(--noclean --noprep --target "$target" --nodeps)
    run rpmbuild -br "${options[@]}" "$spec"
    status=$?
    case $status in
    0 | 11) ;;
    *) finish "rpmbuild-br $status" "$FAILED" ;;
    esac
    shopt -s nullglob
    found=("$topdir"/SRPMS/*.buildreqs.nosrc.rpm)
    ((${#found[@]})) || finish complete 0
    mapfile -t requires < <(rpm -qp --requires "${found[@]}" 9>&-)
    source_made "${found[0]}"
    tell_requires
    case $status in
    0) finish complete 0 ;;
    *) finish missing "$MISSING" ;;
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
    # Koji lets root do this, so that the files of the source package are root's. Here they are by their attributes.
    owner=()
    [[ -n $(rpm --eval '%{?_srcdefattr}' 9>&-) ]] || owner=(--define '_srcdefattr (-,root,root)')
    run rpmbuild --define "_topdir $4" "${owner[@]}" -bs --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
    finish built 0
    ;;
*)
    echo "build.sh: unknown action $action"
    finish usage "$FAILED"
    ;;
esac
