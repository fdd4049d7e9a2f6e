"""Pre-signed zones: what they are answered with is checked by a real validator (delv), and set by set."""
import base64
import concurrent.futures
import json
import mmdb
import re
import shutil as sh

from edges import until
from lib import *

KINDS = ("nsec", "nsec3", "optout")
HERE = os.path.join(TOP, "tests/serve/signed")


def zone(kind):
    with open("%s/%s.test.zone" % (HERE, kind)) as f:
        return f.read()


server = Server({k + ".test": zone(k) for k in KINDS})


def ask(kind, name, qtype, flags=DO, **more):
    return server.udp((name + "." if name else "") + kind + ".test", qtype, edns=opt(flags=flags), **more)


def types(rows, kind=None):
    """{(owner, type)}; signatures as (owner, "sig", type covered)."""
    return {(o, "sig", int(d[:4], 16)) if t == 46 else (o, t) for o, t, ttl, d in rows}


def owners(rows, qtype):
    return [r[0] for r in rows if r[1] == TYPES[qtype]]


def each_set_is_signed(rows, but=()):
    have = types(rows)
    for row in have:
        if len(row) == 2 and row[1] not in but:
            assert (row[0], "sig", row[1]) in have, "no signature over %r in %r" % (row, have)


# Each with what delv says of it; the wildcards of the opt-out zone could be hidden by an unsigned delegation.
QUESTIONS = [("", "SOA", "yes"), ("", "DNSKEY", "yes"), ("mail", "A", "yes"), ("mail", "TXT", "no"), ("nx", "A", "no"), ("a.b.c.d.nx", "A", "no"),
             ("x.w", "A", "wild"), ("x.w", "TXT", "no"), ("y.x.w", "A", "wild"), ("w", "A", "no"), ("*.w", "A", "yes"), ("*.w", "MX", "no"),
             ("q.wc", "A", "wild"), ("q.wm", "MX", "wild"), ("q.wm", "A", "no"), ("q.ew", "A", "no"), ("q.ew", "TXT", "no"), ("ent", "A", "no"), ("c.ent", "A", "no"), ("nx.ent", "A", "no"),
             ("b.c.ent", "DS", "no"), ("a.b.c.ent", "TXT", "yes"), ("nx.a.b.c.ent", "TXT", "no"), ("c", "A", "yes"),
             ("x.dn", "A", "wild"), ("ds", "DS", "yes"), ("sub", "DS", "no"), ("only.here", "A", "no"), ("deep.only.here", "DS", "no"),
             ("zzz", "A", "no"), ("0", "A", "no"), ("0.w", "A", "wild")]


@claim("a validator takes every answer for what it is: right, or rightly not there")
def validates():
    if not sh.which("delv"):
        raise Skip("delv is not installed (bind9-dnsutils)")
    for kind in KINDS:
        for name, qtype, want in QUESTIONS:
            said = subprocess.run(["delv", "@127.0.0.1", "-p", str(server.port), "-a", "%s/%s.test.anchor" % (HERE, kind),
                                   "+root=%s.test" % kind, "%s%s.test" % (name + "." if name else "", kind), qtype],
                                  capture_output=True, text=True, timeout=60 * SLOW)
            said = said.stdout + said.stderr
            expect = {"yes": "; fully validated", "no": "; negative response, fully validated",
                      "wild": "; unsigned answer" if kind == "optout" else "; fully validated"}[want]
            assert expect in said, "%s %s %s: %s" % (kind, name, qtype, said)


@claim("without DO there are no signatures and no proofs, but who asks for them by type gets them")
def plain():
    for kind in KINDS:
        for name, qtype, _ in QUESTIONS:
            m = ask(kind, name, qtype, flags=0)
            for o, t, ttl, d in m.answer + m.authority + m.additional:
                assert t not in (46, 47, 50), (kind, name, qtype, t)
        assert owners(ask(kind, "mail", "RRSIG", flags=0).answer, "RRSIG")
    assert owners(ask("nsec", "mail", "NSEC", flags=0).answer, "NSEC")
    same(len(ask("nsec3", "", "NSEC3PARAM", flags=0).answer), 1)


@claim("every authoritative set is signed, in each section; the NS of a cut and its glue are not (RFC 4035 section 2.2)")
def signed():
    for kind in KINDS:
        for name, qtype, _ in QUESTIONS:
            m = ask(kind, name, qtype)
            each_set_is_signed(m.answer, but=(5,) if name == "x.dn" else ())
            each_set_is_signed(m.authority)
        m = ask(kind, "x.sub", "A")
        each_set_is_signed(m.authority, but=(2,))
        same(types(m.additional), {("ns2.sub.%s.test." % kind, 1), ("ns1.sib.%s.test." % kind, 1)})


@claim("a name that is not there: its cover and the wildcard's (RFC 4035 section 3.1.3.2)")
def nxdomain_nsec():
    m = ask("nsec", "nx.ent", "A")
    same(m.rcode, NXDOMAIN)
    same(sorted(owners(m.authority, "NSEC")), ["a.b.c.ent.nsec.test.", "ds.nsec.test."])
    same(owners(ask("nsec", "0", "A").authority, "NSEC"), ["nsec.test."], "one that proves both stands there once:")


@claim("a wildcard's answer comes with the proof that there is nothing closer (RFC 4035 section 3.1.3.3)")
def wildcard_nsec():
    m = ask("nsec", "zz.w", "A")
    same(types(m.answer), {("zz.w.nsec.test.", 1), ("zz.w.nsec.test.", "sig", 1)})
    same(owners(m.authority, "NSEC"), ["*.w.nsec.test."])
    # A label that sorts before "*" has its cover elsewhere, and one behind \033x elsewhere again.
    same(owners(ask("nsec", " .w", "A").authority, "NSEC"), ["sub.nsec.test."])
    same(owners(ask("nsec", "#.w", "A").authority, "NSEC"), ["!x.w.nsec.test."])


@claim("a name without the type: its own NSEC, or the one before an empty non-terminal (RFC 4035 section 3.1.3.1)")
def nodata_nsec():
    same(owners(ask("nsec", "mail", "TXT").authority, "NSEC"), ["mail.nsec.test."])
    same(owners(ask("nsec", "ent", "A").authority, "NSEC"), ["ds.nsec.test."])
    same(sorted(owners(ask("nsec", "x.w", "TXT").authority, "NSEC")), ["*.w.nsec.test."])


@claim("NSEC3: three records for a name that is not there, two or one where two are the same (RFC 5155 section 7.2.2)")
def nxdomain_nsec3():
    for kind in ("nsec3", "optout"):
        for name in ("nx", "a.b.nx", "nx.ent", "q.mail", "nx.c.ent"):
            m = ask(kind, name, "A")
            same(m.rcode, NXDOMAIN)
            n = len(owners(m.authority, "NSEC3"))
            assert 1 <= n <= 3, (kind, name, n)
            same(len(set(owners(m.authority, "NSEC3"))), n, "none twice:")


@claim("owners of NSEC3 are no names of the zone (RFC 5155 section 7.2.8)")
def nsec3_owners():
    owner = owners(ask("nsec3", "nx", "A").authority, "NSEC3")[0]
    for qtype in ("NSEC3", "A", "ANY"):
        same(server.udp(owner, qtype, edns=opt(flags=DO)).rcode, NXDOMAIN, "%s %s" % (owner, qtype))


