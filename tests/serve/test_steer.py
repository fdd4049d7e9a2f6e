"""Steering, asked over the wire with the shipped GeoIP database."""
import ipaddress
import json
import math
from lib import *

EDGES = {"ams": (52.37, 4.90), "iad": (38.95, -77.45), "lax": (34.05, -118.24), "gru": (-23.55, -46.63), "jnb": (-26.2, 28.05),
         "bom": (19.08, 72.88), "sin": (1.35, 103.82), "nrt": (35.68, 139.69), "syd": (-33.87, 151.21), "fra": (50.11, 8.68)}
NAMES = list(EDGES)
V4 = {n: "192.0.2.%d" % (i + 1) for i, n in enumerate(NAMES)}
V6 = {n: "2001:db8::%x" % (i + 1) for i, n in enumerate(NAMES)}
BACK = {a: n for table in (V4, V6) for n, a in table.items()}

ZONE = APEX + "".join("%s 60 EDGE %s\n" % (n, n) for n in (
    "web", "two", "near", "pinned", "turns", "shares", "backup", "empty", "first", "turned", "capped", "named", "v4only", "site", "mail", "mails", "mailrr", "cdn", "made")) + """
@ 30 EDGE web
few 60 EDGE web answers=2 ttl=7
*.try 60 EDGE pinned edge=syd
*.img 45 EDGE web
@ MX 10 mail
mx.eu 60 A 192.0.2.201
own 60 EDGE mail
own MX 1 own-mx
www CNAME web
away CNAME named
"""
CONFIG = "geoip: { city: { file: %s/geoip/city.mmdb } }\nedges:\n" % TOP + "".join(
    "  %s: { at: \"%g,%g\", a: [ %s ], aaaa: [ \"%s\" ], weight: %d }\n" % (n, *EDGES[n], V4[n], V6[n], i + 1) for i, n in enumerate(NAMES)) + """
  only4: { at: "52.37,4.90", a: [ 198.51.100.1 ] }
  cname: { at: "52.37,4.90", cname: cdn.example.net }
  inside: { at: "35,139", cname: web.example.com. }
  mx-eu: { at: "52,5", a: [ 192.0.2.101 ], aaaa: [ "2001:db8::101" ], records: [ MX 10 mx.eu.example.com, "TXT \\"eu\\" \\"one\\"",
           SRV 1 2 443 mx.eu.example.com., "HTTPS 1 . alpn=h3 ipv4hint=192.0.2.101", 'CAA 0 issue "ca.example"', 'NAPTR 1 1 u "E2U+sip" "!x!sip:eu!" .' ] }
  mx-jp: { at: "35,139", a: [ 192.0.2.102 ], records: [ MX 10 mx.jp.example.com, MX 20 mx.eu.example.com, "TXT jp" ] }
  bare-us: { at: "40,-74", records: [ MX 5 mx.us.example. ] }
  made: { cname: "%%{country}-%%{continent}.%%{edge}.cdn.example" }
  at-cdn: { at: "-33,151", records: [ CNAME www.cdn.example. ] }
pools:
  web:    { edges: [ %(all)s ], default: [ gru ] }
  two:    { edges: [ %(all)s ], answers: 2, default: [ gru ] }
  near:   { edges: [ %(all)s ], answers: 3, spread: 10ms }
  pinned: { edges: [ %(all)s ], pin: { country: { "JP": syd }, continent: { EU: [ iad, lax ] }, net: { "83.62.101.0/24": jnb, "10.0.0.0/8": bom } } }
  turns:  { edges: [ ams, iad, lax ], policy: round-robin }
  shares: { edges: [ ams, iad, lax ], policy: weighted }
  backup: { edges: [ ams, fra ], all-down: { pool: web } }
  empty:  { edges: [ ams, fra ], all-down: empty }
  first:  { edges: [ ams, fra ], all-down: first }
  turned: { edges: [ fra, ams ], all-down: first }
  capped: { edges: [ %(all)s ], ttl: 5s-20s }
  named:  { edges: [ cname, inside ] }
  mail:   { edges: [ mx-eu, mx-jp, bare-us ], https: { alpn: [ h2 ] } }
  mails:  { edges: [ mx-eu, mx-jp, bare-us ], answers: 3 }
  mailrr: { edges: [ mx-eu, mx-jp ], policy: round-robin }
  cdn:    { edges: [ at-cdn ] }
  made:   { edges: [ made ], policy: ordered }
  v4only: { edges: [ only4, nrt ] }
  site:   { edges: [ only4, %(all)s ], https: { alpn: [ h3, h2 ], port: 8443, ech: AATmZmZm }, svcb: { dohpath: "/dns-query{?dns}" } }
""" % {"all": ", ".join(NAMES)}

