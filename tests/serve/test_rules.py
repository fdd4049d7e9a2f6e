"""Raw packets and what the RFCs want in answer: one row a rule."""
from lib import *

ZONE = APEX + """
www A 192.0.2.10
www TXT "x"
c CNAME www
loop1 CNAME loop2
loop2 CNAME loop1
out CNAME www.example.net.
far CNAME nx.other.example.
*.w A 192.0.2.11
a.b.ent TXT "deep"
d DNAME w
sub NS ns.sub
ns.sub A 192.0.2.12
mx MX 10 www
mx MX 20 mx.outside.test.
mxw MX 10 any.w
mxd MX 10 any.w
mxd MX 20 any.w
mxd MX 30 other.w
mxs MX 10 ns.sub
srv SRV 1 2 80 www
svcb SVCB 1 www
https HTTPS 1 .
alias HTTPS 0 https
https A 192.0.2.14
naptr NAPTR 1 2 "A" "" "" www
naptrs NAPTR 1 2 "S" "" "" srv
"""
server = Server({"example.com": ZONE, "other.example": APEX + "x A 192.0.2.20\nback CNAME www.example.com.\n"},
                server='workers: 1, identity: "ams1", version: "Waymark test"',
                config="cookies: { secret: \"e5e973e5a6b2a43f48e7dc849e37bfcf\" }")


def head(flags=0, qd=1, an=0, ns=0, ar=0):
    return struct.pack(">HHHHHH", 0x1234, flags, qd, an, ns, ar)


def ask(name="www.example.com", qtype="A", qclass=1):
    return wire(name) + struct.pack(">HH", TYPES.get(qtype, qtype), qclass)


def rr(owner, qtype, qclass=1, ttl=0, rdata=b""):
    return owner + struct.pack(">HHIH", TYPES.get(qtype, qtype), qclass, ttl, len(rdata)) + rdata


WWW = ask()
COOKIE = b"clientco"
TSIG = rr(wire("key.example"), "TSIG", 255, 0, wire("hmac-sha256") + b"\0\0\x60\0\0\0" + struct.pack(">HH", 300, 16) + b"m" * 16 +
          b"\x12\x34\0\0\0\0")
ANSWERED = {"rcode": NOERROR, "addresses": ["192.0.2.10"]}


def edns(*options, **more):
    return head(ar=1) + WWW + opt(options=b"".join(options), **more)


