"""Catalog zones (RFC 9432): zones that others list are served here, and lists of our zones are made for others."""
import sqlite3

from lib import *
from xfr import *

KEY = Key("xfr", b"x" * 32)
KEYS = "keys: { xfr: %s }\nstore: { file: waymark.db }\n" % KEY.yaml()
MEMBER = "$TTL 300\n@ SOA ns1 host 7 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.%d\n"
HEAD = "$TTL 0\n@ SOA invalid. invalid. %d 3600 600 2147483646 0\n@ NS invalid.\n"


def catalog(serial, *lines, version='version TXT "2"'):
    return HEAD % serial + "\n".join((version,) + lines) + "\n"


def member(label, zone, group=None, coo=None):
    return "%s.zones PTR %s." % (label, zone) + ("\ngroup.%s.zones TXT \"%s\"" % (label, group) if group else "") + \
        ("\ncoo.%s.zones PTR %s." % (label, coo) if coo else "")


def until(what, wanted, *said):
    end = time.monotonic() + 60 * SLOW
    while True:
        try:
            got = what()
        except (AssertionError, IndexError, OSError) as why:
            got = why
        if got == wanted:
            return
        if time.monotonic() > end:
            raise AssertionError("got %r, wanted %r\n%s" % (got, wanted, "\n".join(s()[-2000:] for s in said)))
        time.sleep(0.02)


def a_of(server, zone):
    m = server.udp("www." + zone)
    return m.addresses() if m.rcode == 0 else m.rcode


class Lister(Server):
    """Has the catalogs and the members, as files."""

    def __init__(self, *members):
        super().__init__({m: MEMBER % (i + 1) for i, m in enumerate(members)}, start=False)

    def settle(self, notify, **catalogs):
        for name, text in catalogs.items():
            self.write("%s.catalog" % name, text)
        self.configure("peers: { sec: { at: \"127.0.0.1:%d\" } }\ntemplates: { all: { transfer: any, notify: sec } }\n" % notify,
                       "[ { dir: zones, template: all }%s ]" % "".join(
                           ", { name: %s.invalid, file: %s.catalog, template: all }" % (c, c) for c in catalogs))
        return self

    def put(self, name, text):
        self.write("%s.catalog" % name, text)
        code, said = self.ctl("reload")
        same(code, 0, said)


class Follower(Server):
    def __init__(self):
        super().__init__({}, start=False)

    def settle(self, primary, zones="", catalogs=("one",), more="template: hosted, groups: { red: red }"):
        self.configure(KEYS + "peers: { pri: { at: \"127.0.0.1:%d\" } }\ntemplates: { hosted: { primary: pri }, red: { primary: pri, transfer: any } }\n" % primary,
                       "[ %s%s ]" % (zones, ", ".join("{ catalog: %s.invalid, primary: pri, %s }" % (c, more) for c in catalogs)))
        return self

    def members(self):
        with sqlite3.connect("file:%s/waymark.db?mode=ro" % self.dir, uri=True) as db:
            return sorted((bytes(a), t) for a, t in db.execute("SELECT apex, template FROM added"))

    def stored(self):
        with sqlite3.connect("file:%s/waymark.db?mode=ro" % self.dir, uri=True) as db:
            return sorted(bytes(a) for a, in db.execute("SELECT apex FROM zone"))

    def kill(self):
        self.proc.kill()
        self.proc.wait()


