"""Views: several zones of one name, each for a class of clients; who gets which, by address, subnet and key, in answers, transfers,
updates and signatures."""
import json

from lib import *
from xfr import *

INSIDE, OUTSIDE = "127.0.1.9", "127.0.0.1"
INT, EXT = Key("int", bytes(range(32))), Key("ext", bytes(range(1, 33)))
KEYS = "keys: { int: %s, ext: %s }\n" % (INT.yaml(), EXT.yaml())
CLASSES = "clients:\n  office: { nets: [ 127.0.1.0/24 ] }\n  lab: { nets: [ 10.9.0.0/16 ] }\n"
HEAD = "$TTL 300\n@ SOA ns1 hostmaster %d 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n"
IN, OUT, LAB = HEAD % 5 + "www A 10.0.0.1\n", HEAD % 9 + "www A 192.0.2.80\n", HEAD % 2 + "www A 10.9.0.1\n"
FILES = {"in.zone": IN, "out.zone": OUT, "lab.zone": LAB}
STORED = "store: { file: waymark.db }\ntemplates: { changes: { write-back: store } }\n"


def views(inside="", outside="", more=""):
    return ("[ { name: v.test, file: out.zone%s }, { name: v.test, file: in.zone, for: office%s },"
            " { name: v.test, file: lab.zone, for: { clients: lab, by: ecs } }%s ]" % (outside, inside, more))


def server(zones, config="", **more):
    s = Server({}, start=False, files=FILES, server="workers: 1", listen='"0.0.0.0:PORT"')
    s.configure(CLASSES + KEYS + config, zones)
    if more.get("start", True):
        s.start()
    return s


def ask(s, name, source=OUTSIDE, qtype="A", key=None, subnet=None):
    packet, mac = query(name, qtype, edns=opt(options=ecs(subnet)) if subnet else None), None
    if key:
        packet, mac = key.sign(packet)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.bind((source, 0))
        c.settimeout(60 * SLOW)
        c.connect(("127.0.0.1", s.port))
        c.send(packet)
        reply = c.recv(65535)
    if key:
        key.verify(reply, mac)
        reply = reply[:11] + bytes([reply[11] - 1]) + reply[12:Parser(reply).tsig.begins]
    return Message(reply)


def serial(s, source=OUTSIDE, key=None):
    return int(ask(s, "v.test", source, "SOA", key).answer[0][3].split()[2])


def change(s, key, name, address, source=OUTSIDE):
    """RCODE of an UPDATE that adds an address."""
    packet = struct.pack(">HHHHHH", random.getrandbits(16), 5 << 11, 1, 0, 1, 0) + wire("v.test") + struct.pack(">HH", 6, 1)
    packet += wire(name) + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    packet, mac = key.sign(packet)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.bind((source, 0))
        c.settimeout(60 * SLOW)
        c.connect(("127.0.0.1", s.port))
        c.send(packet)
        return c.recv(65535)[3] & 15


def axfr(s, key, source=OUTSIDE, zone="v.test"):
    """Its records as (owner, type), or the RCODE."""
    with socket.socket() as c:
        c.bind((source, 0))
        c.settimeout(60 * SLOW)
        c.connect(("127.0.0.1", s.port))
        send_tcp(c, key.sign(query(zone, "AXFR"))[0] if key else query(zone, "AXFR"))
        first = Parser(recv_tcp(c))
        return first.rcode or {r.data for r in first.answer if r.type == 1}


def until(what, wanted, patience_s=60):
    end = time.monotonic() + patience_s * SLOW
    while True:
        try:
            got = what()
        except (AssertionError, IndexError, OSError) as why:
            got = why
        if got == wanted:
            return
        if time.monotonic() > end:
            raise AssertionError("got %r, wanted %r" % (got, wanted))
        time.sleep(0.02)


