#!/usr/bin/python3
"""interop - we are the primary of real nameservers: named, nsd, knotd and pdns_server are told of random changes and fetch them, with
and without TSIG, unsigned and signed zones; after each change all have the same zone. dig, kdig and drill take it, too. And we are
the secondary of each of them: a server of ours behind it has the same zones, also after kill -9.

Each that is not installed is skipped. --changes N (20), --seed S, --peers "named nsd".
"""
import argparse
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
from xfr import *

ask = argparse.ArgumentParser()
ask.add_argument("--changes", type=int, default=20)
ask.add_argument("--seed", type=int, default=int(time.time()))
ask.add_argument("--peers", default="named nsd knotd pdns")
wanted = ask.parse_args()
sys.argv = sys.argv[:1]
rng = random.Random(wanted.seed)
PATIENCE_S = 60
KEY = Key("xfr.test", bytes(rng.randrange(256) for _ in range(32)))
SECRET = base64.b64encode(KEY.secret).decode()
ZONES = {"plain.test": False, "plain-key.test": True, "nsec3.test": False, "nsec-key.test": True,     # and is a key needed?
         "ours.test": False, "ours-nsec3-key.test": True}                                             # ... that we sign
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")


def which(program):
    path = shutil.which(program, path=FOLDERS)
    if not path:
        raise Skip("%s is not installed" % program)
    return path


# ------------------------------------------------------------------ zones that change

def lax(m):
    """An answer of theirs: PowerDNS has pointers into RDATA of SRV and NAPTR."""
    return Parser(m, strict=False)


