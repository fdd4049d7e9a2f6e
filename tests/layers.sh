#!/bin/sh
# layers.sh - the law of the floors: an include writes its folder and points to its own folder or a lower floor.
# Rooms on one floor do not know each other, but measure/ may ask geo/. Only daemon/, simulate/, import/ and tools/ include conf/.
# Libraries stay in their homes. No two files share a name, and no static function is called like a file of another room.
# Files are read by one door. What answers a query neither allocates nor locks nor logs nor calls the kernel.
cd "$(dirname "$0")/.." || exit 2

find src -name '*.[ch]' | sort | xargs awk '
BEGIN {
	split("base=0 dns=1 geo=1 measure=1 zone=2 steer=2 world=3 store=3 answer=4 probe=4 agent=4 jobs=4 net=5 conf=6 xfr=6 fleet=6 report=7 simulate=7 import=7 console=8 web=9 daemon=10 tools=11", rows, " ")
	for (i in rows) { split(rows[i], r, "="); floor[r[1]] = r[2] }
	# A library and the files that may include its headers.
	home["ldns/"] = "^src/zone/(rdata_ldns|sign)"
	home["maxminddb.h"] = "^src/geo/mmdb"
	home["yaml.h"] = "^src/conf/parse"
	home["urcu"] = "^src/world/epoch"
	home["microhttpd.h"] = "^src/web/"
	home["sqlite3.h"] = "^src/store/"
	home["nettle/"] = "^src/dns/tsig"
	home["curl/"] = "^src/tools/agent_http"
	home["ares.h"] = "^src/probe/resolver"
	home["nghttp2/"] = "^src/(net|probe)/"
	home["idn2.h"] = "^src/conf/"
	home["hiredis/"] = "^src/fleet/redis"
	home["libmnl/"] = "^src/tools/agent_"
	home["pcre2.h"] = "^src/probe/regex"
	home["jansson.h"] = "^src/(probe/json_path|(agent|fleet|store|report|simulate|console|web|tools)/|import/to_route53)"
	home["ev.h"] = "^src/(net|xfr|fleet|probe|jobs|console|web|daemon|world|tools)/"
	home["ngtcp2/"] = "^src/net/quic"
	home["gnutls/"] = "^src/net/quic"
	home["xdp/"] = "^src/net/xdp_"
	home["bpf/"] = "^src/net/(xdp_device|xdp_tables|bpf/)"
	home["openssl/"] = "^src/(base/tls_files|zone/(nsec3|sign|zonemd)|net/tls|dns/tsig|probe/)"
	home["sodium"] = "^src/(answer|xfr|fleet|daemon|zone|base|agent|conf|tools|web)/"
}
FNR == 1 {
	n = split(FILENAME, me, "/"); room = me[2]; name = me[n]
	if (name in seen) wrong("another file has this name: " seen[name])
	seen[name] = FILENAME
	hot = FILENAME ~ /^src\/(answer\/|dns\/(query|edns|writer)|zone\/(lookup|denial|nsec3)\.|steer\/choose)/
}
FNR == 1 && name ~ /\.c$/ { room_of[substr(name, 1, length(name) - 2)] = room }
/^static / && match($0, /[a-z_][a-z0-9_]*\(/) {
	called[substr($0, RSTART, RLENGTH - 1) SUBSEP room SUBSEP FILENAME] = FILENAME ":" FNR
}
hot && /[^a-z_](malloc|calloc|realloc|free|memory_[a-z]+|arena_[a-z]+|log_[a-z]+|pthread_[a-z_]+|send|recv|read|write|clock_gettime|die)\(/ {
	wrong("this is on the path of a packet: " $0)
}
# Files are opened for reading in base/file.c alone, where nobody waits for a pipe or reads without end; the others write, or name /dev/null.
FILENAME !~ /^src\/(base\/file|daemon\/(line_file|watchdog)|base\/(launched|kept|landlock)|store\/store_copy|tools\/ctl_simulate)\.c$/ && !/^[ \t]*(\/?\*|\/\/)/ &&
/(^|[^A-Za-z0-9_>.])(fopen|freopen|open|open64|openat|creat)\(/ {
	wrong("files are opened by file_open() and its like: " $0)
}
function wrong(say) { printf "%s:%d: %s\n", FILENAME, FNR, say; bad = 1 }
/^#[ \t]*include[ \t]*"/ {
	split($0, q, "\""); n = split(q[2], part, "/")
	if (q[2] == "config.h") next
	if (n != 2 && q[2] !~ /^net\/bpf\/[^\/]*$/) { wrong("include \"" q[2] "\" does not write its folder"); next }
	if (!(part[1] in floor)) { wrong("no room is called " part[1]); next }
	if (part[1] == room) next
	if (room == "measure" && part[1] == "geo") next
	if (floor[part[1]] >= floor[room]) wrong(room "/ (floor " floor[room] ") includes " part[1] "/ (floor " floor[part[1]] ")")
	if (part[1] == "conf" && room !~ /^(daemon|simulate|import|tools)$/) wrong("only daemon/, simulate/, import/ and tools/ include conf/")
}
/^#[ \t]*include[ \t]*</ {
	for (h in home)
		if (index($0, "<" h) && FILENAME !~ home[h]) wrong("<" h "...> is at home elsewhere")
}
END {
	for (f in called) {
		split(f, who, SUBSEP)
		if (who[1] in room_of && room_of[who[1]] != who[2]) {
			printf "%s: %s() is called like a file of %s/\n", called[f], who[1], room_of[who[1]]
			bad = 1
		}
	}
	exit bad
}
' || { echo "layers: 0 passed, 1 failed"; exit 1; }
echo "layers: 1 passed, 0 failed"
