"""probing - ten thousand addresses that are probed, and a thousand pools that are ranked: how changes.py has a server with them, and what
they cost it."""
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from lib import free_port
from change_servers import FOLDERS, ZONE, Waymark, before_others

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERY_S, TIMEOUT_S, FALL = 5, 2, 3


class Targets:
    """One nginx with TLS, at all addresses of loopback."""

    def __init__(self, folder):
        self.dir, self.port = tempfile.mkdtemp(dir=folder), free_port()
        os.chmod(self.dir, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                        "-days", "30", "-subj", "/CN=edge.test"], cwd=self.dir, check=True, capture_output=True)
        with open(self.dir + "/nginx.conf", "w") as f:
            f.write("daemon off; pid pid; worker_processes 1;\nevents { worker_connections 19000; }\nhttp { access_log off; keepalive_timeout 1h; "
                    "keepalive_requests 1000000000; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;\n"
                    "server { listen 0.0.0.0:%d ssl backlog=4096; ssl_certificate cert.pem; ssl_certificate_key key.pem; location / { return 200 fine; } } }\n" % self.port)
        nginx = shutil.which("nginx", path=FOLDERS)
        if not nginx:
            raise RuntimeError("nginx is missing")
        self.proc = subprocess.Popen([nginx, "-p", self.dir, "-c", "nginx.conf", "-e", "errors"], stderr=subprocess.DEVNULL, cwd=self.dir, start_new_session=True,
                                     preexec_fn=before_others(1))

    def hang(self):
        """From now on it takes connections, and says nothing."""
        os.killpg(self.proc.pid, signal.SIGSTOP)

    def stop(self):
        os.killpg(self.proc.pid, signal.SIGKILL)
        self.proc.wait()


