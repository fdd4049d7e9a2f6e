# fetch.sh - get one of the packages in sources.txt; for the scripts beside it, which source it.
#
# They set `here` to this folder and `latest` to "yes" to take the newest version instead of the pinned one.

trash=()
trap 'rm -rf "${trash[@]}"' EXIT

# Sets `made` to a new folder in $1 that goes away when the script ends.
scratch()
{
	made=$(mktemp -d "$1/.waymark.XXXXXX") || die "cannot write to $1"
	trash+=("$made")
}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

need()
{
	command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"
}

# fetch PACKAGE DIR FILE...: unpacks the named files of a package into DIR, once its checksum is right. npm by itself
# compares what it gets with what the registry promises; the pin makes that promise ours.
fetch()
{
	local package=$1 dir=$2 version sum got file tmp
	shift 2
	read -r version sum < <(awk -v p="$package" '$1 == p { print $2, $3 }' "$here/sources.txt") ||
		die "$package is not in $here/sources.txt"
	[ "$latest" = yes ] && version=latest
	scratch "$dir"
	tmp=$made

	echo "fetching $package@$version" >&2
	(cd "$tmp" && npm pack --loglevel=error --ignore-scripts "$package@$version" >/dev/null 2>npm.err) || {
		grep -iv '^npm warn' "$tmp/npm.err" >&2 || true
		[ "$latest" = yes ] && die "npm could not get $package"
		die "npm could not get $package@$version; if the registry no longer has that version, --latest takes the newest"
	}
	got=$(cat "$tmp"/*.tgz | sha256sum | cut -d' ' -f1)
	if [ "$latest" = yes ]; then
		echo "got $(cd "$tmp" && echo *.tgz), SHA-256 $got, not compared with a pin" >&2
	elif [ "$got" != "$sum" ]; then
		die "$package@$version has SHA-256 $got, but sources.txt says $sum"
	fi
	for file; do
		tar xzf "$tmp"/*.tgz -C "$tmp" "package/$file" || die "$package has no file $file"
		mv "$tmp/package/$file" "$dir/$file"
	done
	rm -rf "$tmp"
}
