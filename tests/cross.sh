#!/bin/bash
# cross.sh ARCH [SUITE...] - the unit tests of base, dns, geo and zone on another kind of processor, by qemu-user: of zone images and all that
# they are made of. ARCH is one of Debian's: s390x has the highest byte in front, arm64 the
# lowest; i386 and armhf have words of 32 bits, and are compiled as configure has it there.
#
# Wants the packages mmdebstrap, qemu-user-static and the compiler of that kind (gcc-s390x-linux-gnu, gcc-aarch64-linux-gnu, gcc-i686-linux-gnu, gcc-arm-linux-gnueabihf).
# The libraries are those of Debian, unpacked into a folder; nothing is installed.
set -eu
cd "$(dirname "$0")/.."

arch=${1:?an architecture of Debian}
shift
narrow="-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64"
case $arch in
arm64) kind=aarch64-linux-gnu cpu=aarch64 widths= ;;
armhf) kind=arm-linux-gnueabihf cpu=arm widths=$narrow ;;
i386) kind=i686-linux-gnu cpu=i386 widths="$narrow -msse2 -mfpmath=sse" ;;
*) kind=$arch-linux-gnu cpu=$arch widths= ;;
esac
qemu=qemu-$cpu-static
lib=${kind/i686/i386}
for program in mmdebstrap "$kind-gcc" "$qemu"; do
	command -v "$program" >/dev/null || { echo "cross: skipped: there is no $program"; exit 0; }
done
to=${BUILD:-build}/cross/$arch
root=${CROSS_ROOT:-$to/root}
mkdir -p "$to"
to=$(realpath "$to")
[ -d "$root/usr/include/sodium" ] ||
	mmdebstrap --quiet --architectures="$arch" --variant=extract \
		--include=libc6-dev,libgcc-s1,libldns-dev,libmaxminddb-dev,libsodium-dev,libssl-dev,nettle-dev,libev-dev,libcunit1-dev,zlib1g bookworm "$root"
root=$(realpath "$root")

rooms="base dns geo zone"
flags="-std=gnu11 -O1 -ffp-contract=off -D_GNU_SOURCE $widths -Isrc -Itests -I$to -isystem $root/usr/include -isystem $root/usr/include/$lib"
cp "${BUILD:-build}/config.h" "$to/config.h"
sources=$(for room in $rooms; do echo src/$room/*.c tests/unit/$room/*.c; done; echo tests/unit/*.c)
for f in $sources; do
	case $f in tests/unit/*/test_*) n=${f##*/test_}; echo "SUITE(${n%.c})" ;; esac
done >"$to/suites.h"

objects=
for f in $sources; do
	o=$to/${f//\//_}.o
	objects="$objects $o"
	[ "$o" -nt "$f" ] || printf '%s %s\n' "$f" "$o"
done | xargs -r -P 2 -n 2 sh -c "$kind-gcc $flags -c -o \"\$1\" \"\$0\""
for f in $sources; do objects="$objects $to/${f//\//_}.o"; done
wraps=$(printf -- '-Wl,--wrap=%s ' malloc calloc realloc aligned_alloc free strdup strndup mmap mmap64 mremap munmap pthread_create pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_mutex_destroy)
libraries=$(for l in ldns maxminddb sodium ssl crypto nettle ev cunit; do echo "$root/usr/lib/$lib/lib$l.so"; done)
# shellcheck disable=SC2086
"$kind-gcc" --sysroot="$root" -B"$root/usr/lib/$lib" $wraps -o "$to/unit" $objects $libraries -Wl,-rpath-link,"$root/usr/lib/$lib:$root/lib/$lib" -lm -lpthread
echo "cross: $arch: $(file -b "$to/unit" | cut -d, -f1-2)"
exec "$qemu" -L "$root" "$to/unit" "$@"
