#!/usr/bin/python3
"""xdp - what comes past the kernel's network stack (AF_XDP), in network namespaces of its own: answered as by sockets, byte for byte.

    xdp.py [--queries 2000] [--seed 1] [--soak SECONDS] [CLAIM]

A veth pair leads from "us", where the server runs, to "client". Port 53 is taken at the interface, port 54 has ordinary sockets alone: the same
packets go to both. Frames are also made by hand. Nothing touches the machine's own network; wants root, and is skipped elsewhere.
"""
import argparse
import ctypes
import json
import mmap
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from edges import Web, json_of, until
from lib import *

V4, V6, CLIENT4, CLIENT6 = "10.77.0.1", "fd00:77::1", "10.77.0.2", "fd00:77::2"
BY_XDP, BY_SOCKET = 53, 54
CLONE_NEWNET, SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 0x40000000, 263, 8, 1 << 4
libc = ctypes.CDLL(None, use_errno=True)

ZONE = APEX + """www 60 IN EDGE web
*.any 60 IN EDGE web
host A 192.0.2.10
host AAAA 2001:db8::10
alias CNAME host
many A 192.0.2.1
mail MX 10 host
large TXT "%s" "%s" "%s" "%s"
*.wild TXT "wild"
sub NS ns1.sub
ns1.sub A 192.0.2.99
""" % (("0123456789" * 24,) * 4)
EDGES = {"ams1": ("52.37,4.90", "192.0.2.10", "2001:db8:1::10"), "iad1": ("38.95,-77.45", "192.0.2.30", "2001:db8:1::30"),
         "sin1": ("1.35,103.82", "192.0.2.80", "2001:db8:1::80")}


def config(web):
    return """geoip: { city: { file: %s/geoip/city.mmdb } }
store: { file: store.db }
probes: { web: { kind: http, port: %d, every: 200ms, timeout: 150ms, rise: 1, fall: 1 } }
edges: { %s }
pools: { web: { edges: [ ams1, iad1, sin1 ], default: [ iad1 ], probe: web } }
""" % (TOP, web, ", ".join('%s: { at: "%s", a: [ %s ], aaaa: [ %s ] }' % ((e,) + w) for e, w in EDGES.items()))


ZONES = ("[ { name: example.com, file: zones/example.com.zone }, { name: signed.test, file: zones/signed.test.zone, dnssec: auto }, "
         "{ name: nsec3.test, file: zones/nsec3.test.zone, dnssec: three } ]")


# ------------------------------------------------------------------ namespaces

def sh(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise AssertionError("%s: %s" % (" ".join(words), done.stderr or done.stdout))
    return done.stdout


def enter():
    """Once more in namespaces of our own."""
    if os.environ.get("WAYMARK_XDP") == "inside":
        return
    if os.geteuid() != 0:
        raise Skip("wants root")
    said = subprocess.run([WAYMARKCTL, "-c", "/dev/stdin", "check"], input="server: { listen: [ \"xdp:lo\" ] }\nzones: []\n", capture_output=True, text=True)
    if "built without" in said.stdout + said.stderr:
        raise Skip("built without AF_XDP")
    probe = subprocess.run(["unshare", "--mount", "--net", "sh", "-c", "mount -t tmpfs x /run && ip link add v0 type veth peer name v1"], capture_output=True, text=True)
    if probe.returncode:
        raise Skip("no namespaces, or no veth, here: " + (probe.stderr.strip().split("\n") or ["refused"])[-1])
    attr = struct.pack("=IIII", 2, 4, 4, 1) + bytes(112)       # BPF_MAP_CREATE: an array of one
    ctypes.set_errno(0)
    fd = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long({"x86_64": 321, "aarch64": 280}.get(os.uname().machine, -1)), ctypes.c_int(0),
                                                   attr, ctypes.c_uint(len(attr)))
    if fd < 0:
        raise Skip("the kernel takes no programs from us here: " + os.strerror(ctypes.get_errno()))
    os.close(fd)
    os.environ["WAYMARK_XDP"] = "inside"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable] + sys.argv)


