#!/usr/bin/python3
"""Keys roll while validators ask: a zone, its parent that reads CDS, and an unbound that has both in its cache.

Everything lives for seconds, so that a roll is over in one minute. The zone goes through rolls of a CSK, to a KSK and a ZSK, of each of these, to
another algorithm, to NSEC3, and to unsigned; the server is killed in the midst of each, or (--steps) at each step, while that is written. All the while random names are asked for: no answer may be
bogus, and none may be insecure while the parent has a DS. Before that two servers sign one zone, each with its own key.

    rolls.py [--seed 1] [--kills 2] [--steps]
"""
import argparse
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import *                                                                                               # noqa: E402

PARENT = "$TTL 3\n@ SOA ns1 h %d 2 3 60 3\n@ NS ns1\nns1 A 127.0.0.1\nchild NS ns1.child\nns1.child A 127.0.0.1\n%s"
CHILD = "$TTL 3\n@ SOA ns1 h 1 2 3 60 3\n@ NS ns1\nns1 A 127.0.0.1\n" + "".join("n%d A 192.0.2.%d\n" % (i, i) for i in range(40))
POLICY = ("store: { file: w.db }\ndnssec:\n  auto: { dnskey-ttl: 2s, propagation: 1s, ds-ttl: 3s, ds-check: 1s, lifetime: 10m, refresh: 1m, jitter: 10s%s,"
          " parent: \"127.0.0.1:%d\" }\n")
UNBOUND = """server:
  interface: 127.0.0.1@%d
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "%s"
  pidfile: ""
  do-not-query-localhost: no
  do-ip6: no
  harden-algo-downgrade: yes
  aggressive-nsec: yes
  val-log-level: 2
  trust-anchor: "%s"
  local-zone: "test." nodefault
  module-config: "validator iterator"
stub-zone: { name: "test." stub-addr: 127.0.0.1@%d }
stub-zone: { name: "child.test." stub-addr: 127.0.0.1@%d }
""".replace("{ ", "\n  ").replace(" }", "").replace('." stub', '."\n  stub')


