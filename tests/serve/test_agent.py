#!/usr/bin/python3
"""What agents report over a real HTTP connection is taken once, from whom it may come; all else is refused and changes nothing."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

from edges import make_ca, make_certificate
from lib import BUILD, SLOW, TOP, WAYMARKD, APEX, Message, Server, claim, ecs, free_port, opt, query, run, same

AGENT = BUILD + "/waymark-agent"
KEYS = {"ams1": bytes(range(32)), "iad1": bytes(range(1, 33))}
START_S = 6                                                 # after a start nobody is taken for so long
ROW = {"net": "192.0.2.0/24", "rtt_ms": 12.5, "min_ms": 11, "samples": 4, "age_s": 1}


def b64(key):
    return base64.b64encode(key).decode()


class Nameserver(Server):
    ZONE = APEX + "www 60 EDGE web\n"

    def __init__(self, agents=("ams1", "iad1"), **more):
        self.management = free_port()
        more.setdefault("start", True)
        super().__init__({"example.org": self.ZONE}, self.rest(agents), **more)
        self.begun = time.monotonic()                       # or before
        self.sequence = 0

    def rest(self, agents, half_life="6h"):
        keys = ", ".join('%s: { key: "%s" }' % (a, b64(KEYS[a])) for a in agents)
        return """
management: { metrics: on, listen: "127.0.0.1:%d" }
latency: { half-life: %s, agents: { %s } }
edges:
  ams1: { at: "52.37,4.90", a: [ 127.0.0.2 ] }
  iad1: { at: "52.09,5.12", a: [ 127.0.0.3 ] }
  syd1: { at: "-33.87,151.21", cname: far.example.net }
