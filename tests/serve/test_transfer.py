"""Zones go out to other nameservers: AXFR and IXFR (RFC 5936, RFC 1995), who may have them, TSIG (RFC 8945)."""
import json
import select
import threading

from lib import *
from xfr import *

HERE = os.path.join(TOP, "tests/serve/signed")
SIGNED = {kind + ".test": open("%s/%s.test.zone" % (HERE, kind)).read() for kind in ("nsec", "nsec3", "optout")}
HEAD = "@ SOA ns1 hostmaster %d 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n"

KINDS = "$TTL 300\n" + HEAD % 7 + """
@ NS ns2.far.example.
@ MX 10 mail
@ TXT "one" "two words" "3"
@ CAA 0 issue "ca.example"
mail 60 A 192.0.2.1
mail 60 AAAA 2001:db8::1
a.b.c.empty TXT "below empty non-terminals"
alias CNAME mail
out CNAME www.example.
*.wild A 192.0.2.2
*.wild MX 5 mail
below.*.wild TXT "a wildcard with something below it"
dname DNAME wild
cut NS ns1.cut
cut NS ns.far.example.
cut DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns1.cut A 192.0.2.3
ns1.cut AAAA 2001:db8::3
_sip._tcp SRV 1 2 5060 mail
naptr NAPTR 1 2 "s" "SIP+D2U" "" _sip._tcp
rp RP host.mail txt.mail
host HINFO "a b" "c"
key SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
_443._tcp TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
unknown TYPE4711 \\# 4 c00c00ff
www 60 EDGE web
www TXT "beside the edge"
a\\.dot TXT "a dot in a label"
nul\\000.x TXT "any byte"
"""

BIG = KINDS + "".join(["many A 10.0.%d.%d\n" % (i >> 8, i & 255) for i in range(1500)] +
                      ["pool NS ns%d.provider\n" % i for i in range(400)] +
                      ["relay MX %d mx%d.provider\n" % (i, i % 3) for i in range(600)] +
                      ["far MX %d mx%d.far.example.\n" % (i, i) for i in range(700)] +
                      ["text TXT \"%s\"\n" % ("%03d" % i * 80) for i in range(120)] +
                      ["h%d.deep.%s A 192.0.2.%d\n" % (i, "x" * (i % 60 + 1), i % 250) for i in range(2000)])
LONG = "$TTL 300\n" + HEAD % 1 + "".join("host%d TXT \"%060d\"\n" % (i, i) for i in range(40000))
SMALL = "$TTL 300\n" + HEAD % 7

KEYS = {"k256": Key("k256", bytes(range(32))), "k512": Key("k512.example", bytes(64), "hmac-sha512"),
        "k384": Key("k384", b"3" * 48, "hmac-sha384"), "k224": Key("k224", b"2" * 28, "hmac-sha224"),
        "k1": Key("k1", b"1" * 20, "hmac-sha1"), "k5": Key("k5", b"5" * 16, "hmac-md5")}
K = KEYS["k256"]
CUT = Key("cut", b"c" * 32)
LEFT = Key("left.kinds.test", b"l" * 32)                     # ldns compresses it against the question
SOFT = Key("soft", b"m" * 16, "hmac-md5")

RULES = {"none.test": "", "all.test": "transfer: any", "net.test": "transfer: [ 127.0.0.0/30, 127.0.0.9 ]",
         "key.test": "transfer: [ { key: k256 } ]", "both.test": "transfer: { key: k256, from: 127.0.0.4/30 }",
         "peer.test": "transfer: [ ns2 ]", "address.test": "transfer: [ ns3 ]", "template.test": "template: keyed",
         "own.test": "template: keyed, transfer: none", "late.test": "transfer: [ 127.0.0.2 ], template: keyed",
         "closed.test": "query: [ { key: k256 } ], transfer: [ { key: k256 } ]",
         "hidden.test": "query: none, transfer: [ { key: k256 } ]"}

