"""The API: what waymarkctl can, for programs that have a token."""
import contextlib
import errno
import fcntl
import grp
import gzip
import http.client
import json
import os
import pty
import pwd
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import urllib.parse

import octodns_like
from edges import until
from lib import *

CONFIG = """control: { socket: control.sock }
management: { listen: "127.0.0.1:%%d", api: %%s }
store: { file: waymark.db }
geoip: { city: { file: %s/geoip/city.mmdb } }
edges: { ams1: { at: "52,5", a: [ 192.0.2.1 ] }, nyc1: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams1, nyc1 ] } }
templates: { hosted: { write-back: store, nameservers: [ ns1.a.test ] } }
""" % TOP
ZONE = "$TTL 60\n@ SOA ns1 host 7 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww EDGE web\n"


class Api(Server):
    def __init__(self, on="on"):
        super().__init__({"a.test": ZONE}, start=False)
        self.management = free_port()
        body = CONFIG % (self.management, on)
        self.configure(body.replace("control: { socket: control.sock }\n", ""), "[ { name: a.test, file: zones/a.test.zone, write-back: store } ]")
        self.start()

    def token(self, name, *words):
        code, text = self.ctl("token", "add", name, *words)
        same(code, 0, text)
        return text.split("\n")[0]

    def call(self, token, method, path, body=None, raw=None):
        """The status, and the answer: JSON taken apart, or text."""
        c = http.client.HTTPConnection("127.0.0.1", self.management, timeout=60 * SLOW)
        c.request(method, "/api/v1" + path, raw if raw is not None else None if body is None else json.dumps(body),
                  {"Authorization": "Bearer " + token} if token else {})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        return r.status, json.loads(text) if r.getheader("Content-Type") == "application/json" else text


def get(port, path, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * SLOW)
    c.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    r = c.getresponse()
    body = r.read()
    c.close()
    return r, body


def records(*rows):
    return [dict(zip(("owner", "type", "data", "ttl"), r)) for r in rows]


