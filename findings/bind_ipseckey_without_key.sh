#!/bin/sh
# bind_ipseckey_without_key.sh - BIND 9.18.49 does not load a zone with an IPSECKEY record that has no public key.
#
# RFC 4025 section 2.4: "A value of 0 indicates that no key is present." NSD 4.6.1 and Knot 3.2.6 take such a record; named-checkzone of Debian's bind9-utils 1:9.18.49-1~deb12u3 says
#     dns_rdata_fromtext: zone:4: near eol: unexpected end of input
# and refuses the whole zone. So does the wire form: TYPE45 \# 7 0a 01 00 c0000226.
#
# Needs apt (Debian 12) with its network. Exits with 0 while BIND behaves so.
set -e
VERSION=1:9.18.49-1~deb12u3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root "bind9-utils=$VERSION" "bind9-libs=$VERSION" >/dev/null
for deb in *.deb; do dpkg -x "$deb" root; done
LD_LIBRARY_PATH=$(dirname "$(find "$PWD/root" -name 'libisc-*.so' | head -1)"):$LD_LIBRARY_PATH
export LD_LIBRARY_PATH
check=root/usr/bin/named-checkzone
[ -x $check ] || check=root/usr/sbin/named-checkzone

# said RECORD: what named-checkzone says of a zone with that record.
said() {
	printf '$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns.example.net.\nwww IPSECKEY %s\n' "$1" > zone
	$check example.com zone 2>&1 || true
}

said '10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==' | tee with | grep -q '^OK$'
for record in '10 1 0 192.0.2.38' '10 0 0 .' '\# 7 0a 01 00 c0000226'; do
	said "$record" > without
	cat without
	grep -q 'unexpected end of input' without
	grep -q 'not loaded due to errors' without
done
echo "BIND $VERSION refuses IPSECKEY records without a public key (RFC 4025 section 2.4)"
