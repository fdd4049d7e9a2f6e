"""lib - a real waymarkd on a free loopback port, real queries to it, and a small runner of claims.

A test file decorates functions with @claim("a sentence that is true when it passes") and ends with run("topic").
"""
import contextlib
import ipaddress
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
WAYMARKD, WAYMARKCTL = BUILD + "/waymarkd", BUILD + "/waymarkctl"
SLOW = 5 if "san" in os.path.basename(BUILD) else 1         # sanitizer builds take their time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DNAME": 39, "OPT": 41,
         "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51, "NAPTR": 35, "KX": 36, "AFSDB": 18, "RT": 21,
         "SVCB": 64, "HTTPS": 65, "CAA": 257, "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255, "EDGE": 65301}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH, BADVERS, BADCOOKIE = 0, 1, 2, 3, 4, 5, 6, 9, 16, 23
DO = 0x8000


# ------------------------------------------------------------------ claims

class Skip(Exception):
    pass


_claims = []


def claim(sentence):
    def keep(function):
        _claims.append((sentence, function))
        return function
    return keep


class Stillness(threading.Thread):
    """How long this process was not let run: seconds, the longest time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest = 0
        self.start()

    def run(self):
        while True:
            begun = time.monotonic()
            time.sleep(0.02)
            self.longest = max(self.longest, time.monotonic() - begun - 0.02)


def run(topic, by_clock=False):
    """Looks at all claims, or at those that the command line names. `by_clock`: they have times in them that are shorter than a busy
    machine may let a process wait. One that does not hold while this machine stood still says nothing, and is looked at again."""
    passed = failed = skipped = 0
    wanted = sys.argv[1:]
    still = Stillness() if by_clock else None
    for sentence, function in _claims:
        if wanted and function.__name__ not in wanted:
            continue
        for left in (3, 2, 1, 0):
            if still:
                still.longest = 0
            try:
                function()
                passed += 1
            except Skip as why:
                skipped += 1
                print("skipped: %s: %s" % (sentence, why))
            except Exception as e:                          # a claim that does not hold, however it shows
                again = left and still and still.longest > 0.1
                failed += not again
                where = " < ".join("%s line %d" % (os.path.basename(f.filename), f.lineno) for f in traceback.extract_tb(e.__traceback__)[:0:-1])
                print("%s: %s\n    %s: %s: %s" % ("again, the machine stood still for %.1f s" % still.longest if again else "FAILED", sentence, where, type(e).__name__, e))
                if again:
                    continue
            break
        sys.stdout.flush()
    print("%s: %d passed, %d failed%s" % (topic, passed, failed, ", %d skipped" % skipped if skipped else ""))
    sys.exit(1 if failed else 0)


def same(got, want, say=""):
    if got != want:
        raise AssertionError("%s got %r, wanted %r" % (say, got, want))


# ------------------------------------------------------------------ messages

def wire(name):
    labels = [l for l in name.rstrip(".").split(".") if l]
    return b"".join(bytes([len(l)]) + l.encode("latin1") for l in labels) + b"\0"


def opt(payload=1232, version=0, flags=0, options=b""):
    return b"\0" + struct.pack(">HHBBHH", 41, payload, 0, version, flags, len(options)) + options


def ecs(prefix, scope=0):
    """The option for "192.0.2.0/24" or "2001:db8::/32"."""
    addr, bits = prefix.split("/")
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    n = (int(bits) + 7) // 8
    body = struct.pack(">HBB", 2 if ":" in addr else 1, int(bits), scope) + socket.inet_pton(family, addr)[:n]
    return struct.pack(">HH", 8, len(body)) + body


def option(code, body=b""):
    return struct.pack(">HH", code, len(body)) + body


def query(name, qtype, edns=None, flags=0, qclass=1, ident=None):
    """`edns` is an OPT record from opt(), or None."""
    number = TYPES.get(qtype, qtype)
    ident = random.getrandbits(16) if ident is None else ident
    return (struct.pack(">HHHHHH", ident, flags, 1, 0, 0, 1 if edns else 0) + wire(name) + struct.pack(">HH", number, qclass) +
            (edns or b""))


class Message:
    """An answer taken apart. Records are (owner, type, ttl, data), names in lower case but for the question's."""

    def __init__(self, m):
        self.raw = m
        self.id, flags, qd, an, ns, ar = struct.unpack(">HHHHHH", m[:12])
        self.rcode, self.aa, self.tc, self.rd = flags & 15, bool(flags & 0x400), bool(flags & 0x200), bool(flags & 0x100)
        self.ra, self.ad, self.cd, self.opcode = bool(flags & 0x80), bool(flags & 0x20), bool(flags & 0x10), flags >> 11 & 15
        self.z, self.questions = bool(flags & 0x40), qd
        self.question = self.edns = self.subnet = self.payload = None
        self.options = {}
        at = 12
        for _ in range(qd):
            self.question, at = self.name(at, keep=True)
            at += 4
        self.answer, at = self.section(at, an)
        self.authority, at = self.section(at, ns)
        self.additional, at = self.section(at, ar)
        same(at, len(m), "bytes behind the last record:")

    def name(self, at, keep=False):
        labels, end, first = [], None, at
        while self.raw[at]:
            if self.raw[at] >= 0xc0:
                end = end or at + 2
                to = struct.unpack(">H", self.raw[at:at + 2])[0] & 0x3fff
                if to >= first:
                    raise AssertionError("a compression pointer that does not point back")
                at = first = to
                continue
            labels.append(self.raw[at + 1:at + 1 + self.raw[at]].decode("latin1"))
            at += 1 + self.raw[at]
        text = ".".join(labels) + "."
        return (text if keep else text.lower()), end or at + 1

    def section(self, at, n):
        rows = []
        for _ in range(n):
            owner, at = self.name(at)
            kind, klass, ttl, size = struct.unpack(">HHIH", self.raw[at:at + 10])
            at += 10
            if kind == 41:
                self.take_opt(klass, ttl, self.raw[at:at + size])
            else:
                rows.append((owner, kind, ttl, self.data(kind, at, size)))
            at += size
        return rows, at

    def take_opt(self, klass, ttl, body):
        self.edns, self.payload = ttl, klass
        self.rcode |= ttl >> 24 << 4
        while body:
            code, size = struct.unpack(">HH", body[:4])
            self.options[code] = body[4:4 + size]
            if code == 8:
                self.subnet = (struct.unpack(">H", body[4:6])[0], body[6], body[7], body[8:4 + size])
            body = body[4 + size:]

    def data(self, kind, at, size):
        if kind in (2, 5, 12, 39):
            return self.name(at)[0]
        if kind == 15:
            return "%d %s" % (struct.unpack(">H", self.raw[at:at + 2])[0], self.name(at + 2)[0])
        if kind == 6:
            mname, at = self.name(at)
            rname, at = self.name(at)
            return "%s %s %s" % (mname, rname, " ".join(map(str, struct.unpack(">IIIII", self.raw[at:at + 20]))))
        body = self.raw[at:at + size]
        if kind == 1:
            return socket.inet_ntop(socket.AF_INET, body)
        if kind == 28:
            return socket.inet_ntop(socket.AF_INET6, body)
        if kind == 16:
            return body[1:1 + body[0]].decode("latin1")
        return body.hex()

    def addresses(self):
        return [r[3] for r in self.answer if r[1] in (1, 28)]

    @property
    def scope(self):
        return self.subnet and self.subnet[2]