@claim("a change set is served when it is answered, all of it or nothing; an edge is drained by who may; all that changes is written down")
def changes():
    with Api() as s:
        admin, read, zones = s.token("ci", "--role", "admin"), s.token("eye", "--role", "read"), s.token("acme", "--role", "zones", "--zones", "*.test", "--for", "90d")
        same(s.call(zones, "POST", "/zones/a.test/changes", {"serial": 7, "set": records(("new", "A", "192.0.2.9", 60), ("t", "TXT", '"a b"'))}),
             (200, {"said": "a.test.: serial 8\n"}))
        same((s.udp("new.a.test").addresses(), s.udp("t.a.test", "TXT").answer[0][3] if s.udp("t.a.test", "TXT").answer else None)[0], ["192.0.2.9"])
        same(s.call(zones, "POST", "/zones/a.test/changes", {"serial": 7, "set": records(("x", "A", "192.0.2.9"))})[0], 409, "of another serial:")
        code, o = s.call(zones, "POST", "/zones/a.test/changes", {"set": records(("ok", "A", "192.0.2.9"), ("bad", "A", "192.0.2.999"))})
        same((code, "192.0.2.999 is not an IPv4 address" in o["error"], o["in"], o["record"], s.udp("ok.a.test").rcode), (409, True, "set", 2, 3))
        code, o = s.call(zones, "POST", "/zones/a.test/changes", {"unset": [{"owner": "new"}], "set": records(("y", "A", "192.0.2.8")), "dry_run": True})
        same((code, o["said"].split("\n")[0][:2], s.udp("new.a.test").addresses()), (200, "- ", ["192.0.2.9"]))
        same(s.call(zones, "POST", "/zones/a.test/changes", {"unset": [{"owner": "new"}]})[0], 200)
        same((s.udp("new.a.test").rcode, s.udp("t.a.test", "TXT").rcode), (3, 0))
        same([s.call(t, "POST", "/edges/ams1/force", {"state": "down", "why": "by ci", "for": "1h"})[0] for t in (read, zones, admin)], [403, 403, 200])
        until(lambda: s.udp("www.a.test", options=ecs("145.100.0.0/24")).addresses() == ["192.0.2.2"], 20)
        same([(c["edge"], c["who"], c["why"]) for c in s.call(read, "GET", "/changes")[1]], [("ams1", "token ci", "by ci")])
        same((s.call(zones, "GET", "/zones/a.test")[0], s.call(zones, "GET", "/zones")[0], s.call(zones, "GET", "/zones/a.other")[0]), (200, 403, 403))
        same((s.call(admin, "POST", "/zones", {"name": "n.test", "template": "hosted"})[0], s.udp("n.test", "SOA").rcode), (200, 0))
        same([z["zone"] for z in s.call(read, "GET", "/zones?limit=1&after=a.test")[1]], ["n.test."])
        same([[z["zone"] for z in s.call(read, "GET", "/zones?match=" + m)[1]] for m in ("N.te", "test", "no")], [["n.test."], ["a.test.", "n.test."], []])
        same([(lambda o: (o["name"], o["role"], o["zones"]))(s.call(t, "GET", "/token")[1]) for t in (read, zones)], [("eye", "read", ""), ("acme", "zones", "*.test")])
        same((s.call(read, "GET", "/tokens")[0], [t["name"] for t in s.call(admin, "GET", "/tokens")[1]]), (403, ["ci", "eye", "acme"]))
        same(s.call(zones, "GET", "/zones/a.test/status")[1]["serial"], 9)
        gone, come = ({"owner": "new.a.test.", "ttl": 60, "type": "A", "data": "192.0.2.9"}, {"owner": "t.a.test.", "ttl": 60, "type": "TXT", "data": '"a b"'})
        same([(h["serial"], h["gone"], h["come"]) for h in s.call(zones, "GET", "/zones/a.test/history?last=2")[1]], [(9, [gone], []), (8, [], [gone, come])])
        same((s.ctl("zone", "history", "a.test", "--last", "1")[1].split("\n")[1], s.call(zones, "GET", "/zones/a.test/history?last=0")[0]), ("- new.a.test. 60 IN A 192.0.2.9", 400))
        same((s.call(admin, "DELETE", "/zones/n.test?purge=true")[0], s.udp("n.test", "SOA").rcode), (200, 5))
        same("www\t60\tIN\tEDGE web" in s.call(read, "GET", "/zones/a.test/records")[1], True)
        same(s.ctl("token", "revoke", "eye")[0], 0)
        same((s.call(read, "GET", "/status")[0], s.call("wm_x", "GET", "/status")[0], s.call(None, "GET", "/status")[0]), (401, 401, 401))
        until(lambda: any(a["what"].startswith("token revoke") for a in s.call(admin, "GET", "/audit?last=100")[1]), 20)
        audit = [(a["who"], a["what"], a["done"]) for a in s.call(admin, "GET", "/audit?last=100")[1]]
        said = [a["said"] for a in s.call(admin, "GET", "/audit?last=100")[1] if a["what"].startswith("token add")]
        same((len(said), set(said)), (3, {""}), "a token is written down nowhere:")
        was = [(a["what"], (a["before"], a["after"])) for a in s.call(admin, "GET", "/audit?last=100")[1] if a["done"]]
        same([[b for w, b in was if w == what] for what in ("force ams1 down --for 1h --why by ci", "zone commit a.test", "token revoke eye", "zone remove n.test --purge")],
             [[("auto", "down")], [("serial 8, ready", "serial 9, ready"), ("serial 7, ready", "serial 8, ready")], [("role read", "none")],
              [("serial 1, ready, template hosted", "none")]], "what was before and after:")
        for line in (("token ci", "force ams1 down --for 1h --why by ci", True), ("token acme", "zone set a.test bad A 192.0.2.999", False),
                     ("token acme", "zone commit a.test", True), ("token ci", "zone remove n.test --purge", True)):
            same(line in audit, True, "%r in %r" % (line, audit))
        same([a[1] for a in audit if "token revoke eye" in a[1]], ["token revoke eye"])
        same(s.call(zones, "POST", "/tokens", {"name": "more", "role": "read"})[0], 403)
        code, o = s.call(admin, "POST", "/tokens", {"name": "more", "role": "read", "for": "1d"})
        more = o["said"].split("\n")[0]
        same((code, s.call(more, "GET", "/token")[1]["name"]), (200, "more"))
        until(lambda: [(a["said"], a["before"], a["after"]) for a in s.call(admin, "GET", "/audit")[1] if a["what"].startswith("token add more") and a["done"]]
              == [("", "none", "role read")], 20)
        with open(s.dir + "/waymark.db", "rb") as f:
            kept = f.read()
        same((admin.encode() in kept, more.encode() in kept), (False, False), "a token is on the disk:")
        s.stop()
        s.start()
        same((s.call(zones, "GET", "/zones/a.test")[0], s.call(read, "GET", "/status")[0]), (200, 401), "over a restart:")


