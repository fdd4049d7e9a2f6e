#!/bin/sh
# dist.sh - the sources of the commit as build/waymark-VERSION.tar.gz, with a configure, so that autoconf and git are not
# needed to build. The same commit gives the same bytes.
set -eu
umask 022
cd "$(dirname "$0")/.."

version=$(sed -n 's/^AC_INIT(\[waymark\], \[\(.*\)\])$/\1/p' configure.ac)
name=waymark-$version
rm -rf build/dist
mkdir -p "build/dist/$name"
if [ -d .git ] || [ -f .git ]; then
	epoch=$(git log -1 --format=%ct)
	git archive --format=tar HEAD | tar -xf - -C "build/dist/$name"
else
	# Of such a file itself.
	epoch=$(stat -c %Y configure.ac)
	tar -cf - --exclude=./build --exclude=./autom4te.cache . | tar -xf - -C "build/dist/$name"
fi
(cd "build/dist/$name" && { [ -f configure ] || autoconf; } && rm -rf autom4te.cache)
# The console's page as it was built here, so that npm is not needed either.
if grep -q 'file_0' build/page/page_files.c 2>/dev/null; then
	cp build/page/page_files.c "build/dist/$name/src/web/page/built.c"
else
	rm -f "build/dist/$name/src/web/page/built.c"
	echo "dist: without the console's page, for it is not built here (make page)" >&2
fi
tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$epoch" --format=gnu -cf - -C build/dist "$name" |
	gzip -9n >"build/$name.tar.gz"
echo "dist: build/$name.tar.gz"