class WaymarkProbing(Waymark):
    """A thousand edges of so many addresses in all, in pools of 20, each address probed by HTTPS each 5 s."""

    def __init__(self, folder, n, port, more):
        super().__init__(folder, None)
        self.n, self.target_port, self.more, self.first = n, port, more, before_others(0)

    def configure(self):
        n_edges = max(self.n // 10, 20)
        has = [[] for _ in range(n_edges)]
        for i in range(self.n):
            has[i % n_edges].append("127.%d.%d.%d" % (1 + i // 62500, i // 250 % 250, i % 250 + 1))
        self.write("zone", "$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n" + "".join("p%d 60 EDGE p%d\n" % (i, i) for i in range(n_edges // 20)))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nzones: [ { name: %s, file: zone } ]\n"
                   "probes: { p: { kind: https, host: edge.test, port: %d, verify: off, every: %ds, timeout: %ds, fall: %d, %s } }\nedges:\n%spools:\n%s" % (
                       self.port, ", user: root" if os.getuid() == 0 else "", ZONE, self.target_port, EVERY_S, TIMEOUT_S, FALL, self.more,
                       "".join("  e%d: { a: [ %s ] }\n" % (i, ", ".join(a)) for i, a in enumerate(has)),
                       "".join("  p%d: { probe: p, policy: round-robin, edges: [ %s ] }\n" % (
                           i, ", ".join("e%d" % e for e in range(i * 20, i * 20 + 20))) for i in range(n_edges // 20))))

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def wait_targets(self, state, patience_s):
        """Until all addresses are up, or down."""
        end = time.monotonic() + patience_s
        while True:
            left = sum(not t["known"] or t["state"] != state for e in json.loads(self.ctl("edges", "--json")) for t in e["targets"])
            if not left:
                return
            if time.monotonic() > end:
                raise RuntimeError("%d addresses are not %s after %d s" % (left, state, patience_s))
            time.sleep(0.2)


def probes_cost(folder, n, more, seconds):
    """Share of a processor, and processor time a probe, when all have been up for two rounds."""
    t = Targets(folder)
    s = WaymarkProbing(folder, n, t.port, more)
    try:
        s.start()
        s.wait("p0." + ZONE, "A")
        s.wait_targets("up", 300)
        time.sleep(2 * EVERY_S)
        before, spent, begin = s.status(), s.processor_s(), time.monotonic()
        time.sleep(seconds)
        after, spent, took = s.status(), s.processor_s() - spent, time.monotonic() - begin
        if after["probes_failed"] != before["probes_failed"]:
            raise RuntimeError("%d probes fail" % (after["probes_failed"] - before["probes_failed"]))
        made = after["probes"] - before["probes"]
        return "%.1f %% of a processor at %d probes a second, %.0f us each" % (100 * spent / took, made / took, 1e6 * spent / max(made, 1))
    finally:
        s.stop()
        t.stop()


def hanging_found(folder, n):
    """Seconds from when all hang until all are down."""
    t = Targets(folder)
    s = WaymarkProbing(folder, n, t.port, "keep-alive: on")
    try:
        s.start()
        s.wait("p0." + ZONE, "A")
        s.wait_targets("up", 300)
        time.sleep(2 * EVERY_S)
        before, begin, spent = s.status()["probes_failed"], time.monotonic(), s.processor_s()
        t.hang()
        while s.status()["probes_failed"] < before + n * FALL:              # asking for each address would take some of their time
            if time.monotonic() > begin + 300:
                raise RuntimeError("probes do not fail")
            time.sleep(0.1)
        took, spent = time.monotonic() - begin, s.processor_s() - spent
        s.wait_targets("down", 2)
        return "%.1f s, by every, timeout and fall at most %d (processor %.1f s)" % (took, EVERY_S * FALL + TIMEOUT_S, spent)
    finally:
        s.stop()
        t.stop()


class WaymarkRanking(Waymark):
    """A thousand pools, each of 20 of 200 edges with capacity, in 100 sets; 2,000 measured networks."""
    n_pools, n_sets, n_edges, n_each, n_measured = 1000, 100, 200, 20, 2000

    def configure(self):
        draw = random.Random(1)
        sets = [draw.sample(range(self.n_edges), self.n_each) for _ in range(self.n_sets)]
        self.write("zone", "$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n" + "".join("p%d 60 EDGE p%d\n" % (i, i) for i in range(self.n_pools)))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nzones: [ { name: %s, file: zone } ]\n"
                   "geoip: { city: { file: %s/geoip/city.mmdb } }\nlatency: { files: [ measured.csv ] }\n"
                   "probes: { p: { kind: external, file: told, expires: never } }\nedges:\n%spools:\n%s" % (
                       self.port, ", user: root" if os.getuid() == 0 else "", ZONE, TOP,
                       "".join("  e%d: { at: \"%.2f,%.2f\", a: [ 198.51.100.%d ], capacity: 1000 }\n" % (
                           i, draw.uniform(-45, 60), draw.uniform(-170, 170), i + 1) for i in range(self.n_edges)),
                       "".join("  p%d: { probe: p, edges: [ %s ] }\n" % (
                           i, ", ".join("e%d" % e for e in sets[i % self.n_sets])) for i in range(self.n_pools))))
        self.write("told", "".join("e%d up\n" % i for i in range(self.n_edges)))
        self.measure_all(draw)

    def measure_all(self, draw):
        self.measure("measured.csv", draw, self.n_measured)

    def measure(self, name, draw, n):
        self.write(name, "prefix,edge,rtt_ms,samples,age_s\n" + "".join("%d.%d.%d.0/24,e%d,%.1f,3,0\n" % (
            draw.randrange(1, 223), draw.randrange(256), draw.randrange(256), draw.randrange(self.n_edges), draw.uniform(150, 300)) for _ in range(n)))

    def rebuilt(self):
        return json.loads(self.ctl("latency", "show", "--json"))


class WaymarkMillion(WaymarkRanking):
    """One pool of 64 edges; a million networks (IPv4 /24) that three edges have measured each."""
    n_pools, n_sets, n_edges, n_each, n_measured, n_times = 1, 1, 64, 64, 1000000, 3

    def measure_all(self, draw):
        with open(self.dir + "/measured.csv", "w") as f:
            f.write("prefix,edge,rtt_ms,samples,age_s\n")
            for i in range(self.n_measured):
                net = 65536 + i * 14                         # distinct, up to 214.255.255.0
                for e in draw.sample(range(self.n_edges), self.n_times):
                    f.write("%d.%d.%d.0/24,e%d,%.1f,3,0\n" % (net >> 16, net >> 8 & 255, net & 255, e, draw.uniform(150, 300)))


def million_cost(folder):
    """From the start, reading and ranking, to the first answer; and the middle of three rounds with 100 new networks."""
    s = WaymarkMillion(folder, None)
    return rankings_cost(folder, 3, s=s, told=lambda: "%d networks, %d times; %.1f s from the start until it answers, processor %.1f s, at most %.0f MiB; a round: " % (
        s.rebuilt()["networks"], s.rebuilt()["cells"], s.began_s, s.processor_s(), s.peak_mib()))


def rankings_cost(folder, rounds=5, s=None, told=lambda: ""):
    """The middle time of a round with 100 new networks."""
    s, draw = s or WaymarkRanking(folder, None), random.Random(2)
    s.first = before_others(0)
    try:
        begun = time.monotonic()
        s.start()
        s.wait("p0." + ZONE, "A")
        s.began_s = time.monotonic() - begun
        words, took = told(), []
        for _ in range(rounds):
            before, spent = s.rebuilt()["rebuilt"], s.processor_s()
            s.measure("more.csv", draw, 100)
            s.ctl("latency", "import", s.dir + "/more.csv")
            end = time.monotonic() + 120
            while s.rebuilt()["rebuilt"] == before:
                if time.monotonic() > end:
                    raise RuntimeError("the rankings are not made again")
                time.sleep(0.1)
            took.append((s.rebuilt()["rebuilt_ms"] / 1e3, s.processor_s() - spent))
        took.sort()
        return words + "%.2f s (processor %.2f)" % took[rounds // 2]
    finally:
        s.stop()
