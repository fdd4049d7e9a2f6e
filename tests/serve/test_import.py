"""waymarkctl import: what another nameserver is configured to do is answered here, too, and what could not be said is told
with its file and line.

tests/import/KIND has a configuration of each; @DIR@ is where it lies.
"""
from imports import *


def answers(server, rows):
    for name, qtype, subnet, wanted in rows:
        reply = server.steer(name, subnet, qtype)
        same(sorted(r[3] for r in reply.answer if r[1] == TYPES[qtype] or r[1] == 5), sorted(wanted), "%s %s for %s:" % (name, qtype, subnet))


@claim("gdnsd: maps, auto coordinates, nets, weights, failover and zones with DYNA and DYNC")
def gdnsd():
    with Imported("gdnsd", "etc") as i, i.serve() as s:
        answers(s, [("www.example.org", "A", NO, IAD), ("www.example.org", "A", DE, ["192.0.2.10"]), ("www.example.org", "A", AU, ["192.0.2.80", "192.0.2.81"]),
                    ("www.example.org", "A", OFFICE, ["192.0.2.80", "192.0.2.81"]), ("www.example.org", "A", US, IAD),
                    ("st.example.org", "A", US, ["192.0.2.1"]), ("www-ams.example.org", "A", US, ["192.0.2.10"]),
                    ("mf.example.org", "A", US, ["192.0.2.101", "192.0.2.102", "192.0.2.103"]), ("mf6.example.org", "AAAA", US, ["2001:db8::1"]),
                    ("cn.example.org", "A", US, ["a.example.net."]), ("sf.example.org", "A", US, ["192.0.2.61"]), ("x.example.org", "CNAME", US, ["www.example.org."])])
        same(s.steer("www.example.org", US).answer[0][2] <= 300, True)
        same({s.steer("st.example.org", DE).addresses()[0] for _ in range(12)}, {"192.0.2.41", "192.0.2.42"})
        same("file: { kind: external, file: x, expires: never, initial: up }" in i.config(), True, i.config())
        # ... and who writes the file in our way is heard.
        s.write("x", "192.0.2.61 down by hand\n")
        end = time.time() + 60
        while s.steer("sf.example.org", US).addresses() != ["192.0.2.62"]:
            same(time.time() < end, True, s.ctl("pools")[1])
            time.sleep(0.05)
        for said in ("etc/config:1: not said: options: tcp_threads", "zones/example.org:16: not said: $ADDR_LIMIT_V4", "zones/example.org:15: not said: multifo!nothing"):
            same(said in i.said, True, i.said)


@claim("Knot: mod-geoip by places, nets and weights, where the zone answers the rest; keys, remotes, ACLs")
def knot():
    with Imported("knot", "knot.conf") as i, i.serve() as s:
        answers(s, [("www.example.com", "A", DE, ["192.0.2.10", "192.0.2.11"]), ("www.example.com", "AAAA", DE, ["2001:db8::10"]),
                    ("www.example.com", "A", NO, ["no.example.com."]), ("www.example.com", "A", US, ["192.0.2.1"]), ("www.example.com", "AAAA", US, ["2001:db8::1"]),
                    ("www.example.com", "MX", US, ["10 mail.example.com."]), ("txt.example.com", "TXT", DE, ["german"]), ("txt.example.com", "TXT", US, ["other"]),
                    ("net.example.com", "A", OFFICE, ["192.0.2.21"]), ("net.example.com", "A", "198.51.100.128/25", ["192.0.2.22"]), ("net.example.com", "A", US, ["192.0.2.20"])])
        same({s.steer("wei.example.com", US).addresses()[0] for _ in range(8)}, {"192.0.2.31", "192.0.2.32"})
        for line in ('transfer: [ { key: xfr, from: 192.0.2.0/24 } ]', 'update: [ { key: xfr, names: [ dyn, "*.dyn" ], types: [ TXT, A ] } ]', "notify: [ sec ]", "edns-size-ipv6: 1000"):
            same(line in i.config(), True, i.config())


