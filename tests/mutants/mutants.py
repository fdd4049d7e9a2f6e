#!/usr/bin/python3
"""mutants - how many small wrongs would the tests notice? What "make mutants" calls.

Changes one operator, constant or statement at a random place of src/, builds that in a copy of this tree, and runs what could tell:
the unit tests of the file, of the room, all other unit tests, the replays of the corpora, and the tests of real servers that belong to the
room. What fails is run once more: it has noticed the change when it fails again, and is told when it has failed by chance.
What does not compile or makes the same object files is left out and does not count. Each mutant has a limit of time for its tests; one
that lives is printed with file:line, so that somebody finds out whether it is equivalent or a test is missing.

    make mutants N=100 SEED=1 [ROOMS="answer net"] [FILES=round] [AT="src/net/udp.c:20-40"] [LIMIT=60] [ONLY=unit]

The same seed over the same tree makes the same mutants. Tests run in namespaces of their own where that is allowed (root): a mutant
that ends processes or removes files by mistake finds none but its own. Nothing of the tree itself is changed.
"""
import argparse
import glob
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import places

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The tests of tests/serve/ that belong to a room, those first that notice most in the least time.
SERVE = {
    "agent": ["agent"],
    "answer": ["rules", "edns", "static", "rrl", "steer", "compress", "views", "dnssec"],
    "base": ["rules", "check", "steer", "latency"],
    "conf": ["check", "rules", "reload"],
    "console": ["zone_commands", "reload", "stalls"],
    "daemon": ["zones", "check", "steer", "reload", "zone_commands", "probe_state", "diff", "workers", "transfer", "stage", "latency", "agent", "memory"],
    "dns": ["rules", "edns", "static", "updates"],
    "fleet": ["fleet"],
    "geo": ["geo", "steer", "reload", "simulate"],
    "import": ["import"],
    "jobs": ["reload", "stalls"],
    "measure": ["latency", "steer", "agent"],
    "net": ["static", "tcp", "workers", "rrl", "https", "tls", "proxy", "memory"],
    "probe": ["probe_kinds", "probe_http", "probe_health", "probe_state", "probe_load"],
    "report": ["steer", "zones", "diff", "metrics", "probe_health", "latency", "reload", "balance"],
    "simulate": ["simulate"],
    "steer": ["steer", "rules", "pools", "balance", "stage", "simulate"],
    "store": ["zone_commands", "updates", "probe_state"],
    "tools": ["check", "diff", "agent", "simulate"],
    "web": ["metrics", "api", "agent", "latency", "workers"],
    "world": ["reload", "steer", "workers", "views"],
    "xfr": ["transfer", "notify", "fetch", "zones"],
    "zone": ["rules", "check", "static", "compress", "transfer", "dnssec", "dnssec_keys"],
}
# Files of which a test tells more than those of their room, by how their names begin: the longest that fits is meant. What is not of
# tests/serve has its folder and its claims.
SERVE_FILE = {
    "answer/compress": ["compress", "rules"], "answer/cookie": ["edns"], "answer/note": ["workers", "balance", "steer"], "answer/rrl": ["rrl"],
    "daemon/balancer": ["balance"], "daemon/catalog": ["catalog"], "daemon/certificates": ["tls", "https"], "daemon/conf_lint": ["check"],
    "daemon/decision": ["why", "workers", "steer"], "daemon/dnssec": ["dnssec_keys", "dnssec"], "daemon/export": ["simulate"],
    "daemon/external_files": ["steer", "pools"], "daemon/fail_back": ["steer", "probe_state"], "daemon/flattening": ["flatten"],
    "daemon/fleet": ["fleet"], "daemon/balancer_fleet": ["fleet"], "daemon/load_fleet": ["fleet"], "daemon/updates_fleet": ["fleet", "updates"], "daemon/foresee": ["diff", "simulate"], "daemon/forcing": ["steer", "pools", "probe_state"],
    "daemon/forwarding": ["updates"], "daemon/frozen": ["updates", "zone_commands"], "daemon/geo_watch": ["reload"],
    "daemon/groups": ["simulate", "balance"], "daemon/key_": ["dnssec_keys", "dnssec"], "daemon/latency_read": ["latency"],
    "daemon/load_count": ["balance"], "daemon/measuring": ["agent", "latency"], "daemon/metrics_maker": ["metrics"],
    "daemon/notifying": ["notify", "transfer"], "daemon/orders": ["probe_health", "reload", "stage"], "daemon/plain": ["transfer", "catalog"],
    "daemon/pool_signing": ["dnssec"], "daemon/privs": ["workers", "reload"], "daemon/probes": ["probe_health", "probe_state"],
    "daemon/rankings": ["latency", "steer"], "daemon/regions": ["api"], "daemon/reports": ["agent"], "daemon/secondaries": ["transfer", "notify"], "daemon/server_end": ["upgrade"],
    "daemon/sign": ["dnssec", "dnssec_keys"], "daemon/staging": ["stage"], "daemon/state_saver": ["probe_state"], "daemon/successor": ["upgrade"], "daemon/upgrade": ["upgrade"],
    "daemon/store": ["zone_commands"], "daemon/timeline": ["why"], "daemon/update": ["updates"], "daemon/verdict": ["steer", "probe_state"],
    "daemon/versions": ["transfer", "zone_commands"], "daemon/why": ["why"], "daemon/write_back": ["updates"], "daemon/zone_orders": ["zone_commands"],
    "daemon/zone_signing": ["dnssec"], "daemon/zones": ["zones", "zone_commands", "reload"],
    "dns/tsig": ["transfer", "updates"], "daemon/kept_images": ["images"], "zone/zone_kept": ["images"], "steer/steer_kept": ["images"], "geo/atlas_kept": ["images"],
    "net/stream": ["tcp", "upgrade"], "net/batch": ["metrics", "proxy"], "net/connection": ["tcp", "proxy"], "net/quic": ["tls"], "net/doh": ["https"], "net/tls": ["tls", "https"], "net/xdp": ["interop/xdp vlans passed mtu"],
    "probe/check_http": ["probe_kinds", "probe_load"], "probe/load_from": ["probe_kinds", "balance"],
    "report/metrics": ["metrics"], "report/report_load": ["balance"],
    "tools/ctl": ["check", "reload"], "tools/ctl_fleet": ["fleet"], "tools/ctl_diff": ["diff"], "tools/ctl_simulate": ["simulate"], "tools/ctl_zone": ["zone_commands"],
    "zone/change": ["updates", "transfer"], "zone/sign": ["dnssec", "dnssec_keys"], "zone/delta": ["dnssec", "transfer", "updates"], "zone/denial": ["dnssec"],
    "zone/nsec3": ["dnssec"], "zone/catalog": ["catalog"], "zone/key": ["dnssec_keys"], "zone/view": ["views"], "zone/zone_with": ["updates", "transfer"],
    "zone/plain": ["transfer"], "zone/draft": ["zone_commands"], "zone/history": ["transfer", "zone_commands"],
}


