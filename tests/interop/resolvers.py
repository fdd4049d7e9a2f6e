#!/usr/bin/python3
"""resolvers - real resolvers and balancers in front of pools by geography: random clients get through each cache what they get from us, and no
client another one's edge.

unbound with subnetcache, pdns_recursor and dnsdist, and dnsdist before the other two, pass their clients' subnets on: as clients send
them, and of clients who are known by their addresses (PROXY protocol). named and kresd pass none on: whatever their clients send,
they get what is right where the resolver is. Those that are not installed are skipped. --clients N (300); --seed S; --only "unbound kresd".
"""
import argparse
import ipaddress
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *

ask = argparse.ArgumentParser()
ask.add_argument("--clients", type=int, default=300)
ask.add_argument("--seed", type=int, default=int(time.time()))
ask.add_argument("--only", default="")
wanted = ask.parse_args()
sys.argv = sys.argv[:1]
rng = random.Random(wanted.seed)
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
print("seed %d" % wanted.seed)

# ------------------------------------------------------------------ a zone whose answers go by who asks

PLACES = {"ams1": "52.37,4.90", "fra1": "50.11,8.68", "iad1": "38.95,-77.45", "lax1": "34.05,-118.24", "gru1": "-23.55,-46.63", "jnb1": "-26.20,28.05",
          "bom1": "19.08,72.88", "sin1": "1.35,103.82", "nrt1": "35.68,139.69", "syd1": "-33.87,151.21"}
EDGES = "".join("  %s: { at: \"%s\", a: [ 192.0.2.%d ], aaaa: [ \"2001:db8:%x::10\" ] }\n" % (name, at, i, i)
                for i, (name, at) in enumerate(PLACES.items(), 1))
ALL = ", ".join(PLACES)
# Where resolvers ask from that pass no subnet on.
HOMES = {"named": ("127.44.0.0/16", "nrt1"), "kresd": ("127.55.0.0/16", "gru1")}
CONFIG = """
geoip: { city: { file: "%s/geoip/city.mmdb" } }
edges:
%s  cdn1: { at: "48.85,2.35", cname: paris.steered.test }
  cdn2: { at: "40.71,-74.00", cname: newyork.steered.test }
pools:
  web: { edges: [ %s ], default: [ ams1, iad1 ], pin: { net: { %s } } }
  two: { edges: [ %s ], answers: 2, spread: 10ms, default: [ ams1 ] }
  pinned: { edges: [ ams1, iad1, sin1 ], default: [ iad1 ], pin: { country: { JP: iad1, DE: sin1 }, continent: { SA: ams1 } } }
  near: { edges: [ %s ], policy: [ nearest within 20ms, hash ], affinity: client, default: [ fra1 ] }
  cdn: { edges: [ cdn1, cdn2 ], default: [ cdn1 ] }
""" % (TOP, EDGES, ALL, ", ".join("%s: %s" % home for home in HOMES.values()), ALL, ALL)
ZONE = """$TTL 300
@ SOA ns1 hostmaster 7 7200 900 1209600 60
@ NS ns1
@ MX 10 mail
ns1 A 192.0.2.53
mail A 192.0.2.54
mail AAAA 2001:db8::54
paris A 192.0.2.101
paris AAAA 2001:db8::101
newyork A 192.0.2.102
newyork AAAA 2001:db8::102
@ 60 EDGE web
www 60 EDGE web
a.img 60 EDGE two
pinned 60 EDGE pinned
near 60 EDGE near
cdn 60 EDGE cdn
static 60 CNAME www
*.wild 60 EDGE near
"""
NAMES = [("www", "A"), ("", "AAAA"), ("a.img", "A"), ("a.img", "AAAA"), ("pinned", "A"), ("near", "A"), ("cdn", "A"), ("cdn", "AAAA"), ("static", "A"),
         ("x.wild", "A"), ("y.wild", "AAAA"), ("mail", "A"), ("", "MX"), ("nope", "A"), ("www", "TXT"), ("img", "A")]


def full(name):
    return name + ".steered.test" if name else "steered.test"


