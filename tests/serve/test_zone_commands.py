#!/usr/bin/python3
"""Zones that come, change and go while the server runs, by commands of their operators."""
import json
import re

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

    def ctl_with(self, environment, *words):
        done = subprocess.run([WAYMARKCTL, "-c", self.conf] + list(words), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, VISUAL="", **environment), timeout=60 * SLOW)
        return done.returncode, done.stderr + done.stdout

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
            zone = json.loads(s.ctl("zones", "moved.test", "--json")[1])
            same((zone["source"], zone["primary"]["by"], zone["primary"]["failures"], zone["added"]["template"]), ("primary", "AXFR", 0, "second"))
            same([z["zone"] for z in json.loads(s.ctl("zones", "--json")[1]) if "primary" in z], ["moved.test."])
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
        same(s.ctl("zone", "exprt", "fixed.test"), (2, 'there is no "zone exprt"; did you mean "zone export"?\n'))
        has(s.ctl("zone", "frobnicate", "fixed.test")[1], "usage: waymarkctl zone status NAME")
        s.zone("add", "x.test", "hosted")
        now = json.loads(s.zone("status", "x.test", "--json"))
        same((now["zone"], now["source"], now["state"], now["template"], now["added_by"]), ("x.test.", "store", "ready", "hosted", os.getuid()))
        text = dict(re.split("  +", line, maxsplit=1) for line in s.zone("status", "x.test").splitlines())
        same([str(now[k]) for k in ("zone", "source", "state", "template", "serial", "records", "added")],
             [text[k] for k in ("zone", "source", "state", "template", "serial", "records", "added")])
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


PORTABLE = """$TTL 300
@ SOA ns1 host\\.master 7 7200 2 1209600 60
@ NS ns1
@ MX 10 mail.else.test.
@ CAA 0 issue "ca.test; a=b"
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
www 60 EDGE web
*.wild TXT "a\\"b" "\\200;" ""
\\$dollar A 192.0.2.4
a\\.b A 192.0.2.5
_s._tcp SRV 1 2 3 @
alias CNAME www
sub NS ns.sub
ns.sub A 192.0.2.6
sub DS 1 13 2 %s
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
h HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 key999="x y"
n NAPTR 100 10 "u" "sip+E2U" "!^.*$!sip:info@ex.test!" .
t TLSA 3 1 1 %s
u URI 1 2 "https://x.test/"
z TYPE4711 \\# 3 010203
""" % ("ab" * 32, "cd" * 32)
POOLS = 'edges: { e1: { at: "52,5", a: 192.0.2.1 } }\npools: { web: { edges: [ e1 ] } }\n'


@claim("a zone is exported as text that BIND, NSD, Knot and we load as the same zone")
def exported():
    tools = {name: shutil.which(name) for name in ("named-compilezone", "nsd-checkzone", "kzonecheck")}
    with Host(templates=TEMPLATES + POOLS) as s:
        s.write("p.zone", PORTABLE)
        s.zone("add", "p.test", "hosted", s.dir + "/p.zone")
        has(s.zone("export", "p.test", s.dir + "/ours.zone"), "written to")
        has(s.zone("export", "p.test"), 'www\t60\tIN\tEDGE web\n', "; 21 records, serial 7\n")
        s.zone("add", "q.test", "hosted", s.dir + "/p.zone")
        s.zone("remove", "p.test", "--purge")
        s.zone("add", "p.test", "hosted", s.dir + "/ours.zone")
        same(s.zone("export", "p.test"), open(s.dir + "/ours.zone").read())
        s.zone("export", "p.test", s.dir + "/generic.zone", "--generic")
        text = open(s.dir + "/generic.zone").read()
        same("EDGE" in text, False)
        for name, path in tools.items():
            if not path:
                continue
            args = {"named-compilezone": ["-i", "none", "-k", "ignore", "-s", "full", "-o", "-", "p.test", s.dir + "/generic.zone"],
                    "nsd-checkzone": ["p.test", s.dir + "/generic.zone"], "kzonecheck": ["-o", "p.test", s.dir + "/generic.zone"]}[name]
            done = subprocess.run([path] + args, capture_output=True, text=True)
            same(done.returncode, 0, name + ": " + done.stdout[-500:] + done.stderr)
            if name == "named-compilezone":
                # What BIND has made of it, we read as the same.
                s.write("bind.zone", done.stdout)
                s.zone("remove", "p.test", "--purge")
                s.zone("add", "p.test", "hosted", s.dir + "/bind.zone")
                same(s.zone("export", "p.test", "--generic"), text)
        has(s.refused("export", "nix.test"), "there is no zone")
        s.zone("add", "away.test", "second")
        has(s.refused("export", "away.test"), "nothing is served of it yet")