pools: { web: { edges: [ ams1, iad1 ] } }
""" % (self.management, half_life, keys)

    def warm(self):
        """Until reports are taken."""
        time.sleep(max(0, self.begun + START_S - time.monotonic()))
        return self

    def next(self):
        self.sequence = max(self.sequence + 1, int(time.time() * 1e6))
        return self.sequence

    def signed(self, method, target, body=b"", agent="ams1", key=None, time_s=None, sequence=None):
        """The header fields of a request as the agent would send it."""
        time_s = int(time.time()) if time_s is None else time_s
        sequence = self.next() if sequence is None else sequence
        text = b"waymark-1\n%s\n%s\n%s\n%d\n%d\n" % (method.encode(), target.encode(), agent.encode(), time_s, sequence) + body
        return {"Waymark-Agent": agent, "Waymark-Time": str(time_s), "Waymark-Sequence": str(sequence),
                "Waymark-Signature": hmac.new(key or KEYS.get(agent, b"?"), text, hashlib.sha256).hexdigest()}

    def ask(self, method, target, body=b"", headers=None):
        """(status, JSON, header fields)"""
        c = http.client.HTTPConnection("127.0.0.1", self.management, timeout=60 * SLOW)
        try:
            c.request(method, target, body or None, headers or {})
            r = c.getresponse()
            return r.status, json.loads(r.read()), r.headers
        finally:
            c.close()

    def post(self, report, **more):
        body = report if isinstance(report, bytes) else json.dumps(report).encode()
        return self.ask("POST", "/v1/latency", body, self.signed("POST", "/v1/latency", body, **more))

    def targets(self, edge="ams1", **more):
        target = "/v1/targets?edge=" + edge
        return self.ask("GET", target, b"", self.signed("GET", target, **more))

    def table(self):
        """What is measured, without ages."""
        code, said = self.ctl("latency", "export")
        same(code, 0, said)
        rows = [line.split(",") for line in said.split("\n") if line and line[0] != "#" and not line.startswith("prefix")]
        return sorted(",".join(row[:4] + row[5:]) for row in rows)

    def count(self, key):
        return json.loads(self.ctl("status", "--json")[1])["agent_" + key]

    def until(self, what, holds, seconds=60):
        end = time.monotonic() + max(seconds, 60) * SLOW
        while not holds():
            if time.monotonic() > end:
                raise AssertionError("not within %d s: %s\n%s" % (seconds, what, self.said()))
            time.sleep(0.1)


# All that are needed start at once: each takes no reports for the first seconds.
WANTED = {"impossible": ("ams1",), "taken": ("ams1", "iad1"), "refused": ("ams1",), "restarted": ("ams1",), "targets": ("ams1", "iad1"), "reloaded": ("ams1",), "jumping": ("ams1",),
          "learning": ("ams1",), "certified": (), "mesh": ("ams1",), "mesh too": ("ams1",), "away": ("ams1",), "strangers": ("ams1",), "beacon": ("ams1",), "refusing": ("ams1",),
          "nearest": tuple("abcdefghij")}
started = {}


def nameserver(name):
    for other, agents in WANTED.items():
        if other not in started and (len(sys.argv) < 2 or other.split()[0] in sys.argv):
            started[other] = {"certified": Certified, "learning": Learning, "jumping": Jumping, "nearest": Slow}.get(other, Nameserver)(agents=agents)
    return started[name].warm()


def report(*rows, edges=(), **more):
    return dict({"version": 1, "taken": int(time.time()), "networks": list(rows), "edges": list(edges)}, **more)


@claim("a time that light could not have made is not taken, is counted against its agent, and the rest of the report is good")
def impossible():
    with nameserver("impossible") as s:
        status, answer, _ = s.post(report(ROW, edges=[{"edge": "syd1", "rtt_ms": 0.1, "samples": 3}, {"edge": "iad1", "rtt_ms": 2, "samples": 3}]))
        same((status, answer), (200, {"rows": 3, "used": 2}))
        s.until("rows in the table", lambda: s.table() == ["192.0.2.0/24,ams1,12.500,4", "@ams1,iad1,2.000,3"])
        same(json.loads(s.ctl("status", "--json")[1])["agents_impossible"], {"ams1": 1})
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % s.management, timeout=60 * SLOW) as r:
            last = re.findall(r'^waymark_agent_last_report_timestamp_seconds{agent="(\w+)"} (\d+)$', r.read().decode(), re.M)
        same([name for name, _ in last], ["ams1"])
        assert abs(int(last[0][1]) - time.time()) < 60 * SLOW, last
        same((s.count("impossible"), s.count("rows")), (1, 2))
        same("agent ams1: 0.1 ms to syd1 cannot be true, which is 16" in s.said(), True, s.said())


@claim("a report that is signed is in the table, networks and edges; so say openssl's own HMAC and ours")
def taken():
    with nameserver("taken") as s:
        body = json.dumps(report(ROW, edges=[{"edge": "iad1", "rtt_ms": 80, "samples": 3}, {"edge": "ams1", "rtt_ms": 1, "samples": 3},
                                             {"edge": "nowhere", "rtt_ms": 1, "samples": 3}])).encode()
        fields = s.signed("POST", "/v1/latency", body)
        text = "waymark-1\nPOST\n/v1/latency\nams1\n%s\n%s\n" % (fields["Waymark-Time"], fields["Waymark-Sequence"])
        said = subprocess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + KEYS["ams1"].hex(), "-hex"],
                              input=text.encode() + body, capture_output=True, check=True).stdout.decode()
        fields["Waymark-Signature"] = said.split("= ")[1].strip()
        status, answer, _ = s.ask("POST", "/v1/latency", body, fields)
        same((status, answer), (200, {"rows": 4, "used": 2}))
        s.until("rows in the table", lambda: s.table() == ["192.0.2.0/24,ams1,12.500,4", "@ams1,iad1,80.000,3"])
        same((s.count("reports"), s.count("rows")), (1, 2))


@claim("while the first round of probes runs, measurements are shown, imported, forgotten and reported")
def first_round():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        s = Nameserver(start=False)
        slow = "probes: { slow: { kind: http, port: %d, timeout: 28s, every: 30s } }" % silent.getsockname()[1]
        s.configure(s.config.replace("127.0.0.2", "127.0.0.1").replace("127.0.0.3", "127.0.0.1").replace(
            "[ ams1, iad1 ] }", "[ ams1, iad1 ], probe: slow }") + slow)
        s.write("more.csv", "prefix,edge,rtt_ms,samples,age_s\n198.51.100.0/24,iad1,9,3,0\n")
        s.log = open(s.dir + "/log", "w+")
        s.proc = subprocess.Popen([WAYMARKD, "-c", s.conf], stderr=s.log, stdin=subprocess.DEVNULL)
        with s:
            s.until("its control socket", lambda: s.ctl("status")[0] == 0)
            code, said = s.ctl("latency", "show", "--prefix", "198.51.100.0/24")
            assert code in (0, 1) and "cannot" not in said, said
            same(s.ctl("latency", "import", s.dir + "/more.csv")[0], 0)
            s.until("rows in the table", lambda: s.table() == ["198.51.100.0/24,iad1,9.000,3"])
            same(s.ctl("latency", "forget", "198.51.100.0/24")[0], 0)
            same(s.table(), [])
            s.until("a report that is taken", lambda: s.post(report(ROW))[0] == 200)
            s.until("its row in the table", lambda: s.table() == ["192.0.2.0/24,ams1,12.500,4"])
            assert "ready:" not in s.said(), s.said()


@claim("forged, replayed, late, early, oversized and malformed reports are refused with a reason, counted, and change nothing")
def refused():
    with nameserver("refused") as s:
        good = json.dumps(report(ROW)).encode()
        fields = s.signed("POST", "/v1/latency", good)
        same(s.ask("POST", "/v1/latency", good, fields)[0], 200)
        s.until("a row", lambda: len(s.table()) == 1)
        before, now, worse = s.table(), int(time.time()), report(dict(ROW, rtt_ms=999))
        text = json.dumps(worse).encode()

        def says(status, counter, word, reply):
            same(reply[0], status, "%s: %s:" % (word, reply[1]))
            assert word in reply[1]["error"], reply[1]
            counted[counter] = counted.get(counter, 0) + 1
            same(s.count(counter), counted[counter], word)
        counted = {}
        post = "/v1/latency"
        says(401, "forged", "not its signature", s.post(worse, key=bytes(32)))
        says(401, "forged", "no such agent", s.post(worse, agent="iad1"))
        says(401, "forged", "not its signature", s.ask("POST", post, text, s.signed("POST", post, good)))
        says(401, "forged", "not its signature", s.ask("POST", post, text, s.signed("GET", post, text)))
        says(401, "forged", "not its signature", s.ask("POST", post, text, dict(s.signed("POST", post, text), **{"Waymark-Signature": "00"})))
        later = s.signed("POST", post, text)
        later["Waymark-Time"] = str(int(later["Waymark-Time"]) + 1)
        says(401, "forged", "not its signature", s.ask("POST", post, text, later))
        says(403, "forged", "own edge", s.ask("GET", "/v1/targets?edge=iad1", b"", s.signed("GET", "/v1/targets?edge=iad1")))
        says(409, "replayed", "taken before", s.ask("POST", post, good, fields))
        says(409, "replayed", "taken before", s.post(worse, sequence=int(fields["Waymark-Sequence"]) - 1))
        says(401, "untimely", "late", s.post(worse, time_s=now - 90, sequence=1))
        says(401, "untimely", "early", s.post(worse, time_s=now + 60))
        says(401, "untimely", "ahead of its time", s.post(worse, sequence=int((now + 60) * 1e6)))
        says(413, "oversized", "a body may have", s.post(b" " * ((1 << 20) + 1)))
        says(413, "oversized", "rows", s.post(report(*[{"net": "10.%d.%d.0/24" % (i >> 8, i & 255), "rtt_ms": 1, "samples": 1} for i in range(10001)])))
        for word, body in (("no JSON", b"{"), ("no JSON", b"[" * 100000), ("no JSON", b'{"a":1,"a":2}'), ("object", b"[]"), ("version", {}),
                           ("taken", {"version": 1}), ("lists", {"version": 1, "taken": 1, "networks": 5}),
                           ("networks[1]", report(ROW, 7)), ("rtt_ms", report(dict(ROW, rtt_ms=0))),
                           ("rtt_ms", report(dict(ROW, rtt_ms=1e9))), ("min_ms", report(dict(ROW, min_ms=13))),
                           ("samples", report(dict(ROW, samples=0))), ("age_s", report(dict(ROW, age_s=-1))),
                           ("bits", report(dict(ROW, net="192.0.2.1"))), ("192.0.2.0/24", report(dict(ROW, net="192.0.2.1/24"))),
                           ("bits", report(dict(ROW, net="0.0.0.0/0"))), ("prefix", report(dict(ROW, net=5)))):
            says(400, "malformed", word, s.post(body))
        says(400, "malformed", "which edge", s.ask("GET", "/v1/targets", b"", s.signed("GET", "/v1/targets")))
        says(400, "malformed", "whole", s.ask("POST", post, text, dict(s.signed("POST", post, text), **{"Waymark-Sequence": "1e9"})))
        says(401, "malformed", "needs", s.ask("POST", post, text))
        says(404, "malformed", "nothing here", s.ask("GET", "/"))
        says(405, "malformed", "POST only", s.ask("GET", post))
        time.sleep(0.5)
        same(s.table(), before, "the table")
        same(s.count("reports"), 1)


@claim("what was taken before a restart is not taken after it, and a new report is")
def restarted():
    with nameserver("restarted") as s:
        body = json.dumps(report(ROW)).encode()
        fields = s.signed("POST", "/v1/latency", body)
        # As far ahead as is allowed, so that a captured one lives longest.
        ahead = s.signed("POST", "/v1/latency", body, time_s=int(time.time()) + 4)
        same([s.ask("POST", "/v1/latency", body, f)[0] for f in (fields, ahead)], [200, 200])
        s.stop()
        s.start()
        s.begun = time.monotonic()
        seen = set()
        end = time.monotonic() + START_S + 2
        while time.monotonic() < end:
            for f in (fields, ahead):
                status, answer, more = s.ask("POST", "/v1/latency", body, f)
                assert status in (503, 401), (status, answer)
                assert status != 503 or int(more["Retry-After"]) > 0
                seen.add(status)
            time.sleep(0.25)
        same(s.table(), [])
        same(seen, {503})
        same(s.post(report(ROW))[0], 200)


@claim("targets are the networks that ask, with a host of theirs, for the agents of edges near them; the answer is signed")
def targets():
    with nameserver("targets") as s:
        status, answer, _ = s.targets()
        same((status, answer["networks"]), (200, []))
        same(answer["edges"], [{"edge": "iad1", "host": "127.0.0.3"}])
        for _ in range(3):
            s.udp("www.example.org", options=ecs("83.62.101.0/24"))
        s.udp("www.example.org", options=ecs("82.64.7.9/32"))
        s.udp("www.example.org", options=ecs("10.1.2.0/24"))
        s.udp("www.example.org", edns=opt())                # from loopback: nobody's to measure
        s.until("targets", lambda: s.count("targets") == 2)
        fields = s.signed("GET", "/v1/targets?edge=ams1")
        status, answer, more = s.ask("GET", "/v1/targets?edge=ams1", b"", fields)
        same(answer["networks"], [{"net": "83.62.101.0/24", "host": "83.62.101.1"}, {"net": "82.64.7.0/24", "host": "82.64.7.9"}], "the busiest first:")
        body = (json.dumps(answer, separators=(",", ":")) + "\n").encode()
        wanted = s.signed("ANSWER", "/v1/targets?edge=ams1", body, time_s=int(fields["Waymark-Time"]), sequence=int(fields["Waymark-Sequence"]))
        same(more["Waymark-Signature"], wanted["Waymark-Signature"])
        same(s.targets()[1]["networks"], [], "asked a moment ago:")
        same(len(s.targets("iad1", agent="iad1")[1]["networks"]), 2, "the other edge's agent:")
        same(s.post(report(dict(ROW, net="83.62.101.0/24")))[0], 200)
        same(s.ask("GET", "/v1/targets?edge=ams1", b"", fields)[0], 409, "replayed:")


@claim("a way that is another one than before is measured again soon, and not only when its time is old")
def jumping():
    def tell(rtt_ms, least_ms):
        same(s.post(report(dict(ROW, net="83.62.101.0/24", rtt_ms=rtt_ms)))[0], 200)
        s.until("%s in the table" % rtt_ms, lambda: any(float(r.split(",")[2]) > least_ms for r in s.table()))

    with nameserver("jumping") as s:
        s.udp("www.example.org", options=ecs("83.62.101.0/24"))
        s.until("targets", lambda: len(s.targets()[1]["networks"]) == 1)
        tell(12.5, 12)
        time.sleep(4 * SLOW)
        same(s.targets()[1]["networks"], [], "fresh for a quarter of the half-life, 15 s:")
        tell(112, 40)
        s.until("it is asked for again", lambda: len(s.targets()[1]["networks"]) == 1, 30)
        same(s.targets()[1]["networks"], [], "asked a moment ago:")
        age_s = min(int(row.split(",")[4]) for row in s.ctl("latency", "export")[1].split("\n") if row.startswith("83.62.101.0/24,ams1,"))
        assert age_s < 12 * SLOW, age_s


class Slow(Nameserver):
    """Four edges around the client are slow to all others; six are farther, and not."""
    NEAR = {"a": (40.6, -3.7), "b": (40.8, -3.7), "c": (41.0, -3.7), "d": (41.2, -3.7)}
    FAR = {"e": (48.9, 2.4), "f": (50.1, 8.7), "g": (45.5, 9.2), "h": (52.4, 4.9), "i": (51.5, 0), "j": (52.2, 21)}

    def __init__(self, agents):
        KEYS.update({e: bytes(32) for e in agents})
        mesh = "src,dst,rtt_ms\n" + "".join("%s,%s,%d\n" % (x, y, 400 if x in self.NEAR or y in self.NEAR else 25)
                                            for x in self.all() for y in self.all() if x != y)
        super().__init__(agents, files={"mesh.csv": mesh})

    def all(self):
        return dict(self.NEAR, **self.FAR)

    def rest(self, agents):
        return """
