"""change_servers - how each server is told to have one large zone that changes, as its primary or its secondary; and what signs it, from
file to file."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lib import WAYMARKCTL, WAYMARKD, Message, free_port, query
from xfr import Key

FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
KEY = Key("xfr", b"k" * 32)
SECRET = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
ZONE = "big.test"


# ------------------------------------------------------------- servers

def before_others(processor):
    """What a process does first that is to have that processor before others, where that is allowed."""
    def ready():
        os.sched_setaffinity(0, {processor % os.cpu_count()})
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -10)
            with open("/proc/self/autogroup", "w") as f:    # where sessions share the processors, those of a session by their priorities
                f.write("-10")
        except OSError:
            pass
    return ready


class Server:
    """`primary`: the port of whose secondary it is; None: it has the zone from a file and takes updates."""
    name = program = None
    signs = False                                           # the zone, and keeps it so
    first = None                                            # before_others()

    def __init__(self, folder, zone, primary=None):
        self.dir, self.zone, self.primary, self.port = tempfile.mkdtemp(dir=folder), zone, primary, free_port()
        self.control, self.proc = free_port(), None
        os.chmod(self.dir, 0o755)

    def start(self):
        self.configure()
        self.begun = time.monotonic()
        self.proc = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=open(self.dir + "/log", "w"), start_new_session=True,
                                     preexec_fn=self.first)

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
        while time.monotonic() < self.begun + patience_s and self.proc.poll() is None:
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

    def threads_s(self):
        """Processor seconds of each thread, by the scheduler's account."""
        took = {}
        for pid in subprocess.run(["pgrep", "-s", str(self.proc.pid)], capture_output=True, text=True).stdout.split():
            for task in os.listdir("/proc/%s/task" % pid):
                try:
                    with open("/proc/%s/task/%s/schedstat" % (pid, task)) as f:
                        took[int(task)] = int(f.read().split()[0]) / 1e9
                except FileNotFoundError:                   # it has just ended
                    pass
        return took

    def end(self):
        self.proc.terminate()
        try:
            self.proc.wait(60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def stop(self):
        if self.proc:
            self.end()
        shutil.rmtree(self.dir, ignore_errors=True)


class Waymark(Server):
    name, program = "waymark", WAYMARKD
    notifies = None                                         # the port of a secondary

    def configure(self):
        peers = {"pri": self.primary, "sec": self.notifies}
        told = ", ".join("%s: { at: \"127.0.0.1:%d\" }" % p for p in peers.items() if p[1])
        zone = "primary: pri" if self.primary else "file: %s, write-back: store, update: [ { key: xfr } ]%s" % (
            self.zone, (", notify: sec" if self.notifies else "") + (", dnssec: auto" if self.signs else ""))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nstore: { file: w.db }\n"
                   "keys: { xfr: { algorithm: hmac-sha256, secret: \"%s\" } }\n%s"
                   "zones: [ { name: %s, transfer: any, %s } ]\n" % (self.port, ", user: root" if os.getuid() == 0 else "", SECRET,
                                                                    "peers: { %s }\n" % told if told else "", ZONE, zone))

    def command(self):
        return [WAYMARKD, "-c", self.dir + "/w.yaml"]

    def ctl(self, *words):
        return subprocess.run([WAYMARKCTL, "-c", self.dir + "/w.yaml", *words], capture_output=True, text=True,
                              check=True).stdout

    def wait_log(self, words, times):
        end = time.monotonic() + 300
        while open(self.dir + "/log").read().count(words) < times:
            if time.monotonic() > end:
                raise RuntimeError("its log does not say \"%s\"" % words)
            time.sleep(0.05)


