#!/usr/bin/python3
"""compare - random zones served by us, NSD, Knot and BIND; the same questions to all over UDP and TCP; the answers compared.

usage: compare.py [--seed N] [--zones N] [--show N] [--keep] [--sample]

Compared are RCODE, the header's flags, the question and the three sections as sets (names in lower case, TTLs included), and
that no record stands there twice. Of the same answer, ours is not longer than NSD's or Knot's: names are compressed as well. Where two references agree and we differ it is a failure, unless a rule below says why;
where they differ among themselves otherwise it is undecided. When an answer is truncated, how much of it is left is nobody's
rule. --sample is what "make check" runs: fixed seeds, some thousand pairs. Zones that a reference does not load are left out.
"""
import argparse
import collections
import os
import random
import shutil
import struct
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "serve")]
import servers  # noqa: E402
import sign  # noqa: E402
import zonegen  # noqa: E402
from lib import TYPES, Message, opt, query  # noqa: E402

SECTIONS = ("answer", "authority", "additional")


class Answer:
    """What is compared of one server's answer."""

    def __init__(self, raw):
        m = Message(raw)
        flags = struct.unpack(">H", raw[2:4])[0]
        self.length, self.tc = len(raw), m.tc
        self.size = len(raw) - (11 + sum(4 + len(o) for o in m.options.values()) if m.edns is not None else 0)     # without OPT
        rows = m.answer + m.authority + m.additional
        self.field = {"rcode": m.rcode, "flags": "".join(n for n, b in (("aa", 0x400), ("tc", 0x200), ("rd", 0x100), ("ra", 0x80), ("ad", 0x20),
                                                                          ("cd", 0x10)) if flags & b),
                      "question": m.question, "repeated": len(rows) - len(set(rows)), "edns": m.edns}
        for s in SECTIONS:
            self.field[s] = frozenset(getattr(m, s))


class Sized:
    """An answer of which only the size is wrong, for the report."""

    def __init__(self, answer):
        self.field = {"size": answer.size, "answer": sorted(answer.field["answer"])}


# ------------------------------------------------------------------ where we differ on purpose

def crossings(case, ours):
    """The names at which our chain enters another zone."""
    leads = {r[0]: r[3] for r in ours.field["answer"] if r[1] == 5}
    here, found, seen = case.name.lower(), [], set()
    while here in leads and here not in seen:
        seen.add(here)
        if case.origin(leads[here]) not in (None, case.origin(here)):
            found.append(leads[here])
        here = leads[here]
    return found


def chain_into_other_zone(case, ours, most):
    """Chains are followed through all zones that we have, as NSD does; Knot and BIND stop at the zone's end (RFC 1034 section
    4.3.2 step 3a starts over at step 1). What two of the three say to the name at which ours goes on must be in our answer."""
    entered = crossings(case, ours)
    if not entered or case.field not in ("rcode", "flags") + SECTIONS:
        return False
    if case.field in ("flags", "additional") or case.qtype == "ANY" or len(entered) > 1 and case.field != "answer":
        return True
    theirs, times = collections.Counter(a.field[case.field] for a in case.ask(entered[0])).most_common(1)[0]
    if times < 2:
        return True                                                    # they differ there, too
    return theirs == ours.field["rcode"] if case.field == "rcode" else theirs <= ours.field[case.field]


def any_is_one_set(case, ours, most):
    """ANY is answered with one set over UDP, and with all over TCP (RFC 8482 sections 4.1 and 4.4); NSD and Knot give one always, BIND
    all."""
    if case.qtype != "ANY":
        return False
    everything = case.answers["Named"].field["answer"]
    mine = ours.field["answer"]
    if case.field == "answer":
        return mine <= everything and len({r[:2] for r in mine if r[1] != 46}) == 1 if not case.tcp else mine >= everything
    return case.field in ("additional", "edns", "authority", "flags")


def type_zero(case, ours, most):
    """QTYPE 0 is a type that no name has, for us as for NSD (RFC 3597 section 3); Knot says NOTIMP, BIND answers referrals with nothing."""
    return case.qtype == 0


def endless_chain(case, ours, most):
    """A DNAME that leads below itself makes a chain without end; each stops where it likes, we after 16 steps."""
    return len([r for r in ours.field["answer"] if r[1] == 5]) > 8 or ours.tc and any(r[1] == 39 for r in ours.field["answer"])


def empty_wildcard(case, ours, most):
    """What proves that a wildcard is an empty non-terminal belongs to the answer (RFC 4035 section 3.1.3.4, and delv wants it); NSD mostly
    has it, Knot and BIND do not."""
    if case.field != "authority":
        return False
    more = ours.field["authority"] - most
    return most < ours.field["authority"] and {r[1] for r in more} == {46, 47} and len(more) == 2