server = Server({"example.com": ZONE}, config=CONFIG)
rng = random.Random(2026)


def edge(message):
    return [BACK.get(a, a) for a in message.addresses()]


def km(a, b):
    la1, lo1, la2, lo2 = map(math.radians, (*a, *b))
    h = math.sin((la2 - la1) / 2) ** 2 + math.cos(la1) * math.cos(la2) * math.sin((lo2 - lo1) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(h))


@claim("300 random clients get the edge that brute force finds nearest to where explain says they are")
def nearest():
    known = 0
    for i in range(300):
        net = random_net(rng, i % 3 == 0)
        got = edge(server.steer("web.example.com", net, "AAAA" if i % 2 else "A"))
        if i % 3 == 1 and i > 100:
            continue
        told = json.loads(server.ctl("explain", "web.example.com", "--client", net, "--json")[1])
        place = told["network"]
        if "lat" in place:
            known += 1
            want = min(NAMES, key=lambda n: km((place["lat"], place["lon"]), EDGES[n]))
        else:
            want = "gru"
        same(got, [want], net)
        same([BACK[r["data"]] for r in told["answer"]["records"]], [want], "explain")
    assert known > 100, known


@claim("no two clients inside one scope get different answers")
def scopes():
    for i in range(400):
        net = random_net(rng, i % 2)
        m = server.steer("two.example.com", net)
        whole = ipaddress.ip_network("%s/%d" % (net.split("/")[0], m.scope), strict=False)
        for _ in range(5):
            inside = whole[rng.randrange(whole.num_addresses)]
            bits = 128 if whole.version == 6 else 32
            other = server.steer("two.example.com", "%s/%d" % (inside, bits))
            same((edge(other), other.scope), (edge(m), m.scope), "%s inside %s" % (inside, whole))


@claim("steered answers have a scope; other types, other names and NODATA have scope 0")
def scope_of_others():
    net = "83.62.101.0/24"
    assert server.steer("web.example.com", net).scope > 0
    same(server.steer("web.example.com", net, "MX").scope, 0)
    same(server.steer("ns1.example.com", net).scope, 0)
    same(server.steer("nope.example.com", net).scope, 0)
    assert server.steer("a.img.example.com", net).scope > 0
    assert server.steer("www.example.com", net).scope > 0


@claim("EDGE stands at the apex, at wildcards and behind CNAMEs; the owner is the name asked for")
def places():
    for name, owner in (("example.com", "example.com."), ("x.y.img.example.com", "x.y.img.example.com."), ("www.example.com", "web.example.com.")):
        m = server.steer(name, "153.128.0.0/24")
        same((m.answer[-1][0], edge(m), m.aa), (owner, ["nrt"], True))
    same(server.udp("example.com", "MX").rcode, NOERROR)
    m = server.udp("web.example.com", "TXT")
    same((m.rcode, m.answer, len(m.authority)), (NOERROR, [], 1))
    same(server.udp("web.example.com", "EDGE").answer, [("web.example.com.", 65301, 60, "03" + b"web".hex())])


@claim("the TTL is the record's, at most the pool's, the same for all records")
def ttl():
    same({r[2] for r in server.steer("near.example.com", "83.62.101.0/24").answer}, {60})
    same(server.steer("capped.example.com", "83.62.101.0/24").answer[0][2], 20)
    same(server.steer("x.img.example.com", "83.62.101.0/24").answer[0][2], 45)


