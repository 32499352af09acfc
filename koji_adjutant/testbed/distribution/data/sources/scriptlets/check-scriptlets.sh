#!/bin/bash
# Says what each scriptlet of scriptlets-deps was to do and whether it did; fails when one did not.
failed=0

expect() {
    local what=$1 wanted=$2 got=$3
    if [ "$got" = "$wanted" ]; then
        echo "scriptlets: $what: $got"
    else
        echo "scriptlets: $what: expected '$wanted', got '$got'" >&2
        failed=1
    fi
}

expect "account made in pre" "901" "$(id -u scriptlets)"
expect "owner of its directory" "scriptlets:scriptlets:750" "$(stat -c %U:%G:%a /var/lib/scriptlets-user)"
expect "linker cache" "present" "$([ -s /etc/ld.so.cache ] && echo present)"
expect "capability by setcap" "/usr/bin/scriptlets-capability cap_net_bind_service=ep" \
    "$(getcap /usr/bin/scriptlets-capability)"
expect "capability by rpm" "/usr/bin/scriptlets-caps cap_net_raw=ep" "$(getcap /usr/bin/scriptlets-caps)"
expect "alternative" "/usr/bin/scriptlets-editor.second" "$(readlink -f /usr/bin/scriptlets-editor)"
expect "alternative runs" "editor.second" "$(scriptlets-editor)"
expect "trigger" "in 1 1" "$(tail -n 1 /var/lib/scriptlets-trigger/log)"
expect "file trigger" "file /usr/share/scriptlets-data/data" \
    "$(grep -m 1 '^file .*/data$' /var/lib/scriptlets-filetrigger/log)"
expect "transaction file trigger" "transaction /usr/share/scriptlets-data/data" \
    "$(grep -m 1 '^transaction .*/data$' /var/lib/scriptlets-filetrigger/log)"
expect "lua in post" "lua" "$(cat /var/lib/scriptlets-lua/link)"
expect "lua in posttrans" "present" "$([ -s /var/lib/scriptlets-lua/posttrans ] && echo present)"
expect "shell reached its end" "done" "$(tail -n 1 /var/lib/scriptlets-shell/log)"
expect "owner and mode given in a shell" "scriptlets:scriptlets:4750" \
    "$(stat -c %U:%G:%a /var/lib/scriptlets-shell/owned)"
expect "hard link" "2" "$(stat -c %h /var/lib/scriptlets-shell/hardlink)"
expect "group of a directory" "mail" "$(stat -c %G /var/lib/scriptlets-shell)"
expect "groups of the account" "scriptlets scriptlets-extra" "$(id -Gn scriptlets)"
exit "$failed"