def build():
    sh("mount", "-t", "tmpfs", "x", "/run")
    sh("ip", "netns", "add", "client")
    connect()
    sh("ip", "link", "set", "lo", "up")
    for e in EDGES.values():                                # where they are probed
        sh("ip", "addr", "add", e[1] + "/32", "dev", "lo")


def connect():
    sh("ip", "link", "add", "us", "numrxqueues", "2", "numtxqueues", "2", "address", "02:00:00:00:00:01", "type", "veth",
       "peer", "name", "them", "numrxqueues", "2", "numtxqueues", "2", "address", "02:00:00:00:00:02", "netns", "client")
    for where, name, four, six in ((["ip"], "us", V4, V6), (["ip", "-n", "client"], "them", CLIENT4, CLIENT6)):
        sh(*where, "addr", "add", four + "/24", "dev", name)
        sh(*where, "addr", "add", six + "/64", "dev", name, "nodad")
        sh(*where, "link", "set", name, "up")


class Client:
    """What is opened meanwhile is the client's."""

    def __enter__(self):
        self.own = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/client", os.O_RDONLY)
        assert libc.setns(there, CLONE_NEWNET) == 0
        os.close(there)

    def __exit__(self, *why):
        assert libc.setns(self.own, CLONE_NEWNET) == 0
        os.close(self.own)


def udp_to(host, port):
    with Client():
        s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.connect((host, port))
    return s


def raw():
    """Frames of the client's interface, all that come in."""
    with Client():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind(("them", 0))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return s


# ------------------------------------------------------------------ questions

def in_case(rng, name):
    """As resolvers ask that draw the case of each letter by lot."""
    return "".join(c.upper() if rng.random() < 0.5 else c for c in name) if rng.random() < 0.3 else name


def random_query(rng, ident):
    kind = rng.random()
    name = rng.choice(["www", "x%d.any" % rng.randrange(50), "host", "HoSt", "alias", "many", "y" * rng.randrange(1, 46) + ".any", "mail", "large", "a.b.wild", "sub", "deep.sub", "no%d" % rng.randrange(99), "ns1", ""])
    zone = rng.choice(["example.com", "signed.test", "nsec3.test", "example.com", "elsewhere.test"])
    options = b""
    if rng.random() < 0.5:
        options += ecs(random_net(rng, rng.random() < 0.2))
    if rng.random() < 0.1:
        options += option(3)
    if rng.random() < 0.1:
        options += option(12, bytes(rng.randrange(20)))
    edns = opt(rng.choice([512, 1232, 4096, 600]), rng.choice([0, 0, 0, 0, 1]), rng.choice([0, DO]), options) if rng.random() < 0.8 else None
    packet = query(in_case(rng, (name + "." if name else "") + zone), rng.choice(["A", "A", "AAAA", "TXT", "MX", "SOA", "NS", "HTTPS", "ANY", "DNSKEY", "CNAME"]), edns,
                   flags=rng.choice([0, 0x100, 0x110, 0x20]), qclass=rng.choice([1] * 20 + [3, 255]), ident=ident)
    if kind < 0.05:
        packet = packet[:rng.randrange(12, len(packet) + 1)]
    elif kind < 0.10:
        at = rng.randrange(12, len(packet))
        packet = packet[:at] + bytes([rng.randrange(256)]) + packet[at + 1:]
    elif kind < 0.12:
        packet += bytes(rng.randrange(1, 40))
    return packet


def ask_all(s, packets):
    """The answers by their ids; those that do not come are not there."""
    got = {}
    for p in packets:
        s.send(p)
    end = time.monotonic() + 0.5 * SLOW
    while len(got) < len(packets):
        if not select.select([s], [], [], max(0, end - time.monotonic()))[0]:
            break
        m = s.recv(65535)
        got[m[:2]] = m
    return got


def differences(pairs, packets):
    """Packets whose answers differ, asked again where an edge or a second changed between."""
    left = packets
    for _ in range(10):
        a, b = (ask_all(s, left) for s in pairs)
        left = [p for p in left if a.get(p[:2]) != b.get(p[:2])]
        if not left:
            break
    return [(p.hex(), a.get(p[:2], b"").hex(), b.get(p[:2], b"").hex()) for p in left]


def count():
    status = json_of(server, "status")
    return status["xdp_queries"]


