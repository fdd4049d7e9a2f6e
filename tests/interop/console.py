#!/usr/bin/python3
"""console - the console in a real browser: what "make interop" calls.

A server with pools, zones and tokens, and chromium, which is led through the page by page/walk.mjs (playwright-core and axe-core
of npm, as its lock file has them). Skipped where chromium, node or npm is missing, or npm does not answer.

    tests/interop/console.py [CLAIM]      some of it, by a word of the claim
    tests/interop/console.py --shots DIR  pictures for doc/
    tests/interop/console.py --measure    what it costs with 500 edges and 10,000 zones
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from lib import *

HERE = os.path.dirname(os.path.abspath(__file__)) + "/page"
WORK = TOP + "/build/page_walk"
CITIES = [("ams", 52.37, 4.90), ("iad", 38.95, -77.45), ("sin", 1.35, 103.82), ("fra", 50.11, 8.68), ("nrt", 35.68, 139.69), ("syd", -33.87, 151.20),
          ("gru", -23.55, -46.63), ("lhr", 51.50, -0.12), ("lax", 34.05, -118.24), ("jnb", -26.20, 28.04), ("bom", 19.07, 72.87), ("dfw", 32.78, -96.80),
          ("ord", 41.88, -87.63), ("sea", 47.60, -122.33), ("mia", 25.76, -80.19), ("yyz", 43.65, -79.38), ("mad", 40.42, -3.70), ("waw", 52.23, 21.01),
          ("arn", 59.33, 18.07), ("mxp", 45.46, 9.19), ("ist", 41.00, 28.98), ("dxb", 25.20, 55.27), ("hkg", 22.32, 114.17), ("icn", 37.57, 126.98)]
HEAD = "$TTL 1h\n@ SOA ns1 hostmaster 2026112801 2h 15m 2w 5m\n@ NS ns1\nns1 A 192.0.2.53\n"
SHOP = HEAD + "www 60 EDGE web\nvideo 60 EDGE video\nmail A 192.0.2.25\n@ MX 10 mail\n@ TXT \"v=spf1 mx -all\"\nvpn 300 A 192.0.2.44\nblog CNAME www\n"


def missing():
    """Why it cannot be done here; "" if it can."""
    for program in ("chromium", "node", "npm"):
        if not shutil.which(program):
            return "%s is not installed" % program
    with open(TOP + "/build/page/page_files.c") as f:
        if "file_0" not in f.read():
            return "the server was built without the page (make page)"
    os.makedirs(WORK, exist_ok=True)
    have = WORK + "/package-lock.json"
    with open(HERE + "/package-lock.json") as f:
        want = f.read()
    same_packages = os.path.exists(have) and open(have).read() == want and os.path.isdir(WORK + "/node_modules/axe-core")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE + "/" + name, WORK)
    shutil.copy(HERE + "/walk.mjs", WORK)
    if same_packages:
        return ""
    r = subprocess.run(["timeout", "60", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0",
                        "--fetch-timeout=8000"], cwd=WORK, capture_output=True, text=True)
    if r.returncode:
        os.unlink(have)
    return "npm does not answer" if r.returncode else ""


def config(management, edges, more=""):
    body = "management: { listen: \"127.0.0.1:%d\", metrics: on, api: on, console: on }\nstore: { file: waymark.db }\n" % management
    body += "geoip: { city: { file: %s/geoip/city.mmdb } }\nprobes: { port: { kind: tcp, port: %d, every: 1s, timeout: 1s } }\nedges:\n" % (TOP, management)
    names = []
    for i in range(edges):
        code, lat, lon = CITIES[i % len(CITIES)]
        again = i // len(CITIES)
        names.append("%s%d" % (code, again + 1))
        body += "  %s: { at: \"%.2f,%.2f\", a: [ 127.%d.%d.1 ]%s }\n" % (names[-1], lat + again * 1.7 % 9 - 4 * (again > 0), lon + again * 2.3 % 11 - 5 * (again > 0),
                                                                        1 + i // 250, i % 250, ", capacity: 900" if i < 8 else "")
    body += more
    body += "pools:\n  web: { edges: [ %s ], default: [ iad1 ] }\n  video: { edges: [ ams1, iad1, sin1, fra1, nrt1 ], default: [ iad1 ], probe: port }\n" % ", ".join(names)
    return body


class Walked(Server):
    def __init__(self, edges=24, zones=30):
        super().__init__({"shop.test": SHOP, "broken.test": HEAD + "www A 192.0.2.300\n"}, start=False)
        self.management = free_port()
        self.rest = "{ name: shop.test, file: zones/shop.test.zone, write-back: store, dnssec: auto }, { name: broken.test, file: zones/broken.test.zone }, { dir: many, files: \"*.zone\" }"
        os.mkdir(self.dir + "/many")
        for i in range(zones):
            self.write("many/z%05d.test.zone" % i, HEAD + "www A 192.0.2.%d\n" % (i % 250))
        self.configure(config(self.management, edges), "[ %s ]" % self.rest)
        self.start()
        self.tokens = {}
        for name, role in (("ann", ["admin"]), ("eve", ["read"]), ("zoe", ["zones", "--zones", "shop.test"])):
            code, text = self.ctl("token", "add", name, "--role", *role)
            same(code, 0, text)
            self.tokens[role[0]] = text.split("\n")[0]

    def walk(self, *words):
        env = dict(os.environ, URL="http://127.0.0.1:%d" % self.management, DNS=str(self.port), CONF=self.conf, SERVER=str(self.proc.pid),
                   **{"TOKEN_" + role.upper(): t for role, t in self.tokens.items()})
        return subprocess.run(["timeout", "300", "node", WORK + "/walk.mjs", *words], env=env, cwd=WORK).returncode


if __name__ == "__main__":
    why = missing()
    if why:
        print("console: 0 passed, 0 failed, 1 skipped: %s" % why)
        sys.exit(0)
    words = sys.argv[1:]
    with Walked(*((500, 10000) if "--measure" in words else ())) as server:
        sys.exit(server.walk(*words))
