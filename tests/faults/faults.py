#!/usr/bin/python3
"""System calls that fail: at the start, at a reload, at changes, at an upgrade, while it serves.

Each run has a real server go through all that, with the shim (fail_calls.c) in it, of which one kind of call fails from its Nth on: once, some times, or for as long as
that step goes on. Every second run is of a server of a fleet, with a real Redis and another server that both change a zone of the fleet. The server may refuse to start, or to do what it was told, with a sentence; it may not crash, hang, or forget what it has confirmed, and once calls
succeed again it serves, and takes changes.

    faults.py [--runs 100] [--seed 1] [--only SEED]      a run is known by its seed
"""
import argparse
import errno
import mmap
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from fleet import *                                                                                             # noqa: E402

SHIM = BUILD + "/fail_calls.so"
CALLS = {                                                   # in the order of fail_calls.c, and how each fails
    "open": "EMFILE ENFILE EIO ENOENT EACCES ENOSPC", "read": "EIO", "write": "ENOSPC EIO EDQUOT", "sync": "EIO ENOSPC", "rename": "EIO ENOSPC EROFS",
    "truncate": "EIO ENOSPC", "socket": "EMFILE ENFILE ENOBUFS", "bind": "EADDRINUSE EACCES", "accept": "EMFILE ENOBUFS ENOMEM", "epoll": "ENOMEM ENOSPC",
    "map": "ENOMEM", "thread": "EAGAIN", "send": "ENOBUFS ENOMEM EPIPE", "stat": "EIO ENOMEM", "pipe": "EMFILE", "unlink": "EROFS EIO"}
NAMES = list(CALLS)
CONFIG = """
control: { socket: control.sock, state: state.json }
latency: { state: latency.csv }
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ], default: [ ams ] } }
store: { file: w.db }
log: { decisions: { file: decisions.log, sample: 100% } }
templates: { own: { write-back: store, nameservers: [ ns1.example.com ] } }
"""
FLEET = "fleet: { redis: \"redis://127.0.0.1:%d\", name: test, server: %s, secret: \"" + SECRET + "\", wait: 500ms }\n"
SHARED = "{ name: shared.test, fleet: on, file: zones/shared.test.zone }"
ZONES = {"example.com": APEX + "www A 192.0.2.10\ncdn EDGE web\n", "signed.example": APEX + "www A 192.0.2.20\n", "shared.test": APEX + "www A 192.0.2.30\n"}
STEPS = ["start", "reload", "change", "share", "force", "add", "backup", "upgrade", "serve", "stop"]


class Plan:
    """What the shim goes by."""

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(8 * (5 + len(NAMES))))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def set(self, call, first, n, error):
        self.end()
        for i, v in enumerate((NAMES.index(call), 0, n, error)):
            self.map[8 * i:8 * i + 8] = struct.pack("=Q", v)
        self.map[32:] = bytes(len(self.map) - 32)
        self.map[8:16] = struct.pack("=Q", first)

    def end(self):
        self.map[8:16] = bytes(8)

    def failed(self):
        return struct.unpack("=Q", self.map[-8:])[0]


class Broken(AssertionError):
    pass


def in_step(server):
    return json_of(server, "status").get("fleet_zones_in_step") == 1


class Others:
    """What the server has beside it, and no call fails of: a Redis, and another server of the fleet."""

    def __init__(self):
        self.redis = Redis("--appendonly", "yes", "--appendfsync", "always")
        try:
            self.mate = Server(ZONES, FLEET % (self.redis.port, "ns2") + "store: { file: w.db }\n", start=False)
            self.mate.configure(zones="[ %s ]" % SHARED)
            self.mate.start()
            until(lambda: in_step(self.mate), 30)
        except BaseException:
            self.redis.kill()
            raise

    def end(self):
        for p in (self.mate.proc, self.redis.proc):
            if p.poll() is None:
                p.kill()
                p.wait()
        for d in (self.mate.dir, self.redis.dir):
            shutil.rmtree(d, ignore_errors=True)


