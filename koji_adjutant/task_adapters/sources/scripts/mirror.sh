#!/bin/bash
# PID 1 of a container without network: a mirror takes over what a checkout has left.
#
# usage: mirror.sh MIRROR INCOMING
#
# MIRROR is a bare repository, or an empty directory; INCOMING a repository, read-only, with what a clone has. Branches
# that the server had no more, and whatever only they led to, go from the mirror: it has to have nothing that its own
# references do not lead to.
set -eu
umask 022

mirror=$1 incoming=$2
PACKS=20 # more of them make every look into the mirror slower

format=sha1
if grep -q sha256 "$incoming/config" 2>/dev/null; then
    format=sha256
fi
[[ -e $mirror/HEAD ]] || git init --quiet --bare --object-format="$format" "$mirror"
cd "$mirror"
export GIT_DIR=$mirror
before=$(git rev-parse --all)
nice git fetch --quiet --no-tags --prune --force "$incoming" \
    '+refs/remotes/origin/*:refs/heads/*' '+refs/tags/*:refs/tags/*'
git pack-refs --all
shopt -s nullglob
packs=(objects/pack/*.pack)
lost=$(git rev-list --max-count=1 --stdin --not --all <<<"$before")
if [[ -n $lost ]] || ((${#packs[@]} > PACKS)); then
    nice git repack -a -d --quiet
fi
