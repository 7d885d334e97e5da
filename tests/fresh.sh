#!/bin/sh
# `make test-fresh`: what a newcomer does, on bare systems. Makes a minimal Debian 12 and a Debian
# 13 with debootstrap (root), clones the committed tree into each, and types there what the README
# says: get make, then `make run` and `make test`. Nothing else is prepared.
#
# FRESH_DIR  where the systems are made (default /var/tmp/iolab-fresh)
# FRESH_MIRROR  a Debian mirror (default: that of this system's own sources)
# FRESH_SUITES  default "bookworm trixie"
set -eu

dir=${FRESH_DIR:-/var/tmp/iolab-fresh}
suites=${FRESH_SUITES:-bookworm trixie}
[ "$(id -u)" = 0 ] || { echo 'make test-fresh: needs root, for debootstrap and chroot' >&2; exit 3; }
command -v debootstrap >/dev/null || { echo 'make test-fresh: apt-get install debootstrap' >&2; exit 3; }

mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -n 's/^URIs: *//p; s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' | grep -m1 debian$
}

unmount() {
	for at in dev/pts dev sys proc; do
		umount "$1/$at" 2>/dev/null || true
	done
}

inside() { # ROOT, command
	chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
		sh -c "cd /iolab && $2"
}

for suite in $suites; do
	root=$dir/$suite
	log=$dir/$suite.log
	unmount "$root"
	rm -rf "$root"
	mkdir -p "$dir"
	echo "== $suite: making a bare system"
	debootstrap --variant=minbase "$suite" "$root" "${FRESH_MIRROR:-$(mirror)}" >"$log" 2>&1
	git clone -q . "$root/iolab"
	for at in proc sys dev dev/pts; do
		mount --bind "/$at" "$root/$at"
	done
	trap 'unmount "$root"' EXIT
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	for what in 'apt-get update && apt-get install -y make' 'make run' 'make test'; do
		echo "== $suite: $what"
		inside "$root" "$what" >>"$log" 2>&1 || { tail -30 "$log"; echo "$suite: '$what' failed, see $log"; exit 1; }
	done
	tail -3 "$log"
	unmount "$root"
	trap - EXIT
done
