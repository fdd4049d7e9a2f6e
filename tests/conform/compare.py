#!/usr/bin/python3
"""compare - random zones served by us, NSD, Knot and BIND; the same queries to all; the answers compared.

usage: compare.py [--seed N] [--zones N] [--show N] [--sample]

Compared are RCODE, AA, TC, the answer and authority sections as sets (names in lower case, TTLs included) and, in referrals,
the additional section; and that no record stands there twice. Where all three agree and we differ, or two agree and the third differs from both of us and them,
it is a failure; where they differ among themselves otherwise it is counted as undecided. --sample is what "make check"
runs: fixed seeds, some thousand pairs. Zones that a reference server refuses to load are left out and counted.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "serve"))
from lib import WAYMARKD, Message, free_port, opt, query  # noqa: E402

import socket  # noqa: E402

LABELS = ["a", "b", "c", "*", "w", "sub", "x", "ns", "d"]
KINDS = ["A", "A", "AAAA", "TXT", "MX", "CNAME", "NS", "DNAME", "SRV", "TYPE65400", "PTR"]
ASKED = ["A", "A", "AAAA", "TXT", "MX", "CNAME", "NS", "DNAME", "SOA", "DS", "SRV", "PTR", 65400, 99]
REFERENCES = ("nsd", "knot", "named")


# ------------------------------------------------------------------ zones and queries

def random_name(rng, depth):
    return tuple(rng.choice(LABELS) for _ in range(rng.randint(1, depth)))


def allowed(have, name, kind):
    """What no server would take is not written: CNAME beside other data, two DNAMEs, a wildcard delegation."""
    if "CNAME" in have or (kind == "CNAME" and have):
        return False
    if kind == "DNAME":
        return "DNAME" not in have and "NS" not in have
    return kind != "NS" or ("DNAME" not in have and "*" not in name)


def random_rdata(rng, kind, origin):
    target = ".".join(random_name(rng, 3)) + "." + origin + "." if rng.random() < 0.75 else "out.other.test."
    return {"A": "192.0.2.%d" % rng.randint(1, 250), "AAAA": "2001:db8::%x" % rng.randint(1, 250),
            "TXT": '"t%d"' % rng.randint(0, 99), "MX": "10 " + target, "SRV": "1 2 80 " + target,
            "TYPE65400": "\\# 2 abcd"}.get(kind, target)


def random_zone(rng, origin):
    """{name: {type: [rdata]}} without the apex's SOA and NS; delegations have their glue."""
    data = collections.defaultdict(lambda: collections.defaultdict(list))
    for _ in range(rng.randint(5, 18)):
        name, kind = random_name(rng, 3), rng.choice(KINDS)
        rdata = random_rdata(rng, kind, origin)
        if allowed(data.get(name, {}), name, kind) and rdata not in data.get(name, {}).get(kind, []):
            data[name][kind].append(rdata)
    for sets in list(data.values()):
        for server in list(sets.get("NS", [])):
            if server.endswith("." + origin + "."):
                glue = tuple(server[:-len(origin) - 2].split("."))
                if not {"A", "AAAA", "CNAME"} & set(data.get(glue, {})):
                    data[glue]["A"].append("192.0.2.53")
    return data


def zone_text(data):
    text = "$TTL 300\n@ SOA ns1.other.test. h.other.test. 1 2 3 4 60\n@ NS ns1.other.test.\n@ NS ns2.other.test.\n"
    for name, sets in data.items():
        for kind, rows in sets.items():
            text += "".join("%s %s %s\n" % (".".join(name), kind, r) for r in rows)
    return text


def names_to_ask(rng, data):
    names = {""}
    for name in data:
        for i in range(len(name)):
            names.add(".".join(name[i:]))
        names |= {"%s.%s" % (l, ".".join(name)) for l in ("q", "a", "*", "x.y")}
    names |= {".".join(random_name(rng, 4)) for _ in range(15)}
    return sorted(names)


# ------------------------------------------------------------------ servers

class Peer:
    def __init__(self, work, zones):
        self.port, self.dir = free_port(), os.path.join(work, type(self).__name__.lower())
        os.mkdir(self.dir)
        self.zones = zones
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(self.conf())
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.proc = subprocess.Popen(self.argv(), cwd=self.dir, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                     start_new_session=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)
        self.socket.connect(("127.0.0.1", self.port))

    def ask(self, packet):
        for _ in range(5):
            try:
                self.socket.send(packet)
                while True:
                    reply = self.socket.recv(65535)
                    if reply[:2] == packet[:2]:
                        return reply
            except OSError:
                time.sleep(0.1)
        return None

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.proc.pid, how)
                self.proc.wait(5)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.socket.close()
        self.log.close()


class Waymark(Peer):
    def conf(self):
        return "server: { listen: [ \"127.0.0.1:%d\" ], workers: 1 }\nzones: [ { dir: ../zones } ]\n" % self.port

    def argv(self):
        return [WAYMARKD, "-c", "conf"]


class Nsd(Peer):
    def conf(self):
        d = self.dir
        return ("server:\n ip-address: 127.0.0.1@%d\n server-count: 1\n username: \"\"\n database: \"\"\n zonesdir: \"%s\"\n"
                " zonelistfile: \"%s/zl\"\n xfrdfile: \"%s/xf\"\n xfrdir: \"%s\"\n pidfile: \"%s/pid\"\n rrl-ratelimit: 0\n"
                "remote-control:\n control-enable: no\n" % (self.port, d, d, d, d, d) +
                "".join("zone:\n name: %s\n zonefile: ../zones/%s\n" % (z, z) for z in self.zones))

    def argv(self):
        return ["nsd", "-d", "-c", os.path.join(self.dir, "conf")]


