#!/bin/bash
# Asks a package with dynamic BuildRequires for what it misses; ROUND is 1 the first time.
#
# usage: requires.sh TARGET ROUND
# shellcheck disable=SC2154 # common.sh sets topdir, target and spec
find_spec "$topdir/SPECS"
phase rpmbuild-br
rm -f "$topdir"/SRPMS/*.buildreqs.nosrc.rpm
options=(--noclean --target "$target" --nodeps)
(($2 > 1)) && options=(--noclean --noprep --target "$target" --nodeps)
run rpmbuild -br "${options[@]}" "$spec"
status=$?
case $status in
0 | 11) ;;
*) finish "rpmbuild-br $status" "$FAILED" ;;
esac
shopt -s nullglob
found=("$topdir"/SRPMS/*.buildreqs.nosrc.rpm)
((${#found[@]})) || finish complete 0
# shellcheck disable=SC2034 # for tell_requires
mapfile -t requires < <(rpm -qp --requires "${found[@]}" 9>&-)
source_made "${found[0]}"
tell_requires
case $status in
0) finish complete 0 ;;
*) finish missing "$MISSING" ;;
esac
