#!/bin/sh
# deps.sh [tests] [quic] [xdp] - install the Debian packages that Waymark is built (and with "tests": tested) with; with "quic" and "xdp"
# those of "./configure --with-quic --with-xdp", too.
# Does nothing when all are there. Needs apt and root (or sudo); says so where they are missing.
set -u

build="autoconf pkg-config libldns-dev libmaxminddb-dev libev-dev liburcu-dev libyaml-dev libsodium-dev libjansson-dev libpcre2-dev libssl-dev libc-ares-dev libnghttp2-dev libidn2-dev libcurl4-openssl-dev libmicrohttpd-dev nettle-dev libsqlite3-dev libmnl-dev libhiredis-dev"
tests="tzdata libcunit1-dev bind9-dnsutils python3 openssl iproute2 iputils-ping"

want=$build
for also; do
	case $also in
	tests) want="$want $tests" ;;
	quic) want="$want libngtcp2-dev libngtcp2-crypto-gnutls-dev libgnutls28-dev" ;;
	xdp) want="$want libxdp-dev libbpf-dev clang" ;;
	esac
done

command -v dpkg-query >/dev/null 2>&1 || {
	echo "deps: this is no Debian system. Install these, by the names they have there, and run ./configure:" >&2
	echo "  $want" >&2
	exit 1
}

missing=
for p in $want; do
	case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
	*" installed") ;;
	*) missing="$missing $p" ;;
	esac
done
# pkgconf provides pkg-config under another package's name.
command -v pkg-config >/dev/null 2>&1 && missing=$(echo "$missing" | sed 's/ pkg-config\b//')
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
	root=$(command -v sudo) || {
		echo "deps: these packages are missing and we are not root; as root, run:" >&2
		echo "  apt-get install$missing" >&2
		exit 1
	}
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$root apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
	{ $root apt-get update -q >/dev/null && $root apt-get install -y --no-install-recommends $missing; } >&2 ||
	{ echo "deps: apt-get could not install$missing" >&2; exit 1; }
