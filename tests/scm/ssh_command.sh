#!/bin/sh
# All that a key may do: read repositories below directory $1, by git or by Subversion.
set -eu

root=$1
case ${SSH_ORIGINAL_COMMAND:-} in
"git-upload-pack '/"*"'")
    path=${SSH_ORIGINAL_COMMAND#"git-upload-pack '"}
    exec git-upload-pack "$root${path%"'"}"
    ;;
"svnserve -t")
    exec svnserve --tunnel --read-only --root "$root"
    ;;
*)
    echo "not allowed: ${SSH_ORIGINAL_COMMAND:-a shell}" >&2
    exit 1
    ;;
esac