@claim("members come with their templates, change, begin anew with another label, and go with what is stored of them")
def follows():
    with Lister("a.test", "b.test", "c.test") as p, Follower() as s:
        p.settle(s.port, one=catalog(1, member("a", "a.test"), member("b", "b.test", "red"))).start()
        s.settle(p.port).start()
        until(lambda: (a_of(s, "a.test"), a_of(s, "b.test")), (["192.0.2.1"], ["192.0.2.2"]), s.said)
        same(s.members(), [(wire("a.test"), "hosted"), (wire("b.test"), "red")])
        same(s.tcp("b.test", "AXFR").rcode, 0, "the template of its group:")
        same(s.tcp("a.test", "AXFR").rcode, REFUSED)
        same(s.udp("one.invalid", "SOA").rcode, REFUSED, "nobody may ask for the list:")
        p.put("one", catalog(2, member("a", "a.test", "red"), member("c", "c.test")))
        until(lambda: (a_of(s, "c.test"), a_of(s, "b.test"), s.tcp("a.test", "AXFR").rcode), (["192.0.2.3"], REFUSED, 0), s.said)
        until(lambda: wire("b.test") in s.stored(), False)
        fetched = lambda: s.said().count("zone a.test.: serial 7 from")
        same(fetched(), 1, "another group is no other zone:")
        p.put("one", catalog(3, member("a2", "a.test", "red"), member("c", "c.test")))
        until(lambda: "1 begin anew" in s.said(), True)
        until(lambda: (a_of(s, "a.test"), fetched()), (["192.0.2.1"], 2), s.said)
        for serial in range(4, 10, 2):                       # gone and back, under the same label
            p.put("one", catalog(serial, member("c", "c.test")))
            p.put("one", catalog(serial + 1, member("a2", "a.test", "red"), member("c", "c.test")))
            s.ctl("zone", "refresh", "one.invalid")
        until(lambda: (s.ctl("zone", "status", "one.invalid")[1].count("serial         9"), a_of(s, "a.test")), (1, ["192.0.2.1"]), s.said)
        p.put("one", catalog(10))
        until(lambda: (a_of(s, "a.test"), a_of(s, "c.test"), s.members(), s.stored()), (REFUSED, REFUSED, [], [wire("one.invalid")]), s.said)


@claim("a broken catalog keeps its members, and is told")
def broken():
    good = [member("a", "a.test"), member("b", "b.test")]
    kinds = [(catalog(0, *good, version=""), "it has no version"),
             (catalog(0, *good, version='version TXT "1"'), 'its version is "1"'),
             (catalog(0, *good, version='version TXT "3"'), 'its version is "3"'),
             (catalog(0, *good, version='version TXT "1"\nversion TXT "2"'), "its version is not one TXT record"),
             (catalog(0, *good, version='version TXT "2" "x"'), "its version is not one TXT record"),
             (catalog(0, "a.zones PTR c.test.\na.zones PTR a.test."), "there are 2 PTR records at a.zones.one.invalid."),
             (catalog(0, member("a", "c.test"), member("b", "C.test")), "zone c.test. is listed twice"),
             (catalog(0, *good, member("c", "c.test")), "it has more than 2 members")]
    with Lister("a.test", "b.test", "c.test") as p, Follower() as s:
        p.settle(s.port, one=catalog(1, *good)).start()
        s.settle(p.port, more="template: hosted, members: 2").start()
        until(lambda: (a_of(s, "a.test"), a_of(s, "b.test")), (["192.0.2.1"], ["192.0.2.2"]), s.said)
        for serial, (text, says) in enumerate(kinds):
            p.put("one", text.replace("invalid. 0 ", "invalid. %d " % (serial + 2)))
            until(lambda: "serial %d, is broken" % (serial + 2) in s.said() and says in s.said(), True, s.said)
            same((a_of(s, "a.test"), a_of(s, "b.test"), a_of(s, "c.test")), (["192.0.2.1"], ["192.0.2.2"], REFUSED))
        p.put("one", catalog(20, *good, "ext.zones TXT x", "x.ext TYPE65302 \\# 2 0161", "group.x.zones TXT y", "zones TXT z"))
        until(lambda: s.ctl("zone", "status", "one.invalid")[1].count("serial         20"), 1)
        p.put("one", catalog(21, member("c", "c.test")))
        until(lambda: (a_of(s, "a.test"), a_of(s, "c.test")), (REFUSED, ["192.0.2.3"]), s.said)