CONFIG = """
keys:
  %s
  cut: { algorithm: hmac-sha256-128, secret: "%s" }
  left.kinds.test: { secret: "%s" }
  soft: { secret: "%s", md5: on }
peers:
  ns2: { at: "127.0.0.8", key: k512.example }
  ns3: { at: [ "127.0.0.6:53", "127.0.0.7:5353" ] }
templates:
  open: { transfer: [ 127.0.0.0/8 ] }
  keyed: { transfer: [ { key: k256 } ] }
edges: { e: { at: "1,1", a: 192.0.2.7 } }
pools: { web: { edges: [ e ] } }
""" % ("\n  ".join("%s: %s" % (name_, key.yaml() if key.algorithm != "hmac-md5" else key.yaml(", md5: on"))
                   for name_, key in ((k.name[1:-1].replace(b"\7", b".").decode(), k) for k in KEYS.values())),
       base64.b64encode(CUT.secret).decode(), base64.b64encode(LEFT.secret).decode(), base64.b64encode(SOFT.secret).decode())


class Primary(Server):
    def __init__(self, zones, entries, **more):
        config = more.pop("config", CONFIG)
        super().__init__(zones, config, start=False, **more)
        self.entries = entries
        self.again()
        self.start()

    def again(self, config=None):
        self.configure(config, "[ %s ]" % ", ".join("{ name: %s, file: zones/%s.zone, %s }" % (z, z, rule) if rule else
                                                    "{ name: %s, file: zones/%s.zone }" % (z, z) for z, rule in self.entries.items()))

    def source(self, address, room=None):
        s = socket.socket()
        s.settimeout(60 * SLOW)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)            # as on a real link: room is told of in small pieces
        if room:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        s.bind((address, 0))
        s.connect(("127.0.0.1", self.port))
        return s

    def fetch(self, zone, key=None, address="127.0.0.1", packet=None):
        packet = packet or query(zone, "AXFR")
        before = []
        if key:
            packet, mac = key.sign(packet)
            before.append(mac)

        def check(m):
            if key:
                before.append(key.verify(m, before[-1], first=len(before) == 1))
        with self.source(address) as s:
            return transfer(s, packet, check)


ZONES = {"kinds.test": KINDS, "big.test": BIG, "long.test": LONG, "small.test": SMALL}
entries = {z: "template: open" for z in ZONES}
entries.update({z: "template: open" for z in SIGNED})
entries.update(RULES)
server = Primary(dict(ZONES, **SIGNED, **{z: SMALL for z in RULES}), entries, server="workers: 2, tcp-idle: 60s, identity: ns1.test")


def same_zone(messages, text, origin):
    got, want = sorted(zone_of(messages)), sorted(zone_text(text, origin))
    for g, w in zip(got, want):
        same(g, w, "record:")
    same(len(got), len(want), "records:")


# ------------------------------------------------------------------ what goes out

@claim("AXFR has every record of the zone file, whatever its type, glue and all, and no other")
def kinds():
    messages = server.fetch("kinds.test")
    same_zone(messages, KINDS, "kinds.test")
    for m in messages:
        same((m.flags, m.question), (0x8400, (wire("kinds.test"), 252, IN)), "flags and question:")


@claim("RRsets over 16 KiB and those of hundreds of names go out whole; pointers lead to names, no message is over 64 KiB")
def big():
    messages = server.fetch("big.test")
    same_zone(messages, BIG, "big.test")
    assert len(messages) > 5
    for m in messages:
        assert len(m.m) <= 16384, "a message of %d bytes" % len(m.m)


@claim("signed zones go out with their chains of NSEC and NSEC3")
def signed():
    for origin, text in SIGNED.items():
        same_zone(server.fetch(origin), text, origin)
        same_zone(server.fetch(origin, K), text, origin)


@claim("the owner's case in a query comes back in the question, and RD, but nothing else of the flags")
def question():
    with server.connect() as s:
        m = get(s, query("SMALL.test", "AXFR", flags=0x0130))
        same(m.flags, 0x8500, "flags:")
        assert b"\5SMALL\4test\0" in m.m[:30]


@claim("each message of a transfer is signed over the one before, with every algorithm")
def signatures():
    for key in list(KEYS.values()) + [SOFT]:
        same_zone(server.fetch("kinds.test", key), KINDS, "kinds.test")
    messages = server.fetch("big.test", K)
    same_zone(messages, BIG, "big.test")
    assert len(messages) > 5


@claim("MACs are cut to what the key says, and whole ones are taken")
def cut():
    for n in (16, None):
        packet, mac = CUT.sign(query("small.test", "AXFR"), cut=n)
        with server.connect() as s:
            send_tcp(s, packet)
            m = recv_tcp(s)
            same(len(CUT.verify(m, mac)), 16, "bytes of the MAC:")