def whole_encloser_proof(case, ours, most):
    """A wildcard without the type wants the closest encloser's proof as well as the wildcard's own NSEC3 (RFC 5155 section 7.2.5), also
    when the question's first label is "*": as BIND does; NSD and Knot then leave the encloser out."""
    return case.field == "authority" and most < ours.field["authority"] == case.answers["Named"].field["authority"] and all(
        proves(r) for r in ours.field["authority"] - most)


def proves(row):
    """NSEC and NSEC3, and signatures over them: Knot proves wildcards in additional sections, too."""
    return row[1] in (47, 50) or row[1] == 46 and row[3][:4] in ("002f", "0032")


def additional_of_one(case, ours, most):
    """Additional data that one of Knot and BIND gives: NAPTR by RFC 3403, SVCB and HTTPS by RFC 9460 section 4.1, NS below cuts. (NSD is
    told to give none.)"""
    if case.field == "additional" and case.qtype in ("SVCB", "HTTPS") and all(r[0] == case.name.lower() for r in ours.field["additional"]):
        return True                                                    # the addresses of "."
    theirs = [{r for r in case.answers[n].field["additional"] if not proves(r)} for n in ("Knot", "Named")]
    if case.field != "additional":
        return False
    if case.qtype in ("SVCB", "HTTPS", "NAPTR"):                        # Knot adds the target's own SVCB; BIND has less room
        return ours.field["additional"] in theirs or any(ours.field["additional"] < t for t in theirs) or case.limit < 4096
    return ours.field["additional"] in theirs


RULES = [empty_wildcard, whole_encloser_proof, additional_of_one, chain_into_other_zone, any_is_one_set, type_zero, endless_chain]


# ------------------------------------------------------------------ judging

Case = collections.namedtuple("Case", "zone name qtype tcp limit dnssec field answers origin ask")
SLACK = 160         # bytes that compression and the order of things make of one answer: near the limit some truncate and some do not


def truncation_decides(case, ours, theirs):
    """Is this difference only one of how much was kept, or of who was first to run out of room?"""
    if not (ours.tc or any(a.tc for a in theirs)):
        return False
    if case.field in SECTIONS + ("repeated",):
        return True
    whole = [a.length for a in theirs + [ours] if not a.tc]
    return case.field == "flags" and (not whole or max(whole) > case.limit - SLACK) and len(
        {a.field["flags"].replace("tc", "") for a in theirs + [ours]}) < 3


def verdict(case):
    """"same", "rule NAME", "undecided" or "differs"."""
    ours = case.answers["Waymark"]
    theirs = [a for n, a in case.answers.items() if n != "Waymark"]
    most, times = collections.Counter(a.field[case.field] for a in theirs).most_common(1)[0]
    if ours.field[case.field] == most and times >= 2 or truncation_decides(case, ours, theirs):
        return "same"
    for rule in RULES:
        if times >= 2 and rule(case, ours, most):
            return "rule " + rule.__name__
    return "differs" if times >= 2 else "undecided"


# ------------------------------------------------------------------ the run