# ------------------------------------------------------------------ the server

_ports = []                                                 # names in the kernel that say which ports are ours, until we end


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1 and ::1, that no other test takes while this one runs, and that no client is given."""
    while True:
        port = random.randrange(10000, 32768)
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.ExitStack() as stack:
            try:
                ours.bind("\0waymark-port-%d" % port)
                for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        s = stack.enter_context(socket.socket(family, kind))
                        s.bind((host, port))
            except OSError:
                ours.close()
                continue
        _ports.append(ours)
        return port


def random_net(rng, v6=False):
    """A prefix as resolvers send them, of addresses that are in use."""
    if v6:
        return "%s/48" % ipaddress.IPv6Address((rng.choice([0x2001, 0x2400, 0x2600, 0x2804, 0x2a00, 0x2a02, 0x2c0f]) << 112) |
                                              rng.getrandbits(32) << 80)
    while True:
        a = ipaddress.IPv4Address(rng.getrandbits(24) << 8)
        if a.is_global and not a.is_multicast:
            return "%s/24" % a


APEX = "$TTL 300\n@ SOA ns1 hostmaster 7 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n"


def quic_is_built():
    with Server({"example.com": APEX}, start=False) as s:
        s.configure("")
        s.listen += ', "quic:127.0.0.1:853"'
        s.configure("")
        return "was built without QUIC" not in s.check()[1]


def preload(shim, program=WAYMARKD):
    """LD_PRELOAD: a sanitizer's library has to come first."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return " ".join(re.findall(r"=> (\S*/lib[at]san\S*)", said) + [shim])