@claim("referrals: the signed DS, or the proof that there is none, opt-out included (RFC 5155 section 7.2.7)")
def referrals():
    for kind in KINDS:
        m = ask(kind, "x.ds", "A")
        assert not m.aa
        same(types(m.authority), {("ds.%s.test." % kind, 2), ("ds.%s.test." % kind, 43), ("ds.%s.test." % kind, "sig", 43)})
        assert not owners(ask(kind, "x.sub", "A", flags=0).authority, "NSEC")
    same(owners(ask("nsec", "x.sub", "A").authority, "NSEC"), ["sub.nsec.test."])
    same(len(owners(ask("nsec3", "x.sub", "A").authority, "NSEC3")), 1)
    same(len(owners(ask("optout", "x.sub", "A").authority, "NSEC3")), 2)
    same(len(owners(ask("optout", "x.deep.only.here", "A").authority, "NSEC3")), 2, "below names that are there for a delegation only:")


@claim("a chain into another zone brings that zone's signatures and proofs")
def chain():
    m = ask("nsec3", "far", "A")
    same(types(m.answer), {("far.nsec3.test.", 5), ("far.nsec3.test.", "sig", 5), ("mail.nsec.test.", 1), ("mail.nsec.test.", "sig", 1)})
    m = ask("nsec3", "far", "TXT")
    same(types(m.authority), {("nsec.test.", 6), ("nsec.test.", "sig", 6), ("mail.nsec.test.", 47), ("mail.nsec.test.", "sig", 47)})


@claim("a synthesized CNAME has no signature, its DNAME has (RFC 6672 section 5.3.1)")
def dname():
    m = ask("nsec", "x.dn", "A")
    have = types(m.answer)
    assert ("dn.nsec.test.", "sig", 39) in have and ("x.dn.nsec.test.", 5) in have
    assert ("x.dn.nsec.test.", "sig", 5) not in have


@claim("TTLs of a negative answer's SOA and its signature are the smaller of SOA TTL and MINIMUM (RFC 2308 section 5)")
def negative_ttl():
    for o, t, ttl, d in ask("nsec", "nx", "A").authority:
        same(ttl, 60)


@claim("answers that do not fit are cut between sets, never between a set and its signature")
def cut():
    for payload in range(512, 1300, 40):
        for name, qtype, _ in QUESTIONS:
            m = server.udp((name + "." if name else "") + "nsec3.test", qtype, edns=opt(payload=payload, flags=DO))
            each_set_is_signed(m.answer, but=(5,) if name == "x.dn" else ())
            if not m.tc:
                each_set_is_signed(m.authority)
    whole = server.tcp("nsec3.test", "DNSKEY", edns=opt(payload=512, flags=DO))
    same((whole.tc, len(owners(whole.answer, "DNSKEY"))), (False, 2))


@claim("too many iterations are refused when the zone is read, with the reason (RFC 9276)")
def iterations():
    text = zone("optout").replace("1 0 5 ABCD", "1 0 101 ABCD").replace("1 1 5 ABCD", "1 1 101 ABCD")
    with Server({"optout.test": text}, start=False) as s:
        status, said = s.check()
        same(status, 1)
        assert "101 iterations" in said and "RFC 9276" in said, said


@claim("a broken chain and signatures that have expired are warned of, at their place")
def broken():
    lines = zone("nsec").splitlines()
    gap = [l for l in lines if not l.startswith("mail.nsec.test.")]
    with Server({"nsec.test": "\n".join(gap) + "\n"}, start=False) as s:
        status, said = s.check()
        same(status, 0, said)
        assert "chain of NSEC is broken" in said and "ns1.nsec.test." in said, said
    lines = zone("nsec3").splitlines()
    gone = next(i for i, l in enumerate(lines) if l.split()[3:5] == ["NSEC3", "1"])
    with Server({"nsec3.test": "\n".join(lines[:gone] + lines[gone + 1:]) + "\n"}, start=False) as s:
        said = s.check()[1]
        assert "chain of NSEC3 is broken" in said, said
    with Server({"nsec.test": zone("nsec").replace("20371231", "20241231", 3)}, start=False) as s:
        status, said = s.check()
        assert status == 0 and "3 of the zone's" in said and "expired" in said, said
    for kind in KINDS:
        with Server({kind + ".test": zone(kind)}, start=False) as s:
            assert "warning" not in s.check()[1], s.check()[1]


def signed_for(begin, end):
    """A zone with one signature, from and to so many seconds from now."""
    stamp = lambda s: time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + s))
    return APEX + "w A 192.0.2.1\nw RRSIG A 8 3 300 %s %s 12345 end.test. AAAA\n" % (stamp(end), stamp(begin))


@claim("signatures that end within 3 days, or a quarter of their time, are warned of, and are an alarm")
def ends_soon():
    day = 86400
    for begin, end, soon in ((-27, 4, False), (-27, 2, True), (-0.4, 0.8, False), (-0.9, 0.2, True)):
        with Server({"end.test": signed_for(begin * day, end * day)}) as s:
            status, said = s.check()
            same(status, 0, said)
            same("end.test.zone:6:1: warning: 1 of the zone's 1 signatures end soon, the first at 20" in said, soon, said)
            same("signatures end soon" in s.said(), soon, s.said())
            alarms = json.loads(s.ctl("status", "--json")[1])["alarms"]
            same(any("the signatures of 1 zone end soon, those of end.test. at 20" in a for a in alarms), soon, alarms)
            same("the first of its signatures ends at 20" in s.ctl("zones")[1], soon)
            assert json.loads(s.ctl("zones", "end.test", "--json")[1])["signatures_end"][:2] == "20"


@claim("signatures that come near to their end, and to it, while the zone is served are told of")
def ends_while_served():
    with Server({"end.test": signed_for(-6, 6)}) as s:
        # A machine so slow that they had ended before has told it when the zone was read.
        until(lambda: "zone end.test.: the first of its signatures has ended at" in s.said() or "have expired" in s.said(), 60 * SLOW)
        assert "the first of its signatures ends at" in s.said() or "signatures end soon" in s.said() or "have expired" in s.said(), s.said()
        alarms = json.loads(s.ctl("status", "--json")[1])["alarms"]
        assert any("the signatures of 1 zone have ended, those of end.test. at 20" in a for a in alarms), alarms


@claim("EDGE in a signed zone is warned of: nobody signs what is chosen")
def edge():
    text = zone("nsec") + "www.nsec.test. 60 IN EDGE web\n"
    pools = "edges: { a: { a: 192.0.2.1, at: \"0,0\" } }\npools: { web: { edges: [ a ] } }"
    with Server({"nsec.test": text}, pools, start=False) as s:
        status, said = s.check()
        same(status, 0, said)
        assert "signed" in said and "warning" in said, said


@claim("a chain ends where pointers do not reach, 16 KiB into the message, and no name comes out wrong")
def far_chain():
    def signatures(*sizes):
        return "".join("w RRSIG CNAME 8 2 300 20400101000000 20240101000000 %d one.test. %s\n" % (i, base64.b64encode(bytes(n)).decode())
                       for i, n in enumerate(sizes))
    name = "%s.%s.%s" % ("b" * 60, "c" * 60, "d" * 40)
    ended = 0
    for last in range(480, 700, 20):
        one = APEX + "w CNAME x\nx CNAME %s.two.test.\n" % name + signatures(*[1000] * 15, last)
        with Server({"one.test": one, "two.test": APEX + name + " CNAME t.mail\n"}) as s:
            answer = s.tcp("w.one.test", edns=opt(flags=DO)).answer
            chain = [row[3] for row in answer if row[1] == TYPES["CNAME"]]
            same(chain, ["x.one.test.", name + ".two.test.", "t.mail.two.test."][:len(chain)])
            ended += len(chain) == 2
    assert 0 < ended < 11, ended