@claim("each path of openapi.json answers as that says, whatever it is sent, and junk is refused with a reason")
def described():
    rng = random.Random(4)
    values = {"zone": "a.test", "edge": "ams1", "address": "192.0.2.1", "net": "192.0.2.0/24", "number": "1", "name": "www.a.test", "client": "145.100.0.0/24",
              "state": "up", "last": "2", "limit": "1", "after": "a", "type": "AAAA", "template": "nothing", "at": "1m", "for": "1h"}
    junk = ["", "\x00", "--json", "-1", "9" * 400, "a" * 5000, "\u00fc", "..", "a..b", "*", "1;2", "'", "0"]
    with Api() as s:
        admin = s.token("ci", "--role", "admin")
        c = http.client.HTTPConnection("127.0.0.1", s.management, timeout=60)
        c.request("GET", "/api/v1/openapi.json")
        spec = json.loads(c.getresponse().read())
        same((spec["openapi"], len(spec["paths"]) > 25), ("3.1.0", True))
        tried = 0
        for path, methods in sorted(spec["paths"].items()):
            if path.endswith("/events"):
                continue  # has no end
            for method, op in methods.items():
                for turn in range(3):
                    if (path, turn) == ("/reload", 1):
                        break
                    pick = lambda name: values.get(name, "x") if turn == 0 or rng.random() < .5 else rng.choice(junk)
                    names = {p["name"]: p for p in op["parameters"]}
                    at = path
                    for name in [n for n, p in names.items() if p["in"] == "path"]:
                        at = at.replace("{%s}" % name, urllib.parse.quote(pick(name)[:200], safe=""))
                    query = {n: "true" if p["schema"]["type"] == "boolean" else pick(n)[:1000] for n, p in names.items() if p["in"] == "query" and (p["required"] or turn)}
                    props = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("properties", {})
                    body = None if method != "post" else {n: rng.random() < .5 if p["type"] == "boolean" else [] if p["type"] == "array" else pick(n)
                                                          for n, p in props.items()}
                    code, got = s.call(admin, method.upper(), at + ("?" + urllib.parse.urlencode(query) if query else ""), body)
                    # A path of junk may be another path, or none.
                    same(str(code) in op["responses"] or (turn and code in (404, 405)), True, "%s %s: %d %r" % (method, at, code, got))
                    if code == 200:
                        kind = list(op["responses"]["200"]["content"])[0]
                        same(isinstance(got, str) if kind != "application/json" else isinstance(got, (dict, list)), True, "%s: %r" % (at, got))
                    else:
                        same(isinstance(got, dict) and (bool(got.get("error")) or method == "post"), True, "%s: %r" % (at, got))
                    tried += 1
        same(tried > 90, True, tried)
        for raw in ("{", "[]", "1", '{"state": {}}', '{"state": "up", "state": "down"}', '{"set": 5}', "\xff"):
            same(s.call(admin, "POST", "/edges/ams1/force", raw=raw.encode("latin-1"))[0], 400, raw)
        code, o = s.call(admin, "GET", "/zones/%5B..%5D")
        same((code, o["error"][:5]), (400, "[..]:"), "a sentence that begins as JSON does:")
        same(s.call(admin, "POST", "/edges/ams1/force", raw=b"x" * (1 << 20) + b"y")[0], 413)
        same(s.udp("ns1.a.test").addresses(), ["192.0.2.53"])
    with Api("off") as s:
        same(s.call("wm_x", "GET", "/status")[0], 404)


@claim("who has a token is not hung up on while what he asks for takes its time")
def slow():
    quiet = socket.create_server(("127.0.0.1", 0))
    with Api() as s:
        admin = s.token("ci", "--role", "admin")
        wait_for(s, quiet, "7s")
        code, got = s.call(admin, "POST", "/edges/ams1/probe")
        same((code, "no answer within 7 s" in json.dumps(got)), (409, True), got)
    quiet.close()