class Zone:
    """Random records, changed at random; the text has one a line."""

    def __init__(self, name, dir):
        self.name, self.dir, self.serial, self.sets = name, dir, rng.randrange(1, 1 << 32), {}
        self.keys = []
        if name.startswith("nsec"):
            for flags in ([], ["-k"]):
                done = subprocess.run([which("ldns-keygen"), "-a", "ECDSAP256SHA256"] + flags + [name], cwd=dir, capture_output=True, text=True)
                self.keys.append(done.stdout.strip())
        for _ in range(rng.randrange(50, 300)):
            self.add()

    def label(self):
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-_") for _ in range(rng.randrange(1, 12))).strip("-") or "x"

    def add(self):
        kind = rng.choice(["A", "AAAA", "MX", "TXT", "SRV", "CNAME", "CUT", "EDGE", "TYPE4711", "CAA", "NAPTR", "WILD", "DNAME", "MANY"])
        if kind == "EDGE" and self.name.startswith("ours"):
            kind = "A"                                      # PowerDNS makes bitmaps of its own, and knows no pools
        owner = ".".join(self.label() for _ in range(rng.randrange(1, 4)))
        # Each kind has a branch of the zone, so that none is in another's way.
        owner = "%s.%s" % (owner, kind.lower())
        host = "%s.a" % self.label()
        rows = {"A": ["A 192.0.2.%d" % rng.randrange(256)], "AAAA": ["AAAA 2001:db8::%x" % rng.randrange(65536)],
                "MX": ["MX %d %s" % (n, host) for n in range(rng.randrange(1, 5))],
                "TXT": ["TXT \"%s\"" % ("v" * rng.randrange(200)), "TXT \"a b\" \"c\""], "SRV": ["SRV 1 2 %d %s" % (rng.randrange(65536), host)],
                "CNAME": ["CNAME " + host], "EDGE": [r"TYPE65301 \# 4 03776562", "TXT \"beside\""],
                "TYPE4711": [r"TYPE4711 \# 5 00ffc00c%02x" % rng.randrange(256)], "CAA": ["CAA 0 issue \"ca.example\""],
                "NAPTR": ["NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" " + host], "DNAME": ["DNAME " + host],
                "MANY": ["A 10.%d.%d.%d" % (rng.randrange(256), n >> 8, n & 255) for n in range(rng.randrange(100, 400))]}
        if kind == "WILD":
            self.sets["*." + owner] = ["A 192.0.2.1", "MX 1 " + host]
        elif kind == "CUT":
            self.sets["%s.cut" % self.label()] = None       # with glue
        elif kind == "DNAME":
            self.sets["%s.dname" % self.label()] = rows[kind]
        else:
            self.sets[owner] = rows[kind]

    def change(self):
        for _ in range(rng.choice([1, 1, 3, 30])):
            if self.sets and rng.random() < 0.5:
                self.sets.pop(rng.choice(sorted(self.sets)))
            else:
                self.add()
        self.serial = (self.serial + rng.choice([1, 1, 1, 1000])) & 0xffffffff

    def text(self):
        rows = ["$TTL 300", "@ SOA ns1 hostmaster %d 3600 600 86400 60" % self.serial, "@ NS ns1", "ns1 A 192.0.2.53"]
        for owner, sets in sorted(self.sets.items()):
            rows += ["%s NS ns.%s" % (owner, owner), "ns.%s A 192.0.2.9" % owner] if sets is None else ["%s %s" % (owner, r) for r in sets]
        return self.signed("\n".join(rows) + "\n") if self.keys else "\n".join(rows) + "\n"

    def signed(self, text):
        source, to = os.path.join(self.dir, "unsigned"), os.path.join(self.dir, "signed")
        with open(source, "w") as f:
            f.write("$ORIGIN %s.\n%s" % (self.name, text))
        done = subprocess.run([which("ldns-signzone")] + (["-n", "-t", "0"] if self.name.startswith("nsec3") else []) +
                              ["-o", self.name, "-f", to, source] + self.keys, cwd=self.dir, capture_output=True, text=True)
        same(done.returncode, 0, done.stderr)
        with open(to) as f:
            return f.read()


# ------------------------------------------------------------------ the others

class Peer:
    """A real nameserver, secondary of all zones."""

    def __init__(self, name, program):
        self.name, self.program = name, which(program)
        self.port = free_port()
        self.dir = tempfile.mkdtemp(prefix="waymark-interop-%s." % name)
        self.proc = None

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def start(self, primary):
        argv = self.configure(primary.port)
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.proc = subprocess.Popen(argv, cwd=self.dir, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def stop(self):
        if self.proc:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def said(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()[-3000:]

    def serial(self, zone):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(1)
                s.connect(("127.0.0.1", self.port))
                s.send(query(zone, "SOA"))
                m = lax(s.recv(65535))
            return struct.unpack(">I", m.answer[0].data[-20:-16])[0] if m.answer and m.answer[0].type == 6 else None
        except OSError:
            return None

    def zone(self, zone):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s:
            return sorted(zone_of(transfer(s, query(zone, "AXFR"), parse=lax)))


    def as_it_has(self, records):
        return records


class Named(Peer):
    def configure(self, port):
        zones = "".join("zone \"%s\" { type secondary; file \"%s\"; primaries { 127.0.0.1 port %d%s; }; };\n" %
                        (z, z, port, " key xfr.test" if key else "") for z, key in ZONES.items())
        self.write("named.conf", """
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none; notify no;
	max-records-per-type 0; allow-transfer { 127.0.0.1; }; dnssec-validation no; session-keyfile none; };
controls { };
key "xfr.test" { algorithm hmac-sha256; secret "%s"; };
%s""" % (self.dir, self.port, SECRET, zones))
        return [self.program, "-g", "-n", "1", "-c", self.dir + "/named.conf"]


class Nsd(Peer):
    def configure(self, port):
        zones = "".join("zone:\n name: %s\n request-xfr: 127.0.0.1@%d %s\n allow-notify: 127.0.0.1 %s\n provide-xfr: 127.0.0.1 NOKEY\n" %
                        (z, port, "xfr.test" if key else "NOKEY", "xfr.test" if key else "NOKEY") for z, key in ZONES.items())
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
        return [self.program, "-d", "-c", self.dir + "/nsd.conf"]


class Knot(Peer):
    def configure(self, port):
        zones = "".join(" - domain: %s\n   master: %s\n   acl: [ %s, out ]\n" % (z, "keyed" if key else "plain", "keyed" if key else "plain")
                        for z, key in ZONES.items())
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
remote:
 - id: plain
   address: 127.0.0.1@%d
 - id: keyed
   address: 127.0.0.1@%d
   key: xfr.test
acl:
 - id: plain
   address: 127.0.0.1
   action: notify
 - id: keyed
   address: 127.0.0.1
   key: xfr.test
   action: notify
 - id: out
   address: 127.0.0.1
   action: transfer
template:
 - id: default
   storage: "%s"
zone:
%s""" % (self.port, self.dir, self.dir, SECRET, port, port, self.dir, zones))
        return [self.program, "-c", self.dir + "/knot.conf"]


class Pdns(Peer):
    SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

    def as_it_has(self, records):
        """It keeps NSEC3PARAM apart, without its TTL."""
        return sorted(r._replace(ttl=0) if r.type == 51 else r for r in records)

    def util(self, *words):
        done = subprocess.run([which("pdnsutil"), "--config-dir=" + self.dir] + list(words), capture_output=True, text=True)
        same(done.returncode, 0, "pdnsutil %s: %s" % (" ".join(words), done.stderr))

    def configure(self, port):
        if not os.path.exists(self.SCHEMA):
            raise Skip("pdns-backend-sqlite3 is not installed")
        import sqlite3
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
socket-dir=%s
daemon=no
guardian=no
query-cache-ttl=0
cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
""" % (self.dir, self.port, self.dir))
        self.util("import-tsig-key", "xfr.test", "hmac-sha256", SECRET)
        for z, key in ZONES.items():
            self.util("create-secondary-zone", z, "127.0.0.1:%d" % port)
            if key:
                self.util("activate-tsig-key", z, "xfr.test", "secondary")
        return [self.program, "--config-dir=" + self.dir]


class Behind:
    """A server of ours, secondary of a real one."""

    def __init__(self, peer):
        self.peer, self.name = peer, "ours behind " + peer.name
        self.server = Server({}, start=False)
        self.server.configure("peers: { up: { at: \"127.0.0.1:%d\" } }\nstore: { file: waymark.db }\n"
                              "edges: { e: { at: \"1,1\", a: 192.0.2.7 } }\npools: { web: { edges: [ e ] } }" % peer.port,
                              "[ %s ]" % ", ".join("{ name: %s, primary: up, transfer: any }" % z for z in ZONES))
        self.server.start()

    def said(self):
        return self.server.said()[-3000:]

    def serial(self, zone):
        self.server.ctl("zone", "refresh", zone)             # nobody tells it: its primary knows other secondaries alone
        m = self.server.udp(zone, "SOA")
        return int(m.answer[0][3].split()[2]) if m.answer else None

    def zone(self, zone):
        with self.server.connect() as s:
            return sorted(zone_of(transfer(s, query(zone, "AXFR"))))

    def as_it_has(self, records):
        return self.peer.as_it_has(records)

    def kill(self):
        self.server.proc.kill()
        self.server.proc.wait()
        self.server.start()

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.server.dir, ignore_errors=True)


VERIFIERS = [["ldns-verify-zone"], ["kzonecheck", "-d", "on", "-o", "ZONE"], ["dnssec-verify", "-q", "-z", "-o", "ZONE"]]
PEERS = {"named": (Named, "named"), "nsd": (Nsd, "nsd"), "knotd": (Knot, "knotd"), "pdns": (Pdns, "pdns_server")}


# ------------------------------------------------------------------ all of them at once

class Fleet:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="waymark-interop.")
        self.zones, self.peers, self.missing, self.behind = {}, [], {}, []
        for z in ZONES:
            os.mkdir(self.folder + "/" + z)
            self.zones[z] = Zone(z, self.folder + "/" + z)
        for name in wanted.peers.split():
            try:
                self.peers.append(PEERS[name][0](name, PEERS[name][1]))
            except Skip as why:
                self.missing[name] = why
        self.primary = Server({z: zone.text() for z, zone in self.zones.items()}, start=False)
        config = "keys: { xfr.test: { secret: \"%s\" } }\npeers:\n" % SECRET
        for p in self.peers:
            config += "  %s: { at: \"127.0.0.1:%d\" }\n  %s-key: { at: \"127.0.0.1:%d\", key: xfr.test }\n" % (p.name, p.port, p.name, p.port)
        if not self.peers:
            config = config.replace("peers:\n", "")
        config += "store: { file: waymark.db }\ndnssec: { nsec3: { denial: nsec3 } }\n"
        config += "edges: { e: { at: \"1,1\", a: 192.0.2.7 } }\npools: { web: { edges: [ e ] } }\n"
        entry = "{ name: %s, file: zones/%s.zone, transfer: [ %s ], notify: [ %s ]%s }"
        self.primary.configure(config, "[ %s ]" % ", ".join(
            entry % (z, z, "{ key: xfr.test }" if key else "127.0.0.1", ", ".join(p.name + ("-key" if key else "") for p in self.peers),
                     "" if not z.startswith("ours") else ", dnssec: nsec3" if "nsec3" in z else ", dnssec: auto")
            for z, key in ZONES.items()))
        self.primary.start()
        for p in list(self.peers):
            try:
                p.start(self.primary)
            except Skip as why:
                self.missing[p.name] = why
                self.peers.remove(p)

    def stop(self):
        for p in self.behind + self.peers:
            p.stop()
        self.primary.stop()
        shutil.rmtree(self.primary.dir, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ours(self, zone):
        packet, before = query(zone, "AXFR"), []
        if ZONES[zone]:
            packet, mac = KEY.sign(packet)
            before.append(mac)
        with self.primary.connect() as s:
            messages = transfer(s, packet, lambda m: before and before.append(KEY.verify(m, before[-1], first=len(before) == 1)))
        return sorted(zone_of(messages))

    def change(self, zones):
        for z in zones:
            self.zones[z].change()
            self.primary.write("zones/%s.zone" % z, self.zones[z].text())
        code, said = self.primary.ctl("reload")
        same(code, 0, said)

    def serial(self, zone):
        """One that we sign may be ahead of its file."""
        got = int(self.primary.tcp(zone, "SOA").answer[0][3].split()[2])
        ahead = (got - self.zones[zone].serial) & 0xffffffff
        assert not ahead or (zone.startswith("ours") and ahead < 1 << 31), (zone, got, self.zones[zone].serial)
        return got

    def theirs(self, p, zone):
        """nsd resets connections of the process that its next one replaces."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return p.zone(zone)
            except ConnectionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def agree(self, p, zones):
        for z in zones:
            serial, end = self.serial(z), time.monotonic() + PATIENCE_S
            while p.serial(z) != serial:
                if time.monotonic() > end:
                    raise AssertionError("%s has serial %r of %s, not %d (seed %d)\n%s\n%s" % (
                        p.name, p.serial(z), z, serial, wanted.seed, p.said(), self.primary.said()[-2000:]))
                time.sleep(0.03)
            got, want = p.as_it_has(self.theirs(p, z)), p.as_it_has(self.ours(z))
            if got != want:
                raise AssertionError("%s has another %s: without %r, with %r (seed %d)" % (
                    p.name, z, sorted(set(want) - set(got))[:3], sorted(set(got) - set(want))[:3], wanted.seed))


    def verify(self, zone):
        """What others' programs find in a zone that we have signed; those that are installed."""
        key = ["-y", "hmac-sha256:xfr.test:" + SECRET] if ZONES[zone] else []
        path = os.path.join(self.folder, zone, "axfr")
        with open(path, "w") as f:
            subprocess.run([which("dig"), "@127.0.0.1", "-p", str(self.primary.port), *key, zone, "AXFR", "+noall", "+answer", "+onesoa"],
                           stdout=f, check=True, timeout=60)
        found = [(program, *words) for program, *words in VERIFIERS if shutil.which(program, path=FOLDERS)]
        for program, *words in found:
            done = subprocess.run([which(program), *(zone if w == "ZONE" else w for w in words), path], capture_output=True, text=True, timeout=60)
            same(done.returncode, 0, "%s of %s, seed %d: %s" % (program, zone, wanted.seed, done.stdout + done.stderr))
        return len(found)


fleet = Fleet()


def claims_of(name):
    def mine():
        if name in fleet.missing:
            raise fleet.missing[name]
        return next(p for p in fleet.peers if p.name == name)

    @claim("%s fetches all zones, with and without TSIG, unsigned and signed" % name)
    def first():
        fleet.agree(mine(), ZONES)


@claim("what goes out is what stands in the files")
def files():
    for z, zone in fleet.zones.items():
        if not zone.keys and not z.startswith("ours"):
            same(fleet.ours(z), sorted(zone_text(zone.text(), z)), z)


for name_ in wanted.peers.split():
    claims_of(name_)


@claim("all have the same zones after each of %d random changes" % wanted.changes)
def changes():
    for _ in range(wanted.changes):
        some = rng.sample(sorted(ZONES), rng.randrange(1, len(ZONES) + 1))
        fleet.change(some)
        for p in fleet.peers:
            fleet.agree(p, some)
        for z in some:
            if z.startswith("ours"):
                fleet.verify(z)


@claim("what we sign is complete and right for ldns-verify-zone, kzonecheck and dnssec-verify, and its answers for dnsviz")
def verified():
    ours = [z for z in ZONES if z.startswith("ours")]
    counts = [fleet.verify(z) for z in ours]
    probes = [subprocess.Popen([which("dnsviz"), "probe", "-A", "-x", "%s+:ns1.%s=127.0.0.1:%d" % (z, z, fleet.primary.port), z],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for z in ours]
    for z, probe in zip(ours, probes):
        probed, why = probe.communicate(timeout=300)
        same(probe.returncode, 0, why)
        said = {level: subprocess.run([which("dnsviz"), "grok", "-l", level], input=probed, capture_output=True, text=True, timeout=120).stdout
                for level in ("info", "warning")}
        same((said["info"].count("\"VALID\"") > 10, said["warning"].strip()), (True, ""), "%s, seed %d: %s" % (z, wanted.seed, said["info"]))
    if counts[0] < len(VERIFIERS):
        raise Skip("not all of %s are installed" % ", ".join(v[0] for v in VERIFIERS))


@claim("a server of ours behind each of them has the same zones, through changes and kill -9")
def behind():
    fleet.behind = [Behind(p) for p in fleet.peers]
    for i in range(max(3, wanted.changes // 4)):
        for b in fleet.behind:
            fleet.agree(b, ZONES)
            if i % 3 == 1:
                b.kill()
                fleet.agree(b, ZONES)
        some = rng.sample(sorted(ZONES), rng.randrange(1, len(ZONES) + 1))
        fleet.change(some)
        for p in fleet.peers + fleet.behind:
            fleet.agree(p, some)


@claim("dig, kdig and drill take the zones, signed ones with a key, too")
def tools():
    at, missing = fleet.primary.port, []
    for tool, words, key in (("dig", ["@127.0.0.1", "-p", str(at)], ["-y", "hmac-sha256:xfr.test:" + SECRET]),
                             ("kdig", ["@127.0.0.1", "-p", str(at)], ["-y", "hmac-sha256:xfr.test:" + SECRET]),
                             ("drill", ["@127.0.0.1", "-p", str(at)], ["-y", "xfr.test:%s:hmac-sha256" % SECRET])):
        if not shutil.which(tool, path=FOLDERS):
            missing.append(tool)
            continue
        for z in ZONES:
            done = subprocess.run([tool] + words + (key if ZONES[z] else []) + [z, "AXFR"], capture_output=True, text=True, timeout=60)
            rows = [line for line in done.stdout.splitlines() if line.strip() and line[0] != ";" and "\tTSIG\t" not in line and
                    " TSIG " not in line]
            same((done.returncode, len(rows)), (0, len(fleet.ours(z)) + 1), "%s %s: records: %s" % (tool, z, done.stderr))
    if missing:
        raise Skip("not installed: " + ", ".join(missing))


try:
    print("seed %d; %s" % (wanted.seed, " ".join(p.name for p in fleet.peers)))
    run("interop")
finally:
    fleet.stop()
