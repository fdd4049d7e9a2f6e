#!/bin/sh
# packages.sh FOLDER - Debian packages of build/waymark-VERSION.tar.gz ("make dist") into FOLDER, without a network.
set -eu
cd "$(dirname "$0")/.."

to=${1:?a folder}
command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null ||
	{ echo "packages: apt-get install build-essential debhelper, then again" >&2; exit 1; }
tar=$(ls -t build/waymark-*.tar.gz | head -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same folder each time: what is written of it is the same, too.
tar -xzf "$tar" -C "$work"
mkdir -p "$to"
(cd "$work"/waymark-*/ && dpkg-buildpackage -us -uc -b -j"${JOBS:-$(nproc)}" >"$work/log" 2>&1) || { tail -40 "$work/log" >&2; exit 1; }
rm -f "$to"/*.deb "$to"/*.changes "$to"/*.buildinfo
mv "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$to"
! grep -E 'warning: ' "$work/log" | grep -v -E 'dpkg-|dh_' || echo "packages: the compiler warned"
ls -l "$to"/*.deb