management: { metrics: on, listen: "127.0.0.1:%d" }
geoip: { city: { file: %s/geoip/city.mmdb } }
latency: { mesh: mesh.csv, agents: { %s } }
edges:
%s
pools: { web: { edges: [ %s ] } }
""" % (self.management, TOP, ", ".join('%s: { key: "%s" }' % (a, b64(KEYS[a])) for a in agents),
       "\n".join('  %s: { at: "%g,%g", a: [ 127.0.0.%d ] }' % (e, *at, i + 2) for i, (e, at) in enumerate(self.all().items())), ", ".join(self.all()))


@claim("the three edges nearest on the map are asked to measure, wherever estimates have them; the fourth only where they have it first")
def nearest():
    with nameserver("nearest") as s:
        s.steer("www.example.org", "83.58.0.0/24")
        s.until("targets", lambda: s.count("targets") == 1)
        told = json.loads(s.ctl("explain", "www.example.org", "--client", "83.58.0.0/24", "--json")[1])["steps"][0]["edges"]
        order, km = [e["edge"] for e in told], {e["edge"]: e["km"] for e in told}
        same(set(order[:6]), set(s.FAR), "the slow ones come last: %s" % order)
        want = set(order[:5]) | set(sorted(km, key=km.get)[:3])
        same({e for e in s.all() if s.targets(e, agent=e)[1]["networks"]}, want)


@claim("a reload changes who may report, and keeps the sequences of those who stay")
def reloaded():
    with nameserver("reloaded") as s:
        body = json.dumps(report(ROW)).encode()
        fields = s.signed("POST", "/v1/latency", body)
        same(s.ask("POST", "/v1/latency", body, fields)[0], 200)
        for agents, want in ((["iad1"], (401, 200)), (["ams1", "iad1"], (409, 200))):
            s.configure(s.rest(agents))
            same(s.ctl("reload")[0], 0)
            s.until("the agents", lambda: s.ask("POST", "/v1/latency", body, fields)[0] == want[0])
            same(s.post(report(ROW), agent="iad1")[0], want[1])
        s.configure(s.rest(["ams1"]).replace(str(s.management), str(free_port())))
        code, said = s.ctl("reload")
        same(code, 1, said)
        assert "management: listen changes with a restart only" in said, said


@claim("keys that are none, agents of no edge and listeners without a port's right are told with their place")
def checked():
    with Nameserver(start=False) as s:
        for old, new, word in ((b64(KEYS["ams1"]), "AAAA", "32 bytes in base64"), ("ams1: { key", "amsterdam: { key", "no edge"),
                               ("key:", "keys:", "did you mean"), ('"127.0.0.1:%d"' % s.management, "nowhere", "nowhere")):
            s.configure(s.rest(["ams1"]).replace(old, new, 1))
            code, said = s.check()
            same(code, 1, said)
            assert word in said and "waymark.yaml:" in said, said
        s.configure(s.rest(["ams1"]).replace('management: { metrics: on, listen: "127.0.0.1:%d" }' % s.management, ""))
        code, said = s.check()
        same(code, 0, said)
        assert "no agent can report" in said, said


@claim("an address that has not reported has 4 connections at most, and one that sends nothing is let go")
def connections():
    with Nameserver() as s:
        held = [socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW) for _ in range(4)]
        time.sleep(0.3)
        extra = socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW)
        try:
            extra.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            got = extra.recv(100)
        except ConnectionError:
            got = b""
        same(got, b"", "the fifth:")
        begun = time.monotonic()
        try:
            got = held[0].recv(100)
        except ConnectionError:
            got = b""
        same(got, b"", "idle:")
        assert 5 < time.monotonic() - begun < 50 * SLOW
        for c in held + [extra]:
            c.close()

        def is_taken():
            try:
                return s.ask("GET", "/")[0] == 404
            except ConnectionError:                         # the others are still counted
                return False
        s.until("a new one", is_taken)


@claim("strangers of many addresses leave room for who has reported, and none of them for long")
def strangers():
    with nameserver("strangers") as s:
        same(s.post(report(ROW))[0], 200)
        held = []
        for i in range(2, 32):                              # 127.0.0.1 is the agent's
            for _ in range(4):
                held.append(socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW, source_address=("127.0.%d.9" % i, 0)))
        for c in held:
            with contextlib.suppress(OSError):
                c.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")   # and no more
        same(s.post(report(ROW))[0], 200)
        mine = [socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW) for _ in range(6)]   # those of the reports may still be counted
        same(s.post(report(ROW))[0], 200)
        for c in held:
            c.settimeout(60 * SLOW)
            with contextlib.suppress(ConnectionError):
                same(c.recv(100), b"")                      # closed, refused or let go
            c.close()
        for c in mine:
            c.close()


# ------------------------------------------------------------------ the agent itself

class Agent:
    def __init__(self, server, urls, **more):
        self.dir, self.name = server.dir, "agent%d" % len(os.listdir(server.dir))
        self.conf = "%s/%s.yaml" % (self.dir, self.name)
        lines = {"edge": "ams1", "key": '"%s"' % b64(KEYS["ams1"]), "servers": "[ %s ]" % ", ".join('"%s"' % u for u in urls), "report": "1s",
                 "active": "{ packets: 100, timeout: 300ms }"}
        lines.update(more)
        with open(self.conf, "w") as f:
            f.write("".join("%s: %s\n" % row for row in lines.items() if row[1]))

    def __enter__(self):
        self.log = open("%s/%s.log" % (self.dir, self.name), "w+")
        self.proc = subprocess.Popen([AGENT, "-c", self.conf], stderr=self.log, stdin=subprocess.DEVNULL)
        return self

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def stop(self):
        self.proc.terminate()
        same(self.proc.wait(60 * SLOW), 0, "exit status: " + self.said())
        assert "Terminated: stopping after a last report" in self.said(), self.said()

    def __exit__(self, *why):
        if self.proc.poll() is None:
            self.stop()
        for word in ("Sanitizer", "runtime error"):
            assert word not in self.said(), self.said()


@claim("what pages measured of an edge is in the table by network; what is false, or of a stranger's page, is not")
def beacon():
    with nameserver("beacon") as s:
        port, page = free_port(), "https://www.example.org"

        def ask(method, path, body=None, origin=page, client="145.100.4.9"):
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * SLOW)
            try:
                c.request(method, path, body, dict({"X-Real-IP": client}, **({"Origin": origin} if origin else {})))
                r = c.getresponse()
                return r.status, r.read(), r.headers
            finally:
                c.close()

        def tell(token, ttfb, transfer, **more):
            return ask("POST", "/waymark/beacon", json.dumps({"token": token, "ttfb_ms": ttfb, "transfer_ms": transfer}), **more)[0]

        with Agent(s, ["http://127.0.0.1:%d" % s.management], quantile="100%", report="1h", active="{ packets: 0 }",
                   beacon='{ listen: "127.0.0.1:%d", origins: [ "%s" ], edges: [ "https://a.test", "https://b.test" ] }' % (port, page)) as a:
            wait = time.monotonic() + 60 * SLOW
            while True:
                try:
                    status, body, fields = ask("GET", "/waymark/beacon")
                    break
                except OSError:
                    assert time.monotonic() < wait, a.said()
                    time.sleep(0.05)
            same((status, json.loads(body)), (200, {"edges": ["https://a.test", "https://b.test"]}))
            same((fields["Access-Control-Allow-Origin"], fields["Timing-Allow-Origin"]), (page, page))
            for client in ("145.100.4.9", "145.100.4.10", "10.1.2.3"):
                status, body, fields = ask("GET", "/waymark/object?x", client=client)
                same((status, len(body), fields["Access-Control-Expose-Headers"]), (200, 100000, "Waymark-Token"))
                token = fields["Waymark-Token"]
                time.sleep(0.1)
                same(tell(token, 1e6, 1e6, client=client), 400)
                same(tell(token, 20 if client[-1] == "9" else 30, 80, client=client), 204)
                same(tell(token, 5, 80, client="145.100.5.9"), 400)
            same(ask("GET", "/waymark/object", origin="https://evil.example")[0], 403)
            same(ask("POST", "/waymark/beacon", "x" * 2000)[0], 413)
            same(ask("DELETE", "/waymark/beacon")[0], 405)
            same(ask("GET", "/waymark/other")[0], 404)
            assert "measuring what pages tell, reporting" in a.said(), a.said()
        s.until("rows in the table", lambda: s.table() == ["145.100.4.0/24,ams1,30.000,2,ttfb", "145.100.4.0/24,ams1,80.000,2,throughput"])


@claim("the agent measures the other edges that the nameserver names, and reports them to every nameserver")
def mesh():
    with nameserver("mesh") as s, nameserver("mesh too") as other:
        with Agent(s, ["http://127.0.0.1:%d" % n.management for n in (s, other)]) as a:
            for n in (s, other):
                n.until("a measurement of iad1", lambda n=n: any(r.startswith("@ams1,iad1,") for r in n.table()), 30)
            same([n.count(k) for n in (s, other) for k in ("forged", "malformed", "replayed")], [0] * 6, a.said())


@claim("a nameserver that is away gets its reports when it is back, each once, and the other is not kept waiting")
def away():
    with nameserver("away") as s, Nameserver() as other:
        other.stop()
        with Agent(s, ["http://127.0.0.1:%d" % n.management for n in (s, other)] + ["https://127.0.0.1:%d" % other.management]) as a:
            s.until("a measurement", lambda: s.table(), 30)
            s.until("it is told", lambda: a.said().count("not reached: Failed to connect") == 2)
            other.start()
            other.until("what waited", lambda: other.table(), 60)
            s.until("it is told", lambda: "delivers again" in a.said())
            # Something else is wrong with the third, then.
            s.until("what speaks no TLS is told", lambda: "(no TLS is spoken there: " in a.said())
            same(a.said().count("not reached: Failed to connect"), 2)
            same(other.count("replayed"), 0)


@claim("a nameserver that refuses is complained of once, and what is not delivered in the end is told")
def refusing():
    class Deaf(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(self.headers["Waymark-Sequence"])
            self.send_error(500)

        def do_GET(self):
            self.send_error(500)

        def log_message(self, *words):
            pass
    bodies = []
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deaf)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        with nameserver("refusing") as s:
            with Agent(s, ["http://127.0.0.1:%d" % s.management, "http://127.0.0.1:%d" % web.server_port]) as a:
                s.until("reports that are refused", lambda: len(set(bodies)) >= 1, 40)
                s.until("it is told", lambda: "refused with 500" in a.said())
                same(a.said().count("refused with 500"), 1, a.said())
                a.stop()
                assert "were not delivered" in a.said(), a.said()
    finally:
        web.shutdown()


@claim("targets that are not signed with the key are nobody's to measure")
def impostor():
    class Impostor(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"version": 1, "again_s": 1, "networks": [], "edges": [{"edge": "iad1", "host": "127.0.0.9"}]}).encode()
            self.send_response(200)
            self.send_header("Waymark-Signature", "0" * 64)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            asked.append(1)

        def do_POST(self):
            posted.append(1)
            self.send_error(500)

        def log_message(self, *words):
            pass
    asked, posted = [], []
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        with Nameserver(start=False) as s:
            with Agent(s, ["http://127.0.0.1:%d" % web.server_port]) as a:
                s.until("it asks again", lambda: len(asked) >= 2)
                assert "not signed" in a.said(), a.said()
                time.sleep(2)
                same(posted, [], "something was measured")
    finally:
        web.shutdown()


class Certified(Nameserver):
    """Speaks TLS. ams1 has a certificate, iad1 a key."""

    def __init__(self, **more):
        super().__init__(start=False, **more)
        make_ca(self.dir)
        for name in ("ns1", "ams1", "other"):
            make_certificate(self.dir, name, name + ".example.com", 30)
        self.server += ", tls: [ { cert: ns1.pem, key: ns1.key } ], tls-clients: ca.pem"
        self.configure(self.config.replace('%d" }' % self.management, '%d", tls: on }' % self.management).replace(
            "agents: {", 'agents: { ams1: { certificate: Ams1.example.com }, iad1: { key: "%s" },' % b64(KEYS["iad1"])))
        self.begun = time.monotonic()
        self.start()

    def context(self, cert=None):
        c = ssl.create_default_context(cafile=self.dir + "/ca.pem")
        if cert:
            c.load_cert_chain("%s/%s.pem" % (self.dir, cert), "%s/%s.key" % (self.dir, cert))
        return c

    def ask(self, method, target, body=b"", headers=None, cert=None):
        with socket.create_connection(("127.0.0.1", self.management), timeout=60 * SLOW) as plain:
            with self.context(cert).wrap_socket(plain, server_hostname="ns1.example.com") as s:
                c = http.client.HTTPConnection("ns1.example.com")
                c.sock = s
                c.request(method, target, body or None, headers or {})
                r = c.getresponse()
                return r.status, json.loads(r.read()), r.headers

    def report(self, cert, signed=False, agent="ams1", key=b"?"):
        body = json.dumps(report(ROW)).encode()
        fields = self.signed("POST", "/v1/latency", body, agent=agent, key=key)
        if not signed:
            del fields["Waymark-Signature"]
        return self.ask("POST", "/v1/latency", body, fields, cert)[0]


@claim("over TLS an agent's certificate stands for its key; another's, none, or a wrong signature beside it do not")
def certified():
    with nameserver("certified") as s:
        same([s.report(*row) for row in ((None,), ("other",), ("ns1",), (None, True))], [401] * 4)
        same(s.report("ams1", True), 401)
        same(s.report("ams1", agent="iad1"), 401)
        same(s.report("ams1"), 200)
        same(s.report(None, True, "iad1", KEYS["iad1"]), 200)
        both = ["192.0.2.0/24,ams1,12.500,4", "192.0.2.0/24,iad1,12.500,4"]      # what makes the table grow waits for a job
        s.until("both in the table", lambda: s.table() == both)
        # What takes the door's time and says nothing is sent away, and what speaks no TLS.
        with socket.create_connection(("127.0.0.1", s.management), timeout=60 * SLOW) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"HTTP" not in plain.recv(1000)
        tls = {"key": "", "tls": "{ ca: ca.pem, cert: ams1.pem, key: ams1.key }"}
        with Agent(s, ["https://127.0.0.1:%d" % s.management], **tls) as a:
            s.until("the name to be looked at", lambda: "no alternative certificate subject name" in a.said())
        make_certificate(s.dir, "ns1", "ns1.example.com", 30)
        with open(s.dir + "/ns1.ext", "w") as f:
            f.write("subjectAltName=DNS:ns1.example.com,IP:127.0.0.1\n")
        same(subprocess.run(["openssl", "x509", "-req", "-in", "ns1.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                             "-extfile", "ns1.ext", "-out", "ns1.new"], cwd=s.dir, capture_output=True).returncode, 0)
        os.rename(s.dir + "/ns1.new", s.dir + "/ns1.pem")
        with Agent(s, ["https://127.0.0.1:%d" % s.management], **tls) as a:
            s.until("a measurement of iad1", lambda: any(r.startswith("@ams1,iad1,") for r in s.table()), 30)


@claim("management over TLS and certificates of agents are told where something for them is missing")
def certified_conf():
    with Nameserver(start=False) as s:
        plain = s.config

        def told(word, config):
            s.configure(config)
            code, said = s.check()
            same(code, 1, said)
            assert word in said, said
        tls = plain.replace('%d" }' % s.management, '%d", tls: on }' % s.management)
        told("there is no certificate to show", tls)
        told("certificates are shown over TLS only", plain.replace("ams1: { key", "ams1: { certificate: a.example.com, key"))
        make_ca(s.dir)
        make_certificate(s.dir, "ns1", "ns1.example.com", 30)
        s.server += ", tls: [ { cert: ns1.pem, key: ns1.key } ]"
        told("nobody vouches for clients' certificates", tls.replace("ams1: { key", "ams1: { certificate: a.example.com, key"))
        told('the agent ams1 needs a "key"', plain.replace("agents: {", "agents: { ams1: { },").replace("ams1: { key", "syd1: { key"))


class Jumping(Nameserver):
    def rest(self, agents, half_life="%dm" % SLOW):
        return super().rest(agents, half_life)


class Learning(Nameserver):
    ZONE = APEX + "www 60 EDGE web\n*.who 1 EDGE web\n*.else 1 EDGE other\n"

    def rest(self, agents, half_life="6h"):
        return """
