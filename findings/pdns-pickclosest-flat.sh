#!/bin/sh
# pdns-pickclosest-flat.sh - PowerDNS' pickclosest() measures distances on a flat map of degrees.
#
# Packages: pdns-server, pdns-backend-geoip 4.7.3 (Debian 12). Valid input: a LUA record with pickclosest() over two addresses, and a
# GeoIP2 City file with coordinates and accuracy radius of the client and of both. Behaviour: the distance is reckoned with
# latitudes and longitudes as if they were plane coordinates, so that it does not go across 180 degrees, and a degree of longitude is
# as long in the north as at the equator. A client in Fairbanks is sent to Denver (3,900 km) and not to Anadyr (1,600 km), which
# is 325 degrees away on that map.
#
# Runs on loopback, in a folder that it removes. Exit 0: it is still so; 1: it has changed; 2: it cannot be tried here.
set -eu

version=4.7.3-2
work=$(mktemp -d)
pids=
finish() { for p in $pids; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"; }
trap finish EXIT
cd "$work"

for p in pdns-server pdns-backend-geoip pdns-backend-bind libyaml-cpp0.7 libmaxminddb0 libgeoip1 libluajit-5.1-2 libluajit-5.1-common; do
	case $p in pdns-*) want="$p=$version" ;; *) want=$p ;; esac
	apt-get download "$want" >/dev/null 2>&1 || { echo "$want is not to be had here" >&2; exit 2; }
done
for f in *.deb; do dpkg -x "$f" root; done
export LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu"
root/usr/sbin/pdns_server --version 2>&1 | grep -o "PowerDNS Authoritative Server [0-9.]*"

# A GeoIP2 City file of three networks: records of 32 bits, IPv4 only (MaxMind DB format 2.0).
cat >mmdb.py <<'PY'
import struct, sys
def sized(kind, n, extra=b""):
    return bytes([kind << 5 | n]) + extra if n < 29 else bytes([kind << 5 | 29, n - 29]) + extra
def put(v):
    if isinstance(v, str): return sized(2, len(v)) + v.encode()
    if isinstance(v, float): return sized(3, 8) + struct.pack(">d", v)
    if isinstance(v, int): return sized(6, 4) + struct.pack(">I", v)
    if isinstance(v, tuple): return sized(5, 2) + struct.pack(">H", *v) if v[0] < 65536 else sized(0, 8, bytes([9 - 7])) + struct.pack(">Q", *v)
    if isinstance(v, list): return sized(0, len(v), bytes([11 - 7])) + b"".join(map(put, v))
    return sized(7, len(v)) + b"".join(put(k) + put(x) for k, x in v.items())
where = {"192.0.2.0": (39.7, -105.0, "US", "NA"), "198.51.100.0": (64.7, 177.5, "RU", "EU"), "203.0.113.0": (64.8, -147.7, "US", "NA")}
nodes, data = [[None, None]], b""
for net, (lat, lon, country, continent) in where.items():
    at, bits = 0, int.from_bytes(bytes(map(int, net.split("."))), "big")
    for i in range(23):
        bit = bits >> 31 - i & 1
        if nodes[at][bit] is None:
            nodes.append([None, None])
            nodes[at][bit] = len(nodes) - 1
        at = nodes[at][bit]
    nodes[at][bits >> 8 & 1] = ("data", len(data))
    data += put({"country": {"iso_code": country}, "continent": {"code": continent},
                 "location": {"latitude": lat, "longitude": lon, "accuracy_radius": (10,)}})
n = len(nodes)
to = lambda x: n if x is None else n + 16 + x[1] if isinstance(x, tuple) else x
meta = {"binary_format_major_version": (2,), "binary_format_minor_version": (0,), "build_epoch": (1700000000,), "database_type": "GeoIP2-City",
        "description": {"en": "three"}, "ip_version": (4,), "languages": ["en"], "node_count": n, "record_size": (32,)}
open(sys.argv[1], "wb").write(b"".join(struct.pack(">II", *map(to, x)) for x in nodes) + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + put(meta))
PY
python3 mmdb.py three.mmdb

mkdir geo
cat >zone <<'Z'
$ORIGIN a.test.
$TTL 60
@ SOA ns1 host 1 7200 900 1209600 60
@ NS ns1
ns1 A 127.0.0.1
www LUA A "pickclosest({'192.0.2.1','198.51.100.1'})"
Z
cat >named.conf <<C
zone "a.test" { type native; file "$work/zone"; };
C
printf 'domains: []\n' >geo/zones.yaml
cat >pdns.conf <<C
launch=bind,geoip
module-dir=$work/root/usr/lib/x86_64-linux-gnu/pdns
bind-config=$work/named.conf
geoip-database-files=mmdb:$work/three.mmdb
geoip-zones-file=$work/geo/zones.yaml
enable-lua-records=yes
edns-subnet-processing=yes
local-address=127.0.0.1
local-port=15355
socket-dir=$work
guardian=no
daemon=no
disable-syslog=yes
cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
C
root/usr/sbin/pdns_server --config-dir="$work" >pdns.log 2>&1 &
pids="$pids $!"
got=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.5
	got=$(dig @127.0.0.1 -p 15355 www.a.test A +short +subnet=203.0.113.0/24 +tries=1 +timeout=1 2>/dev/null | grep -v '^;' || true)
	[ -n "$got" ] && break
done
[ -n "$got" ] || { cat pdns.log >&2; exit 2; }
near=$(dig @127.0.0.1 -p 15355 www.a.test A +short +subnet=198.51.100.0/24 +tries=1 +timeout=1)
echo "a client in Anadyr gets    $near (Anadyr: 198.51.100.1)"
echo "a client in Fairbanks gets $got (Denver: 192.0.2.1; Anadyr, nearer: 198.51.100.1)"
[ "$near" = 198.51.100.1 ] && [ "$got" = 192.0.2.1 ] || { echo "this has changed"; exit 1; }
