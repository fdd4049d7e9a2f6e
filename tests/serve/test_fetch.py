"""What primaries send that is no transfer: nothing of it is served, what was served before is served on, and it is told what is wrong."""
import json
import threading

from lib import *
from xfr import *

KEY = Key("xfr", b"x" * 32)
ZONE = "m.test"


def rr(owner, kind, data, ttl=300, klass=IN):
    return (owner if isinstance(owner, bytes) else wire(owner)) + struct.pack(">HHIH", kind, klass, ttl, len(data)) + data


def soa(serial, owner=ZONE):
    return rr(owner, 6, wire("ns." + ZONE) + wire("h." + ZONE) + struct.pack(">IIIII", serial, 7200, 3600, 1209600, 60))


NS, GLUE = rr(ZONE, 2, wire("ns." + ZONE)), rr("ns." + ZONE, 1, b"\xc0\0\2\x35")
WWW = rr("www." + ZONE, 1, b"\xc0\0\2\1")
OLD = [soa(1), NS, GLUE, WWW, soa(1)]
BAD = [NS, GLUE, rr("www." + ZONE, 1, b"\xc0\0\2\x42")]     # what would be served of it


def message(query, records, flags=0x8400, question=None, count=None, ident=None):
    asked = query[12:query.index(b"\0", 12) + 5] if question is None else question
    return ((ident or query[:2]) + struct.pack(">HHHHH", flags, 1 if asked else 0, len(records) if count is None else count, 0, 0) + asked +
            b"".join(records))


def axfr(records):
    return lambda q: [message(q, records)]


