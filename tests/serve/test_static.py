"""Answers of every kind from ordinary zones, over UDP and TCP."""
from lib import *

ZONE = APEX + """
@ NS ns2.example.net.
@ MX 10 mail
mail A 192.0.2.25
www 60 A 192.0.2.10
www 60 AAAA 2001:db8::10
alias CNAME www
chain CNAME alias
out CNAME www.example.org.
gone CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop1
*.wild A 192.0.2.77
a.b.c TXT "deep"
sub NS ns.sub
sub NS ns.other.example.
ns.sub A 192.0.2.99
ns.sub AAAA 2001:db8::99
d DNAME www
dout DNAME example.org.
self DNAME more.self
long DNAME %s
odd TYPE65400 \\# 3 010203
$GENERATE 1-100 big A 10.0.0.$
""" % ".".join(["x" * 60] * 3)
CHILD = APEX + "www A 192.0.2.111\n"
SOA = ("example.com.", 6, 60, "ns1.example.com. hostmaster.example.com. 7 7200 900 1209600 60")

server = Server({"example.com": ZONE, "kid.example.com": CHILD})


def both(name, qtype):
    """The same over UDP and TCP."""
    u, t = server.udp(name, qtype), server.tcp(name, qtype)
    same((u.rcode, u.aa, u.answer, u.authority), (t.rcode, t.aa, t.answer, t.authority), "UDP and TCP:")
    return u


@claim("a name with the type is answered with its set")
def positive():
    m = both("www.example.com", "A")
    same((m.rcode, m.aa, m.answer), (NOERROR, True, [("www.example.com.", 1, 60, "192.0.2.10")]))
    same(both("example.com", "MX").answer, [("example.com.", 15, 300, "10 mail.example.com.")])
    same(both("odd.example.com", 65400).answer, [("odd.example.com.", 65400, 300, "010203")])


@claim("the question comes back in the case it was asked in (0x20)")
def case_kept():
    m = server.udp("wWw.ExAmPlE.cOm")
    same(m.question, "wWw.ExAmPlE.cOm.")
    same(m.addresses(), ["192.0.2.10"])


@claim("NODATA and NXDOMAIN carry the SOA with the smaller of its TTL and MINIMUM (RFC 2308)")
def negative():
    for name, rcode in (("www", NOERROR), ("nope", NXDOMAIN), ("b.c", NOERROR), ("x.b.c", NXDOMAIN), ("wild", NOERROR)):
        m = both(name + ".example.com", "MX")
        same((m.rcode, m.aa, m.answer, m.authority), (rcode, True, [], [SOA]), name)


@claim("wildcards make names, not where a name exists (RFC 4592)")
def wildcard():
    same(both("any.thing.wild.example.com", "A").answer, [("any.thing.wild.example.com.", 1, 300, "192.0.2.77")])
    same(both("x.wild.example.com", "TXT").authority, [SOA])


@claim("CNAME chains are followed inside the zone, ended by what their last name is, and never circle")
def cname():
    m = both("chain.example.com", "AAAA")
    same([r[1] for r in m.answer], [5, 5, 28])
    m = both("out.example.com", "A")
    same((m.rcode, m.answer, m.authority), (NOERROR, [("out.example.com.", 5, 300, "www.example.org.")], []))
    m = both("gone.example.com", "A")
    same((m.rcode, len(m.answer), m.authority), (NXDOMAIN, 1, [SOA]))
    same(len(both("loop1.example.com", "A").answer), 2)
    same(len(both("alias.example.com", "CNAME").answer), 1)


@claim("DNAME redirects what is below it, with a CNAME of its TTL (RFC 6672), and YXDOMAIN when that is too long")
def dname():
    m = both("a.dout.example.com", "A")
    same(m.answer, [("dout.example.com.", 39, 300, "example.org."), ("a.dout.example.com.", 5, 300, "a.example.org.")])
    same(both("a.d.example.com", "CNAME").rcode, NOERROR)
    same(both("a.d.example.com", "A").rcode, NXDOMAIN)
    m = both("%s.long.example.com" % ("y" * 63), "A")
    same((m.rcode, [r[1] for r in m.answer]), (YXDOMAIN, [39]))


@claim("a DNAME that leads below itself is in the answer once, and its chain ends")
def dname_loop():
    m = server.udp("x.self.example.com", "A", edns=opt())
    same((m.rcode, m.tc), (NOERROR, False))
    same([r[1] for r in m.answer].count(39), 1)
    same(len(set(m.answer)), len(m.answer))


@claim("delegations are referrals without AA, with the glue that the zone has")
def referral():
    m = both("x.sub.example.com", "A")
    same((m.rcode, m.aa, m.answer), (NOERROR, False, []))
    same(sorted(r[3] for r in m.authority), ["ns.other.example.", "ns.sub.example.com."])
    same(sorted(r[3] for r in m.additional), ["192.0.2.99", "2001:db8::99"])


@claim("parent and child on one server: the child answers, but for its DS, which is the parent's")
def parent_and_child():
    same(both("www.kid.example.com", "A").addresses(), ["192.0.2.111"])
    same(both("kid.example.com", "SOA").answer[0][0], "kid.example.com.")
    m = both("kid.example.com", "DS")
    same(m.authority[0][0], "example.com.")


@claim("names outside of our zones are refused")
def outside():
    for name in ("example.org", ".", "com"):
        m = server.udp(name)
        same((m.rcode, m.aa, m.answer, m.authority), (REFUSED, False, [], []))


@claim("what does not fit into UDP is cut with TC and no part of a set, and whole over TCP")
def truncated():
    for edns in (None, opt(512), opt(1232), opt(4096)):
        m = server.udp("big.example.com", edns=edns)
        same((m.tc, m.answer), (True, []))
    m = server.tcp("big.example.com")
    same((m.tc, len(m.answer)), (False, 100))


@claim("dig understands us")
def by_dig():
    text = server.dig("+norec", "chain.example.com", "A")
    assert "status: NOERROR" in text and "192.0.2.10" in text and "WARNING" not in text, text
    text = server.dig("+norec", "example.com", "ANY")
    assert "SOA" in text and "MX" in text, text


@claim("every type of query gets an answer")
def every_type():
    for qtype in list(range(0, 300)) + [32768, 65280, 65301, 65535]:
        assert server.exchange(query("www.example.com", qtype)), qtype


with server:
    run("static")
