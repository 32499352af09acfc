#!/bin/bash
# What the actions that build packages of a source package share; behind common.sh, before the action's own file.
# shellcheck disable=SC2153,SC2154 # common.sh sets topdir, target, spec and the exit codes

source_made() { printf 'source %s\n' "${1##*/}" >&9; }

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

# Sets lacking to what rpmbuild does not find of the package's BuildRequires, and checked to its exit code. BuildConflicts
# and what only another rpm could have are not asked about: mock builds in spite of them.
check() {
    local line
    phase buildrequires
    # Without --nodeps and with --nobuild rpmbuild compares BuildRequires with what is there, and does nothing else.
    said=$(LC_ALL=C run rpmbuild -bc --nobuild --target "$target" "$spec" 2>&1)
    checked=$? lacking=()
    ((checked == 0)) && return
    while IFS= read -r line; do
        [[ $line =~ ^[[:space:]]+(.*)' is needed by ' && ${BASH_REMATCH[1]} != 'rpmlib('* ]] &&
            lacking+=("${BASH_REMATCH[1]}")
    done <<<"$said"
    printf '%s\n' "$said"
}

# Ends this when rpmbuild lacks what the package manager has left nothing to install for.
refuse_lacking() {
    check
    ((${#lacking[@]})) || return 0
    printf 'lacking %s\n' "${lacking[@]}" >&9
    finish "buildrequires $checked" "$FAILED"
}

# The source package that the root as it is makes, and the build if nothing is missing for it. $1 and $2 are digests of
# BuildRequires that were installed, or need no look because they are missing. mock takes the last source package.
make_source() {
    phase rpmbuild-bs
    rm -f "$topdir"/SRPMS/*src.rpm
    run rpmbuild -bs --noclean --target "$target" --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
    find_source
    tell_requires && finish dynamic "$DYNAMIC"
    is_told "$2" && finish missing "$MISSING"
    if is_told "$1"; then
        refuse_lacking
    else
        check
        ((checked == 0)) || finish missing "$MISSING"
    fi
    build bb
}

# Builds in mode $1, bb or ba. After dynamic BuildRequires rpmbuild generates them once more, and is not to go on without
# what it then finds.
build() {
    phase "rpmbuild-$1"
    local options=(--noclean --target "$target" --nodeps)
    if [[ $1 == ba ]]; then
        options=(--noclean --noprep --target "$target")
        rm -f "$topdir"/SRPMS/*src.rpm
    fi
    run rpmbuild "-$1" "${options[@]}" "$spec"
    local status=$?
    ((status == 0)) || finish "rpmbuild-$1 $status" "$FAILED"
    finish built 0
}
