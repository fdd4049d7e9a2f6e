#!/usr/bin/python3
"""fleet - real nameservers beside ours, in other parts than interop.py has: updates that we send on to them, steered
names that they answer as our secondaries, and catalogs both ways.

Each that is not installed is skipped. Everything is on loopback. --seed S of what is random.
"""
import argparse
import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
from xfr import *

ask = argparse.ArgumentParser()
ask.add_argument("--seed", type=int, default=int(time.time()))
SEED = ask.parse_known_args()[0].seed
sys.argv = sys.argv[:1] + [word for word in sys.argv[1:] if word.isidentifier()]         # claims
print("seed %d" % SEED)
KEY = Key("xfr.test", os.urandom(32))
SECRET = base64.b64encode(KEY.secret).decode()
ZONE = "$ORIGIN dyn.test.\n$TTL 300\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.1\n"
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
PATIENCE_S = 60


def which(program):
    path = shutil.which(program, path=FOLDERS)
    if not path:
        raise Skip("%s is not installed" % program)
    return path


def until(what, wanted, *said):
    end = time.monotonic() + PATIENCE_S * SLOW
    while True:
        try:
            got = what()
        except (AssertionError, IndexError, OSError) as why:
            got = why
        if got == wanted:
            return
        if time.monotonic() > end:
            raise AssertionError("got %r, wanted %r\n%s" % (got, wanted, "\n".join(s() for s in said)))
        time.sleep(0.05)