@claim("who is in a class gets its view, others the rest; explain, zones and check say which")
def who():
    with server(views(more=", { name: one.test, file: in.zone, for: office }")) as s:
        same(ask(s, "www.v.test").addresses(), ["192.0.2.80"])
        same(ask(s, "www.v.test", INSIDE).addresses(), ["10.0.0.1"])
        for subnet, address, scope in (("10.9.3.0/24", "10.9.0.1", 16), ("10.8.3.0/24", "192.0.2.80", 16), ("127.0.1.0/24", "192.0.2.80", 2)):
            reply = ask(s, "www.v.test", subnet=subnet)
            same((reply.addresses(), reply.scope), ([address], scope), subnet)
        for subnet, ttl in (("10.0.0.0/8", 1), ("10.8.0.0/14", 1), ("10.9.0.0/16", 300), ("127.0.1.0/24", 300)):
            same([r[2] for r in ask(s, "www.v.test", subnet=subnet).answer], [ttl], subnet)
        same(ask(s, "www.one.test").rcode, REFUSED)
        same(ask(s, "www.one.test", INSIDE).addresses(), ["10.0.0.1"])
        for client, line in (("127.0.1.1", "zone       v.test. for office\n"), ("10.9.1.0/24", "zone       v.test. for lab, by its subnet\n"),
                             ("11.1.1.1", "zone       v.test.: the client is in no class that has a view of its own, by its subnet\n")):
            same(line in s.ctl("explain", "www.v.test", "--client", client)[1], True, client)
        same("zone       no view of one.test. has the client, and there is no zone above\n" in s.ctl("explain", "www.one.test", "--client", "11.1.1.1")[1],
             True)
        rows = [(z["zone"], z.get("view"), z["serial"]) for z in json.loads(s.ctl("zones", "--json")[1])]
        same(rows, [("v.test.", "lab", 2), ("v.test.", "office", 5), ("v.test.", None, 9), ("one.test.", "office", 5)])
        same(s.ctl("zone", "export", "v.test", "for", "office")[1].count("10.0.0.1"), 1)
        same(s.ctl("zone", "status", "v.test", "for", "nobody"),
             (1, "there is no zone v.test for nobody (\"waymarkctl zones\" lists them)\n"))
        same(s.check()[0], 0)


@claim("a reload moves clients between views, and takes views in and out")
def reloads():
    with server("[ { name: v.test, file: out.zone }, { dir: inside, for: office } ]", start=False) as s:
        os.mkdir(s.dir + "/inside")
        s.write("inside/v.test.zone", IN)
        s.start()
        same(ask(s, "www.v.test", INSIDE).addresses(), ["10.0.0.1"])
        s.configure(CLASSES.replace("127.0.1.0/24", "127.0.0.0/24"))
        s.configure(s.config, "[ { name: v.test, file: out.zone }, { dir: inside, for: office } ]")
        same(s.ctl("reload")[0], 0)
        same((ask(s, "www.v.test", INSIDE).addresses(), ask(s, "www.v.test").addresses()), (["192.0.2.80"], ["10.0.0.1"]))
        s.write("inside/v.test.zone", "@ SOA broken\n")
        same("inside/v.test.zone:1" in s.ctl("reload")[1], True)
        same(ask(s, "www.v.test").addresses(), ["10.0.0.1"], "what was right is served on:")
        s.configure(s.config, "[ { name: v.test, file: out.zone } ]")
        same(s.ctl("reload")[0], 0)
        same(ask(s, "www.v.test").addresses(), ["192.0.2.80"])


@claim("a secondary gets the view whose lists name its key, and without a key that of its address")
def transfers():
    zones = views(", transfer: [ { key: int }, 127.0.1.0/24 ]", ", transfer: [ { key: ext } ]")
    with server(zones) as s:
        inside, outside = {b"\xc0\0\2\x35", b"\x0a\0\0\1"}, {b"\xc0\0\2\x35", b"\xc0\0\2\x50"}
        same(axfr(s, INT), inside)
        same(axfr(s, EXT), outside)
        same(axfr(s, EXT, INSIDE), outside, "its key goes before its address:")
        same(axfr(s, None, INSIDE), inside)
        same(axfr(s, None), REFUSED)
        same([serial(s, key=k) for k in (INT, EXT)], [5, 9])
        same([serial(s, INSIDE, k) for k in (INT, EXT, None)], [5, 9, 5])
        until(lambda: "transfer: zone v.test.: refused to 127.0.0.1" in s.said(), True)


@claim("updates, drafts and their history are of the view that is meant, and outlive a restart")
def changes():
    zones = views(", template: changes, update: [ { key: int } ]", ", template: changes, update: [ { key: ext } ]")
    with server(zones, STORED) as s:
        same(change(s, INT, "new.v.test", "10.0.0.7"), NOERROR)
        same(change(s, EXT, "new.v.test", "192.0.2.7", INSIDE), NOERROR)
        same(change(s, EXT, "new.v.test", "192.0.2.8"), NOERROR)
        for command in (("begin",), ("set", "draft", "60", "A", "10.0.0.8"), ("set", "for", "60", "A", "10.0.0.9"), ("diff",), ("commit",)):
            code, said = s.ctl("zone", command[0], "v.test", "for", "office", *command[1:])
            same(code, 0, said)
        same(s.ctl("zone", "begin", "v.test")[0], 0)
        same(s.ctl("zone", "set", "v.test", "for", "60", "A", "192.0.2.9")[0], 0)
        same(s.ctl("zone", "commit", "v.test")[0], 0)

        def all_there():
            same((serial(s), serial(s, INSIDE)), (12, 7))
            same(sorted(ask(s, "new.v.test").addresses()), ["192.0.2.7", "192.0.2.8"])
            same(ask(s, "new.v.test", INSIDE).addresses(), ["10.0.0.7"])
            same((ask(s, "draft.v.test").rcode, ask(s, "draft.v.test", INSIDE).addresses()), (NXDOMAIN, ["10.0.0.8"]))
            same((ask(s, "for.v.test").addresses(), ask(s, "for.v.test", INSIDE).addresses()), (["192.0.2.9"], ["10.0.0.9"]))
        all_there()
        s.stop()
        s.start()
        all_there()
        same("serial         7" in s.ctl("zone", "status", "v.test", "for", "office")[1], True)