def of_file(stem):
    """Of ROOM/FILE."""
    best = max((begin for begin in SERVE_FILE if stem.startswith(begin)), key=len, default="")
    return SERVE_FILE.get(best, [])


class Reach:
    """Which rooms a test can run code of: those that it includes, and what they include."""

    def __init__(self):
        self.of_room = {}
        for path in glob.glob("src/*/*.[ch]"):
            self.of_room.setdefault(path.split("/")[1], set()).update(self.included([path]))
        for _ in self.of_room:                              # each time one step further
            for rooms in self.of_room.values():
                rooms.update(*(self.of_room[r] for r in list(rooms)))

    def included(self, paths):
        found = set()
        for path in paths:
            with open(path) as f:
                found.update(r for r in re.findall(r'^#\s*include "(\w+)/', f.read(), re.M) if os.path.isdir("src/" + r))
        return found

    def of(self, paths):
        rooms = self.included(paths)
        return rooms.union(*(self.of_room[r] for r in rooms))


class Step:
    """One program that may notice a change; `unit` when it is the unit tests."""

    def __init__(self, name, argv, needs, unit=False):
        self.name, self.argv, self.needs, self.unit = name, argv, needs, unit
        self.usual_s, self.broken = None, False   # the longest time it took to pass; it fails without any change

    def hangs_s(self):
        """After so many seconds it does not end any more."""
        return float("inf") if self.usual_s is None else 3 * self.usual_s + 10


