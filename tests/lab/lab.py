#!/usr/bin/python3
"""lab - cities in network namespaces, an Internet between them where the map and the clock disagree, and all of Waymark in it.

    lab.py            tell it as a story ("make lab")
    lab.py --check    the same as claims, shorter, for "make check"
    lab.py --claims   all of it as claims

Each city is a namespace; build/lab_router (router.c) carries packets between them over TUN devices, each way with a delay of its
own. Four cities have an edge: a web server and a real waymark-agent, which runs as nobody. Four have clients, which ask the
nameserver (a fifth kind of city) where www.lab.test is and fetch pages there. Then it is asked with dig(1) and measured with
ping(8): does each client get the edge that is fastest for it?

Nothing of it touches the machine's own network: it runs in mount, process and network namespaces of its own, which end with it.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../serve"))
import lib                                                  # noqa: E402
from inside import at, enter, sh                            # noqa: E402

PORT, MANAGEMENT, HALF_LIFE_S = 5300, 9953, 8
# City: IPv4 /24, IPv6 /48 (as GeoIP has them), where its edge stands.
CITIES = {
    "mad": ("80.58.61", "2001:720:1", "40.42,-3.70"),
    "lon": ("213.81.1", "2a02:8010:1", "51.51,-0.13"),
    "fra": ("91.1.1", "2001:638:1", "50.12,8.67"),
    "sto": ("81.224.1", "2001:6b0:1", "59.33,18.07"),
    "lis": ("193.136.1", "2001:690:1", None),
    "par": ("82.64.1", "2a01:e00:1", None),
    "mil": ("151.1.1", "2001:760:1", None),
    "war": ("83.0.1", "2001:6a0:1", None),
    "zrh": ("195.176.1", "2001:620:1", None),
}
NAMES = {"mad": "Madrid", "lon": "London", "fra": "Frankfurt", "sto": "Stockholm", "lis": "Lisbon", "par": "Paris", "mil": "Milan",
         "war": "Warsaw", "zrh": "Zurich"}
EDGES = [c for c in CITIES if CITIES[c][2]]
CLIENTS = ["lis", "par", "mil", "war"]
# Milliseconds one way. By the map Lisbon is next to Madrid, Paris to London, Milan to Frankfurt, Warsaw to Stockholm; but the cable from
# Lisbon lands in London, Paris peers in Frankfurt, and the way from Warsaw to Stockholm leads through Frankfurt. The best is better than the second
# by 6 ms and more: a crowded machine delays packets by some.
DELAYS = {
    "lis": {"mad": 27, "lon": 10, "fra": 16, "sto": 38},
    "par": {"mad": 24, "lon": 14, "fra": 5, "sto": 22},
    "mil": {"mad": 19, "lon": 17, "fra": 6, "sto": 24},
    "war": {"mad": 34, "lon": 20, "fra": 10, "sto": 24},
    "mad": {"lon": 17, "fra": 16, "sto": 32},
    "lon": {"fra": 7, "sto": 18},
    "fra": {"sto": 13},
    "zrh": {c: 4 for c in CITIES if c != "zrh"},
}
WRONG_BY_MAP = ["lis", "par", "war"]
NARROW = "fra"                                              # whose web server sends what pages measure at 100 KB/s
STORY = not {"--check", "--claims"} & set(sys.argv)
# What takes as long as all the rest together is left out of "make check".
claim_at_length = lib.claim if "--check" not in sys.argv else lambda text: lambda f: f


def say(text=""):
    if STORY:
        print(text, flush=True)


# ------------------------------------------------------------------ a machine within the machine

def v4(city, host=10):
    return "%s.%d" % (CITIES[city][0], host)


def v6(city):
    return CITIES[city][1] + "::10"


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="waymark-lab.")
        os.chmod(self.dir, 0o755)
        self.processes, self.agents = [], {}
        self.ways = {}                                      # (from, to): milliseconds one way, as the router was told

    def start(self, name, *words, **more):
        with open("%s/%s.log" % (self.dir, name), "w") as log:
            p = subprocess.Popen(words, stdout=more.pop("stdout", log), stderr=log, **more)
        self.processes.append(p)
        return p

    def log(self, name):
        with open("%s/%s.log" % (self.dir, name)) as f:
            return f.read()

    def write(self, name, text):
        with open("%s/%s" % (self.dir, name), "w") as f:
            f.write(text)
        return "%s/%s" % (self.dir, name)

    # -------------------------------------------------------------- building it

    def build_world(self):
        sh("mount", "-t", "tmpfs", "lab", "/run")
        for city in CITIES:
            sh("ip", "netns", "add", city)
        self.router = self.start("router", lib.BUILD + "/lab_router",
                                 *["%s=%s.0/24,%s::/48" % (c, CITIES[c][0], CITIES[c][1]) for c in CITIES],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lib.same(self.router.stdout.readline(), "ready\n", "router: " + self.log("router"))
        for city in CITIES:
            for words in (("link", "set", "lo", "up"), ("addr", "add", v4(city) + "/24", "dev", "wan"),
                          ("addr", "add", v6(city) + "/48", "dev", "wan", "nodad"), ("link", "set", "wan", "up"),
                          ("route", "add", "default", "dev", "wan"), ("-6", "route", "add", "default", "dev", "wan")):
                sh("ip", "-n", city, *words)
        for a in DELAYS:
            for b, ms in DELAYS[a].items():
                self.delay(a, b, ms)

    def delay(self, a, b, ms):
        for x, y in ((a, b), (b, a)):
            self.ways[x, y] = ms
            self.router.stdin.write("delay %s %s %g\n" % (x, y, ms))
        self.router.stdin.flush()

    def loss(self, a, b, share):
        """One way."""
        self.router.stdin.write("loss %s %s %g\n" % (a, b, share))
        self.router.stdin.flush()

    def start_nameserver(self):
        self.keys = {e: sh("openssl", "rand", "-base64", "32").strip() for e in EDGES}
        self.write("lab.test.zone", lib.APEX + "www 5 EDGE web\nfilm 5 EDGE film\ncall 5 EDGE call\n")
        agents = ", ".join('%s: { key: "%s" }' % (e, self.keys[e]) for e in EDGES)
        edges = "\n".join('  %s: { at: "%s", a: [ %s ], aaaa: [ "%s" ] }' % (e, CITIES[e][2], v4(e), v6(e)) for e in EDGES)
        self.conf = self.write("waymark.yaml", """