@claim("PowerDNS: services of the geoip backend, with names that are there and have nothing; LUA records")
def powerdns():
    with Imported("powerdns", "pdns.conf", "example.org.zone") as i, i.serve() as s:
        answers(s, [("service.geo.example.com", "A", NO, ["192.0.2.2"]), ("service.geo.example.com", "TXT", NO, ["hello norway"]), ("service.geo.example.com", "A", DE, ["192.0.2.4"]),
                    ("service.geo.example.com", "A", US, ["192.0.2.3"]), ("service.geo.example.com", "A", AU, ["192.0.2.5"]), ("www.geo.example.com", "A", OFFICE, ["192.0.2.4"]),
                    ("www.geo.example.com", "A", SG, ["192.0.2.5"]), ("cn.geo.example.com", "A", SG, ["sg.cdn.example.net."]), ("geo.example.org", "A", NO, ["192.0.2.31"]),
                    ("geo.example.org", "A", DE, ["192.0.2.32"]), ("geo.example.org", "A", OFFICE, ["192.0.2.32"]), ("geo.example.org", "A", US, ["192.0.2.33"]),
                    ("view.example.org", "A", OFFICE, ["192.0.2.41"]), ("view.example.org", "A", US, ["192.0.2.42"]), ("cn.example.org", "A", US, ["us.example.net."]),
                    ("cn.example.org", "A", NO, ["other.example.net."])])
        same("example.org.zone:17: not said: LUA" in i.said, True, i.said)
        same("host: www.example.org" in i.config() and "body: OK" in i.config() and "bad-" not in i.config(), True, i.config())
    # By what is in them, whatever the files are called; and the zone by its SOA.
    with Imported("powerdns", "pdns.conf", "example.org.zone") as i:
        shutil.rmtree(i.to)
        names = {"pdns.conf": "settings.old", "example.org.zone": "dump 7"}
        for name, to in names.items():
            os.rename(i.dir + "/" + name, i.dir + "/" + to)
        with open(i.dir + "/dump 7") as f:
            text = f.read()
        with open(i.dir + "/dump 7", "w") as f:
            f.write(("" if "$ORIGIN" in text else "$ORIGIN example.org.\n") + text)
        i.status, i.said = i.run("powerdns", *[i.dir + "/" + to for to in names.values()])
        same(i.status, 0, i.said)
        with i.serve() as s:
            answers(s, [("service.geo.example.com", "A", NO, ["192.0.2.2"]), ("geo.example.org", "A", DE, ["192.0.2.32"])])
        # A folder of settings, as Debian has it.
        os.mkdir(i.dir + "/pdns.d")
        os.rename(i.dir + "/settings.old", i.dir + "/pdns.d/geo.conf")
        os.rename(i.dir + "/geo.yaml", i.dir + "/pdns.d/geo.yaml")
        with open(i.dir + "/main.conf", "w") as f:
            f.write("# all else is there\ninclude-dir=pdns.d\nlaunch=\n")
        shutil.rmtree(i.to)
        i.status, i.said = i.run("powerdns", i.dir + "/main.conf")
        same((i.status, "service.geo" in i.config()), (0, True), i.said)


DEBIAN = {"bind": ["/etc/bind/named.conf"], "knot": ["/etc/knot/knot.conf"], "powerdns": ["/etc/powerdns/pdns.conf"], "gdnsd": ["/etc/gdnsd"]}


@claim("what Debian's packages install as their configuration is taken, or it is said that it has no zone")
def debian():
    for kind, files in DEBIAN.items():
        if not all(os.path.exists(f) for f in files):
            print("  %s is not installed" % kind)
            continue
        with tempfile.TemporaryDirectory() as d:
            done = subprocess.run([WAYMARKCTL, "import", kind, *files, "--to", d + "/out"], capture_output=True, text=True, timeout=60)
            if done.returncode:
                same("no zone could be taken" in done.stderr or "No such file" in done.stderr, True, done.stderr)
                continue
            done = subprocess.run([WAYMARKCTL, "-c", d + "/out/waymark.yaml", "check"], capture_output=True, text=True, timeout=60)
            same((done.returncode, "error" in done.stderr), (0, False), (kind, done.stderr))