def clients(n):
    """Nets as resolvers send them: of all the world, some of them neighbours, and of IPv6."""
    nets = [random_net(rng) for _ in range(n // 3)]
    while len(nets) < 2 * n // 3:                           # so near to another that they may share an answer
        near = int(ipaddress.IPv4Network(rng.choice(nets[:n // 3])).network_address) ^ 1 << rng.randrange(8, 21)
        if ipaddress.IPv4Address(near).is_global:
            nets.append("%s/24" % ipaddress.IPv4Address(near))
    while len(nets) < n:
        a, bits = random_net(rng, True).split("/")
        nets.append("%s/%d" % (ipaddress.IPv6Address(int(ipaddress.IPv6Address(a)) | rng.getrandbits(8) << 72), int(bits) + 8))
    return list(dict.fromkeys(nets))


# ------------------------------------------------------------------ who asks

def proxied(net, packet):
    """From an address of that net, by PROXY v2 (UDP)."""
    a = ipaddress.ip_network(net).network_address + 9
    ends = a.packed + (ipaddress.ip_address("127.0.0.1") if a.version == 4 else ipaddress.ip_address("::1")).packed + struct.pack(">HH", 4000, 53)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x12 if a.version == 4 else 0x22]) + struct.pack(">H", len(ends)) + ends + packet


def exchange(s, packet, sent=None):
    for wait in (2, 4, 8):
        s.settimeout(wait * SLOW)
        try:
            s.send(sent or packet)
            while True:
                reply = s.recv(65535)
                if reply[:2] == packet[:2]:
                    return Message(reply)
        except OSError:
            continue
    return None


def said(message):
    """What it says, without how long it holds: that differs from one cache to another."""
    return (message.rcode, *sorted({(owner, kind, value) for owner, kind, _, value in message.answer}))


class Front:
    """Something real in front; `at` is where we are. `proxy`: a client is known by its address, else by the subnet that it sends."""

    def __init__(self, name, at, proxy=False, behind=None):
        self.name, self.at, self.proxy, self.behind = name, at, proxy, behind
        self.path = shutil.which(self.program, path=FOLDERS)
        if not self.path:
            raise Skip("%s is not installed" % self.program)
        self.port = free_port()
        self.dir = tempfile.mkdtemp(prefix="waymark-resolvers.")
        os.chmod(self.dir, 0o755)
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.proc = subprocess.Popen(self.argv(), cwd=self.dir, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", self.port))
        end = time.monotonic() + 30 * SLOW
        while True:
            with contextlib.suppress(OSError):
                self.socket.settimeout(0.5)
                packet = query("mail.steered.test", "A", flags=0x100)
                self.socket.send(proxied("192.0.2.0/24", packet) if proxy else packet)
                if Message(self.socket.recv(4096)).addresses():
                    break
            if self.proc.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError("%s does not answer: %s" % (name, open(self.dir + "/log").read()[-2000:]))
            time.sleep(0.1)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)
        return os.path.join(self.dir, name)

    def ask(self, name, kind, net):
        packet = query(full(name), kind, opt(options=b"" if self.proxy else ecs(net)), flags=0x100)
        return exchange(self.socket, packet, proxied(net, packet) if self.proxy else None)

    def stop(self):
        self.proc.terminate()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.socket.close()
        self.log.close()


class Unbound(Front):
    program = "unbound"

    def argv(self):
        return [self.path, "-d", "-p", "-c", self.write("unbound.conf", """
server:
  interface: 127.0.0.1@%d
  username: "" chroot: "" directory: "%s" pidfile: "" use-syslog: no do-daemonize: no num-threads: 1
  access-control: 0.0.0.0/0 allow access-control: ::/0 allow do-not-query-localhost: no local-zone: "test." nodefault module-config: "subnetcache iterator"
  send-client-subnet: 0.0.0.0/0 send-client-subnet: ::/0 max-ecs-tree-size-ipv4: 10000 max-ecs-tree-size-ipv6: 10000
  rrset-roundrobin: no %s
stub-zone:
  name: steered.test
  stub-addr: %s@53
""" % (self.port, self.dir, "proxy-protocol-port: %d" % self.port if self.proxy else "", self.at))]


class Recursor(Front):
    program = "pdns_recursor"

    def argv(self):
        more = ["--proxy-protocol-from=127.0.0.0/8"] if self.proxy else ["--use-incoming-edns-subnet=yes"]
        return [self.path, "--daemon=no", "--config-dir=" + self.dir, "--socket-dir=" + self.dir, "--local-address=127.0.0.1", "--local-port=%d" % self.port,
                "--dnssec=off", "--hint-file=no", "--forward-zones=steered.test=%s:53" % self.at, "--dont-query=", "--edns-subnet-allow-list=" + self.at,
                "--allow-from=0.0.0.0/0,::/0", "--write-pid=no", "--threads=1", "--security-poll-suffix=", "--loglevel=3", "--setgid=", "--setuid="] + more


class Dnsdist(Front):
    program = "dnsdist"

    def argv(self):
        to = "127.0.0.1:%d" % self.behind.port if self.behind else self.at + ":53"
        return [self.path, "--supervised", "--disable-syslog", "-C", self.write("dnsdist.conf", """
setLocal("127.0.0.1:%d")
setACL({"0.0.0.0/0", "::/0"})
%s
setECSSourcePrefixV4(24)
setECSSourcePrefixV6(56)
newServer({address="%s", useClientSubnet=true}):setUp()
getPool(""):setCache(newPacketCache(100000, {parseECS=true}))
""" % (self.port, "setProxyProtocolACL({\"127.0.0.0/8\"})" if self.proxy else "", to))]


class Named(Front):
    program = "named"

    def argv(self):
        self.write("hints", ". NS a.invalid.\na.invalid. A 127.0.0.1\n")
        return [self.path, "-g", "-n", "1", "-c", self.write("named.conf", """
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; recursion yes; allow-query { any; };
  dnssec-validation no; empty-zones-enable no; query-source address 127.44.0.1; };
controls { };
zone "steered.test" { type static-stub; server-addresses { %s; }; };
zone "." { type hint; file "hints"; };
""" % (self.dir, self.port, self.at))]


class Kresd(Front):
    program = "kresd"

    def argv(self):
        return [self.path, "-n", "-c", self.write("kresd.conf", """
net.listen('127.0.0.1', %d)
net.outgoing_v4('127.55.0.1')
trust_anchors.remove('.')
cache.size = 100 * MB
policy.add(policy.suffix(policy.STUB({'%s@53'}), policy.todnames({'steered.test.'})))
""" % (self.port, self.at)), self.dir]


# ------------------------------------------------------------------ what each gets

AT = "127.%d.%d.%d" % (rng.randrange(100, 255), rng.randrange(256), rng.randrange(1, 255))


class Truth:
    """What we say ourselves, to who sends a subnet, or comes from an address and sends none."""

    def __init__(self, source="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect((AT, 53))
        self.known = {}

    def __call__(self, name, kind, net=None):
        case = name, kind, net
        if case not in self.known:
            got = exchange(self.socket, query(full(name), kind, opt(options=ecs(net) if net else b"")))
            assert got, "no answer of ours: %s %s" % (name, kind)
            self.known[case] = said(got)
        return self.known[case]


def upstream():
    return json.loads(server.ctl("status", "--json")[1])["udp_queries"]


def judge(front, truth, nets, is_seen):
    """Each client asks for all names once, and some of them again; `is_seen`: its net decides, else where the resolver is."""
    cases = [(net, name, kind) for net in nets for name, kind in NAMES]
    rng.shuffle(cases)
    cases += rng.sample(cases, len(cases) // 4)
    before, known, wrong, edges = upstream(), len(truth.known), [], set()
    for net, name, kind in cases:
        got, want = front.ask(name, kind, net), truth(name, kind, net if is_seen else None)
        if got is None or said(got) != want:
            wrong.append((net, name, kind, got and said(got), want))
        elif name == "www" and kind == "A":
            edges.update(got.addresses())
    asked = upstream() - before - (len(truth.known) - known)
    print("  %-24s %d answers, %d wrong, %d edges; %d queries to us" % (front.name, len(cases), len(wrong), len(edges), asked))
    same(wrong[:3], [])
    same(len(edges) >= 8 if is_seen else len(edges) == 1, True, "edges of all: %s" % sorted(edges))
    same(asked < len(cases), True, "%d queries for %d answers: nothing is kept" % (asked, len(cases)))


@contextlib.contextmanager
def front(kind, name, **more):
    if wanted.only and name.split()[0] not in wanted.only.split():
        raise Skip("not asked for")
    it = kind(name, AT, **more)
    try:
        yield it
    finally:
        it.stop()
        shutil.rmtree(it.dir, ignore_errors=True)


@claim("unbound with subnetcache gives each client its edges, by the subnet that it sends and by its address")
def unbound():
    for proxy in (False, True):
        with front(Unbound, "unbound by address" if proxy else "unbound", proxy=proxy) as it:
            judge(it, Truth(), clients(wanted.clients), True)


@claim("so does the PowerDNS Recursor")
def recursor():
    for proxy in (False, True):
        with front(Recursor, "pdns_recursor by address" if proxy else "pdns_recursor", proxy=proxy) as it:
            judge(it, Truth(), clients(wanted.clients), True)


@claim("so does dnsdist")
def dnsdist():
    for proxy in (False, True):
        with front(Dnsdist, "dnsdist by address" if proxy else "dnsdist", proxy=proxy) as it:
            judge(it, Truth(), clients(wanted.clients), True)


def before(kind, name):
    with front(kind, name) as behind, front(Dnsdist, "dnsdist before " + name, proxy=True, behind=behind) as it:
        judge(it, Truth(), clients(wanted.clients), True)


@claim("so does dnsdist before unbound")
def before_unbound():
    before(Unbound, "unbound")


@claim("so does dnsdist before the PowerDNS Recursor")
def before_recursor():
    before(Recursor, "pdns_recursor")


def without(kind, name, source):
    with front(kind, name) as it:
        truth = Truth(source)
        judge(it, truth, clients(wanted.clients), False)
        home = 1 + list(PLACES).index(HOMES[name][1])
        same(truth("www", "A"), (NOERROR, ("www.steered.test.", 1, "192.0.2.%d" % home)))


@claim("named, which passes no subnet on, gives all its clients what is right where it is")
def named():
    without(Named, "named", "127.44.0.1")


@claim("so does kresd")
def kresd():
    without(Kresd, "kresd", "127.55.0.1")


server = Server({"steered.test": ZONE}, config=CONFIG, listen="\"%s:53\"" % AT, start=False)
with server:
    server.start()
    run("resolvers")