@claim("words behind the pool: a name has answers and a TTL of its own, or is of one edge, whatever the pool says and the edge's state")
def words():
    m = server.steer("few.example.com", "153.128.0.0/24")
    same((edge(m), {r[2] for r in m.answer}), (["nrt", "sin"], {7}))
    same(server.udp("few.example.com", "EDGE").answer[0][3], "03" + b"web".hex() + "09" + b"answers=2".hex() + "05" + b"ttl=7".hex())
    told = server.ctl("explain", "few.example.com", "--client", "153.128.0.0/24")[1]
    assert "record     EDGE with answers=2 ttl=7\n" in told, told
    server.ctl("force", "syd", "down")
    m = server.steer("x.try.example.com", "83.62.101.0/24", "AAAA")
    same((edge(m), m.scope), (["syd"], 0))
    told = server.ctl("explain", "x.try.example.com", "--client", "83.62.101.0/24")[1]
    assert "pinned: the edge that the EDGE record names" in told, told
    server.ctl("force", "syd", "auto")
    for words, said in (("edge=ams1", "has no edge named \"ams1\""), ("edge=only4", "has no edge named \"only4\""), ("answer=2", "did you mean \"answers=\"?")):
        server.write("zones/example.com.zone", ZONE + "bad EDGE web " + words + "\n")
        code, text = server.check()
        assert code == 1 and said in text and "example.com.zone:%d:" % (ZONE.count("\n") + 1) in text, text
    # The edge goes, the zone stays as it is: told, and what was served goes on.
    server.write("zones/example.com.zone", ZONE)
    server.configure(CONFIG.replace("pinned: { edges: [ %s ]" % ", ".join(NAMES), "pinned: { edges: [ ams, iad, lax, jnb, bom ]").replace('"JP": syd', '"JP": ams'))
    code, text = server.ctl("reload")
    assert code == 1 and "has no edge named \"syd\"" in text, text
    same(edge(server.steer("x.try.example.com", "83.62.101.0/24", "AAAA")), ["syd"])
    server.configure(CONFIG)
    same(server.ctl("reload")[0], 0)


@claim("several answers stay within the spread, the best first")
def spread():
    same(edge(server.steer("two.example.com", "153.128.0.0/24")), ["nrt", "sin"])
    same(edge(server.steer("near.example.com", "153.128.0.0/24")), ["nrt"])
    same(sorted(edge(server.steer("near.example.com", "83.62.101.0/24"))), ["ams", "fra"])


@claim("pins go before distance: net, then country, then continent, in their own order")
def pins():
    same(edge(server.steer("pinned.example.com", "83.62.101.0/24")), ["jnb"])
    same(edge(server.steer("pinned.example.com", "83.62.102.0/24")), ["iad"])
    same(edge(server.steer("pinned.example.com", "153.128.0.0/24")), ["syd"])
    same(edge(server.steer("pinned.example.com", "10.1.2.0/24")), ["bom"])
    same(server.steer("pinned.example.com", "83.62.101.0/24").scope, 24)
    server.ctl("force", "iad", "down")
    same(edge(server.steer("pinned.example.com", "83.62.102.0/24")), ["lax"])
    server.ctl("force", "iad", "auto")


@claim("turns are exact over any window, and apart for A and AAAA")
def turns():
    got = [edge(server.udp("turns.example.com"))[0] for _ in range(9)]
    same(sorted(got), sorted(["ams", "iad", "lax"] * 3))
    for _ in range(3):
        count = {n: 0 for n in ("ams", "iad", "lax")}
        for _ in range(12):
            count[edge(server.udp("shares.example.com"))[0]] += 1
            server.udp("shares.example.com", "AAAA")
        same(count, {"ams": 2, "iad": 4, "lax": 6})
    same(server.steer("turns.example.com", "83.62.101.0/24").scope, 0)


@claim("an edge that is down or drained is passed over; when all are, the pool's rule decides")
def all_down():
    net = "83.62.101.0/24"
    near = edge(server.steer("first.example.com", net))
    same(edge(server.steer("turned.example.com", net)), near)
    for e in ("ams", "fra"):
        server.ctl("force", e, "down")
    try:
        same(edge(server.steer("backup.example.com", net)), edge(server.steer("web.example.com", net)))
        m = server.steer("empty.example.com", net)
        same((m.rcode, m.answer, len(m.authority)), (NOERROR, [], 1))
        # The first of the list, not the nearest, which is the same for both.
        same(edge(server.steer("first.example.com", net)), ["ams"])
        same(edge(server.steer("turned.example.com", net)), ["fra"])
        for e in NAMES:
            server.ctl("force", e, "down")
        same(edge(server.steer("web.example.com", "153.128.0.0/24")), ["nrt"])
        server.ctl("force", "nrt", "drain")
        same(edge(server.steer("web.example.com", "153.128.0.0/24")), ["sin"])
    finally:
        for e in NAMES:
            server.ctl("force", e, "auto")