class Knot(Peer):
    def conf(self):
        return ("server:\n  rundir: \"%s\"\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n"
                "  background-workers: 1\ndatabase:\n  storage: \"%s\"\ntemplate:\n  - id: default\n    zonefile-sync: -1\n"
                "    zonefile-load: whole\n    journal-content: none\n    semantic-checks: off\n    storage: \"%s/../zones\"\nzone:\n" %
                (self.dir, self.port, self.dir, self.dir) +
                "".join("  - domain: %s\n    file: %s\n" % (z, z) for z in self.zones))

    def argv(self):
        return ["knotd", "-c", os.path.join(self.dir, "conf")]


class Named(Peer):
    def conf(self):
        return ("options { directory \"%s\"; pid-file \"%s/pid\"; session-keyfile \"%s/key\"; lock-file none;\n"
                "listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; minimal-responses yes; notify no;\n"
                "dnssec-validation no; check-names primary ignore; };\ncontrols { };\n" % (self.dir, self.dir, self.dir, self.port) +
                "".join("zone \"%s\" { type primary; file \"../zones/%s\"; check-integrity no; };\n" % (z, z) for z in self.zones))

    def argv(self):
        return ["named", "-f", "-n", "1", "-c", os.path.join(self.dir, "conf")]


# ------------------------------------------------------------------ comparing

def essence(reply):
    m = Message(reply)
    same = {"rcode": m.rcode, "aa": m.aa, "tc": m.tc, "answer": frozenset(m.answer), "authority": frozenset(m.authority)}
    rows = m.answer + m.authority + m.additional
    same["repeated"] = len(rows) - len(set(rows))
    same["additional"] = frozenset(m.additional) if not m.answer and not m.aa else None
    return same


def judge(mine, theirs):
    """[(field, verdict)] where we are not with all of them."""
    rows = []
    for field in mine:
        values = [t[field] for t in theirs]
        most, times = collections.Counter(values).most_common(1)[0]
        if mine[field] == most and times >= 2:
            continue
        rows.append((field, "differs" if times >= 2 else "undecided"))
    return rows


class Run:
    def __init__(self, seed, zones, show):
        self.rng, self.show = random.Random(seed), show
        self.pairs = self.failed = self.undecided = self.left_out = 0
        self.work = tempfile.mkdtemp(prefix="waymark-conform.")
        self.zones = {"z%d.test" % i: None for i in range(zones)}
        os.chmod(self.work, 0o755)
        os.mkdir(self.work + "/zones")
        for origin in self.zones:
            self.zones[origin] = random_zone(self.rng, origin)
            with open("%s/zones/%s" % (self.work, origin), "w") as f:
                f.write(zone_text(self.zones[origin]))
        self.peers = [kind(self.work, self.zones) for kind in (Waymark, Nsd, Knot, Named)]

    def close(self):
        for p in self.peers:
            p.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def wait(self):
        """Until each serves some zone: it then has tried them all."""
        end = time.monotonic() + 60
        for p in self.peers:
            while not any((r := p.ask(query(z, "SOA"))) and Message(r).rcode == 0 for z in self.zones):
                if time.monotonic() > end:
                    raise RuntimeError("%s serves nothing: %s" % (type(p).__name__, open(p.dir + "/log").read()[-500:]))
                time.sleep(0.2)
        time.sleep(1)

    def serves(self, origin):
        return all(Message(p.ask(query(origin, "SOA"))).rcode == 0 for p in self.peers)

    def compare(self, name, kind):
        packet = query(name, kind, edns=opt(), ident=self.rng.getrandbits(16))
        all_of_them = [essence(p.ask(packet)) for p in self.peers]
        self.pairs += 1
        verdicts = judge(all_of_them[0], all_of_them[1:])
        self.undecided += any(v == "undecided" for _, v in verdicts)
        bad = [f for f, v in verdicts if v == "differs"]
        if bad:
            self.failed += 1
            if self.failed <= self.show:
                print("%s %s: %s" % (name, kind, ", ".join(bad)))
                for p, e in zip(self.peers, all_of_them):
                    print("    %-8s %s" % (type(p).__name__, {f: e[f] for f in bad}))

    def all(self):
        self.wait()
        for origin, data in self.zones.items():
            if not self.serves(origin):
                self.left_out += 1
                continue
            for name in names_to_ask(self.rng, data):
                for kind in self.rng.sample(ASKED, 5):
                    self.compare((name + "." if name else "") + origin, kind)


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--zones", type=int, default=100)
    ap.add_argument("--show", type=int, default=5)
    ap.add_argument("--sample", action="store_true")
    args = ap.parse_args()
    missing = [p for p in ("nsd", "knotd", "named") if not shutil.which(p, path=os.environ.get("PATH", "") + ":/usr/sbin")]
    if missing:
        print("skipped: comparing with NSD, Knot and BIND: not installed: %s\nconform: 0 passed, 0 failed, 1 skipped" % " ".join(missing))
        return 0
    os.environ["PATH"] += ":/usr/sbin"
    run = Run(args.seed, 25 if args.sample else args.zones, args.show)
    try:
        run.all()
    finally:
        run.close()
    print("compared %d pairs: %d differ, %d undecided among the references, %d zones left out" % (
        run.pairs, run.failed, run.undecided, run.left_out))
    print("conform: %d passed, %d failed" % (run.pairs - run.failed, run.failed))
    return run.failed != 0


sys.exit(main())
