#!/bin/bash
# Unpacks SRPM below DIRECTORY and makes one source package of it there.
#
# usage: rebuild.sh TARGET SRPM DIRECTORY
# shellcheck disable=SC2154 # common.sh sets spec
phase unpack
mkdir -p "$3" || finish directory "$FAILED"
run rpm --define "_topdir $3" -iv "$2" || finish unpack "$FAILED"
find_spec "$3/SPECS"
phase rpmbuild-bs
# Koji lets root do this, so that the files of the source package are root's. Here they are by their attributes.
owner=()
[[ -n $(rpm --eval '%{?_srcdefattr}' 9>&-) ]] || owner=(--define '_srcdefattr (-,root,root)')
run rpmbuild --define "_topdir $3" "${owner[@]}" -bs --nodeps "$spec" || finish "rpmbuild-bs $?" "$FAILED"
finish built 0
