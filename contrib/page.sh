#!/bin/sh
# page.sh OUT.c - the console's page as C, for make. With npm it is built from src/web/page, in build/page, with the packages
# of its package-lock.json and no other. Where it was built before ("make dist" makes src/web/page/built.c), that is taken.
# Without npm, or when npm does not answer within seconds, the table is empty: all else is built, and the server says so.
# PAGE=no does not ask npm.
set -u
cd "$(dirname "$0")/.." || exit 2
out=$1 from=src/web/page work=build/page

without() {
	echo "  page built without the console: $1" >&2
	printf '#include "web/page.h"\n\nconst struct page_file page_files[] = { { 0 } };\n' >"$out.new" && mv "$out.new" "$out"
	exit 0
}

mkdir -p "$work"
if [ -e "$from/built.c" ]; then
	cp "$from/built.c" "$out.new" && mv "$out.new" "$out"
	exit
fi
[ "${PAGE:-}" != no ] || without "PAGE=no"
command -v npm >/dev/null && command -v node >/dev/null || without "there is no npm (Debian: apt-get install npm; then: make page)"

rm -rf "$work/src" "$work/style"
cp -r "$from/src" "$from/style" "$from/build.mjs" "$from/index.html" "$from/icon.svg" "$from/package.json" "$work/" || exit 1
if [ ! -d "$work/node_modules" ] || ! cmp -s "$from/package-lock.json" "$work/package-lock.json"; then
	cp "$from/package-lock.json" "$work/"
	(cd "$work" && timeout 60 npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0 --fetch-timeout=8000 \
		>npm.log 2>&1) || { rm -rf "$work/node_modules" "$work/package-lock.json"; without "npm does not answer ($work/npm.log; later: make page)"; }
fi
# What fails behind this is the page's own fault.
(cd "$work" && node -e 'import("esbuild").then(e => e.transform("1")).catch(() => process.exit(1))' >node.log 2>&1) ||
	without "esbuild does not run by this node, $(node --version) ($work/node.log; it wants 18)"
(cd "$work" && node build.mjs page.c) || exit 1
mv "$work/page.c" "$out"