@claim("a catalog that loses most of its members at once keeps them, and is told, until an operator says that it is meant")
def emptied():
    zones = ["m%d.test" % i for i in range(12)]
    with Lister(*zones) as p, Follower() as s:
        p.settle(s.port, one=catalog(1, *[member("l%d" % i, z) for i, z in enumerate(zones)])).start()
        s.settle(p.port, more="template: hosted").start()
        until(lambda: [a_of(s, z) for z in zones], [["192.0.2.%d" % (i + 1)] for i in range(12)], s.said)
        p.put("one", catalog(2, member("l0", zones[0])))
        until(lambda: "serial 2, has 11 of its 12 members no more, and none of them goes" in s.said(), True, s.said)
        same(len(s.members()), 12)
        p.put("one", catalog(3, *[member("l%d" % i, z) for i, z in enumerate(zones[:6])], member("new", "new.test")))
        until(lambda: (len(s.members()), a_of(s, zones[5]), a_of(s, zones[6])), (7, ["192.0.2.6"], REFUSED), s.said)
        p.put("one", catalog(4))
        until(lambda: (s.ctl("zone", "status", "one.invalid")[1].count("serial         4"), len(s.members())), (1, 0), s.said)   # few: no question
        p.put("one", catalog(5, *[member("l%d" % i, z) for i, z in enumerate(zones)]))
        until(lambda: len(s.members()), 12)
        p.put("one", catalog(6))
        until(lambda: "serial 6, has 12 of its 12" in s.said(), True, s.said)
        s.kill()
        s.start()
        until(lambda: "serial 6, has 12 of its 12" in s.said(), True, s.said)
        same(s.ctl("reload", "--force")[0], 0)
        until(lambda: s.members(), [], s.said)


@claim("members are there after kill -9 without their primary, and the configuration goes before a catalog")
def restarts():
    with Lister("a.test", "b.test") as p, Follower() as s:
        p.settle(s.port, one=catalog(1, member("a", "a.test"), member("b", "b.test"))).start()
        s.write("own.zone", MEMBER % 99)
        s.settle(p.port, "{ name: b.test, file: own.zone }, ").start()
        until(lambda: (a_of(s, "a.test"), a_of(s, "b.test")), (["192.0.2.1"], ["192.0.2.99"]), s.said)
        until(lambda: "zone b.test. is named by the configuration" in s.said(), True)
        s.wait_stored()
        s.kill()
        p.stop()
        s.start()
        same((a_of(s, "a.test"), a_of(s, "b.test")), (["192.0.2.1"], ["192.0.2.99"]))
        s.settle(p.port)
        p.start()
        same(s.ctl("reload")[0], 0)
        until(lambda: a_of(s, "b.test"), ["192.0.2.2"], s.said)
        s.settle(p.port, "{ name: b.test, file: own.zone }, ")
        code, said = s.ctl("reload")
        same((code, "b.test. is a member of the catalog one.invalid., too" in said, a_of(s, "b.test")), (0, True, ["192.0.2.99"]), said)
        s.settle(p.port, "{ name: b.test, file: own.zone }", catalogs=())
        same(s.ctl("reload")[0], 0)
        until(lambda: (a_of(s, "a.test"), a_of(s, "b.test")), (REFUSED, ["192.0.2.99"]), s.said)


@claim("a member goes over to another catalog that it is handed to, with its data where the label stays, and to no other")
def moves():
    with Lister("a.test", "b.test") as p, Follower() as s:
        p.settle(s.port, one=catalog(1, member("a", "a.test"), member("b", "b.test")), two=catalog(1)).start()
        s.settle(p.port, catalogs=("one", "two")).start()
        until(lambda: (a_of(s, "a.test"), a_of(s, "b.test")), (["192.0.2.1"], ["192.0.2.2"]), s.said)
        p.put("two", catalog(2, member("a", "a.test"), member("b", "b.test")))
        until(lambda: "zone a.test. is a member of one.invalid., which does not hand it over" in s.said(), True, s.said)
        p.put("one", catalog(2, member("a", "a.test", coo="two.invalid"), member("b", "b.test")))
        until(lambda: "1 have changed" in s.said(), True, s.said)
        same(s.ctl("zone", "status", "a.test")[1].count("two.invalid"), 1)
        same(a_of(s, "a.test"), ["192.0.2.1"])
        p.put("one", catalog(3, member("b", "b.test")))
        until(lambda: s.ctl("zone", "status", "one.invalid")[1].count("serial         3"), 1)
        same(a_of(s, "a.test"), ["192.0.2.1"], "it is the other's:")
        p.put("two", catalog(3))
        until(lambda: a_of(s, "a.test"), REFUSED, s.said)


