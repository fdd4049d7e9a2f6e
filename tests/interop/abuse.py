#!/usr/bin/env python3
"""abuse - the API under clients that mean no good, beside queries that are answered.

    tests/interop/abuse.py [--requests 1500] [--clients 1000] [--seed 1]

Random requests made of openapi.json: wrong tokens, paths, methods, members and bodies; each answer is one that the description has.
Clients that send a byte a second, from 250 addresses. One that listens to events and never reads. Meanwhile queries are sent
one by one: none is lost, and how long they took is shown.
"""
import argparse
import http.client
import json
import os
import random
import re
import socket
import statistics
import string
import sys
import threading
import time
import urllib.parse

ARGS = argparse.ArgumentParser(description=__doc__.split("\n")[0])
ARGS.add_argument("--requests", type=int, default=1500)
ARGS.add_argument("--clients", type=int, default=1000)
ARGS.add_argument("--seed", type=int, default=1)
ARGS = ARGS.parse_args()
sys.argv = sys.argv[:1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *                                           # noqa: E402

EDGES = 400
CONFIG = ("management: { listen: [ \"127.0.0.1:%%d\", unix:api.sock ], api: on }\nstore: { file: waymark.db }\ngeoip: { city: { file: %s/geoip/city.mmdb } }\n" % TOP +
          "edges:\n" + "".join("  e%03d: { at: \"%d,%d\", a: [ 192.0.2.%d ] }\n" % (i, i % 90, i % 180, i % 250 + 1) for i in range(EDGES)) +
          "pools: { web: { edges: [ %s ] } }\n" % ", ".join("e%03d" % i for i in range(EDGES)))
ZONE = "$TTL 60\n@ SOA ns1 host 7 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww EDGE web\n"
NEVER = {"/reload", "/stage/promote", "/stage/rollback", "/fleet/reload", "/fleet/stage/promote", "/fleet/stage/rollback"}    # they take their time, and change nothing here


class Queries(threading.Thread):
    """One after the other, as a resolver that waits for each; one that is not answered is lost."""
    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.took, self.lost, self.on = server, [], 0, True

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.connect(("127.0.0.1", self.server.port))
            u.settimeout(5 * SLOW)
            while self.on:
                began = time.perf_counter()
                u.send(query("www.a.test", "A"))
                try:
                    u.recv(4096)
                    self.took.append(time.perf_counter() - began)
                except socket.timeout:
                    self.lost += 1
                time.sleep(0.002)

    def end(self, what):
        self.on = False
        self.join()
        t = sorted(self.took)
        print("%-44s %6d queries, %d lost, median %.3f ms, p99 %.3f ms" % (
            what, len(t), self.lost, statistics.median(t) * 1e3, t[int(len(t) * .99)] * 1e3), flush=True)
        same(self.lost, 0, what)


class Abused(Server):
    def __init__(self):
        super().__init__({"a.test": ZONE}, start=False)
        self.management = free_port()
        self.configure(CONFIG % self.management, "[ { name: a.test, file: zones/a.test.zone, write-back: store } ]")
        self.start()
        self.tokens = [self.ctl("token", "add", role, "--role", role, *more)[1].split("\n")[0]
                       for role, more in (("read", ()), ("operate", ()), ("zones", ("--zones", "a.test")), ("admin", ()))]

    def connect_api(self):
        return http.client.HTTPConnection("127.0.0.1", self.management, timeout=30 * SLOW)


def junk(rng, depth=0):
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return rng.choice(["", "a", "e001", "a.test", "www.a.test", "192.0.2.1", "10.0.0.0/8", "1h", "up", "--json", "-1", "..", "\u00fc\u0000", "*", "'", "0"])
    if kind == 1:
        return "".join(rng.choice(string.printable) for _ in range(rng.choice((1, 5, 300, 5000))))
    if kind == 2:
        return rng.choice([0, -1, 1, 2 ** 31, 2 ** 63 - 1, -2 ** 63, 1.5, 1e300])
    if kind == 3:
        return rng.choice([True, False, None])
    if kind in (4, 5):
        return "e%03d" % rng.randrange(EDGES + 1)
    if kind == 6:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["owner", "type", "data", "ttl", "x", ""]): junk(rng, depth + 1) for _ in range(rng.randrange(4))}


def request_of(rng, spec, server):
    path, method = rng.choice([(p, m) for p, ms in sorted(spec["paths"].items()) for m in ms if p not in NEVER and not p.endswith("/events")])
    op = spec["paths"][path][method]
    text = lambda: urllib.parse.quote(str(junk(rng))[:300].encode("utf-8", "replace"), safe="")
    at, known = path, rng.random() < .5
    for p in op["parameters"]:
        if p["in"] == "path":
            good = {"zone": "a.test", "edge": "e%03d" % rng.randrange(EDGES), "pool": "web"}.get(p["name"])
            at = at.replace("{%s}" % p["name"], good if good and known else text() or "x")
    names = [p["name"] for p in op["parameters"] if p["in"] == "query" and rng.random() < .6] + (["nothing"] if rng.random() < .1 else [])
    if names:
        at += "?" + "&".join("%s=%s" % (n, text()) for n in names)
    body = None
    if method == "post":
        props = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("properties", {})
        body = json.dumps({n: junk(rng) for n in props if rng.random() < .7}).encode()
        if rng.random() < .2:
            body = bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
        elif rng.random() < .2:
            body = body[:rng.randrange(len(body) + 1)]
    if rng.random() < .1:
        method = rng.choice(["put", "post", "delete", "patch", "get"])
    token = rng.choice(server.tokens + [None, "", "wm_", "wm_" + "x" * 43, "\x80" * 9, "a" * 3000])
    return path, method.upper(), at, body, token, op