# The RFC and its section; the rule; the packet; what the answer must have (None: no answer at all).
RULES = [
    # --- the header
    ("1035 4.1.1", "the ID comes back", head() + WWW, {"id": 0x1234}),
    ("1035 4.1.1", "an answer is no query: QR=1 is dropped", head(0x8000) + WWW, None),
    ("1035 4.1.1", "QR=1 is dropped whatever else is wrong", head(0x8000 | 0x7800)[:12], None),
    ("1035 4.1.1", "less than a header is dropped", head()[:11], None),
    ("1035 4.1.1", "nothing at all is dropped", b"", None),
    ("1035 4.1.1", "RD comes back", head(0x100) + WWW, {"rd": True, **ANSWERED}),
    ("1035 4.1.1", "RD stays clear when it was", head() + WWW, {"rd": False}),
    ("1035 4.1.1", "RA is never set: there is no recursion here", head(0x180) + WWW, {"ra": False, **ANSWERED}),
    ("1035 4.1.1", "AA is set in what is ours", head() + WWW, {"aa": True}),
    ("1035 4.1.1", "AA in a query means nothing", head(0x400) + ask("x.nowhere"), {"aa": False, "rcode": REFUSED}),
    ("1035 4.1.1", "TC in a query means nothing", head(0x200) + WWW, {"tc": False, **ANSWERED}),
    ("1035 4.1.1", "Z is zero in answers", head(0x40) + WWW, {"z": False, **ANSWERED}),
    ("1035 4.1.1", "an RCODE in a query means nothing", head(0x5) + WWW, ANSWERED),
    ("4035 3.1.6", "AD is clear in authoritative answers", head(0x20) + WWW, {"ad": False, **ANSWERED}),
    ("4035 3.1.6", "CD is cleared in authoritative answers", head(0x10) + WWW, {"cd": False, **ANSWERED}),
    ("4035 3.1.6", "AD with DO is clear in an unsigned zone", head(0x20, ar=1) + WWW + opt(flags=DO), {"ad": False, **ANSWERED}),
    ("1035 4.1.1", "opcode IQUERY is NOTIMP (RFC 3425 section 3)", head(1 << 11) + WWW, {"rcode": NOTIMP, "opcode": 1}),
    ("1035 4.1.1", "opcode STATUS is NOTIMP", head(2 << 11) + WWW, {"rcode": NOTIMP, "opcode": 2}),
    ("1035 4.1.1", "opcode 3 is NOTIMP", head(3 << 11) + WWW, {"rcode": NOTIMP, "opcode": 3}),
    ("8490 5.4", "opcode DSO is NOTIMP", head(6 << 11, qd=0), {"rcode": NOTIMP, "opcode": 6}),
    ("1035 4.1.1", "opcode 15 is NOTIMP, without a question", head(15 << 11) + WWW, {"rcode": NOTIMP, "opcode": 15, "questions": 0}),
    ("6891 6.1.1", "an OPT is answered with an OPT, NOTIMP too", head(15 << 11, ar=1) + WWW + opt(), {"rcode": NOTIMP, "payload": 1232}),
    ("1035 4.1.1", "a header alone with an unknown opcode is NOTIMP", head(7 << 11, qd=0), {"rcode": NOTIMP}),
    # --- the question
    ("9619 4", "no question is FORMERR", head(qd=0), {"rcode": FORMERR, "questions": 0}),
    ("9619 4", "two questions are FORMERR", head(qd=2) + WWW + WWW, {"rcode": FORMERR, "questions": 0}),
    ("9619 4", "65535 questions are FORMERR", head(qd=65535) + WWW, {"rcode": FORMERR}),
    ("1035 4.1.2", "a question that is not there is FORMERR", head(), {"rcode": FORMERR, "questions": 0}),
    ("1035 4.1.2", "a name that does not end is FORMERR", head() + b"\3www", {"rcode": FORMERR}),
    ("1035 4.1.2", "a question without its type is FORMERR", head() + wire("www.example.com"), {"rcode": FORMERR}),
    ("1035 4.1.2", "a question without its class is FORMERR", head() + WWW[:-2], {"rcode": FORMERR}),
    ("1035 4.1.4", "a question that points to itself is FORMERR", head() + b"\xc0\x0c\0\1\0\1", {"rcode": FORMERR}),
    ("1035 4.1.4", "a question that points into the header is FORMERR", head() + b"\xc0\x00\0\1\0\1", {"rcode": FORMERR}),
    ("1035 4.1.4", "a label and a pointer is FORMERR", head() + b"\1a\xc0\x0c\0\1\0\1", {"rcode": FORMERR}),
    ("1035 4.1.4", "label type 01 is FORMERR (RFC 6891 section 5)", head() + b"\x41a\0\0\1\0\1", {"rcode": FORMERR}),
    ("1035 4.1.4", "label type 10 is FORMERR", head() + b"\x81a\0\0\1\0\1", {"rcode": FORMERR}),
    ("1035 2.3.4", "a label of 64 bytes is FORMERR", head() + b"\x40" + b"a" * 64 + b"\0\0\1\0\1", {"rcode": FORMERR}),
    ("1035 2.3.4", "a name of 256 bytes is FORMERR", head() + (b"\x3f" + b"a" * 63) * 3 + b"\x3f" + b"a" * 63 + b"\0\0\1\0\1", {"rcode": FORMERR}),
    ("1035 2.3.4", "a name of 255 bytes is a question", head() + (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0\0\1\0\1",
     {"rcode": REFUSED, "questions": 1}),
    ("1035 3.1", "the root is a name", head() + b"\0\0\1\0\1", {"rcode": REFUSED, "question": "."}),
    ("4343 4", "case does not matter, and the question's comes back", head() + ask("wWw.eXaMple.COM"), {"question": "wWw.eXaMple.COM.", **ANSWERED}),
    ("2181 11", "any byte may stand in a label", head() + ask("\0\xff \n.example.com"), {"rcode": NXDOMAIN}),
    ("1035 4.1.2", "the question comes back with an error of ours", head() + ask("nowhere"), {"rcode": REFUSED, "questions": 1}),
    # --- other sections of a query
    ("1035 4.1", "a record in the answer section of a query is passed over", head(an=1) + WWW + rr(b"\xc0\x0c", "A", rdata=b"abcd"), ANSWERED),
    ("1995 3", "a record in the authority section of a query is passed over", head(ns=1) + WWW + rr(b"\xc0\x0c", "A", rdata=b"abcd"), ANSWERED),
    ("1035 4.1", "an additional record that is no OPT is passed over", head(ar=1) + WWW + rr(wire("a.b"), "A", rdata=b"abcd"), ANSWERED),
    ("1035 4.1", "an additional record behind the OPT is passed over", head(ar=2) + WWW + opt() + rr(b"\0", "A", rdata=b"abcd"), {"payload": 1232, **ANSWERED}),
    ("1035 4.1", "counted records that are not there are FORMERR", head(ar=1) + WWW, {"rcode": FORMERR}),
    ("1035 4.1", "a counted answer that is not there is FORMERR", head(an=1) + WWW, {"rcode": FORMERR}),
    ("1035 4.1.3", "RDATA that ends behind the packet is FORMERR", head(ar=1) + WWW + rr(b"\0", "A", rdata=b"abcd")[:-1], {"rcode": FORMERR}),
    ("1035 4.1.3", "a record cut in its fixed part is FORMERR", head(ar=1) + WWW + b"\0\0\1\0", {"rcode": FORMERR}),
    ("1035 4.1", "bytes behind the end are passed over", head() + WWW + b"garbage", ANSWERED),
    # --- EDNS
    ("6891 6.1.1", "no OPT, no OPT", head() + WWW, {"payload": None}),
    ("6891 6.1.1", "two OPTs are FORMERR", head(ar=2) + WWW + opt() + opt(), {"rcode": FORMERR}),
    ("6891 6.1.2", "an OPT below the root is FORMERR", head(ar=1) + WWW + wire("a") + opt()[1:], {"rcode": FORMERR}),
    ("6891 6.1.1", "an OPT in the answer section is FORMERR", head(an=1) + WWW + opt(), {"rcode": FORMERR}),
    ("6891 6.1.1", "an OPT in the authority section is FORMERR", head(ns=1) + WWW + opt(), {"rcode": FORMERR}),
    ("6891 6.1.3", "version 1 is BADVERS", edns(version=1), {"rcode": BADVERS, "answer": [], "version": 0}),
    ("6891 6.1.3", "version 255 is BADVERS", edns(version=255), {"rcode": BADVERS}),
    ("6891 6.1.3", "BADVERS before what its options may say", edns(b"\0", version=1), {"rcode": BADVERS}),
    ("6891 6.1.3", "BADVERS without a question", head(qd=0, ar=1) + opt(version=1), {"rcode": BADVERS, "questions": 0}),
    ("6891 6.1.3", "BADVERS for a name that is not ours", head(ar=1) + ask("x.nowhere") + opt(version=1), {"rcode": BADVERS}),
    ("6891 6.1.4", "unknown flags are passed over and not sent back", edns(flags=0x4fff), {"edns": 0, **ANSWERED}),
    ("3225 3", "DO comes back", edns(flags=DO), {"edns": DO, **ANSWERED}),
    ("6891 6.1.3", "the upper RCODE of a query means nothing", head(ar=1) + WWW + b"\0" + struct.pack(">HHBBHH", 41, 1232, 9, 0, 0, 0), ANSWERED),
    ("6891 6.2.3", "a payload of 0 is 512", edns(payload=0), ANSWERED),
    ("6891 6.1.2", "unknown options are passed over", edns(option(65001, b"abc"), option(4, b""), option(65535, b"x" * 200)), ANSWERED),
    ("6891 6.1.2", "an option that is longer than the OPT is FORMERR", edns(struct.pack(">HH", 65001, 9) + b"x"), {"rcode": FORMERR}),
    ("6891 6.1.2", "half an option's head is FORMERR", edns(b"\xfd\xe9\0"), {"rcode": FORMERR}),
    ("6891 7", "an error is answered with an OPT too", head(ar=1) + ask("x.nowhere") + opt(), {"rcode": REFUSED, "payload": 1232}),
    # --- NSID, cookies, keepalive, extended errors
    ("5001 2.3", "NSID is told who asks for it", edns(option(3)), {"options": {3: b"ams1"}, **ANSWERED}),
    ("5001 2.1", "NSID is told nobody else", edns(), {"options": {}}),
    ("5001 2.1", "what a query's NSID holds means nothing", edns(option(3, b"junk")), {"options": {3: b"ams1"}}),
    ("7873 5.2.2", "a cookie of 0 bytes is FORMERR", edns(option(10)), {"rcode": FORMERR}),
    ("7873 5.2.2", "a cookie of 7 bytes is FORMERR", edns(option(10, b"c" * 7)), {"rcode": FORMERR}),
    ("7873 5.2.2", "a cookie of 9 bytes is FORMERR", edns(option(10, b"c" * 9)), {"rcode": FORMERR}),
    ("7873 5.2.2", "a cookie of 15 bytes is FORMERR", edns(option(10, b"c" * 15)), {"rcode": FORMERR}),
    ("7873 5.2.2", "a cookie of 41 bytes is FORMERR", edns(option(10, b"c" * 41)), {"rcode": FORMERR}),
    ("7873 5.2.3", "a client cookie gets a server cookie of 16 bytes behind it", edns(option(10, COOKIE)), {"cookie": COOKIE, **ANSWERED}),
    ("7873 5.2.4", "a wrong server cookie gets a right one, and the answer", edns(option(10, COOKIE + b"w" * 16)), {"cookie": COOKIE, **ANSWERED}),
    ("7873 5.2.4", "a server cookie of 8 bytes is a wrong one", edns(option(10, COOKIE + b"w" * 8)), {"cookie": COOKIE, **ANSWERED}),
    ("7873 5.2.4", "a server cookie of 32 bytes is a wrong one", edns(option(10, COOKIE + b"w" * 32)), {"cookie": COOKIE, **ANSWERED}),
    ("7873 5.4", "no question but a cookie is how one asks for a cookie", head(qd=0, ar=1) + opt(options=option(10, COOKIE)),
     {"rcode": NOERROR, "questions": 0, "cookie": COOKIE}),
    ("7873 5.2", "of two cookies the first counts", edns(option(10, COOKIE), option(10, b"otherone")), {"cookie": COOKIE, **ANSWERED}),
    ("7828 3.2.2", "keepalive over UDP is passed over", edns(option(11)), {"options": {}, **ANSWERED}),
    ("8914 4.21", "not ours: REFUSED, Not Authoritative", head(ar=1) + ask("x.nowhere") + opt(), {"rcode": REFUSED, "options": {15: b"\0\x14"}}),
    ("8914 4.19", "a transfer that is not allowed: Prohibited", head(ar=1) + ask("example.com", "IXFR") + opt(), {"rcode": REFUSED, "options": {15: b"\0\x12"}}),
    ("8914 2", "no OPT, no extended error", head() + ask("x.nowhere"), {"rcode": REFUSED, "edns": None}),
    # --- client subnet
    ("7871 7.2.1", "a subnet comes back, with scope 0 where it plays no part", edns(ecs("198.51.100.0/24")), {"subnet": (1, 24, 0, b"\xc6\x33\x64"), **ANSWERED}),
    ("7871 7.1.2", "source 0 comes back", edns(ecs("0.0.0.0/0")), {"subnet": (1, 0, 0, b""), **ANSWERED}),
    ("7871 6", "family 3 is FORMERR", edns(option(8, b"\0\3\x18\0abc")), {"rcode": FORMERR}),
    ("7871 6", "family 0 with a prefix is FORMERR", edns(option(8, b"\0\0\x08\0a")), {"rcode": FORMERR}),
    ("7871 6", "an IPv4 prefix of 33 bits is FORMERR", edns(option(8, b"\0\1\x21\0abcde")), {"rcode": FORMERR}),
    ("7871 6", "an IPv6 prefix of 129 bits is FORMERR", edns(option(8, b"\0\2\x81\0" + b"a" * 17)), {"rcode": FORMERR}),
    ("7871 6", "a byte too few is FORMERR", edns(option(8, b"\0\1\x18\0ab")), {"rcode": FORMERR}),
    ("7871 6", "a byte too many is FORMERR", edns(option(8, b"\0\1\x18\0abcd")), {"rcode": FORMERR}),
    ("7871 6", "bits behind the prefix are FORMERR", edns(option(8, b"\0\1\x14\0\xc0\0\x0f")), {"rcode": FORMERR}),
    ("7871 7.1.2", "a scope in a query is FORMERR", edns(option(8, b"\0\1\x18\x18\xc0\0\2")), {"rcode": FORMERR}),
    ("7871 6", "an option without its lengths is FORMERR", edns(option(8, b"\0\1")), {"rcode": FORMERR}),
    # --- TSIG without keys
    ("8945 5.2.1", "a key that is unknown is NOTAUTH, unsigned BADKEY", head(ar=1) + WWW + TSIG, {"rcode": NOTAUTH, "tsig": 17, "answer": []}),
    ("8945 5.1", "TSIG that is not the last record is FORMERR", head(ar=2) + WWW + TSIG + opt(), {"rcode": FORMERR}),
    ("8945 5.1", "two TSIGs are FORMERR", head(ar=2) + WWW + TSIG + TSIG, {"rcode": FORMERR}),
    ("8945 4.2", "TSIG of another class than ANY is FORMERR", head(ar=1) + WWW + TSIG.replace(b"\0\xfa\0\xff", b"\0\xfa\0\1"), {"rcode": FORMERR}),
    ("8945 4.2", "TSIG cut short is FORMERR", head(ar=1) + WWW + rr(wire("k"), "TSIG", 255, 0, b"\0\0"), {"rcode": FORMERR}),
    ("8945 5.1", "TSIG outside of the additional section is FORMERR", head(an=1) + WWW + TSIG, {"rcode": FORMERR}),
    # --- classes and types
    ("1035 3.2.5", "QCLASS ANY is answered, without authority (section 6.2)", head() + ask(qclass=255), {"aa": False, **ANSWERED}),
    ("1035 3.2.4", "class HS is not ours", head() + ask(qclass=4), {"rcode": REFUSED}),
    ("2136 1.2", "class NONE is not ours", head() + ask(qclass=254), {"rcode": REFUSED}),
    ("1035 3.2.4", "class 0 is not ours", head() + ask(qclass=0), {"rcode": REFUSED}),
    ("4892 3", "id.server in CHAOS tells the identity", head() + ask("id.server", "TXT", 3), {"rcode": NOERROR, "texts": ["ams1"]}),
    ("4892 3", "hostname.bind in CHAOS tells the identity", head() + ask("hostname.bind", "TXT", 3), {"texts": ["ams1"]}),
    ("4892 3", "version.bind in CHAOS tells the version", head() + ask("VERSION.bind", "TXT", 3), {"texts": ["Waymark test"]}),
    ("4892 3", "version.server in CHAOS tells the version", head() + ask("version.server", "TXT", 3), {"texts": ["Waymark test"]}),
    ("4892 3", "other names in CHAOS are refused", head() + ask("www.example.com", "TXT", 3), {"rcode": REFUSED}),
    ("4892 3", "other types in CHAOS are refused", head() + ask("id.server", "A", 3), {"rcode": REFUSED}),
    ("4892 3", "and in class IN these names are not ours", head() + ask("id.server", "TXT"), {"rcode": REFUSED}),
    ("6895 3.1", "QTYPE 0 is a type that is not there", head() + ask(qtype=0), {"rcode": NOERROR, "answer": [], "soa": 1}),
    ("6895 3.1", "QTYPE 65535 is a type that is not there", head() + ask(qtype=65535), {"rcode": NOERROR, "answer": [], "soa": 1}),
    ("3597 3", "an unknown type is NODATA like any other", head() + ask(qtype=65400), {"rcode": NOERROR, "soa": 1}),
    ("1035 3.2.3", "MAILA and MAILB have no records", head() + ask(qtype=254), {"rcode": NOERROR, "answer": [], "soa": 1}),
    ("8482 4.1", "ANY over UDP is one of the sets", head() + ask(qtype="ANY"), {"rcode": NOERROR, "sets": 1}),
    ("8482 4.1", "ANY at a name that is not there is NXDOMAIN", head() + ask("nx.example.com", "ANY"), {"rcode": NXDOMAIN, "soa": 1}),
    ("1035 3.2.3", "ANY at a CNAME is the CNAME", head() + ask("c.example.com", "ANY"), {"sets": 1}),
    ("5936 4.2", "AXFR over UDP is NOTIMP", head() + ask("example.com", "AXFR"), {"rcode": NOTIMP}),
    ("5936 2.2.1", "IXFR of what is no zone's apex is NOTAUTH", head() + ask("www.example.com", "IXFR"), {"rcode": NOTAUTH}),
    # --- what a zone says
    ("1034 4.3.2", "NXDOMAIN has the SOA, TTL the smaller of its own and MINIMUM (RFC 2308 section 3)", head() + ask("nx.example.com"),
     {"rcode": NXDOMAIN, "aa": True, "soa": 1, "soa_ttl": 60}),
    ("2308 2.2", "NODATA has the SOA and no NS", head() + ask(qtype="AAAA"), {"rcode": NOERROR, "answer": [], "soa": 1, "soa_ttl": 60}),
    ("4592 2.2.2", "an empty non-terminal is NODATA", head() + ask("ent.example.com"), {"rcode": NOERROR, "answer": [], "soa": 1}),
    ("8020 2", "below a name that has no children all is NXDOMAIN", head() + ask("x.www.example.com"), {"rcode": NXDOMAIN}),
    ("4592 3.3.1", "a wildcard's answer bears the question's name", head() + ask("Some.Thing.w.example.com"), {"addresses": ["192.0.2.11"],
     "owners": ["some.thing.w.example.com."]}),
    ("4592 2.3", "a wildcard stands for itself when asked by name", head() + ask("*.w.example.com"), {"addresses": ["192.0.2.11"]}),
    ("4592 2.2.1", "a wildcard does not stand for its own parent", head() + ask("w.example.com"), {"rcode": NOERROR, "answer": []}),
    ("1034 3.6.2", "a CNAME is followed inside the zone", head() + ask("c.example.com"), {"rows": [("c.example.com.", 5), ("www.example.com.", 1)]}),
    ("1034 3.6.2", "a question for CNAME is not", head() + ask("c.example.com", "CNAME"), {"rows": [("c.example.com.", 5)]}),
    ("1034 4.3.2", "a CNAME out of our zones is left to the asker", head() + ask("out.example.com"), {"rcode": NOERROR, "rows": [("out.example.com.", 5)]}),
    ("1034 4.3.2", "a CNAME into another zone of ours is followed there", head() + ask("back.other.example"),
     {"aa": True, "rows": [("back.other.example.", 5), ("www.example.com.", 1)]}),
    ("6604 2", "the RCODE is that of the last name", head() + ask("far.example.com"), {"rcode": NXDOMAIN, "rows": [("far.example.com.", 5)], "soa": 1}),
    ("1034 5.2.2", "a loop of CNAMEs ends", head() + ask("loop1.example.com"), {"rcode": NOERROR, "rows": [("loop1.example.com.", 5), ("loop2.example.com.", 5)]}),
    ("6672 3.1", "a DNAME comes with the CNAME it makes, and its end", head() + ask("q.d.example.com"),
     {"rows": [("d.example.com.", 39), ("q.d.example.com.", 5), ("q.w.example.com.", 1)]}),
    ("6672 2.3", "a DNAME does not redirect its own name", head() + ask("d.example.com"), {"rcode": NOERROR, "answer": []}),
    ("1034 4.3.2", "below a cut: a referral, without AA, with glue", head() + ask("x.sub.example.com"),
     {"rcode": NOERROR, "aa": False, "answer": [], "ns": ["ns.sub.example.com."], "glue": ["192.0.2.12"]}),
    ("1034 4.3.2", "the cut itself is a referral too", head() + ask("sub.example.com", "NS"), {"aa": False, "answer": [], "ns": ["ns.sub.example.com."]}),
    ("4035 3.1.4.1", "the DS of a cut is the parent's to deny", head() + ask("sub.example.com", "DS"), {"aa": True, "rcode": NOERROR, "soa": 1}),
    ("2181 5.4.1", "glue is no answer", head() + ask("ns.sub.example.com"), {"aa": False, "answer": []}),
    # --- additional data
    ("1035 3.3.9", "MX brings addresses that are ours", head() + ask("mx.example.com", "MX"), {"glue": ["192.0.2.10"]}),
    ("1035 3.3.9", "MX brings a wildcard's addresses", head() + ask("mxw.example.com", "MX"), {"glue": ["192.0.2.11"]}),
    ("2181 5", "the addresses of a name that two MX records share are there once, made from a wildcard, too", head() + ask("mxd.example.com", "MX"),
     {"additional": [("any.w.example.com.", 1), ("other.w.example.com.", 1)]}),
    ("1035 3.3.9", "MX brings no glue", head() + ask("mxs.example.com", "MX"), {"glue": []}),
    ("1035 3.3.11", "NS brings addresses", head() + ask("example.com", "NS"), {"glue": ["192.0.2.53"]}),
    ("2782", "SRV brings addresses", head() + ask("srv.example.com", "SRV"), {"glue": ["192.0.2.10"]}),
    ("9460 4.1", "SVCB brings addresses of its target", head() + ask("svcb.example.com", "SVCB"), {"glue": ["192.0.2.10"]}),
    ("9460 4.1", "HTTPS to \".\" brings its owner's addresses", head() + ask("https.example.com", "HTTPS"), {"glue": ["192.0.2.14"]}),
    ("9460 4.1", "HTTPS in AliasMode brings its target's HTTPS and addresses", head() + ask("alias.example.com", "HTTPS"),
     {"additional": [("https.example.com.", 65), ("https.example.com.", 1)]}),
    ("3403 4.1", "NAPTR with flag A brings addresses", head() + ask("naptr.example.com", "NAPTR"), {"glue": ["192.0.2.10"]}),
    ("3403 4.1", "NAPTR with flag S brings SRV", head() + ask("naptrs.example.com", "NAPTR"), {"additional": [("srv.example.com.", 33)]}),
]

FIELDS = {
    "addresses": lambda m: m.addresses(),
    "answer": lambda m: m.answer,
    "rows": lambda m: [r[:2] for r in m.answer],
    "owners": lambda m: [r[0] for r in m.answer],
    "sets": lambda m: len({r[:2] for r in m.answer}),
    "texts": lambda m: [r[3] for r in m.answer],
    "soa": lambda m: len([r for r in m.authority if r[1] == 6]),
    "soa_ttl": lambda m: [r[2] for r in m.authority if r[1] == 6][0],
    "ns": lambda m: [r[3] for r in m.authority if r[1] == 2],
    "glue": lambda m: [r[3] for r in m.additional if r[1] in (1, 28)],
    "additional": lambda m: [r[:2] for r in m.additional],
    "cookie": lambda m: m.options[10][:8] if len(m.options[10]) == 24 and m.options[10][8:12] == b"\1\0\0\0" else m.options[10],
    "version": lambda m: m.edns >> 16 & 0xff,
    "edns": lambda m: m.edns if m.edns is None else m.edns & 0xffff,
    "tsig": lambda m: struct.unpack(">H", bytes.fromhex([r[3] for r in m.additional if r[1] == 250][0])[-4:-2])[0],
}


def check(packet, want, ask_it):
    reply = ask_it(packet)
    if want is None:
        same(reply, None, "answered:")
        return
    if reply is None:
        raise AssertionError("no answer")
    m = Message(reply)
    for field, value in want.items():
        same(FIELDS[field](m) if field in FIELDS else getattr(m, field), value, field)


def over_udp(packet):
    return server.exchange(packet, wait=0.2 if struct.unpack(">H", (packet + b"\x80" * 4)[2:4])[0] & 0x8000 or len(packet) < 12 else 2.0)


for row in RULES:
    claim("RFC %s: %s" % row[:2])(lambda row=row: check(row[2], row[3], over_udp))


@claim("the same rules hold over TCP, but for those that are about UDP")
def over_tcp():
    for section, rule, packet, want in RULES:
        if want is None or "UDP" in rule:
            continue
        try:
            with server.connect() as s:
                send_tcp(s, packet)
                reply = recv_tcp(s)
            check(packet, want, lambda _: reply)
        except AssertionError as e:
            raise AssertionError("RFC %s: %s: %s" % (section, rule, e))


@claim("RFC 8482 section 4.4: ANY over TCP is all sets")
def any_tcp():
    same({r[1] for r in server.tcp("www.example.com", "ANY").answer}, {1, 16})


@claim("RFC 5936 section 2.2.1: AXFR over TCP is REFUSED for ours, NOTAUTH for others")
def axfr():
    same(server.tcp("example.com", "AXFR").rcode, REFUSED)
    same(server.tcp("www.example.com", "AXFR").rcode, NOTAUTH)
    same(server.tcp("nowhere", "AXFR").rcode, NOTAUTH)


@claim("RFC 7873 section 5.2.5: a good cookie comes back as it is")
def good_cookie():
    given = server.udp("www.example.com", options=option(10, COOKIE)).options[10]
    same(server.udp("www.example.com", options=option(10, given)).options[10], given)
    status = server.ctl("status", "--json")[1]
    assert '"cookies_good": 1' in status, status


@claim("RFC 7828 section 3.2.2: keepalive over TCP is answered with our idle time")
def keepalive():
    with server.connect() as s:
        send_tcp(s, edns(option(11)))
        same(Message(recv_tcp(s)).options, {11: b"\0\x64"})


@claim("switched off: no identity, no version, no cookies, no additional data")
def off():
    with Server({"example.com": ZONE}, "cookies: { answer: off }", server="workers: 1, identity: off, version: off, minimal-responses: on") as s:
        for name in ("id.server", "version.bind"):
            m = s.udp(name, "TXT", qclass=3, options=b"")
            same((m.rcode, m.options), (REFUSED, {15: b"\0\x12"}))
        same(s.udp("www.example.com", options=option(3) + option(10, COOKIE)).options, {})
        same(s.udp("mx.example.com", "MX").additional, [])
        same(len(s.udp("x.sub.example.com").additional), 1)


@claim("RFC 6891 section 6.2.5: a long question and a long identity stay within what the asker takes")
def long_opt():
    with Server({"example.com": ZONE}, server='workers: 1, identity: "%s"' % ("i" * 255)) as s:
        name = ".".join(["a" * 63] * 3 + ["b" * 49]) + ".example.com"
        options = option(3) + option(10, COOKIE) + ecs("2001:db8::/128")
        for qname, present in ((name, False), ("www.example.com", True)):
            reply = s.exchange(query(qname, "A", edns=opt(512, options=options)))
            assert len(reply) <= 512, len(reply)
            same(3 in Message(reply).options, present, qname)
        same(len(s.udp(name, "A", edns=opt(1232, options=options)).options[3]), 255)


with server:
    run("rules")
