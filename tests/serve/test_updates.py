"""Zones change while they are served: UPDATE (RFC 2136), transfers in (RFC 5936, RFC 1995), NOTIFY (RFC 1996), and what outlives kill -9."""
import contextlib
import json
import re
import sqlite3
import threading

from lib import *
from xfr import *

KEY, ACME = Key("xfr", b"x" * 32), Key("acme", b"a" * 32)
ZONE = "$TTL 300\n@ SOA ns1 host 7 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n"
KEYS = "keys: { xfr: %s, acme: %s }\n" % (KEY.yaml(), ACME.yaml())


def address(n):
    return bytes([192, 0, 2, n])


def text(n):
    return "192.0.2.%d" % n


class Own(Server):
    def serial(self):
        return int(self.udp("dyn.test", "SOA").answer[0][3].split()[2])


class Primary(Own):
    def __init__(self, **more):
        super().__init__({"dyn.test": ZONE}, start=False, **more)

    def settle(self, notify=None):
        peers = "peers: { sec: { at: \"127.0.0.1:%d\", key: xfr } }\n" % notify if notify else ""
        self.configure(KEYS + peers + "store: { file: waymark.db }",
                       "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, transfer: any, %s"
                       "update: [ { key: xfr }, { key: acme, names: [ _acme-challenge, _acme-challenge.* ], types: TXT } ] } ]" %
                       ("notify: sec, " if notify else ""))
        return self

    def change(self, *changes, prerequisites=(), key=KEY, tcp=False):
        """The RCODE of its answer, which is signed."""
        packet, mac = update("dyn.test", *changes, prerequisites=prerequisites, key=key)
        if tcp:
            with self.connect() as s:
                send_tcp(s, packet)
                reply = recv_tcp(s)
        else:
            reply = self.exchange(packet, 60)
        same(reply[:2], packet[:2], "id:")
        same(reply[2] >> 3 & 15, 5, "opcode:")
        if key:
            key.verify(reply, mac)
        return reply[3] & 15

    def kill(self):
        self.proc.kill()
        self.proc.wait()


class Secondary(Own):
    def __init__(self, primary, **more):
        super().__init__({}, start=False, **more)
        self.primary = primary

    def settle(self, store=True):
        self.configure(KEYS + "peers: { pri: { at: \"127.0.0.1:%d\", key: xfr } }\n" % self.primary +
                       ("store: { file: waymark.db }" if store else ""),
                       "[ { name: dyn.test, primary: pri, transfer: any } ]")
        return self


def until(what, wanted, patience_s=60):
    """Waits for what must become true."""
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


def stored(server, sql):
    with sqlite3.connect("file:%s/waymark.db?mode=ro" % server.dir, uri=True, timeout=60) as db:
        return db.execute(sql).fetchone()[0]


def a_of(server, name):
    return sorted(server.udp(name).addresses())


@claim("an update is answered, signed, when it is visible, over UDP and TCP, and the serial goes on")
def visible():
    with Primary().settle() as s:
        s.start()
        same(s.change(("new.dyn.test", 1, 1, 60, address(7))), 0)
        same((a_of(s, "new.dyn.test"), s.serial()), ([text(7)], 8))
        same(s.change(("new.dyn.test", 1, 1, 60, address(8)), ("www.dyn.test", 255, 1, 0, b""), tcp=True), 0)
        same((a_of(s, "new.dyn.test"), s.serial()), ([text(7), text(8)], 9))
        same(s.udp("www.dyn.test").rcode, 3, "an RRset that went was all of its name:")
        same((s.change(("new.dyn.test", 1, 1, 60, address(8))), s.serial()), (0, 9), "what is there already:")


@claim("who may not is refused: without a key, with another key's rights, in a zone that is not ours or a file's")
def refused():
    with Primary().settle() as s:
        s.start()
        same(s.change(("x.dyn.test", 1, 1, 60, address(7)), key=None), 5)
        same(s.change(("x.dyn.test", 1, 1, 60, address(7)), key=ACME), 5)
        same(s.change(("x.dyn.test", 1, 16, 60, b"\1a"), key=ACME), 5)
        until(lambda: "update from 127.0.0.1 is answered with REFUSED: " in s.said(), True)
        same(s.change(("_acme-challenge.x.dyn.test", 1, 16, 60, b"\1a"), key=ACME), 0)
        same(s.udp("_acme-challenge.x.dyn.test", "TXT").answer[0][3], "a")
        same(s.change(("x.other.test", 1, 1, 60, address(7))), 10, "NOTZONE:")
        packet, _ = update("other.test", ("x.other.test", 1, 1, 60, address(7)), key=KEY)
        same(s.exchange(packet, 60)[3] & 15, 9, "NOTAUTH:")
        same(s.change(("y.dyn.test", 1, 1, 60, address(7)), prerequisites=[("www.dyn.test", 254, 255, 0, b"")]), 6)
        same(s.serial(), 8)
    with Server({"dyn.test": ZONE}) as s:
        packet, _ = update("dyn.test", ("x.dyn.test", 1, 1, 60, address(7)))
        same(s.exchange(packet, 60)[3] & 15, 5)


