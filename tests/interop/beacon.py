#!/usr/bin/python3
"""beacon - a page in a real browser measures an edge, and a pool follows: what "make interop" calls.

chromium loads a page with contrib/beacon.js. Each of two edges is a small reverse proxy before a waymark-agent, which says by X-Real-IP that a network of
Madrid asks; Madrid's own waits 150 ms before the object. What the browser timed is in the nameserver's table, and there the pool with "goal: ttfb" goes
elsewhere.
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import APEX, BUILD, SLOW, TOP, Server, claim, free_port, run, same                  # noqa: E402

CLIENT, NET, WAIT_S = "83.62.101.7", "83.62.101.0/24", 0.15
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *what):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def page(edge_port):
    files = {"/": ("text/html", b"<!doctype html><title>shop</title><script src=/beacon.js data-share=1 "
                   b"data-from=http://127.0.0.1:%d/waymark/beacon async></script>" % edge_port)}
    with open(TOP + "/contrib/beacon.js", "rb") as f:
        files["/beacon.js"] = ("text/javascript", f.read())

    class Page(Quiet):
        def do_GET(self):
            kind, body = files.get(self.path, ("text/plain", b""))
            self.answer(200 if body else 404, [("Content-Type", kind)], body)
    return Page


def edge(agent_port, wait_s, seen):
    class Edge(Quiet):
        def forward(self, body=None):
            headers = {k: v for k, v in self.headers.items() if k.lower() in ("origin", "content-type")}
            ask = urllib.request.Request("http://127.0.0.1:%d%s" % (agent_port, self.path), body, dict(headers, **{"X-Real-IP": CLIENT}), method=self.command)
            try:
                with urllib.request.urlopen(ask, timeout=10) as r:
                    status, fields, got = r.status, r.headers, r.read()
            except urllib.error.HTTPError as e:
                status, fields, got = e.code, e.headers, e.read()
            if self.path.startswith("/waymark/object"):
                time.sleep(wait_s)
            seen.append((self.command, self.path.split("?")[0], status, body))
            self.answer(status, [(k, v) for k, v in fields.items() if k.lower() not in ("content-length", "connection", "date")], got)

        def do_GET(self):
            self.forward()

        def do_POST(self):
            self.forward(self.rfile.read(int(self.headers["Content-Length"])))
    return Edge


def listen(port, handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def wait_for(what, holds, seconds=40):
    end = time.monotonic() + seconds * SLOW
    while not holds():
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.2)


@claim("a page measures an edge that is near and slow to answer, and a pool that goes by first bytes leaves it")
def browser():
    page_port, management = free_port(), free_port()
    ports = {"mad": (free_port(), free_port()), "lis": (free_port(), free_port())}     # of the edge, of its agent
    config = ('management: { listen: "127.0.0.1:%d" }\nlatency: { agents: { mad: { key: "%s" }, lis: { key: "%s" } } }\nedges:\n'
              '  mad: { at: "40.42,-3.70", a: [ 192.0.2.1 ] }\n  lis: { at: "38.72,-9.14", a: [ 192.0.2.2 ] }\n'
              'pools: { web: { edges: [ mad, lis ], goal: ttfb }, near: { edges: [ mad, lis ] } }\ngeoip: { city: { file: %s/geoip/city.mmdb } }\n'
              % (management, KEY, KEY, TOP))
    seen = []
    with Server({"example.org": APEX + "www 60 EDGE web\nnear 60 EDGE near\n"}, config) as s, tempfile.TemporaryDirectory() as home:
        first = lambda name: s.steer(name + ".example.org", NET).addresses()
        same((first("www"), first("near")), (["192.0.2.1"], ["192.0.2.1"]))
        servers, agents = [listen(page_port, page(ports["mad"][0]))], []
        for name, (at, agent) in ports.items():
            s.write(name + ".yaml", 'edge: %s\nkey: "%s"\nservers: [ "http://127.0.0.1:%d" ]\nreport: 1s\nactive: { packets: 0 }\n'
                    'beacon: { listen: "127.0.0.1:%d", origins: [ "http://127.0.0.1:%d" ], edges: [ %s ] }\n'
                    % (name, KEY, management, agent, page_port, ", ".join('"http://127.0.0.1:%d"' % p for p, _ in ports.values())))
            os.chmod("%s/%s.yaml" % (s.dir, name), 0o600)
            servers.append(listen(at, edge(agent, WAIT_S if name == "mad" else 0, seen)))
            agents.append(subprocess.Popen([BUILD + "/waymark-agent", "-c", "%s/%s.yaml" % (s.dir, name)], stderr=open(s.dir + "/agents.log", "a")))
        browser = None
        try:
            time.sleep(0.5)
            browser = subprocess.Popen(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir=" + home,
                                        "--remote-debugging-port=0", "http://127.0.0.1:%d/" % page_port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            posts = lambda: [x for x in seen if x[0] == "POST"]
            wait_for("beacons of the page", lambda: len(posts()) == 2, 60)
            same([x[1:3] for x in posts()], 2 * [("/waymark/beacon", 204)], posts())
            told = max((json.loads(x[3]) for x in posts()), key=lambda x: x["ttfb_ms"])
            assert told["transfer_ms"] >= told["ttfb_ms"] >= WAIT_S * 1000, told
            table = lambda: [r for r in json.loads(s.ctl("latency", "show", "--prefix", NET, "--json")[1]) if r["edge"] == "mad"]
            wait_for("what it measured in the table", lambda: sorted(r["kind"] for r in table()) == ["throughput", "ttfb"], 60)
            ttfb = next(r for r in table() if r["kind"] == "ttfb")
            same(abs(ttfb["ms"] - told["ttfb_ms"]) < 0.1, True, "%r %r" % (ttfb, told))
            wait_for("another edge for that network", lambda: first("www") == ["192.0.2.2"])
            same(first("near"), ["192.0.2.1"])
            steps = json.loads(s.ctl("explain", "www.example.org", "--client", NET, "--json")[1])["steps"][0]
            same((steps["goal"], steps["edges"][0]["edge"]), ("ttfb", "lis"))
            assert "ttfb" in next(e for e in steps["edges"] if e["edge"] == "mad")["terms"], steps
        except AssertionError:
            with open(s.dir + "/agents.log") as f:
                print(f.read(), seen, s.ctl("latency", "show", "--prefix", NET)[1], s.ctl("explain", "www.example.org", "--client", NET)[1], s.ctl("latency", "show")[1], s.said())
            raise
        finally:
            for p in [browser] + agents:
                if p:
                    p.terminate()
                    p.wait(20)
            for server in servers:
                server.shutdown()


if __name__ == "__main__":
    if shutil.which("chromium"):
        run("beacon")
    else:
        print("skipped: chromium is not installed")
