"""flapping - thousands of pools in pools whose edges go down and up: how changes.py has a server with them, and how soon it answers so."""
import json
import os
import random
import socket
import time

from lib import Message, query
from change_servers import ZONE, Waymark, before_others

LEAVES, MIDDLE, TREES, EDGES, SETS = 4000, 900, 100, 500, 250


class WaymarkTrees(Waymark):
    """5,000 pools: 4,000 nearest ones of 10 of 500 edges, in 250 sets; 900 in order of four of those; 100 with shares of nine of these. Each has a name."""

    def __init__(self, folder, mmdb):
        super().__init__(folder, None)
        self.mmdb, self.first = mmdb, before_others(0)

    def configure(self):
        draw = random.Random(1)
        sets = [draw.sample(range(EDGES), 10) for _ in range(SETS)]
        pools = "".join("  l%d: { probe: told, edges: [ %s ] }\n" % (i, ", ".join("e%d" % e for e in sets[i % SETS])) for i in range(LEAVES))
        pools += "".join("  m%d: { policy: ordered, edges: [ %s ] }\n" % (i, ", ".join("l%d" % p for p in draw.sample(range(LEAVES), 4))) for i in range(MIDDLE))
        pools += "".join("  t%d: { policy: ordered, edges: [ { pool: m%d, weight: 5%% }, %s ] }\n" % (
            i, i * 9, ", ".join("m%d" % (i * 9 + k) for k in range(1, 9))) for i in range(TREES))
        # One whose first edge alone answers, whatever the client: by it the change is seen.
        pools += "".join("  seen%d: { policy: ordered, probe: told, edges: [ e%d, e%d ] }\n" % (i, 2 * i, 2 * i + 1) for i in range(20))
        names = ["l%d" % i for i in range(LEAVES)] + ["m%d" % i for i in range(MIDDLE)] + ["t%d" % i for i in range(TREES)] + ["seen%d" % i for i in range(20)]
        self.write("zone", "$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n" + "".join("%s 60 EDGE %s\n" % (n, n) for n in names))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nzones: [ { name: %s, file: zone } ]\n"
                   "geoip: { city: { file: \"%s\" } }\nprobes: { told: { kind: external, expires: never, initial: up } }\nedges:\n%spools:\n%s" % (
                       self.port, ", user: root" if os.getuid() == 0 else "", ZONE, self.mmdb, "".join(
                           "  e%d: { at: \"%.2f,%.2f\", a: [ 198.51.%d.%d ] }\n" % (i, draw.uniform(-45, 60), draw.uniform(-170, 170), i // 250, i % 250 + 1)
                           for i in range(EDGES)), pools))

    def say(self, *words):
        """As waymarkctl says it, without the time that a program takes to start."""
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(self.dir + "/c.sock")
            c.sendall(b"".join(w.encode() + b"\0" for w in words))
            c.shutdown(socket.SHUT_WR)
            said = b""
            while part := c.recv(65536):
                said += part
        if not said.startswith(b"0\n"):
            raise RuntimeError(said.decode())

    def answer(self, u, name):
        u.send(query(name + "." + ZONE, "A"))
        return Message(u.recv(4096)).answer[0][-1]


def trees_flap(folder, mmdb, flaps=100):
    """From a verdict to an answer that heeds it."""
    s, here = WaymarkTrees(folder, mmdb), os.sched_getaffinity(0)
    before_others(1)()                                      # who asks waits for nobody else, either
    try:
        begun = time.monotonic()
        s.start()
        s.wait("seen0." + ZONE, "A", 300)
        ready, took = time.monotonic() - begun, []
        memory = s.peak_mib()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.connect(("127.0.0.1", s.port))
            u.settimeout(5)
            for i in range(flaps):
                name, state = "seen%d" % (i % 20), "down" if i // 20 % 2 == 0 else "up"
                was, begin = s.answer(u, name), time.monotonic()
                s.say("verdict", "e%d" % (2 * (i % 20)), state)
                while s.answer(u, name) == was:
                    if time.monotonic() > begin + 10:
                        raise RuntimeError("an answer does not follow")
                took.append(time.monotonic() - begin)
                time.sleep(0.25)                            # what comes within a tenth of a second is published together
        took.sort()
        longest = json.loads(s.ctl("status", "--json"))["loop_longest_us"] / 1e3
        return "p50 %.1f, p99 %.1f ms; ready in %.1f s, %.0f MiB; longest turn %.1f ms" % (
            took[flaps // 2] * 1e3, took[flaps * 99 // 100] * 1e3, ready, memory, longest)
    finally:
        os.sched_setaffinity(0, here)
        s.stop()
