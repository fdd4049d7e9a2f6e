"""GeoIP files of the operator's own: private networks, odd fields, files without coordinates."""
from lib import *
import json
import mmdb

AMS = {"country_code": "NL", "latitude": 52.37, "longitude": 4.9}
ROM = {"country_code": "IT", "latitude": 41.9, "longitude": 12.5}
OWN = {"83.0.0.0/8": ROM, "10.0.0.0/8": AMS, "10.9.0.0/16": ROM, "100.64.0.0/10": ROM, "127.0.0.0/8": ROM, "fd00::/8": AMS, "2a00::/16": ROM}
EDGES = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ], aaaa: [ "2001:db8::1" ] }, rom: { at: "42,12", a: [ 192.0.2.2 ], aaaa: [ "2001:db8::2" ] } }
pools: { web: { edges: [ ams, rom ] }, pinned: { edges: [ ams, rom ], pin: { asn: { 64500: rom } } } }
"""
ZONES = {"example.com": APEX + "www 60 EDGE web\npinned 60 EDGE pinned\n"}


def serve(nets, asns=None, start=True, config=EDGES):
    s = Server(ZONES, start=False, config="geoip: { city: { file: city.mmdb }%s }\n%s" % (
        ", asn: { file: asn.mmdb }" if asns else "", config))
    mmdb.write(s.dir + "/city.mmdb", nets)
    if asns:
        mmdb.write(s.dir + "/asn.mmdb", asns, "Test-ASN")
    if start:
        s.start()
    return s


def edge(s, subnet=None, name="www", qtype="A"):
    m = s.steer(name + ".example.com", subnet, qtype) if subnet else s.udp(name + ".example.com", qtype)
    return m.addresses()[0][-1], m.scope


@claim("private networks that a database tells of are used, as subnets and as sources")
def private():
    with serve(OWN) as s:
        same(edge(s, "10.1.2.0/24"), ("1", 13), "the widest net that has none of another place:")
        same(edge(s, "10.9.2.0/24"), ("2", 16))
        same(edge(s, "100.64.1.0/24"), ("2", 10))
        same(edge(s, "fd00:1::/48", qtype="AAAA"), ("1", 8))
        same(edge(s), ("2", None), "127.0.0.1 as the source:")
        same(edge(s, "192.168.1.0/24"), ("2", 16), "no file tells of it, so that the source decides:")
        code, said = s.ctl("geo", "10.9.0.1")
        same((code, "IT" in said, "not of the public Internet" in said), (0, True, True))


@claim("a CNAME has the client's region and city in it, and its scope ends where they do, no sooner and no later")
def templates():
    def at(country, region=None, city=None):
        return {k: v for k, v in (("country_code", country), ("region", region), ("city", city), ("latitude", 40.0), ("longitude", -100.0)) if v}
    nets = {"8.0.0.0/8": at("US", "California", "San José"), "9.0.0.0/8": at("US", "California", "Fresno"), "12.0.0.0/8": at("US", "Texas", "Austin"),
            "13.0.0.0/8": at("US")}
    for template, want in (("%{country}-%{continent}.cdn.example", ((8, "us-na.", 7), (9, "us-na.", 7), (12, "us-na.", 7), (200, "unknown-unknown.", None))),
                           ("%{region}.%{country}.cdn.example", ((8, "california.us.", 7), (9, "california.us.", 7), (12, "texas.us.", 8), (13, "unknown.us.", 8))),
                           ("%{city}.cdn.example", ((8, "san-jos--.", 8), (9, "fresno.", 8), (12, "austin.", 8), (13, "unknown.", 8)))):
        with serve(nets, config='edges: { o: { cname: "%s" } }\npools: { web: { edges: [ o ], policy: ordered }, pinned: { edges: [ o ], policy: ordered } }' % template) as s:
            for first, name, scope in want:
                m = s.steer("www.example.com", "%d.1.2.0/24" % first)
                same(m.answer[0][3], name + "cdn.example.", template)
                assert scope in (None, m.scope), (template, first, m.scope)


@claim("a CNAME has the client's AS in it: two nets of one AS are one scope, a private net that only the AS is known of counts, and is no scope with one that neither is known of, and its place ends the scope where it is asked for, too")
def as_templates():
    nets = {"8.0.0.0/8": AMS, "9.0.0.0/8": AMS, "12.0.0.0/8": ROM, "13.0.0.0/8": AMS, "10.192.0.0/16": AMS}
    asns = {"8.0.0.0/8": {"asn": 64500}, "9.0.0.0/8": {"asn": 64500, "organization": "other"}, "12.0.0.0/7": {"asn": 64501}, "10.0.0.0/9": {"asn": 4200000000}, "172.16.0.0/13": {"asn": 64503},
            "127.0.0.0/8": {"asn": 64502}}
    pools = 'edges: { o: { cname: "%s" } }\npools: { web: { edges: [ o ], policy: ordered }, pinned: { edges: [ o ], policy: ordered } }'
    for template, want in (("as%{asn}.cdn.example", (("8.1.2.0", "as64500.", 7), ("9.1.2.0", "as64500.", 7), ("12.1.2.0", "as64501.", 7), ("13.1.2.0", "as64501.", 7),
                                                     ("200.1.2.0", "asunknown.", None), ("10.1.2.0", "as4200000000.", 9),
                                                     ("10.128.1.0", "as64502.", 10), ("10.192.1.0", "asunknown.", 16), ("172.16.1.0", "as64503.", 13), ("172.24.1.0", "as64502.", 13), ("192.168.1.0", "as64502.", 16))),
                           ("%{country}-%{asn}.cdn.example", (("8.1.2.0", "nl-64500.", 7), ("12.1.2.0", "it-64501.", 8), ("13.1.2.0", "nl-64501.", 8)))):
        with serve(nets, asns, config=pools % template) as s:
            for net, name, scope in want:
                m = s.steer("www.example.com", net + "/24")
                same(m.answer[0][3], name + "cdn.example.", template)
                assert scope in (None, m.scope), (template, net, m.scope)
            same("as64500" in s.ctl("explain", "www.example.com", "--client", "8.1.2.0/24")[1], "as%" in template)
            same("unknown" in s.check()[1], False)
    with serve(nets, config=pools % "as%{asn}.cdn.example") as s:
        same(s.steer("www.example.com", "8.1.2.0/24").answer[0][3], "asunknown.cdn.example.")
        same('edge o: the fields of its cname are "unknown" for all clients: there is no geoip: asn: file' in s.check()[1], True, s.check()[1])


@claim("check and status count the networks that are not of the public Internet")
def counted():
    with serve(OWN) as s:
        code, said = s.check()
        same((code, "geoip: city: 14 networks, 12 of them not of the public Internet" in said), (0, True), said)
        status = json.loads(s.ctl("status", "--json")[1])
        same((status["geo_networks"], status["geo_networks_local"]), (14, 12))


@claim("an AS number of a private network finds its pin")
def pins():
    with serve({"83.0.0.0/8": AMS}, {"10.0.0.0/8": {"asn": 64500}, "83.0.0.0/8": {"asn": "AS64501"}}) as s:
        same(edge(s, "10.1.2.0/24", "pinned")[0], "2")
        same(edge(s, "83.1.2.0/24", "pinned")[0], "1")


@claim("a field of an odd form costs that field, and the warning names the key")
def odd():
    cities = {"83.0.0.0/8": dict(ROM, region={"a": 1}), "84.0.0.0/8": dict(AMS, latitude="north", city=7)}
    asns = {"10.0.0.0/8": {"asn": "AS3352 Name"}, "83.0.0.0/8": {"asn": "AS64500"}}
    with serve(cities, asns) as s:
        same(edge(s, "83.1.2.0/24")[0], "2")
        same(edge(s, "83.1.2.0/24", "pinned")[0], "2")
        code, said = s.check()
        same(code, 0, said)
        for want in ('city.mmdb: warning: "region" is not a text in 1 record (a map)', '"latitude" is not a latitude in degrees in 1 record ("north")',
                     '"city" is not a text in 1 record (a number)', 'asn.mmdb: warning: "asn" is not an AS number in 1 record ("AS3352 Name")'):
            same(want in said, True, "%r in %r" % (want, said))
        same('"asn" is not an AS number' in s.said(), True, "the log of the start: " + s.said())
    with serve({"83.0.0.0/8": ROM}, {"83.0.0.0/8": {"asn": "AS3352 Name"}}) as s:
        same(edge(s, "83.1.2.0/24")[0], "2", "all that a file tells may be of an odd form:")


@claim("a database without coordinates under a nearest pool is warned of, file by file")
def coordinates():
    country = {"83.0.0.0/8": {"country": {"iso_code": "IT"}}}
    with serve(country, start=False) as s:
        code, said = s.check()
        same((code, "city.mmdb: warning: tells no coordinates" in said), (0, True), said)
        s.configure(s.config.replace("edges: [ ams, rom ]", "edges: [ ams, rom ], policy: round-robin"))
        same("coordinates" in s.check()[1], False, "where no pool asks for distance:")
        s.configure("geoip: { city: { file: [ four.mmdb, city.mmdb ] } }\n" + EDGES)
        mmdb.write(s.dir + "/four.mmdb", {"83.0.0.0/8": ROM})
        mmdb.write(s.dir + "/city.mmdb", {"2a00::/16": {"country": {"iso_code": "IT"}}})
        code, said = s.check()
        same((code, "city.mmdb: warning: tells no coordinates" in said, "four.mmdb: warning" in said), (0, True, False), said)


run("geo")
