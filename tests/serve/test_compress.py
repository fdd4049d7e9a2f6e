"""Names in an answer are compressed against all that stands in front of them (RFC 1035 section 4.1.4)."""
from lib import *

TOP_OF = "$TTL 3600\n@ SOA ns1.provider.net. hostmaster.provider.net. 1 7200 900 1209600 300\n"


def servers(owner, n, family=("A", "AAAA")):
    """Delegates to `n` servers below the owner, with glue."""
    return "".join("%s NS ns%d.%s\n" % (owner, i, owner) + ("ns%d.%s A 192.0.2.%d\n" % (i, owner, i) if "A" in family else "") +
                   ("ns%d.%s AAAA 2001:db8::%d\n" % (i, owner, i) if "AAAA" in family else "") for i in range(1, n + 1))


@claim("servers at one provider share its name: the 9 bytes of a record's fixed part, a label and a pointer each")
def one_provider():
    text = TOP_OF + "".join("@ NS ns%d.dns.provider.net.\n" % i for i in range(1, 9))
    with Server({"example.com": text}) as s:
        m = s.udp("example.com", "NS")
        same([sorted(r[3] for r in m.answer)], [["ns%d.dns.provider.net." % i for i in range(1, 9)]])
        same(len(m.raw), 12 + 17 + 8 * 12 + len(wire("ns1.dns.provider.net")) + 7 * (4 + 2))


@claim("mail servers at one provider share its name, and names inside the zone the zone's")
def mail():
    text = TOP_OF + "@ NS a.\n" + "".join("@ MX %d mx%d.mail.provider.net.\n" % (i, i) for i in range(1, 6)) + "in MX 1 a.b\nin MX 2 c.b\nb TXT x\n"
    with Server({"example.com": text}) as s:
        m = s.udp("example.com", "MX")
        same(sorted(r[3] for r in m.answer), ["%d mx%d.mail.provider.net." % (i, i) for i in range(1, 6)])
        same(len(m.raw), 12 + 17 + 5 * 14 + len(wire("mx1.mail.provider.net")) + 4 * (4 + 2))
        m = s.udp("in.example.com", "MX")
        same(sorted(r[3] for r in m.answer), ["1 a.b.example.com.", "2 c.b.example.com."])
        same(len(m.raw), 12 + 20 + 2 * 14 + (2 + 2 + 2) + (2 + 2))


@claim("a referral to seven servers below the cut fits into 512 bytes with all its glue, one to thirteen into 1,232")
def referrals():
    with Server({"example.com": TOP_OF + "@ NS a.\n" + servers("sub", 7) + servers("more", 13)}) as s:
        m = s.udp("www.sub.example.com")
        same((m.tc, len(m.authority), len(m.additional)), (False, 7, 14))
        m = s.udp("www.more.example.com", edns=opt(1232))
        same((m.tc, len(m.authority), len(m.additional)), (False, 13, 26))


@claim("a name shares what a longer question, a wildcard's name or a chain has of it")
def shares():
    text = TOP_OF + ("@ NS a.\nsub NS x.y.sub\nx.y.sub A 192.0.2.1\n*.w CNAME y.z.w\nstart.v CNAME far.u\nfar.u CNAME a.start.v\n"
                     "d DNAME to.provider.net.\n")
    with Server({"example.com": text}) as s:
        def beside(m):
            return len(m.raw) - 12 - len(wire(m.question)) - 4 - 12 * len(m.answer + m.authority + m.additional)

        m = s.udp("q.y.sub.example.com")                    # "x" and a pointer to y.sub in the question; the glue's owner is that
        same(m.authority, [("sub.example.com.", 2, 3600, "x.y.sub.example.com.")])
        same(beside(m), 4 + 4)
        m = s.udp("q.z.w.example.com")                      # "y" and a pointer to z.w in the question; a pointer
        same([r[3] for r in m.answer], ["y.z.w.example.com."] * 2)
        same(beside(m), 4 + 2)
        m = s.udp("start.v.example.com", "CNAME")
        same(beside(m), 6 + 2)
        m = s.udp("start.v.example.com", "TXT")             # far.u and a pointer, "a" and a pointer, and the SOA
        same([r[3] for r in m.answer], ["far.u.example.com.", "a.start.v.example.com."])
        same(beside(m), 4 + 2 + 2 + 4 + len(wire("ns1.provider.net")) + 11 + 2 + 20)
        m = s.udp("x.d.example.com", "TXT")                 # the CNAME has "x" and a pointer into the DNAME
        same([r[3] for r in m.answer], ["to.provider.net.", "x.to.provider.net."])
        same(beside(m), len(wire("to.provider.net")) + 4)


@claim("an RRset far behind in a message over TCP is whole, where no pointer reaches")
def far():
    text = TOP_OF + "".join("@ NS ns%d.dns.provider.net.\n" % i for i in range(1, 4)) + "".join(
        "@ NULL \\# 250 %s\n" % (b"%03d" % i + b"x" * 247).hex() for i in range(80)) + "".join(
            "@ MX %d mx%d.mail.provider.net.\n" % (i, i) for i in range(30)) + "@ MX 99 in.sub\n"
    with Server({"example.com": text}) as s:
        m = s.tcp("example.com", "ANY")
        assert len(m.raw) > 0x5000, len(m.raw)
        kinds = {}
        for owner, kind, ttl, data in m.answer:
            same(owner, "example.com.")
            kinds.setdefault(kind, []).append(data)
        same(sorted(kinds[2]), ["ns%d.dns.provider.net." % i for i in (1, 2, 3)])
        same(sorted(kinds[15]), sorted(["%d mx%d.mail.provider.net." % (i, i) for i in range(30)] + ["99 in.sub.example.com."]))
        same(len(kinds[10]), 80)


@claim("an RRset that grows beyond the reach of its own pointers is whole")
def long_set():
    # 2,000 names: those from 16 KiB on point to the zone or to names in front, not to each other.
    text = TOP_OF + "@ NS a.\n" + "".join("big PTR host%04d.part%d.provider.net.\n" % (i, i % 7) for i in range(2000)) + "big TXT x\n"
    with Server({"example.com": text}) as s:
        for kind in ("PTR", "ANY"):
            m = s.tcp("big.example.com", kind)
            same(sorted(r[3] for r in m.answer if r[1] == 12), sorted("host%04d.part%d.provider.net." % (i, i % 7) for i in range(2000)))
            same(m.tc, False)


run("compress")