class Run:
    def __init__(self, seed, zones):
        self.rng = random.Random(seed)
        self.pairs = self.failed = self.left_out = 0
        self.counts, self.failures = collections.Counter(), {}
        self.work = tempfile.mkdtemp(prefix="waymark-conform.")
        os.chmod(self.work, 0o755)
        os.mkdir(self.work + "/zones")
        self.zones = zonegen.random_zones(self.rng, zones)
        for origin, zone in self.zones.items():
            with open("%s/zones/%s" % (self.work, origin), "w") as f:
                f.write(sign.zone_text(self.rng, zone))
        self.peers = [kind(self.work, self.zones) for kind in servers.ALL]

    def close(self, keep):
        for p in self.peers:
            p.stop()
        if keep:
            print("kept: " + self.work)
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def rcode(self, peer, origin):
        reply = peer.ask(query(origin, "SOA"))
        return Message(reply).rcode if reply else None

    def wait(self):
        """Until each serves some zone: it then has tried them all."""
        end = time.monotonic() + 60
        for p in self.peers:
            while not any(self.rcode(p, z) == 0 for z in list(self.zones)[:3] + list(self.zones)[-3:]):
                if time.monotonic() > end or p.proc.poll() is not None:
                    raise RuntimeError("%s serves nothing: %s" % (p.name, open(p.dir + "/log").read()[-800:]))
                time.sleep(0.1)
        time.sleep(1)

    def origin(self, name):
        """The zone that has the say about a name, or None."""
        labels = name.rstrip(".").lower().split(".")
        return next((o for o in (".".join(labels[i:]) for i in range(len(labels))) if o in self.zones), None)

    def direct(self, packet):
        """The references' answers over TCP."""
        return [Answer(p.ask(packet, tcp=True)) for p in self.peers if p.name != "Waymark"]

    def compare(self, zone, name, qtype):
        rng = self.rng
        dnssec, tcp = rng.random() < 0.6, rng.random() < 0.25
        payload = rng.choice([512, 1232, 1232, 4096])
        edns = opt(payload, flags=0x8000 if dnssec else 0) if dnssec or rng.random() < 0.7 else None
        asked = zonegen.mixed_case(rng, zone.fqdn(name)) if rng.random() < 0.2 else zone.fqdn(name)
        packet = query(asked, qtype, edns=edns, ident=rng.getrandbits(16), flags=rng.choice([0, 0, 0x100, 0x10, 0x20]))
        for p in self.peers:
            p.send(packet, tcp)
        replies = {p.name: p.receive(packet, tcp) for p in self.peers}
        if None in replies.values():
            raise RuntimeError("no answer from %s: %s %s" % ([n for n, r in replies.items() if not r], asked, qtype))
        answers = {}
        for server, reply in replies.items():
            try:
                answers[server] = Answer(reply)
            except AssertionError:                                     # Knot 3.2.6 has pointers into nothing, once in 400,000
                self.counts["malformed by " + server] += 1
                self.failed += server == "Waymark"
                return
        self.pairs += 1
        limit = 65535 if tcp else min(payload, 1232) if edns else 512
        wrong = []
        for field in answers["Waymark"].field:
            case = Case(zone, asked, qtype, tcp, limit, dnssec, field, answers, self.origin,
                        lambda name: self.direct(query(name, qtype, edns=edns, ident=rng.getrandbits(16))))
            v = verdict(case)
            self.counts[v if v in ("same", "differs") else "%s (%s)" % (v, field)] += 1
            if v == "differs":
                wrong.append(case)
        ours = answers["Waymark"]
        alike = [a.size for n, a in answers.items() if n in ("Nsd", "Knot") and all(
            a.field[f] == ours.field[f] for f in SECTIONS + ("rcode", "question"))]
        self.counts["same size or shorter"] += bool(alike) and ours.size <= min(alike)
        if alike and ours.size > min(alike):
            self.counts["longer"] += 1
            wrong.append(Case(zone, asked, qtype, tcp, limit, dnssec, "size", {n: Sized(a) for n, a in answers.items()}, None, None))
        self.failed += bool(wrong)
        for case in wrong:
            key = (case.field, zone.signed, str(qtype) if qtype in ("ANY", "DS", "NS", "NSEC", "NSEC3", "RRSIG") else "other", tcp)
            self.failures.setdefault(key, []).append(case)

    def all(self):
        self.wait()
        refused = {z: [p.name for p in self.peers if self.rcode(p, z) != 0] for z in self.zones}
        for origin, zone in self.zones.items():
            if refused[origin]:
                self.left_out += 1
                self.counts["left out by " + " ".join(refused[origin])] += 1
                self.failed += refused[origin] == ["Waymark"]
                continue
            for name in zonegen.names_to_ask(self.rng, zone):
                if refused.get(name and "kid." + origin if name[-1:] == ("kid",) else origin):
                    continue                                           # a child zone that not all have
                for qtype in self.rng.sample(zonegen.ASKED, 4):
                    self.compare(zone, name, qtype)

    def report(self, show):
        for key, cases in sorted(self.failures.items(), key=lambda kv: -len(kv[1]))[:show]:
            case = cases[0]
            print("%d of %s, signed %s, type %s, tcp %s; one is %s %s, DO %s, limit %d:" % (len(cases), *key, case.name, case.qtype, case.dnssec, case.limit))
            for n, a in case.answers.items():
                value = a.field[case.field]
                if isinstance(value, frozenset):
                    value = sorted("%s %d %d %s" % (r[0], r[1], r[2], r[3][:40]) for r in value)
                print("    %-8s %s" % (n, value))
        for what, n in sorted(self.counts.items()):
            if what != "same":
                print("  %7d %s" % (n, what))
        print("compared %d pairs over %d zones: %d differ, %d zones left out" % (self.pairs, len(self.zones), self.failed, self.left_out))


def run(seed, zones, args):
    r = Run(seed, zones)
    try:
        r.all()
    finally:
        r.close(args.keep)
    r.report(args.show)
    return r.pairs, r.failed


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--zones", type=int, default=100)
    ap.add_argument("--show", type=int, default=6)
    ap.add_argument("--keep", action="store_true")
    ap.add_argument("--sample", action="store_true")
    args = ap.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    missing = [p for p in servers.PROGRAMS if not shutil.which(p)]
    if missing:
        print("skipped: comparing with NSD, Knot and BIND: not installed: %s\nconform: 0 passed, 0 failed, 1 skipped" % " ".join(missing))
        return 0
    pairs, failed = run(args.seed, 16 if args.sample else args.zones, args)
    print("conform: %d passed, %d failed" % (pairs - failed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
