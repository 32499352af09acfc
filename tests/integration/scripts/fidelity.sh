#!/bin/bash
# What a build sees, a line `probe NAME VALUE` each.
set +x
probe() { printf 'probe %s %s\n' "$1" "$2"; }
probe user "$(id -un):$(id -gn) $(id -u):$(id -g)"
probe umask "$(umask)"
probe nofile "$(ulimit -Sn)"
probe localtime "$(readlink /etc/localtime)"
probe zone "[${TZ-unset}]"
probe machine-id "$(grep -c '^[0-9a-f]\{32\}$' /etc/machine-id)"
probe mtab "$(readlink /etc/mtab)"
probe resolv "$(stat -c %s /etc/resolv.conf)"
probe hosts "$(grep -c localhost /etc/hosts)"
probe root-mode "$(stat -c %a /)"
probe tmp-mode "$(stat -c %a /tmp)"
probe passwd "$(grep ^mockbuild: /etc/passwd)"
probe macros "$(cut -d ' ' -f 1 "$HOME/.rpmmacros" | tr '\n' ' ')"
probe buildhost "$(rpm --eval '%{_buildhost}')"
probe target "$(rpm --eval '%{_host}')"
probe odd "$(rpm --eval '%{odd}')"
probe odd-environment "$ODD"
probe stdin "$(readlink /proc/self/fd/0)"
probe machine "$(uname -m) $(getconf LONG_BIT)"
probe container "[${container-unset}]"
probe level "$SHLVL"
cp /bin/true /dev/shm/true && /dev/shm/true && probe shared-memory runs
probe interfaces "$(sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')"
