#!/bin/sh
# layers.sh - the law of the floors: an include writes its folder and points to its own folder or a lower floor.
# Rooms on one floor do not know each other. Only daemon/ and tools/ include conf/. Libraries stay in their homes. No two
# files share a name. Files are read by one door. What answers a query neither allocates nor locks nor logs nor calls the kernel.
cd "$(dirname "$0")/.." || exit 2

find src -name '*.[ch]' | sort | xargs awk '
BEGIN {
	split("base=0 dns=1 geo=1 zone=2 steer=2 world=3 answer=4 probe=4 xfr=4 net=5 conf=6 ctl=6 daemon=7 tools=8", rows, " ")
	for (i in rows) { split(rows[i], r, "="); floor[r[1]] = r[2] }
	# A library and the files that may include its headers.
	home["ldns/"] = "^src/zone/(rdata_ldns|sign)"
	home["maxminddb.h"] = "^src/geo/mmdb"
	home["yaml.h"] = "^src/conf/parse"
	home["urcu"] = "^src/world/epoch"
	home["microhttpd.h"] = "^src/ctl/"
	home["curl/"] = "^src/(probe/check_http|tools/agent_http)"
	home["libmnl/"] = "^src/tools/agent_"
	home["jansson.h"] = "^src/(ctl|tools)/"
	home["ev.h"] = "^src/(net|probe|ctl|daemon|world|tools)/"
	home["openssl/"] = "^src/(zone/(nsec3|sign)|net/tls|dns/tsig|probe/)"
	home["sodium"] = "^src/(answer|daemon|zone|base|ctl|conf|tools)/"
}
FNR == 1 {
	n = split(FILENAME, me, "/"); room = me[2]; name = me[n]
	if (name in seen) wrong("another file has this name: " seen[name])
	seen[name] = FILENAME
	hot = FILENAME ~ /^src\/(answer\/|dns\/(query|edns|writer)|zone\/(lookup|denial|nsec3)\.|steer\/choose)/
}
hot && /[^a-z_](malloc|calloc|realloc|free|memory_[a-z]+|arena_[a-z]+|log_[a-z]+|pthread_[a-z_]+|send|recv|read|write|clock_gettime|die)\(/ {
	wrong("this is on the path of a packet: " $0)
}
# Files are opened for reading in base/file.c alone, where nobody waits for a pipe or reads without end; the others write, or name /dev/null.
FILENAME !~ /^src\/(base\/file|daemon\/decisions|probe\/check_exec|tools\/ctl_simulate)\.c$/ && !/^[ \t]*(\/?\*|\/\/)/ &&
/(^|[^A-Za-z0-9_>.])(fopen|freopen|open|open64|openat|creat)\(/ {
	wrong("files are opened by file_open() and its like: " $0)
}
function wrong(say) { printf "%s:%d: %s\n", FILENAME, FNR, say; bad = 1 }
/^#[ \t]*include[ \t]*"/ {
	split($0, q, "\""); n = split(q[2], part, "/")
	if (q[2] == "config.h") next
	if (n != 2) { wrong("include \"" q[2] "\" does not write its folder"); next }
	if (!(part[1] in floor)) { wrong("no room is called " part[1]); next }
	if (part[1] == room) next
	if (floor[part[1]] >= floor[room]) wrong(room "/ (floor " floor[room] ") includes " part[1] "/ (floor " floor[part[1]] ")")
	if (part[1] == "conf" && room != "daemon" && room != "tools") wrong("only daemon/ and tools/ include conf/")
}
/^#[ \t]*include[ \t]*</ {
	for (h in home)
		if (index($0, "<" h) && FILENAME !~ home[h]) wrong("<" h "...> is at home elsewhere")
}
END { exit bad }
' || { echo "layers: 0 passed, 1 failed"; exit 1; }
echo "layers: 1 passed, 0 failed"
