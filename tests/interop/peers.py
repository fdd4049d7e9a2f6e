#!/usr/bin/python3
"""peers - set-ups of other servers that steer, each beside its translation (tests/peers/): gdnsd, Knot and PowerDNS run beside ours
with the same GeoIP file and the same dead hosts, and both are asked by the same clients.

ask.txt of a set-up says what is asked, and which hosts are dead in turn:

    same NAME TYPE [SUBNET ...] the answers are the same sets, for all clients, or these
    among NAME TYPE             ours is one that the other gives this client, too: it draws
    odds NAME TYPE [SUBNET]     both draw by the same odds (chi-square), for one client
    spread NAME TYPE            the same over many clients, each of whom keeps what it got
    client SUBNET               is asked for, too, beside random ones
    down ADDRESS ...            a state; the first is that all are up

Those that are not installed are skipped. cases.yaml says what the answers must be: `waymarkctl test` has all of them right. Everything is
on loopback. --seed S of what is random; words are the set-ups that are wanted.
"""
import argparse
import concurrent.futures
import glob
import http.server
import json
import math
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import mmdb  # noqa: E402
from lib import *  # noqa: E402,F403

ask = argparse.ArgumentParser()
ask.add_argument("--seed", type=int, default=int(time.time()))
ask.add_argument("--imported", action="store_true", help="what waymarkctl import makes of the other's configuration, in the place of the translation")
ask.add_argument("wanted", nargs="*")
OPTS = ask.parse_args()
SEED = OPTS.seed
SET_UPS = os.path.join(TOP, "tests/peers")
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
PATIENCE_S = 30
CLIENTS, DRAWS = 60, 1000


# ------------------------------------------------------------- the world

def place(country, continent, lat, lon, city=None, region=None):
    found = {"country": {"iso_code": country}, "continent": {"code": continent}, "location": {"latitude": lat, "longitude": lon, "accuracy_radius": mmdb.Size(10)}}
    if region:
        found["subdivisions"] = [{"iso_code": region}]
    if city:
        found["city"] = {"names": {"en": city}}
    return found


WORLD = {"20.%d.0.0/16" % i: p for i, p in enumerate((
    place("DE", "EU", 52.52, 13.4, "Berlin", "BE"), place("DE", "EU", 48.14, 11.58, "Munich", "BY"), place("FR", "EU", 48.86, 2.35, "Paris", "IDF"),
    place("GB", "EU", 51.5, -0.12, "London", "ENG"), place("CZ", "EU", 50.08, 14.43, "Prague", "10"),
    place("US", "NA", 40.71, -74.0, "New York", "NY"), place("US", "NA", 36.17, -115.14, "Las Vegas", "NV"),
    place("US", "NA", 37.77, -122.42, "San Francisco", "CA"), place("BR", "SA", -23.55, -46.63, "Sao Paulo", "SP"),
    place("JP", "AS", 35.68, 139.69, "Tokyo", "13"), place("SG", "AS", 1.35, 103.82, "Singapore"),
    place("AU", "OC", -33.87, 151.21, "Sydney", "NSW"), place("ZA", "AF", -26.2, 28.05, "Johannesburg", "GP"),
    place("NO", "EU", 59.91, 10.75, "Oslo", "03"), place("CH", "EU", 47.37, 8.54, "Zurich", "ZH"),
    place("MX", "NA", 19.43, -99.13, "Mexico City", "CMX"), place("IN", "AS", 19.08, 72.88, "Mumbai", "MH"),
    place("KP", "AS", 39.03, 125.75, "Pyongyang")))}
# What pickclosest() looks for: hosts are where the database has their addresses.
HOSTS = {"127.0.2.1/32": place("DE", "EU", 50.1, 8.7), "127.0.2.2/32": place("US", "NA", 38.9, -77.0), "127.0.2.3/32": place("SG", "AS", 1.35, 103.8)}


def a_client(rng):
    """One of 22 is of no place."""
    return "20.%d.%d.0/24" % (rng.randrange(22), rng.randrange(256))


# ------------------------------------------------------------- hosts that live and die

