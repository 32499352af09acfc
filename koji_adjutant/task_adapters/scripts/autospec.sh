#!/bin/bash
# Works the history of the checkout in SOURCES into a spec file.
#
# usage: autospec.sh TARGET SPEC COMMAND...
#
# SPEC is the name of the file, in SOURCES and in SPECS. COMMAND gets both paths, and writes the second.
# shellcheck disable=SC2154 # common.sh sets topdir
spec=$2
shift 2
phase rpmautospec
cd "$topdir/SOURCES" || finish directory "$FAILED"
run "$@" "$topdir/SOURCES/$spec" "$topdir/SPECS/$spec" || finish "rpmautospec $?" "$FAILED"
finish built 0
