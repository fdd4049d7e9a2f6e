#!/usr/bin/python3
"""churn - everything that may be done to a waymarkd, at random, while it answers.

usage: churn.py [--seconds N] [--seed N] [--no-holds]

A real server with probes, GeoIP, measurements, a state file, a decision log, agents and capacities, a zone that is updated without
end, and one that another server has and updates. One operator reloads,
stages, promotes, rolls back, upgrades, imports, forgets, forces, probes, exports, adds zones and changes them in drafts and in a file that is written back; files are replaced, right ones and wrong ones; edges
die and come back; memory ends; disks are slow or full; clients go away; helper threads are held at random points. All the
while it is asked, and at every moment: it lives, static names have what they had, steered ones have edges that may be
answered and none that is dead, every command answers, and in the end nothing is left over. A seed gives the same choices, not
the same moments.
"""
import argparse
import base64
import ctypes
import errno
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE) + "/serve"]
from edges import Web                                       # noqa: E402
from lib import *                                           # noqa: E402
import slow                                                 # noqa: E402
from xfr import Key, transfer, zone_of                      # noqa: E402

SHIM = BUILD + "/slow.so"
SANITIZED = SLOW > 1
ZONES = 12
EDGES = ["e%d" % i for i in range(8)]
ADDRESS = {e: "127.0.7.%d" % (i + 1) for i, e in enumerate(EDGES)}
EDGE_OF = {a: e for e, a in ADDRESS.items()}
KILLED, FORCED = EDGES[1:3], EDGES[3:5]                     # these die, and these are forced: so many are always left
AGENTS = {"e0": bytes(range(32)), "e5": bytes(range(1, 33))}
AT = ["52,5", "40,-74", "35,139", "-33,151", "1,103", "50,8", "-23,-46", "19,72"]
POOLS = {"web": "policy: nearest, probe: web", "turns": "policy: round-robin, affinity: client, probe: web, answers: 2",
         "close": "policy: least-latency, probe: web", "full": "policy: [ nearest within 20ms, least-load ], probe: web"}
KEY = Key("xfr", b"k" * 32)
DYN = "$TTL 300\n@ SOA ns1 host 1 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n"
GONE_S = 3 * SLOW                                           # an edge that is down is answered no longer
COMMAND_S = 40 * SLOW                                       # every command has answered
SLACK_FDS = 12
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)                     # what a server has left behind is our child: PR_SET_CHILD_SUBREAPER


class Wrong(Exception):
    pass


def named(report):
    """A sanitizer's report with functions and lines, which the cage keeps it from asking for."""
    program = BUILD + "/waymarkd"
    found = sorted(set(re.findall(r"waymarkd\+(0x[0-9a-f]+)\)", report)))
    if not found or not shutil.which("addr2line"):
        return report
    lines = subprocess.run(["addr2line", "-fspe", program] + found, capture_output=True, text=True, check=False).stdout.splitlines()
    names = dict(zip(found, lines)) if len(lines) == len(found) else {}
    return re.sub(r"\(\S*waymarkd\+(0x[0-9a-f]+)\)", lambda m: names.get(m[1], m[0]), report)