@claim("OPT is in every message when asked for, with EXPIRE, ZONEVERSION and NSID; without it there is none")
def options():
    edns = opt(options=option(9) + option(19) + option(3))
    for zone, text in (("small.test", SMALL), ("big.test", BIG)):
        messages = server.fetch(zone, packet=query(zone, "AXFR", edns=edns))
        same_zone(messages, text, zone)
        for m in messages:
            same(m.options(), {9: struct.pack(">I", 1209600), 19: struct.pack(">BBI", 2, 0, 7), 3: b"ns1.test"}, "options:")
    same(server.fetch("small.test")[0].opt, None, "OPT:")


@claim("EXPIRE goes with SOA, AXFR and IXFR at the apex only, and is the SOA's own")
def expire():
    for qtype, name, there in (("SOA", "small.test", True), ("A", "small.test", False), ("SOA", "ns1.small.test", False)):
        m = server.udp(name, qtype, options=option(9))
        same(m.options.get(9), struct.pack(">I", 1209600) if there else None, "%s %s:" % (name, qtype))


@claim("IXFR: our SOA alone where there is nothing newer, else the zone in the form of AXFR; over UDP our SOA")
def incremental():
    for serial, whole in ((7, False), (8, False), (6, True), (7 + 2**31 + 1, True), (7 + 2**31 - 1, False), (0, True)):
        messages = server.fetch("kinds.test", packet=ixfr("kinds.test", serial & 0xffffffff))
        same(messages[0].question[1], 251, "question:")
        if whole:
            same_zone(messages, KINDS, "kinds.test")
        else:
            same([r.type for r in messages[0].answer], [6], "records of a lone SOA:")
        m = Parser(server.exchange(ixfr("kinds.test", serial & 0xffffffff)))
        same(([r.type for r in m.answer], m.answer[0].data[-20:-16], m.rcode), ([6], struct.pack(">I", 7), 0), "over UDP:")
    own = zone_text(KINDS, "kinds.test")[0].data
    same_zone(server.fetch("kinds.test", K, packet=ixfr("kinds.test", 1, edns=opt(), soa=own[:-20] + struct.pack(">I", 1) + own[-16:])),
              KINDS, "kinds.test")


@claim("IXFR without a SOA, or with another record in its place, is FORMERR")
def no_soa():
    bare = query("kinds.test", "IXFR")
    other = bare[:8] + b"\0\1" + bare[10:] + wire("kinds.test") + struct.pack(">HHIH", 1, 1, 0, 4) + b"\1\2\3\4"
    for packet in (bare, other, ixfr("kinds.test", 0, soa=b"\0\0")):
        with server.connect() as s:
            same(get(s, packet).rcode, FORMERR, "TCP:")
        same(Message(server.exchange(packet)).rcode, FORMERR, "UDP:")


# ------------------------------------------------------------------ who may

@claim("a zone goes to those its rule names, by net, by key, by both, by peer; to all others REFUSED, with no word about it")
def who_may():
    one, four = "127.0.0.1", "127.0.0.5"
    table = [("none.test", None, one, False), ("none.test", K, one, False), ("all.test", None, one, True),
             ("net.test", None, "127.0.0.3", True), ("net.test", None, "127.0.0.4", False), ("net.test", None, "127.0.0.9", True),
             ("net.test", K, "127.0.0.3", True), ("net.test", K, "127.0.0.4", False),
             ("key.test", None, one, False), ("key.test", K, one, True), ("key.test", K, four, True), ("key.test", KEYS["k1"], one, False),
             ("both.test", K, four, True), ("both.test", K, one, False), ("both.test", None, four, False),
             ("both.test", KEYS["k1"], four, False),
             ("peer.test", KEYS["k512"], "127.0.0.8", True), ("peer.test", KEYS["k512"], four, True),
             ("peer.test", None, "127.0.0.8", False), ("peer.test", K, "127.0.0.8", False),
             ("address.test", None, "127.0.0.6", True), ("address.test", None, "127.0.0.7", True), ("address.test", None, one, False),
             ("template.test", K, one, True), ("template.test", None, one, False), ("own.test", K, one, False),
             ("late.test", None, "127.0.0.2", True), ("late.test", K, one, False),
             ("hidden.test", K, one, True), ("hidden.test", None, one, False)]
    for zone, key, address, may in table:
        for packet in (query(zone, "AXFR", edns=opt(options=option(9) + option(19))), ixfr(zone, 3)):
            messages = server.fetch(zone, key, address, packet)
            say = "%s from %s with %s:" % (zone, address, key and key.name)
            same(messages[0].rcode, NOERROR if may else REFUSED, say)
            if may:
                same_zone(messages, SMALL, zone)
            else:
                same((messages[0].answer, set(messages[0].options()) - {15}), ([], set()), say)