class WaymarkMany(Waymark):
    """Many zones, z0.test and so on: `zone` is their folder, or how many there are of a primary."""

    def configure(self):
        zones = "{ dir: \"%s\", transfer: any }" % self.zone if self.primary is None else ",\n".join(
            "{ name: z%d.test, primary: pri }" % i for i in range(self.zone))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s, tcp-clients-per-net: 1000 }\ncontrol: { socket: c.sock }\n%szones: [ %s ]\n" % (
            self.port, ", user: root" if os.getuid() == 0 else "", "store: { file: w.db }\npeers: { pri: { at: \"127.0.0.1:%d\" } }\n" % self.primary
            if self.primary else "", zones))

    def wait_all(self, n, patience_s):
        """Seconds since the start until each of the zones answers."""
        left = list(range(n))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.1)
            s.connect(("127.0.0.1", self.port))
            while left and time.monotonic() < self.begun + patience_s:
                try:
                    s.send(query("z%d.test" % left[-1], "SOA"))
                    if Message(s.recv(4096)).answer:
                        left.pop()
                    else:
                        time.sleep(0.02)
                except OSError:
                    time.sleep(0.02)
        if left:
            raise RuntimeError("%d zones are not answered" % len(left))
        return time.monotonic() - self.begun

    def queries(self):
        told = json.loads(self.ctl("status", "--json"))
        return told["udp_queries"] + told["tcp_queries"]


class WaymarkSteered(Waymark):
    """200 edges, ten in each of 20 groups; 100 pools of 20 edges, one of each group; the zone is signed."""

    def configure(self):
        edges = "".join("  g%d-%d: { at: \"%d,%d\", a: [ 198.51.100.%d ] }\n" % (g, i, g * 4 - 40, i * 30 - 150, g * 10 + i + 1) for g in range(20) for i in range(10))
        self.tell(False)
        pools = "".join("  p%d: { probe: told, edges: [ %s ] }\n" % (p, ", ".join("g%d-%d" % (g, (p // 10 + p * g) % 10) for g in range(20))) for p in range(100))
        self.write("w.yaml", "server: { listen: [ \"127.0.0.1:%d\" ]%s }\ncontrol: { socket: c.sock }\nstore: { file: w.db }\nprobes: { told: { kind: external, file: told, expires: never } }\n"
                   "edges:\n%spools:\n%s"
                   "zones: [ { name: %s, file: %s, dnssec: auto } ]\n" % (self.port, ", user: root" if os.getuid() == 0 else "", edges, pools, ZONE, self.zone))

    def tell(self, down):
        """Of 100 edges."""
        self.write("told.new", "".join("g%d-%d %s\n" % (g, i, "down" if down and i < 5 else "up") for g in range(20) for i in range(10)))
        os.rename(self.dir + "/told.new", self.dir + "/told")

    def flap(self, stop):
        """All hundred at once, each second; how many a second."""
        begin, n = time.monotonic(), 0
        while not stop.is_set():
            n += 1
            self.tell(n % 2)
            stop.wait(max(0, begin + n - time.monotonic()))
        self.tell(False)
        return n * 100 / (time.monotonic() - begin)


class Knot(Server):
    name, program = "knot", "knotd"

    def configure(self):
        remote = "remote:\n - id: pri\n   address: 127.0.0.1@%d\n" % self.primary if self.primary else ""
        acl = "acl:\n - id: all\n   action: [ transfer, update, notify ]\n   address: 127.0.0.1\n   key: xfr\n - id: open\n   action: [ transfer, notify ]\n   address: 127.0.0.1\n"
        zone = "   master: pri\n" if self.primary else "   file: %s\n   zonefile-load: whole\n" % self.zone
        self.write("knot.conf", "server:\n  listen: 127.0.0.1@%d\n  rundir: %s\n  user: root:root\nkey:\n - id: xfr\n   algorithm: hmac-sha256\n   secret: %s\n"
                   "database:\n  storage: %s\n%s%szone:\n - domain: %s\n%s   acl: [ all, open ]\n   zonefile-sync: -1\n   journal-content: changes\n%s" %
                   (self.port, self.dir, SECRET, self.dir, remote, acl, ZONE, zone,
                    "   dnssec-signing: on\n" if self.signs else ""))

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
        f.write("server:\n  rundir: %s\npolicy:\n - id: p\n   algorithm: ecdsap256sha256\n   signing-threads: %d\ndatabase:\n  storage: %s\nzone:\n - domain: %s\n   file: %s\n"
                "   dnssec-signing: on\n   dnssec-policy: p\n" % (folder, os.cpu_count(), folder, ZONE, zone))
    return run_s("kzonesign", "-c", folder + "/knot.conf", "-o", folder, ZONE, cwd=folder)