geoip: { city: { file: %s/geoip/city.mmdb } }
management: { metrics: on, listen: "127.0.0.1:%d" }
latency: { learned-resolvers: learned.csv, agents: { ams1: { key: "%s" } } }
edges:
  ams1: { at: "52.37,4.90", a: [ 192.0.2.10 ] }
  iad1: { at: "38.95,-77.45", a: [ 192.0.2.30 ] }
pools:
  web: { edges: [ ams1, iad1 ], default: [ ams1 ], resolver-pairs: on }
  other: { edges: [ ams1, iad1 ], default: [ ams1 ] }
""" % (TOP, self.management, b64(KEYS["ams1"]))

    def asks(self, name, source="127.0.0.53", options=b""):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.bind((source, 0))
            u.settimeout(60 * SLOW)
            u.sendto(query(name, "A", edns=opt(options=options)), ("127.0.0.1", self.port))
            return Message(u.recv(4096))


@contextlib.contextmanager
def nginx(folder):
    """Logs who came by which name. Clients say themselves where they are, as they would to a proxy. The port and the log."""
    port, log = free_port(), folder + "/pairs.log"
    with open(folder + "/nginx.conf", "w") as f:
        f.write("""daemon off; worker_processes 1; pid %(d)s/nginx.pid; error_log %(d)s/nginx.err;