@claim("kill -9 at any time loses nothing that was confirmed, and starts with a serial that was")
def killed():
    with Primary().settle() as s:
        s.start()
        for i in range(12):
            confirmed = 0
            with s.connect() as c:
                for k in range(1 + i % 4):
                    packet, _ = update("dyn.test", ("n%d-%d.dyn.test" % (i, k), 1, 1, 60, address(i)), key=KEY)
                    send_tcp(c, packet)
                    same(recv_tcp(c)[3] & 15, 0)
                    confirmed = k + 1
                packet, _ = update("dyn.test", ("half%d.dyn.test" % i, 1, 1, 60, address(i)), key=KEY)
                send_tcp(c, packet)                          # confirmed by nobody
                s.kill()
            s.start()
            for k in range(confirmed):
                same(a_of(s, "n%d-%d.dyn.test" % (i, k)), [text(i)], "confirmed:")
            present = sum(s.udp("half%d.dyn.test" % j).rcode == 0 for j in range(i + 1))
            same(s.serial(), 7 + present + sum(1 + j % 4 for j in range(i + 1)))


@claim("a disk that is full refuses the update with SERVFAIL, queries go on, and what was confirmed is there")
def full():
    with Primary().settle() as s:
        s.start()
        same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
        until(lambda: stored(s, "SELECT count(*) FROM part"), 1)
        with sqlite3.connect(s.dir + "/waymark.db", timeout=60) as other:
            other.execute("BEGIN IMMEDIATE")                 # who holds the store is as good as a disk that does not write
            same(s.change(("b.dyn.test", 1, 1, 60, address(2)), tcp=True), 2)
            same((s.udp("b.dyn.test").rcode, a_of(s, "a.dyn.test"), s.serial()), (3, [text(1)], 8))
            other.execute("ROLLBACK")
        same(s.change(("b.dyn.test", 1, 1, 60, address(2))), 0)
        same(s.serial(), 9)


@contextlib.contextmanager
def small_disk(server):
    """A file system of 640 KiB, `small` beside its configuration."""
    os.mkdir(server.dir + "/small")
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=640k", "none", server.dir + "/small"], capture_output=True).returncode:
        raise Skip("a file system of our own cannot be mounted here")
    try:
        yield
        server.stop()
    finally:
        subprocess.run(["umount", "-l", server.dir + "/small"], check=True)


def make_room(server):
    subprocess.run(["mount", "-o", "remount,size=16m", server.dir + "/small"], check=True)


@claim("a disk without room: SERVFAIL and an alarm, queries go on; with room again updates go on by themselves, and nothing confirmed is lost")
def no_room():
    with Primary().settle() as s:
        with small_disk(s):
            s.configure(KEYS + "store: { file: small/waymark.db }",
                        "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, transfer: any, update: [ { key: xfr } ] } ]")
            s.start()
            done = 0
            with s.connect() as c:
                for i in range(4000):
                    packet, _ = update("dyn.test", ("t%d.dyn.test" % i, 1, 16, 60, b"\xff" + b"x" * 255), key=KEY)
                    send_tcp(c, packet)
                    rcode = recv_tcp(c)[3] & 15
                    if rcode:
                        break
                    done += 1
            same((rcode, done > 10), (2, True), "%d updates:" % done)
            same((a_of(s, "www.dyn.test"), s.udp("t%d.dyn.test" % (done - 1), "TXT").rcode, s.serial()), ([text(1)], 0, 7 + done))
            again = iter(range(4000))                           # what is smaller may have found its place meanwhile, and is written
            until(lambda: (s.change(("a%d.dyn.test" % next(again), 1, 16, 60, b"\xff" + b"x" * 255), tcp=True),
                           "the store is not written" in s.ctl("status")[1]), (2, True))
            make_room(s)
            until(lambda: s.change(("more.dyn.test", 1, 1, 60, address(9)), tcp=True), 0)
            same("the store is not written" in s.ctl("status")[1], False, "no alarm any more:")
            serial = s.serial()
            s.kill()
            s.start()
            same((s.serial(), s.udp("t%d.dyn.test" % (done - 1), "TXT").rcode, a_of(s, "more.dyn.test")), (serial, 0, [text(9)]))


@claim("a secondary serves what cannot be stored, says so, and stores it when there is room, asked again or promoted")
def ahead():
    zones = {"%s.test" % name: ZONE for name in ("one", "two")}
    with Server(zones, start=False) as p, Secondary(p.port) as s, small_disk(s):
        p.configure(KEYS + "peers: { sec: { at: \"127.0.0.1:%d\" } }" % s.port, "[ { dir: zones, transfer: any, notify: sec } ]")
        s.configure(KEYS + "peers: { pri: { at: \"127.0.0.1:%d\" } }\nstore: { file: small/waymark.db }\ntemplates: { own: { write-back: store } }" % p.port,
                    "[ %s ]" % ", ".join("{ name: %s, primary: pri }" % z for z in zones))

        def serials(serial):
            until(lambda: [s.udp(z, "SOA").answer[0][3].split()[2] for z in zones], [str(serial)] * len(zones))

        def stored(serial, n):
            with sqlite3.connect("file:%s/small/waymark.db?mode=ro" % s.dir, uri=True, timeout=60) as db:
                until(lambda: db.execute("SELECT count(*) FROM zone WHERE serial = %d" % serial).fetchone()[0], n)

        p.start()
        s.start()
        serials(7)
        stored(7, 2)
        big = "".join("t%d TXT %s\n" % (i, "x" * 255) for i in range(3000))
        for z in zones:
            p.write("zones/%s.zone" % z, ZONE.replace(" 7 ", " 8 ") + big)
        same(p.ctl("reload")[0], 0)
        serials(8)
        until(lambda: s.said().count("serial 8 is served and cannot be stored: "), 2)
        same("the store is not written" in s.ctl("status")[1], True, "alarm:")
        make_room(s)
        s.ctl("zone", "refresh", "one.test")
        stored(8, 1)
        p.stop()
        code, said = s.ctl("zone", "promote", "two.test", "own")
        same((code, "two.test.: primary from serial 8 on" in said), (0, True), said)
        stored(8, 2)
        s.proc.kill()
        s.proc.wait()
        s.start()
        serials(8)
        for z in zones:
            same(s.udp("t2999." + z, "TXT").rcode, 0)


