#!/usr/bin/python3
"""year - a signed zone through a year, hour by hour: the server's clock is libfaketime's, which jumps.

Each hour the answers of the server are validated by dnspython (DNSKEY, SOA, A, the proof of a name that is not there), in all mixtures that
caches may have: old and new DS, DNSKEY and data, each as long as its TTL. Every algorithm of the DS set must validate, as strict
validators want it. Each day ldns-verify-zone reads the whole zone, whose file changes. The parent takes over the DS that CDS asks for, some
hours late. Keys roll by themselves and by command, to other algorithms, roles and denials; the server is killed at steps of rolls, and is
down for a week. No answer may be bogus, and none insecure from the first DS on. --days N (365), --seed S.
"""
import argparse
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import *                                                                                               # noqa: E402

try:
    import dns.dnssec
    import dns.message
    import dns.name
    import dns.rdatatype
    import cryptography                                                                                         # noqa: F401
except ImportError:
    dns = None

LIBRARY = "/usr/lib/%s/faketime/libfaketimeMT.so.1" % (os.uname().machine + "-linux-gnu")
HOUR, DAY = 3600, 86400
DS_TTL = DAY
PARENT = "$TTL %d\n@ SOA ns1 h %%d 2 3 60 3\n@ NS ns1\nns1 A 127.0.0.1\nchild NS ns1.child\nns1.child A 127.0.0.1\n%%s" % DS_TTL
CHILD = "$TTL 6h\n@ SOA ns1 h %d 2h 1h 4w 1h\n@ NS ns1\nns1 A 127.0.0.1\n*.wild A 192.0.2.77\ntoday TXT \"%d\"\n" + "".join(
    "n%d A 192.0.2.%d\n" % (i, i) for i in range(20))
PERIODS = ", zsk-roll: 30d, ksk-roll: 90d"
STEPS = [("a CSK", "", ["roll"]), ("NSEC3", "denial: nsec3", None), ("a KSK and a ZSK", "keys: split" + PERIODS, None), ("a ZSK", None, ["roll", "--zsk"]),
         ("a KSK", None, ["roll", "--ksk"]), ("a week away", None, None), ("another algorithm", "keys: split, algorithm: ed25519" + PERIODS, None),
         ("a CSK of yet another", "algorithm: ecdsap384sha384", None), ("P-256 again", "", None), ("a roll at once", None, ["roll", "--now"])]
LIMIT = 40 * 24                                             # hours until the keys rest


class Parent:
    """It has the DS that was asked for, some hours late; `past` are those that caches may still have: when they went, and the set."""

    def __init__(self):
        self.server = Server({"test": PARENT % (1, "")})
        self.serial, self.has, self.past = 1, set(), []

    def take(self, cds, now):
        self.past.append((now, self.has))
        self.has = set() if {r.algorithm for r in cds} == {0} else {(r.key_tag, r.algorithm, r.digest_type, r.digest) for r in cds}
        self.serial += 1
        rows = "".join("child DS %d %d %d %s\n" % (*r[:3], r[3].hex()) for r in sorted(self.has))
        self.server.write("zones/test.zone", PARENT % (self.serial, rows))
        assert self.server.ctl("reload")[0] == 0

    def sets(self, now):
        self.past = [(gone, ds) for gone, ds in self.past if gone + DS_TTL > now]
        return [self.has] + [ds for _, ds in self.past]


class Cached:
    """An RRset and its signatures, as they came."""

    def __init__(self, came, rrset, signatures):
        self.came, self.rrset, self.signatures = came, rrset, signatures


