#!/bin/sh
# dnsmasq-add-subnet.sh - with add-subnet, dnsmasq never answers a client that sends a client subnet of its own.
#
# Package: dnsmasq-base 2.90 (Debian 12). Valid input: a query with an EDNS Client Subnet (RFC 7871), as "dig +subnet" or a
# stub resolver sends it. Behaviour: dnsmasq passes the client's subnet on, in place of the one that add-subnet would make;
# the server's answer echoes what it was asked (RFC 7871 section 7.2.1); dnsmasq holds that against the subnet that it would
# have made itself, finds another one, and drops the answer. The client waits in vain. A client without a subnet is answered.
#
# Runs on loopback, in a folder that it removes. Exit 0: it is still so; 1: it has changed; 2: it cannot be tried here.
set -eu

version=2.90-4~deb12u2
work=$(mktemp -d)
pids=
finish() { for p in $pids; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"; }
trap finish EXIT
cd "$work"

apt-get download "dnsmasq-base=$version" >/dev/null 2>&1 || { echo "version $version is not to be had here" >&2; exit 2; }
dpkg -x dnsmasq-base_*.deb root
LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu root/usr/sbin/dnsmasq --version | head -1

# An authoritative server that answers every A query with 192.0.2.1 and echoes the subnet with scope 24.
cat >auth.py <<'PY'
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 15353))
while True:
    q, who = s.recvfrom(4096)
    end = q.index(b"\0", 12) + 5
    opt, at = b"", end
    if struct.unpack("!H", q[10:12])[0] and q[at] == 0:
        rdata, i = q[at + 11:], 0
        while i + 4 <= len(rdata):
            code, n = struct.unpack("!HH", rdata[i:i + 4])
            if code == 8:
                data = bytearray(rdata[i + 4:i + 4 + n])
                print("asked with subnet", data.hex(), flush=True)
                data[3] = min(24, data[2])
                opt = struct.pack("!HH", 8, n) + bytes(data)
            i += 4 + n
    reply = q[:2] + b"\x84\x00" + struct.pack("!HHHH", 1, 1, 0, 1) + q[12:end]
    reply += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" + b"\0\0\x29\x04\xd0\0\0\0\0" + struct.pack("!H", len(opt)) + opt
    s.sendto(reply, who)
PY
python3 auth.py >auth.log &
pids="$pids $!"
LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu root/usr/sbin/dnsmasq -k --port=15354 --listen-address=127.0.0.1 --bind-interfaces \
	--no-resolv --no-hosts --conf-file=/dev/null --user="$(id -un)" --pid-file="$work/pid" --server=/test/127.0.0.1#15353 --add-subnet=24,56 2>dnsmasq.log &
pids="$pids $!"
sleep 1

ask() { dig @127.0.0.1 -p 15354 "$@" +short +tries=1 +timeout=2 2>&1 | grep -v '^;' || true; }
plain=$(ask a.test A)
with=$(ask b.test A +subnet=203.0.113.0/24)
direct=$(dig @127.0.0.1 -p 15353 c.test A +short +subnet=203.0.113.0/24 +tries=1 +timeout=2)
echo "without a subnet, through dnsmasq: ${plain:-no answer}"
echo "with a subnet, through dnsmasq:    ${with:-no answer}"
echo "with a subnet, asked directly:     ${direct:-no answer}"
cat auth.log
[ "$plain" = 192.0.2.1 ] && [ -z "$with" ] && [ "$direct" = 192.0.2.1 ] || { echo "this has changed"; exit 1; }
grep -q "asked with subnet 00011800cb0071" auth.log || { echo "the client's subnet was not passed on: this has changed"; exit 1; }
echo "dnsmasq asked with the client's subnet, got the answer, and dropped it"