# ------------------------------------------------------------------ zones that are signed here

SIGNED = """$TTL 60
@ SOA ns1 host 10 3600 600 86400 30
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.2
*.wild TXT "a"
a.b.c TXT "b"
sub NS ns.sub
ns.sub A 192.0.2.9
sec NS ns.other.
sec DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
dn DNAME target.other.
"""
STORE = "store: { file: waymark.db }\n"
UP = "keys: { up: { algorithm: hmac-sha256, secret: \"%s\" } }\n" % base64.b64encode(b"u" * 32).decode()


def whole(s, zone):
    """What a transfer gives, verified as a whole; {(owner, type, what it covers): [(ttl, data)]}."""
    if not sh.which("ldns-verify-zone") or not sh.which("dig"):
        raise Skip("ldns-verify-zone or dig is not installed (ldnsutils, bind9-dnsutils)")
    text = s.dig(zone, "axfr", "+noall", "+answer", "+onesoa")
    with open(s.dir + "/axfr", "w") as f:
        f.write("".join(line + "\n" for line in text.splitlines() if "TYPE65301" not in line))
    said = subprocess.run(["ldns-verify-zone", s.dir + "/axfr"], capture_output=True, text=True, timeout=60)
    same("verified and complete" in said.stdout, True, said.stdout + said.stderr + text)
    rows = {}
    for line in text.splitlines():
        owner, ttl, _, kind, data = line.split(None, 4)
        rows.setdefault((owner.lower(), kind, data.split()[0] if kind == "RRSIG" else ""), []).append((int(ttl), data))
    return rows


def serial(s, zone):
    """0: it is not served."""
    answer = s.udp(zone, "SOA").answer
    return int(answer[0][3].split()[2]) if answer else 0


def nsupdate(s, zone, *lines):
    text = "server 127.0.0.1 %d\nzone %s\nkey hmac-sha256:up %s\n%s\nsend\n" % (
        s.port, zone, base64.b64encode(b"u" * 32).decode(), "\n".join(lines))
    return subprocess.run(["nsupdate"], input=text, capture_output=True, text=True, timeout=60 * SLOW).stderr


@claim("one line signs a zone; it stays signed through reloads and kill -9, and what has not changed keeps its signatures")
def one_line():
    with Server({"file.test": SIGNED, "three.test": SIGNED}, start=False) as s:
        def policies(three, of_file):
            s.configure(STORE + "dnssec: { three: { denial: %s }, out: { denial: nsec3-opt-out } }" % three,
                        "[ { name: file.test, file: zones/file.test.zone, dnssec: %s, transfer: any },"
                        " { name: three.test, file: zones/three.test.zone, dnssec: three, transfer: any } ]" % of_file)
        policies("nsec3", "auto")
        s.start()
        before = {z: whole(s, z) for z in ("file.test", "three.test")}
        same(("file.test.", "NSEC", "") in before["file.test"], True)
        same([k for k in before["three.test"] if k[1] == "NSEC"], [])
        same(serial(s, "file.test"), 11, "the file's is that of the unsigned zone:")
        same("signed here by" in s.ctl("zones", "file.test")[1], True)
        # The same serial: secondaries would not see it; ours goes on.
        s.write("zones/file.test.zone", SIGNED.replace("www A", "new A"))
        s.write("zones/three.test.zone", SIGNED.replace("www A", "new A").replace("host 10", "host 15"))
        same(s.ctl("reload")[0], 0)
        same((serial(s, "file.test"), serial(s, "three.test")), (12, 15))
        after = {z: whole(s, z) for z in before}
        for z in before:
            same((("new.%s." % z, "A", "") in after[z], ("www.%s." % z, "A", "") in after[z]), (True, False))
            same(after[z]["ns1.%s." % z, "RRSIG", "A"], before[z]["ns1.%s." % z, "RRSIG", "A"], "signed anew for nothing:")
        s.proc.kill()
        s.proc.wait()
        s.start()
        for z in before:
            rows = whole(s, z)
            same(rows["new.%s." % z, "RRSIG", "A"], after[z]["new.%s." % z, "RRSIG", "A"], "signed anew by a restart:")
            same(rows["%s." % z, "DNSKEY", ""], before[z]["%s." % z, "DNSKEY", ""])
        same((serial(s, "file.test"), serial(s, "three.test")), (12, 15))
        # Another chain.
        policies("nsec", "out")
        same(s.ctl("reload")[0], 0)
        until(lambda: any(k[1] == "NSEC3" for k in whole(s, "file.test")), 30)
        until(lambda: not any(k[1] == "NSEC3" for k in whole(s, "three.test")), 30)
        same(("sub.file.test.", "RRSIG", "NS") in whole(s, "file.test"), False)


@claim("an update of a signed zone signs what it touches, and nobody else makes signatures, chains or keys")
def signed_updates():
    if not sh.which("nsupdate"):
        raise Skip("nsupdate is not installed (bind9-dnsutils)")
    with Server({"up.test": SIGNED}, start=False) as s:
        s.configure(STORE + UP, "[ { name: up.test, file: zones/up.test.zone, write-back: store, dnssec: auto, update: [ { key: up } ], transfer: any } ]")
        s.start()
        before = whole(s, "up.test")
        same(nsupdate(s, "up.test", "update add new.x.up.test 60 A 192.0.2.7", "update delete www.up.test", "update delete a.b.c.up.test TXT",
                      "update add sec.up.test 60 DS 2 13 2 " + "ab" * 32, "update delete sub.up.test NS"), "")
        after = whole(s, "up.test")
        same((("new.x.up.test.", "RRSIG", "A") in after, ("www.up.test.", "NSEC", "") in after), (True, False))
        same(("ns.sub.up.test.", "RRSIG", "A") in after, True, "what was glue is data:")
        same(after["dn.up.test.", "RRSIG", "DNAME"], before["dn.up.test.", "RRSIG", "DNAME"])
        same(nsupdate(s, "up.test", "update add cn.up.test 60 CNAME a."), "")
        same(nsupdate(s, "up.test", "update add cn.up.test 60 CNAME b."), "")
        same([d for _, d in whole(s, "up.test")["cn.up.test.", "CNAME", ""]], ["b."], "a CNAME takes the place of the one before:")
        for line in ("add up.test 60 DNSKEY 256 3 13 AAAA", "delete up.test NSEC", "add www.up.test 60 NSEC a.up.test. A",
                     "delete ns1.up.test RRSIG", "add up.test 60 CDS 0 0 0 00"):
            said = nsupdate(s, "up.test", "update " + line)
            same("REFUSED" in said, True, line + ": " + said)
        same(nsupdate(s, "up.test", "update delete ns1.up.test"), "", "all of a name, whatever signing has there:")
        s.proc.kill()
        s.proc.wait()
        s.start()
        rows = whole(s, "up.test")
        same((("ns1.up.test.", "A", "") in rows, rows["dn.up.test.", "RRSIG", "DNAME"]), (False, before["dn.up.test.", "RRSIG", "DNAME"]))


