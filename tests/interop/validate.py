#!/usr/bin/python3
"""validate - real validating resolvers ask a zone that is signed here, whose names are steered: each gets what we say, validated,
in random order of names, types, clients and states of edges, and none proves away what is there.

unbound (with aggressive NSEC, and with client subnets), named, pdns_recursor and kresd, each with one cache throughout, and delv; those that
are not installed are skipped. --queries N (10000), of each resolver; --seed S; --only "unbound named".
"""
import argparse
import collections
import ipaddress
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
import mmdb

ask = argparse.ArgumentParser()
ask.add_argument("--queries", type=int, default=10000)
ask.add_argument("--seed", type=int, default=int(time.time()))
ask.add_argument("--only", default="unbound unbound-subnet named pdns_recursor kresd delv")
wanted = ask.parse_args()
sys.argv = sys.argv[:1]
rng = random.Random(wanted.seed)
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
A_ROUND = 400                                               # queries between two changes of the edges
AD = 0x20
print("seed %d" % wanted.seed)


def which(program):
    path = shutil.which(program, path=FOLDERS)
    if not path:
        raise Skip("%s is not installed" % program)
    return path


# ------------------------------------------------------------------ a zone of everything

PLACES = [(52.37, 4.90), (38.95, -77.45), (1.35, 103.82), (-23.55, -46.63), (35.68, 139.69), (-33.87, 151.21)]
POOLS = {
    "web": "edges: [ e0, e1, e2, e3, e4, e5 ], https: { alpn: [ h3, h2 ], port: 8443 }, svcb: { dohpath: \"/q{?dns}\" }",
    "two": "edges: [ e0, e1, e2 ], answers: 2, https: {}",
    "turn": "edges: [ e0, e1, e2 ], policy: round-robin, https: { alpn: h2 }",
    "gone": "edges: [ e1, e2 ], all-down: empty, https: { alpn: h3 }",
    "first": "edges: [ e3, e4 ], all-down: first",
    "other": "edges: [ e1, e5 ], all-down: { pool: web }, https: {}",
    "old": "edges: [ only4 ], all-down: empty, https: {}",
    "new": "edges: [ only6 ], all-down: empty",
    "mixed": "edges: [ only4, only6, e5 ], all-down: empty, https: { alpn: h3 }",
    "cname": "edges: [ cdn0, cdn1 ]",
    "void": "edges: [ cdn0, cdn1 ], all-down: empty",
    "as": "edges: [ cdn2 ], policy: ordered, all-down: empty",
}
EDGES = "".join("  e%d: { at: \"%g,%g\", a: [ 192.0.2.%d, 192.0.2.%d ], aaaa: [ \"2001:db8::%d\" ] }\n" % (i, *at, 10 * i + 1, 10 * i + 2, i + 1)
                for i, at in enumerate(PLACES)) + """
  only4: { at: "48.8,2.3", a: [ 198.51.100.1 ] }
  only6: { at: "48.8,2.4", aaaa: [ "2001:db8:1::1" ] }
  cdn0: { at: "48.8,2.3", cname: text.steered.test. }
  cdn1: { at: "1.3,103.8", cname: web.steered.test. }
  cdn2: { at: "1.3,103.8", cname: "as%{asn}.%{country}.cdn.steered.test." }
"""
CONFIG = "store: { file: waymark.db }\ngeoip: { city: { file: %s/geoip/city.mmdb }, asn: { file: asn.mmdb } }\nedges:\n%spools:\n%s" % (
    TOP, EDGES, "".join("  %s: { %s, ttl: 1s }\n" % p for p in POOLS.items()))
NEGATIVE_S = 5
ZONE = APEX.replace("1209600 60", "1209600 %d" % NEGATIVE_S) + "".join("%s 60 EDGE %s\n*.w%s 60 EDGE %s\nx.deep.%s 60 EDGE %s\nc%s CNAME %s\ncw%s CNAME q.w%s\n" % ((p,) * 10) for p in POOLS) + """
@ 60 EDGE web
@ MX 10 mail
@ TXT "apex"
web TXT "beside"
two MX 10 mail
mail A 192.0.2.25
text TXT "text"
*.cdn A 192.0.2.26
*.wild TXT "wild"
dn DNAME wweb
"""
NAMES = ["", "mail", "text", "a.wild", "nope", "x.web", "deep.web", "q.dn", "*.wweb", "a.nope"] + [
    form % p for p in POOLS for form in ("%s", "a.w%s", "b.a.w%s", "x.deep.%s", "deep.%s", "c%s", "cw%s", "w%s", "z.%s")]