@claim("updates of a frozen zone are refused until it is thawed")
def frozen():
    key = Key("k", b"k" * 32)
    with Host(templates=TEMPLATES.replace("hosted: {", "hosted: { update: [ { key: k } ],") + "keys: { k: %s }\n" % key.yaml()) as s:
        s.zone("add", "one.test", "hosted")

        def change(n):
            packet = (os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, 1, 0) + wire("one.test") + struct.pack(">HH", 6, 1) +
                      wire("n%d.one.test" % n) + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, n]))
            return s.exchange(key.sign(packet)[0], 60)[3] & 15
        same(change(1), NOERROR)
        has(s.zone("freeze", "one.test"), "frozen; updates are refused")
        same(change(2), REFUSED)
        has(s.zone("status", "one.test"), "frozen by")
        has(s.refused("freeze", "one.test"), "frozen already")
        has(s.refused("freeze", "fixed.test"), "nothing to freeze")
        has(s.zone("thaw", "one.test"), "updates are taken again")
        same(change(3), NOERROR)
        has(s.refused("thaw", "one.test"), "is not frozen")
        same((s.udp("n2.one.test").rcode, s.udp("n3.one.test").addresses()), (NXDOMAIN, ["192.0.2.3"]))


@claim("purge drops what is stored of a zone that is not served, and has a secondary fetch it anew")
def purged():
    with Server({"moved.test": ZONE}, start=False) as p:
        p.configure("", "[ { name: moved.test, file: zones/moved.test.zone, transfer: any } ]")
        p.start()
        with Host(p.port) as s:
            s.zone("add", "moved.test", "second")
            until(lambda: s.udp("www.moved.test").addresses(), ["192.0.2.1"])
            s.zone("add", "one.test", "hosted")
            has(s.refused("purge", "one.test"), "which alone has its changes")
            s.zone("remove", "one.test")
            has(s.zone("purge", "one.test"), "nothing is stored of it any more")
            has(s.refused("purge", "one.test"), "nothing is stored of it")
            has(s.zone("purge", "moved.test"), "it is fetched anew")
            until(lambda: "... by         AXFR" in s.zone("status", "moved.test"), True)
            same(s.udp("www.moved.test").addresses(), ["192.0.2.1"])


@claim("secondaries are told of a zone by command")
def notified():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.bind(("127.0.0.1", 0))
        u.settimeout(60 * SLOW)
        with Host(u.getsockname()[1], TEMPLATES.replace("hosted: {", "hosted: { notify: pri,")) as s:
            s.zone("add", "one.test", "hosted")

            def hear():
                packet, source = u.recvfrom(4096)
                u.sendto(packet[:2] + b"\xa4" + packet[3:4] + struct.pack(">HHHH", 1, 0, 0, 0) + packet[12:12 + len(wire("one.test")) + 4], source)
                return packet[2] >> 3 & 15, packet[12:].startswith(wire("one.test"))
            same(hear(), (4, True), "when it is added:")
            has(s.zone("notify", "one.test"), "1 address is told of serial 1")
            same(hear(), (4, True), "by command:")
            has(s.refused("notify", "fixed.test"), "nobody is to be told")