@claim("BIND: zones, keys, primaries, rate limits; views by nets stay views, and views by places become one zone with rules")
def bind():
    with Imported("bind", "named.conf") as i:
        for line in ("version: off", "rate: 20", "secret: 000102030405060708090a0b0c0d0e0f", 'p-192-0-2-8-5353-xfr: { at: "192.0.2.8:5353", key: xfr }', "dnssec: auto",
                     "update: [ { key: xfr, types: [ TXT ] }, { names: [ www ], key: xfr, types: [ A ] } ]", "transfer: [ { key: xfr }, 192.0.2.0/24 ]"):
            same(line in i.config(), True, line + i.config())
        same("zones.conf:3: not said: the zone fwd.example. of type forward" in i.said, True, i.said)
        same("named.conf:7: differs: max-udp-size 4096: packets are never larger here than 1232 bytes" in i.said, True, i.said)
    with Imported("bind-nets", "named.conf") as i, i.serve() as s:
        same("for: inside" in i.config(), True, i.config())
        same(sorted(f for f in os.listdir(i.to + "/zones") if f.startswith("example.net")), ["example.net.inside.zone", "example.net.zone", "example.net@inside.zone"])
        answers(s, [("www.example.net", "A", US, ["192.0.2.4"]), ("www.example.net.inside", "A", US, ["192.0.2.4"])])
    with Imported("bind-places", "named.conf") as i, i.serve() as s:
        answers(s, [("www.example.net", "A", NO, ["192.0.2.1", "192.0.2.2"]), ("www.example.net", "A", OFFICE, ["192.0.2.1", "192.0.2.2"]), ("www.example.net", "A", DE, ["192.0.2.3"]),
                    ("www.example.net", "AAAA", DE, ["2001:db8::3"]), ("www.example.net", "AAAA", NO, []), ("www.example.net", "A", US, ["192.0.2.4"]), ("only.example.net", "A", NO, []),
                    ("only.example.net", "A", US, ["192.0.2.5"]), ("txt.example.net", "TXT", DE, ["eu"]), ("same.example.net", "MX", DE, ["10 mail.example.net."])])


@claim("geodns: places in labels, weights, the closest, aliases, other records")
def geodns():
    with Imported("geodns", "example.org.json") as i, i.serve() as s:
        answers(s, [("www.example.org", "A", NO, ["192.0.2.11"]), ("www.example.org", "A", DE, ["192.0.2.10"]), ("www.example.org", "A", US, ["192.0.2.30", "192.0.2.31"]),
                    ("www.example.org", "A", OFFICE, ["192.0.2.13"]), ("example.org", "A", US, ["192.0.2.30", "192.0.2.31"]), ("example.org", "MX", US, ["10 mail.example.org."]),
                    ("foo.example.org", "A", US, ["192.0.2.25"]), ("cn.example.org", "CNAME", US, ["www.example.net."]), ("near.example.org", "A", DE, ["20.1.0.1"]),
                    ("near.example.org", "A", US, ["20.2.0.1"]), ("txt.example.org", "TXT", US, ['hello "world" '])])


@claim("Route 53: weighted, latency, failover, geolocation, geoproximity, several values, aliases, CIDRs, health checks")
def route53():
    with Imported("route53", "zone.json", "checks.json") as i, i.serve() as s:
        answers(s, [("l.example.com", "A", US, ["192.0.2.11"]), ("g.example.com", "A", NO, ["192.0.2.23"]), ("g.example.com", "A", DE, ["192.0.2.22"]),
                    ("g.example.com", "A", AU, ["192.0.2.21"]), ("alias.example.com", "A", NO, ["192.0.2.23"]), ("p.example.com", "A", US, ["192.0.2.32"]),
                    ("m.example.com", "A", US, ["192.0.2.41", "192.0.2.42"]), ("c.example.com", "A", OFFICE, ["192.0.2.51"]), ("c.example.com", "A", US, ["192.0.2.52"]),
                    ("x.wild.example.com", "A", US, ["192.0.2.99"]), ("t.example.com", "TXT", US, ["v=spf1 -all"])])
        for line in ("flatten: d111.cloudfront.net", "body: fine", "bias: 20", "f.example.com: { edges: [ f-p, f-s ], policy: ordered, all-down: first }"):
            same(line in i.config(), True, line + i.config())


@claim("CoreDNS: files, views by places and nets, secondaries, snippets")
def coredns():
    with Imported("coredns", "Corefile") as i, i.serve() as s:
        answers(s, [("www.example.net", "A", NO, ["192.0.2.3"]), ("www.example.net", "A", OFFICE, ["192.0.2.3"]), ("www.example.net", "A", US, ["192.0.2.4"]),
                    ("www.example.org", "A", US, ["192.0.2.1"])])
        same("Corefile:12: not said: forward" in i.said, True, i.said)
        same("primary: [ p-192-0-2-9, p-192-0-2-10 ]" in i.config(), True, i.config())


@claim("what is wrong is a sentence, and a folder that has something in it is left alone")
def refused():
    i = Imported("geodns", "example.org.json")
    with i:
        status, said = i.run("geodns", i.dir + "/example.org.json")
        same((status, "is not empty" in said), (1, True), said)
        for kind, text, wanted in (("route53", "{ \"a\": [ 1, ", "bad:1: this is no JSON"), ("gdnsd", "a => { b", "bad:1: "), ("bind", "options {\n", "bad:2: a brace is not closed"),
                                   ("knot", "what\n", "bad:1: "), ("nothing", "", "is no kind that is known")):
            with open(i.dir + "/bad", "w") as f:
                f.write(text)
            status, said = i.run(kind, i.dir + "/bad")
            same((status in (1, 2), wanted in said), (True, True), said)