class Run:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.others = Others() if seed % 2 and shutil.which("redis-server") else None
        self.server = Server(ZONES, CONFIG, start=False)
        self.server.patience_s = 20
        fleet = FLEET % (self.others.redis.port, "ns1") if self.others else ""
        # "control" stands in CONFIG here.
        self.server.write("waymark.yaml", "server: { listen: [ \"127.0.0.1:%d\" ], workers: 1%s }\nzones: [ { name: signed.example, file: zones/signed.example.zone, "
                          "dnssec: auto }, { name: example.com, file: zones/example.com.zone }%s ]\n%s%s" % (
                              self.server.port, ", user: root" if os.getuid() == 0 else "", ", " + SHARED if fleet else "", CONFIG, fleet))
        self.plan = Plan(self.server.dir + "/plan")
        self.step = self.rng.choice([s for s in STEPS if s != "share" or self.others])
        self.call = self.rng.choice(NAMES)
        if self.call == "epoll" and self.step == "start":   # libev ends a process whose loops cannot be woken
            self.step = "serve"
        self.error = self.rng.choice(CALLS[self.call].split())
        self.first = int(self.rng.choice((1, 3, 10, 40, 150)) * self.rng.random()) + 1
        self.n = self.rng.choice((1, 1, 3, 10**9))
        if self.call == "accept":                           # who is never let in waits, and rightly
            self.n = min(self.n, 5)
        self.confirmed = {}                                 # what has to be so
        self.pid = None

    def say(self):
        return "%s: %s fails with %s from its %d. on, %d times" % (self.step, self.call, self.error, self.first, self.n)

    def ctl(self, *words, at=None):
        try:
            done = subprocess.run([WAYMARKCTL, "-c", (at or self.server).conf] + list(words), capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            raise Broken("%s hangs" % " ".join(words)) from None
        return done.returncode == 0, done.stdout + done.stderr

    def alive(self):
        if self.server.proc.poll() not in (None, 0):
            raise Broken("the server ended with %s" % self.server.proc.returncode)

    def start(self, shim=True):
        env = dict(os.environ, LD_PRELOAD=SHIM, FAIL_CALLS=self.server.dir + "/plan") if shim else None
        try:
            self.server.start(env)
            return True
        except AssertionError:
            self.plan.end()
            code = self.server.proc.poll()
            if code == 1 and ("waymarkd: " in self.server.said() or self.call == "write"):
                return False                                # it does not start, and says why where that can be written
            raise Broken("the server ended with %s at its start" % code if code is not None else "the server does not start") from None

    def change(self):
        value = "192.0.2.%d" % self.rng.randrange(1, 255)
        if self.ctl("zone", "begin", "mine.test")[0] and self.ctl("zone", "set", "mine.test", "www", "60", "A", value)[0]:
            if self.ctl("zone", "commit", "mine.test")[0]:
                self.confirmed["www.mine.test"] = value
            else:
                self.confirmed.pop("www.mine.test", None)   # it may have come so far
                self.ctl("zone", "abort", "mine.test")

    def share(self, at, owner):
        """One of the servers changes the fleet's zone. What is not confirmed may be so all the same."""
        value, name = "192.0.2.%d" % self.rng.randrange(1, 255), owner + ".shared.test"
        ok = all(self.ctl("zone", *words, at=at)[0] for words in (("begin", "shared.test"), ("set", "shared.test", owner, "60", "A", value), ("commit", "shared.test")))
        if ok:
            self.confirmed[name] = value
            self.shared += 1
        else:
            self.confirmed.pop(name, None)
            self.ctl("zone", "abort", "shared.test", at=at)

    def do(self, step):
        if step == "reload":
            self.server.write("zones/example.com.zone", ZONES["example.com"] + "more A 192.0.2.77\n")
            self.ctl("reload")
        elif step == "change":
            self.change()
        elif step == "share":
            for i in range(4 if self.others else 0):
                self.share(self.others.mate if i % 2 else self.server, "own%d" % i)
        elif step == "force":
            if self.ctl("force", "ams", "down")[0]:
                self.confirmed["cdn.example.com"] = "192.0.2.2"
        elif step == "add":
            if self.ctl("zone", "add", "late.test", "own")[0]:
                self.confirmed["late.test"] = None
        elif step == "backup":
            self.ctl("backup", self.server.dir + "/copy.db")
        elif step == "upgrade":
            self.ctl("upgrade")
        elif step == "serve":
            for i in range(20):
                with contextlib.suppress(OSError, AssertionError):
                    (self.server.udp if i % 2 else self.server.tcp)("cdn.example.com")
            self.ctl("status")

    def check(self, say):
        """As it was confirmed."""
        end = time.monotonic() + 20
        while True:
            try:
                for name, value in self.confirmed.items():
                    for s in [self.server] + ([self.others.mate] if name.endswith("shared.test") else []):
                        reply = s.udp(name, "A" if value else "SOA")
                        same(reply.addresses() if value else [reply.rcode], [value] if value else [0], "%s: %s" % (say, name))
                if self.others:
                    same(len({s.udp("shared.test", "SOA").answer[0][3] for s in (self.server, self.others.mate)}), 1, say + ": serials of shared.test")
                same(self.server.udp("www.example.com").addresses(), ["192.0.2.10"], say)
                return
            except (OSError, AssertionError) as e:
                if time.monotonic() > end:
                    raise Broken("%s: %s" % (say, e)) from None
                time.sleep(0.1)

    def end(self):
        if not self.ctl("stop")[0]:                         # who cannot be watched is not heard; he asks again
            self.plan.end()
            self.ctl("stop")
        end = time.monotonic() + 30
        while self.ctl("status")[0] or any(p != self.server.proc.pid for p in self.processes()):
            if time.monotonic() > end:
                raise Broken("it does not stop")
            time.sleep(0.05)
        try:
            self.server.proc.wait(30)
        except subprocess.TimeoutExpired:
            raise Broken("it does not end") from None
        self.alive()

    def go(self):
        for step in STEPS:
            if step == self.step:
                self.plan.set(self.call, self.first, self.n, getattr(errno, self.error))
            if step == "start":
                if not self.start() and not self.start():
                    raise Broken("it does not start when nothing fails any more")
                self.plan.end()
                if "could not be read" in self.server.said():  # "mend them and reload"
                    self.ctl("reload")
                ok, said = self.ctl("zone", "add", "mine.test", "own")
                if not ok:
                    raise Broken("zone add: " + said)
                if self.others:
                    until(lambda: in_step(self.server), 30)
            elif step == "stop":
                self.end()
            else:
                self.do(step)
                if self.others and step == self.step:
                    self.share(self.server, "beside")
            if step == self.step:
                self.plan.end()
                self.failed = self.plan.failed()
            if step != "stop":
                self.alive()
                self.check("after " + step)
        self.start(shim=False)
        self.check("after a restart")
        self.end()

    def processes(self):
        """The server's, and its launcher's; one that has ended has no words any more."""
        found = []
        for p in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError):
                with open("/proc/%d/cmdline" % int(p)) as f:
                    if self.server.conf in f.read().split("\0"):
                        found.append(int(p))
        return found

    def clear(self):
        for p in self.processes():
            with contextlib.suppress(OSError):
                os.kill(p, signal.SIGKILL)
        shutil.rmtree(self.server.dir, ignore_errors=True)
        if self.others:
            self.others.end()


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--runs", type=int, default=100)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--only", type=int)
    args = args.parse_args()
    if not os.path.exists(SHIM):
        sys.exit("faults: there is no %s (\"make faults\" builds it): nothing would fail" % SHIM)
    broken = failed = shared = 0
    seeds = [args.only] if args.only is not None else range(args.seed * 100000, args.seed * 100000 + args.runs)
    for seed in seeds:
        run_ = Run(seed)
        run_.failed = run_.shared = 0
        try:
            run_.go()
        except (Broken, OSError, AssertionError, subprocess.TimeoutExpired) as e:
            broken += 1
            print("faults: seed %d: %s\n    %s\n    %s" % (seed, run_.say(), e, "\n    ".join(run_.server.said().splitlines()[-8:])), flush=True)
        finally:
            run_.clear()
        failed += run_.failed > 0
        shared += run_.shared
    print("faults: %d runs, in %d of them something failed: %d broken; %d changes of the fleet's zone were confirmed" % (len(seeds), failed, broken, shared))
    return broken > 0


sys.exit(main())