@claim("a draft gathers changes, shows them, and makes them at once")
def draft():
    with Host(templates=TEMPLATES + POOLS) as s:
        s.zone("add", "one.test", "hosted")
        has(s.refused("set", "one.test", "www", "300", "A", "192.0.2.1"), "there is no draft of zone one.test")
        has(s.zone("begin", "one.test"), "a draft of serial 1")
        has(s.refused("begin", "one.test"), "you have a draft of zone one.test already")
        s.zone("set", "one.test", "www", "60", "A", "192.0.2.1")
        s.zone("set", "one.test", "WWW.one.test.", "60", "A", "192.0.2.2")
        s.zone("set", "one.test", "cdn", "30", "EDGE", "web")
        s.zone("set", "one.test", "t", "TXT", '"' + "a b " * 60 + '"', "c")
        s.zone("unset", "one.test", "@", "NS", "ns2.provider.test.")
        has(s.refused("set", "one.test", "www", "60", "A", "192.0.2.256"), "record:1:10: error: 192.0.2.256 is not an IPv4 address")
        has(s.refused("set", "one.test", "www.two.test.", "60", "A", "192.0.2.6"), "www.two.test. is not in the zone one.test.")
        has(s.refused("unset", "one.test", "nix"), "there is nothing at nix.one.test.")
        same(s.zone("diff", "one.test"), "- one.test. 3600 IN NS ns2.provider.test.\n+ www.one.test. 60 IN A 192.0.2.1\n"
             "+ www.one.test. 60 IN A 192.0.2.2\n+ cdn.one.test. 30 IN EDGE web\n"
             "+ t.one.test. 3600 IN TXT \"%s\" \"c\"\n" % ("a b " * 60))
        has(s.zone("status", "one.test"), "draft of")
        same(s.udp("www.one.test").rcode, NXDOMAIN)
        has(s.zone("commit", "one.test"), "serial 2")
        same((sorted(s.udp("www.one.test").addresses()), s.udp("cdn.one.test").addresses()), (["192.0.2.1", "192.0.2.2"], ["192.0.2.1"]))
        s.proc.kill()
        s.proc.wait()
        s.start()
        same(sorted(s.udp("www.one.test").addresses()), ["192.0.2.1", "192.0.2.2"], "after kill -9:")
        s.zone("begin", "one.test")
        s.zone("unset", "one.test", "www")
        has(s.zone("abort", "one.test"), "nothing has changed")
        has(s.refused("commit", "one.test"), "there is no draft")
        same(len(s.udp("www.one.test").addresses()), 2)


@claim("what would make the zone wrong is not committed, and the draft stays")
def draft_wrong():
    with Host(templates=TEMPLATES + POOLS) as s:
        s.zone("add", "one.test", "hosted")
        s.zone("begin", "one.test")
        s.zone("set", "one.test", "www", "60", "A", "192.0.2.1")
        s.zone("set", "one.test", "www", "60", "CNAME", "@")
        s.zone("set", "one.test", "cdn", "60", "EDGE", "nix")
        said = s.refused("commit", "one.test")
        has(said, "CNAME", "www", "nix", "nothing has changed, and the draft is as it was")
        s.zone("unset", "one.test", "@", "NS")
        has(s.refused("commit", "one.test"), "would have no NS at its top")
        s.zone("set", "one.test", "@", "60", "NS", "ns9.provider.test.")
        has(s.refused("set", "one.test", "", "60", "A", "192.0.2.1"), "the name is missing in front of this")
        s.zone("unset", "one.test", "www", "CNAME")
        s.zone("set", "one.test", "cdn", "60", "EDGE", "web")
        has(s.zone("commit", "one.test"), "serial 2")
        has(s.refused("begin", "fixed.test"), "its file is its writer's")
        s.zone("add", "away.test", "second")
        has(s.refused("begin", "away.test"), "comes from a primary: change it there")


