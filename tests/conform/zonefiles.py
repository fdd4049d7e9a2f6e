#!/usr/bin/python3
"""zonefiles - hundreds of small zone files, good, odd and broken: who takes them, and what is served then?

usage: zonefiles.py [--live [--record]] [--show] [CASE...]

The cases stand in zonefiles/*.zones. "=== NAME [!] [| RFC]" starts one, whose text goes behind the four lines of APEX, or is
a whole file with "!"; "--- NAME" starts a file to include. "@@" is the zone (NAME.test), "%D" the case's folder, "<<...>>"
a Python expression (a str of bytes), <<EOF>> takes away the newline at the end.

zonefiles/agreed.json has what NSD, Knot, BIND and PowerDNS said to each: "verdict" where they agree (see agreed_on()), and
"answers", what they served then. Without --live our own side alone is held against it; where they do not agree, only that
we come to a verdict. zonefiles/own.txt names the cases in which we go our own way, and why. --live asks the servers that are
installed anew and tells where the table is wrong; --record writes it.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "serve"), os.path.join(HERE, "zonefiles")]
from lib import APEX, SLOW, WAYMARKCTL  # noqa: E402
import servers  # noqa: E402

AGREED = os.path.join(HERE, "zonefiles", "agreed.json")
OWN = os.path.join(HERE, "zonefiles", "own.txt")
QUESTIONS_MOST = 12                                         # of one zone
DEADLY = {"nsd": {"include-folder"}, "pdns": {"generate-huge"},
          "knot": {"include-self", "include-loop", "generic-mx"}}    # these end a server, never end, or corrupt its memory
TEXT_MOST = 300                                             # an answer longer than that is kept as its hash


# ------------------------------------------------------------------ the table

class Case:
    def __init__(self, head, body):
        name, _, self.rfc = (part.strip() for part in head.partition("|"))
        self.whole, self.name = name.endswith("!"), name.rstrip(" !")
        self.zone = self.name + ".test"
        parts = re.split(r"^--- (\w+)\n", body, flags=re.M)
        self.texts = {"zone": ("" if self.whole else APEX) + parts[0]}
        self.texts.update(zip(parts[1::2], parts[2::2]))

    def write(self, folder):
        folder = os.path.join(folder, self.name)
        os.mkdir(folder)
        for name, text in self.texts.items():
            if "<<EOF>>" in text:
                text = text[:text.index("<<EOF>>")]
            text = re.sub(r"<<(.+?)>>", lambda m: str(eval(m.group(1))), text, flags=re.S)
            text = text.replace("@@", self.zone).replace("%D", folder)
            with open(os.path.join(folder, name), "wb") as f:
                f.write(text.encode("latin1"))


def read_cases(wanted):
    cases = {}
    for path in sorted(glob.glob(os.path.join(HERE, "zonefiles", "*.zones"))):
        with open(path, encoding="ascii", newline="\n") as f:
            parts = re.split(r"^=== (.*)\n", f.read(), flags=re.M)[1:]
        for head, body in zip(parts[::2], parts[1::2]):
            case = Case(head, body)
            if case.name in cases:
                raise SystemExit("%s: %s is there twice" % (path, case.name))
            cases[case.name] = case
    return [c for c in cases.values() if not wanted or c.name in wanted]


def read_own():
    """{case: (our verdict, why)}"""
    own = {}
    with open(OWN, encoding="ascii") as f:
        for line in f:
            if line.strip() and line[0] != "#":
                name, verdict, why = line.split(None, 2)
                own[name] = verdict, why.strip()
    return own


# ------------------------------------------------------------------ our own side

def check(work, case):
    """("yes" or "no", what waymarkctl said)"""
    conf = os.path.join(work, "zones", case.name, "waymark.yaml")
    with open(conf, "w") as f:
        f.write("server: { listen: [ \"127.0.0.1:53\" ] }\nzones: [ { name: %s, file: zone } ]\n" % case.zone)
    done = subprocess.run([WAYMARKCTL, "-c", conf, "check"], capture_output=True, timeout=60 * SLOW)
    said = (done.stdout + done.stderr).decode("latin1")
    if done.returncode not in (0, 1) or (done.returncode == 1 and ": error: " not in said):
        return "crash", "exit status %d: %s" % (done.returncode, said)
    return "no" if done.returncode else "yes", said


def check_all(work, cases):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(zip((c.name for c in cases), pool.map(lambda c: check(work, c), cases)))


def essence(reply):
    """What is compared of an answer, as text; long ones are hashed."""
    if reply is None:
        return "nothing"
    rows = sorted("%s %d %d %s" % row for row in reply.answer)
    if not reply.aa:
        rows += sorted("authority %s %d %s" % (r[0], r[1], r[3]) for r in reply.authority if r[1] in (2, 43))
    text = "%d%s" % (reply.rcode, " aa" if reply.aa else "") + "".join("; " + row for row in rows)
    return text if len(text) <= TEXT_MOST else "sha256 " + hashlib.sha256(text.encode("latin1")).hexdigest()


def answers(flock, questions):
    """{case: {"owner type": essence}}"""
    return {case: {q: essence(flock.server[case].ask(*q.rsplit(" ", 1))) for q in asked} for case, asked in questions.items()}


# ------------------------------------------------------------------ the references

def has_opinion(server, case):
    """NSD and Knot know no $GENERATE; that they refuse it says nothing about its form."""
    return not (server in ("nsd", "knot") and "$GENERATE" in case.texts["zone"].upper()) and \
        case.name not in DEADLY.get(server, ())


def agreed_on(said):
    """What all servers say, or at least NSD, Knot and BIND (PowerDNS takes much that it cannot serve); else None."""
    for group in (set(said), {"nsd", "knot", "named"}):
        values = {said.get(server) for server in group}
        if len(group) > 1 and len(values) == 1:
            return values.pop()
    return None


def ask_references(work, cases):
    """{case: {"refs": {server: yes/no}, "answers": {question: essence}}}, where they agree also "verdict"."""
    running = [servers.Flock(kind, work, [c for c in cases if c.name not in DEADLY.get(kind.name, ())],
                             servers.EACH.get(kind.name, len(cases)))
               for kind in servers.REFERENCES if shutil.which(kind.program)]
    found = {c.name: {"refs": {}} for c in cases}
    try:
        for s in running:
            s.wait()
        questions = {}
        for c in cases:
            refs = found[c.name]["refs"] = {s.name: "yes" if s.server[c.name].loaded(c.zone) else "no" for s in running
                                            if has_opinion(s.name, c) and c.name in s.server}
            if "yes" in refs.values():
                asked = set()
                for s in running:
                    asked |= (refs.get(s.name) == "yes" and s.server[c.name].transfer(c.zone)) or set()
                questions[c.name] = sorted(asked)[:QUESTIONS_MOST]
        replies = {s.name: answers(s, {n: q for n, q in questions.items() if found[n]["refs"].get(s.name) == "yes"})
                   for s in running}
    finally:
        for s in running:
            s.stop()
    for name, asked in questions.items():
        refs = found[name]["refs"]
        said = {q: {s: replies[s][name][q] for s in refs if refs[s] == "yes"} for q in asked}
        found[name]["answers"] = {q: agreed_on(r) for q, r in said.items() if agreed_on(r)}
    for row in found.values():
        if agreed_on(row["refs"]):
            row["verdict"] = agreed_on(row["refs"])
    return found


# ------------------------------------------------------------------ the report

class Report:
    def __init__(self, show):
        self.passed = self.failed = self.skipped = 0
        self.show = show

    def claim(self, holds, case, what):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print("FAILED: %s%s: %s" % (case.name, case.rfc and " (RFC " + case.rfc.replace("RFC ", "") + ")", what))


def compare(report, cases, agreed, own, said, served):
    for case in cases:
        verdict, text = said[case.name]
        want, mine = agreed.get(case.name, {}), own.get(case.name)
        if verdict == "crash":
            report.claim(False, case, text)
        elif mine:
            report.claim(verdict == mine[0], case, "we say %s, and own.txt %s (%s)" % (verdict, mine[0], mine[1]))
        elif "verdict" not in want:
            report.claim(True, case, "it has a verdict, and whose is right is open")
            if report.show:
                refs = " ".join("%s:%s" % r for r in want.get("refs", {}).items())
                print("open: %-40s we:%s %s" % (case.name, verdict, refs))
        else:
            report.claim(verdict == want["verdict"], case, "we say %s, and the others all %s\n%s" % (
                verdict, want["verdict"], text[:1000]))
        for question, reply in want.get("answers", {}).items() if verdict == "yes" and not mine else ():
            got = served.get(case.name, {}).get(question)
            report.claim(got == reply, case, "%s\n    we:     %s\n    others: %s" % (question, got, reply))


def compare_tables(report, cases, agreed, found):
    for case in cases:
        for key in ("refs", "answers"):
            was, now = agreed.get(case.name, {}).get(key, {}), found[case.name].get(key, {})
            for what in now:
                if was.get(what) != now[what]:
                    report.claim(False, case, "agreed.json has %s for %s, and it is %s" % (was.get(what), what, now[what]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    cases, own, report = read_cases(args.cases), read_own(), Report(args.show)
    work = tempfile.mkdtemp(prefix="waymark-zonefiles.")
    os.chmod(work, 0o755)
    os.mkdir(work + "/zones")
    agreed = {}
    if os.path.exists(AGREED):
        with open(AGREED) as f:
            agreed = json.load(f)
    try:
        for case in cases:
            case.write(work + "/zones")
        if args.live:
            found = ask_references(work, cases)
            for kind in servers.REFERENCES:
                if not shutil.which(kind.program):
                    report.skipped += 1
                    print("skipped: %s is not installed" % kind.program)
            if args.record:
                agreed.update(found)
                with open(AGREED, "w") as f:
                    f.write("{\n" + ",\n".join("%s: %s" % (json.dumps(name), json.dumps(row, sort_keys=True))
                                              for name, row in sorted(agreed.items())) + "\n}\n")
            else:
                compare_tables(report, cases, agreed, found)
        said = check_all(work, cases)
        taken = [c for c in cases if said[c.name][0] == "yes"]
        mine = servers.Flock(servers.Waymark, work, taken, max(1, len(taken)))
        try:
            mine.wait()
            served = answers(mine, {c.name: agreed.get(c.name, {}).get("answers", {}) for c in cases
                                    if said[c.name][0] == "yes"})
        finally:
            mine.stop()
        compare(report, cases, agreed, own, said, served)
    finally:
        if args.keep:
            print(work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    print("zonefiles: %d passed, %d failed%s" % (report.passed, report.failed,
                                                ", %d skipped" % report.skipped if report.skipped else ""))
    sys.exit(1 if report.failed else 0)


main()