@claim("an edge with only a cname answers with that, and inside the zone the way goes on")
def cnames():
    m = server.steer("named.example.com", "83.62.101.0/24")
    same(m.answer, [("named.example.com.", 5, 60, "cdn.example.net.")])
    m = server.steer("away.example.com", "153.128.0.0/24")
    same([r[3] for r in m.answer], ["named.example.com.", "web.example.com.", V4["nrt"]])


@claim("a name whose pool has nothing but CNAMEs is one for every type; in a pool of both kinds other types have no data")
def cname_for_all_types():
    for qtype in ("A", "AAAA", "HTTPS", "CAA", "TXT", "MX"):
        m = server.steer("named.example.com", "83.62.101.0/24", qtype)
        same((m.rcode, m.answer), (NOERROR, [("named.example.com.", 5, 60, "cdn.example.net.")]), qtype)
    m = server.steer("named.example.com", "153.128.0.0/24", "CNAME")
    same(m.answer, [("named.example.com.", 5, 60, "web.example.com.")])
    m = server.steer("named.example.com", "153.128.0.0/24", "MX")       # goes on inside the zone, to where there is none
    same(([r[3] for r in m.answer], [r[1] for r in m.authority]), (["web.example.com."], [6]))
    for qtype in ("TXT", "CNAME"):
        m = server.steer("web.example.com", "83.62.101.0/24", qtype)
        same((m.answer, [r[1] for r in m.authority]), ([], [6]), qtype)
    edges = "edges: { a: { a: [ 192.0.2.1 ] }, c: { cname: cdn.example.net }, d: { cname: cdn.example.org } }\n"
    for pool, code, said in (("a, c", 0, "edges with addresses and edges with only a cname"), ("c, d", 0, None), ("a", 0, None)):
        with Server({"example.com": APEX + "www EDGE mixed\n"}, edges + "pools: { mixed: { edges: [ %s ], policy: round-robin } }\n" % pool) as s:
            got, text = s.check()
            same((got, "edges with addresses and" in text), (code, said is not None), text)
            assert said is None or said in text, text
            same(s.udp("www.example.com", "TXT").answer[:1] != [], pool == "c, d")


@claim("an EDGE that a CNAME may answer stands alone: beside other data and at an apex it is refused, at once and after a reload")
def cname_alone():
    edges = "edges: { a: { a: [ 192.0.2.1 ] }, c: { cname: cdn.example.net } }\n"
    plain = "pools: { web: { edges: [ a ], policy: round-robin, all-down: { pool: more } }, more: { edges: [ a ], policy: round-robin } }\n"
    reached = plain.replace("more: { edges: [ a ]", "more: { edges: [ c ]")
    for text, line, lost in (("@ EDGE web\n", 5, "SOA of line 2"), ("www TXT x\nwww EDGE web\n", 6, "TXT of line 5"), ("www EDGE web\n", 0, "")):
        with Server({"example.com": APEX + text}, edges + plain) as s:
            same(s.check()[0], 0)
            s.configure(edges + reached)
            for words in (["check"], ["reload"]):
                code, said = s.ctl(*words)
                same(code, 1 if line else 0, said)
                assert not line or ("example.com.zone:%d:1: error: pool \"web\" may answer with the cname of an edge" % line in said and
                                    lost in said), said


@claim("a pool that would make a CNAME of an apex, or of a name with other data, in a zone that is served on, is refused by reload and by a stage")
def cname_where_others_are():
    edges = "edges: { a: { a: [ 192.0.2.1 ] }, c: { cname: cdn.example.net } }\nstore: { file: waymark.db }\n"
    plain = "pools: { web: { edges: [ a ], policy: round-robin }, alone: { edges: [ a ], policy: round-robin } }\n"
    zones = "[ { name: example.com, file: zones/example.com.zone, write-back: store }, { name: example.org, file: zones/example.org.zone } ]"
    with Server({"example.com": APEX + "www TXT x\nwww EDGE web\nalone EDGE alone\n", "example.org": APEX + "@ EDGE web\n"}, start=False) as s:
        s.configure(edges + plain, zones)
        s.start()
        s.configure(edges + plain.replace("alone: { edges: [ a ]", "alone: { edges: [ c ]"), zones)
        same(s.ctl("reload")[0], 0)
        same([r[3] for r in s.udp("alone.example.com", "TXT").answer], ["cdn.example.net."])
        s.configure(edges + plain.replace("web: { edges: [ a ]", "web: { edges: [ c ]"), zones)
        for words in (["reload"], ["reload", "--stage", "50%"]):
            code, said = s.ctl(*words)
            same(code, 1, said)
            for zone, name in ("example.com.", "www.example.com."), ("example.org.", "example.org."):
                assert "and zone %s as it is served has other data beside it at %s," % (zone, name) in said, said
        same(s.udp("example.org").addresses() + s.udp("www.example.com").addresses(), ["192.0.2.1"] * 2)


