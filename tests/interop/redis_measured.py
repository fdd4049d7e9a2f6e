#!/usr/bin/python3
"""redis_measured - what is measured, lost and learned of resolvers' clients is shared by fleets of real servers of ours on real Redis servers. Skipped
where there is no redis-server."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from fleet import *


class Measured(Mate):
    """It takes reports of the agent at edge a."""
    KEY = bytes(range(32))

    def __init__(self, *args, **options):
        self.management = free_port()
        more = "management: { metrics: on, listen: \"127.0.0.1:%d\" }\n" % self.management
        more += "latency: { state: times.csv, agents: { a: { key: \"%s\" } } }\n" % base64.b64encode(self.KEY).decode()
        super().__init__(*args, more=more, **options)

    def report(self, *rows, clients=(), **lists):
        body = json.dumps({"version": 1, "taken": int(time.time()), "networks": list(rows), "edges": [], "clients": list(clients), **lists}).encode()
        at, number = int(time.time()), int(time.time() * 1e6)
        text = b"waymark-1\nPOST\n/v1/latency\na\n%d\n%d\n" % (at, number) + body
        fields = {"Waymark-Agent": "a", "Waymark-Time": str(at), "Waymark-Sequence": str(number),
                  "Waymark-Signature": hmac.new(self.KEY, text, hashlib.sha256).hexdigest()}
        c = http.client.HTTPConnection("127.0.0.1", self.management, timeout=20)
        try:
            c.request("POST", "/v1/latency", body, fields)
            return c.getresponse().status
        finally:
            c.close()

    def table(self):
        said = self.ctl("latency", "export")[1]
        fields = [l.split(",") for l in said.split("\n") if l and l[0] != "#" and not l.startswith("prefix")]
        return sorted(f[:4] + f[5:] for f in fields)        # but for its age


@claim("an agent reports to any one server, and all have the same table; so has who comes, was cut off, or was told a whole file")
def times():
    with Redis() as redis, contextlib.ExitStack() as stack:
        one, two, three = [stack.enter_context(Measured("ns%d" % (i + 1), redis.port)) for i in range(3)]
        one.start()
        two.start()
        until(lambda: two.fleet()["live"] == 2, 20)
        row = lambda i, ms: {"net": "10.%d.%d.0/24" % (i // 256, i % 256), "rtt_ms": ms, "min_ms": ms, "samples": 4, "age_s": 1}
        until(lambda: one.report(row(0, 10)) == 200, 20)     # none is taken in the first seconds
        until(lambda: two.report(*[row(i, 20 + i % 7) for i in range(1, 3000)]) == 200, 20)
        until(lambda: one.report(row(0, 30)) == 200, 20)
        until(lambda: len(one.table()) == 3000 and one.table() == two.table(), 20)
        rows = lambda m: {n: r.get("times") for n, r in m.rows().items() if r["state"] != "gone"}
        same_sums = lambda m, n: (lambda r: len(r) == n and len(set(r.values())) == 1 and None not in r.values())(rows(m))
        until(lambda: same_sums(one, 2) and same_sums(two, 2), 30)
        three.start()                                       # it has nothing
        until(lambda: three.table() == one.table(), 30)
        # Cut off, each hears of other things; a whole file is nothing that is told.
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in (one, two, three)), 10)
        same(one.report(row(5000, 40)), 200)
        same(two.report(row(5001, 50)), 200)
        three.write("more.csv", "prefix,edge,rtt_ms,samples,age_s\n" + "".join("10.200.%d.0/24,b,25.000,3,60\n" % i for i in range(256)))
        code, said = three.ctl("latency", "import", three.dir + "/more.csv")
        same(code, 0, said)
        redis.start()
        until(lambda: len(one.table()) == 3258 and one.table() == two.table() == three.table(), 60)
        until(lambda: same_sums(two, 3) and json_of(two, "status")["fleet_times_apart"] == 0, 30)
        same(two.ctl("latency", "forget", "10.200.0.0/16")[0], 0)
        until(lambda: len(one.table()) == 3002 and one.table() == two.table() == three.table(), 20)
        until(lambda: same_sums(three, 3), 30)
        same(len(one.table()), 3002)


@claim("what agents lose, and pages measure, all servers of a fleet know, whichever was told: now, later, and when it was cut off; and go by it")
def kinds():
    with Redis() as redis, contextlib.ExitStack() as stack:
        one, two, three = [stack.enter_context(Measured("ns%d" % (i + 1), redis.port)) for i in range(3)]
        for m in (one, two, three):
            m.config = m.config.replace("policy: ordered", "policy: nearest, goal: loss")
            for i, e in enumerate("abc"):
                m.config = m.config.replace("  %s: { a:" % e, "  %s: { at: [ %d, %d ], a:" % (e, 10 * i, 10 * i))
            m.configure()
        one.start()
        two.start()
        until(lambda: two.fleet()["live"] == 2, 20)
        net = lambda i: "10.%d.%d.0/24" % (i // 256, i % 256)
        lost = lambda i, share: {"net": net(i), "lost_permille": share, "packets": 900, "age_s": 1}
        page = lambda i, kind, ms: {"net": net(i), "kind": kind, "ms": ms, "samples": 4, "age_s": 1}
        time_of = lambda i: {"net": net(i), "rtt_ms": 20, "min_ms": 20, "samples": 4, "age_s": 1}
        until(lambda: one.report(*[time_of(i) for i in range(9)], losses=[lost(0, 0)]) == 200, 20)      # none is taken in the first seconds
        until(lambda: two.report(losses=[lost(i, i % 5 / 4) for i in range(1, 2000)], pages=[page(1, "ttfb", 31.5), page(1, "throughput", 90)]) == 200, 20)
        until(lambda: len(one.table()) == 2011 and one.table() == two.table(), 20)
        sums = lambda m: {n: (r.get("times"), r.get("times_kinds")) for n, r in m.rows().items() if r["state"] != "gone"}
        same_sums = lambda m, n: (lambda r: len(r) == n and len(set(r.values())) == 1 and "0" * 16 not in [*r.values()][0])(sums(m))
        until(lambda: same_sums(one, 2) and same_sums(two, 2), 30)
        text = one.ctl("fleet")[1].splitlines()
        at = text[-3].index("TIMES")
        same((text[-2][at:at + 8].strip("0 -") != "", text[-2][at:at + 8] == text[-1][at:at + 8]), (True, True), text)
        three.start()                                       # it has nothing
        until(lambda: three.table() == one.table(), 30)
        # One server's agent sees that edge a loses much to a network: all send it elsewhere.
        one.write("near.csv", "prefix,edge,ms,samples,age_s,kind\n10.9.0.0/24,a,20,50,0,rtt\n10.9.0.0/24,b,25,50,0,rtt\n"
                  + "".join("10.99.%d.0/24,c,1.5,300,0,loss\n" % i for i in range(50)))
        same(one.ctl("latency", "import", one.dir + "/near.csv")[0], 0)
        until(lambda: len(one.table()) == 2063 and one.table() == two.table() == three.table(), 60)
        answers = lambda: [m.steer("web.example.com", "10.9.0.0/24").addresses()[:1] for m in (one, two, three)]
        until(lambda: answers() == [["192.0.2.1"]] * 3, 60)
        same(two.report(losses=[lost(9 * 256, 200)]), 200)
        until(lambda: answers() == [["192.0.2.2"]] * 3, 20)
        # Cut off, each hears of other things; a whole file is nothing that is told.
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in (one, two, three)), 10)
        same(one.report(losses=[lost(5000, 7)]), 200)
        same(two.report(losses=[lost(5000, 9), lost(5001, 1000)]), 200)
        three.write("more.csv", "prefix,edge,ms,samples,age_s,kind\n" + "".join("10.200.%d.0/24,b,2.500,300,60,loss\n" % i for i in range(256)))
        code, said = three.ctl("latency", "import", three.dir + "/more.csv")
        same(code, 0, said)
        redis.start()
        until(lambda: len(one.table()) == 2322 and one.table() == two.table() == three.table(), 60)
        until(lambda: same_sums(two, 3) and json_of(two, "status")["fleet_times_apart"] == 0, 30)
        same(two.ctl("latency", "forget", "10.200.0.0/16")[0], 0)
        until(lambda: len(one.table()) == 2066 and one.table() == two.table() == three.table(), 20)
        until(lambda: same_sums(three, 3), 30)


class Learning(Measured):
    """It learns whose clients ask through which resolver, by names below who.example.com."""

    def __init__(self, *args):
        super().__init__(*args)
        self.write("zones/example.com.zone", zone("web")["example.com"] + "*.who 1 IN EDGE web\n")
        self.configure(self.config.replace("panic: 0%", "panic: 0%, resolver-pairs: on").replace("state: times.csv", "learned-resolvers: pairs.csv"))

    def came(self, name, client):
        return self.report(clients=[{"name": name + ".who.example.com", "net": client}])

    def asked(self, *names):
        for name in names:
            same(len(self.udp(name + ".who.example.com").addresses()), 1)

    def learned(self):
        """Of the file: what all have seen, and how often."""
        with contextlib.suppress(FileNotFoundError), open(self.dir + "/pairs.csv") as f:
            rows = [line.split(",") for line in f.read().splitlines()[2:]]
            return sorted((r[0], r[1], round(float(r[5]))) for r in rows)

    def sum(self):
        return self.rows()[self.name].get("pairs")


@claim("whose clients ask through which resolver is learned by all, whichever is asked, and whichever an agent reports to")
def pairs():
    with Redis() as redis, contextlib.ExitStack() as stack:
        one, two, three = [stack.enter_context(Learning("ns%d" % (i + 1), redis.port)) for i in range(3)]
        count = lambda m, what: json_of(m, "status")["fleet_pairs" + what]
        one.start()
        two.start()
        until(lambda: two.fleet()["live"] == one.fleet()["live"] == 2 and one.sum() and two.sum(), 20)
        until(lambda: one.came("none", "73.14.9.0/24") == two.came("none", "73.14.9.0/24") == 200, 20)  # not in the first seconds
        one.asked("a", "b", "c")
        two.asked("d")
        same(two.came("d", "73.14.0.0/24"), 200)                         # it was asked itself
        same([two.came(n, "73.14.0.0/24") for n in "ab"], [200, 200])    # the other was
        same(two.came("c", "73.14.1.0/24"), 200)
        until(lambda: count(one, "") == count(two, "") == 3 and one.sum() == two.sum(), 20)
        same((count(one, "_joined"), count(two, "_joined"), count(two, "_sent") > 0), (3, 0, True))
        three.start()                                                    # it has nothing
        until(lambda: three.sum() == one.sum() and count(three, "") == 3, 30)
        redis.kill()                                                     # cut off, each learns of other clients
        until(lambda: not any(m.fleet()["reached"] for m in (one, two, three)), 10)
        one.asked("e", "f")
        two.asked("g")
        same([one.came("e", "73.14.0.0/24"), one.came("f", "73.14.5.0/24"), two.came("g", "73.14.6.0/24")], [200] * 3)
        redis.start()
        until(lambda: one.sum() == two.sum() == three.sum() and count(three, "") == 5, 60)
        until(lambda: count(one, "_apart") == 0, 20)
        sum_of_all = one.sum()
        three.kill()                                                     # what was never written is with the others
        three.start()
        until(lambda: three.sum() == sum_of_all, 30)
        for m in (one, two, three):
            m.stop()
        seen = [("73.14.0.0/24", 1), ("73.14.0.0/24", 3), ("73.14.1.0/24", 1), ("73.14.5.0/24", 1), ("73.14.6.0/24", 1)]
        for m in (one, two, three):
            same([row[1:] for row in m.learned()], seen)
        two.start()                                                      # of its file alone it is as it was
        until(lambda: two.sum() == sum_of_all, 20)


run("redis_measured")