@claim("below an apex, outside of our zones and in another class there is nothing to transfer: NOTAUTH; over UDP, AXFR is NOTIMP")
def no_zone():
    for name, klass in (("ns1.all.test", 1), ("other.example", 1), ("all.test", 4), ("all.test", 255)):
        with server.connect() as s:
            m = get(s, query(name, "AXFR", qclass=klass))
            same((m.rcode, m.answer), (NOTAUTH, []), "%s class %d:" % (name, klass))
    same(Message(server.exchange(query("all.test", "AXFR"))).rcode, NOTIMP, "UDP:")


@claim("where `query` names who may ask, others are refused and told nothing, also by way of another zone's CNAME")
def closed():
    def ask(name, qtype, key=None, **more):
        packet = query(name, qtype, **more)
        mac = None
        if key:
            packet, mac = key.sign(packet)
        reply = server.exchange(packet, 60)
        if key:
            key.verify(reply, mac)
        return Parser(reply)
    m = ask("closed.test", "SOA", edns=opt(options=option(9) + option(19)))
    same((m.rcode, m.answer, set(m.options())), (REFUSED, [], {15}), "a stranger:")
    m = ask("closed.test", "SOA", K, edns=opt(options=option(9)))
    same((m.rcode, len(m.answer), 9 in m.options()), (NOERROR, 1, True), "a friend:")
    for key in (None, K):                                       # "none": nobody is answered; who_may() has it whole
        same(ask("hidden.test", "SOA", key).rcode, REFUSED, "hidden:")
    server.write("zones/all.test.zone", SMALL.replace(" 7 ", " 8 ") + "into CNAME ns1.closed.test.\n")
    same(server.ctl("reload")[0], 0)
    same([r.type for r in ask("into.all.test", "A").answer], [5], "a stranger by a CNAME:")
    same([r.type for r in ask("into.all.test", "A", K).answer], [5, 1], "a friend by a CNAME:")
    server.write("zones/all.test.zone", SMALL)
    same(server.ctl("reload")[0], 0)


# ------------------------------------------------------------------ TSIG, abused

def tsig_record(packet):
    """Where the TSIG record of a signed packet starts."""
    return Parser(packet).tsig.begins


def count(packet, additional):
    return packet[:10] + struct.pack(">H", additional) + packet[12:]


