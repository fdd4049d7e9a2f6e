#!/usr/bin/python3
"""Upgrades at load: queries that are lost against stretches without one; and upgrades in which one of the two is killed.

Somebody asks at a pace over UDP (tests/bench/load.c, whose sockets have room: who asks by ones of the usual size loses answers himself when he does not get a
processor for some milliseconds), while the server is followed by another process again and again. As many stretches of the same length go without. Then,
while somebody asks, one of the two processes of an upgrade is killed at a random moment: whoever is left serves, what was confirmed is known to it, and only
where the old one dies before it has handed over its sockets nobody is left.

    upgrade.py [--upgrades 20] [--kills 10] [--rate 10000] [--seconds 1] [--names 10000 [--reads]] [--seed 1]
"""
import argparse
import ctypes
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import *                                                                                               # noqa: E402

CONFIG = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ] } }
store: { file: w.db }
templates: { own: { write-back: store, nameservers: [ ns1.example.com ] } }
"""
LOAD = BUILD + "/bench/load"
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)                     # what a server has left behind is our child: PR_SET_CHILD_SUBREAPER


def write_queries(server, rng, n):
    """As bench/load takes them: RCODE and ANCOUNT that are expected, length, message."""
    names = ["w%d.example.com" % rng.randrange(n) for _ in range(9000)] + ["cdn.example.com"] * 1000
    rng.shuffle(names)
    with open(server.dir + "/queries", "wb") as f:
        for name in names:
            message = query(name, "A", ident=0)
            f.write(struct.pack(">BBH", NOERROR, 1, len(message)) + message)


class Asked:
    """Queries at a pace, in the background; what came of them at the end. One without an answer within half a second is lost."""

    def __init__(self, server, seconds, rate):
        self.server, self.dropped = server, dropped(server)
        self.proc = subprocess.Popen([LOAD, "-d", server.dir + "/queries", "-p", str(server.port), "-q", str(rate), "-t", "%g" % seconds, "-n", "16", "-w", "1024"],
                                     stdout=subprocess.PIPE, text=True)

    def end(self):
        told = json.loads(self.proc.communicate()[0])
        same(told["right"], told["answered"], "answers as they should be:")
        told["dropped"] = dropped(self.server) - self.dropped
        return told


def dropped(server):
    """Packets for which the server's sockets had no room."""
    with open("/proc/net/udp") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if int(row[1].split(":")[1], 16) == server.port)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def servers(server):
    """Those of this configuration that are there: one, but in an upgrade."""
    found = []
    for pid in (int(p) for p in os.listdir("/proc") if p.isdigit()):
        try:
            with open("/proc/%d/comm" % pid) as comm, open("/proc/%d/cmdline" % pid) as words:
                if "waymarkd" in comm.read() and server.conf in words.read() and alive(pid):
                    found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def only_one(server):
    """Who serves, once who was before has ended."""
    end = time.monotonic() + 60
    while len(servers(server)) != 1:
        assert time.monotonic() < end, "there are %s" % servers(server)
        time.sleep(0.05)
    return servers(server)[0]


def follow(server):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        code, said = server.ctl("upgrade")
        if code == 0 or "has connections yet" not in said:
            assert code == 0, said
            return
        time.sleep(0.05)
    raise AssertionError("the upgrade before does not end")


def at_load(server, n, seconds, rate):
    """What came of n stretches of a stream with an upgrade each, and of n without, which take turns."""
    told = {True: [], False: []}
    for i in range(n):
        for with_one in (False, True):
            asked = Asked(server, seconds, rate)
            time.sleep(seconds / 4)
            if with_one:
                follow(server)
            told[with_one].append(asked.end())
    return told


def kill_one(server, rng, k, rate):
    """True when a server is left, as it must be unless the old one was killed before it gave its sockets away."""
    old = only_one(server)
    code, said = server.ctl("zone", "add", "k%d.test" % k, "own")
    assert code == 0, said
    asked = Asked(server, 3, rate)
    begun = len(server.said())
    command = subprocess.Popen([WAYMARKCTL, "-c", server.conf, "upgrade"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(rng.uniform(0, 0.25))
    children = [pid for pid in servers(server) if pid != old]
    kills_old = rng.random() < 0.5 or not children
    os.kill(old if kills_old else min(children), signal.SIGKILL)
    command.communicate(timeout=60)
    asked.end()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if server.udp("cdn.example.com").addresses() and server.ctl("status")[0] == 0:
                same(server.udp("k%d.test" % k, "SOA").rcode, NOERROR, "what was confirmed:")
                return True
        except (OSError, AssertionError):
            if kills_old and not servers(server):
                return False
        time.sleep(0.1)
    raise AssertionError("killed %s, and nobody serves: %s" % ("the old" if kills_old else "the new", server.said()[begun:]))


def end_all(server):
    server.ctl("stop")
    end = time.monotonic() + 20
    while time.monotonic() < end and server.ctl("status")[0] == 0:
        time.sleep(0.1)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--upgrades", type=int, default=20)
    args.add_argument("--kills", type=int, default=10)
    args.add_argument("--rate", type=int, default=10000)
    args.add_argument("--seconds", type=float, default=1)
    args.add_argument("--names", type=int, default=10000)
    args.add_argument("--reads", action="store_true", help="no images are kept: each reads its zone's file")
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    rng = random.Random(args.seed)
    server = Server({"example.com": APEX + "cdn EDGE web\n" + "".join("w%d A 192.0.2.10\n" % i for i in range(args.names))},
                    CONFIG.replace("w.db", "w.db, images: off") if args.reads else CONFIG, start=False)
    write_queries(server, rng, args.names)
    failed = False
    server.start()
    try:
        told = at_load(server, args.upgrades, args.seconds, args.rate)
        lost = {}
        for with_one, rows in told.items():
            sums = {key: sum(row[key] for row in rows) for key in ("sent", "lost", "refused", "dropped")}
            lost[with_one] = sums["lost"] + sums["refused"]
            slow = sorted(row["p999_us"] / 1000 for row in rows)
            print("upgrade: %d stretches %s: %d queries, %d lost (%d of them found no room in the server's sockets); 99.9 %% answered within %.2f ms (the median of "
                  "stretches; %.2f to %.2f), the slowest after %.1f ms" % (
                      len(rows), "with an upgrade" if with_one else "without", sums["sent"], lost[with_one], sums["dropped"], slow[len(slow) // 2], slow[0], slow[-1],
                      max(row["slowest_us"] for row in rows) / 1000))
        failed = lost[True] > lost[False]
        left = 0
        for k in range(args.kills):
            if kill_one(server, rng, k, args.rate):
                left += 1
            else:
                server.start()
        print("upgrade: %d killed in upgrades: %d times another served on" % (args.kills, left))
    finally:
        end_all(server)
        shutil.rmtree(server.dir, ignore_errors=True)
    print("upgrade: " + ("FAILED: queries are lost" if failed else "passed"))
    return failed


sys.exit(main())