@claim("zones whose names differ only by what a file's name cannot have do not share a file")
def alike():
    with Imported("bind", "named.conf") as i:
        shutil.rmtree(i.to)
        for name in ("1", "2"):
            with open("%s/%s.zone" % (i.dir, name), "w") as f:
                f.write("$TTL 1h\n@ SOA ns1 h 1 2h 15m 2w 5m\n@ NS ns.example.org.\nx A 192.0.2.%s\n" % name)
        with open(i.dir + "/named.conf", "w") as f:
            f.write("".join('zone "0%s25.2.0.192.in-addr.arpa" { type master; file "%s/%s.zone"; };\n' % (c, i.dir, name) for c, name in (("/", "1"), ("-", "2"))))
        same(i.run("bind", i.dir + "/named.conf")[0], 0)
        with i.serve() as s:
            answers(s, [("x.0%s25.2.0.192.in-addr.arpa" % c, "A", US, ["192.0.2." + name]) for c, name in (("/", "1"), ("-", "2"))])


EXPORTED = {"example.org.zone": """$TTL 1h
@ SOA ns1 hostmaster 7 2h 15m 2w 5m
@ NS ns1
@ EDGE byweight
ns1 A 192.0.2.53
odd TXT "v=spf1; -all" "\\195\\169 \\"quoted\\" back\\\\slash"
num TXT "12345" "1"
mx MX 10 mail.example.net.
caa CAA 0 issue "ca.example.net; policy=ev"
svc HTTPS 1 . alpn=h3,h2 port=8443
*.wild A 192.0.2.99
123 A 192.0.2.5
rare RP a.b. .
order EDGE order
near EDGE near
biased 60 EDGE biased
pinned 60 EDGE pinned
tree EDGE tree
elsewhere EDGE elsewhere
several EDGE several
beside TXT "own"
beside EDGE order
""", "waymark.yaml": """server: { listen: [ "127.0.0.1:%d" ], workers: 1%s }
control: { socket: control.sock }
geoip: { city: { file: city.mmdb } }
probes: { web: { kind: https, host: www.example.org, path: /up, body: fine, every: 10s, rise: 3, fall: 3, initial: up } }
edges:
  fra: { at: "50.11,8.68", a: [ 192.0.2.10 ], aaaa: [ "2001:db8::10" ] }
  iad: { at: "38.95,-77.45", a: [ 192.0.2.20, 192.0.2.21 ] }
  sin: { at: "1.35,103.82", a: [ 192.0.2.30 ], probe: web }
  osl: { at: "59.91,10.75", a: [ 192.0.2.40 ] }
  out: { cname: x.cdn.example.net }
pools:
  byweight: { policy: weighted, edges: [ { edge: fra, weight: 300 }, { edge: iad, weight: 0 } ], affinity: client }
  order: { policy: ordered, edges: [ iad, fra, sin ] }
  near: { edges: [ fra, iad, sin ] }
  biased: { edges: [ fra, iad, { edge: osl, bias: 10 } ] }
  pinned: { edges: [ fra, iad, sin, osl ], pin: [ { net: 198.51.100.0/24, to: sin }, { country: [ DE, US ], to: [ osl, iad ] }, { continent: OC, to: fra }, { asn: 65000, to: osl } ] }
  tree: { policy: ordered, edges: [ { pool: near }, { pool: order } ] }
  elsewhere: { policy: ordered, edges: [ out ] }
  several: { policy: round-robin, answers: 4, edges: [ fra, iad, sin ] }
zones: [ { name: example.org, file: example.org.zone } ]
"""}
QUESTIONS = [(n, t) for n in ("order", "near", "biased", "pinned", "tree") for t in ("A", "AAAA")] + [
    ("elsewhere", "A"), ("several", "A"), ("odd", "TXT"), ("num", "TXT"), ("mx", "MX"), ("caa", "CAA"), ("svc", "HTTPS"), ("a.wild", "A"), ("123", "A"), ("ns1", "A"),
    ("beside", "TXT"), ("beside", "A"), ("", "A"), ("", "NS"), ("nowhere", "A")]


def said_by(server):
    """Without TTLs: an alias has none of its own there."""
    out = {}
    for name, qtype in QUESTIONS:
        for subnet in (NO, DE, US, AU, SG, OFFICE):
            r = server.steer((name + "." if name else "") + "example.org", subnet, qtype)
            out[name, qtype, subnet] = (r.rcode, sorted((a[1], str(a[3])) for a in r.answer))
    return out


