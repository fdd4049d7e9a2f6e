#!/usr/bin/python3
"""Upgrades at load: queries that are lost against stretches without one; and upgrades in which one of the two is killed.

dnsperf asks at a pace over UDP, while the server is followed by another process again and again. As many stretches of the same length go without. Then,
while dnsperf asks, one of the two processes of an upgrade is killed at a random moment: whoever is left serves, what was confirmed is known to it, and only
where the old one dies before it has handed over its sockets nobody is left.

    upgrade.py [--upgrades 20] [--kills 10] [--rate 10000] [--seed 1]
"""
import argparse
import ctypes
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import *                                                                                               # noqa: E402

ZONES = {"example.com": APEX + "cdn EDGE web\n" + "".join("w%d A 192.0.2.10\n" % i for i in range(10000))}
CONFIG = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ] } }
store: { file: w.db }
templates: { own: { write-back: store, nameservers: [ ns1.example.com ] } }
"""
STRETCH_S = 1.0
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)                     # what a server has left behind is our child: PR_SET_CHILD_SUBREAPER


class Asked:
    """dnsperf in the background; its sum at the end of the block."""

    def __init__(self, server, seconds, rate):
        self.said = tempfile.TemporaryFile("w+")             # a line for each answer: a pipe would be full
        self.proc = subprocess.Popen(["dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d", server.dir + "/queries", "-l", "%g" % seconds,
                                      "-Q", str(rate), "-c", "8", "-q", "5000", "-t", "2", "-v"],
                                     stdout=self.said, stderr=subprocess.STDOUT)

    def end(self):
        self.proc.wait()
        self.said.seek(0)
        said = self.said.read()
        find = lambda what: re.search(what, said)                                                               # noqa: E731
        times = [float(line.rsplit(None, 1)[1]) * 1000 for line in said.splitlines() if line.startswith("> NOERROR ")]
        return int(find(r"Queries sent: +(\d+)").group(1)), int(find(r"Queries lost: +(\d+)").group(1)), times


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


def at_load(server, n, rate):
    """[sent, lost, ms of each answer] of n stretches with an upgrade each, and of n without."""
    sums = {True: [0, 0, []], False: [0, 0, []]}
    for i in range(n):
        for with_one in (False, True):
            asked = Asked(server, STRETCH_S, rate)
            time.sleep(STRETCH_S / 4)
            if with_one:
                follow(server)
            sent, lost, times = asked.end()
            to = sums[with_one]
            to[0], to[1], to[2] = to[0] + sent, to[1] + lost, to[2] + times
    return sums


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
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    if not shutil.which("dnsperf"):
        print("upgrade: skipped: there is no dnsperf")
        return 0
    rng = random.Random(args.seed)
    server = Server(ZONES, CONFIG, start=False)
    server.write("queries", "".join("w%d.example.com A\n" % rng.randrange(10000) for _ in range(9000)) + "cdn.example.com A\n" * 1000)
    failed = False
    server.start()
    try:
        sums = at_load(server, args.upgrades, args.rate)
        for with_one in (False, True):
            sent, lost, times = sums[with_one]
            times.sort()
            print("upgrade: %d stretches %s: %d queries, %d lost; 99.9 %% answered within %.1f ms, the slowest after %.1f ms" % (
                  args.upgrades, "with an upgrade" if with_one else "without", sent, lost, times[len(times) * 999 // 1000], times[-1]))
        failed = sums[True][1] > sums[False][1]
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