@claim("a catalog is made of the zones of templates, goes on with them and over restarts, and another server of ours follows it")
def produces():
    with Lister("a.test", "b.test") as p, Follower() as s:
        for m in ("a.test", "b.test"):
            os.rename(p.dir + "/zones/%s.zone" % m, p.dir + "/%s.zone" % m)
        p.configure(KEYS + "peers: { sec: { at: \"127.0.0.1:%d\" } }\n" % s.port + """
templates:
  hosted: { transfer: any, notify: sec }
  red: { transfer: any, notify: sec }
  added: { transfer: any, notify: sec, write-back: store, nameservers: [ ns.example ] }
""", "[ { dir: zones, template: hosted }, { name: r.test, file: r.zone, template: red, query: any }, "
                    "{ catalog: one.invalid, produce: [ hosted, red, added ], groups: { red: red }, transfer: 127.0.0.1, notify: sec } ]")
        p.write("r.zone", MEMBER % 50)
        p.start()
        s.settle(p.port).start()
        until(lambda: a_of(s, "r.test"), ["192.0.2.50"], s.said, p.said)

        def rows():
            with p.connect() as c:
                return [r for m in transfer(c, query("one.invalid", "AXFR")) for r in m.answer][:-1]
        same(sorted((r.type, r.ttl, r.data) for r in rows() if r.type != 6),
             [(2, 0, wire("invalid")), (12, 0, wire("r.test")), (16, 0, b"\x012"), (16, 0, b"\3red")])
        serial = lambda: struct.unpack(">I", rows()[0].data[-20:-16])[0]
        same((serial(), s.members()), (1, [(wire("r.test"), "red")]))
        for m in ("a.test", "b.test"):
            os.rename(p.dir + "/%s.zone" % m, p.dir + "/zones/%s.zone" % m)
        same(p.ctl("reload")[0], 0)
        until(lambda: (serial(), a_of(s, "a.test"), a_of(s, "b.test")), (2, ["192.0.2.1"], ["192.0.2.2"]), s.said, p.said)
        before = rows()
        same(p.ctl("zone", "add", "new.test", "added")[0], 0)
        until(lambda: (serial(), s.udp("new.test", "NS").rcode), (3, 0), s.said, p.said)
        with p.connect() as c:
            delta = [r for m in transfer(c, ixfr("one.invalid", 2)) for r in m.answer]
        same([r.type for r in delta], [6, 6, 6, 12, 6], "IXFR:")
        p.proc.kill()
        p.proc.wait()
        p.start()
        same((serial(), set(before) - set(rows())), (3, {before[0]}))
        same(p.ctl("zone", "remove", "new.test")[0], 0)
        until(lambda: (serial(), s.udp("new.test", "NS").rcode), (4, REFUSED), s.said, p.said)
        p.write("r.zone", MEMBER.replace("host 7", "host 8") % 51)
        same(p.ctl("reload")[0], 0)
        until(lambda: a_of(s, "r.test"), ["192.0.2.51"])
        same(serial(), 4, "a zone that changes is no other:")
        for words, says in ((("purge",), "its serial would go back"), (("begin",), "is a catalog, made here"), (("remove",), "is named by the configuration")):
            code, said = p.ctl("zone", words[0], "one.invalid")
            same((code, says in said), (1, True), said)


run("catalog")