@claim("what is wrong with a signature has the RCODE and the TSIG error of RFC 8945, over UDP and TCP, and no data goes out")
def abuses():
    q = query("kinds.test", "SOA")
    now = int(time.time())
    good, mac = K.sign(q)
    at = tsig_record(good)
    record = good[at:]
    wrong = Key("k256", b"wrong")
    two = count(good + record, 2)
    flipped = good[:12] + bytes([good[12], good[13] ^ 0x20]) + good[14:]
    klass, ttl = at + len(K.name) + 2, at + len(K.name) + 4
    table = [
        ("a key that nobody has", Key("stranger", b"x" * 32).sign(q)[0], NOTAUTH, BADKEY),
        ("its name below one of ours", K.sign(q, name=wire("a.k256"))[0], NOTAUTH, BADKEY),
        ("another algorithm", Key("k256", K.secret, "hmac-sha512").sign(q)[0], NOTAUTH, BADKEY),
        ("an algorithm that is none", K.sign(q, algorithm=wire("hmac-sha3"))[0], NOTAUTH, BADKEY),
        ("MD5, not switched on", Key("k256", K.secret, "hmac-md5").sign(q)[0], NOTAUTH, BADKEY),
        ("another secret", wrong.sign(q)[0], NOTAUTH, BADSIG),
        ("a byte of the question", flipped, NOTAUTH, BADSIG),
        ("a byte of the MAC", K.sign(q, mac=bytes([mac[0] ^ 1]) + mac[1:])[0], NOTAUTH, BADSIG),
        ("a MAC of another message", K.sign(q, mac=K.sign(query("kinds.test", "A"))[1])[0], NOTAUTH, BADSIG),
        ("a MAC cut to a half", K.sign(q, cut=16)[0], NOTAUTH, BADTRUNC),
        ("a MAC cut by one byte", K.sign(q, cut=31)[0], NOTAUTH, BADTRUNC),
        ("a MAC cut below a half", K.sign(q, cut=15)[0], FORMERR, None),
        ("a MAC of MD5 below ten bytes", SOFT.sign(q, cut=9)[0], FORMERR, None),
        ("a MAC longer than the hash", K.sign(q, mac=mac + b"x")[0], FORMERR, None),
        ("no MAC", K.sign(q, mac=b"")[0], FORMERR, None),
        ("a cut MAC that is wrong", K.sign(q, mac=b"w" * 16)[0], NOTAUTH, BADSIG),
        ("the past", K.sign(q, when=now - 320)[0], NOTAUTH, BADTIME),
        ("the future", K.sign(q, when=now + 400)[0], NOTAUTH, BADTIME),
        ("years after 2106", K.sign(q, when=now + 2**32)[0], NOTAUTH, BADTIME),
        ("a narrow fudge", K.sign(q, when=now - 60, fudge=5)[0], NOTAUTH, BADTIME),
        ("another record behind it", count(good + opt(), 2), FORMERR, None),
        ("two of them", two, FORMERR, None),
        ("class IN", good[:klass] + b"\0\1" + good[klass + 2:], FORMERR, None),
        ("a TTL", good[:ttl] + b"\0\0\0\1" + good[ttl + 4:], FORMERR, None),
        ("in the answer section", good[:6] + b"\0\1\0\0\0\0" + good[12:], FORMERR, None),
        ("in the authority section", good[:6] + b"\0\0\0\1\0\0" + good[12:], FORMERR, None),
        ("the question's name as its own", count(q + b"\xc0\x0c" + record[len(K.name):], 1), NOTAUTH, BADKEY),
        ("a name that leads into the header", count(q + b"\xc0\x0b" + record[len(K.name):], 1), FORMERR, None),
        ("a name that leads to itself", count(q + b"\xc0" + bytes([len(q)]) + record[len(K.name):], 1), FORMERR, None),
        ("a name that leads ahead", count(q + b"\xc0" + bytes([len(q) + 2]) + record[len(K.name):], 1), FORMERR, None),
        ("a name that leads out", count(q + b"\xff\xff" + record[len(K.name):], 1), FORMERR, None),
        ("cut short", good[:-3], FORMERR, None),
        ("longer than its data", good[:-2] + b"\0\4", FORMERR, None),
    ]
    for say, packet, rcode, error in table:
        with server.connect() as s:
            send_tcp(s, packet)
            replies = [server.exchange(packet, 60), recv_tcp(s)]
        sent = Parser(packet).tsig if error else None
        for reply in replies:
            m = Parser(reply)
            same((m.rcode, m.tsig and m.tsig.error, m.answer), (rcode, error, []), say + ":")
            if error in (BADSIG, BADKEY):
                same((m.tsig.mac, m.tsig.key, m.tsig.algorithm), (b"", sent.key, sent.algorithm), say + ", not signed:")
            elif error:
                key = K if sent.key == K.name else CUT
                key.verify(reply, sent.mac)
            if error == BADTIME:
                same((m.tsig.time, m.tsig.fudge), (sent.time, 300), say + ", its own time:")
                same(abs(int.from_bytes(m.tsig.other, "big") - now) < 60, True, say + ", our time:")
    key_wrong = K.sign(query("kinds.test", "AXFR"), when=now - 1000)[0]
    with server.connect() as s:
        same(get(s, key_wrong).answer, [], "AXFR of the past:")