@claim("a draft of an older version is committed unless others have touched the same names")
def draft_conflict():
    with Host() as s:
        s.zone("add", "one.test", "hosted")

        def edit(line):
            status, said = s.ctl_with({"EDITOR": "sh -c 'echo \"%s\" >> $0'" % line}, "zone", "edit", "one.test")
            same(status, 0, said)
            return said
        s.zone("begin", "one.test")
        s.zone("set", "one.test", "a", "60", "A", "192.0.2.1")
        has(edit("b 60 IN A 192.0.2.2"), "+ b.one.test. 60 IN A 192.0.2.2", "serial 2")
        has(s.zone("diff", "one.test"), "the draft is of serial 1; by now 2 is served")
        has(s.zone("commit", "one.test"), "serial 3")
        same((s.udp("a.one.test").addresses(), s.udp("b.one.test").addresses()), (["192.0.2.1"], ["192.0.2.2"]))
        s.zone("begin", "one.test")
        s.zone("set", "one.test", "a", "60", "A", "192.0.2.3")
        edit("a 60 IN A 192.0.2.4")
        has(s.refused("commit", "one.test"), "has changed since serial 3", "    a.one.test.")
        same(sorted(s.udp("a.one.test").addresses()), ["192.0.2.1", "192.0.2.4"])


@claim("zone edit checks what was written in the editor, and makes it a change")
def edited():
    with Host(templates=TEMPLATES + POOLS) as s:
        s.zone("add", "one.test", "hosted")
        zone = ("zone", "edit", "one.test")
        status, said = s.ctl_with({"EDITOR": "true"}, *zone)
        same((status, said), (0, "nothing is different\n"))
        status, said = s.ctl_with({"EDITOR": "sh -c 'echo bad 60 IN A 192.0.2.256 >> $0'"}, *zone)
        same(status, 1)
        has(said, "/zone:6:13: error: 192.0.2.256 is not an IPv4 address", "what you have written is in /tmp/waymark-edit")
        shutil.rmtree(re.search("/tmp/waymark-edit[^/]*", said).group())
        status, said = s.ctl_with({"EDITOR": "sed -i -e s/ns2/ns3/ -e '$a cdn 30 EDGE web'"}, *zone)
        same(status, 0, said)
        has(said, "- one.test. 3600 IN NS ns2.provider.test.\n+ one.test. 3600 IN NS ns3.provider.test.\n", "+ cdn.one.test. 30 IN EDGE web", "serial 2")
        same(s.udp("cdn.one.test").addresses(), ["192.0.2.1"])
        status, said = s.ctl_with({"EDITOR": "sed -i 's/ 2 7200 / 2026010100 7200 /'"}, *zone)
        has(said, "serial 2026010100")
        status, said = s.ctl_with({"EDITOR": "false"}, *zone)
        same((status, "failed; nothing is changed" in said), (1, True))
        shutil.rmtree(re.search("/tmp/waymark-edit[^/]*", said).group())
        has(s.ctl_with({"EDITOR": "false"}, "zone", "edit", "fixed.test")[1], "its file is its writer's")
        s.zone("freeze", "one.test")
        has(s.ctl_with({"EDITOR": "false"}, *zone)[1], "is frozen by the user")


SYNC = TEMPLATES.replace("write-back: store", "write-back: sync, update: { key: k }") + "keys: { k: %s }\n"


class Synced(Host):
    """With the zone s.test, whose file the server writes."""
    key = Key("k", b"k" * 32)

    def __init__(self):
        Server.__init__(self, {"s.test": ZONE}, start=False)
        self.path = self.dir + "/zones/s.test.zone"
        self.configure((SYNC % (1, self.key.yaml())) + POOLS, "[ { name: s.test, file: zones/s.test.zone, template: hosted } ]")
        self.start()

    def change(self, name, n):
        packet = (os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, 1, 0) + wire("s.test") + struct.pack(">HH", 6, 1) +
                  wire(name + ".s.test") + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, n]))
        same(self.exchange(self.key.sign(packet)[0], 60)[3] & 15, NOERROR)

    def file(self):
        with open(self.path) as f:
            return f.read()

    def edit(self, old, new):
        text = self.file().replace(old, new)
        same(text != self.file(), True, "nothing to edit in the file:")
        with open(self.path, "w") as f:
            f.write(text)

    def address(self, name):
        return self.udp(name + ".s.test").addresses()

    def in_file(self, what):
        until(lambda: what in self.file(), True)

    def serial(self):
        return int(soa(self, "s.test").split()[2])