@claim("each view of a secondary follows the primary's by its key: at the start, and when it is told")
def secondary():
    to = lambda k: ", notify: [ s%s ], template: changes, update: [ { key: %s } ], transfer: [ { key: %s } ]" % (k, k, k)
    port = free_port()
    peers = "peers: { sint: { at: \"127.0.0.1:%d\", key: int }, sext: { at: \"127.0.0.1:%d\", key: ext } }\n" % (port, port)
    with server("[ { name: v.test, file: out.zone%s }, { name: v.test, file: in.zone, for: office%s } ]" % (to("ext"), to("int")),
                STORED + peers) as p, server("[]", start=False) as s:
        s.port, s.listen = port, '"0.0.0.0:%d"' % port
        s.configure(CLASSES + KEYS + "store: { file: waymark.db }\npeers: { pint: { at: \"127.0.0.1:%d\", key: int }, pext: { at: "
                    "\"127.0.0.1:%d\", key: ext } }\n" % (p.port, p.port),
                    "[ { name: v.test, primary: pint, for: office }, { name: v.test, primary: pext } ]")
        s.start()
        until(lambda: (ask(s, "www.v.test").addresses(), ask(s, "www.v.test", INSIDE).addresses()), (["192.0.2.80"], ["10.0.0.1"]))
        same((change(p, INT, "new.v.test", "10.0.0.7"), change(p, EXT, "new.v.test", "192.0.2.7")), (NOERROR, NOERROR))
        until(lambda: (ask(s, "new.v.test").addresses(), ask(s, "new.v.test", INSIDE).addresses()), (["192.0.2.7"], ["10.0.0.7"]))
        same(s.ctl("zone", "refresh", "v.test", "for", "office")[0], 0)
        same(s.ctl("zone", "promote", "v.test", "for", "office", "changes")[0], 1)


@claim("all views of a zone are signed with the same keys, each by itself")
def signed():
    with server(views(", dnssec: auto, template: changes, update: [ { key: int } ]", ", dnssec: auto",
                      "").replace("by: ecs }", "by: ecs }, dnssec: auto"), STORED) as s:
        def records(qtype, *who, **more):
            return {r[3] for r in ask(s, "v.test", *who, qtype=qtype, **more).answer if r[1] == TYPES[qtype]}
        until(lambda: [len(records("DNSKEY", *w)) > 0 for w in ((), (INSIDE,))], [True, True])
        same(records("DNSKEY"), records("DNSKEY", INSIDE))
        same(records("DNSKEY"), records("DNSKEY", subnet="10.9.1.0/24"))
        same(change(s, INT, "new.v.test", "10.0.0.7"), NOERROR)
        same((ask(s, "new.v.test").rcode, ask(s, "new.v.test", INSIDE).addresses()), (NXDOMAIN, ["10.0.0.7"]))
        code, said = s.ctl("dnssec", "ds", "v.test")
        same((code, said.count("IN DS") >= 1), (0, True), said)
        before = records("DNSKEY")
        same(s.ctl("dnssec", "roll", "v.test", "--zsk", "--now")[0], 0)
        until(lambda: records("DNSKEY") != before and records("DNSKEY") == records("DNSKEY", INSIDE), True)


@claim("what cannot be meant is told with its place")
def faults():
    stored = "store: { file: waymark.db }\n"
    for zones, config, place, what in (
            ("[ { name: v.test, file: in.zone, for: offic } ]", "", "3:", "there is no class of clients \"offic\""),
            ("[ { name: v.test, file: in.zone, for: { clients: lab, by: subnet } } ]", "", "3:", "\"by\" must be source or ecs"),
            ("[ { name: v.test, file: in.zone, for: { by: ecs } } ]", "", "3:", "\"clients\""),
            ("[ { name: v.test, file: in.zone, for: lab }, { name: v.test, file: lab.zone, for: lab } ]", "", "3:",
             "zone v.test. for lab is there twice"),
            ("[ { name: v.test, file: in.zone, for: lab, dnssec: auto }, { name: v.test, file: out.zone } ]", stored, "3:",
             "zone v.test. has another \"dnssec\" than zone v.test. for lab"),
            ("[ { name: \"\\\\000x.test\", file: in.zone } ]", "", "3:", "a zone's name does not begin with \\000")):
        with server(zones, config, start=False) as s:
            code, said = s.check()
            same((code, "waymark.yaml:" + place in said, what in said), (1, True, True), "%s: %s" % (zones, said))


run("views")
