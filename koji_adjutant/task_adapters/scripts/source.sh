#!/bin/bash
# Unpacks SRPM and makes the source package that the root makes of it; then builds it if its BuildRequires are there.
#
# usage: source.sh TARGET SRPM [GONE]
#
# GONE is the SHA-256 of BuildRequires, a line each, of which some are known to be missing.
# shellcheck disable=SC2154 # common.sh sets topdir
phase unpack
run rpm -Uvh --nodeps "$topdir/originals/$2" || finish unpack "$FAILED"
find_spec "$topdir/SPECS"
make_source '' "${3-}"