@claim("a large answer goes out as it is made, to its end; who does not read it holds up neither others nor the end of the server")
def large():
    with Api() as s:
        s.write("zones/b.test.zone", ZONE + "".join('h%d TXT "%s"\n' % (i, "x" * 240) for i in range(40000)))
        s.configure(None, "[ { name: a.test, file: zones/a.test.zone, write-back: store }, { name: b.test, file: zones/b.test.zone } ]")
        same(s.ctl("reload")[0], 0)
        read = s.token("eye", "--role", "read")
        code, text = s.call(read, "GET", "/zones/b.test/records")
        same((code, len(text) > 10 ** 7, text == s.ctl("zone", "export", "b.test")[1]), (200, True, True))
        quiet = [socket.socket() for _ in range(3)]
        for c in quiet:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect(("127.0.0.1", s.management))
            c.sendall(("GET /api/v1/zones/b.test/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % read).encode())
        heads = [c.recv(200) for c in quiet[:2]]  # as many are made at once
        same([h[:15] for h in heads], [b"HTTP/1.1 200 OK"] * 2)
        same((s.call(read, "GET", "/zones/a.test")[0], s.ctl("zones")[0]), (200, 0))
        s.stop()
        same(("left behind" in s.said(), s.proc.returncode), (False, 0))
        for c in quiet:
            c.close()


def wait_for(s, quiet, timeout):
    """One edge is probed by who says nothing; a probe that is asked for comes behind the one that is under way."""
    body = CONFIG % (s.management, "on")
    body = body.replace("control: { socket: control.sock }\n", "").replace("a: [ 192.0.2.1 ]", "a: [ 127.0.0.1 ]").replace("edges: [ ams1, nyc1 ] }", "edges: [ ams1 ], probe: slow }")
    s.configure(body + "probes: { slow: { kind: http, port: %d, every: 60s, timeout: %s, initial: up } }\n" % (quiet.getsockname()[1], timeout),
                "[ { name: a.test, file: zones/a.test.zone, write-back: store } ]")
    same(s.ctl("reload")[0], 0)


class Stream:
    """Events, one by one: a name and what is behind it; or None, where the stream has ended."""
    def __init__(self, s, token, path):
        self.socket = socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW)
        self.socket.sendall(("GET /api/v1%s HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n" % (path, token)).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.head = dict(line.decode().strip().lower().split(": ", 1) for line in iter(self.file.readline, b"\r\n"))

    def next(self):
        got = {}
        for line in self.file:
            line = line.decode().rstrip("\n")
            if not line and got:
                return got["event"], json.loads(got["data"])
            if line and line[0] != ":":
                key, value = line.split(": ", 1)
                got[key] = value
        return None

    def close(self):
        self.file.close()
        self.socket.close()


def top_on(s, rows):
    """How many lines "top" has on a terminal of so many."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    top = subprocess.Popen([WAYMARKCTL, "-c", s.conf, "top", "--every", "0.1", "--times", "1"], stdout=its, stderr=its)
    os.close(its)
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while True:
            said += os.read(ours, 4096)
    os.close(ours)
    same(top.wait(), 0)
    return said.split(b"\033[H\033[J")[-1].count(b"\n")


@claim("events come each second while somebody listens, so many listen and no more, and a token that is revoked hears nothing more")
def events():
    with Api() as s:
        eye, zones = s.token("eye", "--role", "read"), s.token("acme", "--role", "zones", "--zones", "*")
        same([s.call(t, "GET", "/rates/events")[0] for t in (zones, "wm_x", None)], [403, 401, 401])
        first = Stream(s, eye, "/rates/events")
        same((first.status, first.head["content-type"]), (200, "text/event-stream"))
        name, one = first.next()
        same((name, [e["edge"] for e in one["edges"]], one["pools"]), ("rates", ["ams1", "nyc1"], [{"pool": "web", "answers": 0, "up": 2, "asked": 2}]))
        for _ in range(7):
            s.udp("www.a.test", options=ecs("145.100.0.0/24"))
        s.ctl("force", "ams1", "down")
        while one["edges"][0]["answers"] < 7 or one["edges"][0]["state"] != "down":
            one = first.next()[1]
        same((one["edges"][0]["answers"], one["pools"][0]["answers"], one["steered"], one["answers"]["NOERROR"] >= 7, one["queries"]["udp"] >= 7), (7, 7, 7, True, True))
        same(one["edges"][0]["forced"], True)
        code, text = s.ctl("top", "--every", "0.1", "--times", "1")
        same((code, re.findall(r"^(ams1|nyc1|web) +\d+/s  (.*)$", text, re.M)), (0, [("ams1", "down (forced)"), ("nyc1", "up"), ("web", "1 of 1 up")]), text)
        until(lambda: s.call(eye, "GET", "/busiest")[1]["one_in"] == 1, 20)  # there is little to do

        def busy():
            for name, net in [("www.a.test", "145.100.0.0/24")] * 9 + [("ns1.a.test", "2001:db8:1:2::/56")]:
                s.udp(name, options=ecs(net))
            o = s.call(eye, "GET", "/busiest")[1]
            return [[(row["name" if kind == "names" else "net"], row["queries_s"] >= row["at_least_s"] > 0) for row in o[kind][:2]] for kind in ("names", "sources", "subnets")]
        until(lambda: busy() == [[("www.a.test.", True), ("ns1.a.test.", True)], [("127.0.0.0/24", True)], [("145.100.0.0/24", True), ("2001:db8:1::/48", True)]], 20)
        same("www.a.test." in s.ctl("top", "--every", "0.1", "--times", "1")[1], True)
        same([top_on(s, rows) <= rows for rows in (13, 24)], [True, True], "lines of a terminal:")
        same([s.ctl("top", *w)[0] for w in (("--times", "0"), ("--every",), ("web",))], [2, 2, 2])
        jobs = Stream(s, eye, "/jobs/events")
        same((jobs.next()[0], isinstance(s.call(eye, "GET", "/rates")[1]["up_s"], float)), ("jobs", True))
        rest = [Stream(s, eye, "/rates/events") for _ in range(14)]
        same((s.call(eye, "GET", "/rates/events"), [x.next()[0] for x in rest]), ((503, {"error": "too many listen already"}), ["rates"] * 14))
        rest.pop().close()
        until(lambda: s.call(eye, "GET", "/status")[0] == 200, 20)
        same(s.ctl("token", "revoke", "eye")[0], 0)
        while first.next():
            pass
        eye = s.token("eye", "--role", "read")
        last = Stream(s, eye, "/rates/events")
        same(last.next()[0], "rates")
        for on in ("off", "on"):
            body = CONFIG % (s.management, on)
            s.configure(body.replace("control: { socket: control.sock }\n", ""), "[ { name: a.test, file: zones/a.test.zone, write-back: store } ]")
            s.ctl("reload")
            while on == "off" and last.next():
                pass
        last = Stream(s, eye, "/rates/events")
        same(last.next()[0], "rates")
        s.stop()
        while last.next():
            pass
        same(s.proc.returncode, 0, s.said())


@claim("a server stops in good order while somebody waits for what an edge says")
def stopped():
    quiet = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing
    with Api() as s:
        admin = s.token("ci", "--role", "admin")
        wait_for(s, quiet, "30s")
        got = []

        def ask():
            try:
                got.append(s.call(admin, "POST", "/edges/ams1/probe")[0])
            except (OSError, http.client.HTTPException):
                got.append(503)  # it was hung up on before it was told
        t = threading.Thread(target=ask)
        t.start()
        until(lambda: select.select([quiet], [], [], 5)[0], 60)
        time.sleep(.5)
        s.stop()
        t.join(10)
        same((got, s.proc.returncode), ([503], 0), s.said())
    quiet.close()


@claim("the console's page is there when it is on: compressed, named by what is in it, with a policy that lets in nothing else")
def page():
    with Api() as s:
        same(get(s.management, "/")[0].status, 404)
        s.config = s.config.replace("api: on", "api: on, console: on")
        s.configure(None, "[ { name: a.test, file: zones/a.test.zone } ]")
        same(s.ctl("reload")[0], 0)
        r, body = get(s.management, "/", Accept_Encoding="gzip")
        if r.status == 404 and b"without the console's page" in body:
            raise Skip("built without npm")
        index = gzip.decompress(body).decode()
        same((r.status, "default-src 'none'" in r.getheader("Content-Security-Policy"), "unsafe" in r.getheader("Content-Security-Policy")), (200, True, False))
        names = re.findall(r'(?:href|src)="([^"]+)"', index)
        same((len(names), "<script>" in index, "<style" in index, " style=" in index), (3, False, False, False))
        kept = get(s.management, "/", Accept_Encoding="gzip", If_None_Match=r.getheader("ETag"))[0]
        same([kept.status] + [kept.getheader(h) for h in ("Cache-Control", "Content-Type", "ETag")], [304, "no-cache", None, r.getheader("ETag")])
        for name in names:
            r, body = get(s.management, "/" + name, Accept_Encoding="gzip, br")
            same((r.status, "immutable" in r.getheader("Cache-Control"), r.getheader("X-Content-Type-Options"), len(gzip.decompress(body)) > 100), (200, True, "nosniff", True), name)
        same([get(s.management, p, Accept_Encoding=e)[0].status for p, e in (("/", "identity"), ("/assets/x.js", "gzip"))], [406, 404])
        c = http.client.HTTPConnection("127.0.0.1", s.management, timeout=60 * SLOW)
        c.request("POST", "/")
        same(c.getresponse().status, 405)
        c.close()


@claim("whose clients go where is told from what is served, against an edge that is drained, and against what is staged")
def regions():
    with Api() as s:
        read = s.token("eye", "--role", "read")
        code, o = s.call(read, "GET", "/regions?pool=web&drain=ams1")
        edges = {e["edge"]: e["old_share"] for e in o["edges"]}
        same((code, o["pool"], o["new"], sorted(edges), round(sum(edges.values()), 3)), (200, "web", "ams1 drain", ["ams1", "nyc1"], 1))
        same((o["moved_share"], [(m["from"], m["to"]) for m in o["moves"]]), (edges["ams1"], [("ams1", "nyc1")]))
        cells = [list(map(int, c.split())) for c in o["cells"]]
        same((len(cells) > 1000, {len(c) for c in cells}, {c[2] for c in cells}, {o["edges"][c[3]]["edge"] for c in cells}), (True, {5}, {0, 1}, {"nyc1"}))
        madrid = [o["edges"][c[2]]["edge"] for c in cells if c[0] == int((40.4 + 90) / o["cell_degrees"]) and c[1] == int((-3.7 + 180) / o["cell_degrees"])]
        same(madrid, ["ams1"])
        v6 = s.call(read, "GET", "/regions?pool=web&ipv6=true")[1]
        same((v6["ipv6"], o["ipv6"], v6["old_unanswered_share"], o["old_unanswered_share"]), (True, False, 1, 0), "without an IPv6 address:")
        same(([p["pool"] for p in s.call(read, "GET", "/pools/web")[1]], s.call(read, "GET", "/pools/nope")[0]), (["web"], 409))
        same([s.call(read, "GET", "/regions?" + q)[0] for q in ("pool=nope", "pool=web&drain=nope", "pool=web&stage=true", "drain=ams1")], [409, 409, 409, 400])
        same(s.ctl("force", "nyc1", "down")[0], 0)
        s.config = s.config.replace("[ ams1, nyc1 ]", "[ nyc1 ]")
        s.configure(None, "[ { name: a.test, file: zones/a.test.zone } ]")
        same(s.ctl("reload", "--stage", "5%")[0], 0)
        o = s.call(read, "GET", "/regions?pool=web&up=nyc1")[1]
        same([(e["edge"], e["old_share"], round(e["new_share"], 6)) for e in o["edges"]], [("ams1", 1, round(edges["ams1"], 6)), ("nyc1", 0, round(edges["nyc1"], 6))])
        o = s.call(read, "GET", "/regions?pool=web&stage=true")[1]
        same([(e["edge"], e["old_share"], e["new_share"]) for e in o["edges"]], [("ams1", 1, 0), ("nyc1", 0, 1)])
        same([s.ctl(*w)[0] for w in (["reload", "--rollback"], ["watch", "192.0.2.0/24"], ["watch", "192.0.2.0/24", "--stop"], ["zone", "freeze", "a.test"], ["reload"])], [0] * 5)
        kept = lambda: [(a["what"], [re.sub("[0-9a-f]{8}", "X", re.sub("until .*", "until", a[k])) for k in ("before", "after")])
                        for a in json.loads(s.ctl("audit", "--json")[1]) if a["done"]][5::-1]
        served = "configuration X: 1 zones, 1 pools, 2 edges"
        until(lambda: kept()[-1][0] == "reload", 20)
        same(kept(), [("reload --stage 5%", [served, served + "; staged X for 5 %"]), ("reload --rollback", [served + "; staged X for 5 %", served]),
                      ("watch 192.0.2.0/24", ["not watched", "watched until"]), ("watch 192.0.2.0/24 --stop", ["watched until", "not watched"]),
                      ("zone freeze a.test", ["serial 7, ready", "serial 7, ready, frozen"]), ("reload", [served, served])])


def by_socket(path, method, target, body=None, token=None, uid=None, group=None):
    """A request by the Unix socket, of a process that is another user's where that is said. The status, and the answer."""
    def ask():
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(60 * SLOW)
        c.connect(path)
        text = json.dumps(body) if body is not None else ""
        c.sendall(("%s /api/v1%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s" % (
            method, target, "Authorization: Bearer %s\r\n" % token if token else "", len(text), text)).encode())
        r = http.client.HTTPResponse(c, method=method)
        r.begin()
        return r.status, json.loads(r.read() or b"null")
    if uid is None:
        return ask()
    r, w = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(uid)
            got = ask()
        except OSError as e:
            got = (e.errno, None)
        os.write(w, json.dumps(got).encode())
        os._exit(0)
    os.close(w)
    os.waitpid(child, 0)
    with os.fdopen(r) as f:
        return tuple(json.loads(f.read()))


@claim("at the Unix socket the kernel says who asks: root may everything, a group may operate, nobody else may connect, and it is written down")
def local():
    with Api() as s:
        group = grp.getgrgid(65534 if os.geteuid() == 0 else os.getegid())
        s.config = s.config.replace('listen: "127.0.0.1:%d"' % s.management, 'listen: [ "127.0.0.1:%d", unix:api.sock ], socket-group: %s' % (s.management, group.gr_name))
        s.configure(None, "[ { name: a.test, file: zones/a.test.zone, write-back: store } ]")
        same("restart" in s.ctl("reload")[1], True, "of what a reload cannot change:")
        s.stop()
        s.start()
        path = s.dir + "/api.sock"
        same(oct(os.stat(path).st_mode & 0o777), "0o660")
        code, o = by_socket(path, "GET", "/token")
        same((code, o["name"], o["role"]), (200, pwd.getpwuid(os.geteuid()).pw_name, "admin"))
        same(by_socket(path, "POST", "/edges/ams1/force", {"state": "down", "why": "by socket"})[0], 200)
        same([(c["who"], c["why"]) for c in by_socket(path, "GET", "/changes")[1]], [(o["name"], "by socket")])
        same((by_socket(path, "GET", "/status", token="wm_x")[0], s.call(None, "GET", "/status")[0]), (401, 401), "a wrong token, and no token elsewhere:")
        until(lambda: [(a["who"], a["from"]) for a in by_socket(path, "GET", "/audit")[1] if a["what"].startswith("force")] == [(o["name"], "unix")], 20)
        same([s.ctl("revoke", "1")[0], s.ctl("revoke", "1")[0]], [0, 1])
        until(lambda: [(a["before"], a["after"], a["done"]) for a in by_socket(path, "GET", "/audit")[1] if a["what"] == "revoke 1"] == [("", "", False), ("ams1 down, on", "", True)], 20)
        for word in (b"\xff", "é".encode() * 120):
            subprocess.run([WAYMARKCTL, "-c", s.conf, "revoke", word], capture_output=True, timeout=60 * SLOW)
        until(lambda: [a["what"][:8] for a in by_socket(path, "GET", "/audit?last=2")[1] if not a["done"]] == ["revoke \u00e9", "revoke ?"], 20)
        code, text = s.ctl("audit", "--json", "--last", "1")
        same((code, [sorted(a) for a in json.loads(text)]), (0, [["after", "before", "done", "from", "said", "time", "what", "who"]]))
        if os.geteuid() == 0:
            os.chmod(s.dir, 0o711)
            same([by_socket(path, m, t, b, uid=12345, group=65534)[0] for m, t, b in (
                ("GET", "/status", None), ("POST", "/edges/ams1/force", {"state": "auto"}), ("GET", "/audit", None), ("POST", "/reload", {}))], [200, 200, 403, 403])
            same(by_socket(path, "GET", "/status", uid=12345, group=12345)[0], errno.EACCES)
            # Its number would be a token's in the audit. EINVAL: there is no such user in this container.
            same(by_socket(path, "GET", "/status", uid=(1 << 31) + 1, group=65534)[0] in (401, errno.EINVAL), True)
        s.stop()
        same((s.proc.returncode, os.path.exists(path)), (0, False), s.said())


@claim("external-dns keeps the records of a zone by contrib's webhook: its documented requests make, change and delete records, or nothing")
def external_dns():
    port = free_port()

    def ask(method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * SLOW)
        c.request(method, path, None if body is None else body if isinstance(body, str) else json.dumps(body),
                  {"Accept": "application/external.dns.webhook+json;version=1", "Content-Type": "application/external.dns.webhook+json;version=1"})
        r = c.getresponse()
        text = r.read().decode()
        return r.status, json.loads(text) if r.getheader("Content-Type", "").startswith("application/external.dns") else text

    with Api() as s:
        s.write("token", s.token("external-dns", "--role", "zones", "--zones", "a.test") + "\n")
        hook = subprocess.Popen([sys.executable, TOP + "/contrib/external-dns/waymark-webhook", "--zone", "a.test", "--api", "http://127.0.0.1:%d" % s.management,
                     "--token-file", s.dir + "/token", "--listen", "127.0.0.1:%d" % port], stderr=subprocess.DEVNULL)
        try:
            until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20)
            same((ask("GET", "/")[1]["include"], ask("GET", "/healthz")[0]), (["a.test"], 200))
            same(ask("GET", "/records"), (200, [{"dnsName": "a.test", "recordType": "NS", "recordTTL": 60, "targets": ["ns1.a.test"]},
                                               {"dnsName": "ns1.a.test", "recordType": "A", "recordTTL": 60, "targets": ["192.0.2.53"]}]))
            foo = {"dnsName": "foo.a.test", "recordType": "A", "targets": ["1.2.3.4", "1.2.3.5"]}
            heritage = {"dnsName": "a-foo.a.test", "recordType": "TXT", "targets": ['"heritage=external-dns,external-dns/owner=default"'], "labels": {"owner": "default"}}
            alias = {"dnsName": "bar.a.test", "recordType": "CNAME", "recordTTL": 60, "targets": ["foo.a.test"]}
            code, fit = ask("POST", "/adjustendpoints", [foo, heritage, alias, dict(foo, setIdentifier="blue")])
            same((code, [(e["dnsName"], e["recordTTL"]) for e in fit]), (200, [("foo.a.test", 300), ("a-foo.a.test", 300), ("bar.a.test", 60)]))
            same(ask("POST", "/records", {"create": fit})[0], 204)
            same((sorted(s.udp("bar.a.test").addresses()), s.udp("a-foo.a.test", "TXT").answer != []), (["1.2.3.4", "1.2.3.5"], True))
            kept = {(e["dnsName"], e["recordType"]): (e["recordTTL"], sorted(e["targets"])) for e in ask("GET", "/records")[1]}
            same([kept[e["dnsName"], e["recordType"]] for e in fit], [(e["recordTTL"], sorted(e["targets"])) for e in fit], "it would change them again and again:")
            new = dict(fit[0], targets=["1.2.3.6"])
            same(ask("POST", "/records", {"Create": None, "UpdateOld": [fit[0]], "UpdateNew": [new], "Delete": [fit[2]]})[0], 204)
            same((s.udp("foo.a.test").addresses(), s.udp("bar.a.test").rcode), (["1.2.3.6"], NXDOMAIN))
            same([ask("POST", "/records", b)[0] for b in ({"delete": [fit[2]]}, {"updateNew": [new]})], [204, 204], "what is so already:")
            for bad in ({"create": [dict(foo, targets=["1.2.3.999"])]}, {"create": [dict(foo, dnsName="x.other.test")]}, "{", [], {"create": [{}]},
                        {"create": [dict(foo, setIdentifier="blue")]}):
                same(ask("POST", "/records", bad)[0], 400, bad)
            same(ask("POST", "/records", {"create": [dict(foo, dnsName="bar.a.test"), dict(alias)]})[0], 500, "a CNAME beside other data:")
            same((s.udp("bar.a.test").rcode, s.udp("foo.a.test").addresses(), ask("GET", "/x")[0]), (NXDOMAIN, ["1.2.3.6"], 404), "what was refused:")
        finally:
            hook.kill()
            hook.wait()


@claim("octoDNS keeps the records of a zone by contrib's provider: what is as it is wanted is left alone, and a plan for what was is refused")
def octodns():
    octodns_like.install()
    sys.path.insert(0, TOP + "/contrib/octodns")
    from octodns.provider import ProviderException
    from octodns.record import Record
    from octodns.zone import Zone
    from octodns_waymark import WaymarkProvider
    wanted = {("", "NS"): ["ns1.a.test."], ("ns1", "A"): ["192.0.2.53"], ("www2", "A"): ["192.0.2.7", "192.0.2.8"], ("w", "AAAA"): ["2001:db8::1"],
              ("alias", "CNAME"): ["www2.a.test."], ("", "MX"): [{"preference": "10", "exchange": "mail.a.test."}, {"preference": "20", "exchange": "mx.other.test."}],
              ("t", "TXT"): ["v=DKIM1\\; k=rsa\\; p=" + "A" * 300, 'says "yes"'], ("_sip._tcp", "SRV"): [{"priority": "1", "weight": "2", "port": "5060", "target": "w.a.test."}],
              ("", "CAA"): [{"flags": "0", "tag": "issue", "value": "letsencrypt.org"}],
              ("n", "NAPTR"): [{"order": "10", "preference": "20", "flags": "S", "service": "SIP+D2U", "regexp": "!^.*$!sip:a@b.test!", "replacement": "."}]}

    def desired(name, sets):
        zone = Zone(name, [])
        for (owner, kind), values in sets.items():
            zone.add_record(Record.new(zone, owner, dict({"type": kind, "ttl": 300}, **({"value": values[0]} if kind == "CNAME" else {"values": values}))))
        return zone

    with Api() as s:
        keeps = lambda words, **more: WaymarkProvider("waymark", url="http://127.0.0.1:%d" % s.management, token=s.token(*words), **more)
        zones = keeps(["octo", "--role", "zones", "--zones", "a.test"])
        same(zones.apply(zones.plan(desired("a.test.", wanted))), 10)
        same(zones.plan(desired("a.test.", wanted)), None, "what is as it is wanted:")
        same((sorted(s.udp("alias.a.test").addresses()), s.udp("www.a.test", options=ecs("145.100.0.0/24")).addresses()), (["192.0.2.7", "192.0.2.8"], ["192.0.2.1"]), "and what is steered stays:")
        same(len(s.udp("t.a.test", "TXT").answer), 2)
        less = {k: v for k, v in wanted.items() if k[0] != "alias"}
        old, late = zones.plan(desired("a.test.", {**less, ("new", "A"): ["192.0.2.9"]})), WaymarkProvider("late", url=zones.api.url.geturl(), token=zones.api.token)
        late.apply(late.plan(desired("a.test.", less)))
        same(s.udp("alias.a.test").rcode, NXDOMAIN)
        admin = keeps(["boss", "--role", "admin"])
        for provider, plan, say in ((zones, old, "serial"), (zones, zones.plan(desired("a.test.", {**less, ("www", "CNAME"): ["x.test."]})), "www"),
                                    (admin, admin.plan(desired("b.test.", {("w", "A"): ["192.0.2.1"]})), "there is no zone b.test.")):
            try:
                provider.apply(plan)
                said = "it was taken"
            except ProviderException as e:
                said = str(e)
            same(say in said, True, said)
        same(s.udp("new.a.test").rcode, NXDOMAIN)
        admin.template = "hosted"
        same(admin.apply(admin.plan(desired("b.test.", {("", "NS"): ["ns1.a.test."], ("w", "A"): ["192.0.2.1"]}))), 2)
        same((s.udp("w.b.test").addresses(), admin.list_zones(), admin.plan(desired("b.test.", {("", "NS"): ["ns1.a.test."], ("w", "A"): ["192.0.2.1"]}))),
             (["192.0.2.1"], ["a.test.", "b.test."], None))


run("api")
