#!/bin/bash
# PID 1 of a container that checks sources out, as an unprivileged user: all of it is removed with the container.
#
# usage: checkout.sh TOP KIND URL NAME MODULE REVISION FETCHED [COMMON]
#
# KIND is git or svn. Of git, all of URL is cloned into NAME, and MODULE is a directory there; of svn, MODULE is checked
# out. FETCHED is REVISION as the server knows it. COMMON is the URL of what has to lie beside the module as `common`.
# Standard output: a line `head COMMIT`, or `head -` where there are no commits, and directory TOP as a tar archive; or a
# line `failed WORD` about the command that failed. Standard error is the log.
#
# Files in SCM_FILES (koji_adjutant.policy.scm_access) say what nobody else is to see: environment the variables of the
# site, password that of SCM_SVN_USER. SCM_SVN_TIMEOUT is how many seconds svn waits for a server. SCM_MIRROR is a bare
# repository, read-only, whose objects the server need not send again; the line says `head COMMIT without-mirror` when
# only a checkout without it could be made.
set -u
umask 022
exec 3>&1 1>&2 </dev/null

top=$1 kind=$2 url=$3 name=$4 module=$5 revision=$6 fetched=$7 common=${8-}
files=${SCM_FILES:-$HOME/.scm}
too_large=${top%/*}/too-large
source=$top${name:+/$name}${module:+/$module}

fail() {
    local step=$1
    [[ ! -e $too_large ]] || step=size
    printf 'failed %s\n' "$step" >&3
    exit 1
}

run() {
    [[ ! -e $too_large ]] || return 1
    printf '$ %s\n' "$*"
    "$@" 3>&-
}

# What would fill the disk is stopped: SCM_TREE_SIZE bytes, or SCM_TREE_FILES files, are the most.
watch() {
    local pause=2 began size files child children
    while sleep "$pause"; do
        began=$SECONDS
        size=$(du -sk "$top" 2>/dev/null | cut -f1)
        files=$(du -s --inodes "$top" 2>/dev/null | cut -f1)
        if ((size > SCM_TREE_SIZE / 1024 || files > SCM_TREE_FILES)); then
            : >"$too_large"
            read -ra children <"/proc/$$/task/$$/children"
            for child in "${children[@]}"; do
                [[ $child == "$BASHPID" ]] || kill -KILL "$child"
            done
            return
        fi
        # A large tree takes its time to count.
        pause=$((2 + 10 * (SECONDS - began)))
    done
}

fetch_and_reset() {
    run git fetch origin "$fetched:KOJI_FETCH_HEAD" && run git reset --hard KOJI_FETCH_HEAD
}

# What was borrowed becomes the clone's own before a revision is looked for: as it is when the server shows all of it,
# else only what the server shows.
part_with_mirror() {
    local tips beyond
    tips=$(git --git-dir="$SCM_MIRROR" rev-parse --all 3>&-) || return 1
    beyond=$(git rev-list --max-count=1 --stdin --not --remotes --tags <<<"$tips" 3>&-) || return 1
    if [[ -z $beyond ]]; then
        cp "$SCM_MIRROR"/objects/pack/pack-*.{pack,idx} .git/objects/pack/ || return 1
    else
        git repack -a -d --quiet 3>&- || return 1
    fi
    rm .git/objects/info/alternates
}

clone_and_reset() {
    step=clone
    run git clone -n "$@" "$url" "$top/$name" && cd "$top/$name" || return 1
    [[ $# == 0 ]] || part_with_mirror || return 1
    git config fetch.unpackLimit 1
    step=reset
    # What no server has under that name, the beginning of a commit's say, may be among what was cloned.
    fetch_and_reset || run git reset --hard "$revision"
}

# What is shown to plugins is read through pack by pack; a server of plain files hands out objects one by one.
pack() {
    ! compgen -G "$1/.git/objects/[0-9a-f][0-9a-f]" >/dev/null || git -C "$1" repack -a -d --quiet 3>&-
}

check_out_git() {
    local note=
    if [[ -z ${SCM_MIRROR-} ]] || ! clone_and_reset --reference "$SCM_MIRROR"; then
        if [[ -n ${SCM_MIRROR-} ]]; then
            echo "That was with the mirror of this builder; once more without it"
            cd "$top" && rm -rf "${top:?}/$name"
            note=' without-mirror'
        fi
        clone_and_reset || fail "$step"
    fi
    head=$(git rev-parse --verify HEAD 3>&-) || fail head
    head+=$note
    [[ -z $common ]] || run git clone "$common" "$top/common" || fail common
    pack "$top/$name"
    [[ -z $common ]] || pack "$top/common"
}

# svn, which asks for nothing but what it is given on standard input.
svn() {
    local options=(--non-interactive) password=/dev/null
    [[ -z ${SCM_SVN_TIMEOUT-} ]] || options+=(--config-option "servers:global:http-timeout=$SCM_SVN_TIMEOUT")
    if [[ -n ${SCM_SVN_USER-} ]]; then
        options+=(--username "$SCM_SVN_USER" --password-from-stdin --no-auth-cache)
        password=$files/password
    fi
    command svn "${options[@]}" "$@" <"$password"
}

# A checkout of svn into $1. The password of a URL is for its server, and svn would offer it to every server that
# svn:externals name: these are neither asked nor left out in silence.
check_out_from_svn() {
    local target=$1
    shift
    if [[ -z ${SCM_SVN_USER-} ]]; then
        run svn checkout "$@"
        return
    fi
    run svn checkout --ignore-externals "$@" || return 1
    [[ -z $(svn propget --recursive svn:externals "$target" 3>&-) ]] || fail externals
}

check_out_svn() {
    head=-
    cd "$top" || fail checkout
    check_out_from_svn "$source" -r "$revision" "$url/$module" "$module" || fail checkout
    [[ -z $common ]] || check_out_from_svn common "$common" || fail common
}

# Package files look for common beside their own directory, wherever that is.
link_common() {
    local inside=${source#"$top"/} up=
    [[ -d $source && ! -e $source/../common ]] || return 0
    while [[ $inside == */* ]]; do
        inside=${inside%/*} up+=../
    done
    ln -s "${up}common" "$source/../common"
}

mkdir -p "$top" "$HOME" || fail directory
if [[ -e $files/environment ]]; then
    while IFS= read -r variable; do
        export "${variable?}"
    done <"$files/environment"
fi
if [[ -n ${SCM_TREE_SIZE-} ]]; then
    watch >/dev/null 2>&1 3>&- &
    watching=$!
fi
"check_out_$kind"
[[ -z ${watching-} ]] || kill "$watching"
[[ ! -e $too_large ]] || fail size
[[ -z $common ]] || link_common
printf 'head %s\n' "$head" >&3
exec tar --create --file=- --directory="${top%/*}" "${top##*/}" >&3