@claim("changes are written to the zone's file, and a start with a file that is older is right")
def synced():
    with Synced() as s:
        before = s.file()
        s.change("a", 1)
        s.in_file("a\t60\tIN\tA 192.0.2.1\n")
        s.in_file("; 5 records, serial 8\n")
        same(os.stat(s.path).st_mode & 0o777, 0o644)
        s.change("b", 2)
        s.proc.kill()                                       # maybe before it is written
        s.proc.wait()
        s.start()
        same((s.address("a"), s.address("b"), s.serial()), (["192.0.2.1"], ["192.0.2.2"], 9))
        s.in_file("b\t60\tIN\tA 192.0.2.2\n")
        s.stop()
        with open(s.path, "w") as f:                        # from an old backup
            f.write(before)
        s.start()
        s.in_file("; 6 records, serial 9\n")
        same(s.serial(), 9)
        os.unlink(s.path)
        s.zone("sync", "s.test")
        s.in_file("; 6 records, serial 9\n")


@claim("what a person has changed in the file is never written over, and a reload makes it a change")
def edited_file():
    with Synced() as s:
        s.change("a", 1)
        s.in_file("serial 8\n")
        s.edit("www\t300", "; mine\nwww\t333")
        s.change("b", 2)                                     # somewhere else
        until(lambda: "was changed since it was written" in s.zone("status", "s.test"), True)
        has(s.file(), "; mine\n")
        has(s.refused("sync", "s.test"), "was changed since it was written", "not written")
        same(json.loads(s.ctl("status", "--json")[1])["files_edited"], 1)
        has(s.ctl("status")[1], "1 zone file was changed since the server wrote it")
        same((s.address("b"), s.serial()), (["192.0.2.2"], 9))
        status, said = s.ctl("reload")
        same(status, 0, said)
        has(said, "what was changed in", "is taken: serial 10")
        same((s.udp("www.s.test").answer[0][2], s.address("a"), s.address("b"), s.serial()), (333, ["192.0.2.1"], ["192.0.2.2"], 10))
        s.in_file("; 6 records, serial 10\n")
        with s.connect() as c:                               # who has what was served before gets what is different
            rows = [r for m in transfer(c, ixfr("s.test", 9)) for r in m.answer]
        same([(r.type, r.ttl) for r in rows], [(6, 300), (6, 300), (1, 300), (6, 300), (1, 333), (6, 300)])
        # With a serial of his own, and nobody else at work: the file stays as he likes it.
        s.edit("b\t60\tIN\tA 192.0.2.2\n", "; mine again\nb 61 IN A 192.0.2.22\n")
        s.edit(" 10 7200", " 2026010101 7200")
        status, said = s.ctl("reload")
        same((status, s.serial(), s.address("b")), (0, 2026010101, ["192.0.2.22"]))
        has(s.zone("sync", "s.test"), "its file has serial 2026010101")
        has(s.file(), "; mine again\n")
        s.again()
        same((s.serial(), s.address("b")), (2026010101, ["192.0.2.22"]))
        has(s.file(), "; mine again\n")
        # At a start, too.
        s.stop()
        s.edit("192.0.2.22", "192.0.2.23")
        s.start()
        until(lambda: s.address("b"), ["192.0.2.23"])


@claim("an edit that is wrong, or of names that others have changed, is told and not taken")
def edited_wrong():
    with Synced() as s:
        s.change("a", 1)
        s.in_file("serial 8\n")
        s.edit("A 192.0.2.1\n", "A 192.0.2.1x\n")
        status, said = s.ctl("reload")
        same(status, 1)
        has(said, "s.test.zone:4:11: error: 192.0.2.1x is not an IPv4 address")
        s.edit("A 192.0.2.1x\n", "A 192.0.2.11\n")
        s.change("a", 2)
        status, said = s.ctl("reload")
        same(status, 1)
        has(said, "is not taken: one of the names that are touched has changed since serial 8", "a.s.test.")
        same((sorted(s.address("a")), s.serial()), (["192.0.2.1", "192.0.2.2"], 9))
        has(s.file(), "192.0.2.11")
        status, said = s.ctl("reload", "--json")
        has(said, '"edits": [')
        s.zone("sync", "s.test", "--discard")
        has(s.file(), "192.0.2.1\n", "192.0.2.2\n", "serial 9\n")
        same(s.ctl("reload")[0], 0)