class Tree:
    """A copy of this tree to build and test in."""

    def __init__(self, nice):
        self.top = tempfile.mkdtemp(prefix="waymark-mutants.")
        self.nice = nice
        skip = shutil.ignore_patterns("asan", "tsan", "fuzz-*", "__pycache__")
        for name in sorted(set(os.listdir(TOP)) - {".git", "autom4te.cache"}):
            path = os.path.join(TOP, name)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(self.top, name), symlinks=True, ignore=skip)
            elif os.path.exists(path):
                shutil.copy2(path, self.top)
        self.apart, self.said = self.can_be_apart(), ""
        # Most of what a mutant costs is linking, and lld takes a third of what ld takes.
        with open(self.top + "/build/config.mk") as f:
            self.linker = ["LDFLAGS=-fuse-ld=lld"] if shutil.which("ld.lld") and re.search(r"^LDFLAGS = *$", f.read(), re.M) else []
        self.servers = ["build/waymarkd", "build/waymarkctl", "build/waymark-agent", "build/fail_alloc.so", "build/slow.so",
                        "build/bench/load", "build/bench/floor"]
        self.replays = sorted("build/replay_" + name for name in self.fuzz_names())

    def fuzz_names(self):
        """Those that are built as it is configured: not that of QUIC without it."""
        done = subprocess.run(["make", "-s", "--no-print-directory", "fuzz-names"], cwd=self.top, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.split()

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)

    def make(self, *targets):
        done = subprocess.run(["nice", "-n", str(self.nice), "make", "-j2"] + self.linker + list(targets), cwd=self.top, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
        return done.returncode == 0, done.stdout

    def users(self, path):
        """The objects that a file of src/ goes into; none, where it is left out as the tree is configured (QUIC, XDP)."""
        if path.endswith(".c"):
            own = self.top + "/build/obj/" + path[:-2] + ".o"
            return [own] if os.path.exists(own) else []
        found = []
        for obj in glob.glob(self.top + "/build/obj/src/*/*.o"):
            with open(obj[:-2] + ".d") as f:
                if path in f.read().split():
                    found.append(obj)
        return found

    @staticmethod
    def content(path):
        with open(path, "rb") as f:
            return f.read()

    def bare(self, path):
        out = self.top + "/bare.o"
        subprocess.run(["objcopy", "--strip-debug", path, out], check=True)
        return self.content(out)

    SHELL = ('mount --make-rprivate / && mount --bind "$0" /mnt && mount -t tmpfs -o mode=1777 tmpfs /tmp && ip link set lo up && '
             'echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range; cd /mnt && "$@"')

    def can_be_apart(self):
        return os.getuid() == 0 and subprocess.run(self.around(["true"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def around(self, argv):
        return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--mount", "sh", "-c", self.SHELL, self.top] + argv

    def run(self, step, patience_s):
        """(what the step says: True right, False wrong, None: it had no more time; its seconds)."""
        argv = ["nice", "-n", str(self.nice)] + step.argv
        begun = time.monotonic()
        env = dict(os.environ, BUILD="build", PYTHONDONTWRITEBYTECODE="1", UNIT_STOP="1")
        proc = subprocess.Popen(self.around(argv) if self.apart else argv, cwd=self.top, env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            text = proc.communicate(timeout=patience_s)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            return None, time.monotonic() - begun
        finally:
            if proc.poll() is None:
                os.killpg(proc.pid, signal.SIGKILL)
                proc.communicate()
        self.said = text
        return proc.returncode == 0, time.monotonic() - begun


class Steps:
    """What is run for a file, in order."""

    def __init__(self, tree):
        self.tree, self.known = tree, {}
        self.suites = {}
        with open(tree.top + "/build/obj/tests/unit/suites.h") as f:        # without what this machine has no libraries for
            built = set(re.findall(r"SUITE\((\w+)\)", f.read()))
        for f in sorted(glob.glob(tree.top + "/tests/unit/*/test_*.c")):
            if os.path.basename(f)[5:-2] in built:
                self.suites.setdefault(f.split("/")[-2], []).append(os.path.basename(f)[5:-2])
        reach = Reach()
        self.reach = {room: reach.of(glob.glob("tests/unit/%s/*.[ch]" % room)) | {room} for room in self.suites}
        self.replays = {program: reach.of(["tests/fuzz/fuzz_%s.c" % program.split("replay_")[1]]) for program in tree.replays}

    def step(self, name, argv, needs, unit=False):
        return self.known.setdefault((name, *needs), Step(name, argv, needs, unit))

    def nearest(self, room, name):
        """Suites of the room that share most of the first words of a file's name; few, or none is tried before the others."""
        words = name.split("_")
        for n in range(len(words), 0, -1):
            found = [s for s in self.suites.get(room, []) if s.split("_")[:n] == words[:n]]
            if found:
                return found if len(found) < len(self.suites[room]) / 2 else []
        return []

    def all_of(self, path, only=None):
        room, stem = path.split("/")[1], os.path.splitext("/".join(path.split("/")[1:]))[0]
        others = [s for r in sorted(self.suites) if r != room and room in self.reach[r] for s in self.suites[r]]
        nearest = self.nearest(room, stem.split("/")[1])
        if nearest and only != "others":
            yield self.step("unit " + " ".join(nearest), ["build/unit"] + nearest, ["build/unit"], True)
        if room in self.suites and only != "others":
            yield self.step("unit " + room, ["build/unit"] + self.suites[room], ["build/unit"], True)
        if only == "room":
            return
        if others and only != "others":
            yield self.step("unit of who uses " + room, ["build/unit"] + others, ["build/unit"], True)
        if only == "unit":
            return
        replays = [program for program in self.tree.replays if room in self.replays[program]]
        for program in replays:
            corpus = sorted(glob.glob("%s/tests/fuzz/corpus/%s/*" % (self.tree.top, program.split("replay_")[1])))
            yield self.step(program[6:], [program] + [os.path.relpath(f, self.tree.top) for f in corpus], replays)
        rows = of_file(stem)
        for name in rows + [n for n in SERVE.get(room, []) if n not in rows]:
            test, *claims = name.split()
            path = "tests/%s.py" % test if "/" in test else "tests/serve/test_%s.py" % test
            if os.path.exists(os.path.join(self.tree.top, path)):
                yield self.step(name, [sys.executable, path, *claims], self.tree.servers)


class Judge:
    """Who notices? A step is believed when it has passed once: one that fails and never did is run without the change."""

    def __init__(self, tree, limit_s):
        self.tree, self.limit_s = tree, limit_s

    def of(self, steps, changed):
        """(step or None, "" or what else there is to say)."""
        left_s, built = self.limit_s, None
        for step in steps:
            if step.broken:
                continue
            if left_s < 1:
                return None, "before %s, for want of time" % step.name
            if step.needs != built and not self.tree.make(*step.needs)[0]:
                return step, "by the linker"
            built = step.needs
            right, took_s = self.tree.run(step, min(left_s, step.hangs_s()))
            if not right and step.usual_s is None and not self.passes_without(step, changed):
                built = None                                # the change is there anew
                continue
            if right is False or (right is None and took_s >= step.hangs_s()):
                right, took_s = self.again(step, changed, right, took_s)
            if right is None and took_s < step.hangs_s():
                return None, "in %s, for want of time" % step.name
            left_s -= took_s
            if not right:
                return step, "" if right is False else "by its time"
            step.usual_s = max(took_s, step.usual_s or 0)
        return None, ""

    def again(self, step, changed, right, took_s):
        """As run() says it. The change may have been taken back to see whether the step passes without it."""
        said = [line for line in self.tree.said.splitlines() if "FAILED" in line]
        changed.make()
        self.tree.make(*step.needs)
        now = self.tree.run(step, step.hangs_s())
        if now[0]:
            print("%s failed by chance, or because the machine was busy: %s" % (step.name, " ".join(said) if right is False else "%d s" % took_s))
        return now

    def passes_without(self, step, changed):
        """The change is taken back for it; where the step is to blame, it is made again."""
        changed.undo()
        self.tree.make(*step.needs)
        for _ in range(2):                                  # once more: the machine may have been busy with other things
            right, took_s = self.tree.run(step, 300)
            if right:
                step.usual_s = took_s
                return True
        said = [line for line in self.tree.said.splitlines() if "FAILED" in line] or self.tree.said.splitlines()[-3:]
        print("%s fails without any change, and is left out: %s" % (step.name, " ".join(said)))
        step.broken = True
        changed.make()
        return False


class Change:
    """A mutant in the tree, until it is taken back: then file and objects are what they were."""

    def __init__(self, tree, m):
        self.tree, self.m, self.path = tree, m, os.path.join(tree.top, m.path)
        self.objects = {path: tree.content(path) for path in tree.users(m.path)}
        self.time = os.stat(self.path)
        with open(self.path) as f:
            self.text = f.read()

    def __enter__(self):
        self.make()
        return self

    def __exit__(self, *_):
        self.undo()

    def make(self):
        m = self.m
        self.write(self.text[:m.at] + m.new + self.text[m.at + len(m.old):])

    def write(self, text):
        with open(self.path, "w") as f:
            f.write(text)

    def builds(self):
        """False when it does not compile, is the same program, or is no part of it."""
        if not self.objects:
            return False
        before = {path: self.tree.bare(path) for path in self.objects}
        ok = self.tree.make(*[os.path.relpath(path, self.tree.top) for path in self.objects])[0]
        return ok and any(self.tree.bare(path) != before[path] for path in self.objects)

    def undo(self):
        """The file is as old as it was, the objects are new: make builds from them and not them."""
        self.write(self.text)
        os.utime(self.path, ns=(self.time.st_atime_ns, self.time.st_mtime_ns))
        for path, content in self.objects.items():
            with open(path, "wb") as f:
                f.write(content)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("-n", type=int, default=100)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--rooms", default="")
    ask.add_argument("--files", default="", help="a pattern for paths")
    ask.add_argument("--at", default="", help="only these lines: FILE:LINE or FILE:FIRST-LAST, several with spaces")
    ask.add_argument("--part", default="1/1", help="2/3: every third of what the seed draws, from the second on, so that several may share it")
    ask.add_argument("--limit", type=float, default=60, help="seconds for the tests of one mutant")
    ask.add_argument("--nice", type=int, default=5)
    ask.add_argument("--only", choices=["unit", "room", "others"], help="unit tests only, those of the room only, or all but them")
    ask.add_argument("--list", action="store_true", help="only say what would be changed")
    args = ask.parse_args()
    os.chdir(TOP)
    mutants = places.Places(args.rooms.split(), args.files)
    if args.at:
        mutants.keep(args.at.split())
    drawn = of_part(mutants, random.Random(args.seed), *map(int, args.part.split("/")))
    if args.list:
        for m in itertools.islice(drawn, args.n):
            print(m)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # what it has started and copied goes with it
    tree = Tree(args.nice)
    try:
        return report(run(tree, drawn, args))
    finally:
        tree.close()


def of_part(mutants, rng, part, parts):
    for i in itertools.count():
        m = mutants.draw(rng)
        if m is None:
            return
        if i % parts == part - 1:
            yield m


def run(tree, drawn, args):
    ok, said = tree.make(*tree.replays, *tree.servers, "build/unit")
    if not ok:
        sys.exit(said[-3000:] + "\nthe tree does not build as it stands")
    steps, judge, rows, left_out = Steps(tree), Judge(tree, args.limit), [], 0
    while len(rows) < args.n and left_out < 20 * args.n + 100:
        m = next(drawn, None)
        if m is None:
            break
        with Change(tree, m) as changed:
            if not changed.builds():
                left_out += 1
                continue
            step, more = judge.of(steps.all_of(m.path, args.only), changed)
        rows.append((m, step))
        print("%3d %s %s%s%s" % (len(rows), m, "killed by " + step.name if step else "ALIVE", " " if more else "", more))
        sys.stdout.flush()
    print("%d more did not compile or were the same program" % left_out)
    return rows


def share(n, of):
    return "%d of %d (%d %%)" % (n, of, round(100 * n / of) if of else 0)


def report(rows):
    rooms = sorted({m.path.split("/")[1] for m, _ in rows})
    print("\n%-10s %8s %8s %8s %8s" % ("room", "mutants", "by unit", "by other", "alive"))
    for room in rooms + ["all"]:
        mine = [step for m, step in rows if room in ("all", m.path.split("/")[1])]
        unit = sum(1 for s in mine if s and s.unit)
        dead = sum(1 for s in mine if s)
        print("%-10s %8d %8d %8d %8d" % (room, len(mine), unit, dead - unit, len(mine) - dead))
    alive = [m for m, step in rows if not step]
    for m in alive:
        print("alive: %s" % m)
    unit = sum(1 for _, step in rows if step and step.unit)
    print("mutants: %s killed, %s by unit tests" % (share(len(rows) - len(alive), len(rows)), share(unit, len(rows))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