@claim("what is stored and cannot be read is told, is SERVFAIL and stays: the file's older data does not take its place")
def damaged():
    with Primary().settle() as s:
        s.start()
        same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
        until(lambda: stored(s, "SELECT count(*) FROM part"), 1)
        s.stop()
        with sqlite3.connect(s.dir + "/waymark.db") as db:
            whole = db.execute("SELECT bytes FROM part").fetchone()[0]
            db.execute("UPDATE part SET bytes = ?", (whole[:-3],))
        s.start()
        same((s.udp("www.dyn.test").rcode, s.change(("b.dyn.test", 1, 1, 60, address(2)))), (2, 2))
        same("damaged" in s.ctl("zones")[1] and "damaged" in s.said(), True, "told:")
        with sqlite3.connect(s.dir + "/waymark.db") as db:
            same(db.execute("SELECT bytes FROM part").fetchone()[0], whole[:-3], "what is there stays:")
            db.execute("UPDATE part SET bytes = ?", (whole,))
        same(s.ctl("reload")[0], 0)
        same((a_of(s, "a.dyn.test"), s.serial()), ([text(1)], 8))


@claim("the first update does not wait until its zone is stored: killed before that, what was confirmed is upon the file")
def first():
    with Primary().settle() as s:
        s.start()
        same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
        until(lambda: stored(s, "SELECT count(*) FROM part"), 1)
        s.kill()
        with sqlite3.connect(s.dir + "/waymark.db") as db:   # as it is in the moment behind the first update
            stamp = os.stat(s.dir + "/zones/dyn.test.zone")
            file = "%s/zones/dyn.test.zone %d %d %d %d\n" % (s.dir, stamp.st_dev, stamp.st_ino, stamp.st_size, stamp.st_mtime_ns)
            db.execute("DELETE FROM part")
            db.execute("UPDATE zone SET base = -1, base_n = 0, making = 0, whole = 0, file = ?", (file.encode(),))
        s.start()
        same((a_of(s, "a.dyn.test"), s.serial()), ([text(1)], 8))
        same(s.change(("b.dyn.test", 1, 1, 60, address(2))), 0)
        until(lambda: stored(s, "SELECT count(*) FROM part"), 1)
        s.kill()
        with sqlite3.connect(s.dir + "/waymark.db") as db:
            db.execute("DELETE FROM part")
            db.execute("UPDATE zone SET base = -1, base_n = 0, whole = 0, file = ?", (file.encode(),))
        s.write("zones/dyn.test.zone", ZONE.replace("host 7", "host 20"))
        s.start()
        same((s.udp("www.dyn.test").rcode, s.change(("c.dyn.test", 1, 1, 60, address(3)))), (2, 2))
        same("2 changes of it, the last to serial 9, upon a file that is another by now" in s.said(), True, "told:")