@claim("a zone that was served unsigned is signed with another serial, so that secondaries fetch it")
def signed_later():
    with Server({"file.test": SIGNED, "db.test": SIGNED, "ahead.test": SIGNED}, start=False) as s:
        def entries(more):
            s.configure(STORE, "[ " + ", ".join("{ name: %s, file: zones/%s.zone, transfer: any%s%s }" % (
                z, z, ", write-back: store" if z == "db.test" else "", more) for z in ("file.test", "db.test", "ahead.test")) + " ]")
        entries("")
        s.start()
        same([serial(s, z) for z in ("file.test", "db.test", "ahead.test")], [10, 10, 10])
        s.write("zones/ahead.test.zone", SIGNED.replace("host 10", "host 15"))
        entries(", dnssec: auto")
        same(s.ctl("reload")[0], 0)
        same([serial(s, z) for z in ("file.test", "db.test", "ahead.test")], [11, 11, 15])
        same(all(("ns1.%s." % z, "RRSIG", "A") in whole(s, z) for z in ("file.test", "db.test", "ahead.test")), True)


@claim("a secondary signs what its primary does not, with a serial of its own that ascends")
def bump():
    with Server({"bump.test": SIGNED}, start=False) as p, Server({}, start=False) as s:
        p.configure("peers: { sec: { at: \"127.0.0.1:%d\" } }" % s.port,
                    "[ { name: bump.test, file: zones/bump.test.zone, transfer: any, notify: sec } ]")
        s.configure(STORE + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % p.port,
                    "[ { name: bump.test, primary: pri, dnssec: auto, transfer: any } ]")
        p.start()
        s.start()
        until(lambda: serial(s, "bump.test") == 11, 30)
        before = whole(s, "bump.test")
        p.write("zones/bump.test.zone", SIGNED.replace("www A", "new A").replace("host 10", "host 11"))
        same(p.ctl("reload")[0], 0)
        until(lambda: serial(s, "bump.test") == 12, 30)
        after = whole(s, "bump.test")
        same((("new.bump.test.", "RRSIG", "A") in after, ("www.bump.test.", "A", "") in after), (True, False))
        same(after["ns1.bump.test.", "RRSIG", "A"], before["ns1.bump.test.", "RRSIG", "A"])
        p.stop()
        s.wait_stored()
        s.proc.kill()
        s.proc.wait()
        s.start()
        same(whole(s, "bump.test")["new.bump.test.", "RRSIG", "A"], after["new.bump.test.", "RRSIG", "A"], "with its primary away:")


@claim("a secondary that is to be signed while no key can be had is served on, and follows its primary once there is one")
def no_keys_yet():
    with Server({"bump.test": SIGNED}, start=False) as p, Server({}, start=False) as s:
        p.configure("peers: { sec: { at: \"127.0.0.1:%d\" } }" % s.port,
                    "[ { name: bump.test, file: zones/bump.test.zone, transfer: any, notify: sec } ]")
        def configure(more):
            s.configure(STORE + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % p.port,
                        "[ { name: bump.test, primary: pri, transfer: any%s } ]" % more)
        configure("")
        p.start()
        s.start()
        until(lambda: serial(s, "bump.test") == 10, 30)
        os.rename(s.dir + "/keys", s.dir + "/keys.made")
        s.write("keys", "no folder")
        configure(", dnssec: auto")
        code, said = s.ctl("reload")
        same((code, "keys" in said, serial(s, "bump.test")), (1, True, 10), said)
        same("source         primary" in s.ctl("zone", "status", "bump.test")[1], True)
        p.write("zones/bump.test.zone", SIGNED.replace("www A", "new A").replace("host 10", "host 11"))
        same(p.ctl("reload")[0], 0)
        until(lambda: "serial 11 from pri" in s.said() and "served as it is" in s.said(), 30)
        same(serial(s, "bump.test"), 10, s.said())
        os.remove(s.dir + "/keys")
        os.rename(s.dir + "/keys.made", s.dir + "/keys")
        same(s.ctl("reload")[0], 0)
        same((serial(s, "bump.test"), ("new.bump.test.", "RRSIG", "A") in whole(s, "bump.test")), (11, True))
        same("state          ready" in s.ctl("zone", "status", "bump.test")[1], True)


def digested(s, zone, *words):
    """The hash of the one digest that the zone has of itself, which is right."""
    if not sh.which("ldns-verify-zone") or not sh.which("dig"):
        raise Skip("ldns-verify-zone or dig is not installed (ldnsutils, bind9-dnsutils)")
    text = s.dig(zone, "axfr", "+noall", "+answer", "+onesoa")
    with open(s.dir + "/axfr", "w") as f:
        f.write(text)
    said = subprocess.run(["ldns-verify-zone", *words, s.dir + "/axfr"], capture_output=True, text=True, timeout=60)
    same((said.returncode, said.stderr), (0, ""), said.stdout + text)
    rows = [row.split() for row in text.splitlines()]
    return [int(row[6]) for row in rows if row[3] == "ZONEMD"]


@claim("the digest of a zone is made, and is right after updates, drafts and reloads, of signed zones, too, and is gone when it is switched off")
def digests():
    with Server({z: SIGNED.replace("wild TXT", z[0] + " TXT") for z in ("file.test", "dyn.test", "auto.test", "three.test")}, start=False) as s:
        def configure(kind, signed):
            s.configure(STORE + UP + "dnssec: { auto: { zonemd: %s }, three: { denial: nsec3, zonemd: %s } }" % (signed, signed),
                        "[ { name: file.test, file: zones/file.test.zone, zonemd: %s, transfer: any }, " % kind + ", ".join(
                            "{ name: %s, file: zones/%s.zone, %s, write-back: store, transfer: any, update: [ { key: up } ] }" % (z, z, how)
                            for z, how in (("dyn.test", "zonemd: " + kind), ("auto.test", "dnssec: auto"), ("three.test", "dnssec: three"))) + " ]")
        configure("sha384", "sha512")
        s.start()
        unsigned, signed = (("file.test", "-Z"), ("dyn.test", "-Z")), (("auto.test", "-ZZ"), ("three.test", "-ZZ"))
        same([digested(s, *z) for z in unsigned + signed], [[1], [1], [2], [2]])
        for z in ("dyn.test", "auto.test", "three.test"):
            for i in range(3):
                same(nsupdate(s, z, "update add n%d.%s 60 A 192.0.2.7" % (i, z), *["update delete dyn.test ZONEMD"] * (z == "dyn.test")), "")
        same([digested(s, *z) for z in unsigned[1:] + signed], [[1], [2], [2]], "updated:")
        same(s.ctl("zone", "begin", "dyn.test")[0] + s.ctl("zone", "set", "dyn.test", "d", "60", "TXT", "x")[0] + s.ctl("zone", "commit", "dyn.test")[0], 0)
        s.write("zones/file.test.zone", SIGNED.replace("host 10", "host 11").replace("www A", "new A"))
        same((s.ctl("reload")[0], digested(s, *unsigned[0]), digested(s, *unsigned[1])), (0, [1], [1]), "drafted, reloaded:")
        configure("off", "off")
        same(s.ctl("reload")[0], 0)
        until(lambda: all("ZONEMD" not in s.dig(z, "axfr") for z in ("file.test", "auto.test", "three.test")), 20)
        same([whole(s, z) != {} for z, _ in signed], [True, True])
        configure("sha512", "sha384")
        same((s.ctl("reload")[0], digested(s, *unsigned[0])), (0, [2]), "of the same file:")
        until(lambda: all("ZONEMD" in s.dig(z, "axfr") for z, _ in signed), 20)
        same([digested(s, *z) for z in signed], [[1], [1]])
        s.proc.kill()
        s.proc.wait()
        s.start()
        same([digested(s, *z) for z in unsigned + signed], [[2], [1], [1], [1]], "behind kill -9:")