class Registry:
    """The parent's zone; it gets the DS that the child's CDS asks for, as RFC 8078 has it, some seconds late."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.server = Server({"test": PARENT % (1, "")}, "store: { file: w.db }\ndnssec: { auto: { dnskey-ttl: 2s, propagation: 0s } }")
        self.server.configure(zones="[ { dir: zones, dnssec: auto } ]")
        assert self.server.ctl("reload")[0] == 0
        self.serial, self.has, self.stopped = 1, set(), False

    def cds(self, port):
        said = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "child.test", "CDS", "+short", "+norec", "+tries=1", "+time=1"],
                              capture_output=True, text=True)
        return {tuple(r.lower().split(None, 3)) for r in said.stdout.splitlines() if r and r[0] in "0123456789"}

    def look(self, port):
        asked = self.cds(port)
        if not asked or asked == self.has:
            return
        time.sleep(self.random.random() * 3)
        asked = self.cds(port)
        if not asked:
            return
        self.has = set() if {r[1] for r in asked} == {"0"} else asked
        self.serial += 1
        rows = "".join("child DS %s %s %s %s\n" % (r[0], r[1], r[2], r[3].replace(" ", "")) for r in self.has)
        self.server.write("zones/test.zone", PARENT % (self.serial, rows))
        assert self.server.ctl("reload")[0] == 0

    def run(self, port):
        while not self.stopped:
            self.look(port)
            time.sleep(0.3)


class Askers:
    """Random names through one cache; counts what came."""

    def __init__(self, port, seed):
        self.port, self.random, self.stopped = port, random.Random(seed), False
        self.asked = self.secure = self.insecure = 0
        self.wrong = []

    def run(self):
        while not self.stopped:
            name = self.random.choice(["n%d" % self.random.randrange(60), "", "x.n%d" % self.random.randrange(9)])
            qtype = self.random.choice(["A", "A", "TXT", "DNSKEY" if not name else "AAAA", "SOA"])
            full = (name + "." if name else "") + "child.test"
            said = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), full, qtype, "+dnssec", "+tries=1", "+time=5"],
                                  capture_output=True, text=True).stdout
            self.asked += 1
            if "no servers could be reached" in said:           # the machine is crowded: nobody has said anything
                continue
            if "status: NOERROR" not in said and "status: NXDOMAIN" not in said:
                self.wrong.append("%s %s: %s" % (full, qtype, said[:400]))
            elif " ad" in said.split(";; flags:")[1].split(";")[0]:
                self.secure += 1
            else:
                self.insecure += 1
            time.sleep(0.02)


def status(server):
    return server.ctl("dnssec", "status", "child.test")[1]


def rests(server):
    said = status(server)
    return "state          signed\n" in said and "waits" not in said and "is waited for" not in said


def wait(what, server, limit_s, true):
    end = time.monotonic() + limit_s * SLOW
    while not true():
        if time.monotonic() > end:
            raise AssertionError("%s: %s\n%s" % (what, status(server), server.said()[-2000:]))
        time.sleep(0.2)


def written(server):
    """What changes whenever a key or the store is written."""
    stamps = []
    for path in ("keys", "w.db-wal"):
        try:
            s = os.stat(os.path.join(server.dir, path))
            stamps.append((s.st_mtime_ns, s.st_size))
        except FileNotFoundError:
            stamps.append(None)
    return stamps


def kill(server):
    server.proc.kill()
    server.proc.wait()
    server.start()


def kill_at_random(server, draw, kills):
    time.sleep(1.5)                                             # until it is underway
    for _ in range(kills):
        time.sleep(draw.random() * 8)
        kill(server)
    return kills


def kill_at_steps(server, draw, most=16):
    """Until it rests, or has been killed so often, each time some milliseconds after it began to write. How often."""
    kills, look, before = 0, time.monotonic() + 1.5, written(server)     # until it is underway
    while kills < most:
        if time.monotonic() > look:
            if rests(server):
                break
            look = time.monotonic() + 0.3
        if written(server) == before:
            time.sleep(0.0005)
            continue
        time.sleep(draw.choice([0, 0.001, 0.003, 0.01, 0.03]))
        kill(server)
        kills += 1
        time.sleep(0.5)                                         # what a start writes is no step
        before = written(server)
    return kills


def keys_of(server):
    """Its key as K*.key, without the private half, in a folder of its own."""
    path = [f for f in os.listdir(server.dir + "/keys") if f.endswith(".key")][0]
    return os.path.join(server.dir, "keys", path), path


def signers(seed):
    """Two servers sign the zone, each with its own key (RFC 8901, model 2); the resolver asks now the one, now the other."""
    registry = Registry(seed)
    servers = [Server({"child.test": CHILD}, POLICY % ("", registry.server.port), start=False) for _ in range(2)]
    resolver, askers = None, None
    try:
        for s in servers:
            s.configure(zones="[ { dir: zones, dnssec: auto } ]")
            s.start()
        for s, other in (servers, servers[::-1]):
            path, name = keys_of(other)
            s.write(name, open(path).read())
            assert s.ctl("dnssec", "import", "child.test", s.dir + "/" + name)[0] == 0, s.said()
        for s in servers:
            wait("the other's DS is asked for, too", s, 60, lambda: len(registry.cds(s.port)) == 2)
        assert registry.cds(servers[0].port) == registry.cds(servers[1].port)
        registry.look(servers[0].port)
        for s in servers:
            wait("the parent has both", s, 60, lambda: rests(s))
        folder, port = tempfile.mkdtemp(prefix="waymark-rolls."), free_port()
        anchor = [r for r in registry.server.ctl("dnssec", "ds", "test")[1].splitlines() if not r.startswith(";")][0]
        with open(folder + "/unbound.conf", "w") as f:
            f.write(UNBOUND % (port, folder, anchor, registry.server.port, servers[0].port) + "  stub-addr: 127.0.0.1@%d\n" % servers[1].port)
        resolver = subprocess.Popen(["unbound", "-c", folder + "/unbound.conf"], stderr=open(folder + "/log", "w"))
        time.sleep(1)
        askers = Askers(port, seed)
        asking = threading.Thread(target=askers.run)
        asking.start()
        time.sleep(15)
        askers.stopped = True
        asking.join()
        assert not askers.wrong, askers.wrong[0] + open(folder + "/log").read()[-2000:]
        assert askers.secure > 20 and not askers.insecure, (askers.secure, askers.insecure)
        tags = set()
        for i in range(2):
            said = subprocess.run(["dig", "@127.0.0.1", "-p", str(servers[i].port), "n1.child.test", "+dnssec", "+short"], capture_output=True, text=True)
            tags.add(said.stdout.splitlines()[1].split()[6])
        assert len(tags) == 2, tags
        print("rolls: two signers, each its key      %4d secure answers" % askers.secure, flush=True)
    finally:
        if resolver:
            resolver.kill()
        if askers:
            askers.stopped = True
        for s in servers + [registry.server]:
            s.stop()


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--kills", type=int, default=2)
    words.add_argument("--steps", action="store_true", help="kill it at each step of each roll, instead of at random")
    words = words.parse_args()
    if subprocess.run(["which", "unbound"], capture_output=True).returncode:
        print("rolls: skipped: unbound is not installed")
        return 0
    signers(words.seed)
    draw = random.Random(words.seed)
    registry = Registry(words.seed)
    server = Server({"child.test": CHILD}, start=False)

    def configure(policy, on="auto"):
        server.configure(POLICY % (policy, registry.server.port), zones="[ { dir: zones, dnssec: %s } ]" % on)
        if server.proc:
            assert server.ctl("reload")[0] == 0, server.said()

    configure("")
    server.start()
    folder = tempfile.mkdtemp(prefix="waymark-rolls.")
    port = free_port()
    anchor = [r for r in registry.server.ctl("dnssec", "ds", "test")[1].splitlines() if not r.startswith(";")][0]
    with open(folder + "/unbound.conf", "w") as f:
        f.write(UNBOUND % (port, folder, anchor, registry.server.port, server.port))
    resolver = subprocess.Popen(["unbound", "-c", folder + "/unbound.conf"], stderr=open(folder + "/log", "w"))
    askers = Askers(port, words.seed)
    threads = [threading.Thread(target=registry.run, args=(server.port,)), threading.Thread(target=askers.run), threading.Thread(target=askers.run)]
    try:
        time.sleep(0.5)
        for t in threads:
            t.start()
        wait("the zone is signed, and its parent has the DS", server, 60, lambda: rests(server))
        time.sleep(4)                                           # what was insecure may be in the cache for as long as it lives
        askers.insecure = askers.secure = 0

        def go(what, do):
            before = askers.secure, askers.insecure
            at = time.monotonic()
            do()
            kills = kill_at_steps(server, draw) if words.steps else kill_at_random(server, draw, words.kills)
            wait(what, server, 120, lambda: rests(server))
            assert not askers.wrong, what + ": " + askers.wrong[0] + open(folder + "/log").read()[-3000:] + server.said()[-2000:]
            assert askers.insecure == before[1], "%s: %d answers were insecure" % (what, askers.insecure - before[1])
            print("rolls: %-28s %3d s, %d kills, %4d secure answers" % (what, time.monotonic() - at, kills, askers.secure - before[0]), flush=True)

        go("a CSK", lambda: server.ctl("dnssec", "roll", "child.test"))
        go("NSEC3", lambda: configure(", denial: nsec3"))
        go("to a KSK and a ZSK", lambda: configure(", keys: split"))
        go("a ZSK", lambda: server.ctl("dnssec", "roll", "child.test", "--zsk"))
        go("a KSK", lambda: server.ctl("dnssec", "roll", "child.test", "--ksk"))
        go("another algorithm", lambda: configure(", keys: split, algorithm: ed25519"))
        go("to a CSK of yet another", lambda: configure(", algorithm: ecdsap384sha384"))
        go("one roll into another", lambda: (server.ctl("dnssec", "roll", "child.test"), time.sleep(5),
                                             server.ctl("dnssec", "roll", "child.test", "--now")))
        configure("", "off")
        wait("unsigned", server, 60, lambda: "state          not signed" in status(server) or "is not signed here" in status(server))
        time.sleep(4)
        assert not askers.wrong, askers.wrong[0]
        assert not registry.has
        print("rolls: unsigned; %d questions, none bogus" % askers.asked)
        return 0
    finally:
        askers.stopped = registry.stopped = True
        for t in threads:
            t.join()
        resolver.kill()
        server.stop()
        registry.server.stop()


if __name__ == "__main__":
    sys.exit(main())