class Successor:
    """The process that an upgrade has put in the place of the one before. Who has started it has asked how it ended, or we can."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                if not os.path.exists("/proc/%d" % self.pid):
                    self.returncode = 0
        return self.returncode

    def wait(self, timeout=None):
        end = time.monotonic() + (timeout or 1e9)
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("waymarkd", timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Churned(Server):
    """Ready as soon as it answers: the first round of probes is part of the test."""

    def start(self, env=None, program=WAYMARKD):
        self.log = open(self.dir + "/log", "a+")
        self.begun = begun = len(self.said())
        self.proc = subprocess.Popen([program, "-c", self.conf], stderr=self.log, stdin=subprocess.DEVNULL, env=env)
        end = time.monotonic() + 30 * SLOW
        while "answering:" not in self.said()[begun:]:
            if self.proc.poll() is not None or time.monotonic() > end:
                raise Wrong("it does not start (%s)" % self.proc.poll())
            time.sleep(0.01)
        self.ready = False

    def see_ready(self):
        """Have the probes said something of each edge? Until then nothing is known to answer steered names with."""
        self.ready = self.ready or "ready:" in self.said()[self.begun:]
        return self.ready


class Churn:
    def __init__(self, seconds, seed, out=sys.stdout):
        self.rng, self.seed, self.seconds, self.out = random.Random(seed), seed, seconds, out
        self.wrong, self.history, self.counts, self.restarting = [], [], {}, False
        self.stop = threading.Event()
        self.quiet = threading.Event()                      # nothing but queries
        self.lock = threading.Lock()
        self.version, self.taken = 1, 1                     # of what is in the zones; of what is served at least
        self.variant = 0
        self.faulty = set()                                 # zones
        self.broken = set()                                 # "database", "table": files that are wrong just now
        self.limited = self.bad_disk = False
        self.out_since = {}                                 # edge: since when nobody may be sent there
        self.asked = 0
        self.restarts = self.upgrades = 0
        self.upgrading, self.before = False, None           # the process of the upgrade before, until it has ended
        self.own, self.added = {}, set()                    # what commands and edits have put into own.test; zones that were added
        self.dynamic, self.confirmed = {}, 0                # what updates have put: a name, its value; how many were confirmed

    # ---------------------------------------------------------- the place

    def config(self):
        edges = list(EDGES)
        if self.variant % 3 == 1:
            edges = edges[1:] + edges[:1]                   # other numbers for the same edges
        if self.variant % 3 == 2:
            edges.remove("e7")
        text = "keys: { xfr: %s }\npeers: { other: { at: \"127.0.0.1:%d\" } }\nstore: { file: kept/waymark.db, history-size: 64k }\n" % (
            KEY.yaml(), self.other.port)
        text += "templates: { hosted: { write-back: store, nameservers: ns1.example.net }, second: { primary: other } }\n"
        text += "management: { listen: \"127.0.0.1:%d\" }\n" % self.management
        text += "geoip: { city: { file: city.mmdb } }\n"
        text += "log: { decisions: { file: decisions%d.log, sample: 20%%, size: 100k } }\n" % (self.variant % 2)
        text += "latency: { files: [ measured%d.csv ], state: learned%d.csv, half-life: 30s, explore: { share: 10%% }, agents: { %s } }\n" % (
            self.variant % 2, self.variant % 2,
            ", ".join('%s: { key: "%s" }' % (e, base64.b64encode(k).decode()) for e, k in AGENTS.items()))
        text += "stage: { every: 200ms, failures: 30% }\nbalance: { every: 1s, drain: 0s, low: 60%, high: 80% }\n"
        text += "edges:\n" + "".join('  %s: { at: "%s", a: %s, capacity: 100 }\n' % (e, AT[EDGES.index(e)], ADDRESS[e]) for e in edges)
        text += "probes: { web: { kind: http, port: %d, every: 300ms, timeout: 290ms, rise: 1, fall: 1, load-from: { header: X-Load } } }\n" % self.port
        text += "pools:\n" + "".join("  %s: { edges: [ %s ], %s, all-down: empty, ttl: 1s-%ds }\n" % (
            p, ", ".join(edges), how, 20 + self.variant) for p, how in POOLS.items())
        return text

    def zone(self, i):
        return APEX + "www A 192.0.2.%d\nver TXT %d\nmany CNAME www\n*.any A 192.0.2.99\n" % (i + 1, self.version) + \
            "".join("%s 60 EDGE %s\n" % (p, p) for p in POOLS) + "$GENERATE 1-200 h$ A 10.0.%d.$\n" % i

    def put(self, name, text):
        """Whole or not at all, as rsync does."""
        path = os.path.join(self.server.dir, name)
        with open(path + "~", "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.rename(path + "~", path)

    def put_config(self, more=""):
        self.put("waymark.yaml", "server: { listen: [ %s ], workers: 2%s }\ncontrol: { socket: control.sock, state: kept/state%d }\n"
                                 "zones: [ { dir: zones }, { name: far.test, primary: other }, { name: dyn.test, file: dyn.zone, "
                                 "write-back: store, transfer: any, notify: other, update: [ { key: xfr } ] }, "
                                 "{ name: own.test, file: own/own.zone, write-back: sync, transfer: any } ]\n%s%s" % (
                                     self.server.listen, ", user: root" if os.getuid() == 0 else "", self.variant % 2, self.config(), more))

    def put_zones(self):
        os.makedirs(self.server.dir + "/zones.tmp", exist_ok=True)
        for i in range(ZONES):
            if i in self.faulty:
                continue
            path = "%s/zones.tmp/x" % self.server.dir       # not beside them: every file there is a zone
            with open(path, "w") as f:
                f.write(self.zone(i))
            os.rename(path, "%s/zones/z%d.test.zone" % (self.server.dir, i))

    def rows(self, n=300):
        rng = self.rng
        return "prefix,edge,rtt_ms\n" + "".join("%d.%d.%d.0/24,e%d,%d\n" % (
            rng.randrange(1, 100), rng.randrange(256), rng.randrange(256), rng.randrange(7), rng.randrange(1, 300)) for _ in range(n))

    def begin(self):
        self.port, self.management = free_port(), free_port()
        self.web = {e: Web(ADDRESS[e], self.port) for e in EDGES}
        for w in self.web.values():
            w.headers["x-load"] = "20"
        self.server = Churned({}, "", start=False)
        s = self.server
        os.mkdir(s.dir + "/kept")
        self.city = open(TOP + "/geoip/city.mmdb", "rb").read()
        self.put("city.mmdb", self.city)
        for n in (0, 1):
            self.put("measured%d.csv" % n, self.rows())
        self.put("import.csv", self.rows(2000))
        self.put_zones()
        self.put("dyn.zone", DYN)
        os.mkdir(s.dir + "/own")
        self.put("own/own.zone", DYN)
        self.other = Server({"far.test": DYN}, start=False)
        self.other.configure("keys: { xfr: %s }\npeers: { us: { at: \"127.0.0.1:%d\" } }\nstore: { file: waymark.db }" % (KEY.yaml(), s.port),
                             "[ { name: dyn.test, primary: us }, { name: far.test, file: zones/far.test.zone, write-back: store, "
                             "transfer: any, notify: us, update: [ { key: xfr } ] } ]")
        self.other.start()
        self.put_config()
        self.slow = slow.Slow(s.dir + "/plan")
        self.start()

    def start(self):
        """With targets that hang for a moment, so that much comes before the first round has ended."""
        env = dict(os.environ, LD_PRELOAD=preload(SHIM), SLOW=self.server.dir + "/plan")
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":exitcode=99:abort_on_error=0"
        env["TSAN_OPTIONS"] = env.get("TSAN_OPTIONS", "") + ":exitcode=66"
        for w in self.web.values():
            w.hang = True
        self.server.start(env=env)
        self.sequence = int(time.time() * 1e6)
        self.agent_report()
        self.ctl("latency", "show", "--edge", "e0")
        self.ctl("force", "e5", "auto")
        self.ctl("latency", "forget", "9.9.0.0/16")
        for e, w in self.web.items():
            w.hang = False

    # ---------------------------------------------------------- asking

    def has_ended(self):
        return not self.upgrading and self.server.proc.poll() is not None

    def ctl(self, *words, ok=(0,)):
        """Its exit status has to be among `ok`, which None leaves open."""
        argv = [WAYMARKCTL, "-c", self.server.conf] + list(words)
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=COMMAND_S)
        except subprocess.TimeoutExpired:
            raise Wrong("%s has not answered after %d s" % (" ".join(words), COMMAND_S)) from None
        said = done.stdout + done.stderr
        if self.has_ended():
            raise Wrong("it ended with %s at: %s" % (self.server.proc.returncode, " ".join(words)))
        if done.returncode < 0 or (ok is not None and not self.limited and done.returncode not in ok):
            raise Wrong("%s: exit status %d: %s" % (" ".join(words), done.returncode, said[-1500:]))
        return done.returncode, said

    def check(self, name, kind, answer, sent):
        label, zone = name.split(".")[:2]
        i = int(zone[1:])
        if answer.rcode != NOERROR:
            raise Wrong("%s: rcode %d" % (name, answer.rcode))
        got = answer.addresses()
        if label == "www" and got != ["192.0.2.%d" % (i + 1)] or label == "x" and got != ["192.0.2.99"]:
            raise Wrong("%s: %r" % (name, got))
        if kind == "TXT" and not 1 <= int(answer.answer[0][3]) <= self.version:
            raise Wrong("%s: %r" % (name, answer.answer))
        if label not in POOLS:
            return
        if not set(got) <= set(EDGE_OF) or len(set(got)) != len(got):
            raise Wrong("%s: %r" % (name, got))
        for a in got:
            since = self.out_since.get(EDGE_OF[a])
            if since is not None and sent - since > GONE_S and not self.limited:
                raise Wrong("%s: %s, which has been down for %.1f s" % (name, EDGE_OF[a], sent - since))

    def ask(self, name, kind, edns, tcp, wait):
        if tcp:
            return self.server.tcp(name, kind, edns=edns)
        packet = query(name, kind, edns=edns)
        reply = self.server.exchange(packet, wait)
        if reply is None or reply[:2] != packet[:2]:
            raise Wrong("no answer")
        return Message(reply)

    def ask_for_ever(self, seed, tcp):
        rng = random.Random(seed)
        while not self.stop.is_set():
            label, i = rng.choice(["www", "any", "ver"] + list(POOLS) * 2), rng.randrange(ZONES)
            zone = "z%d.test" % i
            name = ("x.any." if label == "any" else label + ".") + zone
            kind = "TXT" if label == "ver" else "A"
            sent, ready, life = time.monotonic(), self.server.see_ready(), self.restarts
            edns = opt(options=ecs(random_net(rng)))
            try:
                answer = self.ask(name, kind, edns, tcp, 10 if ready or label not in POOLS else 0.5)
                self.check(("x." if label == "any" else label + ".") + zone, kind, answer, sent)
                self.asked += 1
            except Exception as e:                          # whatever it is, it is told at the end
                if self.restarting or self.restarts > life or self.stop.is_set() or not ready and label in POOLS:
                    time.sleep(0.1)
                    continue
                if tcp and self.limited:                    # there may be no memory for a connection
                    continue
                self.wrong.append("%s: %s" % (name, e))
                return
            time.sleep(rng.choice((0, 0.002, 0.01)) * (SLOW if SANITIZED else 1))

    # ---------------------------------------------------------- beside the operator

    def agent_report(self):
        agent = random.choice(list(AGENTS))
        self.sequence += 1
        now = int(time.time())
        rows = [{"net": "%d.%d.%d.0/24" % (random.randrange(1, 100), random.randrange(256), random.randrange(256)), "rtt_ms": 12.5,
                 "min_ms": 11, "samples": 4, "age_s": 1} for _ in range(random.randrange(1, 60))]
        body = json.dumps({"version": 1, "taken": now, "networks": rows, "edges": [{"edge": "e1", "rtt_ms": 80, "samples": 3}]}).encode()
        head = b"waymark-1\nPOST\n/v1/latency\n%s\n%d\n%d\n" % (agent.encode(), now, self.sequence)
        signed = {"Waymark-Agent": agent, "Waymark-Time": str(now), "Waymark-Sequence": str(self.sequence),
                  "Waymark-Signature": hmac.new(AGENTS[agent], head + body, hashlib.sha256).hexdigest()}
        c = http.client.HTTPConnection("127.0.0.1", self.management, timeout=COMMAND_S)
        try:
            c.request("POST", "/v1/latency", body, signed)
            c.getresponse().read()
        except OSError:
            pass
        except http.client.HTTPException:
            pass
        finally:
            c.close()

    def reports_for_ever(self, seed):
        rng = random.Random(seed)
        while not self.stop.wait(rng.choice((0.02, 0.1, 0.5)) * SLOW):
            if not self.quiet.is_set() and not self.restarting:
                self.agent_report()

    def update(self, server, zone, owner, value):
        """The RCODE."""
        packet = os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, 2, 0) + wire(zone) + struct.pack(">HH", 6, 1)
        packet += wire(owner + "." + zone) + struct.pack(">HHIH", 16, 255, 0, 0)
        packet += wire(owner + "." + zone) + struct.pack(">HHIH", 16, 1, 300, 1 + len(value)) + bytes([len(value)]) + value
        with server.connect() as s:
            s.settimeout(COMMAND_S)
            send_tcp(s, KEY.sign(packet)[0])
            return recv_tcp(s)[3] & 15

    def updates_for_ever(self, seed):
        """What is confirmed is visible, and stays."""
        rng = random.Random(seed)
        while not self.stop.wait(rng.choice((0, 0.005, 0.1)) * (SLOW if SANITIZED else 1)):
            if self.quiet.is_set() or self.restarting:
                continue
            owner, value = "u%d" % rng.randrange(150), b"%d " % rng.getrandbits(40) + b"x" * rng.randrange(200)
            life, upgrades, upgrading = self.restarts, self.upgrades, self.upgrading
            try:
                self.dynamic.pop(owner, None)               # until it is answered nobody knows
                rcode = self.update(self.server, "dyn.test", owner, value)
                if rng.random() < 0.2:
                    self.update(self.other, "far.test", owner, value)
                if rcode == 0:
                    self.confirmed += 1
                    self.dynamic[owner] = value
                    got = self.server.tcp(owner + ".dyn.test", "TXT").answer
                    if not got or got[0][3] != value.decode():
                        raise Wrong("a confirmed update is not there: %r" % got)
                elif not self.bad_disk and not self.limited and not self.restarting and rcode != 2:
                    raise Wrong("an update is answered with RCODE %d" % rcode)
            except (OSError, AssertionError, IndexError) as e:
                self.dynamic.pop(owner, None)
                if upgrading or self.upgrading or self.upgrades != upgrades:
                    continue                                # it is not answered: its client asks again
                if not self.restarting and self.restarts == life and not self.limited and not self.stop.is_set():
                    self.wrong.append("an update of %s: %s" % (owner, e))
                    return
            except Wrong as e:
                if self.restarting or self.restarts != life or self.limited:
                    continue
                self.wrong.append(str(e))
                return

    def zone_texts(self, server, zone):
        with server.connect() as s:
            return {r.owner[1:1 + r.owner[0]].decode(): r.data[1:] for r in zone_of(transfer(s, query(zone, 252))) if r.type == 16}

    def changes_are_there(self):
        """All that was confirmed; and both servers have the same."""
        end = time.monotonic() + 60 * SLOW
        while True:
            try:
                before = dict(self.dynamic)
                now = self.zone_texts(self.server, "dyn.test")
                lost = [o for o, v in before.items() if now.get(o) != v and self.dynamic.get(o) == v]
                if lost:
                    raise Wrong("confirmed updates are not there: %s" % lost[:5])
                if self.other.udp("far.test", "SOA").answer == self.server.udp("far.test", "SOA").answer and \
                        self.other.udp("dyn.test", "SOA").answer == self.server.udp("dyn.test", "SOA").answer:
                    return
            except (AssertionError, OSError, IndexError):
                pass
            if time.monotonic() > end:
                raise Wrong("the other server has not what we have: %s" % self.other.said()[-1500:])
            time.sleep(0.3)

    def rude_for_ever(self, seed):
        """Clients of the control socket who go away in the midst of it, or never read."""
        rng, kept = random.Random(seed), []
        words = [["export"], ["latency", "export"], ["status", "--json"], ["zones"], ["edges"], ["latency", "show"],
                 ["explain", "web.z1.test", "--client", "1.1.1.1"], ["probe", "e1"], ["force", "e6", "auto"], ["latency", "import", "import.csv"]]
        while not self.stop.wait(rng.choice((0.02, 0.2)) * SLOW):
            if self.quiet.is_set():
                for s, _ in kept:
                    s.close()
                kept = []
                continue
            try:
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(5)
                s.connect(self.server.socket)
                bytes_ = b"".join(w.encode() + b"\0" for w in rng.choice(words))
                s.sendall(bytes_[:rng.randrange(1, len(bytes_) + 1)] if rng.random() < 0.3 else bytes_)
                if rng.random() < 0.8:
                    s.shutdown(socket.SHUT_WR)
                if rng.random() < 0.3:
                    s.recv(rng.randrange(1, 200))
            except OSError:
                pass
            kept.append((s, time.monotonic() + rng.choice((0, 0, 0.05, 1, 4))))
            for one in [k for k in kept if k[1] < time.monotonic()]:
                one[0].close()
                kept.remove(one)
        for s, _ in kept:
            s.close()

    def hold_for_ever(self, seed):
        rng = random.Random(seed)
        while not self.stop.wait(rng.choice((0.002, 0.02, 0.1))):
            if self.quiet.is_set() or self.restarting:
                continue
            try:
                self.slow.hold(self.server.proc.pid, rng.choice((0.0005, 0.01, 0.05, 0.4)), rng.choice)
            except OSError:
                pass

    def guard(self, what, *args):
        def body():
            try:
                what(*args)
            except Exception:
                self.wrong.append(traceback.format_exc())
        t = threading.Thread(target=body, daemon=True)
        t.start()
        return t

    # ---------------------------------------------------------- what an operator does

    def reload(self):
        """Everything that is right is taken; what is wrong is told, and it alone is not."""
        version = self.version
        code, said = self.ctl("reload", ok=(0, 1))
        if "a stage is on" in said or self.limited:
            return
        right = not self.faulty and not self.broken
        if (code == 0) != right and not (code and self.bad_disk):
            raise Wrong("reload: exit status %d with zones %r and %r wrong: %s" % (code, self.faulty, self.broken, said[-1500:]))
        for i in self.faulty:
            if "z%d.test" % i not in said:
                raise Wrong("reload does not tell of z%d.test: %s" % (i, said[-1500:]))
        if right:
            for i in (0, self.rng.randrange(ZONES)):
                got = int(self.server.udp("ver.z%d.test" % i, "TXT").answer[0][3])
                if got < version:
                    raise Wrong("z%d.test has version %d after a reload of %d" % (i, got, version))

    def op_reload(self):
        self.version += 1
        self.put_zones()
        self.reload()

    def op_other_config(self):
        self.variant += 1
        self.put_config()
        self.reload()

    def op_faulty_zone(self):
        i = self.rng.randrange(1, ZONES)
        self.faulty.add(i)
        with open("%s/zones/z%d.test.zone" % (self.server.dir, i), "a") as f:
            f.write(self.rng.choice(["oops A 1.2.3\n", "x EDGE nowhere\n", "www CNAME y\n", "@ SOA a b 1 2 3 4 5\n"]))
        self.reload()

    def op_mend(self):
        self.faulty.clear()
        self.put_zones()
        if "database" in self.broken:
            self.put("city.mmdb", self.city)
        if "table" in self.broken:
            for n in (0, 1):
                self.put("measured%d.csv" % n, self.rows())
        self.broken.clear()
        self.reload()

    def op_faulty_config(self):
        self.put_config("oops: [ 1\n")
        code, said = self.ctl("reload", ok=(0, 1))
        self.put_config()
        if code == 0:
            raise Wrong("a faulty configuration was taken: " + said[-1000:])

    def op_faulty_database(self):
        self.broken.add("database")
        self.put("city.mmdb", self.city[:len(self.city) // 2])
        self.reload()

    def op_faulty_table(self):
        self.broken.add("table")
        for n in (0, 1):
            self.put("measured%d.csv" % n, "prefix,edge,rtt_ms\nno prefix,e1,2\n")
        self.reload()

    def op_zone(self):
        """One comes or goes; who asks twice is told."""
        name = "a%d.test" % self.rng.randrange(6)
        if name in self.added:
            code, said = self.ctl("zone", "remove", name, "--purge", ok=(0, 1))
            if code == 0:
                self.added.discard(name)
        else:
            code, said = self.ctl("zone", "add", name, self.rng.choice(("hosted", "hosted", "second")), ok=(0, 1))
            if code == 0:
                self.added.add(name)
        if code and not self.bad_disk and not self.limited and not self.restarting:
            raise Wrong("zone %s: %s" % (name, said))

    def op_draft(self):
        """What is committed is there, and stays."""
        owner, text = "d%d" % self.rng.randrange(100), "%d" % self.rng.getrandbits(40)
        if self.ctl("zone", "begin", "own.test", ok=(0, 1))[0]:
            return
        self.ctl("zone", "unset", "own.test", owner, ok=(0, 1))
        self.ctl("zone", "set", "own.test", owner, "60", "TXT", text, ok=(0, 1))
        self.ctl("zone", "diff", "own.test", ok=(0, 1))
        self.own.pop(owner, None)                           # until it is known
        if self.rng.random() < 0.2:
            self.ctl("zone", "abort", "own.test", ok=(0, 1))
            self.own_is(owner)
            return
        code, said = self.ctl("zone", "commit", "own.test", ok=(0, 1))
        if code:
            self.ctl("zone", "abort", "own.test", ok=(0, 1))
            self.ctl("zone", "thaw", "own.test", "--discard", ok=(0, 1))
            if not self.bad_disk and not self.limited and "is frozen" not in said:
                raise Wrong("commit: " + said)
        else:
            self.own[owner] = text

    def own_is(self, owner):
        rows = self.server.udp(owner + ".own.test", "TXT").answer
        if rows:
            self.own[owner] = rows[0][3]

    def op_edit_file(self):
        """A person adds a line to a file that the server writes, and reloads."""
        owner, text = "f%d" % self.rng.getrandbits(40), "%d" % self.rng.getrandbits(40)
        path = self.server.dir + "/own/own.zone"
        with open(path) as f:
            whole = f.read()
        with open(path + "~", "w") as f:
            f.write(whole + "%s 60 IN TXT %s\n" % (owner, text))
        os.rename(path + "~", path)
        code, said = self.ctl("reload", ok=(0, 1))
        if "zone own.test.: what was changed" in said and "is taken" in said:
            self.own[owner] = text

    def op_zone_read(self):
        for words in self.rng.sample((["export", "own.test"], ["export", "dyn.test", "--generic"], ["status", "own.test"], ["notify", "dyn.test"],
                                      ["sync", "own.test"], ["status", "far.test"]), 2):
            self.ctl("zone", *words, ok=(0, 1))
        if self.rng.random() < 0.3 and not self.ctl("zone", "freeze", "own.test", ok=(0, 1))[0]:
            self.ctl("zone", "thaw", "own.test", "--discard", ok=(0, 1))

    @staticmethod
    def same_texts(*zones):
        """Each has the same TXT records."""
        found = [{tuple(re.sub(r'["\s]+', " ", line).split()) for line in z.splitlines() if "TXT" in line} for z in zones]
        return all(f == found[0] for f in found)

    def own_is_there(self):
        self.ctl("zone", "thaw", "own.test", "--discard", ok=(0, 1))
        end = time.monotonic() + 60 * SLOW
        while True:                                         # a change that was under way may come behind the first
            self.ctl("zone", "sync", "own.test", "--discard")
            now = self.zone_texts(self.server, "own.test")
            lost = [o for o, v in self.own.items() if now.get(o) != v.encode()]
            if lost:
                raise Wrong("what was committed or taken is not there: %s" % lost[:5])
            served = self.ctl("zone", "export", "own.test")[1]
            with open(self.server.dir + "/own/own.zone") as f:
                written = f.read()
            if served == written or written.startswith("$TTL") and self.same_texts(served, written):
                break                                       # a person's form stays while nothing but persons change it
            if time.monotonic() > end:
                raise Wrong("the file is not what is served:\n%s\n---\n%s" % (written, served))
            time.sleep(0.2)
        for name in self.added:
            self.ctl("zone", "status", name)

    def op_stage(self):
        self.ctl("reload", "--stage", self.rng.choice(("10%", "50%", "100%")), ok=(0, 1))

    def op_promote(self):
        self.ctl("reload", "--promote", ok=(0, 1))

    def op_rollback(self):
        self.ctl("reload", "--rollback", ok=(0, 1))

    def op_import(self):
        if self.rng.random() < 0.3:
            self.put("import.csv", self.rows(self.rng.choice((10, 2000, 20000))))
        which = self.rng.choice(("import.csv", "import.csv", "missing.csv", "waymark.yaml", "zones"))
        code, said = self.ctl("latency", "import", self.server.dir + "/" + which, ok=(0, 1))
        if which != "import.csv" and code == 0:
            raise Wrong("import of %s: %s" % (which, said))

    def op_forget(self):
        self.ctl("latency", "forget", self.rng.choice(("e0", "e5", "%d.0.0.0/8" % self.rng.randrange(1, 99), "nobody")), ok=(0, 1))

    def op_export(self):
        which = self.rng.choice((["export"], ["export", "--config"], ["latency", "export"]))
        code, said = self.ctl(*which, ok=(0, 1))
        if code == 0 and which[0] == "export":
            json.loads(said)

    def op_force(self):
        e = self.rng.choice(FORCED)
        state = self.rng.choice(("down", "drain", "auto"))
        if state == "auto":
            self.out_since.pop(e, None)
        code, said = self.ctl("force", e, state, ok=(0, 1))
        held = code == 0 or "it holds" in said
        if code and not held and not self.limited:
            raise Wrong("force %s %s: %s" % (e, state, said))
        if code and not self.bad_disk and not self.limited:
            raise Wrong("force %s %s: %s" % (e, state, said))
        if state != "auto" and held:
            self.out_since.setdefault(e, time.monotonic())

    def op_probe(self):
        self.ctl("probe", self.rng.choice(EDGES), ok=(0, 1))

    def op_read(self):
        for _ in range(self.rng.randrange(1, 4)):
            words = self.rng.choice((["zones"], ["zones", "z1.test"], ["status"], ["status", "--json"], ["edges"], ["pools", "--json"],
                                     ["jobs"], ["geo", "81.2.69.142"], ["latency", "show"], ["latency", "show", "--edge", "e5"],
                                     ["explain", "full.z3.test", "--client", "81.2.69.0/24"]))
            self.ctl(*words, ok=(0, 1))

    def op_many_at_once(self):
        """Of what is done one after the other, and of what is not."""
        words = [["reload"], ["reload", "--stage", "20%"], ["reload", "--rollback"], ["reload", "--promote"], ["status"], ["zones"],
                 ["latency", "import", self.server.dir + "/import.csv"], ["latency", "forget", "e5"], ["export"], ["edges"],
                 ["zone", "sync", "own.test"], ["zone", "export", "own.test"], ["zone", "freeze", "own.test"], ["zone", "thaw", "own.test"]]
        threads = [self.guard(lambda w=w: self.ctl(*w, ok=(0, 1))) for w in self.rng.choices(words, k=self.rng.randrange(2, 8))]
        for t in threads:
            t.join(COMMAND_S)

    def op_new_database(self):
        self.broken.discard("database")
        self.put("city.mmdb", self.city)

    def op_new_table(self):
        self.broken.discard("table")
        for n in (0, 1):
            self.put("measured%d.csv" % n, self.rows(self.rng.choice((1, 300, 3000))))

    def op_hangup(self):
        for _ in range(self.rng.randrange(1, 4)):
            self.server.proc.send_signal(signal.SIGHUP)

    def op_edge(self):
        """One dies, or comes back."""
        e = self.rng.choice(KILLED)
        if self.web[e].hang or self.web[e].status != 200:
            self.out_since.pop(e, None)
            self.web[e].status, self.web[e].hang = 200, False
            return
        if self.rng.random() < 0.3:
            self.web[e].hang = True
        else:
            self.web[e].status = 503
        self.out_since[e] = time.monotonic()

    def op_load(self):
        for w in self.web.values():
            w.headers["x-load"] = str(self.rng.randrange(0, 120))

    def op_disk(self):
        """Some files are on a disk that takes its time, or is full, or broken."""
        prefix = self.server.dir + "/" + self.rng.choice(("kept", "own", "decisions", "learned", "city", "measured", "zones/z3", "waymark.yaml"))
        error = self.rng.choice((0, 0, errno.ENOSPC, errno.EIO))
        calls = slow.WRITE | slow.SYNC if error else slow.ALL
        self.bad_disk = bool(error)
        self.slow.rule(prefix, calls, self.rng.choice((0.02, 0.2, 1.0)), error)
        for _ in range(self.rng.randrange(1, 5)):
            self.operate(beside="op_disk")
        self.slow.off()
        self.bad_disk = False

    def op_memory(self):
        """There is no more than what is used, and a little."""
        if SANITIZED:                                       # they take what address space they like
            return
        pid = self.server.proc.pid
        before = resource.prlimit(pid, resource.RLIMIT_AS)
        with open("/proc/%d/statm" % pid) as f:
            used = int(f.read().split()[0]) * resource.getpagesize()
        self.limited = True
        resource.prlimit(pid, resource.RLIMIT_AS, (used + self.rng.choice((1, 64, 4096, 20480)) * 1024, before[1]))
        try:
            for _ in range(self.rng.randrange(1, 5)):
                self.operate(beside="op_memory")
        finally:
            resource.prlimit(pid, resource.RLIMIT_AS, before)
        self.settle(10)
        self.limited = False

    def settle(self, seconds):
        """What began before has come to its end; what is down shows."""
        now = time.monotonic()
        for e in list(self.out_since):
            self.out_since[e] = now
        self.idle(seconds)

    def op_restart(self):
        self.restarting = True
        self.slow.off()
        self.end()
        self.restarts += 1
        self.faulty.clear()                                 # a zone that is faulty from the start is not there
        self.broken.clear()
        self.put("city.mmdb", self.city)
        for n in (0, 1):
            self.put("measured%d.csv" % n, self.rows())
        self.put_zones()
        self.put_config()
        for e in KILLED:
            self.out_since.pop(e, None)
            self.web[e].status = 200
        for e in FORCED:
            self.out_since.pop(e, None)
        self.taken = self.version
        self.start()
        self.restarting = False

    def op_upgrade(self):
        """Another process serves on, or the same one: nothing is lost either way."""
        self.one_serves()
        if self.rng.random() < 0.8:                         # what is in its way goes
            self.ctl("reload", "--rollback", ok=(0, 1))
            if self.faulty or self.broken:
                self.op_mend()
        old, self.upgrading = self.server.proc, True
        beside = [self.guard(lambda w=w: self.ctl(*w, ok=None)) for w in self.rng.choices(
            [["status"], ["edges"], ["latency", "import", self.server.dir + "/import.csv"], ["latency", "forget", "e5"], ["zone", "sync", "own.test"],
             ["export"], ["zones"]], k=self.rng.randrange(3))]
        code, said = self.ctl("upgrade", ok=(0, 1))
        if code == 0:
            new = Successor(int(re.search(r"upgraded: process (\d+)", said)[1]))
            with open("/proc/%d/maps" % new.pid) as f:
                if SHIM not in f.read():
                    raise Wrong("the new process is not under the test's hand")
            self.before, self.server.proc = old, new
            self.upgrades += 1
        elif not (self.faulty or self.broken or self.bad_disk or self.limited or "a stage is on" in said):
            raise Wrong("upgrade: " + said)
        for t in beside:
            t.join(COMMAND_S)
        self.upgrading = False

    def one_serves(self):
        """The process of the upgrade before has ended, as it should."""
        if not self.before:
            return
        try:
            code = self.before.wait(60 * SLOW)
        except subprocess.TimeoutExpired:
            raise Wrong("the process before the upgrade does not end") from None
        self.before = None
        if code:
            raise Wrong("the process before the upgrade ended with %s" % code)

    WEIGHTS = {"op_reload": 8, "op_other_config": 5, "op_faulty_zone": 3, "op_mend": 4, "op_faulty_config": 2, "op_faulty_database": 1,
               "op_faulty_table": 1, "op_stage": 5, "op_promote": 5, "op_rollback": 4, "op_import": 5, "op_forget": 3, "op_export": 3,
               "op_force": 8, "op_probe": 3, "op_read": 6, "op_many_at_once": 5, "op_new_database": 2, "op_new_table": 4, "op_hangup": 4,
               "op_edge": 6, "op_load": 3, "op_zone": 5, "op_draft": 6, "op_edit_file": 3, "op_zone_read": 3, "op_disk": 3, "op_memory": 2, "op_upgrade": 3,
               "op_restart": 1}

    def operate(self, beside=None):
        ops = {k: v for k, v in self.WEIGHTS.items() if not beside or k not in ("op_disk", "op_memory", "op_upgrade", "op_restart")}
        op = self.rng.choices(list(ops), list(ops.values()))[0]
        self.history.append("%.2f %s" % (time.monotonic() - self.begun, op))
        self.counts[op[3:]] = self.counts.get(op[3:], 0) + 1
        getattr(self, op)()
        if self.has_ended() and not self.restarting:
            raise Wrong("it ended with %s after %s" % (self.server.proc.returncode, op))
        if self.wrong:
            raise Wrong(self.wrong[0])

    # ---------------------------------------------------------- the end

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.server.proc.pid))

    def helpers(self):
        pid = self.server.proc.pid
        return sum(slow.is_helper(pid, tid) for tid in os.listdir("/proc/%d/task" % pid))

    def idle(self, seconds):
        """Until no job runs or waits but those that look at files."""
        end = time.monotonic() + seconds * SLOW
        while True:
            status = json.loads(self.ctl("status", "--json")[1])
            if status["jobs_waiting"] == 0 and status["jobs_running"] <= 1:
                return status
            if time.monotonic() > end:
                raise Wrong("jobs that do not end: " + self.ctl("jobs")[1])
            time.sleep(0.1)

    def nothing_is_left(self):
        self.quiet.set()
        self.slow.off()
        self.one_serves()
        self.changes_are_there()
        self.own_is_there()
        status = self.idle(30)
        end = time.monotonic() + 30 * SLOW
        while self.descriptors() > self.descriptors_at_first + SLACK_FDS:
            if time.monotonic() > end:
                raise Wrong("%d descriptors, %d at first: %s" % (self.descriptors(), self.descriptors_at_first, self.open_files()))
            time.sleep(0.2)
        if self.helpers() > 32:                             # as many as there may ever be
            raise Wrong("%d helper threads" % self.helpers())
        if self.wrong:
            raise Wrong(self.wrong[0])
        self.quiet.clear()
        return status

    def open_files(self):
        folder = "/proc/%d/fd/" % self.server.proc.pid
        names = {}
        for n in os.listdir(folder):
            try:
                to = re.sub(r"\d+", "#", os.readlink(folder + n))
            except OSError:
                continue
            names[to] = names.get(to, 0) + 1
        return names

    def end(self):
        """SIGTERM in the midst of whatever it does."""
        self.restarting = True
        self.one_serves()
        self.server.proc.send_signal(signal.SIGTERM)
        try:
            self.server.proc.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            raise Wrong("SIGTERM does not stop it") from None
        said = self.server.said()
        if "Sanitizer" in said or "runtime error" in said:
            raise Wrong("a sanitizer has something to say")
        if self.server.proc.returncode != 0:
            raise Wrong("exit status %s" % self.server.proc.returncode)

    def run(self):
        self.begun, status = time.monotonic(), {}
        if not os.path.exists(SHIM):
            raise Wrong("there is no " + SHIM)
        try:
            self.begin()
            seed = self.seed * 1000
            self.descriptors_at_first = self.descriptors() + 16     # workers, probes and clients come and go
            helpers = [self.guard(self.ask_for_ever, seed + i, i % 3 == 2) for i in range(3)]
            helpers += [self.guard(f, seed + 10 + i) for i, f in enumerate((self.reports_for_ever, self.rude_for_ever, self.hold_for_ever,
                                                                             self.updates_for_ever))]
            while time.monotonic() - self.begun < self.seconds:
                self.operate()
            status = self.nothing_is_left()
            self.operate_until_the_end()
            self.stop.set()
            self.end()
            for t in helpers:
                t.join(20 * SLOW)
            if self.wrong:
                raise Wrong(self.wrong[0])
        except Exception:
            self.tell()
            raise
        finally:
            self.stop.set()
            for w in self.web.values():
                w.close()
            for proc in (self.server.proc, self.before):
                if proc and proc.poll() is None:
                    proc.kill()
                    proc.wait()
            shutil.rmtree(self.server.dir, ignore_errors=True)
            self.other.__exit__(Wrong)
        return status

    def operate_until_the_end(self):
        for _ in range(3):
            self.operate(beside="the end")

    def tell(self):
        said = self.server.said()
        at = max(said.find("Sanitizer"), said.find("runtime error"))
        print("seed %d, after %.1f s; the last steps: %s" % (self.seed, time.monotonic() - self.begun, "; ".join(self.history[-12:])), file=self.out)
        print(named(said[max(0, at - 200):at + 9000]) if at >= 0 else said[-3000:], file=self.out)

    def summary(self, status):
        return "%d steps (%s), %d answers checked, %d updates confirmed, %d restarts, %d upgrades, threads held %d times; longest turn of the loop %.1f ms, %d over 10 ms" % (
            sum(self.counts.values()), ", ".join("%s %d" % kv for kv in sorted(self.counts.items())), self.asked, self.confirmed,
            self.restarts, self.upgrades, self.slow.held(), status["loop_longest_us"] / 1e3, status["loop_late"])


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--no-holds", action="store_true", help="so that turns of the loop are its own")
    args = ap.parse_args()
    churn = Churn(args.seconds, args.seed)
    if args.no_holds:
        churn.hold_for_ever = lambda seed: None
    try:
        status = churn.run()
    except Exception as e:
        print("churn: FAILED: %s" % e)
        return 1
    print("churn: " + churn.summary(status))
    return 0


if __name__ == "__main__":
    sys.exit(main())