@claim("a frozen zone's file is written, then a person's, and taken when it is thawed")
def frozen_file():
    with Synced() as s:
        s.change("a", 1)
        has(s.zone("freeze", "s.test"), "frozen; change ", "zones/s.test.zone, and")
        has(s.file(), "serial 8\n")
        s.edit("A 192.0.2.1\n", "A 192.0.2.x\n")
        s.ctl("reload")
        same(s.address("a"), ["192.0.2.1"])
        has(s.refused("thaw", "s.test"), "zone:4:11: error", "still frozen")
        s.edit("A 192.0.2.x\n", "A 192.0.2.9\n")
        has(s.zone("thaw", "s.test"), "thawed, serial 9")
        same((s.address("a"), s.serial()), (["192.0.2.9"], 9))
        s.in_file("serial 9\n")
        s.change("b", 2)
        s.zone("freeze", "s.test")
        s.edit("A 192.0.2.9\n", "A 192.0.2.x\n")
        has(s.zone("thaw", "s.test", "--discard"), "thawed, serial 10")
        has(s.file(), "192.0.2.9\n")
        same(s.address("a"), ["192.0.2.9"])


@claim("a zone that is signed here stands unsigned in its file, in the editor and in drafts")
def signed():
    with Synced() as s:
        s.configure((SYNC % (1, s.key.yaml())).replace("hosted: {", "hosted: { dnssec: auto,") + POOLS)
        s.configure(s.config, "[ { name: s.test, file: zones/s.test.zone, template: hosted } ]")
        s.again()
        s.change("a", 1)
        s.in_file("; 5 records, serial 9\n")
        has(s.zone("export", "s.test"), "RRSIG", "DNSKEY")
        has(s.zone("export", "s.test", "--unsigned"), "; 5 records, serial 9\n")
        s.edit("A 192.0.2.1\n", "A 192.0.2.7\n")
        status, said = s.ctl("reload")
        has(said, "is taken: serial 10")
        status, said = s.ctl_with({"EDITOR": "sed -i -e '$a cdn 30 EDGE web'"}, "zone", "edit", "s.test")
        same((status, said), (0, "+ cdn.s.test. 30 IN EDGE web\ns.test.: serial 11\n"))
        s.zone("begin", "s.test")
        s.zone("unset", "s.test", "a")
        same(s.zone("diff", "s.test"), "- a.s.test. 60 IN A 192.0.2.7\n")
        has(s.refused("set", "s.test", "@", "60", "DNSKEY", "257", "3", "15", "A" * 43 + "="), "DNSKEY is made here by signing")
        has(s.zone("commit", "s.test"), "serial 12")
        s.in_file("; 5 records, serial 12\n")
        same((s.udp("a.s.test", "A").rcode, s.udp("www.s.test").addresses()), (NXDOMAIN, ["192.0.2.7"]))


@claim("a zone that is added with write-back: sync gets a file")
def added_file():
    with Synced() as s:
        has(s.refused("add", "n.test", "hosted"), "it is written to a file: name one")
        s.zone("add", "n.test", "hosted", s.dir + "/zones/n.test")
        until(lambda: os.path.exists(s.dir + "/zones/n.test"), True)
        s.zone("begin", "n.test")
        s.zone("set", "n.test", "www", "60", "EDGE", "web")
        s.zone("commit", "n.test")

        def written():
            with open(s.dir + "/zones/n.test") as f:
                return "www\t60\tIN\tEDGE web\n" in f.read()
        until(written, True)
        s.again()
        same(s.udp("www.n.test").addresses(), ["192.0.2.1"])
        s.zone("remove", "n.test")
        s.zone("add", "n.test", "hosted", s.dir + "/zones/n.test", "--stored")
        same(s.udp("www.n.test").addresses(), ["192.0.2.1"])
        s.zone("sync", "n.test")


run("zone-commands")