@claim("that there is no address for now is to be remembered no longer than an address, and holds for all")
def empty_for_now():
    config = """
edges:
  both: { at: "52,5", a: [ 192.0.2.1 ], aaaa: [ "2001:db8::1" ] }
  four: { at: "40,-74", a: [ 192.0.2.2 ] }
pools:
  empty: { edges: [ both, four ], all-down: empty, ttl: 1s-20s }
  all:   { edges: [ both, four ], ttl: 1s-20s }
  first: { edges: [ both, four ], all-down: first }
  four:  { edges: [ four ] }
geoip: { city: { file: %s/geoip/city.mmdb } }
""" % TOP
    zone = APEX.replace("7200 900 1209600 60", "7200 900 1209600 300") + "".join("%s 60 EDGE %s\n" % (p, p) for p in ("empty", "all", "first", "four"))
    with Server({"example.com": zone}, config) as s:
        def soa_ttl(name, qtype):
            m = s.steer(name + ".example.com", "83.62.101.0/24", qtype)
            same((m.rcode, m.answer, [r[1] for r in m.authority], m.scope), (NOERROR, [], [6], 0), name)
            return m.authority[0][2]

        same(soa_ttl("four", "AAAA"), 300)                  # no edge has any: that is for good
        same(s.steer("empty.example.com", "83.62.101.0/24", "AAAA").addresses(), ["2001:db8::1"])
        s.ctl("force", "both", "down")
        # An edge is up, for the other family: better none than a dead one.
        assert 1 <= soa_ttl("empty", "AAAA") <= 20
        assert 1 <= soa_ttl("all", "AAAA") <= 20
        same(soa_ttl("first", "AAAA"), 60)
        same(s.steer("all.example.com", "83.62.101.0/24").addresses(), ["192.0.2.2"])
        s.ctl("force", "four", "down")
        assert 1 <= soa_ttl("empty", "A") <= 20
        same(s.steer("all.example.com", "83.62.101.0/24", "AAAA").addresses(), ["2001:db8::1"])
        same(s.steer("first.example.com", "83.62.101.0/24", "AAAA").addresses(), ["2001:db8::1"])
        s.ctl("force", "four", "drain")                     # who is drained does not live
        same(s.steer("all.example.com", "83.62.101.0/24", "AAAA").addresses(), ["2001:db8::1"])
        same(s.udp("nosuch.example.com").authority[0][2], 300)


@claim("a subnet much shorter than the answer's scope gets a TTL of 1: its answer is for few of those behind it")
def short_sources():
    for net, short in (("83.62.101.0/24", False), ("83.48.0.0/12", True), ("128.0.0.0/1", True), ("2a02:9000::/24", None)):
        m = server.steer("web.example.com", net)
        bits = int(net.split("/")[1])
        if short is None:
            short = m.scope > bits
        else:
            same(m.scope > bits and bits < 20, short, net)
        same([r[2] for r in m.answer], [1 if short else 60], net)
    same([r[2] for r in server.steer("turns.example.com", "128.0.0.0/1").answer], [60])     # looks at nobody
    config = "edges: { a: { a: 192.0.2.1 } }\npools: { web: { edges: [ a ], policy: ordered, pin: [ { net: 10.9.0.0/24, to: nobody } ] } }\n"
    with Server({"example.com": APEX + "web 60 EDGE web\n"}, config) as s:
        for net, ttl in (("10.9.0.0/24", 60), ("10.9.0.0/20", 60), ("10.9.0.0/19", 1)):     # and that there is none, too
            m = s.steer("web.example.com", net)
            same((m.answer, [r[2] for r in m.authority]), ([], [ttl]), net)


@claim("an edge without an address of the type is passed over")
def one_family():
    same(server.steer("v4only.example.com", "83.62.101.0/24").addresses(), ["198.51.100.1"])
    same(edge(server.steer("v4only.example.com", "83.62.101.0/24", "AAAA")), ["nrt"])