@claim("random requests made of openapi.json are answered as that says, and queries beside them")
def fuzzed():
    rng = random.Random(ARGS.seed)
    with Abused() as s:
        c = s.connect_api()
        c.request("GET", "/api/v1/openapi.json")
        spec = json.loads(c.getresponse().read())
        beside, seen = Queries(s), {}
        beside.start()
        for n in range(ARGS.requests):
            path, method, at, body, token, op = request_of(rng, spec, s)
            c = s.connect_api()
            try:
                c.request(method, "/api/v1" + at, body, {"Authorization": "Bearer " + token} if token is not None else {})
                r = c.getresponse()
                code, text = r.status, r.read()
            finally:
                c.close()
            what = "%d: %s %s %r: %d %r" % (n, method, at[:200], body, code, text[:300])
            same(str(code) in op["responses"] or code in (400, 401, 403, 404, 405, 413, 414, 431), True, what)
            same(code < 500 or code == 503, True, what)
            if code != 200 and code not in (413, 414, 431):
                same(text[:1], b"{", what)
                same(isinstance(json.loads(text), dict), True, what)
            seen[code] = seen.get(code, 0) + 1
        beside.end("%d random requests" % ARGS.requests)
        print("    answers: " + ", ".join("%d: %d" % x for x in sorted(seen.items())))
        same({200, 400, 401, 403} <= set(seen), True, seen)


@claim("clients that send a byte a second do not keep queries, nor those who may, from their answers")
def slow():
    with Abused() as s:
        quiet = Queries(s)
        quiet.start()
        time.sleep(3)
        quiet.end("nobody else")
        beside, clients, refused = Queries(s), [], 0
        beside.start()
        until = time.monotonic() + 6
        while time.monotonic() < until:
            while len(clients) < ARGS.clients:
                c = socket.socket()
                c.bind(("127.0.1.%d" % (len(clients) % 250 + 1), 0))
                c.setblocking(False)
                c.connect_ex(("127.0.0.1", s.management))
                clients.append(c)
            time.sleep(.5)
            for i, c in enumerate(clients):
                try:
                    c.send(b"GET /api/v1/status HTTP/1.1\r\n"[:1])
                except OSError:                             # hung up on: he comes again
                    c.close()
                    refused += 1
                    clients[i] = c = socket.socket()
                    c.bind(("127.0.1.%d" % (i % 250 + 1), 0))
                    c.setblocking(False)
                    c.connect_ex(("127.0.0.1", s.management))
        began = time.monotonic()
        with socket.socket(socket.AF_UNIX) as u:            # who is of this machine has places of his own
            u.settimeout(20 * SLOW)
            u.connect(s.dir + "/api.sock")
            u.sendall(b"GET /api/v1/token HTTP/1.0\r\n\r\n")
            same(u.makefile("rb").readline().split()[1], b"200")
        print("    by the Unix socket, meanwhile: %.1f ms; %d times one was hung up on" % ((time.monotonic() - began) * 1e3, refused))
        beside.end("%d clients, a byte now and then" % ARGS.clients)
        for c in clients:
            c.close()


def is_there(s, c):
    """Its connection, as the server has it: /proc/net/tcp, its own end established."""
    ours = "0100007F:%04X 0100007F:%04X 01" % (s.management, c.getsockname()[1])
    with open("/proc/net/tcp") as f:
        return any(ours in " ".join(line.split()[1:4]) for line in f)


@claim("who asks for a large zone and does not read it is hung up on; others have theirs, and memory does not grow")
def unread():
    with Abused() as s:
        s.write("zones/b.test.zone", ZONE + "".join('h%d TXT "%s"\n' % (i, "x" * 240) for i in range(60000)))
        s.configure(None, "[ { name: a.test, file: zones/a.test.zone, write-back: store }, { name: b.test, file: zones/b.test.zone } ]")
        same(s.ctl("reload")[0], 0)

        def memory():
            with open("/proc/%d/status" % s.proc.pid) as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) >> 10

        def export():
            c = s.connect_api()
            c.request("GET", "/api/v1/zones/b.test/records", headers={"Authorization": "Bearer " + s.tokens[0]})
            r = c.getresponse()
            return r.status, len(r.read())

        size = export()
        before, quiet = memory(), []
        for _ in range(8):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect(("127.0.0.1", s.management))
            c.sendall(("GET /api/v1/zones/b.test/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % s.tokens[0]).encode())
            quiet.append(c)
        began, queries = time.monotonic(), Queries(s)
        queries.start()
        same((export(), size[1] > 15 * 10 ** 6), (size, True))  # it waits for those before: two at once
        print("    another has his after %.0f s; memory %d MB, %d MB before" % (time.monotonic() - began, memory(), before))
        same(memory() < before + 20 * SLOW, True)
        end = time.monotonic() + 60 * SLOW
        while any(is_there(s, c) for c in quiet):
            assert time.monotonic() < end, "some are there yet"
            time.sleep(.2)
        queries.end("beside 8 that do not read")


@claim("who listens to events and does not read is hung up on, and his place is another's")
def deaf():
    with Abused() as s:
        def listen():
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.settimeout(60 * SLOW)
            c.connect(("127.0.0.1", s.management))
            c.sendall(("GET /api/v1/rates/events HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n" % s.tokens[0]).encode())
            return c

        first = listen()
        same(first.recv(12), b"HTTP/1.1 200")
        began, end = time.monotonic(), time.monotonic() + 90 * SLOW
        same(is_there(s, first), True)
        while is_there(s, first):
            assert time.monotonic() < end, "it is there yet, after %.0f s" % (time.monotonic() - began)
            time.sleep(.2)
        print("    hung up on after %.0f s" % (time.monotonic() - began))
        first.close()


run("abuse")
