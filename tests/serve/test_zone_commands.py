#!/usr/bin/python3
"""Zones that come, change and go while the server runs, by commands of their operators."""
from lib import *
from xfr import *

TEMPLATES = """store: { file: waymark.db }
peers: { pri: { at: "127.0.0.1:%d" } }
templates:
  hosted: { write-back: store, transfer: any, nameservers: [ ns1.provider.test, ns2.provider.test ], contact: dns.admin@provider.test }
  second: { primary: pri, transfer: any }
  files:  { transfer: any }
"""
ZONE = "$TTL 300\n@ SOA ns1 host 7 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n"


class Host(Server):
    def __init__(self, primary=1, templates=TEMPLATES, **more):
        super().__init__({"fixed.test": ZONE}, start=False, **more)
        self.configure(templates % primary)
        self.start()

    def zone(self, *words):
        """What it says, when it is done."""
        status, said = self.ctl("zone", *words)
        same(status, 0, said)
        return said

    def refused(self, *words):
        status, said = self.ctl("zone", *words)
        same(status, 1, said)
        return said

    def again(self):
        self.stop()
        self.start()


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError("%r is not in %r" % (part, text))


def soa(server, zone):
    return server.udp(zone, "SOA").answer[0][3]


def until(what, wanted, patience_s=30):
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


@claim("a zone that is added is served at once, and after a reload and a restart")
def added():
    with Host() as s:
        with open(s.dir + "/first.zone", "w") as f:
            f.write(ZONE)
        same(s.udp("one.test", "SOA").rcode, REFUSED)
        has(s.zone("add", "One.Test", "hosted"), "one.test.: added, serial 1")
        has(s.zone("add", "two.test", "hosted", s.dir + "/first.zone"), "serial 7")
        has(s.zone("add", "three.test", "files", s.dir + "/first.zone"), "serial 7")

        def all_there():
            same(soa(s, "one.test"), "ns1.provider.test. dns.admin.provider.test. 1 7200 900 1209600 300")
            same(sorted(r[3] for r in s.udp("one.test", "NS").answer), ["ns1.provider.test.", "ns2.provider.test."])
            same(s.udp("www.two.test").addresses(), ["192.0.2.1"])
            same(s.udp("www.three.test").addresses(), ["192.0.2.1"])
            same(s.udp("www.fixed.test").addresses(), ["192.0.2.1"])
        all_there()
        has(s.zone("status", "one.test"), "source         store", "template       hosted", "added by       user")
        same(s.ctl("reload")[0], 0)
        all_there()
        s.again()
        all_there()


@claim("a zone of a template with primary is fetched at once, and forgotten when it is removed")
def second():
    with Server({"moved.test": ZONE, "other.test": ZONE}, start=False) as p:
        p.configure("", "[ { name: moved.test, file: zones/moved.test.zone, transfer: any } ]")
        p.start()
        with Host(p.port) as s:
            s.zone("add", "moved.test", "second")
            until(lambda: s.udp("www.moved.test").addresses(), ["192.0.2.1"])
            p.stop()
            s.again()
            same(s.udp("www.moved.test").addresses(), ["192.0.2.1"])
            has(s.zone("remove", "moved.test"), "removed, with all that was stored of it")
            same(s.udp("www.moved.test").rcode, REFUSED)
            s.zone("add", "moved.test", "second")
            same(s.udp("www.moved.test").rcode, SERVFAIL)


@claim("what cannot be added or removed is told, and nothing changes")
def wrong():
    with Host() as s:
        path = s.dir + "/wrong.zone"
        with open(path, "w") as f:
            f.write(ZONE + "bad A 1.2.3\n")
        has(s.refused("add", "fixed.test", "hosted"), "is there already: the configuration")
        has(s.refused("add", "x.test", "hostd"), "there is no template \"hostd\"", "hosted")
        has(s.refused("add", "x.test"), "has nothing to begin with")
        has(s.refused("add", "x.test", "files"), "has nothing to begin with")
        has(s.refused("add", "x.test", "second", path), "comes from a primary")
        has(s.refused("add", "x.test", "hosted", path), "wrong.zone:6:7: error")
        has(s.refused("add", "x.test", "files", path), "wrong.zone:6:7: error")
        has(s.refused("add", "a..b", "hosted"), "as the name of a zone")
        has(s.refused("remove", "fixed.test"), "is named by the configuration")
        has(s.refused("remove", "x.test"), "there is no zone x.test.")
        s.zone("add", "x.test", "hosted")
        has(s.refused("add", "x.test", "hosted"), "it was added before")
        same(s.udp("x.test", "SOA").rcode, NOERROR)
    with Server({"fixed.test": ZONE}) as s:
        same(s.ctl("zone", "add", "x.test", "hosted")[0], 1)
        has(s.ctl("zone", "add", "x.test", "hosted")[1], "there is none: write")


@claim("a zone of ours that is removed leaves its data in the store until they are purged")
def removed():
    with Host() as s:
        s.zone("add", "one.test", "hosted")
        has(s.zone("remove", "one.test"), "the store keeps its data")
        same(s.udp("one.test", "SOA").rcode, REFUSED)
        has(s.refused("add", "one.test", "hosted"), "--stored", "--purge")
        s.zone("add", "one.test", "hosted", "--stored")
        same(s.udp("one.test", "SOA").rcode, NOERROR)
        s.zone("remove", "one.test")
        s.again()
        same(s.udp("one.test", "SOA").rcode, REFUSED)
        s.zone("remove", "one.test", "--purge")
        s.zone("add", "one.test", "hosted")
        has(s.zone("remove", "one.test", "--purge"), "with all that was stored")
        has(s.refused("remove", "one.test"), "there is no zone")


@claim("a template that goes leaves its zones as they are, and is told; the configuration goes before what was added")
def template_gone():
    with Host() as s:
        s.zone("add", "one.test", "hosted")
        s.configure((TEMPLATES % 1).replace("hosted:", "renamed:"))
        status, said = s.ctl("reload")
        same(status, 1)
        has(said, "zone one.test. was added with the template \"hosted\", which is not there any more")
        same(s.udp("one.test", "SOA").rcode, NOERROR)
        s.again()
        same(s.udp("one.test", "SOA").rcode, NOERROR, "after a restart:")
        s.configure(TEMPLATES % 1)
        same(s.ctl("reload")[0], 0)
        s.write("zones/one.test.zone", ZONE)
        status, said = s.ctl("reload")
        same(status, 0, said)
        has(said, "zone one.test. was also added while the server ran")
        same(s.udp("www.one.test").addresses(), ["192.0.2.1"])
        has(s.zone("remove", "one.test"), "removed")
        same(s.udp("www.one.test").addresses(), ["192.0.2.1"])
        status, said = s.ctl("reload")
        same("also added" in said, False, said)


run("zone commands")
