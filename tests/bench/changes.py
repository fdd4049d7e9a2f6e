#!/usr/bin/python3
"""changes - how fast zones change and travel: waymarkd beside those of Knot, BIND and NSD that are installed, one after the other.

  C1   updates of one record each in one zone, signed, from 64 connections: a second, and the 99th percentile until the answer;
       each server has its journal as it comes, with the durability of its defaults
  C2   the same at 1,000 a second
  C3   the zone out by AXFR, to a client that only reads: seconds
  C4   the zone in by AXFR, from a waymarkd: seconds from the start of the server until it answers from it; its peak memory
  C5   IXFR in, one record each, one after the other: a second, from the update at the primary until the secondary answers
  C6   the zone signed, ECDSA P-256 and NSEC: seconds, and of all processors; by us from the start until it is answered and stored, by
       ldns-signzone, kzonesign and dnssec-signzone (in the columns of their servers) from file to file
  C7   lookups in the zone, as many as are answered: a second and the 99th percentile, alone and beside 100 updates a second

-w "C1 C3", --records N (a million), --updates N (20,000). Prints a table.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "serve")]
from lib import BUILD, DO, WAYMARKD, Message, free_port, opt, query, recv_tcp, send_tcp, wire  # noqa: E402
from xfr import Key  # noqa: E402

FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
KEY = Key("xfr", b"k" * 32)
SECRET = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
ZONE = "big.test"


# ------------------------------------------------------------- servers

class Server:
    """`primary`: the port of whose secondary it is; None: it has the zone from a file and takes updates."""
    name = program = None

    def __init__(self, folder, zone, primary=None):
        self.dir, self.zone, self.primary, self.port = tempfile.mkdtemp(dir=folder), zone, primary, free_port()
        self.control = free_port()
        os.chmod(self.dir, 0o755)

    def start(self):
        self.configure()
        self.begun = time.monotonic()
        self.proc = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=open(self.dir + "/log", "w"), start_new_session=True)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def ask(self, name, qtype="A"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))             # who is not there yet is told at once
            s.send(query(name, qtype))
            return Message(s.recv(4096))

    def has(self, name, qtype="A"):
        try:
            return bool(self.ask(name, qtype).answer)
        except (OSError, IndexError):
            return False

    def wait(self, name, qtype="SOA", patience_s=300, pause_s=0.002):
        """Seconds since the start until it answers with that."""
        while time.monotonic() < self.begun + patience_s:
            if self.has(name, qtype):
                return time.monotonic() - self.begun
            time.sleep(pause_s)
        raise RuntimeError("%s does not answer: %s" % (self.name, open(self.dir + "/log").read()[-500:]))

    def peak_mib(self):
        most = 0
        for pid in subprocess.run(["pgrep", "-s", str(self.proc.pid)], capture_output=True, text=True).stdout.split():
            try:
                with open("/proc/%s/status" % pid) as f:
                    most += sum(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))
            except FileNotFoundError:                       # it has just ended
                pass
        return most / 1024

    def processor_s(self):
        ticks = 0
        for pid in subprocess.run(["pgrep", "-s", str(self.proc.pid)], capture_output=True, text=True).stdout.split():
            with open("/proc/%s/stat" % pid) as f:
                ticks += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.proc.terminate()
        try:
            self.proc.wait(60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Waymark(Server):
    name, program = "waymark", WAYMARKD
    notifies = None                                         # the port of a secondary
    more = ""                                               # of the zone

    def configure(self):
        peers = {"pri": self.primary, "sec": self.notifies}
        told = ", ".join("%s: { at: \"127.0.0.1:%d\" }" % p for p in peers.items() if p[1])
        zone = "primary: pri" if self.primary else "file: %s, write-back: store, update: [ { key: xfr } ]%s" % (
            self.zone, (", notify: sec" if self.notifies else "") + self.more)
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nstore: { file: w.db }\n"
                   "keys: { xfr: { algorithm: hmac-sha256, secret: \"%s\" } }\n%s"
                   "zones: [ { name: %s, transfer: any, %s } ]\n" % (self.port, ", user: root" if os.getuid() == 0 else "", SECRET,
                                                                    "peers: { %s }\n" % told if told else "", ZONE, zone))

    def command(self):
        return [WAYMARKD, "-c", self.dir + "/w.yaml"]


class Knot(Server):
    name, program = "knot", "knotd"

    def configure(self):
        remote = "remote:\n - id: pri\n   address: 127.0.0.1@%d\n" % self.primary if self.primary else ""
        acl = "acl:\n - id: all\n   action: [ transfer, update, notify ]\n   address: 127.0.0.1\n   key: xfr\n - id: open\n   action: [ transfer, notify ]\n   address: 127.0.0.1\n"
        zone = "   master: pri\n" if self.primary else "   file: %s\n   zonefile-load: whole\n" % self.zone
        self.write("knot.conf", "server:\n  listen: 127.0.0.1@%d\n  rundir: %s\n  user: root:root\nkey:\n - id: xfr\n   algorithm: hmac-sha256\n   secret: %s\n"
                   "database:\n  storage: %s\n%s%szone:\n - domain: %s\n%s   acl: [ all, open ]\n   zonefile-sync: -1\n   journal-content: changes\n" %
                   (self.port, self.dir, SECRET, self.dir, remote, acl, ZONE, zone))

    def command(self):
        return [shutil.which("knotd", path=FOLDERS), "-c", self.dir + "/knot.conf"]


class Named(Server):
    name, program = "named", "named"

    def configure(self):
        kind = "type secondary; primaries { 127.0.0.1 port %d; }; file \"copy\"; masterfile-format raw;" % self.primary if self.primary else \
               "type primary; file \"%s\"; allow-update { key xfr; };" % self.zone
        self.write("named.conf", "options { directory \"%s\"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; recursion no; "
                   "session-keyfile none; notify no; allow-transfer { any; }; allow-notify { any; }; request-ixfr yes; transfers-in 10; };\n"
                   "controls { };\nlogging { category default { null; }; category update { null; }; category update-security { null; }; };\nkey xfr { algorithm hmac-sha256; secret \"%s\"; };\nzone \"%s\" { %s };\n" % (self.dir, self.port, SECRET, ZONE, kind))

    def command(self):
        return [shutil.which("named", path=FOLDERS), "-g", "-c", self.dir + "/named.conf"]


class Nsd(Server):
    name, program = "nsd", "nsd"

    def configure(self):
        zone = "allow-notify: 127.0.0.1 NOKEY\n  request-xfr: 127.0.0.1@%d NOKEY\n  zonefile: \"copy\"" % self.primary if self.primary else "zonefile: \"%s\"" % self.zone
        self.write("nsd.conf", "server:\n  ip-address: 127.0.0.1@%d\n  zonesdir: \"%s\"\n  database: \"\"\n  pidfile: \"%s/pid\"\n  xfrdfile: \"%s/xfrd\"\n  xfrdir: \"%s\"\n"
                   "  zonelistfile: \"%s/list\"\n  username: \"\"\nremote-control:\n  control-enable: no\nzone:\n  name: %s\n  provide-xfr: 127.0.0.1 NOKEY\n  %s\n" %
                   (self.port, self.dir, self.dir, self.dir, self.dir, self.dir, ZONE, zone))

    def command(self):
        return [shutil.which("nsd", path=FOLDERS), "-d", "-c", self.dir + "/nsd.conf"]


# ------------------------------------------------------------- load

def update(owner, number):
    packet = (os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, 1, 0) + wire(ZONE) + struct.pack(">HH", 6, 1) + wire(owner + "." + ZONE) +
              struct.pack(">HHIH", 1, 1, 60, 4) + struct.pack(">I", 0x0a000000 + number))
    return KEY.sign(packet)[0]


def flood(port, n, connections, rate=None, tag="u"):
    """Latencies in seconds of that many updates, and how long all took."""
    lists = [[update("%s%d" % (tag, i), i) for i in range(k, n, connections)] for k in range(connections)]
    begin = time.monotonic() + 0.2

    def run(k):
        out = []
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(60)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i, packet in enumerate(lists[k]):
                due = begin + (k + i * connections) / rate if rate else 0
                if due > time.monotonic():
                    time.sleep(due - time.monotonic())
                start = due or time.monotonic()             # late is late, also when an answer before was
                send_tcp(s, packet)
                rcode = recv_tcp(s)[3] & 15
                if rcode:
                    raise RuntimeError("RCODE %d" % rcode)
                out.append(time.monotonic() - start)
        return out
    time.sleep(0.2)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        found = sorted(sum(pool.map(run, range(connections)), []))
    return found, time.monotonic() - start


def axfr_seconds(port, records):
    start, seen = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(60)
        send_tcp(s, query(ZONE, 252))
        f = s.makefile("rb", buffering=1 << 20)
        while seen < records + 1:
            m = f.read(struct.unpack(">H", f.read(2))[0])
            if m[3] & 15:
                raise RuntimeError("RCODE %d" % (m[3] & 15))
            seen += struct.unpack(">H", m[6:8])[0]
    return time.monotonic() - start


def lookups(port, file, seconds=3):
    out = subprocess.run([BUILD + "/bench/load", "-d", file, "-p", str(port), "-t", str(seconds), "-n", "4", "-w", "16"], capture_output=True, text=True)
    if out.returncode:
        raise RuntimeError("the load ended with %d: %s" % (out.returncode, out.stderr.strip()))
    told = json.loads(out.stdout)
    if told["right"] < told["answered"] * 0.999:
        raise RuntimeError("%d of %d answers are wrong" % (told["answered"] - told["right"], told["answered"]))
    return "%d/s, p99 %.2f ms" % (told["qps"], told["p99_us"] / 1e3)


# ------------------------------------------------------------- signers

def run_s(*argv, cwd):
    """Wall and processor seconds of a program that has to end well."""
    begin, before = time.monotonic(), os.times()
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError("%s: %s" % (argv[0], done.stderr[-300:]))
    after = os.times()
    return "%.1f s (%.1f)" % (time.monotonic() - begin,
                              after.children_user + after.children_system - before.children_user - before.children_system)


def keygen(folder, program, *of_ksk):
    return [subprocess.run([program, "-a", "ECDSAP256SHA256", *more, ZONE], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
            for more in ((), of_ksk)]


def ldns_signzone(folder, zone):
    return run_s("ldns-signzone", "-f", "signed", zone, *keygen(folder, "ldns-keygen", "-k"), cwd=folder)


def dnssec_signzone(folder, zone):
    keygen(folder, "dnssec-keygen", "-f", "KSK")
    return run_s("dnssec-signzone", "-S", "-o", ZONE, "-f", "signed", zone, cwd=folder)


def kzonesign(folder, zone):
    with open(folder + "/knot.conf", "w", encoding="utf-8") as f:
        f.write("server:\n  rundir: %s\npolicy:\n - id: p\n   algorithm: ecdsap256sha256\ndatabase:\n  storage: %s\nzone:\n - domain: %s\n   file: %s\n"
                "   dnssec-signing: on\n   dnssec-policy: p\n" % (folder, folder, ZONE, zone))
    return run_s("kzonesign", "-c", folder + "/knot.conf", "-o", folder, ZONE, cwd=folder)


# ------------------------------------------------------------- workloads

class Bench:
    def __init__(self, opts, folder):
        self.opts, self.folder, self.zone = opts, folder, folder + "/big.zone"
        with open(self.zone, "w") as f:
            f.write("$TTL 300\n$ORIGIN %s.\n@ SOA ns1 host 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n" % ZONE)
            for i in range(opts.records):
                f.write("h%d A 10.%d.%d.%d\n" % (i, i >> 16 & 255, i >> 8 & 255, i & 255))
        self.records = opts.records + 3

    def with_own(self, kind, measure):
        # Some write it back.
        own = self.folder + "/own.zone"
        shutil.copyfile(self.zone, own)
        s = kind(self.folder, own)
        s.start()
        try:
            s.wait("h%d.%s" % (self.opts.records - 1, ZONE), "A")
            return measure(s)
        finally:
            s.stop()

    def c1(self, kind):
        def measure(s):
            n = self.opts.updates
            found, took = flood(s.port, n, 64)
            return "%d/s, p99 %.0f ms" % (n / took, found[n * 99 // 100] * 1e3)
        return self.with_own(kind, measure)

    def c2(self, kind):
        def measure(s):
            n = min(self.opts.updates, 10000)
            found, took = flood(s.port, n, 64, rate=1000)
            return "p50 %.1f, p99 %.1f ms%s" % (found[n // 2] * 1e3, found[n * 99 // 100] * 1e3,
                                                "" if took < n / 1000 * 1.1 else " (%d/s only)" % (n / took))
        return self.with_own(kind, measure)

    def c3(self, kind):
        return self.with_own(kind, lambda s: "%.2f s" % min(axfr_seconds(s.port, self.records) for _ in range(3)))

    def behind(self, kind, measure):
        p = Waymark(self.folder, self.zone)
        s = kind(self.folder, None, primary=p.port)
        p.notifies = s.port
        p.start()
        try:
            p.wait(ZONE)
            s.start()
            try:
                return measure(p, s)
            finally:
                s.stop()
        finally:
            p.stop()

    def c4(self, kind):
        def measure(p, s):
            took = s.wait("h%d.%s" % (self.opts.records - 1, ZONE), "A", pause_s=0.01)
            return "%.2f s, %.0f MiB" % (took, s.peak_mib())
        return self.behind(kind, measure)

    def c5(self, kind):
        def measure(p, s):
            s.wait("h%d.%s" % (self.opts.records - 1, ZONE), "A")
            time.sleep(1)
            start, n = time.monotonic(), 0
            with socket.create_connection(("127.0.0.1", p.port)) as c:
                c.settimeout(60)
                while n < 200 and time.monotonic() < start + 30:
                    send_tcp(c, update("x%d" % n, n))
                    if recv_tcp(c)[3] & 15:
                        raise RuntimeError("an update is refused")
                    end = time.monotonic() + 30
                    while not s.has("x%d.%s" % (n, ZONE)):
                        if time.monotonic() > end:
                            raise RuntimeError("it does not follow")
                    n += 1
            return "%.0f/s" % (n / (time.monotonic() - start))
        return self.behind(kind, measure)


    def c6(self, kind):
        signer = {Nsd: ldns_signzone, Knot: kzonesign, Named: dnssec_signzone}.get(kind)
        if signer:
            folder = tempfile.mkdtemp(dir=self.folder)
            try:
                return signer(folder, self.zone)
            except FileNotFoundError as why:
                raise RuntimeError(str(why)) from why
            finally:
                shutil.rmtree(folder)
        s = kind(self.folder, self.zone)
        s.more = ", dnssec: auto"
        s.start()
        try:
            while not any(row[1] == 46 for row in self.signed_soa(s)):
                if time.monotonic() > s.begun + 600:
                    raise RuntimeError("it is not signed: " + open(s.dir + "/log").read()[-300:])
                time.sleep(0.02)
            return "%.1f s (%.1f)" % (time.monotonic() - s.begun, s.processor_s())
        finally:
            s.stop()

    @staticmethod
    def signed_soa(s):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
                u.settimeout(0.2)
                u.connect(("127.0.0.1", s.port))
                u.send(query(ZONE, "SOA", edns=opt(flags=DO)))
                return Message(u.recv(4096)).answer
        except (OSError, IndexError):
            return []

    def c7(self, kind):
        asked = self.folder + "/lookups"
        draw = random.Random(7)
        with open(asked, "wb") as f:
            for _ in range(100000):
                m = query("h%d.%s" % (draw.randrange(self.opts.records), ZONE), "A", ident=0)
                f.write(struct.pack(">BBH", 0, 1, len(m)) + m)

        def measure(s):
            lookups(s.port, asked, 1)
            alone = lookups(s.port, asked)
            with concurrent.futures.ThreadPoolExecutor(1) as beside:
                updates = beside.submit(flood, s.port, 400, 8, 100)
                time.sleep(0.4)
                told = lookups(s.port, asked)
                updates.result()
            return "%s; %s" % (alone, told)
        return self.with_own(kind, measure)


WORKLOADS = {"C1": (Bench.c1, "updates, 64 connections", (Waymark, Knot, Named)),
             "C2": (Bench.c2, "updates, 1,000 a second", (Waymark, Knot, Named)),
             "C3": (Bench.c3, "AXFR out", (Waymark, Nsd, Knot, Named)),
             "C4": (Bench.c4, "AXFR in; peak memory", (Waymark, Nsd, Knot, Named)),
             "C5": (Bench.c5, "IXFR in, one record each", (Waymark, Nsd, Knot, Named)),
             "C6": (Bench.c6, "signed; processor seconds", (Waymark, Nsd, Knot, Named)),
             "C7": (Bench.c7, "lookups; beside 100 updates a second", (Waymark, Knot, Named))}


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("-w", "--workloads", default="all")
    ask.add_argument("--records", type=int, default=1000000)
    ask.add_argument("--updates", type=int, default=20000)
    ask.add_argument("--servers", default="waymark nsd knot named")
    opts = ask.parse_args()
    named = opts.workloads.upper().split()
    chosen = [n for n in WORKLOADS if "ALL" in named or n in named]
    kinds = [k for k in (Waymark, Nsd, Knot, Named) if k.name in opts.servers.split() and (k is Waymark or shutil.which(k.program, path=FOLDERS))]
    if not chosen:
        return
    threading.stack_size(256 << 10)
    os.makedirs(BUILD + "/bench", exist_ok=True)
    folder = tempfile.mkdtemp(prefix="changes.", dir=BUILD + "/bench")
    os.chmod(folder, 0o755)
    try:
        bench = Bench(opts, folder)
        print("| a zone of %s records | %s |\n|---|%s" % (format(opts.records, ","), " | ".join(k.name for k in kinds), "---|" * len(kinds)))
        for name in chosen:
            run, what, able = WORKLOADS[name]
            cells = []
            for kind in kinds:
                try:
                    cells.append(run(bench, kind) if kind in able else "-")
                except (RuntimeError, OSError) as why:
                    cells.append("failed")
                    print("%s: %s: %s" % (name, kind.name, why), file=sys.stderr)
            print("| %s: %s | %s |" % (name, what, " | ".join(cells)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
