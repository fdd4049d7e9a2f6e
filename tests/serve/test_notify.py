"""Other nameservers are told that a zone has changed (RFC 1996). They stand on loopback here, and some do not answer."""
import select
import threading

from lib import *
from xfr import *

K = Key("told", bytes(range(32)))
PATIENCE = 60 * SLOW


class Secondary:
    """Takes NOTIFY over UDP and TCP; `say` makes the answer of a message, or None. What came is in `got`: (how, message)."""

    def __init__(self, address="127.0.0.1", port=0, say=lambda how, m: 0):
        self.say, self.got, self.lock = say, [], threading.Condition()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            self.udp.bind((address, port))
            try:
                self.tcp.bind(self.udp.getsockname())
                break
            except OSError:                                 # the port is somebody's over TCP
                if port:
                    raise
                self.udp.close()
                self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.listen(8)
        self.at = "%s:%d" % self.udp.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            for s in select.select([self.udp, self.tcp], [], [])[0]:
                if s is self.udp:
                    m, source = s.recvfrom(2000)
                    self.take("udp", m, lambda reply: s.sendto(reply, source))
                else:
                    c, _ = s.accept()
                    with c:
                        c.settimeout(10)
                        self.take("tcp", recv_tcp(c), lambda reply: send_tcp(c, reply))

    def take(self, how, m, send):
        rcode = self.say(how, m)
        if rcode is not None:
            send(m[:2] + struct.pack(">H", 0xa400 | rcode) + b"\0\1\0\0\0\0\0\0" + m[12:12 + m[12:].index(b"\0") + 5])
        with self.lock:
            self.got.append((how, m))
            self.lock.notify_all()

    def wait(self, n, of=lambda how, m: True):
        """Until so many have come that fit, which are returned."""
        with self.lock:
            if not self.lock.wait_for(lambda: len([g for g in self.got if of(*g)]) >= n, PATIENCE):
                raise AssertionError("%d of %d came: %r" % (len(self.got), n, self.got))
            return [g for g in self.got if of(*g)]


def serial(m):
    return struct.unpack(">I", Parser(m).answer[0].data[-20:-16])[0]


def zone(n, more=""):
    return "$TTL 300\n@ SOA ns1 hostmaster %d 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n" % n + more


good, signed = Secondary(), Secondary()
refuser = Secondary(say=lambda how, m: 5)
mute = Secondary(say=lambda how, m: 0 if how == "tcp" else None)
CONFIG = """
keys: { told: %s }
peers:
  good: { at: "%s" }
  signed: { at: "%s", key: told }
  refuser: { at: "%s" }
  mute: { at: "%s" , key: told }
  gone: { at: "127.0.0.1:9" }
templates:
  both: { notify: [ good, signed ] }
""" % (K.yaml(), good.at, signed.at, refuser.at, mute.at)
ENTRIES = {"slow.test": "notify: [ mute, gone, refuser ]", "quick.test": "template: both", "own.test": "template: both, notify: [ good ]",
           "quiet.test": "template: both, notify: none"}


def of(name):
    return lambda how, m: Parser(m).question[0] == wire(name)


class Primary(Server):
    def __init__(self, zones, config, entries):
        super().__init__(zones, config, start=False)
        self.configure(zones="[ %s ]" % ", ".join("{ name: %s, file: zones/%s.zone, %s }" % (z, z, e) for z, e in entries.items()))
        self.start()

    def reload(self, name, text):
        self.write("zones/%s.zone" % name, text)
        same(self.ctl("reload")[0], 0, "reload:")


server = Primary({z: zone(1) for z in ENTRIES}, CONFIG, ENTRIES)
server.reload("slow.test", zone(1, "new A 192.0.2.1\n"))   # the same serial: what is on its way stays so


@claim("at the start each peer that a zone or its template names is told, with the SOA, and signed where it has a key")
def at_start():
    for peer, names in ((good, ["quick.test", "own.test"]), (signed, ["quick.test"])):
        for name in names:
            how, m = peer.wait(1, of(name))[0]
            p = Parser(m)
            same((how, p.flags, p.question, p.counts), ("udp", 0x2400, (wire(name), 6, IN), [1, 1, 0, int(peer is signed)]), name)
            same(p.answer[0][:3], (wire(name), 6, 300), "SOA:")
            same(serial(m), 1, "serial:")
            if peer is signed:
                K.verify_request(m)
    same([g for g in good.got + signed.got if of("quiet.test")(*g)], [], "told of a zone whose notify is none:")
    same([g for g in signed.got if of("own.test")(*g)], [], "told by a template that its zone overrules:")