@claim("a secondary that starts without its keys serves what it had signed, and follows its primary once they are back")
def no_keys_at_start():
    with Server({"bump.test": SIGNED}, start=False) as p, Server({}, start=False) as s:
        p.configure("peers: { sec: { at: \"127.0.0.1:%d\" } }" % s.port,
                    "[ { name: bump.test, file: zones/bump.test.zone, transfer: any, notify: sec } ]")
        s.configure(STORE + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % p.port,
                    "[ { name: bump.test, primary: pri, dnssec: auto, transfer: any } ]")
        p.start()
        s.start()
        until(lambda: serial(s, "bump.test") == 11, 30)
        s.wait_stored()
        s.stop()
        os.rename(s.dir + "/keys", s.dir + "/away")
        s.start()
        same((serial(s, "bump.test"), ("www.bump.test.", "RRSIG", "A") in whole(s, "bump.test")), (11, True))
        same(re.findall("(?m)^(?:source|state) +(.*)", s.ctl("zone", "status", "bump.test")[1]), ["primary", "faulty"])
        p.write("zones/bump.test.zone", SIGNED.replace("www A", "new A").replace("host 10", "host 11"))
        same(p.ctl("reload")[0], 0)
        until(lambda: "serial 11 from pri" in s.said(), 30)
        same(("www.bump.test.", "RRSIG", "A") in whole(s, "bump.test"), True, "as it was:")
        sh.rmtree(s.dir + "/keys", ignore_errors=True)
        os.rename(s.dir + "/away", s.dir + "/keys")
        same(s.ctl("reload")[0], 0)
        until(lambda: ("new.bump.test.", "RRSIG", "A") in whole(s, "bump.test"), 30)
        same((serial(s, "bump.test"), "state          ready" in s.ctl("zone", "status", "bump.test")[1]), (12, True))


@claim("what an edge has in one pool is signed, and peers that know no EDGE get it, until the edge is down in that pool")
def roles_of_edges():
    with Server({"plain.test": SIGNED}, start=False) as s:
        s.write("zones/plain.test.zone", SIGNED.replace("www A 192.0.2.2", "www 60 EDGE web\nvid 60 EDGE video\none 60 EDGE video edge=e"))
        s.configure(STORE + """
edges: { e: { at: "1,1", a: 192.0.2.7, aaaa: "2001:db8::1" }, f: { at: "1,1", a: 192.0.2.8 } }
pools:
  web:   { edges: [ e, f ], policy: ordered }
  video: { edges: [ { edge: e, a: 192.0.2.9, records: "TXT video" }, f ], policy: ordered }
peers: { old: { at: 127.0.0.1, edge-as: addresses } }
""", "[ { name: plain.test, file: zones/plain.test.zone, dnssec: auto, transfer: [ old ] } ]")
        s.start()

        def at(name):
            rows = whole(s, "plain.test")
            return {t: [d for _, d in of] for (n, t, covers), of in rows.items() if n == name + ".plain.test." and not covers and t != "NSEC"}
        until(lambda: "192.0.2.9" in s.dig("plain.test", "axfr", "+noall", "+answer"), 30)
        same(at("www"), {"A": ["192.0.2.7"], "AAAA": ["2001:db8::1"]})
        for n in ("vid", "one"):
            same(at(n), {"A": ["192.0.2.9"], "TXT": ['"video"']})
            answer = s.dig(n + ".plain.test", "A", "+dnssec", "+noall", "+answer")
            same(("192.0.2.9" in answer, "RRSIG" in answer), (True, True), answer)
        same(s.ctl("force", "e@video", "down")[0], 0)
        until(lambda: "192.0.2.8" in s.dig("plain.test", "axfr", "+noall", "+answer"), 30)
        same([at(n)["A"] for n in ("www", "vid", "one")], [["192.0.2.7"], ["192.0.2.8"], ["192.0.2.9"]], "by its name it answers, up or down:")


@claim("peers that know no EDGE get addresses in its place, signed, and go on with them when edges change")
def plain_peers():
    with Server({"plain.test": SIGNED, "u.test": SIGNED}, start=False) as s:
        for z in ("plain", "u"):
            s.write("zones/%s.test.zone" % z, SIGNED.replace("www A 192.0.2.2", "www 60 EDGE web\n*.w 60 EDGE web"))
        def edges(a):
            s.configure(STORE + "edges: { e: { at: \"1,1\", a: %s, aaaa: \"2001:db8::1\" } }\npools: { web: { edges: [ e ] } }\n" % a +
                        "peers: { old: { at: 127.0.0.1, edge-as: addresses } }",
                        "[ { name: plain.test, file: zones/plain.test.zone, dnssec: auto, transfer: [ old ] },"
                        " { name: u.test, file: zones/u.test.zone, zonemd: sha384, transfer: [ old ] } ]")
        edges("192.0.2.7")
        s.start()
        until(lambda: "192.0.2.7" in s.dig("plain.test", "axfr", "+noall", "+answer"), 30)
        rows = whole(s, "plain.test")
        same([d for _, d in rows["*.w.plain.test.", "AAAA", ""]], ["2001:db8::1"])
        same([d for _, d in rows["www.plain.test.", "NSEC", ""]][0].split()[1:], ["A", "AAAA", "RRSIG", "NSEC"])
        until(lambda: "192.0.2.7" in s.dig("u.test", "axfr", "+noall", "+answer"), 30)
        same(digested(s, "u.test", "-Z"), [1], "the digest of what they get:")
        edges("192.0.2.8")
        same(s.ctl("reload")[0], 0)
        until(lambda: "192.0.2.8" in s.dig("plain.test", "axfr", "+noall", "+answer"), 30)
        same([d for _, d in whole(s, "plain.test")["www.plain.test.", "A", ""]], ["192.0.2.8"])


@claim("a zone whose keys cannot be read is served as it was signed, and signed on when they can")
def keys_away():
    with Server({"keys.test": SIGNED}, start=False) as s:
        s.configure(STORE, "[ { name: keys.test, file: zones/keys.test.zone, dnssec: auto, transfer: any } ]")
        s.start()
        before = whole(s, "keys.test")
        s.proc.kill()
        s.proc.wait()
        os.rename(s.dir + "/keys", s.dir + "/away")
        s.write("zones/keys.test.zone", SIGNED + "new A 192.0.2.9\n")
        s.start()
        same(whole(s, "keys.test"), before)
        same(".private" in s.said(), True, s.said())
        sh.rmtree(s.dir + "/keys", ignore_errors=True)
        os.rename(s.dir + "/away", s.dir + "/keys")
        same(s.ctl("reload")[0], 0)
        until(lambda: ("new.keys.test.", "RRSIG", "A") in whole(s, "keys.test"), 30)