class Real:
    """A real nameserver with a folder of its own; its `configure` writes what it needs there and returns its command line."""

    def __init__(self):
        self.path = which(self.program)
        self.port, self.proc = free_port(), None
        self.dir = tempfile.mkdtemp(prefix="waymark-fleet.")

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def start(self, argv):
        self.log = open(os.path.join(self.dir, "log"), "a")
        self.proc = subprocess.Popen(argv, cwd=self.dir, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return self

    def said(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()[-3000:]

    def stop(self):
        if self.proc:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, name, qtype="A"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect(("127.0.0.1", self.port))
            s.send(query(name, qtype))
            return Message(s.recv(65535))

    def addresses(self, name):
        return sorted(self.ask(name).addresses())


class Named(Real):
    program = "named"

    def begin(self, zones, options="", more=""):
        self.write("named.conf", """
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none; notify no;
	allow-transfer { 127.0.0.1; }; dnssec-validation no; session-keyfile none; %s };
controls { };
key "xfr.test" { algorithm hmac-sha256; secret "%s"; };
%s%s""" % (self.dir, self.port, options, SECRET, more, zones))
        return self.start([self.path, "-g", "-n", "1", "-c", self.dir + "/named.conf"])


class Knot(Real):
    program = "knotd"

    def begin(self, zones, remotes="", acls="", templates="", port=None):
        self.write("knot.conf", """
server:
  listen: 127.0.0.1@%d
  rundir: "%s"
  udp-workers: 1
  tcp-workers: 2
  background-workers: 2
log:
 - target: stdout
   any: info
database:
  storage: "%s"
key:
 - id: xfr.test
   algorithm: hmac-sha256
   secret: %s
%s%s
template:
 - id: default
   storage: "%s"
%s
zone:
%s""" % (self.port, self.dir, self.dir, SECRET, remotes, acls, self.dir, templates, zones))
        return self.start([self.path, "-c", self.dir + "/knot.conf"])


class Nsd(Real):
    program = "nsd"

    def begin(self, zones):
        self.write("nsd.conf", """
server:
 ip-address: 127.0.0.1@%d
 server-count: 1
 zonesdir: "%s"
 database: ""
 xfrdfile: "%s/xfrd.state"
 xfrdir: "%s"
 zonelistfile: "%s/zone.list"
 pidfile: ""
 username: ""
 verbosity: 2
 xfrd-reload-timeout: 0
remote-control:
 control-enable: no
key:
 name: xfr.test
 algorithm: hmac-sha256
 secret: "%s"
%s""" % (self.port, self.dir, self.dir, self.dir, self.dir, SECRET, zones))
        return self.start([self.path, "-d", "-c", self.dir + "/nsd.conf"])


class Pdns(Real):
    program, SCHEMA = "pdns_server", "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

    def util(self, *words):
        done = subprocess.run([which("pdnsutil"), "--config-dir=" + self.dir] + list(words), capture_output=True, text=True)
        same(done.returncode, 0, "pdnsutil %s: %s" % (" ".join(words), done.stderr))

    def prepare(self, more=""):
        if not os.path.exists(self.SCHEMA):
            raise Skip("pdns-backend-sqlite3 is not installed")
        with open(self.SCHEMA) as f:
            db = sqlite3.connect(self.dir + "/pdns.db")
            db.executescript(f.read())
            db.close()
        self.write("pdns.conf", """
launch=gsqlite3
gsqlite3-database=%s/pdns.db
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
local-port=%d
secondary=yes
xfr-cycle-interval=1
allow-axfr-ips=127.0.0.1
allow-notify-from=127.0.0.1
socket-dir=%s
daemon=no
guardian=no
query-cache-ttl=0
cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
%s""" % (self.dir, self.port, self.dir, more))
        self.util("import-tsig-key", "xfr.test", "hmac-sha256", SECRET)
        return self

    def begin(self):
        return self.start([self.path, "--config-dir=" + self.dir])


# ------------------------------------------------------------------ updates are sent on

def nsupdate(server, *lines, key=True, tcp=False):
    done = subprocess.run([which("nsupdate")] + (["-v"] if tcp else []) + (["-y", "hmac-sha256:xfr.test:" + SECRET] if key else []),
                          input="server 127.0.0.1 %d\nzone dyn.test\n%s\nsend\n" % (server.port, "\n".join(lines)), capture_output=True, text=True,
                          timeout=60)
    return done.returncode, (done.stdout + done.stderr).strip()


def sends_on(primary):
    """A server of ours in front of a real primary, once with the key of who asks and once without."""
    for keys in ("keys: { xfr.test: { secret: \"%s\" } }\n" % SECRET, ""):
        with Server({}, start=False) as s:
            s.configure(keys + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % primary.port,
                        "[ { name: dyn.test, primary: pri, forward-updates: any } ]")
            s.start()
            until(lambda: s.udp("www.dyn.test").addresses(), ["192.0.2.1"], s.said, primary.said)
            for i, tcp in enumerate((False, True)):
                name = "n%d-%d.dyn.test" % (i, len(keys))
                same(nsupdate(s, "prereq nxdomain " + name, "update add %s 60 A 192.0.2.7" % name, tcp=tcp), (0, ""), primary.said())
                same(primary.addresses(name), ["192.0.2.7"])
                code, said = nsupdate(s, "prereq nxdomain " + name, "update add %s 60 A 192.0.2.8" % name, tcp=tcp)
                same((code, "YXDOMAIN" in said), (2, True), said)
                code, said = nsupdate(s, "update add x.dyn.test 60 A 192.0.2.8", key=False, tcp=tcp)
                same((code, "REFUSED" in said or "NOTAUTH" in said), (2, True), said)
            s.ctl("zone", "refresh", "dyn.test")
            until(lambda: s.udp(name).addresses(), ["192.0.2.7"], s.said)


@claim("named is changed through a server of ours that is its secondary, by nsupdate")
def named_updates():
    with Named() as primary:
        primary.write("dyn.test.zone", ZONE)
        primary.begin("zone \"dyn.test\" { type primary; file \"dyn.test.zone\"; allow-update { key xfr.test; }; };")
        until(lambda: primary.addresses("www.dyn.test"), ["192.0.2.1"], primary.said)
        sends_on(primary)


@claim("knotd is changed through a server of ours that is its secondary, by nsupdate")
def knot_updates():
    with Knot() as primary:
        primary.write("dyn.test.zone", ZONE)
        primary.begin(" - domain: dyn.test\n   acl: [ out, update ]\n", acls="acl:\n - id: out\n   address: 127.0.0.1\n   action: transfer\n"
                      " - id: update\n   key: xfr.test\n   action: update\n")
        until(lambda: primary.addresses("www.dyn.test"), ["192.0.2.1"], primary.said)
        sends_on(primary)


# ------------------------------------------------------------------ steered names at others

def follows_edges(peer, begin):
    """A secondary that knows no EDGE answers with the edges that are up, and has each change by NOTIFY."""
    with Server({"cdn.test": "$TTL 300\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\nwww 30 EDGE web\n"}, start=False) as s:
        s.configure("keys: { xfr.test: { secret: \"%s\" } }\nstore: { file: waymark.db }\n"
                    "peers: { peer: { at: \"127.0.0.1:%d\", key: xfr.test, edge-as: addresses } }\n"
                    "edges: { e1: { at: \"1,1\", a: 192.0.2.1 }, e2: { at: \"2,2\", a: 192.0.2.2 } }\n"
                    "pools: { web: { edges: [ e1, e2 ], default: [ e1 ] } }\nbalance: { drain: 1s, slow-start: 0s }" % (SECRET, peer.port),
                    "[ { name: cdn.test, file: zones/cdn.test.zone, transfer: peer, notify: peer } ]")
        s.start()
        begin(s.port)
        until(lambda: peer.addresses("www.cdn.test"), ["192.0.2.1"], peer.said, s.said)
        for state, wanted in (("down", "192.0.2.2"), ("auto", "192.0.2.1"), ("drain", "192.0.2.2")):
            same(s.ctl("force", "e1", state)[0], 0)
            until(lambda: peer.addresses("www.cdn.test"), [wanted], peer.said, s.said)
        s.stop()
        s.start()
        until(lambda: s.udp("www.cdn.test").addresses(), ["192.0.2.2"], s.said)     # the drain is in the store
        same(s.ctl("force", "e1", "auto")[0], 0)
        until(lambda: peer.addresses("www.cdn.test"), ["192.0.2.1"], peer.said, s.said)


@claim("nsd follows edges that go down and come back")
def nsd_edges():
    with Nsd() as peer:
        follows_edges(peer, lambda port: peer.begin(
            "zone:\n name: cdn.test\n request-xfr: 127.0.0.1@%d xfr.test\n allow-notify: 127.0.0.1 xfr.test\n" % port))


@claim("knotd follows edges that go down and come back")
def knot_edges():
    with Knot() as peer:
        follows_edges(peer, lambda port: peer.begin(
            " - domain: cdn.test\n   master: ours\n   acl: notify\n", "remote:\n - id: ours\n   address: 127.0.0.1@%d\n   key: xfr.test\n" % port,
            "acl:\n - id: notify\n   key: xfr.test\n   action: notify\n"))


@claim("named follows edges that go down and come back")
def named_edges():
    with Named() as peer:
        follows_edges(peer, lambda port: peer.begin("zone \"cdn.test\" { type secondary; file \"cdn\"; primaries { 127.0.0.1 port %d key xfr.test; }; };" % port))


@claim("pdns_server follows edges that go down and come back")
def pdns_edges():
    with Pdns() as peer:
        def begin(port):
            peer.prepare().util("create-secondary-zone", "cdn.test", "127.0.0.1:%d" % port)
            peer.util("activate-tsig-key", "cdn.test", "xfr.test", "secondary")
            peer.begin()
        follows_edges(peer, begin)


# ------------------------------------------------------------------ catalogs

MEMBER = "$ORIGIN %s.\n$TTL 300\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.%d\n"


def follows_ours(peer, begin):
    """Follows a catalog that we make: members come, change and go."""
    with Server({"a.test": MEMBER % ("a.test", 1)}, start=False) as s:
        s.configure("store: { file: waymark.db }\npeers: { peer: { at: \"127.0.0.1:%d\" } }\n"
                    "templates: { hosted: { transfer: 127.0.0.1, notify: peer }, gold: { transfer: 127.0.0.1, notify: peer } }" % peer.port,
                    "[ { dir: zones, template: hosted }, { name: g.test, file: g.zone, template: gold }, { catalog: cat.invalid, "
                    "produce: [ hosted, gold ], groups: { gold: gold }, transfer: 127.0.0.1, notify: peer } ]")
        s.write("g.zone", MEMBER % ("g.test", 9))
        s.start()
        begin(s.port)
        until(lambda: (peer.addresses("www.a.test"), peer.addresses("www.g.test")), (["192.0.2.1"], ["192.0.2.9"]), peer.said, s.said)
        s.write("zones/b.test.zone", MEMBER % ("b.test", 2))
        same(s.ctl("reload")[0], 0)
        until(lambda: peer.addresses("www.b.test"), ["192.0.2.2"], peer.said, s.said)
        os.remove(s.dir + "/zones/a.test.zone")
        same(s.ctl("reload")[0], 0)
        until(lambda: peer.ask("www.a.test").rcode, REFUSED, peer.said, s.said)
        same((peer.addresses("www.b.test"), peer.addresses("www.g.test")), (["192.0.2.2"], ["192.0.2.9"]))


@claim("named follows a catalog that we make")
def named_follows():
    with Named() as peer:
        follows_ours(peer, lambda port: peer.begin(
            "zone \"cat.invalid\" { type secondary; file \"cat\"; primaries { 127.0.0.1 port %d; }; };" % port,
            "catalog-zones { zone \"cat.invalid\" default-primaries { 127.0.0.1 port %d; } min-update-interval 1; };" % port))


@claim("knotd follows a catalog that we make, with its groups as templates")
def knot_follows():
    with Knot() as peer:
        follows_ours(peer, lambda port: peer.begin(
            " - domain: cat.invalid\n   master: ours\n   acl: notify\n   catalog-role: interpret\n   catalog-template: [ member, gold ]\n",
            "remote:\n - id: ours\n   address: 127.0.0.1@%d\n" % port, "acl:\n - id: notify\n   address: 127.0.0.1\n   action: notify\n",
            " - id: member\n   storage: \"%s\"\n   master: ours\n   acl: notify\n - id: gold\n   storage: \"%s\"\n   master: ours\n   acl: notify\n   journal-content: none\n" %
            (peer.dir, peer.dir)))


@claim("pdns_server follows a catalog that we make")
def pdns_follows():
    with Pdns() as peer:
        def begin(port):
            peer.prepare().util("create-secondary-zone", "cat.invalid", "127.0.0.1:%d" % port)
            peer.util("set-kind", "cat.invalid", "consumer")
            peer.begin()
        follows_ours(peer, begin)


def we_follow(peer, catalog, begin, change):
    """A server of ours follows a catalog of theirs. `begin` starts it with a.test; `change` puts b.test in its place."""
    with Server({}, start=False) as s:
        s.configure("store: { file: waymark.db }\npeers: { peer: { at: \"127.0.0.1:%d\" } }\ntemplates: { hosted: { primary: peer }, gold: { primary: peer, transfer: any } }" % peer.port,
                    "[ { catalog: %s, primary: peer, template: hosted, groups: { gold: gold } } ]" % catalog)
        begin(s.port)
        s.start()
        until(lambda: s.udp("www.a.test").addresses(), ["192.0.2.1"], s.said, peer.said)
        change()

        def ask():
            s.ctl("zone", "refresh", catalog)
            return s.udp("www.b.test").addresses(), s.udp("www.a.test").rcode
        until(ask, (["192.0.2.2"], REFUSED), s.said, peer.said)
        s.stop()
        peer.stop()
        s.start()
        same(s.udp("www.b.test").addresses(), ["192.0.2.2"], "after a restart without it:")


def catalog_text(serial, member):
    return ("$TTL 0\n@ SOA invalid. invalid. %d 3600 600 2147483646 0\n@ NS invalid.\nversion TXT 2\nu%s.zones PTR %s.\ngroup.u%s.zones TXT gold\n" %
            (serial, member[0], member, member[0]))


@claim("we follow a catalog of named, which is a file there")
def follow_named():
    with Named() as peer:
        zone = "zone \"%s\" { type primary; file \"%s\"; };\n"
        def write(serial, member):
            peer.write("cat.invalid", catalog_text(serial, member))
        for i, m in enumerate(("a.test", "b.test")):
            peer.write(m, MEMBER % (m, i + 1))
        def begin(_):
            write(1, "a.test")
            peer.begin("".join(zone % (z, z) for z in ("cat.invalid", "a.test", "b.test")))
            until(lambda: peer.addresses("www.b.test"), ["192.0.2.2"], peer.said)
        def change():
            write(2, "b.test")
            peer.proc.send_signal(signal.SIGHUP)
        we_follow(peer, "cat.invalid", begin, change)


@claim("we follow a catalog that knotd makes")
def follow_knot():
    with Knot() as peer:
        for i, m in enumerate(("a.test", "b.test")):
            peer.write(m + ".zone", MEMBER % (m, i + 1))
        def conf(member):
            return (" - domain: cat.invalid\n   acl: out\n   catalog-role: generate\n - domain: %s\n   acl: out\n   catalog-role: member\n   catalog-zone: cat.invalid\n"
                    "   catalog-group: gold\n" % member, "", "acl:\n - id: out\n   address: 127.0.0.1\n   action: transfer\n")
        def begin(_):
            peer.begin(*conf("a.test"))
            until(lambda: peer.addresses("www.a.test"), ["192.0.2.1"], peer.said)
        def change():
            real, peer.start = peer.start, lambda argv: None
            peer.begin(*conf("b.test"))
            peer.start = real
            peer.proc.send_signal(signal.SIGHUP)
        we_follow(peer, "cat.invalid", begin, change)


@claim("we follow a catalog that pdns_server makes")
def follow_pdns():
    with Pdns() as peer:
        def begin(_):
            peer.prepare("primary=yes\n")
            for i, m in enumerate(("a.test", "b.test")):
                peer.write(m, MEMBER % (m, i + 1))
                peer.util("load-zone", m, peer.dir + "/" + m)
                peer.util("set-kind", m, "primary")
            peer.util("create-zone", "cat.invalid")
            peer.util("set-kind", "cat.invalid", "producer")
            peer.util("set-catalog", "a.test", "cat.invalid")
            peer.begin()
            until(lambda: peer.addresses("www.a.test"), ["192.0.2.1"], peer.said)
        def change():
            peer.util("set-catalog", "a.test", "")
            peer.util("set-catalog", "b.test", "cat.invalid")
        we_follow(peer, "cat.invalid", begin, change)


@claim("of two of ours one has the members of the other's catalog, through random changes and kill -9 of both")
def ours_follow_ours():
    rng, zones = random.Random(SEED), {}
    with Server({}, start=False) as p, Server({}, start=False) as s:
        p.configure("store: { file: waymark.db }\npeers: { sec: { at: \"127.0.0.1:%d\" } }\ntemplates: { hosted: { transfer: any, notify: sec } }\n"
                    "reload: { zones-lost: 100%% }" % s.port,
                    "[ { dir: zones, template: hosted }, { catalog: cat.invalid, produce: hosted, transfer: any, notify: sec } ]")
        s.configure("store: { file: waymark.db }\npeers: { pri: { at: \"127.0.0.1:%d\" } }\ntemplates: { hosted: { primary: pri } }" % p.port,
                    "[ { catalog: cat.invalid, primary: pri, template: hosted } ]")
        p.start()
        s.start()

        def wrong():
            with sqlite3.connect("file:%s/waymark.db?mode=ro" % s.dir, uri=True) as db:
                stored = set(bytes(a) for a, in db.execute("SELECT apex FROM zone"))
            return [stored ^ set(wire(z) for z in list(zones) + ["cat.invalid"]),
                    [z for z, n in zones.items() if s.udp("www." + z).addresses() != ["192.0.2.%d" % n]]]
        for serial in range(2, 18):
            for _ in range(rng.randrange(1, 30)):
                name = "m%d.test" % rng.randrange(60)
                if name in zones and rng.random() < 0.6:
                    os.remove(p.dir + "/zones/%s.zone" % name)
                    del zones[name]
                else:
                    zones[name] = rng.randrange(250)
                    p.write("zones/%s.zone" % name, (MEMBER % (name, zones[name])).replace("host 1 7200 900", "host %d 7200 2" % serial))
            code, said = p.ctl("reload")
            same(code, 0, said)
            time.sleep(rng.choice([0, 0.01, 0.1, 0.3]))
            for server in rng.choice([[], [p], [s], [p, s]]):
                server.proc.kill()
                server.proc.wait()
                server.start()
            if serial % 4 == 1:
                until(wrong, [set(), []], s.said, p.said)


run("fleet")