class Hosts:
    """Addresses of loopback that answer TCP at one port, and HTTP at another; `folder`/down/ADDRESS is there while one is dead."""

    def __init__(self, folder, addresses):
        self.folder, self.open = folder, {}
        self.addresses = addresses
        os.makedirs(folder + "/down")
        self.ports = free_port(), free_port()
        self.put(set())

    def put(self, down):
        for a in self.addresses:
            path = "%s/down/%s" % (self.folder, a)
            if a in down:
                open(path, "w").close()
                for s in self.open.pop(a, ()):
                    s.shutdown()
                    s.server_close()
            elif a not in self.open:
                if os.path.exists(path):
                    os.unlink(path)
                self.open[a] = [self.serve(a, port) for port in self.ports]

    def serve(self, address, port):
        server = http.server.ThreadingHTTPServer((address, port), Says)
        server.daemon_threads, server.handle_error = True, lambda *why: None         # probes hang up without a word
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def close(self):
        self.put(set(self.addresses))


class Says(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"healthy")

    def log_message(self, *words):
        pass


# ------------------------------------------------------------- servers

class Peer(Server):
    """Something that answers at self.port; `configure` returns its command line."""

    def __init__(self, folder):
        self.dir, self.port, self.proc = folder, free_port(), None

    def start(self):
        program, *words = self.configure()
        path = shutil.which(program, path=FOLDERS)
        if not path:
            raise Skip("%s is not installed" % program)
        with open(self.dir + "/peer.log", "w") as log:
            self.proc = subprocess.Popen([path] + words, cwd=self.dir, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S * SLOW
        while not self.answers():
            if self.proc.poll() is not None and re.search(r"Unable to load module|invalid item", self.said()):
                raise Skip("%s is installed without its module" % program)
            if self.proc.poll() is not None or time.monotonic() > end:
                raise AssertionError("%s does not answer: %s" % (program, self.said()))
            time.sleep(0.05)

    def answers(self):
        packet = query("example.com", "SOA")
        reply = self.exchange(packet, 0.3)
        return reply is not None and Message(reply).rcode == NOERROR

    def said(self):
        with open(self.dir + "/peer.log", errors="replace") as f:
            return f.read()[-3000:]

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()


class Gdnsd(Peer):
    knows = "gdnsd.config"

    def configure(self):
        for name in ("etc/zones", "etc/geoip", "run", "state"):
            os.makedirs(os.path.join(self.dir, name))
        shutil.copy(self.dir + "/world.mmdb", self.dir + "/etc/geoip/world.mmdb")
        shutil.copy(self.dir + "/gdnsd.zone", self.dir + "/etc/zones/example.com")
        with open(self.dir + "/gdnsd.config") as f:
            text = f.read()
        self.write("etc/config", 'options => { listen => 127.0.0.1:%d, udp_threads => 1, tcp_threads => 1, run_dir => "%s/run", state_dir => "%s/state" }\n%s' % (
            self.port, self.dir, self.dir, text))
        return ["gdnsd", "-c", self.dir + "/etc", "start"]


class Knot(Peer):
    knows = "knot.conf"

    def configure(self):
        os.mkdir(self.dir + "/knot")
        with open(self.dir + "/knot.conf") as f:
            text = f.read()
        module = re.search(r"id: (\w+)", text).group(1)
        self.write("whole.conf", """server:
  listen: 127.0.0.1@%d
  rundir: "%s/knot"
  edns-client-subnet: on
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "%s/knot"
%szone:
  - domain: example.com
    file: "%s/knot.zone"
    module: mod-geoip/%s
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
""" % (self.port, self.dir, self.dir, text, self.dir, module))
        return ["knotd", "-c", self.dir + "/whole.conf"]


class Pdns(Peer):
    common = ["--daemon=no", "--guardian=no", "--local-address=127.0.0.1", "--edns-subnet-processing=yes", "--cache-ttl=0", "--query-cache-ttl=0", "--negquery-cache-ttl=0",
              "--zone-cache-refresh-interval=0", "--disable-syslog=yes", "--loglevel=3", "--webserver=no", "--receiver-threads=1", "--distributor-threads=1", "--consistent-backends=yes"]

    def command(self, *words):
        self.write("pdns.conf", "")
        return ["pdns_server", "--config-dir=" + self.dir, "--socket-dir=" + self.dir, "--local-port=%d" % self.port,
                "--geoip-database-files=mmdb:%s/world.mmdb" % self.dir] + self.common + list(words)


class PdnsGeoip(Pdns):
    knows = "pdns.yaml"

    def configure(self):
        return self.command("--launch=geoip", "--geoip-zones-file=%s/pdns.yaml" % self.dir)


class PdnsLua(Pdns):
    knows = "pdns.zone"

    def configure(self):
        self.write("empty.yaml", "domains: []\n")
        self.write("named.conf", 'zone "example.com" { type master; file "%s/pdns.zone"; };\n' % self.dir)
        return self.command("--launch=bind,geoip", "--geoip-zones-file=%s/empty.yaml" % self.dir, "--bind-config=%s/named.conf" % self.dir, "--enable-lua-records=yes",
                            "--lua-health-checks-interval=1")


class Ours(Server):
    """Of the set-up in this folder."""

    def __init__(self, folder):
        self.dir, self.conf, self.proc, self.port = folder, folder + "/waymark.yaml", None, free_port()
        with open(self.conf) as f:
            text = f.read().replace("127.0.0.1:5300\" ]", "127.0.0.1:%d\" ]%s" % (self.port, ", user: root" if os.getuid() == 0 else ""))
        self.write("waymark.yaml", text + "control: { socket: control.sock }\n")

    def probed(self):
        return {t["address"] for e in json.loads(self.ctl("edges", "--json")[1]) for t in e.get("targets", [])}

    def down(self):
        """The addresses that probes, or rather their lack, have down."""
        edges = json.loads(self.ctl("edges", "--json")[1])
        return {t["address"] for e in edges for t in e.get("targets", []) if t["state"] != "up"}

    def __exit__(self, *why):
        self.stop()


# ------------------------------------------------------------- answers

def answer(server, name, qtype, subnet):
    """What stands at the name: the first RRset, as a set."""
    reply = server.steer(name + ".example.com", subnet, qtype)
    owner = name + ".example.com."
    return reply.rcode, frozenset((kind, data) for who, kind, _, data in reply.answer if who == owner)


def chi_square(a, b):
    """How far two samples are apart, in deviations of what chance does: over 6 it does not happen."""
    rows = [k for k in set(a) | set(b)]
    n, m = sum(a.values()), sum(b.values())
    if len(rows) < 2:
        return 0
    x = sum((math.sqrt(m / n) * a.get(k, 0) - math.sqrt(n / m) * b.get(k, 0)) ** 2 / (a.get(k, 0) + b.get(k, 0)) for k in rows)
    return (x - (len(rows) - 1)) / math.sqrt(2 * (len(rows) - 1))


def count(server, name, qtype, clients):
    n = {}
    for subnet in clients:
        got = answer(server, name, qtype, subnet)
        n[got] = n.get(got, 0) + 1
    return n


def differ(ours, peer, asked, clients, rng):
    """What is not as the other has it; nothing, when all is."""
    kind, name, qtype = asked[:3]
    if kind in ("odds", "spread"):
        whose = [asked[3] if len(asked) > 3 else "20.0.1.0/24"] * DRAWS if kind == "odds" else [a_client(rng) for _ in range(DRAWS)]
        mine, theirs = count(ours, name, qtype, whose), count(peer, name, qtype, whose)
        if set(mine) != set(theirs) or chi_square(mine, theirs) > 8:
            return "%s %s: ours %s, theirs %s" % (name, qtype, mine, theirs)
        return None
    for subnet in asked[3:] or clients:
        mine, theirs = answer(ours, name, qtype, subnet), {answer(peer, name, qtype, subnet)}
        for _ in range(60 if kind == "among" else 0):
            if mine not in theirs:
                theirs.add(answer(peer, name, qtype, subnet))
        if mine not in theirs:
            return "%s %s for %s: ours %s, theirs %s" % (name, qtype, subnet, mine, theirs)
    return None


def hold(ours, peer, lines, down, rng):
    """Both with these hosts dead."""
    end = time.monotonic() + PATIENCE_S * SLOW
    while True:
        if ours.down() == down & ours.probed():
            clients = [l[1] for l in lines if l[0] == "client"] + [a_client(rng) for _ in range(CLIENTS)] if lines else []
            wrong = [w for l in lines if l[0] in ("same", "among", "odds", "spread") for w in [differ(ours, peer, l, clients, rng)] if w]
            if not wrong:
                return
        else:
            wrong = ["ours has down %s" % ours.down()]
        if time.monotonic() > end:
            raise AssertionError("with %s dead: %s\n%s" % (sorted(down) or "nothing", "; ".join(wrong), peer.said()))
        time.sleep(0.2)


# ------------------------------------------------------------- one set-up

def read_ask(folder):
    path = folder + "/ask.txt"
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [l.split() for l in f if l.strip() and not l.startswith("#")]


def prepare(name):
    """A folder of its own, in which the files name it, and ports that are free."""
    folder = tempfile.mkdtemp(prefix="waymark-peer.")
    os.chmod(folder, 0o755)
    lines = read_ask(os.path.join(SET_UPS, name))
    hosts = Hosts(folder, sorted({a for l in lines if l[0] == "down" for a in l[1:]} | {"127.0.1.%d" % i for i in range(1, 9)}))
    for path in glob.glob(os.path.join(SET_UPS, name, "*")):
        with open(path) as f:
            text = f.read().replace("@DIR@", folder).replace("5301", str(hosts.ports[0])).replace("5302", str(hosts.ports[1]))
        with open(os.path.join(folder, os.path.basename(path)), "w") as f:
            f.write(text)
    mmdb.write(folder + "/world.mmdb", {**WORLD, **HOSTS}, kind="GeoIP2-City")
    return folder, lines, hosts


def imported(folder, kind):
    """What waymarkctl import makes of it, in the place of the translation by hand."""
    words = {Gdnsd: ["gdnsd", folder + "/etc"], Knot: ["knot", folder + "/whole.conf"], PdnsGeoip: ["powerdns", folder + "/all.conf", folder + "/pdns.yaml"],
             PdnsLua: ["powerdns", folder + "/all.conf", folder + "/lua/example.com.zone"]}[kind]
    if kind is PdnsLua:
        os.makedirs(folder + "/lua")
        shutil.copy(folder + "/pdns.zone", folder + "/lua/example.com.zone")
    with open(folder + "/all.conf", "w") as f:
        f.write("geoip-database-files=mmdb:%s/world.mmdb\n" % folder)
    done = subprocess.run([WAYMARKCTL, "import"] + words + ["--to", folder + "/imported", "--city", folder + "/world.mmdb"], capture_output=True, text=True, timeout=60)
    same(done.returncode, 0, done.stdout + done.stderr)
    shutil.move(folder + "/imported/zones", folder + "/zones")
    with open(folder + "/imported/waymark.yaml") as f:
        text = re.sub(r"server:\n(  .*\n)+", 'server: { listen: [ "127.0.0.1:5300" ] }\n', f.read())
    with open(folder + "/waymark.yaml", "w") as f:
        f.write(re.sub(r"control:\n(  .*\n)+", "", text))


def set_up(name):
    rng = random.Random(SEED)
    folder, lines, hosts = prepare(name)
    try:
        done = subprocess.run([WAYMARKCTL, "test", folder + "/cases.yaml"], capture_output=True, text=True, timeout=60)
        same((done.returncode, " 0 wrong" in done.stdout), (0, True), done.stdout + done.stderr)
        kind = [k for k in (Gdnsd, Knot, PdnsGeoip, PdnsLua) if os.path.exists(os.path.join(folder, k.knows))]
        if not kind:
            return
        peer = kind[0](folder)
        try:
            peer.start()
            if OPTS.imported:
                imported(folder, kind[0])
            with Ours(folder) as ours:
                ours.start()
                for down in [set()] + [set(l[1:]) for l in lines if l[0] == "down"]:
                    hosts.put(down)
                    hold(ours, peer, lines, down, rng)
        finally:
            peer.stop()
    finally:
        hosts.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    sys.argv = sys.argv[:1]
    print("seed %d" % SEED)
    names = [os.path.basename(os.path.dirname(path)) for path in sorted(glob.glob(SET_UPS + "/*/cases.yaml"))]
    # They wait for probes most of the time, and so several at once do.
    with concurrent.futures.ThreadPoolExecutor(6) as side:
        for name in names:
            if not OPTS.wanted or any(w in name for w in OPTS.wanted):
                claim("%s answers as its translation does" % name)(side.submit(set_up, name).result)
        run("peers")


main()