@claim("what is odd and right is taken: capitals, another ID on the way, a wide fudge, a TSIG behind OPT, MD5 where it is switched on")
def oddities():
    q, now = query("kinds.test", "SOA"), int(time.time())
    edns = query("kinds.test", "SOA", edns=opt())
    forwarded = b"\x12\x34" + K.sign(q)[0][2:]
    table = [("capitals", K, K.sign(q, name=b"\4K256\0", algorithm=b"\x0bHMAC-SHA256\0")),
             ("another ID", K, (forwarded, K.sign(q)[1])), ("a wide fudge", K, K.sign(q, when=now - 3000, fudge=3600)),
             ("behind OPT", K, K.sign(edns)), ("a name that is compressed", LEFT, LEFT.sign(q, name=b"\4left\xc0\x0c")), ("MD5", SOFT, SOFT.sign(q)),
             ("MD5 as certbot writes it", SOFT, SOFT.sign(q, algorithm=wire("HMAC-MD5.SIG-ALG.REG.INT"))),
             ("MD5 cut", KEYS["k5"], KEYS["k5"].sign(q))]
    for say, key, (packet, mac) in table:
        reply = server.exchange(packet, 60)
        m = Parser(reply)
        same((m.rcode, len(m.answer)), (NOERROR, 1), say + ":")
        key.verify(reply, mac)
        same(reply[:2], packet[:2], "ID:")


@claim("a signed answer over UDP that does not fit is truncated and signed; over TCP it is whole and signed")
def truncated():
    packet, mac = K.sign(query("text.big.test", "TXT"))
    reply = server.exchange(packet, 60)
    K.verify(reply, mac)
    m = Parser(reply)
    same((m.flags & 0x200, m.answer, len(reply) <= 512), (0x200, [], True), "truncated:")
    with server.connect() as s:
        send_tcp(s, packet)
        reply = recv_tcp(s)
    K.verify(reply, mac)
    same(len(Parser(reply).answer), 120, "records:")


@claim("a signed packet without a question is answered with a signed FORMERR, and does no harm")
def no_question():
    for edns in (b"", opt(options=option(10, b"12345678"))):
        packet, mac = K.sign(b"\0\1" + struct.pack(">HHHHH", 0, 0, 0, 0, 1 if edns else 0) + edns)
        for _ in range(20):
            reply = server.exchange(packet, 60)
            K.verify(reply, mac)
            same(Parser(reply).rcode, NOERROR if edns else FORMERR, "RCODE:")


@claim("NOTIFY for a zone whose primary we are is NOTAUTH, signed or not; UPDATE of a zone that takes none is REFUSED")
def opcodes():
    for code, rcode in ((4, NOTAUTH), (5, REFUSED)):
        for key in (None, K):
            q = query("kinds.test", "SOA", flags=code << 11)
            same(Parser(server.exchange(key.sign(q)[0] if key else q, 60)).rcode, rcode, "opcode %d:" % code)


# ------------------------------------------------------------------ what is told

def said_soon(wanted, act):
    """`act` until the log has `wanted`: of its kind a line a second is told."""
    end = time.monotonic() + 60 * SLOW
    while wanted not in server.said():
        if time.monotonic() > end:
            raise AssertionError("%r is not said: %s" % (wanted, server.said()[-2000:]))
        act()
        time.sleep(0.1)


@claim("the log tells of keys that nobody has, with the trap of certbot, of secrets and clocks that differ, and of zones refused")
def told():
    q, now = query("kinds.test", "SOA"), int(time.time())
    md5 = Key("k256", K.secret, "hmac-md5")
    table = [(lambda: server.exchange(Key("stranger", b"x" * 32).sign(q)[0]),
              "TSIG: 127.0.0.1 signs with key stranger. by hmac-sha256.: \"keys\" has none of that name and algorithm (BADKEY)\n"),
             (lambda: server.exchange(md5.sign(q)[0]), "signs with key k256. by hmac-md5.sig-alg.reg.int.: \"keys\" has none of that name and "
              "algorithm (BADKEY); certbot signs with HMAC-MD5 unless its algorithm is written in capitals"),
             (lambda: server.exchange(Key("k256", b"no").sign(q)[0]), "key k256. by hmac-sha256.: not with the secret that \"keys\" has (BADSIG)"),
             (lambda: server.exchange(KEYS["k1"].sign(q, when=now - 3600)[0]), "key k1. by hmac-sha1.: its clock is 36"),
             (lambda: server.fetch("own.test"), "transfer: zone own.test.: refused to 127.0.0.1, whom its \"transfer\" does not name")]
    for act, wanted in table:
        said_soon(wanted, act)
    lines = server.said().count("key stranger. by")
    for _ in range(30):
        server.exchange(Key("stranger", b"x" * 32).sign(q)[0])
    same(server.said().count("key stranger. by"), lines, "lines of one key in a minute:")
    same(lines, 1, "lines:")