events { worker_connections 64; }
http {
  client_body_temp_path %(d)s/nb; proxy_temp_path %(d)s/np; fastcgi_temp_path %(d)s/nf; uwsgi_temp_path %(d)s/nu; scgi_temp_path %(d)s/ns;
  log_format pairs '$remote_addr $host';
  server {
    listen 127.0.0.1:%(port)d; server_name *.who.example.org;
    set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
    access_log %(log)s pairs;
    location / { return 204; }
  }
}
""" % {"d": folder, "port": port, "log": log})
    proc = subprocess.Popen(["nginx", "-c", folder + "/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60 * SLOW
        while not os.path.exists(log):
            assert proc.poll() is None and time.monotonic() < end, "nginx does not start"
            time.sleep(0.05)
        yield port, log
    finally:
        proc.terminate()
        proc.wait(60 * SLOW)


def visit(port, host, client):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60 * SLOW)
    c.request("GET", "/", headers={"Host": host, "X-Forwarded-For": client})
    same(c.getresponse().status, 204)
    c.close()


@claim("whose clients ask through a resolver is learned from names that are asked for once, by an agent that reads nginx's log, and survives an upgrade and a restart")
def learning():
    if not shutil.which("nginx"):
        return
    with nameserver("learning") as s, nginx(s.dir) as (port, log):
        number = lambda key: json.loads(s.ctl("latency", "show", "--json")[1])[key]
        with Agent(s, ["http://127.0.0.1:%d" % s.management], active="{ packets: 0 }", pairs="{ log: %s, names: who.example.org }" % log) as a:
            s.until("the agent to read the log", lambda: any(os.path.realpath("/proc/%d/fd/%s" % (a.proc.pid, fd)) == os.path.realpath(log)
                                                             for fd in os.listdir("/proc/%d/fd" % a.proc.pid)))
            for i in range(12):
                same(s.asks("T%d.who.example.org" % i).addresses(), ["192.0.2.10"])
                visit(port, "t%d.WHO.example.org" % i, "73.14.0.%d" % (i + 1))
            # Who sends a subnet is chosen for by that, what is no such name is not noted, and an address counts once.
            s.asks("subnet.who.example.org", options=ecs("198.51.100.0/24"))
            s.asks("t.else.example.org")
            for host, client in (("subnet.who.example.org", "73.14.1.1"), ("never.who.example.org", "73.14.2.1"), ("t12.who.example.org", "73.14.0.1")):
                visit(port, host, client)
            s.until("what the agent tells", lambda: number("one_time_clients") == 14)
        same([number(k) for k in ("one_time_names", "one_time_joined", "resolver_pairs", "resolvers")], [12, 12, 1, 0])
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % s.management, timeout=60 * SLOW) as r:
            same("waymark_one_time_joined_total 12" in r.read().decode(), True)
        code, said = s.ctl("upgrade")                       # what is not in the file yet is handed on, too
        same(code, 0, said)
        s.until("what was learned to be known to the new process", lambda: number("resolver_pairs") == 1)
        same(s.proc.wait(60 * SLOW), 0)
        s.ctl("stop")
        new = int(re.search(r"process (\d+) ", said).group(1))
        s.until("the new process to end", lambda: not os.path.exists("/proc/%d/exe" % new))
        s.stop()
        with open(s.dir + "/learned.csv") as f:
            resolver, client, weight = f.read().splitlines()[2].split(",")[:3]
        same((resolver, client, 11.9 < float(weight) <= 12), ("127.0.0.53/32", "73.14.0.0/24", True))
        s.start()
        said = s.ctl("explain", "www.example.org", "--client", "127.0.0.53")[1]
        assert "resolver   127.0.0.53/32: chosen for its clients, 100 % in 73.14.0.0/24" in said, said
        same([s.asks("www.example.org", source).addresses() for source in ("127.0.0.53", "127.0.0.54")], [["192.0.2.30"], ["192.0.2.10"]])
        s.until("what was learned to be known again", lambda: number("resolver_pairs") == 1)
        s.configure(s.config.replace("learned.csv", "moved.csv"))   # goes on in another file, at once
        same(s.ctl("reload")[0], 0)
        s.until("what was learned in the other file", lambda: os.path.exists(s.dir + "/moved.csv"))
        with open(s.dir + "/moved.csv") as f:
            same(f.read().splitlines()[2].split(",")[:2], ["127.0.0.53/32", "73.14.0.0/24"])
        s.until("its resolver to be chosen for", lambda: s.asks("www.example.org", "127.0.0.53").addresses() == ["192.0.2.30"])
        same((number("resolver_pairs"), number("resolvers")), (1, 1))


@claim("an agent's configuration that is wrong is told with its place, and starts nothing")
def agent_conf():
    with Nameserver(start=False) as s:
        for key, value, word in (("key", "AAAA", "32 bytes"), ("key", "", '"key" is missing'), ("servers", '[ "ftp://x" ]', "http://"),
                                 ("servers", '[ "http://x/path" ]', "without a path"), ("report", "5", "needs a unit"),
                                 ("actives", "{ }", "did you mean"), ("passive", "{ ports: [ 70000 ] }", "65535"),
                                 ("active", "{ packets: 0 }", "nothing to measure with"),
                                 ("pairs", "{ log: x }", "names: who.example.org"), ("pairs", "{ log: x, names: org }", "one label more"),
                                 ("pairs", "{ log: x, names: '*.example.org' }", "one label more"),
                                 ("quantile", "0.5", "a share"), ("beacon", "{ origins: '*' }", 'listen: "127.0.0.1:9954"'),
                                 ("beacon", "{ listen: '127.0.0.1:1', origins: www.example.org }", "https://HOST")):
            a = Agent(s, ["http://127.0.0.1:1"], **{key: value})
            done = subprocess.run([AGENT, "-c", a.conf], capture_output=True, text=True, timeout=60 * SLOW)
            same(done.returncode, 1, done.stderr)
            assert word in done.stderr, done.stderr
        right = Agent(s, ["http://127.0.0.1:1/", "https://[::1]:2"], passive="{ ports: [ 80, 443 ] }").conf
        done = subprocess.run([AGENT, "-t", "-c", right], capture_output=True, text=True, timeout=60 * SLOW)
        same((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    run("agent")