server: { listen: [ "%s:%d", "[%s]:%d" ], workers: 1 }
control: { socket: control.sock }
management: { listen: "%s:%d" }
geoip: { city: { file: %s/geoip/city.mmdb } }
latency: { half-life: %ds, agents: { %s } }
edges:
%s
pools: { film: { edges: [ %s ], goal: throughput }, call: { edges: [ %s ], goal: loss }, web: { edges: [ %s ] } }
zones: [ { name: lab.test, file: lab.test.zone } ]
""" % (v4("zrh"), PORT, v6("zrh"), PORT, v4("zrh"), MANAGEMENT, lib.TOP, HALF_LIFE_S, agents, edges, *[", ".join(EDGES)] * 3))
        self.start("waymarkd", *at("zrh", lib.WAYMARKD, "-c", self.conf))
        self.wait("the nameserver is ready", lambda: "ready:" in self.log("waymarkd"), 20)

    def start_edges(self):
        """A web server and an agent each; the agents are nobody, from a copy that nobody may read."""
        shutil.copy(lib.BUILD + "/waymark-agent", self.dir)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
        drop = nobody if os.stat("/proc/1").st_uid == 0 and not self.in_user_namespace() and shutil.which("setpriv") else ()
        for e in EDGES:
            if e != "sto":                                  # there TCP must do
                sh(*at(e, "sh", "-c", "echo 0 %d > /proc/sys/net/ipv4/ping_group_range" % (65534 if drop else 0)))
            self.start_web(e)
            conf = self.write("agent-%s.yaml" % e, """