# ------------------------------------------------------------------ frames

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


US, THEM = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def udp_part(source, target, body, port=BY_XDP, sport=5353):
    u = struct.pack(">HHHH", sport, port, 8 + len(body), 0) + body
    sum_ = checksum(source + target + struct.pack(">HH", 17, len(u)) + u) or 0xffff
    return u[:6] + struct.pack(">H", sum_) + u[8:]


def ip4(body, target=V4, options=b"", fragment=0, source=CLIENT4, protocol=17, **more):
    s, t = socket.inet_aton(source), socket.inet_aton(target)
    behind = udp_part(s, t, body, **more)
    head = struct.pack(">BBHHHBBH", 0x40 | (5 + len(options) // 4), 0, 20 + len(options) + len(behind), 1, fragment, 64, protocol, 0) + s + t + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + behind


def ip6(body, target=V6, **more):
    s, t = socket.inet_pton(socket.AF_INET6, CLIENT6), socket.inet_pton(socket.AF_INET6, target)
    behind = udp_part(s, t, body, **more)
    return struct.pack(">IHBB", 6 << 28, len(behind), 17, 64) + s + t + behind


def frame(packet, tags=(), to=US, source=THEM):
    return to + source + b"".join(struct.pack(">HH", *t) for t in tags) + struct.pack(">H", 0x86dd if packet[0] >> 4 == 6 else 0x800) + packet


def receive(s):
    """A frame as it was on the wire: the kernel tells the first tag beside it. None: it is one of ours."""
    got, beside, _, from_ = s.recvmsg(4096, 256)
    if from_[2] == socket.PACKET_OUTGOING:
        return None
    for level, kind, data in beside:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & VLAN_VALID:
                got = got[:12] + struct.pack(">HH", tpid, tci) + got[12:]
    return got


def answered(s, f, ident, seconds=1.0):
    """The frame that comes back with this id, or None."""
    s.send(f)
    end = time.monotonic() + seconds * SLOW
    while select.select([s], [], [], max(0, end - time.monotonic()))[0]:
        got = receive(s)
        if got and got[6:12] == US and struct.pack(">H", ident) in got[42:80] and struct.pack(">H", 5353) in got[34:70]:
            return got
    return None


# ------------------------------------------------------------------ claims

@claim("whatever is asked over UDP, random queries and broken ones, is answered as by a socket, also while edges go up and down and the server reloads")
def as_by_socket():
    rng = random.Random(opts.seed)
    server.stop()
    server.start()
    before = count()
    pairs = [tuple(udp_to(host, port) for port in (BY_XDP, BY_SOCKET)) for host in (V4, V6)]
    asked, wrong = 0, []
    while asked < opts.queries:
        if asked // 64 % 8 == 7:
            web.status = 503 if web.status == 200 else 200
            server.ctl("force", rng.choice(list(EDGES)), rng.choice(["down", "auto"]))
        if asked // 64 % 64 == 63:
            server.ctl("reload")
        packets = [random_query(rng, i) for i in rng.sample(range(65536), 64)]
        wrong += differences(pairs[rng.randrange(2)], packets)
        asked += len(packets)
    web.status = 200
    for e in EDGES:
        server.ctl("force", e, "auto")
    same(wrong[:3], [])
    assert count() - before >= asked * 0.95, (count() - before, asked)
    print("%d queries to each" % asked)


@claim("VLAN tags, one and two, come back as they came; neighbours are those that asked; checksums are right, of IPv4 and of UDP")
def vlans():
    body = query("host.example.com", "A", opt(), ident=0x4f07)
    s = raw()
    for packet in (ip4(body), ip6(body)):
        for tags in ((), ((0x8100, 100),), ((0x88a8, 7), (0x8100, 0x2005))):
            before, got = count(), answered(s, frame(packet, tags), 0x4f07)
            assert got is not None, tags
            same(got[:12], THEM + US)
            link = 14 + 4 * len(tags)
            same(got[12:link], frame(packet, tags)[12:link])
            ip = got[link:]
            if ip[0] >> 4 == 4:
                same(checksum(ip[:20]), 0)
                same(ip[12:20], socket.inet_aton(V4) + socket.inet_aton(CLIENT4))
                pseudo, udp = ip[12:20], ip[20:]
            else:
                pseudo, udp = ip[8:40], ip[40:]
            if count() > before:                            # by AF_XDP: the kernel's own sums of frames on a veth are for the card to fill in
                same(checksum(pseudo + struct.pack(">HH", 17, len(udp)) + udp), 0)
            else:
                raise AssertionError("it came by a socket")
            same(Message(udp[8:]).addresses(), ["192.0.2.10"])


@claim("all else is the kernel's: other ports and addresses, options, fragments, other cards' frames, odd sources, NOTIFY and UPDATE, TCP, what is no query")
def passed():
    def body(ident, flags=0):
        return query("host.example.com", "A", opt(), ident=ident, flags=flags)
    s = raw()
    before = count()
    quiet = [frame(ip4(body(1), target="10.77.0.77")), frame(ip4(body(1)), to=bytes.fromhex("020000000009")), frame(ip4(body(1), fragment=0x2000)),
             frame(ip4(body(1), fragment=5)), frame(ip4(body(1), source="127.0.0.1")), frame(ip4(body(1), source="224.0.0.5")), frame(ip4(body(1), sport=0)),
             frame(ip4(body(1), protocol=6)), frame(ip4(body(1)))[:60], frame(ip4(b"")), frame(ip4(body(1, 0x8000))),
             frame(ip4(body(1)), ((0x8100, 1), (0x8100, 2), (0x8100, 3))), frame(ip4(body(1)), source=bytes.fromhex("030000000002")),
             frame(ip6(body(1), target="fd00:77::77")), frame(ip4(body(1), port=BY_XDP + 1000))]
    for f in quiet:
        s.send(f)
    same(Message(answered(s, frame(ip4(body(0x4f02), options=b"\1\1\1\0")), 0x4f02)[42:]).addresses(), ["192.0.2.10"])
    same(answered(s, frame(ip4(body(0x4f03, 4 << 11))), 0x4f03)[44] >> 3 & 15, 4)
    same(answered(s, frame(ip4(body(0x4f04, 5 << 11))), 0x4f04)[44] >> 3 & 15, 5)
    assert answered(s, frame(ip4(body(0x4f05), port=BY_SOCKET)), 0x4f05)
    same(count(), before)
    with Client():
        t = socket.create_connection((V4, BY_XDP), timeout=10)
    send_tcp(t, body(1))
    same(Message(recv_tcp(t)).addresses(), ["192.0.2.10"])
    assert answered(s, frame(ip4(body(0x4f06))), 0x4f06)
    same(count(), before + 1)


@claim("an answer that is larger than the link takes is cut, with TC")
def mtu():
    sh("ip", "link", "set", "us", "mtu", "1280")
    s = udp_to(V4, BY_XDP)
    packet = query("large.example.com", "TXT", opt(4096))
    def size():
        got = ask_all(s, [packet]).get(packet[:2])
        return got and Message(got)
    until(lambda: size() is not None, 10)
    assert not size().tc
    sh("ip", "link", "set", "us", "mtu", "700")            # IPv6 goes with less than 1280; it is put back below
    until(lambda: size() is not None and size().tc and size().payload == 1232, 10)
    sh("ip", "link", "set", "us", "mtu", "1500")
    sh("ip", "addr", "replace", V6 + "/64", "dev", "us", "nodad")
    until(lambda: size() is not None and not size().tc, 10)


@claim("addresses that come are taken, those that go are not; an interface that goes down and comes up answers again")
def addresses():
    def by(host):
        s, packet = udp_to(host, BY_XDP), query("host.example.com", "A")
        before = count()
        return (len(ask_all(s, [packet])), count() - before)
    sh("ip", "addr", "add", "10.77.0.5/24", "dev", "us")
    until(lambda: by("10.77.0.5") == (1, 1), 10)
    sh("ip", "addr", "del", "10.77.0.5/24", "dev", "us")
    until(lambda: by("10.77.0.5")[1] == 0, 10)
    sh("ip", "link", "set", "us", "down")
    sh("ip", "link", "set", "us", "up")
    sh("ip", "addr", "replace", V6 + "/64", "dev", "us", "nodad")
    until(lambda: by(V4) == (1, 1) and by(V6) == (1, 1), 20)
    assert server.ctl("reload")[0] == 0
    same(by(V4), (1, 1))


def answer_in_kernel():
    done = subprocess.run(["ip", "-n", "client", "link", "set", "dev", "them", "xdp", "obj", BUILD + "/obj/xdp_program.o", "program", "waymark_xdp"],
                          capture_output=True, text=True)
    if done.returncode and "xdp" not in sh("ip", "-n", "client", "link", "show", "them"):
        raise Skip("a veth's other end wants a program, too, and ip(8) has no libbpf: " + done.stderr.strip())
    if "answers: on" not in server.server:
        server.stop()
        server.server += ", xdp: { answers: on }"
        server.configure(zones=ZONES)
        server.start()


@claim("what is asked often is answered in the kernel: as by a socket, while edges and zones change, and never as before a reload that has been told")
def in_kernel():
    answer_in_kernel()
    rng = random.Random(opts.seed)
    few = [query(n + ".example.com", t, e, flags=0x100, ident=i) for i, (n, t, e) in enumerate(
        (n, t, e) for n in ("host", "HoSt", "www", "alias", "no1", "mail", "sub") for t in ("A", "AAAA")
        for e in (None, opt(), opt(flags=DO), opt(options=ecs("83.62.101.0/24")), opt(4096, 0, DO)))]
    pairs = [tuple(udp_to(host, port) for port in (BY_XDP, BY_SOCKET)) for host in (V4, V6)]
    change, wrong = 0, []
    for r in range(max(60, opts.queries // len(few))):
        wrong += differences(pairs[r % 2], few)
        if r % 20 == 19:
            web.status = 503 if web.status == 200 else 200
            change += 1
            server.write("zones/example.com.zone", ZONE.replace("host A 192.0.2.10", "host A 192.0.2.%d" % (100 + change % 100)).replace(" 7 7200", " %d 7200" % (7 + change)))
            code, said = server.ctl("reload")
            same(code, 0, said)
            for s in pairs[0] + pairs[1]:
                got = ask_all(s, few[:3])
                same({tuple(Message(m).addresses()) for m in got.values()}, {("192.0.2.%d" % (100 + change % 100),)})
        time.sleep(0.01)
    web.status = 200
    same(wrong[:3], [])
    until(lambda: json_of(server, "status")["xdp_answers"] > 100, 10)
    status = json_of(server, "status")
    assert status["xdp_held"] > 5 and status["udp_queries"] > status["xdp_queries"] + status["xdp_answers"] > status["xdp_answers"], status
    print("%d answered in the kernel" % status["xdp_answers"])
    server.write("zones/example.com.zone", ZONE)
    assert server.ctl("reload")[0] == 0


def steered_queries(rng, n):
    """Of `n` nets, each by its subnet, and some as a resolver asks that tells none."""
    names = ["www", "wWw", "x1.any", "x2.any", "y" * rng.randrange(1, 46) + ".any", "first", "alias2"]
    return [query(in_case(rng, rng.choice(names) + ".example.com"), rng.choice(["A", "A", "AAAA", "HTTPS"]),
                  rng.choice([opt(options=ecs(random_net(rng))), opt(options=ecs(random_net(rng))), opt(1400, 0, DO, ecs(random_net(rng))), opt(), None]),
                  flags=0x100, ident=i) for i in range(n)]


def answered_with(s, packets):
    return {a for m in ask_all(s, packets).values() for a in Message(m).addresses()}


@claim("at names of pools clients are answered in the kernel, each as by a socket: while edges fail, are forced and drained, while zones and pools change, and never as before a change that has been told")
def steered_in_kernel():
    answer_in_kernel()
    rng = random.Random(opts.seed)
    zone, settings = ZONE + "first 60 IN EDGE first\nalias2 CNAME www\n", server.config
    server.write("zones/example.com.zone", zone)
    server.config = settings.replace("pools: {", "pools: { first: { edges: [ ams1, iad1, sin1 ], policy: ordered, probe: web }, ")
    server.configure(zones=ZONES)
    same(server.ctl("reload")[0], 0)
    packets = steered_queries(rng, 512)
    pairs = [tuple(udp_to(host, port) for port in (BY_XDP, BY_SOCKET)) for host in (V4, V4, V4, V6)]
    at = json_of(server, "status")
    asked, wrong, turn, ttl = 0, [], 0, 60
    while asked < opts.queries * 2:
        for first in range(0, len(packets), 64):
            wrong += differences(pairs[rng.randrange(4)], packets[first:first + 64])
        asked += len(packets)
        turn += 1
        edge = rng.choice(list(EDGES))
        if turn % 2:
            time.sleep(0.05 * SLOW)                          # those that were shown are held then
        if turn % 6 == 1:
            web.status = 503 if web.status == 200 else 200
        elif turn % 6 == 3:
            until(lambda: all(t["state"] == ("up" if web.status == 200 else "down") for e in json_of(server, "edges") for t in e["targets"] if t["address"] == EDGES[e["edge"]][1]), 10)
            how = rng.choice(["down", "drain"])              # what is drained goes bit by bit
            same(server.ctl("force", edge, how)[0], 0)
            got = answered_with(pairs[0][0], packets)
            assert EDGES[edge][1] not in got or how == "drain" or web.status != 200, (edge, got)
            same(wrong[:3], [])
            same(differences(pairs[0], packets[:64]), [])
            same(server.ctl("force", edge, "auto")[0], 0)
        elif turn % 6 == 5:
            had, ttl = ttl, 61 + turn % 100
            server.write("zones/example.com.zone", zone.replace("www 60 IN EDGE web", "www %d IN EDGE %s" % (ttl, rng.choice(["web", "first"]))).replace(
                " 7 7200", " %d 7200" % (7 + turn)))
            same(server.ctl("reload")[0], 0)
            got = ask_all(pairs[0][0], [p for p in packets if b"\3www\7" in p.lower()][:64])
            ttls = {rr[2] for m in got.values() for rr in Message(m).answer}
            assert ttl in ttls and had not in ttls, (had, ttl, ttls)
    web.status = 200
    same(wrong[:3], [])
    until(lambda: in_kernel_since(at) > asked // 20, 10)
    status = json_of(server, "status")
    print("%d of %d answered in the kernel" % (in_kernel_since(at), status["udp_queries"] - at["udp_queries"]))
    server.config = settings
    server.write("zones/example.com.zone", ZONE)
    server.configure(zones=ZONES)
    same(server.ctl("reload")[0], 0)


def in_kernel_since(status):
    return json_of(server, "status")["xdp_answers"] - status["xdp_answers"]


@claim("what is answered in the kernel at names of pools is counted: as queries, by pool and edge, and as answers from pools")
def steered_are_counted():
    answer_in_kernel()
    rng = random.Random(opts.seed)
    packets = [query("www.example.com", "A", opt(options=ecs(random_net(rng))), ident=i) for i in range(64)]
    s = udp_to(V4, BY_XDP)
    until(lambda: len(ask_all(s, packets)) == 64, 20)
    time.sleep(2.5)                                          # what was answered in the kernel is counted once in a second
    before, kernel = json_of(server, "status"), 0
    for _ in range(40):
        same(len(ask_all(s, packets)), 64)
        time.sleep(0.03)
    n = 40 * 64
    until(lambda: json_of(server, "status")["udp_queries"] - before["udp_queries"] == n, 10)
    after = json_of(server, "status")
    same(after["steered"] - before["steered"], n)
    same(after["xdp_answers"] - before["xdp_answers"] + after["xdp_queries"] - before["xdp_queries"], n)
    assert after["xdp_answers"] - before["xdp_answers"] > n // 2, after["xdp_answers"]
    print("%d of %d" % (after["xdp_answers"] - before["xdp_answers"], n))


def fds_of(pid):
    """What the kernel tells of each descriptor of a process, by its number."""
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
            yield int(fd), dict(line.split(":", 1) for line in f if ":" in line)


def held_in_kernel():
    """The table of answers, as the server and the program have it, and the bytes of one."""
    for fd, said in fds_of(server.proc.pid):
        if int(said.get("max_entries", 0)) == 2 * 4096 and int(said["value_size"]) % 128 == 0:
            pid = os.pidfd_open(server.proc.pid)
            here = libc.syscall(ctypes.c_long(438), pid, fd, 0)         # pidfd_getfd
            assert here >= 0, os.strerror(ctypes.get_errno())
            size = int(said["value_size"])
            table = mmap.mmap(here, 2 * 4096 * size)
            os.close(pid)
            os.close(here)
            return table, size
    raise AssertionError("the server has no such table")


@claim("an answer in the kernel that changes while it is given is not sent, and counted")
def broken_off():
    answer_in_kernel()
    packet = query("host.example.com", "A", opt())
    s = udp_to(V4, BY_XDP)
    at = json_of(server, "status")
    until(lambda: ask_all(s, [packet]) and in_kernel_since(at) > 0, 20)
    table, size = held_in_kernel()
    seals = [i for i in range(0, len(table), size) if table[i:i + 4] != bytes(4)]
    before, asked, got = json_of(server, "status")["xdp"][0]["broken_off"], 0, set()
    other = os.fork()
    if not other:                                            # the number of each, which the server changes when it puts another there
        while True:
            for n in range(256):
                for i in seals:
                    table[i + 4] = n
    try:
        end = time.monotonic() + 30 * SLOW
        while len(got) == asked and time.monotonic() < end and asked < 60000:
            more = [query("host.example.com", "A", opt(), ident=asked + i) for i in range(64)]
            got |= set(ask_all(s, more)) & {m[:2] for m in more}
            asked += len(more)
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
    while select.select([s], [], [], 1.0 * SLOW)[0]:
        got.add(s.recv(65535)[:2])                           # what came late, of the last ones
    n = json_of(server, "status")["xdp"][0]["broken_off"] - before
    assert n > 0, (asked, len(got), seals)
    same(asked - len(got), n)
    print("%d of %d" % (n, asked))


RATE = 10000


def lost_outside():
    """Frames that the pair threw away (a veth has room for 256 until its thread runs), and answers for which the client's socket had none."""
    n = 0
    for where, name in (("ip", "us"), ("ip -n client", "them")):
        stats = json.loads(sh(*where.split(), "-s", "-j", "link", "show", name))[0]["stats64"]
        n += sum(stats[way][what] for way in ("rx", "tx") for what in ("dropped", "errors"))
    rows = [line.split() for line in sh("ip", "netns", "exec", "client", "cat", "/proc/net/snmp").splitlines() if line.startswith("Udp:")]
    return n + int(dict(zip(*rows))["RcvbufErrors"])


def lost_here():
    """Queries for which our queue had no room, as a socket's has none at some time, and answers that were not sent."""
    status = json_of(server, "status")
    return sum(x["lost"] for x in status["xdp"]) + status["send_failed"]


def load(seconds, work):
    """So many queries a second while `work` is done again and again; what the client has counted: of these, and of as many that go to ordinary
    sockets at the same time, as a machine that is busy with others loses some of both."""
    path = os.path.join(server.dir, "queries")
    with open(path, "wb") as f:
        for i, m in enumerate(steered_queries(random.Random(opts.seed), 2000)):
            m = m if i % 2 else query("host.example.com", "A", opt(), flags=0x100)
            f.write(struct.pack(">BBH", 0, 1, len(m)) + m)
    procs = [subprocess.Popen(["ip", "netns", "exec", "client", BUILD + "/bench/load", "-d", path, "-s", V4, "-p", str(port), "-t", str(seconds), "-q", str(RATE), "-N"],
                              stdout=subprocess.PIPE, text=True) for port in (BY_XDP, BY_SOCKET)]
    turn = 0
    while procs[0].poll() is None:
        work(turn)
        turn += 1
    said, beside = (json.loads(p.communicate(timeout=60)[0]) for p in procs)
    print("%d turns: %d sent, %d answered, %d lost, %d too late; by sockets %d lost, %d too late" % (
        turn, said["sent"], said["answered"], said["lost"], said["stray"], beside["lost"], beside["stray"]), flush=True)
    return said, turn


@claim("under load nothing is lost while zones are reloaded and edges forced; an interface down and up, and SIGKILL, lose what comes meanwhile and no more")
def under_load():
    if not opts.soak or not os.path.exists(BUILD + "/bench/load"):
        raise Skip("wants --soak SECONDS, and the load of make bench")
    answer_in_kernel()
    web.status = 200

    def changes(turn):
        server.write("zones/example.com.zone", ZONE.replace(" 7 7200", " %d 7200" % (100 + turn)))
        same(server.ctl("reload")[0], 0)
        same(server.ctl("force", rng.choice(list(EDGES)), rng.choice(["down", "auto", "drain"]))[0], 0)
        time.sleep(0.2)

    def down_and_up(turn):
        time.sleep(3)
        sh("ip", "link", "set", "us", "down")
        sh("ip", "link", "set", "us", "up")

    def killed(turn):
        time.sleep(3)
        server.proc.kill()
        server.proc.wait()
        until(is_clean, 10)
        server.start()

    rng = random.Random(opts.seed)
    outside, here = lost_outside(), lost_here()
    said, _ = load(opts.soak / 3, changes)
    outside, here = lost_outside() - outside, lost_here() - here
    print("of these %d by the pair and the client, %d by us" % (outside, here), flush=True)
    same(here, 0)
    assert said["lost"] - said["stray"] <= outside, (said, outside)
    assert in_kernel_since({"xdp_answers": 0}) > said["sent"] // 4
    for work, gone_s in ((down_and_up, 1.0), (killed, 2.0 * SLOW)):
        said, turns = load(opts.soak / 3, work)
        assert said["lost"] <= turns * gone_s * RATE, said
        assert said["answered"] + said["lost"] >= said["sent"] - turns * gone_s * RATE, said
    for e in EDGES:
        server.ctl("force", e, "auto")
    server.write("zones/example.com.zone", ZONE)
    same(server.ctl("reload")[0], 0)


def is_clean():
    return "xdp" not in sh("ip", "link", "show", "us")


@claim("the interface is left clean by a stop and by SIGKILL, and is had again at once; with another program there sockets answer, and status tells")
def clean():
    assert not is_clean()
    server.stop()
    assert is_clean()
    server.start()
    server.proc.kill()
    server.proc.wait()
    until(is_clean, 10)
    server.start()
    assert "xdp:us: 2 queues" in server.said(), server.said()
    twin = Server({"example.net": APEX}, listen='"%s:57", "xdp:us:57"' % V4, start=False)
    with twin:
        twin.start()
        assert "another XDP program is there" in twin.said(), twin.said()
        assert any("xdp:us is not to be had" in a for a in json_of(twin, "status")["alarms"])
        packet = query("ns1.example.net", "A")
        same(len(ask_all(udp_to(V4, 57), [packet])), 1)
    assert not is_clean()


@claim("an interface that is taken away is told, and the server goes on by sockets")
def gone():
    sh("ip", "link", "del", "us")
    until(lambda: any("xdp:us is gone" in a for a in json_of(server, "status")["alarms"]), 10)
    connect()
    packet = query("host.example.com", "A")
    until(lambda: len(ask_all(udp_to(V4, BY_XDP), [packet])) == 1, 10)
    server.stop()
    server.start()
    before = count()
    until(lambda: len(ask_all(udp_to(V4, BY_XDP), [packet])) == 1, 10)
    assert count() > before


parser = argparse.ArgumentParser()
parser.add_argument("--queries", type=int, default=2000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--soak", type=float, default=0, metavar="SECONDS")
parser.add_argument("claims", nargs="*")
opts = parser.parse_args()
try:
    enter()
except Skip as why:
    print("skipped: %s\nxdp: 0 passed, 0 failed, 1 skipped" % why)
    sys.exit(0)
sys.argv[1:] = opts.claims
build()
web = Web("0.0.0.0")
server = Server({"example.com": ZONE, "signed.test": ZONE, "nsec3.test": ZONE}, config(web.port) + "dnssec: { three: { denial: nsec3 } }\n", server="workers: 2",
                listen=", ".join('"%s:%d"' % (h, p) for h in ("0.0.0.0", "[::]") for p in (BY_XDP, BY_SOCKET)) + ', "xdp:us"', start=False)
server.configure(zones=ZONES)
with server:
    server.start()
    run("xdp")