@claim("status counts transfers, those refused and broken off, and wrong signatures")
def counted():
    def status():
        return json.loads(server.ctl("status", "--json")[1])
    before = status()
    server.fetch("small.test")
    server.fetch("own.test")
    server.exchange(Key("stranger", b"x" * 32).sign(query("small.test", "SOA"))[0], 60)
    with server.source("127.0.0.1", room=4096) as s:
        send_tcp(s, query("long.test", "AXFR"))
        s.recv(100)
    end = time.monotonic() + 60 * SLOW
    wanted = {"transfers": 3, "transfers_refused": 1, "transfers_done": 1, "transfers_broken": 1, "signatures_wrong": 1}
    while True:
        now = status()
        got = {k: now[k] - before[k] for k in wanted}
        if got == wanted:
            break
        same(time.monotonic() < end, True, "%r:" % got)
        time.sleep(0.05)
    assert now["transfers_bytes"] > before["transfers_bytes"]


@claim("keygen makes a key that the configuration takes, of the length of its hash, and a clause of named.conf")
def keygen():
    with Server({"a.test": SMALL}, start=False) as s:
        for words, algorithm, size in (([], "hmac-sha256", 32), (["me.example", "hmac-sha512"], "hmac-sha512", 64),
                                       (["old", "hmac-md5"], "hmac-md5", 16), (["cut", "hmac-sha384-192", "--bind"], "hmac-sha384-192", 48)):
            code, said = s.ctl("keygen", *words)
            same(code, 0, said)
            name = words[0] if words else "xfr"
            yaml = said.split("\n\n")[0]
            secret = yaml.split('secret: "')[1].split('"')[0]
            same(len(base64.b64decode(secret)), size, "bytes:")
            s.configure(yaml, "[ { name: a.test, file: zones/a.test.zone, transfer: [ { key: %s } ] } ]" % name)
            same(s.check()[0], 0, yaml)
            clause = "key \"%s\" {\n\talgorithm %s;\n\tsecret \"%s\";\n};" % (name, algorithm, secret)
            same(clause in said, "--bind" in words, "clause:")
        assert s.ctl("keygen")[1] != s.ctl("keygen")[1]
        for words in (["a b"], ["x", "sha256"], ["x", "hmac-sha256", "y"], ["--no"], ["a..b"]):
            same(s.ctl("keygen", *words)[0], 2, repr(words))


# ------------------------------------------------------------------ in time

def resident_kb(of):
    with open("/proc/%d/status" % of.proc.pid) as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def kernel_keeps(of, s):
    """Bytes that the kernel has of the server's for this client."""
    pair = ":%04X %08X:%04X" % (of.port, struct.unpack("<I", socket.inet_aton(s.getsockname()[0]))[0], s.getsockname()[1])
    with open("/proc/net/tcp") as f:
        return max([int(line.split()[4].split(":")[0], 16) for line in f if pair in line] or [0])


@claim("who does not read is closed after the idle time and takes no memory; who reads slowly gets all; others are served meanwhile")
def slow_readers():
    zones = {"wide.test": LONG.replace(" TXT", " TXT \"%s\"" % ("w" * 250)), "kinds.test": KINDS}
    with Primary(zones, {z: "template: open" for z in zones}, server="workers: 1, tcp-idle: 3s") as hasty:
        want = sum(len(m.m) + 2 for m in hasty.fetch("wide.test"))
        before = resident_kb(hasty)
        slow = hasty.source("127.0.0.1", room=1 << 18)
        send_tcp(slow, query("wide.test", "AXFR"))
        got = len(recv_all(slow, 1 << 20))                  # fast at first: the kernel keeps much for such a one
        wild = hasty.connect()
        send_tcp(wild, query("wide.test", "AXFR"))
        recv_all(wild, 1 << 20)
        stuck = [hasty.source("127.0.0.1", room=4096) for _ in range(40)]
        for s in stuck:
            send_tcp(s, query("wide.test", "AXFR"))
        same_zone(hasty.fetch("kinds.test"), KINDS, "kinds.test")
        if SLOW == 1:
            same(resident_kb(hasty) - before < 40 * 256, True, "memory of 40 transfers that wait:")
        most, at = 0, time.monotonic()
        end = at + 4.5
        while at < end:
            now = time.monotonic()                          # 200 KB a second, however busy this machine is
            got += len(slow.recv(4096 + int(200000 * (now - at))))
            at = now
            most = max(most, kernel_keeps(hasty, wild))
            time.sleep(0.02)
        same(0 < most < 600000, True, "%d bytes that the kernel keeps:" % most)
        while got < want:
            more = len(slow.recv(1 << 16))
            same(more > 0, True, "after %d of %d bytes it goes on:" % (got, want))
            got += more
        same(got, want, "bytes:")
        for s in stuck + [wild]:
            left = 1
            while left:                                     # what was on its way, then the end
                try:
                    left = len(s.recv(1 << 16))
                except ConnectionResetError:
                    left = 0
            s.close()
        slow.close()