edge: %s
key: "%s"
servers: [ "http://%s:%d" ]
report: 1s
passive: { ports: [ 80 ], every: 500ms }
active: { packets: 200, timeout: 500ms }
beacon: { listen: "127.0.0.1:9954", origins: [ "https://www.lab.test" ], edges: [ "https://www.lab.test" ] }
""" % (e, self.keys[e], v4("zrh"), MANAGEMENT))
            self.agents[e] = self.start("agent-" + e, *at(e, *drop, self.dir + "/waymark-agent", "-c", conf))

    @staticmethod
    def in_user_namespace():
        with open("/proc/self/uid_map") as f:
            return f.read().split() != ["0", "0", "4294967295"]

    def start_web(self, e):
        os.makedirs("%s/www" % self.dir, exist_ok=True)
        self.write("www/index.html", "hello\n")
        self.write("www/picture", 100000 * "x")
        if shutil.which("nginx"):
            temporary = "".join("%s_temp_path %s/%s; " % (x, self.dir, x) for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            conf = self.write("nginx-%s.conf" % e, "daemon off; master_process off; user root root; pid %s/nginx-%s.pid; events {}\n"
                              "http { access_log off; %s server { listen 80; listen [::]:80; root %s/www;\n"
                              "location /waymark/ { proxy_pass http://127.0.0.1:9954; proxy_set_header X-Real-IP $remote_addr; %s } } }\n"
                              % (self.dir, e, temporary, self.dir, "limit_rate 100k;" if e == NARROW else ""))
            self.start("web-" + e, *at(e, "nginx", "-e", "stderr", "-c", conf))
        else:
            self.start("web-" + e, *at(e, sys.executable, "-m", "http.server", "80", "-d", self.dir + "/www", "--bind", "::"))

    def start_clients(self):
        for c in CLIENTS:
            sh("ip", "-n", c, "route", "add", "local", v4(c, 0) + "/24", "dev", "lo")     # it may be any host of its net
            self.start("client-" + c, *at(c, sys.executable, HERE + "/client.py", v4("zrh"), v6("zrh"), str(PORT), CITIES[c][0], *map(v4, EDGES)))

    # -------------------------------------------------------------- looking at it

    def dig(self, client, kind="A", name="www"):
        """The edge that a client is sent to."""
        server = v6("zrh") if kind == "AAAA" else v4("zrh")
        answer = sh(*at(client, "dig", "@" + server, "-p", str(PORT), name + ".lab.test", kind, "+short", "+tries=2", "+time=2")).strip()
        return {v6(e) if kind == "AAAA" else v4(e): e for e in EDGES}.get(answer, answer)

    def pings(self):
        """{client: {edge: milliseconds}}, all at the same time. On a crowded machine they are more than the ways are long, never less."""
        runs = {(c, e): subprocess.Popen(at(c, "ping", "-c", "3", "-i", "0.2", "-q", v4(e)), stdout=subprocess.PIPE, text=True)
                for c in CLIENTS for e in EDGES}
        ms = {c: {} for c in CLIENTS}
        for (c, e), p in runs.items():
            said = p.communicate(timeout=20)[0]
            lib.same(p.returncode, 0, "ping from %s to %s: %s" % (c, e, said))
            ms[c][e] = float(re.search(r"= ([\d.]+)/", said).group(1))
            assert ms[c][e] >= self.trip(c, e), (c, e, ms[c][e])
        return ms

    def trip(self, client, edge):
        return self.ways[client, edge] + self.ways[edge, client]

    def fastest(self):
        """{client: edge}, of ways that are as long as they should be, or longer."""
        self.pings()
        return {c: min(EDGES, key=lambda e: self.trip(c, e)) for c in CLIENTS}

    def ctl(self, *words):
        return sh(lib.WAYMARKCTL, "-c", self.conf, *words)

    def table(self):
        if not STORY:
            return
        say("      %-10s %s    dig says" % ("", "  ".join("%10s" % NAMES[e] for e in EDGES)))
        for c, ms in self.pings().items():
            got = self.dig(c)
            say("      %-10s %s    %s%s" % (NAMES[c], "  ".join("%7.1f ms" % ms[e] for e in EDGES), NAMES.get(got, got),
                                        "" if ms[got] == min(ms.values()) else "  (%.0f ms more than the best)" % (ms[got] - min(ms.values()))))

    def wait(self, what, holds, seconds):
        end = time.monotonic() + seconds * lib.SLOW
        while not holds():
            for p in self.processes:
                if p.poll() not in (None, 0) and p not in self.gone:
                    raise AssertionError("%s ended with %s" % (" ".join(map(str, p.args[4:7])), p.returncode))
            if time.monotonic() > end:
                raise AssertionError("%s: not within %d s\n%s" % (what, seconds, self.everything()))
            time.sleep(0.25)

    gone = ()

    def everything(self):
        went = ["%s goes to %s (IPv6: %s), for films to %s, for calls to %s" % (c, self.dig(c), self.dig(c, "AAAA"), self.dig(c, name="film"),
                                                                                self.dig(c, name="call")) for c in CLIENTS]
        logs = ["%s: %s" % (f, self.log(f[:-4])) for f in sorted(os.listdir(self.dir)) if f.endswith(".log")]
        return "\n".join(went + [self.ctl("explain", "www.lab.test", "--client", v4(c)) for c in CLIENTS] + logs + [self.ctl("latency", "export")])[:16000]

    def stop(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.terminate()
        for p in reversed(self.processes):
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


lab = Lab()


# ------------------------------------------------------------------ the story

@lib.claim("nothing is measured: clients get the edge that is nearest on the map, which is not the fastest")
def by_the_map():
    lab.build_world()
    lab.start_nameserver()
    for client, edge in (("lis", "mad"), ("par", "lon"), ("mil", "fra"), ("war", "sto")):
        lib.same(lab.dig(client), edge, client)
    fastest = lab.fastest()
    for client in WRONG_BY_MAP:
        assert fastest[client] != lab.dig(client), client
    say("1. Nothing is measured. The nameserver in Zurich knows where GeoIP has its clients, and sends them to the nearest edge:\n")
    lab.table()


@lib.claim("agents measure, unprivileged, and every client gets the edge that is fastest by ping")
def by_the_clock():
    lab.start_edges()
    lab.start_clients()
    say("\n2. Agents start at the edges, without privileges. Clients come, and are measured by the connections they make and by echo:\n")
    begun = time.monotonic()
    best = lab.fastest()
    lab.wait("the fastest edge for all", lambda: all(lab.dig(c) == best[c] for c in CLIENTS), 30)
    lab.wait("... over IPv6", lambda: all(lab.dig(c, "AAAA") == best[c] for c in CLIENTS), 20)
    say("   (after %.0f s)" % (time.monotonic() - begun))
    lab.table()
    said = lab.log("agent-sto")
    if not Lab.in_user_namespace():                         # where root is nobody, nobody is root
        say("\n   Stockholm's agent may not send echoes, and says so:\n      " + said.split("\n")[0])
        assert "ping_group_range" in said and "CAP_NET_RAW" in said, said


@claim_at_length("pages measure how long 100,000 bytes take: a pool by throughput leaves an edge with a narrow way out, one by round trips stays")
def pages_tell():
    if not shutil.which("nginx"):
        raise lib.Skip("no nginx, which stands before the agents' beacons")
    say("\n3. Frankfurt's web server has a narrow way out. Clients' pages measure it, and tell the edge's agent (goal: throughput):\n")
    begun = time.monotonic()
    near = [c for c in CLIENTS if lab.dig(c) == NARROW]
    assert len(near) >= 2, near
    lab.wait("all clients' pages have told", lambda: json.loads(lab.ctl("latency", "show", "--json"))["transfers"] >= len(EDGES) * len(CLIENTS) - 1, 60)
    lab.wait("films come from elsewhere", lambda: all(lab.dig(c, name="film") not in (NARROW, "") for c in CLIENTS), 30)
    say("   (after %.0f s)" % (time.monotonic() - begun))
    say("      films come " + ", ".join("to %s from %s" % (NAMES[c], NAMES[lab.dig(c, name="film")]) for c in CLIENTS))
    for c in near:
        lib.same(lab.dig(c), NARROW, c)


@claim_at_length("a way loses one packet of ten: a pool that goes by losses leaves it, and only there; one by round trips stays")
def a_way_loses_packets():
    say("\n4. The way from Frankfurt to Milan loses every tenth packet. The agent sees it in the kernel's counts (goal: loss).\n")
    lib.same((lab.dig("mil", name="call"), lab.dig("par", name="call")), ("fra", "fra"))
    lab.loss("fra", "mil", 0.1)
    begun = time.monotonic()
    lab.wait("calls from Milan go elsewhere", lambda: lab.dig("mil", name="call") not in ("fra", ""), 90)
    say("   (after %.0f s; by round trips Milan stays with %s)" % (time.monotonic() - begun, NAMES[lab.dig("mil")]))
    lib.same((lab.dig("mil"), lab.dig("par", name="call")), ("fra", "fra"))
    say("\n".join("      " + line for line in lab.ctl("latency", "show", "--prefix", v4("mil", 0) + "/24").split("\n") if "loss" in line))
    lab.loss("fra", "mil", 0)


@lib.claim("a path degrades by 80 ms: the choice moves to what is fastest then, and only there")
def a_path_degrades():
    say("\n5. The way from Paris to Frankfurt becomes 80 ms slower.\n")
    lab.delay("par", "fra", DELAYS["par"]["fra"] + 40)
    begun = time.monotonic()
    best = lab.fastest()
    assert best["par"] == "lon", best
    lab.wait("Paris goes elsewhere", lambda: lab.dig("par") == "lon", 30)
    say("   (noticed after %.0f s)" % (time.monotonic() - begun))
    lab.wait("... and only Paris", lambda: all(lab.dig(c) == best[c] for c in CLIENTS), 20)
    lab.table()


@lib.claim("an edge's agent dies: what it measured fades, and the choice no longer rests on it")
def an_agent_dies():
    say("\n6. London's agent dies. Nobody measures Lisbon from there any more; what was measured fades, by half every %d s.\n" % HALF_LIFE_S)
    lab.agents["lon"].kill()
    lab.gone = (lab.agents["lon"],)
    begun = time.monotonic()
    lab.wait("Lisbon leaves London", lambda: lab.dig("lis") != "lon", 60)
    say("   (Lisbon left London after %.0f s)" % (time.monotonic() - begun))
    lab.table()
    say("\n" + "\n".join("      " + line for line in lab.ctl("explain", "www.lab.test", "--client", v4("lis")).split("\n")[:16]))


@lib.claim("agents stop cleanly after a last report, and nothing was refused")
def they_stop():
    for e in EDGES:
        if e != "lon":
            lab.processes.remove(lab.agents[e])
            # ip netns exec and setpriv become the agent: the signal is its own.
            lab.agents[e].terminate()
            lib.same(lab.agents[e].wait(10 * lib.SLOW), 0, "%s: %s" % (e, lab.log("agent-" + e)))
            assert "Sanitizer" not in lab.log("agent-" + e), lab.log("agent-" + e)
    status = json.loads(lab.ctl("status", "--json"))
    say("\n7. What the nameserver counted: " + ", ".join("%s %d" % (k[6:], status[k]) for k in status if k.startswith("agent_")))
    assert status["agent_reports"] > 40 and status["agent_targets"] >= 2 * len(CLIENTS), status
    for refused in ("forged", "replayed", "oversized", "malformed"):
        lib.same(status["agent_" + refused], 0, refused)
    assert "Sanitizer" not in lab.log("waymarkd"), lab.log("waymarkd")


def main():
    try:
        enter()
    except lib.Skip as why:
        print("skipped: the laboratory: %s\nlab: 0 passed, 0 failed, 1 skipped" % why)
        return
    sys.argv = sys.argv[:1]
    try:
        lib.run("lab")
    finally:
        lab.stop()


main()