@claim("who is unknown goes by the default order; a subnet that is not global leaves it to the source")
def unknown():
    same(edge(server.udp("web.example.com")), ["gru"])                # asked from 127.0.0.1
    m = server.steer("web.example.com", "10.1.2.0/24")
    same((edge(m), m.scope), (["gru"], 8))
    same(server.udp("web.example.com", options=ecs("0.0.0.0/0")).scope, 0)


ALPN, PORT, IPV4HINT, ECH, IPV6HINT, DOHPATH = 1, 3, 4, 5, 6, 7


def parameters(message):
    """Of the one HTTPS or SVCB record, which is of priority 1 and of the name itself: keys ascend, and hints are addresses."""
    (_, _, _, data), = message.answer
    data = bytes.fromhex(data)
    same(data[:3], b"\0\1\0", message)
    got, at = {}, 3
    while at < len(data):
        key, size = struct.unpack(">HH", data[at:at + 4])
        assert all(key > k for k in got), data
        value, at = data[at + 4:at + 4 + size], at + 4 + size
        step = {IPV4HINT: 4, IPV6HINT: 16}.get(key)
        got[key] = [str(ipaddress.ip_address(value[i:i + step])) for i in range(0, size, step)] if step else value
    same(at, len(data))
    return got


@claim("HTTPS and SVCB have hints that are the same client's addresses, beside the pool's parameters")
def services():
    for i in range(200):
        net = random_net(rng, i % 2)
        if i == 100:
            server.ctl("force", "only4", "down")
        https, svcb, a, aaaa = (server.steer("site.example.com", net, t) for t in ("HTTPS", "SVCB", "A", "AAAA"))
        hints = {IPV4HINT: a.addresses(), IPV6HINT: aaaa.addresses()}
        same(parameters(https), {ALPN: b"\2h3\2h2", PORT: b"\x20\xfb", ECH: b"\0\4\xe6fff", **hints}, net)
        same(parameters(svcb), {DOHPATH: b"/dns-query{?dns}", **hints}, net)
        same((https.scope, https.answer[0][2]), (max(a.scope, aaaa.scope), 60), net)
    server.ctl("force", "only4", "auto")
    same(server.steer("web.example.com", "153.128.0.0/24", "HTTPS").answer, [])
    told = server.ctl("explain", "site.example.com", "HTTPS", "--client", "153.128.0.0/24")[1]
    assert "HTTPS 1 . alpn=h3,h2 port=8443 ipv4hint=%s ech=AATmZmZm ipv6hint=%s\n" % (V4["nrt"], V6["nrt"]) in told, told


MADRID, TOKYO, NEW_YORK = "83.62.101.0/24", "153.128.0.0/24", "128.59.0.0/16"