@claim("backup copies the store while updates come; restore takes it, while no server runs, and says whose serials go back")
def backup():
    with Primary().settle() as s:
        s.start()
        same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
        copy = s.dir + "/copy.db"
        same(s.ctl("backup", copy)[0], 0)
        same(s.ctl("backup", s.dir + "/waymark.db"), (1, s.dir + "/waymark.db: that is the store itself\n"))
        same(s.ctl("backup", "/nonexistent/copy.db")[0], 1)
        same(s.change(("b.dyn.test", 1, 1, 60, address(2))), 0)
        status = json.loads(s.ctl("status", "--json")[1])
        same([status[k] for k in ("store_zones", "store_failed", "updates", "updates_changed", "store_steps")], [1, 0, 2, 2, 2])
        code, said = s.ctl("restore", copy)
        same((code, "a server has it open: stop that first" in said), (1, True), said)
        same(s.serial(), 9)
        s.stop()
        same(s.ctl("restore", copy, "--look"), (0, copy + ": 1 zone\n  dyn.test. serial 8\n"))
        with open(copy, "rb") as f:
            whole = f.read()
        with open(s.dir + "/cut.db", "wb") as f:
            f.write(whole[:len(whole) // 2])
        s.write("no.db", "www A 192.0.2.1")
        for bad, why in (("cut.db", "is damaged"), ("no.db", "not a database"), ("none.db", "No such file")):
            code, said = s.ctl("restore", s.dir + "/" + bad)
            same((code, why in said or "malformed" in said), (1, True), said)
        code, said = s.ctl("restore", copy)
        same((code, "goes back from serial 9 to 8" in said, s.dir + "/waymark.db.before" in said), (0, True, True), said)
        s.start()
        same((s.serial(), a_of(s, "a.dyn.test"), s.udp("b.dyn.test").rcode), (8, [text(1)], 3))
        same(s.change(("c.dyn.test", 1, 1, 60, address(3))), 0)
        same(s.serial(), 9)


@claim("a file is read again as long as no update has changed its zone")
def edited():
    with Primary().settle() as s:
        s.start()
        s.write("zones/dyn.test.zone", ZONE.replace("host 7", "host 20").replace("192.0.2.1", "192.0.2.9"))
        same(s.ctl("reload")[0], 0)
        same((a_of(s, "www.dyn.test"), s.serial()), ([text(9)], 20))
        same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
        s.write("zones/dyn.test.zone", ZONE.replace("host 7", "host 30"))
        same(s.ctl("reload")[0], 0)
        same((a_of(s, "www.dyn.test"), s.serial()), ([text(9)], 21))


@claim("the store of a zone that is changed again and again stays as large as the zone asks for")
def bounded():
    with Primary().settle() as s:
        s.configure(KEYS + "store: { file: waymark.db, history-size: 100k }",
                    "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, update: [ { key: xfr } ] } ]")
        s.start()
        with s.connect() as c:
            for i in range(1200):
                packet, _ = update("dyn.test", ("one.dyn.test", 255, 16, 0, b""), ("one.dyn.test", 1, 16, 60, b"\xff" + b"%255d" % i), key=KEY)
                send_tcp(c, packet)
                same(recv_tcp(c)[3] & 15, 0)
        until(lambda: stored(s, "SELECT sum(length(bytes)) FROM change") < 400000, True)
        s.kill()
        s.start()
        same(s.serial(), 1207)


@claim("a secondary follows by NOTIFY and IXFR, starts from its store while its primary is away, and follows again")
def follows():
    with Primary() as p:
        with Secondary(p.port).settle() as s:
            p.settle(s.port).start()
            s.start()
            until(lambda: a_of(s, "www.dyn.test"), [text(1)])
            same(p.change(("new.dyn.test", 1, 1, 60, address(7))), 0)
            until(lambda: a_of(s, "new.dyn.test"), [text(7)])
            same("by IXFR" in s.said(), True, "IXFR:")
            p.stop()
            s.wait_stored()
            s.proc.kill()
            s.proc.wait()
            s.start()
            same(a_of(s, "new.dyn.test"), [text(7)], "from the store:")
            p.start()
            same(p.change(("new.dyn.test", 255, 1, 0, b""), ("last.dyn.test", 1, 1, 60, address(9))), 0)
            until(lambda: a_of(s, "last.dyn.test"), [text(9)])
            same(s.udp("new.dyn.test").rcode, 3)
            status, said = s.ctl("zone", "status", "dyn.test")
            same((status, "primary" in said, "IXFR" in said), (0, True, True))


@claim("a secondary sends updates on to its primary, signed as they are, also with a key that it does not have, and none for who may not")
def forwarded():
    unknown = Key("only.primary", b"o" * 32)
    with Primary() as p:
        p.configure(KEYS.replace("keys: {", "keys: { only.primary: %s," % unknown.yaml()) + "store: { file: waymark.db }",
                    "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, transfer: any, "
                    "update: [ { key: only.primary }, { key: xfr, names: k.*, types: A } ] } ]")
        p.start()
        with Secondary(p.port).settle(store=False) as s:
            peers = "peers: { gone: { at: \"127.0.0.1:%d\" }, pri: { at: \"127.0.0.1:%d\", key: xfr } }\n" % (free_port(), p.port)
            zone = "[ { name: dyn.test, primary: [ gone, pri ]%s } ]"
            s.configure(KEYS + peers, zone % ", forward-updates: any")
            s.start()
            until(lambda: a_of(s, "www.dyn.test"), [text(1)])

            def change(owner, key, tcp):
                packet, mac = update("dyn.test", (owner, 1, 1, 60, address(7)), key=key)
                with s.connect() as c:
                    if tcp:
                        send_tcp(c, packet)
                    reply = recv_tcp(c) if tcp else s.exchange(packet, 60)
                same(reply[:2], packet[:2], "id:")
                if mac:
                    key.verify(reply, mac)
                return reply[3] & 15

            for i, tcp in enumerate((False, True)):
                same(change("n%d.dyn.test" % i, unknown, tcp), 0, "a key that the primary alone has:")
                same(a_of(p, "n%d.dyn.test" % i), [text(7)], "at the primary:")
                same(change("a.k.n%d.dyn.test" % i, KEY, tcp), 5, "what the primary refuses:")
                same(change("k.dyn.test", KEY, tcp), 5)
                same(change("x.dyn.test", None, tcp), 5, "unsigned:")
            s.ctl("zone", "refresh", "dyn.test")
            until(lambda: a_of(s, "n1.dyn.test"), [text(7)])
            p.stop()
            same(change("late.dyn.test", KEY, False), 2, "nobody answers:")
            same("is not sent on: pri (127.0.0.1:%d)" % p.port in s.said(), True, "told:")
            s.configure(KEYS + peers, zone % ", forward-updates: { key: acme }")
            same(s.ctl("reload")[0], 0)
            same(change("x.dyn.test", KEY, False), 5)
            reply = s.exchange(update("dyn.test", ("x.dyn.test", 1, 1, 60, address(7)), key=unknown)[0], 60)
            same((reply[3] & 15, Parser(reply).tsig.error), (9, BADKEY), "an unknown key, where not anybody may:")
            s.configure(KEYS + peers, zone % ", update: [ { key: xfr } ]")
            same("\"forward-updates\" says" in s.ctl("reload")[1], True)


@claim("a secondary ends where its primary does, however many changes come at a time")
def burst():
    with Primary() as p:
        with Secondary(p.port).settle(store=False) as s:
            p.settle(s.port).start()
            s.start()
            until(lambda: a_of(s, "www.dyn.test"), [text(1)])
            with p.connect() as c:
                for i in range(300):
                    packet, _ = update("dyn.test", ("b%d.dyn.test" % i, 1, 1, 60, address(i % 250)), key=KEY)
                    send_tcp(c, packet)
                    same(recv_tcp(c)[3] & 15, 0)
            until(lambda: a_of(s, "b299.dyn.test"), [text(49)])
            want = {(wire("b%d.dyn.test" % i), address(i % 250)) for i in range(300)} | {
                (wire("ns1.dyn.test"), address(53)), (wire("www.dyn.test"), address(1))}
            # Images were made anew on the way, and what came meanwhile is in them.
            for server in (p, s):
                until(lambda: json.loads(server.ctl("status", "--json")[1])["zones_merged"] > 0 or server is s, True)
                with server.connect() as c:
                    same({(r.owner, r.data) for r in zone_of(transfer(c, query("dyn.test", 252))) if r.type == 1}, want)


PLAIN = Key("plain", b"p" * 32)


class Edges(Primary):
    """A zone with pools, for a peer that knows EDGE and for one that does not, whose NOTIFY come to `heard`."""

    def settle(self):
        self.heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.heard.bind(("127.0.0.1", 0))
        self.heard.settimeout(60 * SLOW)
        self.write("zones/dyn.test.zone", ZONE + "web 60 EDGE web\nweb TXT beside\n*.wild EDGE turns\ncdn EDGE far\nnone EDGE none\n"
                   "mail 60 EDGE mail\nmail TXT own\nbare 60 EDGE bare\n")
        self.configure(KEYS.replace("keys: {", "keys: { plain: %s," % PLAIN.yaml()) + "store: { file: waymark.db }\n"
                       "peers: { old: { at: \"127.0.0.1:%d\", key: plain, edge-as: addresses } }\n" % self.heard.getsockname()[1] + """
edges:
  e1: { at: "1,1", a: 192.0.2.11, aaaa: "2001:db8::11" }
  e2: { at: "2,2", a: [ 192.0.2.21, 192.0.2.22 ] }
  e3: { at: "3,3", a: 192.0.2.31, weight: 0 }
  c: { at: "3,3", cname: far.example }
  m: { at: "1,1", a: 192.0.2.51, records: [ MX 10 mx.example, TXT edge, HTTPS 1 . alpn=h3 ] }
  n: { at: "1,1", records: [ MX 10 mx.example, MX 20 mx2.example ] }
pools:
  web: { edges: [ e1, e2, e3 ], default: [ e2, e1 ], https: { alpn: [ h3, h2 ] } }
  turns: { edges: [ e1, e2, e3 ], policy: weighted }
  far: { edges: [ c ] }
  none: { edges: [ e3 ], all-down: empty }
  mail: { edges: [ m, n ], answers: 2, https: { alpn: [ h2 ] } }
  bare: { edges: [ n ] }
""", "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, transfer: [ old, { key: xfr } ], notify: old, update: { key: xfr } } ]")
        return self

    def fetch(self, key, serial=None):
        packet = query("dyn.test", "AXFR") if serial is None else ixfr("dyn.test", serial)
        with self.connect() as s:
            return [r for m in transfer(s, key.sign(packet)[0]) for r in m.answer]

    def at(self, name, key=PLAIN):
        return sorted((r.type, r.ttl, r.data) for r in self.fetch(key) if r.owner == wire(name + ".dyn.test"))

    def serial_of(self, key):
        return struct.unpack(">I", Parser(self.exchange(key.sign(query("dyn.test", "SOA"))[0], 60)).answer[0].data[-20:-16])[0]

    def hear(self, serial):
        """Until it is told of that serial."""
        while True:
            packet, source = self.heard.recvfrom(2000)
            self.heard.sendto(packet[:2] + bytes([packet[2] | 0x80]) + packet[3:], source)
            if Parser(packet).answer[0].data[-20:-16] == struct.pack(">I", serial):
                return


def changed(zone, delta):
    """What IXFR makes of a zone: of each two SOAs the first begins what goes, the second what comes."""
    zone, comes = set(zone), True
    for r in delta[1:-1]:
        comes = comes != (r.type == 6)
        (zone.add if comes else zone.discard)(r)
    return zone


@claim("a peer with edge-as: addresses has what pools answer by default, by AXFR and IXFR, with serials that go on with edges and zone")
def plain():
    v4 = lambda *last: [(1, 60, address(n)) for n in last]
    v6 = (28, 60, bytes.fromhex("20010db8000000000000000000000011"))
    txt, edge = (16, 300, b"\6beside"), (65301, 60, b"\3web")
    https = lambda *last: (65, 60, bytes.fromhex("0001" "00" "0001" "0006" "026833" "026832") + struct.pack(">HH", 4, 4 * len(last)) +
                           b"".join(map(address, last)) + bytes.fromhex("0006" "0010") + v6[2])
    with Edges().settle() as s:
        s.start()
        until(lambda: s.serial_of(PLAIN), 7)
        s.hear(7)
        same((s.at("web"), s.at("web", KEY)), (sorted(v4(21, 22) + [txt, v6, https(21, 22)]), [txt, edge]))
        same(s.at("*.wild"), [(1, 300, address(n)) for n in (11, 21, 22)] + [(28, 300, v6[2])], "turns; not the one of weight 0:")
        same((s.at("cdn"), s.at("none")), ([(5, 300, wire("far.example"))], [(1, 300, address(31))]))
        mx = lambda n, name: (15, 60, struct.pack(">H", n) + wire(name))
        same(s.at("mail"), sorted([(1, 60, address(51)), mx(10, "mx.example"), mx(20, "mx2.example"), (16, 300, b"\3own"), (65, 60, bytes.fromhex("000100" "0001" "0003" "026833"))]))
        same(s.at("bare"), [mx(10, "mx.example"), mx(20, "mx2.example")])
        before = s.fetch(PLAIN)
        for edge_ in ("e2", "e3"):
            same(s.ctl("force", edge_, "down")[0], 0)
        until(lambda: (s.at("web"), s.at("none")), (sorted(v4(11) + [txt, v6, https(11)]), [(65301, 300, b"\4none")]))
        serial = s.serial_of(PLAIN)
        same((serial in (8, 9), s.serial(), s.serial_of(KEY)), (True, 7, 7), "serials:")
        same("as addresses   serial %d\n" % serial in s.ctl("zone", "status", "dyn.test")[1], True)
        s.hear(serial)
        same(len(s.fetch(KEY, 7)), 1, "nothing is new for others:")
        delta = s.fetch(PLAIN, 7)
        same((len(delta) < 14, delta[1].data[-20:-16], Record(wire("web.dyn.test"), 1, 60, address(21)) in delta), (True, struct.pack(">I", 7), True))
        same(changed(before, delta), set(s.fetch(PLAIN)), "what IXFR makes of it:")
        same(s.change(("new.dyn.test", 1, 1, 60, address(7))), 0)
        until(lambda: s.at("new"), v4(7))
        same((s.serial_of(PLAIN), s.serial_of(KEY)), (serial + 1, 8))
        words = b"\3web\x07edge=e2\5ttl=9"            # it is down, and of this name all the same
        same(s.change(("new.dyn.test", 255, 255, 0, b""), ("new.dyn.test", 1, 65301, 60, words)), 0)
        until(lambda: sorted(s.at("new")), sorted([(1, 9, address(n)) for n in (21, 22)] + [(65, 9, https(21, 22)[2][:-20])]))
        same(s.at("new", KEY), [(65301, 60, words)])
        same(s.change(("bad.dyn.test", 1, 65301, 60, b"\3web\x07edge=e9")) != 0, True)
        same(s.change(("bad.dyn.test", 1, 65301, 60, b"\3web\x09answers=0")), 1)
        serial += 1
        s.kill()
        s.start()
        for edge_ in ("e2", "e3"):
            same(s.ctl("force", edge_, "auto")[0], 0)
        until(lambda: (s.at("web"), s.at("none")), (sorted(v4(21, 22) + [txt, v6, https(21, 22)]), [(1, 300, address(31))]))
        same((s.serial_of(PLAIN) - serial in (2, 3), s.serial_of(KEY)), (True, 9), "over a restart:")
        serial = s.serial_of(PLAIN) - 2
        s.stop()
        s.start()
        until(lambda: s.serial_of(PLAIN), serial + 2)
        soa = wire("ns1.dyn.test") + wire("host.dyn.test") + struct.pack(">IIIII", 100, 7200, 2, 1209600, 60)
        same(s.change(("dyn.test", 1, 6, 300, soa)), 0)
        until(lambda: (s.serial_of(PLAIN), s.serial()), (100, 100))
        same(s.change(*((n + ".dyn.test", 255, 255, 0, b"") for n in ("web", "*.wild", "cdn", "none"))), 0)
        until(lambda: (s.serial_of(PLAIN), s.at("web"), s.serial()), (101, [], 101))
        s.heard.close()


@claim("verify: a zone with a wrong digest, or that a program refuses, is not served; what was served stays, and it is told with what the program said")
def verified():
    program = "#!/bin/sh\ngrep -q 192.0.2.66 && { echo \"$WAYMARK_ZONE $WAYMARK_SERIAL has a bad address\"; exit 3; }\nexit 0\n"
    with Primary() as p:
        with Secondary(p.port, files={"look": program}) as s:
            os.chmod(s.dir + "/look", 0o755)
            peers = KEYS + "peers: { pri: { at: \"127.0.0.1:%d\", key: xfr } }" % p.port
            zone = "[ { name: dyn.test, primary: pri, transfer: any, verify: { zonemd: %s, program: look, timeout: %s } } ]"
            s.configure(peers, zone % ("on", "20s"))
            p.settle(s.port).start()
            s.start()
            until(lambda: a_of(s, "www.dyn.test"), [text(1)])
            same(p.change(("x.dyn.test", 1, 1, 60, address(66))), 0)
            until(lambda: "serial 8 is not taken: verify: %s/look: exit status 3: dyn.test. 8 has a bad address" % s.dir in s.said(), True)
            same((s.udp("x.dyn.test").rcode, s.serial()), (3, 7))
            same(p.change(("x.dyn.test", 255, 255, 0, b"")), 0)
            until(s.serial, 9)
            same(p.change(("dyn.test", 1, 63, 60, struct.pack(">IBB", 10, 1, 1) + b"d" * 48)), 0)
            until(lambda: "serial 10 is not taken: verify: zonemd: its records have another digest" in s.said(), True)
            same(s.serial(), 9)
            s.configure(peers, zone % ("warn", "20s"))
            same(s.ctl("reload")[0], 0)
            s.ctl("zone", "refresh", "dyn.test")
            until(s.serial, 10)
            same("zone dyn.test.: serial 10: its records have another digest" in s.said(), True, "told:")
            s.write("look", "#!/bin/sh\nsleep 60\n")
            s.configure(peers, zone % ("off", "200ms"))
            same(s.ctl("reload")[0], 0)
            same(p.change(("y.dyn.test", 1, 1, 60, address(5))), 0)
            until(lambda: "look: its time is over" in s.said(), True)
            same(s.serial(), 10)
    with Server({"a.test": ZONE.replace("www A", "@ ZONEMD 7 1 1 %s\nwww A" % ("ab" * 48))}, start=False) as s:
        s.configure(zones="[ { dir: zones, verify: { zonemd: on } } ]")
        s.start()
        same((s.udp("www.a.test").rcode, "a.test.zone: error: verify: zonemd: its records have another digest" in s.said()), (2, True))


@claim("hot standby: the primary is killed, one command makes the secondary a primary, nothing that it had is lost, and it stays one until it is given back")
def promoted():
    with Primary() as p, Secondary(p.port) as s:
        rules = "keys: { xfr: %s }\npeers: { pri: { at: \"127.0.0.1:%d\", key: xfr } }\nstore: { file: waymark.db }\n" \
                "templates: { own: { write-back: store, transfer: any, update: [ { key: xfr } ] }, keep: { } }" % (KEY.yaml(), p.port)
        s.configure(rules, "[ { name: dyn.test, primary: pri, transfer: any }, { name: none.test, primary: pri } ]")
        p.settle(s.port).start()
        s.start()
        until(lambda: a_of(s, "www.dyn.test"), [text(1)])
        confirmed = 0
        with p.connect() as c:
            for i in range(50):
                send_tcp(c, update("dyn.test", ("n%d.dyn.test" % i, 1, 1, 60, address(i)), key=KEY)[0])
                same(recv_tcp(c)[3] & 15, 0)
        until(s.serial, 57)
        p.kill()
        for bad, why in ((("none.test", "own"), "nothing is stored of it"), (("dyn.test", "keep"), "needs \"write-back: store\""),
                         (("dyn.test", "nix"), "no template \"nix\""), (("other.test", "own"), "there is no zone other.test.")):
            code, said = s.ctl("zone", "promote", *bad)
            same((code, why in said), (1, True), said)
        same(s.ctl("zone", "demote", "dyn.test"), (1, "zone dyn.test. was not promoted\n"))
        code, said = s.ctl("zone", "promote", "--all", "own")
        same((code, "dyn.test.: primary from serial 57 on" in said), (1, True), said)          # none.test has nothing
        packet, mac = update("dyn.test", ("new.dyn.test", 1, 1, 60, address(99)), key=KEY)
        same(s.exchange(packet, 60)[3] & 15, 0, "an update of the new primary:")
        for _ in range(2):
            same((s.serial(), a_of(s, "n49.dyn.test"), a_of(s, "new.dyn.test")), (58, [text(49)], [text(99)]))
            with s.connect() as c:
                rows = [r for m in transfer(c, ixfr("dyn.test", 57)) for r in m.answer]
            same((rows[0].data[-20:-16], rows[1].type, rows[1].data[-20:-16]), (b"\0\0\0:", 6, b"\0\0\0009"), "the journal goes on:")
            same("promoted" in s.ctl("zone", "status", "dyn.test")[1], True)
            code, said = s.ctl("reload")
            same(code, 0, said)
            s.proc.kill()
            s.proc.wait()
            s.start()
        code, said = s.ctl("zone", "remove", "dyn.test")
        same((code, "\"zone demote dyn.test.\" gives it back" in said), (1, True), said)
        code, said = s.ctl("zone", "demote", "dyn.test")
        same(code, 0, said)
        p.start()                                           # it is behind: its serial is no newer
        code, said = s.ctl("reload")
        same(code, 0, said)
        same((s.exchange(packet, 60)[3] & 15, s.serial()), (5, 58), "no primary any more:")
        until(lambda: s.ctl("zone", "retransfer", "dyn.test")[0], 0)
        until(s.serial, 57)


def beside_a_broken_reload(whole):
    gate = "#!/bin/sh\ncat > /dev/null\n[ $WAYMARK_SERIAL = 7 ] && exit 0\n: > begun\nwhile [ ! -e go ]; do sleep 0.02; done\n"
    with Server({"dyn.test": ZONE, "slow.test": ZONE}, start=False) as s:
        s.write("gate", gate.replace("begun", s.dir + "/begun").replace("go ]", s.dir + "/go ]"))
        os.chmod(s.dir + "/gate", 0o755)
        s.configure(KEYS + "store: { file: waymark.db }",
                    "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: store, update: [ { key: xfr } ] },"
                    " { name: slow.test, file: zones/slow.test.zone, verify: { program: gate } } ]")
        s.start()
        s.write("zones/dyn.test.zone", ZONE + "broken A 192.0.2.256\n")
        s.write("zones/slow.test.zone", ZONE.replace("host 7", "host 8"))
        said = []
        reload = threading.Thread(target=lambda: said.extend(s.ctl("reload")))
        reload.start()
        until(lambda: os.path.exists(s.dir + "/begun"), True)
        packet = update("dyn.test", ("new.dyn.test", 1, 1, 60, address(9)), key=KEY)[0]
        same(s.exchange(packet, 60)[3] & 15, 0)
        same(a_of(s, "new.dyn.test"), [text(9)])
        until(lambda: stored(s, "SELECT count(*) FROM part"), 1)
        if not whole:
            with sqlite3.connect(s.dir + "/waymark.db", timeout=60) as db:
                db.execute("DELETE FROM part")
                db.execute("UPDATE zone SET base = -1, base_n = 0, making = 0, whole = 0, file = ?", (b"/a/version/of/before 1 2 3 4\n",))
        s.write("go", "")
        reload.join()
        same((said[0], "192.0.2.256 is not an IPv4 address" in said[1]), (1, True), said)
        same(a_of(s, "new.dyn.test"), [text(9)], "behind the reload:")
        s.write("zones/dyn.test.zone", ZONE)
        code, told = s.ctl("reload")
        same((code, a_of(s, "new.dyn.test")), (0, [text(9)]), told)
        for _ in range(2 if whole else 0):
            same(a_of(s, "new.dyn.test"), [text(9)], "mended:")
            s.proc.kill()
            s.proc.wait()
            s.start()


@claim("what is confirmed beside a reload goes on being served, though the reload finds its zone broken")
def beside_a_broken_reload_whole():
    beside_a_broken_reload(True)


@claim("... and a file that is mended before the zone is stored in whole is no fault: what is served has all of it")
def beside_a_broken_reload_at_once():
    beside_a_broken_reload(False)


@claim("a zone whose file a reload finds broken is changed on, also behind kill -9, and its file is not written over")
def in_a_broken_zone():
    broken = ZONE + "broken A 192.0.2.256\n"
    for back in ("store", "sync"):
        with Primary().settle() as s:
            s.configure(KEYS + "store: { file: waymark.db }",
                        "[ { name: dyn.test, file: zones/dyn.test.zone, write-back: %s, update: [ { key: xfr } ] } ]" % back)
            s.start()
            s.write("zones/dyn.test.zone", broken)
            for _ in range(2):
                code, said = s.ctl("reload")
                same((code, "192.0.2.256 is not an IPv4 address" in said), (1, True), said)
                said = s.ctl("zone", "status", "dyn.test")[1]
                same(re.findall("(?m)^(?:source|state) +(.*)", said), ["store", "faulty"], said)
            same(s.change(("a.dyn.test", 1, 1, 60, address(1))), 0)
            same((a_of(s, "a.dyn.test"), s.serial()), ([text(1)], 8))
            s.kill()
            s.start()
            same((a_of(s, "a.dyn.test"), s.serial()), ([text(1)], 8), "behind kill -9:")
            with open(s.dir + "/zones/dyn.test.zone") as f:
                same(f.read(), broken, "the file:")
            s.write("zones/dyn.test.zone", ZONE)
            code, said = s.ctl("reload")
            same((code, "what was changed in the file cannot be told" in said), (1, True) if back == "sync" else (0, False), said)
            same((a_of(s, "a.dyn.test"), a_of(s, "www.dyn.test")), ([text(1)], [text(1)]), "mended:")
            same(s.change(("b.dyn.test", 1, 1, 60, address(2))), 0)
    with Primary().settle() as s:
        s.start()
        s.write("zones/dyn.test.zone", broken)
        same(s.ctl("reload")[0], 1)
        s.write("zones/dyn.test.zone", ZONE.replace("host 7", "host 20"))
        same(s.ctl("reload")[0], 0)
        same(s.serial(), 20, "mended before any update, it is its file:")


@claim("a zone that no primary has given is SERVFAIL and is told, and is there as soon as one has it")
def waits():
    with Primary() as p:
        with Secondary(p.port).settle(store=False) as s:
            s.start()
            same(s.udp("www.dyn.test").rcode, 2)
            until(lambda: "not loaded" in s.ctl("zones")[1], True)
            p.settle(s.port).start()
            until(lambda: a_of(s, "www.dyn.test"), [text(1)])


@claim("NOTIFY is for secondaries, from their primaries")
def notified():
    packet = os.urandom(2) + struct.pack(">HHHHH", 4 << 11 | 0x400, 1, 0, 0, 0) + wire("dyn.test") + struct.pack(">HH", 6, 1)
    with Primary().settle() as p:
        p.start()
        same(p.exchange(packet, 60)[3] & 15, 9, "NOTAUTH:")
        with Secondary(p.port).settle(store=False) as s:
            s.start()
            reply = s.exchange(packet, 60)
            same((reply[2] & 0xfc, reply[3] & 15), (0xa4, 0), "QR, NOTIFY, AA, NOERROR:")


run("updates")