@claim("after a reload those are told whose zone has another serial, newer or older, and no others")
def after_reload():
    for n, text in ((1, zone(1, "x A 192.0.2.1\n")), (3, zone(3)), (3, zone(3, "x A 192.0.2.1\n")), (2, zone(2)), (4000000000, zone(4000000000))):
        server.reload("own.test", text)
        good.wait(1, lambda how, m: of("own.test")(how, m) and serial(m) == n)
    good.wait(4, of("own.test"))
    same([serial(m) for how, m in good.got if of("own.test")(how, m)], [1, 3, 2, 4000000000], "serials told:")
    same(len([g for g in good.got if of("quick.test")(*g)]), 1, "times told of a zone that has not changed:")


@claim("who does not answer is told three times over UDP with one ID, then over TCP; whose answer has come is left alone")
def repeated():
    got = mute.wait(4)
    same([how for how, m in got], ["udp", "udp", "udp", "tcp"], "ways:")
    same(len({m[:2] for how, m in got}), 1, "IDs:")
    for how, m in got:
        K.verify_request(m)
    same(len(refuser.got), 1, "times to who has refused:")
    same(len(signed.got), 1, "times to who has answered:")
    good.wait(1)


@claim("refusals, and that nobody answers, are in the log with zone, serial, peer and address")
def logged():
    end = time.monotonic() + PATIENCE
    wanted = ["notify: zone slow.test. serial 1: refuser (%s) answers REFUSED: it does not take this zone from us" % refuser.at,
              "notify: zone slow.test. serial 1: gone (127.0.0.1:9) does not answer"]
    while not all(w in server.said() for w in wanted):
        if time.monotonic() > end:
            raise AssertionError("not said: " + server.said())
        time.sleep(0.05)


@claim("a newer serial takes the place of what is still on its way")
def overtaken():
    mute.say = lambda how, m: None
    server.reload("slow.test", zone(5))
    mute.wait(1, lambda how, m: serial(m) == 5)
    server.reload("slow.test", zone(6))
    mute.say = lambda how, m: 0
    mute.wait(1, lambda how, m: serial(m) == 6)
    before = len([1 for how, m in mute.got if serial(m) == 5])
    refuser.wait(1, lambda how, m: serial(m) == 6)
    server.reload("slow.test", zone(7))
    mute.wait(1, lambda how, m: serial(m) == 7)
    assert before <= 3
    same(len([1 for how, m in mute.got if serial(m) == 5]), before, "times of the older serial:")


@claim("`ns` tells the zone's own nameservers whose addresses we know, glue and other zones of ours too, each once: not the "
       "primary of its SOA, not ourselves")
def nameservers():
    try:
        ours = [Secondary("127.0.0.%d" % n, 53) for n in (71, 72, 73, 74)]
    except OSError as e:
        raise Skip("port 53: %s" % e)
    far = "host A 127.0.0.73\n"
    text = zone(1, "@ NS in\n@ NS in.cut\n@ NS host.far.test.\n@ NS out.example.\n@ NS in2\n@ NS self\nself A %s\nin A 127.0.0.71\nin2 A 127.0.0.71\n"
                   "cut NS in.cut\nin.cut A 127.0.0.72\n" % "127.0.0.1").replace("192.0.2.53", "127.0.0.74")
    peers = "peers: { one: { at: 127.0.0.71 } }"
    with Primary({"ns.test": text, "far.test": zone(1, far)}, peers, {"ns.test": "notify: [ one, ns ]", "far.test": "query: any"}) as one:
        for s in ours[:3]:
            s.wait(1)
        one.reload("ns.test", text.replace(" 1 7200", " 2 7200"))
        for s in ours[:3]:
            s.wait(1, lambda how, m: serial(m) == 2)
        same([len(s.got) for s in ours], [2, 2, 2, 0], "times told:")


@claim("peers and addresses that are wrong in the configuration are told at their place")
def faults():
    with Server({"a.test": zone(1)}, start=False) as s:
        for config, rule, wanted in (
                ("peers: { a: { at: \"192.0.2.1:0\" } }", "notify: [ a ]", "yaml:4:"), ("", "notify: [ nobody ]", "nobody"),
                ("peers: { alpha: { at: 192.0.2.1 } }", "notify: [ alpa ]", "alpha"), ("peers: { a: {} }", "notify: [ a ]", "at"),
                ("peers: { a: { at: 192.0.2.1, key: no } }", "notify: [ a ]", "key"), ("", "notify: [ 192.0.2.1 ]", "192.0.2.1")):
            s.configure(config, "[ { name: a.test, file: zones/a.test.zone, %s } ]" % rule)
            code, said = s.check()
            same((code != 0, wanted in said), (True, True), "%s %s: %s" % (config, rule, said))


with server:
    run("notify")