class Year:
    def __init__(self, seed):
        self.draw, self.hour, self.gone = random.Random(seed), 0, 0
        self.parent = Parent()
        self.server = Server({"child.test": CHILD % (1, 0)}, start=False)
        self.clock = self.server.dir + "/clock"
        self.env = dict(os.environ, LD_PRELOAD=LIBRARY, FAKETIME_TIMESTAMP_FILE=self.clock, FAKETIME_NO_CACHE="1")
        self.policy, self.keys, self.cache = "", "", {}
        self.validated = self.kills = self.mixtures = 0
        self.set_clock()

    def now(self):
        return int(time.time()) + self.gone

    def set_clock(self):
        with open(self.clock + ".new", "w") as f:
            f.write("+%d\n" % self.gone)
        os.rename(self.clock + ".new", self.clock)

    def configure(self, policy, on="auto"):
        self.policy = policy
        self.server.configure("store: { file: w.db }\ndnssec: { auto: { %sparent: \"127.0.0.1:%d\" } }" % (policy + ", " if policy else "", self.parent.server.port),
                              "[ { dir: zones, dnssec: %s, transfer: any } ]" % on)
        if self.server.proc:
            self.reload()

    def reload(self):
        code, said = self.server.ctl("reload")
        assert code == 0, said

    def settle(self):
        """Until nothing is at work: what was due by the clock is done."""
        idle, end = 0, time.monotonic() + 60 * SLOW
        while idle < 2:
            assert time.monotonic() < end, "it does not come to rest"
            told = json.loads(self.server.ctl("status", "--json")[1])
            idle = 0 if told["jobs_running"] + told["jobs_waiting"] else idle + 1

    def kill(self):
        self.server.proc.kill()
        self.server.proc.wait()

    def start(self):
        self.server.start(env=self.env)

    # ---------------------------------------------------------------- an hour

    def pass_hour(self, up=True):
        self.hour += 1
        self.gone += HOUR
        self.set_clock()
        if not up:
            return self.validate()
        if self.hour % 24 == 0:
            self.change()
        self.settle()
        keys = self.server.ctl("dnssec", "keys", "child.test")[1]
        if keys != self.keys and self.draw.random() < 0.5:
            self.kills += 1
            self.kill()
            self.start()
        self.keys = keys
        self.ask()
        self.validate()
        if self.hour % 24 == 12:
            self.verify_zone()

    def change(self):
        self.server.write("zones/child.test.zone", CHILD % (self.hour + 1, self.hour))
        self.reload()

    def ask(self):
        names = ["n%d.child.test" % self.draw.randrange(20), "child.test", "x%d.child.test" % self.draw.randrange(99), "x.wild.child.test", "today.child.test"]
        cds = []
        with self.server.connect() as s:
            for name, qtype in zip(names, ("A", "SOA", "A", "A", "TXT")):
                self.take(s, name, qtype)
            self.take(s, "child.test", "DNSKEY")
            cds = [r for rrset in self.take(s, "child.test", 59).answer if rrset.rdtype == dns.rdatatype.CDS for r in rrset]
        if cds and self.draw.random() < 0.15:
            self.parent.take(cds, self.now())

    def take(self, s, name, qtype):
        send_tcp(s, query(name, qtype, edns=opt(flags=DO)))
        m = dns.message.from_wire(recv_tcp(s))
        assert m.rcode() in (0, 3), "%s %s: %s" % (name, qtype, m)
        for rrset in m.answer + m.authority:
            if rrset.rdtype == dns.rdatatype.RRSIG:
                continue
            signatures = [r for other in m.answer + m.authority if other.name == rrset.name and other.rdtype == dns.rdatatype.RRSIG
                          for r in other if r.type_covered == rrset.rdtype]
            self.cache.setdefault((rrset.name, rrset.rdtype), []).append(Cached(self.now(), rrset, signatures))
        return m

    # ---------------------------------------------------------------- validation

    def validate(self):
        now = self.now()
        for key in list(self.cache):
            self.cache[key] = [c for c in self.cache[key] if c.came + c.rrset.ttl > now]
            if not self.cache[key]:
                del self.cache[key]
        apex = dns.name.from_text("child.test")
        keys = self.cache.get((apex, dns.rdatatype.DNSKEY), [])
        for ds in self.parent.sets(now):
            for k in {id(c): c for c in (keys[:1] + keys[-1:])}.values() if ds else ():
                self.validate_keys(ds, k, now)
                for kind, cached in self.cache.items():
                    for c in {id(c): c for c in (cached[:1] + cached[-1:])}.values() if kind[1] != dns.rdatatype.DNSKEY else ():
                        self.validate_data(ds, k, c, now)

    def fail(self, what, ds, *cached):
        raise AssertionError("hour %d, %s: %s\nDS %s\n%s\n%s\n%s" % (
            self.hour, self.policy, what, sorted(r[:3] for r in ds), "\n".join("came %d h ago: %s %s" % (
                (self.now() - c.came) // HOUR, c.rrset, "; ".join("%d %d %d..%d" % (r.algorithm, r.key_tag, r.inception, r.expiration) for r in c.signatures))
                for c in cached), self.keys, self.server.said()[-3000:]))

    def right(self, c, keyset, signature, now):
        try:
            dns.dnssec.validate_rrsig(c.rrset, signature, {keyset.name: keyset}, None, now)
            return True
        except (dns.dnssec.ValidationFailure, dns.exception.DNSException):
            return False

    def validate_keys(self, ds, k, now):
        for algorithm in {r[1] for r in ds}:
            named = dns.rrset.RRset(k.rrset.name, k.rrset.rdclass, k.rrset.rdtype)
            for key in k.rrset:
                made = dns.dnssec.make_ds(k.rrset.name, key, "SHA256")
                if (made.key_tag, made.algorithm, made.digest_type, made.digest) in ds and key.algorithm == algorithm:
                    named.add(key)
            if not any(self.right(k, named, r, now) for r in k.signatures if r.algorithm == algorithm):
                self.fail("no chain of algorithm %d to the DNSKEY set" % algorithm, ds, k)

    def validate_data(self, ds, k, c, now):
        self.mixtures += 1
        for algorithm in {r[1] for r in ds}:
            if not any(self.right(c, k.rrset, r, now) for r in c.signatures if r.algorithm == algorithm):
                self.fail("bogus by algorithm %d" % algorithm, ds, k, c)

    def verify_zone(self):
        path = self.server.dir + "/whole"
        code, said = self.server.ctl("zone", "export", "child.test")
        assert code == 0, said
        if " RRSIG " not in said and "\tRRSIG\t" not in said:
            return
        with open(path, "w") as f:
            f.write(said)
        done = subprocess.run(["ldns-verify-zone", "-t", time.strftime("%Y%m%d%H%M%S", time.gmtime(self.now())), path], capture_output=True, text=True)
        assert done.returncode == 0, "hour %d: %s%s" % (self.hour, done.stdout, done.stderr)
        self.validated += 1

    # ---------------------------------------------------------------- the year

    def rests(self):
        said = self.server.ctl("dnssec", "status", "child.test")[1]
        return "state          signed\n" in said and "waits" not in said and "is waited for" not in said

    def step(self, what, policy, order, until):
        begin = self.hour
        if what == "a week away":
            self.kill()
            for _ in range(7 * 24):
                self.pass_hour(up=False)
            self.start()
        if policy is not None and policy != self.policy:
            self.configure(policy)
        if order:
            code, said = self.server.ctl("dnssec", order[0], "child.test", *order[1:])
            assert code == 0, said
        for _ in range(2):
            self.pass_hour()
        while not self.rests():
            if self.hour >= until:
                return
            assert self.hour < begin + LIMIT, "%s: the keys do not rest: %s" % (what, self.server.ctl("dnssec", "status", "child.test")[1])
            self.pass_hour()
        assert self.parent.has, "%s: the parent has no DS" % what
        print("year: day %3d: %-22s %3d hours" % (self.hour // 24, what, self.hour - begin), flush=True)
        for _ in range(self.draw.randrange(24)):
            self.pass_hour()

    def off(self):
        self.configure(self.policy, "off")
        begin = self.hour
        while "\tRRSIG\t" in self.server.ctl("zone", "export", "child.test")[1] or self.parent.has:
            assert self.hour < begin + LIMIT, "it stays signed: " + self.server.ctl("dnssec", "status", "child.test")[1]
            self.pass_hour()
        print("year: day %3d: %-22s %3d hours" % (self.hour // 24, "unsigned", self.hour - begin), flush=True)

    def run(self, days):
        until = days * 24
        self.configure("")
        self.start()
        self.step("the first key", None, None, until)
        todo = list(STEPS)
        while self.hour < until:
            self.step(*(todo.pop(0) if todo else self.draw.choice(STEPS)), until)
        if days >= 365:
            self.off()


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--days", type=int, default=365)
    ask.add_argument("--seed", type=int, default=1)
    wanted = ask.parse_args()
    lacks = [what for what, there in (("libfaketime", os.path.exists(LIBRARY)), ("dnspython", dns), ("ldns-verify-zone", shutil.which("ldns-verify-zone"))) if not there]
    if lacks:
        print("year: skipped: %s is not installed" % ", ".join(lacks))
        return
    year = Year(wanted.seed)
    begin = time.monotonic()
    try:
        year.run(wanted.days)
        print("year: %d hours, %d mixtures of DS, DNSKEY and data, %d whole zones, %d kills: none bogus, in %d s, seed %d" % (
            year.hour, year.mixtures, year.validated, year.kills, time.monotonic() - begin, wanted.seed))
    finally:
        year.server.stop()
        year.parent.server.stop()


main()