@claim("edges answer their records of any type by the same choice, before what the pool makes, and two answers have each once")
def records():
    mx = lambda n, name: "%d %s." % (n, name)
    def ask(name, net, qtype):
        return server.steer(name + ".example.com", net, qtype)
    def data(name, net, qtype):
        return sorted(r[3] for r in ask(name, net, qtype).answer)
    same(data("mail", MADRID, "A"), ["192.0.2.101"])
    m = ask("mail", MADRID, "MX")
    same([(r[0], r[2], r[3]) for r in m.answer], [("mail.example.com.", 60, mx(10, "mx.eu.example.com"))])
    same([r[:2] + r[3:] for r in m.additional if r[1] == 1], [("mx.eu.example.com.", 1, "192.0.2.201")])
    assert m.scope > 0
    same(data("mail", TOKYO, "MX"), sorted(mx(*x) for x in ((10, "mx.jp.example.com"), (20, "mx.eu.example.com"))))
    same(data("mail", NEW_YORK, "MX"), [mx(5, "mx.us.example")])
    assert data("mail", NEW_YORK, "A") != []                # of an edge that has one
    same(data("mail", TOKYO, "TXT"), ["jp"])
    same(data("mail", NEW_YORK, "TXT"), ["eu"], "the nearest that has one:")
    for qtype in ("SRV", "CAA", "NAPTR"):
        same(len(data("mail", TOKYO, qtype)), 1, qtype)
    # The edge's HTTPS before the pool's, which has the hints of who has none.
    same(parameters(ask("mail", MADRID, "HTTPS")), {ALPN: b"\2h3", IPV4HINT: ["192.0.2.101"]})
    got = parameters(ask("mail", TOKYO, "HTTPS"))
    same((got[ALPN], got[IPV4HINT]), (b"\2h2", ["192.0.2.102"]))
    m = ask("mail", MADRID, "SVCB")
    same((m.rcode, m.answer, [r[1] for r in m.authority]), (NOERROR, [], [6]))
    same(data("mails", MADRID, "MX"), sorted(mx(*x) for x in ((10, "mx.eu.example.com"), (5, "mx.us.example"), (10, "mx.jp.example.com"), (20, "mx.eu.example.com"))))
    same(data("own", MADRID, "MX"), sorted([mx(1, "own-mx.example.com")]), "the zone's own go before:")
    assert "this MX goes before the one that pool \"mail\" answers" in server.check()[1]
    # In turns: exact, and A goes its own way.
    got = [data("mailrr", MADRID, "TXT") for _ in range(6)]
    same((got.count(["jp"]), len({str(g) for g in got[:2]})), (3, 2))
    for qtype in ("A", "MX", "HTTPS", "TXT"):
        same([r[1:2] + r[3:] for r in ask("cdn", MADRID, qtype).answer], [(5, "www.cdn.example.")], qtype)
    server.ctl("force", "mx-eu", "down")
    same(data("mail", MADRID, "MX"), [mx(5, "mx.us.example")])
    assert ask("mail", MADRID, "SRV").answer != [], "all-down: all"
    server.ctl("force", "mx-eu", "auto")
    told = server.ctl("explain", "mail.example.com", "TXT", "--client", NEW_YORK)[1]
    assert "has no record of this type" in told and 'mail.example.com. 60 TXT "eu" "one"' in told, told
    small = server.udp("mails.example.com", "TXT", edns=opt(payload=512))
    same((small.tc, len(small.answer)), (False, 2))


@claim("a CNAME is made for each client of its country, its continent and the edge, and is true in all of its scope")
def templates():
    def target(net, qtype="A"):
        m = server.steer("made.example.com", net, qtype)
        (_, kind, _, name), = m.answer
        same(kind, 5)
        return name, m.scope
    same(target(MADRID)[0], "es-eu.made.cdn.example.")
    same(target(TOKYO, "HTTPS")[0], "jp-as.made.cdn.example.")
    same(target("10.1.2.0/24")[0], "unknown-unknown.made.cdn.example.")
    for i in range(100):
        net = random_net(rng, i % 2)
        name, scope = target(net)
        whole = ipaddress.ip_network("%s/%d" % (net.split("/")[0], scope), strict=False)
        for _ in range(3):
            inside = whole[rng.randrange(whole.num_addresses)]
            same(target("%s/%d" % (inside, 128 if whole.version == 6 else 32)), (name, scope), "%s inside %s" % (inside, whole))
    assert "es-eu.made.cdn.example." in server.ctl("explain", "made.example.com", "--client", MADRID)[1]
    server.configure(CONFIG.replace("%{country}-%{continent}.%{edge}.cdn.example", "%{land}.x"))
    code, text = server.check()
    assert code == 1 and "%{continent}, %{country}, %{region}, %{city} and %{asn} are the fields there are" in text, text
    server.configure(CONFIG)


@claim("IPv4 inside IPv6 is IPv4: mapped, 6to4, NAT64, with the scope counted in bits of what was sent")
def inside_v6():
    plain = server.steer("web.example.com", "153.128.0.0/24")
    for net, at in (("::ffff:153.128.0.0/120", 96), ("2002:9980::/40", 16), ("64:ff9b::153.128.0.0/120", 96)):
        m = server.steer("web.example.com", net)
        same((edge(m), m.scope), (edge(plain), at + plain.scope), net)


@claim("ecs: off heeds no subnet and echoes none")
def off():
    with Server({"example.com": ZONE}, config=CONFIG, server="workers: 1, ecs: off") as s:
        m = s.steer("web.example.com", "153.128.0.0/24")
        same((edge(m), m.subnet), (["gru"], None))


@claim("the full city database, where it is at hand, loads and agrees")
def full():
    path = os.environ.get("WAYMARK_CITY")
    if not path:
        raise Skip("WAYMARK_CITY names no file (see geoip/fetch-city.sh)")
    with Server({"example.com": ZONE}, config=CONFIG.replace(TOP + "/geoip/city.mmdb", path)) as s:
        same(edge(s.steer("web.example.com", "153.128.0.0/24")), ["nrt"])


with server:
    run("steer")