KINDS = ["A", "AAAA", "HTTPS", "A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "CNAME", "CAA", "EDGE", "SRV"]
TYPES["RRSIG"], TYPES["NSEC"] = 46, 47
DNSSEC = {TYPES[t] for t in ("RRSIG", "NSEC", "NSEC3")}


def full(name):
    return (name + "." if name else "") + "steered.test"


# ------------------------------------------------------------------ who asks

class Resolver:
    """A validating resolver whose only world is our zone. `subnets`: it hands on what its client sends."""

    program = subnets = None

    def __init__(self, name, server, at, anchor):
        self.name, self.at, self.anchor = name, at, anchor
        self.path = which(self.program or name)
        self.port = free_port()
        self.dir = tempfile.mkdtemp(prefix="waymark-validate-%s." % name)
        os.chmod(self.dir, 0o755)
        self.log = open(os.path.join(self.dir, "log"), "w+")
        self.proc = subprocess.Popen(self.argv(), cwd=self.dir, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while self.ask("mail", "A") is None:
            if time.monotonic() > end or self.proc.poll() is not None:
                raise AssertionError("%s does not answer: %s" % (name, self.said()))
            time.sleep(0.1)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def said(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()[-2000:]

    def ask(self, name, kind, subnet=None):
        packet = query(full(name), kind, edns=opt(flags=DO, options=ecs(subnet) if subnet and self.subnets else b""), flags=0x100 | AD)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", self.port))
            for wait in (2, 3, 5):
                try:
                    s.settimeout(wait)
                    s.send(packet)
                    while True:
                        reply = s.recv(65535)
                        if reply[:2] == packet[:2]:
                            got = Message(reply)
                            return self.ask_again(packet) if got.tc else got
                except OSError:
                    if self.proc.poll() is not None:
                        return None
        return None

    def ask_again(self, packet):
        """By TCP, what UDP had no room for: three CNAMEs with the proofs of two wildcards."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            send_tcp(s, packet)
            return Message(recv_tcp(s))

    def stop(self):
        self.proc.terminate()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Unbound(Resolver):
    program = "unbound"
    modules, more = "validator iterator", "aggressive-nsec: yes"

    def argv(self):
        return [self.path, "-d", "-p", "-c", self.write("unbound.conf", """
server:
  interface: 127.0.0.1@%d
  username: "" chroot: "" directory: "%s" pidfile: "" use-syslog: no do-daemonize: no
  do-not-query-localhost: no local-zone: "test." nodefault module-config: "%s"
  root-hints: "" trust-anchor: "%s" val-log-level: 2 verbosity: 1
  %s
stub-zone:
  name: steered.test
  stub-addr: %s@53
""".replace("root-hints: \"\" ", "") % (self.port, self.dir, self.modules, self.anchor, self.more, self.at))]


class UnboundSubnet(Unbound):
    modules, more, subnets = "subnetcache validator iterator", "send-client-subnet: 0.0.0.0/0 max-ecs-tree-size-ipv4: 10000", True


class Named(Resolver):
    def argv(self):
        key = self.anchor.split("DNSKEY ")[1].split()
        return [self.path, "-g", "-c", self.write("named.conf", """
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; recursion yes; allow-query { any; };
  dnssec-validation yes; synth-from-dnssec yes; empty-zones-enable no; minimal-responses no; };
controls { };
trust-anchors { "steered.test" static-key %s %s %s "%s"; };
zone "steered.test" { type static-stub; server-addresses { %s; }; };
zone "." { type hint; file "hints"; };
""" % (self.dir, self.port, key[0], key[1], key[2], "".join(key[3:]), self.at))] if self.write("hints", ". NS a.invalid.\na.invalid. A 127.0.0.1\n") else None


class Recursor(Resolver):
    program = "pdns_recursor"

    def argv(self):
        key = self.anchor.split("DNSKEY ")[1].split()
        self.write("ta.lua", "addTA('steered.test', \"%s\")\n" % DS)
        return [self.path, "--daemon=no", "--config-dir=" + self.dir, "--socket-dir=" + self.dir, "--local-address=127.0.0.1",
                "--local-port=%d" % self.port, "--dnssec=validate", "--lua-config-file=%s/ta.lua" % self.dir, "--hint-file=no",
                "--forward-zones=steered.test=%s:53" % self.at, "--dont-query=", "--disable-packetcache=yes", "--write-pid=no", "--threads=1",
                "--security-poll-suffix=", "--max-negative-ttl=3600", "--loglevel=3", "--setgid=", "--setuid="]


class Kresd(Resolver):
    def argv(self):
        self.write("ta", self.anchor + "\n")
        return [self.path, "-n", "-c", self.write("kresd.conf", """
net.listen('127.0.0.1', %d)
trust_anchors.remove('.')
trust_anchors.add([[%s]])
cache.size = 100 * MB
cache.min_ttl(0)
policy.add(policy.suffix(policy.FORWARD({'%s@53'}), policy.todnames({'steered.test.'})))
""" % (self.port, self.anchor, self.at)), self.dir]


class Delv:
    """No cache: each answer by itself."""

    subnets = None

    def __init__(self, name, server, at, anchor):
        self.name, self.path, self.at = name, which("delv"), at
        self.dir = tempfile.mkdtemp(prefix="waymark-validate-delv.")
        key = anchor.split("DNSKEY ")[1].split()
        with open(self.dir + "/keys", "w") as f:
            f.write("trust-anchors { \"steered.test.\" static-key %s %s %s \"%s\"; };\n" % (*key[:3], "".join(key[3:])))

    def verify(self, name, kind):
        number = "TYPE%d" % TYPES[kind]
        return subprocess.run([self.path, "@" + self.at, "-a", self.dir + "/keys", "+root=steered.test", full(name), number],
                              capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        shutil.rmtree(self.dir)


MADE = {"unbound": Unbound, "unbound-subnet": UnboundSubnet, "named": Named, "pdns_recursor": Recursor, "kresd": Kresd, "delv": Delv}


# ------------------------------------------------------------------ what is right

def data(message):
    """Of the answer section: what it says, without what proves it."""
    return {(owner, kind, value) for owner, kind, _, value in message.answer if kind not in DNSSEC}


def steered(name):
    """The pool that has a say at the end of the name's chain, or None."""
    for pool in POOLS:
        if name in ([form % pool for form in ("%s", "a.w%s", "b.a.w%s", "x.deep.%s", "c%s", "cw%s")]):
            return pool
    return {"": "web", "q.dn": "web", "*.wweb": "web"}.get(name)


def agrees(got, want, pool):
    """Several answers, and hints of two edges, may be fewer for a moment; turns have their own."""
    if pool in ("turn",):
        return bool(data(got)) == bool(data(want))
    if got.rcode != want.rcode:
        return False
    if data(got) == data(want):
        return True
    hints = [v for _, kind, v in data(got) if kind in (64, 65)]
    if hints:
        return len(hints) == 1 and len(data(got)) == len(data(want)) and any(
            len(v) >= len(hints[0]) for _, kind, v in data(want) if kind in (64, 65))
    return bool(data(got)) and data(got) < data(want) and pool in ("two", "other")


def cases(come=()):
    """A name and a type; but for the CNAME that a DNAME makes, which unbound 1.17 fails to validate when it is asked for itself."""
    while True:
        name, kind = rng.choice(NAMES + list(come)), rng.choice(KINDS)
        if (name, kind) != ("q.dn", "CNAME"):
            return name, kind


class Run:
    def __init__(self, server):
        self.server, self.down = server, set()
        self.counts, self.wrong = collections.Counter(), []
        self.come, self.born = {}, {}

    def flip(self):
        """Some edges go and some come; then all that was said of them has ended."""
        for edge in rng.sample(["e%d" % i for i in range(6)] + ["only4", "only6", "cdn0", "cdn1", "cdn2"], rng.randrange(1, 5)):
            self.down ^= {edge}
            same(self.server.ctl("force", edge, "down" if edge in self.down else "auto")[0], 0)
        if rng.random() < 0.3:                              # a whole pool
            for edge in POOLS[rng.choice(sorted(POOLS))].split("[ ")[1].split(" ]")[0].split(", "):
                self.down |= {edge}
                self.server.ctl("force", edge, "down")
        if rng.random() < 0.5:                              # names come
            for pool in rng.sample(sorted(POOLS), 2):
                name = "n%d.%s" % (len(self.come), pool)
                self.come[name] = pool
                self.born[name] = time.monotonic()
            rows = "".join("%s 60 EDGE %s\n" % row for row in self.come.items())
            self.server.write("zones/steered.test.zone", ZONE.replace("hostmaster 7", "hostmaster %d" % (7 + len(self.come))) + rows)
            same(self.server.ctl("reload")[0], 0)
        if rng.random() < 0.3:                              # all edges have other addresses
            self.server.write("waymark.yaml", CONF.replace("192.0.2.", "192.0.%d." % rng.randrange(256)))
            same(self.server.ctl("reload")[0], 0)
        time.sleep(2.2)

    def known(self):
        """Names that came, and that no proof denies any more which somebody may have from before."""
        return [name for name, born in self.born.items() if time.monotonic() - born > NEGATIVE_S + 1.5]

    def truth(self, name, kind, subnet):
        options = ecs(subnet) if subnet else b""
        reply = self.server.exchange(query(full(name), kind, edns=opt(options=options)), 5)
        assert reply, "no answer of ours: %s %s" % (name, kind)
        return Message(reply)

    def note(self, who, what, *more):
        self.counts[who.name, what] += 1
        if what != "right":
            self.wrong.append((who.name, what) + more)

    def judge(self, who, name, kind):
        subnet = random_net(rng) if who.subnets else None
        got = who.ask(name, kind, subnet)
        want = self.truth(name, kind, subnet)
        if got is None or got.rcode == SERVFAIL:
            return self.note(who, "bogus", name, kind, subnet, sorted(self.down))
        if not got.ad:
            return self.note(who, "insecure", name, kind, got.answer, got.authority)
        pool = self.come.get(name) or steered(name)
        if agrees(got, want, pool):
            return self.note(who, "right")
        denied = not [r for r in data(got) if r[1] != 5] and [r for r in data(want) if r[1] != 5]
        return self.note(who, "denied" if denied else "wrong", name, kind, subnet, sorted(self.down), sorted(data(got)), sorted(data(want)))


def delv_agrees(run, who):
    for _ in range(min(100, wanted.queries // 20)):
        name, kind = cases()
        text = who.verify(name, kind)
        run.note(who, "right" if "fully validated" in text and "failed" not in text else "bogus", name, kind, text)


def anchor_of(server):
    global DS
    for _, kind, _, value in server.udp("steered.test", "DNSKEY", options=b"").answer:
        if kind == 48:
            raw = bytes.fromhex(value)
            flags, protocol, algorithm = struct.unpack(">HBB", raw[:4])
            import base64
            import hashlib
            tag = sum(b << (0 if i & 1 else 8) for i, b in enumerate(raw))
            tag = (tag + (tag >> 16)) & 0xffff
            DS = "%d %d 2 %s" % (tag, algorithm, hashlib.sha256(wire("steered.test") + raw).hexdigest())
            return "steered.test. DNSKEY %d %d %d %s" % (flags, protocol, algorithm, base64.b64encode(raw[4:]).decode())
    raise AssertionError("the zone has no key")


def validate(denial):
    at = "127.%d.%d.%d" % (rng.randrange(1, 255), rng.randrange(256), rng.randrange(1, 255))
    config = CONFIG + ("dnssec: { auto: { denial: nsec3 } }\n" if denial == "nsec3" else "")
    server = Server({"steered.test": ZONE}, config=config, listen="\"127.0.0.1:PORT\", \"%s:53\"" % at, start=False)
    server.configure(zones="[ { name: steered.test, file: zones/steered.test.zone, dnssec: auto } ]")
    with server as s:
        mmdb.write(s.dir + "/asn.mmdb", {"%d.0.0.0/8" % i: {"asn": 64500 + i % 7} for i in range(1, 224) if i % 3}, "Test-ASN")
        global CONF
        with open(s.conf) as f:
            CONF = f.read()
        s.start()
        anchor, run, them = anchor_of(s), Run(s), []
        try:
            for name in wanted.only.split():
                try:
                    them.append(MADE[name](name, s, at, anchor))
                except Skip as why:
                    print("skipped: %s" % why)
            rounds = max(2, wanted.queries // A_ROUND)
            for _ in range(rounds):
                run.flip()
                for who in them:
                    if who.name == "delv":
                        continue
                    for _ in range(min(A_ROUND, wanted.queries)):
                        run.judge(who, *cases(run.known()))
            for who in them:
                if who.name == "delv":
                    delv_agrees(run, who)
        finally:
            for who in them:
                who.stop()
        for (who, what), n in sorted(run.counts.items()):
            print("%s %-16s %-8s %d" % (denial, who, what, n))
        for row in run.wrong[:10]:
            print(row)
        same(len(run.wrong), 0, "answers that are wrong:")


@claim("resolvers validate all that steered names of a zone with NSEC answer, and deny nothing that is there")
def with_nsec():
    validate("nsec")


@claim("... and of one with NSEC3")
def with_nsec3():
    validate("nsec3")


run("validate")