@claim("queries behind a transfer on the same connection are answered after it")
def pipelined():
    with server.connect() as s:
        send_tcp(s, query("small.test", "SOA"), query("kinds.test", "AXFR"), query("small.test", "NS"), query("small.test", "AXFR"),
                 query("small.test", "A"))
        same(Parser(recv_tcp(s)).question[1], 6, "before:")
        same_zone([Parser(recv_tcp(s))], KINDS, "kinds.test")
        same(Parser(recv_tcp(s)).question[1], 2, "between:")
        same_zone([Parser(recv_tcp(s))], SMALL, "small.test")
        same(Parser(recv_tcp(s)).question[1], 1, "behind:")


@claim("a reload during a transfer changes nothing in it: the old zone goes out whole, signed with the old secret")
def reload_during():
    packet, mac = K.sign(query("long.test", "AXFR", edns=opt(options=option(3))))
    before = [mac]
    with server.source("127.0.0.1", room=4096) as s:
        def reload(m):
            before.append(K.verify(m, before[-1], first=len(before) == 1))
            same(Parser(m).options()[3], b"ns1.test", "identity:")
            if len(before) in (2, 3, 4):
                server.write("zones/long.test.zone", LONG.replace(" 1 7200", " %d 7200" % len(before)).replace("host39", "changed39"))
                server.again(CONFIG.replace(base64.b64encode(K.secret).decode(), base64.b64encode(b"%032d" % len(before)).decode()))
                same(server.ctl("reload")[0], 0)
        messages = transfer(s, packet, reload)
    same_zone(messages, LONG, "long.test")
    same(zone_of(server.fetch("long.test"))[0].data[-20:-16], struct.pack(">I", 4), "serial now:")
    server.write("zones/long.test.zone", LONG)
    server.again(CONFIG)
    same(server.ctl("reload")[0], 0)


@claim("who leaves in the middle takes nothing along")
def leaves():
    for n in range(20):
        with server.source("127.0.0.1", room=4096) as s:
            send_tcp(s, query("long.test", "AXFR"))
            s.recv(n * 700 + 1)
    same_zone(server.fetch("small.test"), SMALL, "small.test")


@claim("fifty transfers at once are each whole")
def at_once():
    faults, soa_end = [], struct.pack(">IIII", 7200, 900, 1209600, 60)

    def one(n):
        try:
            same_zone(server.fetch("big.test", K if n % 2 else None), BIG, "big.test")
        except Exception as e:
            faults.append(e)
    connections = [server.connect() for _ in range(50)]
    for s in connections:
        send_tcp(s, query("long.test", "AXFR"))
    threads = [threading.Thread(target=one, args=(n,)) for n in range(2)]
    for t in threads:
        t.start()
    got, soas, left = {s: 0 for s in connections}, {s: 0 for s in connections}, set(connections)
    while left:
        for s in select.select(left, [], [], 30 * SLOW)[0]:
            m = recv_tcp(s)
            got[s] += struct.unpack(">H", m[6:8])[0]
            soas[s] += m.count(soa_end)
            if soas[s] == 2:
                left.remove(s)
                s.close()
    same(set(got.values()), {40000 + 4}, "records:")
    for t in threads:
        t.join()
    same(faults, [], "faults:")


with server:
    run("transfer")