@contextlib.contextmanager
def exported():
    """A server, and what "export config KIND" makes of its configuration."""
    server = Server({}, start=False)
    try:
        for name, text in EXPORTED.items():
            server.write(name, text % (server.port, ", user: root" if os.getuid() == 0 else "") if name.endswith(".yaml") else text)
        mmdb.write(server.dir + "/city.mmdb", {net: place(*where) for net, where in PLACES.items()}, kind="GeoIP2-City")

        def export(kind):
            done = subprocess.run([WAYMARKCTL, "-c", server.dir + "/waymark.yaml", "export", "config", kind, "--to", "%s/%s" % (server.dir, kind)],
                                  capture_output=True, text=True, timeout=60)
            same(done.returncode, 0, done.stdout + done.stderr)
            return "%s/%s" % (server.dir, kind), done.stdout
        yield server, export
    finally:
        server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)


def has_line(said, *wanted):
    for line in wanted:
        same(any(line in s for s in said.splitlines()), True, line + " in\n" + said)


@claim("what is exported to Route 53 is answered by its import as before, and what cannot be said is told with its line")
def back():
    with exported() as (server, export):
        to, said = export("route53")
        has_line(said, "waymark.yaml:12: not said: pool byweight: affinity", "waymark.yaml:12: differs: pool byweight: weights are rounded to 0 to 255",
                 "waymark.yaml:16: not said: pool pinned: a pin of AS numbers or cities (column", "not said: rare.example.org.: Route 53 has no RP")
        server.start()
        before = said_by(server)
        i = Imported("route53", "zone.json")
        try:
            shutil.rmtree(i.to)
            status, said = i.run("route53", *sorted(glob.glob(to + "/*.json")))
            same(status, 0, said)
            with i.serve() as other:
                after = said_by(other)
        finally:
            shutil.rmtree(i.dir, ignore_errors=True)
        same({k: (before[k], after[k]) for k in before if before[k] != after[k]}, {})


@claim("exported zone files are loaded by BIND and NSD, with addresses where pools are, and a folder that is not empty is left alone")
def files():
    with exported() as (server, export):
        to, said = export("zones")
        has_line(said, "waymark.yaml:14: differs: pool near: all get what clients of no known place get")
        with open(to + "/example.org.zone") as f:
            text = f.read()
        same(re.findall(r"(?m)^elsewhere\t.*", text), ["elsewhere\t3600\tIN\tCNAME x.cdn.example.net."])
        same((re.search(r"(?m)^order\t.*", text).group(), "TYPE65301" in text, "EDGE" in text), ("order\t3600\tIN\tA 192.0.2.20", False, False), text)
        for checker in ("named-checkzone", "nsd-checkzone"):
            path = shutil.which(checker, path=os.environ["PATH"] + ":/usr/sbin")
            if path:
                done = subprocess.run([path, "example.org", to + "/example.org.zone"], capture_output=True, text=True, timeout=60)
                same(done.returncode, 0, done.stdout + done.stderr)
        done = subprocess.run([WAYMARKCTL, "-c", server.dir + "/waymark.yaml", "export", "config", "zones", "--to", to], capture_output=True, text=True, timeout=60)
        same((done.returncode, "is not empty" in done.stderr), (1, True), done.stderr)


@claim("octoDNS gets pools with fallbacks, weights and rules; a text that looks like a number stays a text")
def octodns():
    with exported() as (server, export):
        to, said = export("octodns")
        has_line(said, "not said: pool near: policy nearest", "not said: rare.example.org.: octoDNS has no RP", "differs: example.org. SOA")
        with open(to + "/example.org.yaml") as f:
            text = f.read()
        for wanted in ('"123":', 'value: "123451"', '{ subnets: [ "198.51.100.0/24" ], pool: sin }', "{ geos: [ EU-DE, NA-US ], pool: osl }", "fallback: iad",
                       "svcparams: { alpn: [ h3, h2 ], port: 8443 }", '"*.wild":', "protocol: HTTPS", "v=spf1\\\\; -all"):
            same(wanted in text, True, wanted + " in\n" + text)
        try:
            import yaml
        except ImportError:
            return
        zone = yaml.safe_load(text)
        order = {r["type"]: r for r in zone["order"]}["A"]["dynamic"]
        same(order, {"pools": {"iad": {"fallback": "fra", "values": [{"value": "192.0.2.20"}, {"value": "192.0.2.21"}]},
                               "fra": {"fallback": "sin", "values": [{"value": "192.0.2.10"}]}, "sin": {"values": [{"value": "192.0.2.30"}]}},
                     "rules": [{"pool": "iad"}]})


run("import")
