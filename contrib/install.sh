#!/bin/sh
# install.sh install|uninstall - what "make install" and "make uninstall" do.
#
# A whole server: programs, manual pages, units, the user, its folders, and a configuration that can be started as it is.
# What an operator may have changed (/etc/waymark, /var/lib/waymark) is never written over and never taken away. With
# DESTDIR, for packages, nothing outside of it is touched; who installs without root gets the files and no user.
set -eu
umask 022

here=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-build}
case $build in /*) ;; *) build=$here/$build ;; esac
prefix=${PREFIX:-/usr/local}
etc=${SYSCONFDIR:-/etc}/waymark
lib=${LOCALSTATEDIR:-/var}/lib/waymark
run=${RUNSTATEDIR:-/run}/waymark
dest=${DESTDIR:-}
share=$prefix/share/waymark
doc=$prefix/share/doc/waymark
units=$prefix/lib/systemd/system
user=waymark
PATH=$PATH:/usr/sbin:/sbin

programs="waymarkd waymarkctl waymark-agent"
docs="README.md SECURITY.md CHANGES.md LICENSE"
examples="waymark.yaml agent.yaml beacon.js waymarkd.service waymarkd.socket waymark-agent.service"

say() { echo "install: $*"; }

# Of this machine, by root: only then is there somebody to give things to.
whole() { [ -z "$dest" ] && [ "$(id -u)" = 0 ]; }

# Paths of this installation in place of the usual ones.
fit() {
	sed -e "s|/usr/local/sbin|$prefix/sbin|g" -e "s|/etc/waymark|$etc|g" -e "s|/var/lib/waymark|$lib|g" \
		-e "s|/run/waymark|$run|g" "$1"
}

put() { # FILE TO MODE
	fit "$1" >"$dest$2.new"
	chmod "$3" "$dest$2.new"
	mv -f "$dest$2.new" "$dest$2"
}

# Of contrib/waymark.yaml: the example as it starts on this machine, on a port that no other nameserver has.
configuration() {
	sed -e '1,2d' \
		-e "s|listen: .*|listen: [ \"127.0.0.1:5300\" ]    # for the world: [ \"0.0.0.0:53\", \"[::]:53\" ]|" \
		-e "s|^control: .*|control: { socket: $run/control.sock, state: $lib/state }|" \
		-e "s|file: \.\./geoip/|file: $share/|" -e "s|dir: \.\./zones|dir: zones|" "$here/contrib/waymark.yaml" |
		sed "1i\\
# Waymark's configuration: an example that works. Put your own in its place; \"waymarkctl keys\" tells every key,\\
# \"waymarkctl check\" whether it is right. Relative paths start at this file's folder."
}

make_user() {
	getent passwd $user >/dev/null 2>&1 && return
	if command -v useradd >/dev/null; then
		group=--user-group
		! getent group $user >/dev/null || group="--gid $user"
		# shellcheck disable=SC2086
		useradd --system $group --no-create-home --home-dir "$lib" --shell /usr/sbin/nologin $user
	elif command -v adduser >/dev/null; then
		adduser -S -D -H -h "$lib" $user
	else
		say "there is no useradd: create the user \"$user\" yourself" >&2
		return
	fi
	say "created the user \"$user\""
}

# An operator's files: only where there are none.
install_etc() {
	mkdir -p "$dest$etc" "$dest$lib" "$dest$run"
	if [ -e "$dest$etc/waymark.yaml" ]; then
		say "$etc/waymark.yaml is there and stays as it is"
	else
		if [ ! -e "$dest$etc/zones" ]; then
			mkdir "$dest$etc/zones"
			cp "$here"/zones/*.zone "$dest$etc/zones/"
			chmod 644 "$dest$etc"/zones/*.zone
		fi
		configuration >"$dest$etc/waymark.yaml"
		chmod 640 "$dest$etc/waymark.yaml"              # it may come to hold secrets
	fi
	if whole; then
		chown root:$user "$etc/waymark.yaml" 2>/dev/null || chmod 644 "$etc/waymark.yaml"
		chown $user:$user "$lib" "$run" 2>/dev/null || true
		chmod 750 "$lib" "$run"
	fi
}

do_install() {
	for d in sbin share/man/man5 share/man/man8 share/waymark share/doc/waymark lib/systemd/system lib/sysusers.d lib/tmpfiles.d \
		share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d; do
		install -d "$dest$prefix/$d"
	done
	for p in $programs; do install -m 755 "$build/$p" "$dest$prefix/sbin/"; done
	install -m 644 "$here"/man/*.5 "$dest$prefix/share/man/man5/"
	install -m 644 "$here"/man/*.8 "$dest$prefix/share/man/man8/"
	"$build/waymarkctl" completion bash >"$dest$prefix/share/bash-completion/completions/waymarkctl"
	"$build/waymarkctl" completion zsh >"$dest$prefix/share/zsh/site-functions/_waymarkctl"
	"$build/waymarkctl" completion fish >"$dest$prefix/share/fish/vendor_completions.d/waymarkctl.fish"
	install -m 644 "$here/geoip/city.mmdb" "$here/geoip/README.md" "$dest$share/"
	for f in $docs; do install -m 644 "$here/$f" "$dest$doc/"; done
	for f in $examples; do install -m 644 "$here/contrib/$f" "$dest$doc/"; done
	install -d "$dest$doc/doc"      # where README.md looks for it
	install -m 644 "$here"/doc/* "$dest$doc/doc/"
	put "$here/contrib/waymarkd.service" "$units/waymarkd.service" 644
	put "$here/contrib/waymark-agent.service" "$units/waymark-agent.service" 644
	echo "u $user - \"Waymark nameserver\" $lib" >"$dest$prefix/lib/sysusers.d/waymark.conf"
	echo "d $run 0750 $user $user -" >"$dest$prefix/lib/tmpfiles.d/waymark.conf"
	echo "d $lib 0750 $user $user -" >>"$dest$prefix/lib/tmpfiles.d/waymark.conf"
	! whole || make_user
	if [ -n "$dest" ] || [ "$(id -u)" = 0 ] || [ -w "$(dirname "$etc")" ]; then
		install_etc
	else
		say "not root: no user and no $etc (SYSCONFDIR=, LOCALSTATEDIR= and RUNSTATEDIR= say where else)"
	fi
	whole || return 0
	[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
	say "done. Try it: $prefix/sbin/waymarkctl check; then systemctl start waymarkd, or $prefix/sbin/waymarkd -c $etc/waymark.yaml;"
	say "      dig @127.0.0.1 -p 5300 www.example.com"
}

do_uninstall() {
	if whole && [ -d /run/systemd/system ]; then
		systemctl disable --now waymarkd waymark-agent 2>/dev/null || true
	fi
	for p in $programs; do rm -f "$dest$prefix/sbin/$p"; done
	for f in "$here"/man/*.[58]; do rm -f "$dest$prefix/share/man/man${f##*.}/${f##*/}"; done
	rm -f "$dest$prefix/share/bash-completion/completions/waymarkctl" "$dest$prefix/share/zsh/site-functions/_waymarkctl" \
		"$dest$prefix/share/fish/vendor_completions.d/waymarkctl.fish"
	rm -rf "$dest$prefix/share/doc/waymark" "$dest$prefix/share/waymark"
	rm -f "$dest$units/waymarkd.service" "$dest$units/waymark-agent.service" \
		"$dest$prefix/lib/sysusers.d/waymark.conf" "$dest$prefix/lib/tmpfiles.d/waymark.conf"
	rmdir "$dest$run" 2>/dev/null || true
	for d in "$etc" "$lib"; do
		[ ! -e "$dest$d" ] || say "left as it is: $d"
	done
	! getent passwd $user >/dev/null 2>&1 || ! whole || say "left as it is: the user \"$user\""
}

case ${1:-} in
install) do_install ;;
uninstall) do_uninstall ;;
*) echo "usage: install.sh install|uninstall" >&2; exit 2 ;;
esac