@claim("a file that is read while its zone is signed anew is served, upon what was signed")
def read_beside():
    large = APEX + "$GENERATE 1-150000 h$ A 192.0.2.1\n"
    with Server({"keys.test": SIGNED, "large.test": large}, start=False) as s:
        s.configure(STORE, "[ { name: keys.test, file: zones/keys.test.zone, dnssec: auto, transfer: any }, { name: large.test, file: zones/large.test.zone } ]")
        s.start()
        for i in range(3):
            s.write("zones/keys.test.zone", SIGNED + "new%d A 192.0.2.9\n" % i)
            s.write("zones/large.test.zone", large + "x%d A 192.0.2.9\n" % i)
            new, seen = ("new%d.keys.test." % i, "RRSIG", "A"), serial(s, "keys.test")
            keys = sorted(row[3] for row in s.tcp("keys.test", "DNSKEY").answer)
            with concurrent.futures.ThreadPoolExecutor(1) as beside:
                reloaded = beside.submit(s.ctl, "reload")
                code, said = s.ctl("dnssec", "roll", "keys.test", "--now")
                same((code, reloaded.result()[0]), (0, 0), said)
            same(new in whole(s, "keys.test"), True, "round %d:" % i)
            until(lambda: sorted(row[3] for row in s.tcp("keys.test", "DNSKEY").answer) != keys, 30)
            same(new in whole(s, "keys.test"), True, "round %d, with its new key:" % i)
            same(serial(s, "keys.test") > seen, True)


@claim("signatures are made anew before they end, and the serial goes on")
def renewed():
    with Server({"short.test": SIGNED}, start=False) as s:
        s.configure(STORE + "dnssec: { auto: { lifetime: 1h, refresh: 3599s, jitter: 0s, backdate: 1m, dnskey-ttl: 5s, propagation: 1s } }",
                    "[ { name: short.test, file: zones/short.test.zone, dnssec: auto, transfer: any } ]")
        s.start()
        seen = serial(s, "short.test")                       # what is signed later than this has a later one
        before = whole(s, "short.test")["ns1.short.test.", "RRSIG", "A"]
        until(lambda: whole(s, "short.test")["ns1.short.test.", "RRSIG", "A"] != before, 60)
        same(serial(s, "short.test") > seen, True, "from serial %d on:" % seen)


# ------------------------------------------------------------------ steered names

STEERED = SIGNED + "cdnw 60 EDGE web\n*.edge 60 EDGE web\nempty 60 EDGE empty\nold 60 EDGE old\ncdn 60 EDGE cdn\n"
EDGES = """edges:
  a1: { at: "52,4", a: [ 192.0.2.1, 192.0.2.11 ], aaaa: [ "2001:db8::1" ] }
  b2: { at: "38,-77", a: [ 192.0.2.2 ], aaaa: [ "2001:db8::2" ] }
  c3: { at: "1,103", a: [ 192.0.2.3 ] }
  d4: { at: "1,103", cname: ns1.steer.test }
pools:
  web: { edges: [ a1, b2 ], https: { alpn: [ h3, h2 ] } }
  empty: { edges: [ b2 ], all-down: empty, ttl: 5s }
  old: { edges: [ c3 ] }
  cdn: { edges: [ d4 ] }
"""


def delv(s, name, qtype):
    """What delv says of an answer, by the zone's own DNSKEY."""
    if not sh.which("delv"):
        raise Skip("delv is not installed (bind9-dnsutils)")
    if not os.path.exists(s.dir + "/anchor"):
        raw = bytes.fromhex([d for _, t, _, d in s.udp("steer.test", "DNSKEY", edns=opt()).answer if t == 48][0])
        s.write("anchor", "trust-anchors { steer.test. static-key %d 3 %d \"%s\"; };\n" % (
            struct.unpack(">H", raw[:2])[0], raw[3], base64.b64encode(raw[4:]).decode()))
    said = subprocess.run(["delv", "@127.0.0.1", "-p", str(s.port), "-a", s.dir + "/anchor", "+root=steer.test", name, "TYPE%d" % TYPES[qtype]],
                          capture_output=True, text=True, timeout=60 * SLOW)
    return said.stdout + said.stderr