class Primary:
    """A nameserver that answers as the case at hand has it: SOA over UDP, transfers over TCP."""

    def __init__(self):
        self.tcp, self.udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.bind(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp.listen(50)
        self.serial, self.answer, self.key = 1, axfr(OLD), None
        for run in (self.tell, self.serve):
            threading.Thread(target=run, daemon=True).start()

    def signed(self, q, m):
        return self.key.sign_after(m, self.key.verify_request(q)) if self.key else m

    def tell(self):
        while True:
            q, who = self.udp.recvfrom(65535)
            at = q.index(b"\0", 12) + 5
            self.udp.sendto(self.signed(q, message(q, [soa(self.serial)], question=q[12:at])), who)

    def serve(self):
        while True:
            s, _ = self.tcp.accept()
            with s:
                try:
                    q = recv_tcp(s)
                    for m in self.answer(q):
                        s.sendall(m[1] if isinstance(m, tuple) else struct.pack(">H", len(m)) + m)
                except (OSError, AssertionError, IndexError):
                    pass                                    # it has seen enough


def sign_after(self, m, before, when=None, first=True, key=None, **more):
    """`m` with its TSIG as an answer to what has that MAC."""
    when = int(time.time()) if when is None else when
    fudge = more.pop("fudge", 300)
    times = struct.pack(">HIH", when >> 32, when & 0xffffffff, fudge)
    good = (key or self).mac(struct.pack(">H", len(before)), before, m, self.variables(times) if first else times)
    return self.sign(m, when=when, fudge=fudge, mac=more.pop("mac", good)[:more.pop("cut", None)], **more)[0]


Key.sign_after = sign_after
primary = Primary()


def config(key):
    return ("%speers: { pri: { at: \"127.0.0.1:%d\"%s } }\n" % ("keys: { xfr: %s }\n" % KEY.yaml() if key else "", primary.port,
                                                               ", key: xfr" if key else ""),
            "[ { name: %s, primary: pri } ]" % ZONE)


def refused(table, key):
    primary.key, primary.serial, primary.answer = key, 1, axfr(OLD)
    if key:
        primary.answer = lambda q: [primary.signed(q, message(q, OLD))]
    with Server({}, start=False) as s:
        s.configure(*config(key))
        s.start()
        end = time.monotonic() + 60 * SLOW
        while s.udp("www." + ZONE).addresses() != ["192.0.2.1"]:
            assert time.monotonic() < end, s.said()
            time.sleep(0.02)
        primary.serial = 2
        for n, (say, answer, told) in enumerate(table):
            primary.answer = answer
            before = failures(s)
            s.ctl("zone", "refresh", ZONE)
            end = time.monotonic() + 60 * SLOW
            while failures(s) == before:
                assert time.monotonic() < end, "%s: nothing is told: %s" % (say, s.ctl("zone", "status", ZONE)[1])
                time.sleep(0.01)
            status = s.ctl("zone", "status", ZONE)[1]
            said = [l.split("in a row: pri (127.0.0.1:%d): " % primary.port, 1)[-1] for l in status.split("\n") if l.startswith("failures")]
            same([l[:len(told)] for l in said], [told], "%s: %s" % (say, status))
            same(s.udp("www." + ZONE).addresses(), ["192.0.2.1"], say + ", what was served:")
        primary.answer = axfr([soa(2)] + BAD + [soa(2)])
        if key:
            primary.answer = lambda q: [primary.signed(q, message(q, [soa(2)] + BAD + [soa(2)]))]
        s.ctl("zone", "refresh", ZONE)
        end = time.monotonic() + 60 * SLOW
        while s.udp("www." + ZONE).addresses() != ["192.0.2.66"]:
            assert time.monotonic() < end, "what is right is taken: " + s.said()
            time.sleep(0.02)


def failures(s):
    return json.loads(s.ctl("status", "--json")[1])["refresh_failed"]


@claim("twenty and more transfers that are none: each is told, none is served, and the next one that is right is taken")
def malformed():
    new = [soa(2)] + BAD + [soa(2)]

    def steps(*records):                                    # an IXFR; AXFR behind it is refused
        return lambda q: [message(q, list(records)) if q[12 + len(wire(ZONE)):][:2] == b"\0\xfb" else message(q, [], flags=0x8405)]

    def raw(make):
        return lambda q: [make(q)]

    refused([
        ("nothing in it", axfr([]), "answers without a record"),
        ("REFUSED", lambda q: [message(q, [], flags=0x8405)], "answers REFUSED"),
        ("SERVFAIL", lambda q: [message(q, [], flags=0x8402)], "answers SERVFAIL"),
        ("an RCODE in the second message", lambda q: [message(q, new[:2]), message(q, [], flags=0x8402)], "answers SERVFAIL"),
        ("no SOA in front", axfr(BAD + [soa(2)]), "does not begin with the zone's SOA"),
        ("another zone's SOA in front", axfr([soa(2, "n.test")] + BAD + [soa(2, "n.test")]), "does not begin with the zone's SOA"),
        ("no SOA at the end", axfr(new[:-1]), "closes the connection before the end"),
        ("the connection ends in a message", lambda q: [(0, struct.pack(">H", 500) + message(q, new))], "closes the connection before the end"),
        ("the connection ends in a length", lambda q: [(0, b"\1")], "closes the connection before the end"),
        ("records behind the end", axfr(new + [WWW]), "sends records behind the end"),
        ("a message behind the SOA that is another's", axfr([soa(2), NS, soa(3)]), "sends another SOA in the middle"),
        ("class CH", axfr([soa(2), NS, rr("a." + ZONE, 1, b"\1\2\3\4", klass=3), soa(2)]), "sends a record of another class than IN"),
        ("an address of three bytes", axfr([soa(2), NS, rr("a." + ZONE, 1, b"\1\2\3"), soa(2)]), "a.m.test. A: "),
        ("a record of type ANY", axfr([soa(2), NS, rr("a." + ZONE, 255, b""), soa(2)]), "a.m.test. ANY: no zone has such a record"),
        ("RDATA that runs over the end", axfr([soa(2), NS, wire("a." + ZONE) + struct.pack(">HHIH", 1, IN, 60, 400) + b"\1\2\3\4"]), "a record's data is cut short"),
        ("a name that leads to itself", axfr([soa(2), rr(b"\xc0" + bytes([12 + len(wire(ZONE)) + 4 + len(soa(2))]), 1, b"\1\2\3\4")]), "a record's owner is no name"),
        ("a name that leads ahead", axfr([soa(2), rr(b"\xc1\xff", 1, b"\1\2\3\4")]), "a record's owner is no name"),
        ("a label of a kind that is none", axfr([soa(2), rr(b"\x41a\0", 1, b"\1\2\3\4")]), "a record's owner is no name"),
        ("fewer records than it says", lambda q: [message(q, new, count=9)], "a record's owner is no name"),
        ("bytes behind the last record", lambda q: [message(q, new) + b"\0\0\0"], "it has bytes behind its last record"),
        ("another ID", lambda q: [message(q, new, ident=bytes([q[0] ^ 1, q[1]]))], "sends a message that is no answer to ours"),
        ("a query", lambda q: [message(q, new, flags=0)], "sends a message that is no answer to ours"),
        ("eleven bytes", raw(lambda q: q[:2] + b"\x84" + bytes(8)), "it is too short"),
        ("two SOA records", axfr([soa(2)] + BAD + [rr("www." + ZONE, 6, soa(2)[-41:]), soa(2)]), "serial 2 is not taken: error: this SOA is not at m.test., the top of the zone"),
        ("a CNAME beside others", axfr([soa(2)] + BAD + [rr("www." + ZONE, 5, wire(ZONE)), soa(2)]), "serial 2 is not taken: "),
        ("an EDGE of a pool that is not there", axfr([soa(2)] + BAD + [rr("e." + ZONE, 65301, b"\3web"), soa(2)]), "serial 2 is not taken: "),
        ("a change of what is not there", steps(soa(2), soa(1), rr("no." + ZONE, 1, b"\1\2\3\4"), soa(2), soa(2)), "answers REFUSED"),
        ("a change from a serial that we have not", steps(soa(2), soa(0), WWW, soa(2), soa(2)), "answers REFUSED"),
        ("changes with a gap", steps(soa(3), soa(1), WWW, soa(2), soa(4), soa(3), soa(3)), "answers REFUSED"),
        ("a change without an end", steps(soa(2), soa(1), WWW, soa(2)), "answers REFUSED"),
        ("all of it twice", axfr(new + new), "sends records behind the end"),
    ], None)


@claim("twenty and more signatures of transfers that are wrong: nothing is served before the last one has been verified")
def abused():
    new = [soa(2)] + BAD + [soa(2)]
    stranger, other = Key("stranger", b"x" * 32), Key("xfr", b"y" * 32)
    sha1 = Key("xfr", KEY.secret, "hmac-sha1")
    now = int(time.time())

    def one(**more):
        return lambda q: [KEY.sign_after(message(q, new), KEY.verify_request(q), **more)]

    def by(make):
        return lambda q: make(q, KEY.verify_request(q))

    def two(second):
        """The first of two messages is right; `second` makes the other of it."""
        def answer(q):
            first = KEY.sign_after(message(q, new[:3]), KEY.verify_request(q))
            return [first, second(message(q, new[3:]), Parser(first).tsig.mac, KEY.verify_request(q))]
        return answer

    def twice(q, mac):
        m = KEY.sign_after(message(q, new), mac)
        at = Parser(m).tsig.begins
        return [m[:10] + b"\0\2" + m[12:] + m[at:]]

    def moved(q, mac):                                      # the TSIG among the answers
        m = KEY.sign_after(message(q, new), mac)
        return [m[:6] + struct.pack(">HHH", len(new) + 1, 0, 0) + m[12:]]

    def behind(q, mac):                                     # an OPT behind it
        m = KEY.sign_after(message(q, new), mac)
        return [m[:10] + b"\0\2" + m[12:] + opt()]

    def changed(q, mac):
        m = KEY.sign_after(message(q, new), mac)
        at = m.index(b"\xc0\0\2\x42")
        return [m[:at] + b"\xc0\0\2\x43" + m[at + 4:]]

    def cut(q, mac):
        return [KEY.sign_after(message(q, new), mac)[:-3]]

    def field(at, value):                                   # of the record, behind its owner
        def answer(q, mac):
            m = KEY.sign_after(message(q, new), mac)
            begins = Parser(m).tsig.begins + len(KEY.name) + at
            return [m[:begins] + value + m[begins + len(value):]]
        return by(answer)

    refused([
        ("unsigned", axfr(new), "answers without a signature"),
        ("a stranger's key", by(lambda q, mac: [stranger.sign_after(message(q, new), mac)]), "BADKEY"),
        ("a key's name below ours", one(name=wire("a.xfr")), "BADKEY"),
        ("another secret", by(lambda q, mac: [other.sign_after(message(q, new), mac)]), "BADSIG"),
        ("another algorithm", by(lambda q, mac: [sha1.sign_after(message(q, new), mac)]), "BADKEY"),
        ("an algorithm that is none", one(algorithm=wire("hmac-sha3")), "BADKEY"),
        ("a wrong MAC", one(mac=b"w" * 32), "BADSIG"),
        ("a MAC cut to a half", one(cut=16), "BADTRUNC"),
        ("a MAC cut below a half", one(cut=9), "signs with a MAC of a wrong length"),
        ("a MAC longer than the hash", one(mac=b"w" * 33), "signs with a MAC of a wrong length"),
        ("no MAC", one(mac=b""), "signs with a MAC of a wrong length"),
        ("the past", one(when=now - 1000), "BADTIME"),
        ("the future", one(when=now + 1000), "BADTIME"),
        ("a narrow fudge", one(when=now - 100, fudge=5), "BADTIME"),
        ("the MAC of a request with another", by(lambda q, mac: [KEY.sign_after(message(q, new), b"o" * 32)]), "BADSIG"),
        ("the MAC of no request", by(lambda q, mac: [KEY.sign(message(q, new))[0]]), "BADSIG"),
        ("a record changed on the way", by(changed), "BADSIG"),
        ("two signatures", by(twice), "BADSIG"),
        ("a signature among the answers", by(moved), "answers without a signature"),
        ("a record behind it", by(behind), "answers without a signature"),
        ("a signature of class IN", field(2, b"\0\1"), "answers without a signature"),
        ("a signature that is cut", by(cut), "a record's data is cut short"),
        ("the second message unsigned", two(lambda m, mac, first: m), "answers without a signature"),
        ("the second message with another's secret", two(lambda m, mac, first: other.sign_after(m, mac, first=False)), "BADSIG"),
        ("the second message over the request", two(lambda m, mac, first: KEY.sign_after(m, first, first=False)), "BADSIG"),
        ("the second message as if it were the first", two(lambda m, mac, first: KEY.sign_after(m, mac)), "BADSIG"),
        ("the second message in the past", two(lambda m, mac, first: KEY.sign_after(m, mac, first=False, when=now - 1000)), "BADTIME"),
        ("the connection ends behind a good message", by(lambda q, mac: [KEY.sign_after(message(q, new[:3]), mac)]), "closes the connection"),
    ], KEY)


@claim("transfers that are odd and right are taken, and AXFR follows whatever else IXFR is answered with")
def odd():
    def zone(n):
        return [soa(n), NS, GLUE, rr("www." + ZONE, 1, bytes([192, 0, 2, n])), soa(n)]

    def else_axfr(answer):                                  # of IXFR
        return lambda q, n: answer(q, n) if q[12 + len(wire(ZONE)):][:2] == b"\0\xfb" else [message(q, zone(n))]

    def rcode(number):
        return else_axfr(lambda q, n: [message(q, [], flags=0x8400 | number)])

    def with_opt(m):
        expire = struct.pack(">HHI", 9, 4, 1000)
        return m[:10] + b"\0\1" + m[12:] + b"\0" + struct.pack(">HHIH", 41, 1232, 0, len(expire)) + expire

    def step(n, was):
        return [soa(n), soa(n - 1), rr("www." + ZONE, 1, bytes([192, 0, 2, was])), soa(n), rr("www." + ZONE, 1, bytes([192, 0, 2, n])), soa(n)]

    table = [
        ("a record in each message, a question in the first alone", lambda q, n: [message(q, [r], question=b"" if i else None) for i, r in enumerate(zone(n))]),
        ("the SOA alone in the first", lambda q, n: [message(q, zone(n)[:1]), message(q, zone(n)[1:])]),
        ("AA is not set", lambda q, n: [message(q, zone(n), flags=0x8000)]),
        ("OPT with EXPIRE in each message", lambda q, n: [with_opt(message(q, zone(n)[:2])), with_opt(message(q, zone(n)[2:]))]),
        ("owners in capitals", lambda q, n: [message(q, [r.replace(b"\3www\1m", b"\3WWW\1M") for r in zone(n)])]),
        ("records of another zone in between", lambda q, n: [message(q, zone(n)[:2] + [rr("www.other.test", 1, b"\1\2\3\4")] + zone(n)[2:])]),
        ("a change to IXFR", else_axfr(lambda q, n: [message(q, step(n, n - 1))])),
        ("a record of the change in each message", else_axfr(lambda q, n: [message(q, [r]) for r in step(n, n - 1)])),
        ("a change of what is not there", else_axfr(lambda q, n: [message(q, step(n, 250))])),
        ("a newer SOA alone, and the end", else_axfr(lambda q, n: [message(q, [soa(n)])])),
        ("no record", rcode(0)), ("FORMERR", rcode(1)), ("SERVFAIL", rcode(2)), ("NOTIMP", rcode(4)), ("REFUSED", rcode(5)), ("NOTAUTH", rcode(9)),
        ("the connection ends", else_axfr(lambda q, n: [])),
    ]
    primary.key, primary.serial, primary.answer = None, 1, axfr(OLD)
    with Server({}, start=False) as s:
        s.configure(*config(None))
        s.start()

        def serves(address, say):
            end = time.monotonic() + 60 * SLOW
            while s.udp("www." + ZONE).addresses() != [address]:
                assert time.monotonic() < end, "%s: %s" % (say, s.said())
                time.sleep(0.005)
        serves("192.0.2.1", "the first")
        for n, (say, answer) in enumerate(table, 2):
            primary.answer = lambda q, answer=answer, n=n: answer(q, n)
            primary.serial = n
            s.ctl("zone", "refresh", ZONE)
            serves("192.0.2.%d" % n, say)
        same(s.said().count("by IXFR"), 2, s.said())


@claim("a transfer that ends when its zone has become ours meanwhile takes nothing away from what was confirmed since")
def late():
    primary.key, primary.serial, primary.answer = None, 1, axfr(OLD)
    begun, held, over = threading.Event(), threading.Event(), threading.Event()

    def slowly(q):
        yield message(q, [soa(2)] + BAD)
        begun.set()
        held.wait(60)
        yield message(q, [soa(2)])
        over.set()

    def until(what, wanted, say):
        end = time.monotonic() + 60 * SLOW
        while what() != wanted:
            assert time.monotonic() < end, "%s: %s" % (say, s.said())
            time.sleep(0.02)

    with Server({}, start=False) as s:
        peers, zones = config(None)
        s.configure(peers + "keys: { own: %s }\nstore: { file: waymark.db }\n"
                    "templates: { own: { write-back: store, update: [ { key: own } ] } }" % KEY.yaml(), zones)
        s.start()
        until(lambda: s.udp("www." + ZONE).addresses(), ["192.0.2.1"], "the first transfer")
        primary.serial, primary.answer = 2, slowly
        s.ctl("zone", "refresh", ZONE)
        same(begun.wait(60 * SLOW), True, "the second begins:")
        code, said = s.ctl("zone", "promote", ZONE, "own")
        same((code, "primary from serial 1 on" in said), (0, True), said)
        packet = (b"id" + struct.pack(">HHHHH", 5 << 11, 1, 0, 1, 0) + wire(ZONE) + struct.pack(">HH", 6, 1) +
                  rr("new." + ZONE, 1, b"\xc0\0\2\x63"))
        same(s.exchange(Key("own", b"x" * 32).sign(packet)[0], 60)[3] & 15, 0, "an update:")
        held.set()
        same(over.wait(60 * SLOW), True, "the second ends:")
        until(lambda: "transfer" in s.ctl("jobs")[1], False, "its job ends")
        for _ in range(2):
            same([s.udp(n + ZONE).addresses() for n in ("new.", "www.")], [["192.0.2.99"], ["192.0.2.1"]], "what was confirmed:")
            s.proc.kill()
            s.proc.wait()
            s.start()


run("fetch")