class Server:
    """A waymarkd with these zones {origin: text} and the rest of its configuration as YAML text. `server` is what stands in
    the configuration's server section behind the address."""

    patience_s = 60                                         # until it is ready; a command may take three times as long

    def __init__(self, zones, config="", server="workers: 1", listen=None, start=True, files=None):
        self.dir = tempfile.mkdtemp(prefix="waymark-test.")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.socket = self.dir + "/control.sock"
        self.conf = self.dir + "/waymark.yaml"
        self.proc = None
        os.mkdir(self.dir + "/zones")
        for origin, text in zones.items():
            self.write("zones/%s.zone" % origin, text)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.listen = listen or '"127.0.0.1:%d"' % self.port
        self.server, self.config = server, config
        self.configure()
        if start:
            self.start()

    def configure(self, config=None, zones="[ { dir: zones } ]"):
        self.config = self.config if config is None else config
        # Who runs the tests may not have a folder that another user can write.
        server = self.server + (", user: root" if os.getuid() == 0 and "user:" not in self.server else "")
        self.write("waymark.yaml", "server: { listen: [ %s ], %s }\ncontrol: { socket: control.sock }\nzones: %s\n%s\n" % (
            self.listen.replace("PORT", str(self.port)), server, zones, self.config))

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, env=None, program=WAYMARKD):
        self.log = open(self.dir + "/log", "w+")
        self.proc = subprocess.Popen([program, "-c", self.conf], stderr=self.log, stdin=subprocess.DEVNULL, env=env)
        end = time.monotonic() + self.patience_s * SLOW
        while "ready:" not in self.said():
            if self.proc.poll() is not None:
                raise AssertionError("waymarkd ended with %s: %s" % (self.proc.returncode, self.said()))
            if time.monotonic() > end:
                raise AssertionError("waymarkd is not ready: " + self.said())
            time.sleep(0.02)

    def said(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def ctl(self, *words):
        done = subprocess.run([WAYMARKCTL, "-c", self.conf] + list(words), capture_output=True, text=True, timeout=3 * self.patience_s * SLOW)
        return done.returncode, done.stdout + done.stderr

    def check(self):
        return self.ctl("check")

    def wait_stored(self):
        """Until what was fetched is in the store."""
        end = time.monotonic() + 60 * SLOW
        while {one["job"] for one in json.loads(self.ctl("jobs", "--json")[1])} & {"transfer", "store"}:
            if time.monotonic() > end:
                raise AssertionError("it is still to be stored: " + self.said())
            time.sleep(0.02)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(60 * SLOW)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise AssertionError("waymarkd did not stop: " + self.said())

    def __enter__(self):
        return self

    def __exit__(self, *why):
        try:
            self.stop()
            if self.proc and why[0] is None:
                said = self.said()
                for word in ("Sanitizer", "runtime error"):
                    if word in said:
                        raise AssertionError(said[:3000])
                same(self.proc.returncode, 0, "exit status:")
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    # -------------------------------------------------------------- asking

    def exchange(self, packet, wait=2.0, host="127.0.0.1"):
        """The raw answer to a raw packet over UDP, or None."""
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(wait * SLOW)
            s.connect((host, self.port))
            s.send(packet)
            try:
                return s.recv(65535)
            except OSError:
                return None

    def udp(self, name, qtype="A", options=None, **more):
        edns = more.pop("edns", None) or (opt(options=options) if options is not None else None)
        packet = query(name, qtype, edns=edns, **more)
        reply = self.exchange(packet, 60)
        if reply is None:
            raise AssertionError("no answer for %s %s" % (name, qtype))
        same(reply[:2], packet[:2], "id:")
        return Message(reply)

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=60 * SLOW)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def tcp(self, name, qtype="A", **more):
        with self.connect() as s:
            send_tcp(s, query(name, qtype, **more))
            return Message(recv_tcp(s))

    def steer(self, name, subnet, qtype="A"):
        return self.udp(name, qtype, options=ecs(subnet))

    def dig(self, *words):
        return subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+tries=1", "+timeout=%d" % (20 * SLOW)] + list(words),
                              capture_output=True, text=True, timeout=60 * SLOW).stdout


def lowest_free(pid):
    """The number of the process's next descriptor: a limit is on numbers, not on how many are open."""
    used = set(map(int, os.listdir("/proc/%d/fd" % pid)))
    return next(n for n in range(len(used) + 1) if n not in used)


def send_tcp(s, *packets):
    s.sendall(b"".join(struct.pack(">H", len(p)) + p for p in packets))


def recv_all(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            raise AssertionError("closed after %d of %d bytes" % (len(got), n))
        got += more
    return got


def recv_tcp(s):
    return recv_all(s, struct.unpack(">H", recv_all(s, 2))[0])