def bitmap(message, owner):
    """The types that the NSEC of an answer lists."""
    (data,) = [bytes.fromhex(d) for o, t, _, d in message.authority if t == TYPES["NSEC"] and o == owner]
    at, found = 0, set()
    while data[at]:
        at += 1 + data[at]
    at += 1
    while at < len(data):
        for i in range(data[at + 1] * 8):
            if data[at + 2 + i // 8] >> (7 - i % 8) & 1:
                found.add(data[at] * 256 + i)
        at += 2 + data[at + 1]
    return found - {TYPES["RRSIG"], TYPES["NSEC"]}


@claim("what pools answer validates: edges, hints, CNAMEs, wildcards, and that there is nothing for now")
def steered():
    with Server({"steer.test": STEERED}, start=False) as s:
        s.configure(STORE + EDGES, "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        s.start()
        yes, no = "; fully validated", "; negative response, fully validated"
        for name, qtype, want in (("cdnw", "A", yes), ("cdnw", "AAAA", yes), ("cdnw", "HTTPS", yes), ("x.y.edge", "A", yes), ("x.edge", "HTTPS", yes),
                                  ("cdn", "A", yes), ("old", "AAAA", no), ("cdnw", "TXT", no), ("cdnw", "EDGE", no), ("x.edge", "TXT", no), ("cdn", "TXT", yes)):
            said = delv(s, name + ".steer.test", qtype)
            assert want in said, (name, qtype, said)
        listed = {TYPES[t] for t in ("A", "AAAA", "HTTPS")}
        same(bitmap(s.udp("cdnw.steer.test", "TXT", edns=opt(flags=DO)), "cdnw.steer.test."), listed)
        same(bitmap(s.udp("old.steer.test", "TXT", edns=opt(flags=DO)), "old.steer.test."), {TYPES["A"]})
        s.ctl("force", "b2", "down")
        for qtype, other in (("A", "AAAA"), ("AAAA", "A")):
            said = delv(s, "empty.steer.test", qtype)
            assert no in said, said
            m = s.udp("empty.steer.test", qtype, edns=opt(flags=DO))
            same(bitmap(m, "empty.steer.test."), {TYPES[other]})
            same([ttl for o, t, ttl, _ in m.authority if t != 6 and o == "empty.steer.test."], [5, 5], "no longer than that may last:")
        s.ctl("force", "b2", "auto")
        assert yes in delv(s, "empty.steer.test", "A")
        # Other edges and another name: signed before they are served.
        s.write("zones/steer.test.zone", STEERED.replace("host 10", "host 11") + "new 60 EDGE web\n")
        s.configure(STORE + EDGES.replace("192.0.2.1,", "192.0.2.9,"), "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        same(s.ctl("reload")[0], 0)
        m = s.udp("new.steer.test", "A", edns=opt(flags=DO))
        each_set_is_signed(m.answer)
        assert "192.0.2.9" in m.addresses() and yes in delv(s, "new.steer.test", "A"), m.answer
        told = json.loads(s.ctl("status", "--json")[1])
        same((told["pool_unsigned"], told["pool_sign_waiting"]), (0, 0))
        assert told["pool_signed_ahead"] > 10 and told["pool_signed"] > 5, told


@claim("CNAMEs that have the client's AS, place and edge in them validate, of wildcards, too: whoever asks, once he has asked")
def signed_templates():
    place = {"country_code": "NL", "region": "Noord-Holland", "city": "Amsterdam", "latitude": 52.4, "longitude": 4.9}
    zone = APEX + "as 60 EDGE as\n*.was 60 EDGE as\nall 60 EDGE all\n*.cdn A 192.0.2.8\n"
    with Server({"steer.test": zone}, start=False) as s:
        mmdb.write(s.dir + "/city.mmdb", {"127.0.0.0/8": place, "83.0.0.0/8": dict(place, country_code="ES")})
        mmdb.write(s.dir + "/asn.mmdb", {"127.0.0.0/8": {"asn": 64502}, "83.0.0.0/8": {"asn": 64503}}, "Test-ASN")
        s.configure(STORE + "geoip: { city: { file: city.mmdb }, asn: { file: asn.mmdb } }\n"
                    'edges: { as: { cname: "as%{asn}.cdn.steer.test" }, all: { cname: "%{edge}.%{city}.%{region}.%{country}-%{continent}-%{asn}.cdn.steer.test" } }\n'
                    "pools: { as: { edges: [ as ], policy: ordered }, all: { edges: [ all ], policy: ordered } }\n", "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        s.start()
        for name, want in (("as", "as64502.cdn"), ("x.was", "as64502.cdn"), ("y.x.was", "as64502.cdn"), ("all", "all.amsterdam.noord-holland.nl-")):
            for qtype in ("A", "CNAME", "TXT"):
                until(lambda: s.exchange(query(name + ".steer.test", qtype, edns=opt(flags=DO)), 0.3), 30)
                until(lambda: "fully validated" in delv(s, name + ".steer.test", qtype), 30, 0.2)
                said = delv(s, name + ".steer.test", qtype)
                assert "fully validated" in said and want in said, (name, qtype, said)
        for net, want in (("83.1.2.0/24", "as64503.cdn.steer.test."), ("200.1.2.0/24", "asunknown.cdn.steer.test.")):
            def asked():
                packet = s.exchange(query("q.was.steer.test", "A", edns=opt(flags=DO, options=ecs(net))), 0.3)
                return Message(packet).answer if packet else []
            until(asked, 30)
            same([r[3] for r in asked() if r[1] == 5], [want])
            each_set_is_signed(asked())


RECORDS = """
edges:
  e1: { a: 192.0.2.1, records: [ MX 10 Mx1.Steer.Test, TXT one, "HTTPS 1 . alpn=h3", SRV 1 1 443 mx1.steer.test ] }
  e2: { a: 192.0.2.2, records: [ MX 10 mx2.steer.test, TXT two ] }
  e3: { records: [ MX 10 mx3.steer.test ] }
  cd: { records: CNAME www.cdn.test }
  co: { cname: "%{country}.cdn.test" }
pools:
  mail: { edges: [ e1, e2, e3 ], policy: ordered, https: { alpn: [ h2 ] } }
  none: { edges: [ e1, e2 ], policy: ordered, all-down: empty, ttl: 5s }
  some: { edges: [ e1, e2 ], policy: ordered, answers: 2 }
  cdn: { edges: [ cd ], policy: ordered }
  co: { edges: [ co ], policy: ordered }
geoip: { city: { file: %s/geoip/city.mmdb } }
"""


@claim("records of edges validate, of each edge, of two together and of wildcards, and so does that there are none; bitmaps list exactly what there may be")
def steered_records():
    zone = APEX + "mail 60 EDGE mail\nnone 60 EDGE none\nsome 60 EDGE some\n*.w 60 EDGE mail\none 60 EDGE mail edge=e2\ncdn 60 EDGE cdn\nco 60 EDGE co\nmx1 A 192.0.2.9\n"
    with Server({"steer.test": zone}, start=False) as s:
        s.configure(STORE + RECORDS.replace("%s", TOP), "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        s.start()
        yes, no = "; fully validated", "; negative response, fully validated"
        for name, qtype, want in (("mail", "MX", yes), ("mail", "TXT", yes), ("mail", "HTTPS", yes), ("mail", "SRV", yes), ("x.w", "MX", yes), ("mail", "CAA", no),
                                  ("x.w", "CAA", no), ("one", "TXT", yes), ("one", "SRV", no), ("one", "HTTPS", yes), ("cdn", "TXT", yes), ("mail", "A", yes)):
            said = delv(s, name + ".steer.test", qtype)
            assert want in said, (name, qtype, said)
        fewer = []                                                      # answers, until the two together are signed
        def are_both():
            got = sorted(r[3] for r in s.udp("some.steer.test", "TXT", edns=opt(flags=DO)).answer if r[1] == 16)
            fewer.extend([got] if got != ["one", "two"] else [])
            return got == ["one", "two"]
        until(are_both, 30)
        assert yes in delv(s, "some.steer.test", "TXT")
        listed = {TYPES[t] for t in ("A", "MX", "TXT", "HTTPS", "SRV")}
        same(bitmap(s.udp("mail.steer.test", "CAA", edns=opt(flags=DO)), "mail.steer.test."), listed)
        same(bitmap(s.udp("one.steer.test", "CAA", edns=opt(flags=DO)), "one.steer.test."), listed - {TYPES["SRV"]})
        s.ctl("force", "e1", "down")
        assert "two" in delv(s, "mail.steer.test", "TXT")
        m = s.udp("none.steer.test", "SRV", edns=opt(flags=DO))         # not there for now
        same(bitmap(m, "none.steer.test."), {TYPES[t] for t in ("A", "MX", "TXT", "HTTPS")})
        assert no in delv(s, "none.steer.test", "SRV")
        s.ctl("force", "e2", "down")
        assert "mx3" in delv(s, "mail.steer.test", "MX")
        s.ctl("force", "e1", "auto")
        s.ctl("force", "e2", "auto")
        same(json.loads(s.ctl("status", "--json")[1])["pool_unsigned"], len(fewer))     # nothing but the two together
        assert yes in delv(s, "co.steer.test", "A")                     # of who is unknown: signed ahead
        def signed_for(net):                                            # of a country: once somebody asks
            packet = s.exchange(query("co.steer.test", "A", edns=opt(flags=DO, options=ecs(net))), 0.3)
            m = Message(packet) if packet else None
            return m and [r[3] for r in m.answer if r[1] == 5 and len(m.answer) == 2]
        until(lambda: signed_for("83.62.101.0/24") == ["es.cdn.test."], 30)
        # Other records: signed before they are served, and the bitmap follows.
        s.configure(STORE + RECORDS.replace("%s", TOP).replace("TXT two", "'CAA 0 issue \"a.test\"'"), "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        same(s.ctl("reload")[0], 0)
        for name, qtype, want in (("mail", "CAA", yes), ("one", "TXT", no), ("one", "CAA", yes), ("mail", "TXT", yes)):
            until(lambda: want in delv(s, name + ".steer.test", qtype), 30)
        until(lambda: bitmap(s.udp("mail.steer.test", "SVCB", edns=opt(flags=DO)), "mail.steer.test.") == listed | {TYPES["CAA"]}, 30)


@claim("as long as the keys of a zone are published and sign nothing yet, what pools answer comes as it was")
def steered_before():
    with Server({"steer.test": STEERED}, start=False) as s:
        s.configure(STORE + EDGES + "dnssec: { auto: { keys: split } }\n", "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        s.start()
        signs = [r for r in s.udp("ns1.steer.test", "A", edns=opt(flags=DO)).answer if r[1] == 46]
        m = s.udp("cdnw.steer.test", "A", edns=opt(flags=DO))
        same((len(m.addresses()), bool([r for r in m.answer if r[1] == 46])), (2, bool(signs)))


@claim("what could not be signed ahead is signed once somebody asks, and meanwhile less is answered that validates")
def steered_later():
    two = EDGES.replace("web: { edges: [ a1, b2 ]", "web: { edges: [ a1, b2, c3 ], answers: 2")
    with Server({"steer.test": STEERED}, start=False) as s:
        s.configure(STORE + two, "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]")
        s.start()
        first = s.udp("cdnw.steer.test", "A", edns=opt(flags=DO))
        each_set_is_signed(first.answer)
        same({ttl for _, _, ttl, _ in first.answer}, {5})
        until(lambda: len(s.udp("cdnw.steer.test", "A", edns=opt(flags=DO)).addresses()) > len(first.addresses()), 30)
        assert "; fully validated" in delv(s, "cdnw.steer.test", "A")
        same(json.loads(s.ctl("status", "--json")[1])["pool_signed_wanted"] > 0, True)


@claim("what a stage adds to a pool is listed before anybody gets it: no proof denies it; and its zones wait until it is everybody's")
def steered_stage():
    zones = "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto } ]"
    with Server({"steer.test": STEERED}, start=False) as s:
        s.configure(STORE + EDGES, zones)
        s.start()
        yes, no = "; fully validated", "; negative response, fully validated"
        def listed():
            return {k for k in ("A", "AAAA", "HTTPS") if TYPES[k] in bitmap(s.udp("old.steer.test", "TXT", edns=opt(flags=DO)), "old.steer.test.")}
        more = EDGES.replace("c3: { at: \"1,103\", a: [ 192.0.2.3 ]", "c3: { at: \"1,103\", a: [ 192.0.2.3 ], aaaa: [ \"2001:db8::3\" ]").replace(
            "old: { edges: [ c3 ] }", "old: { edges: [ c3 ], https: { alpn: h3 } }")
        s.configure(STORE + more, zones)
        s.write("zones/steer.test.zone", STEERED.replace("host 10", "host 11") + "late A 192.0.2.77\n")
        same(s.ctl("reload", "--stage", "50%")[0], 0, s.said())
        same((listed(), serial(s, "steer.test")), ({"A", "AAAA", "HTTPS"}, 12))
        got = set()
        for i in range(64):
            m = s.udp("old.steer.test", "AAAA", edns=opt(flags=DO, options=ecs("10.%d.0.0/16" % i)))
            each_set_is_signed(m.answer if m.addresses() else m.authority)
            got.add(bool(m.addresses()))
            if not m.addresses():
                same(bitmap(m, "old.steer.test."), {TYPES["A"], TYPES["HTTPS"]})
        same(got, {True, False})
        same(s.ctl("reload", "--rollback")[0], 0)
        until(lambda: listed() == {"A"}, 30)
        before = serial(s, "steer.test")
        same(s.ctl("reload", "--stage", "50%")[0], 0, s.said())
        same((listed(), serial(s, "steer.test") > before, s.udp("late.steer.test").rcode), ({"A", "AAAA", "HTTPS"}, True, 3))
        before = serial(s, "steer.test")
        same(s.ctl("reload", "--promote")[0], 0, s.said())
        same((s.udp("late.steer.test").addresses(), serial(s, "steer.test") > before), (["192.0.2.77"], True))
        assert yes in delv(s, "late.steer.test", "A") and yes in delv(s, "old.steer.test", "HTTPS") and no in delv(s, "old.steer.test", "TXT")


def two_signers(keys_of):
    """A primary and its secondary, both sign: yields them once each has the keys that `keys_of(p, s)` gives it."""
    p, s = Server({"steer.test": STEERED}, start=False), Server({}, start=False)
    p.configure(STORE + EDGES + "peers: { sec: { at: \"127.0.0.1:%d\", edge-as: record } }" % s.port,
                "[ { name: steer.test, file: zones/steer.test.zone, dnssec: auto, transfer: any, notify: sec } ]")
    s.configure(STORE + EDGES + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % p.port, "[ { name: steer.test, primary: pri, dnssec: auto } ]")
    p.start()
    keys_of(p, s)
    return p, s


def dnskeys(s):
    return sorted(d for _, t, _, d in s.udp("steer.test", "DNSKEY", edns=opt()).answer if t == 48)


def both_validate(p, s, n):
    """Whatever pools say, and that there is nothing, at each of both; by the DNSKEY set that both have."""
    until(lambda: serial(s, "steer.test") and len(dnskeys(s)) == len(dnskeys(p)) == n and dnskeys(s) == dnskeys(p), 30)
    anchors = "".join("steer.test. static-key %d 3 %d \"%s\"; " % (struct.unpack(">H", k[:2])[0], k[3], base64.b64encode(k[4:]).decode())
                      for k in map(bytes.fromhex, dnskeys(p)))
    for x in (p, s):
        x.write("anchor", "trust-anchors { %s};\n" % anchors)
        for name, qtype, word in (("cdnw", "A", "; fully"), ("cdnw", "HTTPS", "; fully"), ("x.y.edge", "AAAA", "; fully"), ("old", "AAAA", "; negative"), ("cdn", "A", "; fully")):
            said = delv(x, name + ".steer.test", qtype)
            assert word in said and "validated" in said, (x is p, name, qtype, said)


@claim("a secondary with its primary's keys signs what its pools answer, as its primary does: one DNSKEY set, all validates")
def shared_keys():
    p, s = two_signers(lambda p, s: sh.copytree(p.dir + "/keys", s.dir + "/keys"))
    with p, s:
        s.start()
        both_validate(p, s, 1)
        p.write("zones/steer.test.zone", STEERED.replace("host 10", "host 12") + "new 60 EDGE web\n")
        same(p.ctl("reload")[0], 0)
        until(lambda: s.udp("new.steer.test", "A").addresses(), 30)
        each_set_is_signed(s.udp("new.steer.test", "A", edns=opt(flags=DO)).answer)
        assert "; fully validated" in delv(s, "new.steer.test", "A")


@claim("signers with keys of their own publish each other's (RFC 8901, model 2): what pools answer at either validates by one DNSKEY set")
def multi_signer():
    p, s = two_signers(lambda p, s: None)
    with p, s:
        s.start()
        until(lambda: serial(s, "steer.test"), 30)
        for of, to in ((p, s), (s, p)):
            same(of.ctl("dnssec", "export", "steer.test", of.dir + "/out")[0], 0)
            (key,) = [f for f in os.listdir(of.dir + "/out") if f.endswith(".key")]
            sh.copy(of.dir + "/out/" + key, to.dir)
            code, said = to.ctl("dnssec", "import", "steer.test", to.dir + "/" + key)
            same(code, 0, said)
        both_validate(p, s, 2)
        assert dnskeys(p) == dnskeys(s)
        signed = {r[3][32:36] for x in (p, s) for r in x.udp("cdnw.steer.test", "A", edns=opt(flags=DO)).answer if r[1] == 46}
        same(len(signed), 2, "each signs by its own:")


with server:
    run("dnssec")
