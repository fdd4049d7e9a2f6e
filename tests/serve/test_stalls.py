"""A dead edge leaves the answers as soon as ever, whatever else the server is at: reloads, rankings, exports, disks that hang.

STALLS=large measures with 200,000 zones, 20,000 pools, 4 million measurements and a zone of a million records, and prints a
table (the longest turn is that of all so far); it takes some minutes. ZONES, POOLS, ROWS and RECORDS change its size.
"""
import errno
import json
import threading

from lib import *

sys.path.insert(0, TOP + "/tests/churn")
import slow                                                 # noqa: E402

LARGE = os.environ.get("STALLS") == "large"
ZONES, POOLS, ROWS, RECORDS = (int(os.environ.get(k, n[LARGE])) for k, n in (
    ("ZONES", (5000, 200000)), ("POOLS", (2000, 20000)), ("ROWS", (30000, 4000000)), ("RECORDS", (50000, 1000000))))
EDGES, PER_POOL = (100, 20) if LARGE else (50, 10)
SHIM = BUILD + "/slow.so"
DISK_S = 3.0                                                # what a call of a slow disk takes
PROMISE_S = 0.2 * SLOW                                      # so much longer than in quiet
TRIES = 3                                                   # a crowded machine may be late once or twice, a stall is there each time
DEAD, ALIVE = "127.0.9.1", "127.0.9.2"


class Target:
    """Something that a probe of kind tcp can connect to, or not."""

    def __init__(self, host, port):
        self.where, self.listener = (host, port), None
        self.listen()

    def listen(self):
        self.listener = socket.create_server(self.where, backlog=64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)        # wakes who waits in accept()
        self.listener.close()


class Place(Server):
    patience_s = 300 if LARGE else Server.patience_s

    def __init__(self):
        if not os.path.exists(SHIM):
            raise Skip("this build has no " + SHIM)
        port = free_port()
        self.targets = {a: Target(a, port) for a in (DEAD, ALIVE)}
        super().__init__({}, self.text(port), server="workers: 1", start=False)
        for folder in ("kept", "kept/state", "kept/log", "kept/learned"):
            os.mkdir(self.dir + "/" + folder)
        conf = open(self.conf).read().replace("socket: control.sock", "socket: control.sock, state: kept/state/state")
        self.write("waymark.yaml", conf)
        shutil.copy(TOP + "/geoip/city.mmdb", self.dir + "/city.mmdb")
        for i in range(ZONES):
            self.write("zones/z%d.test.zone" % i, self.zone(i))
        self.write("zones/big.test.zone", APEX + "$GENERATE 1-%d h$ A 10.0.0.1\n" % min(RECORDS, 65535) +
                   "".join("$GENERATE 1-50000 g%d-$ A 10.0.0.2\n" % i for i in range((RECORDS - 1) // 50000)))
        self.write("measured.csv", "prefix,edge,rtt_ms\n1.0.0.0/8,x1,9\n")
        self.rows("import.csv", ROWS)
        self.rows("few.csv", 200)
        self.slow = slow.Slow(self.dir + "/plan")
        self.start(env=dict(os.environ, LD_PRELOAD=preload(SHIM), SLOW=self.dir + "/plan"))
        self.ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ask.connect(("127.0.0.1", self.port))
        self.ask.settimeout(0.5)
        self.wait(True)
        self.quiet = [self.gone() for _ in range(4)]

    def zone(self, i, ttl=300):
        return APEX.replace("$TTL 300", "$TTL %d" % ttl) + "pair 60 EDGE pair\nwww EDGE p%d\n" % (i % POOLS)

    def rows(self, name, n):
        with open(self.dir + "/" + name, "w") as f:
            f.write("prefix,edge,rtt_ms\n")
            for i in range(n):
                f.write("%d.%d.%d.0/24,x%d,%d\n" % (1 + (i >> 16) % 200, i >> 8 & 255, i & 255, i % 7 + (i >> 24), 5 + i % 90))

    @staticmethod
    def text(port):
        spots = ["%d,%d" % (i * 37 % 120 - 50, i * 53 % 340 - 170) for i in range(EDGES)]
        lists = [", ".join("x%d" % ((i * 3 + k) % EDGES) for k in range(PER_POOL)) for i in range(EDGES)]
        return """
geoip: { city: { file: city.mmdb } }
log: { decisions: { file: kept/log/decisions, sample: 100% } }
latency: { files: [ measured.csv ], state: kept/learned/state, memory: 4G }
balance: { every: 1s }
probes: { tcp: { kind: tcp, port: """ + str(port) + """, every: 100ms, timeout: 95ms, rise: 1, fall: 1 } }
edges:
  dead: { a: """ + DEAD + ', at: "0,0" }\n  alive: { a: ' + ALIVE + ', at: "0,0" }\n' + "".join(
            '  x%d: { at: "%s", a: 192.0.2.%d, capacity: 1000 }\n' % (i, at, i + 1) for i, at in enumerate(spots)) + """
pools:
  pair: { edges: [ dead, alive ], policy: round-robin, answers: 2, probe: tcp }
""" + "".join("  p%d: { edges: [ %s ] }\n" % (i, lists[i % EDGES]) for i in range(POOLS))

    def is_answered(self):
        """Is the edge that dies among the answers? None: nothing came."""
        packet = query("pair.z0.test", "A")
        with contextlib.suppress(OSError):
            self.ask.send(packet)
            while True:
                reply = self.ask.recv(65535)
                if reply[:2] == packet[:2]:
                    return DEAD in Message(reply).addresses()

    def wait(self, answered, least_s=0):
        start = time.monotonic()
        while self.is_answered() is not answered:
            same(self.proc.poll(), None, self.said()[-2000:])
            if time.monotonic() > start + 60 * SLOW:
                raise AssertionError("the edge is %s: %s" % ("not back" if answered else "answered for ever", self.said()[-2000:]))
            time.sleep(0.004)
        return time.monotonic() - start

    def gone(self):
        """Seconds from an edge's death to when it is answered no longer; then it lives again."""
        # Probes begin at fixed times: not always at the same distance from them.
        time.sleep(random.random() * 0.1)
        self.targets[DEAD].close()
        took = self.wait(False)
        self.targets[DEAD].listen()
        self.wait(True)
        return took

    def loop(self):
        """(longest turn of the loop in ms, turns over 10 ms), as the server tells."""
        status = json.loads(self.ctl("status", "--json")[1])
        return status.get("loop_longest_us", -1) / 1e3, status.get("loop_late", 0)

    def away(self):
        self.slow.off()
        for t in self.targets.values():
            t.close()
        self.ask.close()


class Beside:
    """Does something again and again in a thread of its own, until it leaves."""

    def __init__(self, work, over=lambda: None):
        self.work, self.over, self.stop, self.took, self.wrong, self.began = work, over, threading.Event(), [], None, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop.is_set():
                start = time.monotonic()
                self.began.set()
                self.work()
                self.took.append(time.monotonic() - start)
        except Exception as e:
            self.wrong = e
        self.began.set()

    def __enter__(self):
        self.thread.start()
        self.began.wait(60)
        time.sleep(0.02)
        return self

    def __exit__(self, *why):
        self.stop.set()
        self.over()
        self.thread.join(600)
        if self.wrong and why[0] is None:
            raise self.wrong


@contextlib.contextmanager
def place():
    """One for all claims."""
    if "one" not in shared:
        shared["one"] = Place()
    yield shared["one"]


def leave():
    s = shared.pop("one", None)
    if s:
        s.away()
        s.__exit__(None)


shared = {}


def noticed(s, say, work, over=lambda: None, whole=False, enough=lambda: True):
    """While `work` is done again and again (once at least, with `whole`; until it is `enough`) an edge's death is noticed as in
    quiet, and no turn of the loop is long."""
    limit = max(s.quiet) + PROMISE_S
    tries = []
    for _ in range(1 if LARGE else TRIES):
        before, took = s.loop()[1], []
        with Beside(work, over) as b:
            end = time.monotonic() + (3600 if LARGE else 60 * SLOW)
            while len(took) < 2 or not b.wrong and ((LARGE or whole) and not b.took or not enough()):
                assert time.monotonic() < end, "it does not come to its end: " + s.said()[-2000:]
                took.append(s.gone())
        longest, late = s.loop()
        if LARGE:
            print("| %-42s | %6.2f | %6.2f | %6.1f | %3d | %7.2f |" % (say, max(s.quiet), max(took), longest, late - before,
                                                               max(b.took or [0])))
            return
        if max(took) <= limit and late == before:
            return
        tries.append("%.2f s, %d late turns" % (max(took), late - before))
    raise AssertionError("%s: an edge's death is noticed after %s; %.2f s in quiet; longest turn %.1f ms" % (
        say, ", ".join(tries), max(s.quiet), longest))


def fine(said, want=0):
    same(said[0], want, said[1][-1500:])
    return said


def meets(s, n=0):
    """Until the shim's rule has met a call."""
    end = time.monotonic() + 60 * SLOW
    while not s.slow.seen(n):
        assert time.monotonic() < end, "nobody uses that file"
        time.sleep(0.02)


# ------------------------------------------------------------------ disks

@claim("measurements that are saved to a disk that takes 3 s a call hold up no verdict")
def learned_disk():                                         # the first: it is saved at once only when it never was
    with place() as s:
        s.slow.rule(s.dir + "/kept/learned", delay_s=DISK_S)
        fine(s.ctl("latency", "import", s.dir + "/few.csv"))
        meets(s)
        noticed(s, "latency state, 3 s a call", lambda: time.sleep(0.1), s.slow.off)
        s.slow.off()


@claim("a forced state that is saved to a disk that takes 3 s a call holds up no verdict, and is waited for")
def state_disk():
    with place() as s:
        s.slow.rule(s.dir + "/kept/state", delay_s=DISK_S)

        def force():
            start = time.monotonic()
            fine(s.ctl("force", "x3", "drain"))
            if not released:
                assert time.monotonic() - start >= DISK_S, "it did not wait for the disk"
        released = []

        def over():
            released.append(1)
            s.slow.off()
        noticed(s, "force, state disk 3 s a call", force, over)
        fine(s.ctl("force", "x3", "auto"))


@claim("a decision log on a disk that takes 3 s a call holds up no verdict")
def decisions_disk():
    with place() as s:
        s.slow.rule(s.dir + "/kept/log", delay_s=DISK_S)
        s.is_answered()
        meets(s)
        noticed(s, "decision log, 3 s a call", lambda: time.sleep(0.1), s.slow.off)


@claim("GeoIP files on a disk that takes 3 s a call hold up no verdict")
def database_disk():
    with place() as s:
        s.slow.rule(s.dir + "/city", delay_s=DISK_S)
        shutil.copy(TOP + "/geoip/city.mmdb", s.dir + "/new.mmdb")
        os.rename(s.dir + "/new.mmdb", s.dir + "/city.mmdb")
        meets(s)
        noticed(s, "GeoIP database, 3 s a call", lambda: time.sleep(0.1), s.slow.off)


@claim("a zone file on a disk that takes 3 s a call holds up no verdict while it is loaded")
def zone_disk():
    with place() as s:
        def reload():
            s.write("zones/z1.test.zone", s.zone(1, random.randrange(300, 9999)))
            fine(s.ctl("reload"))
        s.slow.rule(s.dir + "/zones/z1.", delay_s=DISK_S)
        noticed(s, "reload, a zone's disk 3 s a call", reload, s.slow.off)


@claim("on a full disk verdicts are noticed as ever, and force tells that it cannot save")
def full_disk():
    with place() as s:
        s.slow.rule(s.dir + "/kept", slow.WRITE, error=errno.ENOSPC)

        def force():
            said = fine(s.ctl("force", "x4", "down"), 1)[1]
            assert "No space left" in said and "it holds, but it is not saved" in said, said
        noticed(s, "force, full disk", lambda: released or force(), lambda: released.append(1))
        s.slow.off()
        fine(s.ctl("force", "x4", "auto"))


released = []


@claim("force exits 1 when its state cannot be saved: an error of the disk, a folder that is gone; and 0 when it can again")
def force_tells():
    with place() as s:
        for calls, say in ((slow.SYNC, "Input/output error"), (slow.RENAME, "Input/output error"), (slow.WRITE, "Input/output error")):
            s.slow.rule(s.dir + "/kept/state", calls, error=errno.EIO)
            said = fine(s.ctl("force", "x5", "down"), 1)[1]
            assert say in said and "it holds, but it is not saved" in said, (calls, said)
        s.slow.off()
        os.rename(s.dir + "/kept/state", s.dir + "/kept/elsewhere")
        said = fine(s.ctl("force", "x5", "drain"), 1)[1]
        assert "No such file" in said, said
        os.rename(s.dir + "/kept/elsewhere", s.dir + "/kept/state")
        fine(s.ctl("force", "x5", "auto"))


# ------------------------------------------------------------------ work

@claim("a reload of many zones and pools holds up no verdict")
def reloads():
    with place() as s:
        def reload():
            s.write("zones/z1.test.zone", s.zone(1, random.randrange(300, 9999)))
            fine(s.ctl("reload"))
        noticed(s, "reload, one zone of %d changed" % ZONES, reload, whole=True)


@claim("a reload of a zone of many records holds up no verdict")
def large_zone():
    with place() as s:
        def reload():
            with open(s.dir + "/zones/big.test.zone", "a") as f:
                f.write("n%d A 10.0.0.3\n" % random.getrandbits(60))
            fine(s.ctl("reload"))
        noticed(s, "reload, a zone of %d records changed" % RECORDS, reload, whole=True)


@claim("a reload of other edges and pools holds up no verdict")
def other_pools():
    with place() as s:
        text = open(s.conf).read()

        def reload():
            for at in ("-50,-170", "-51,-170"):
                s.write("waymark.yaml", text.replace('"-50,-170"', '"%s"' % at))
                fine(s.ctl("reload"))
        noticed(s, "two reloads, an edge of %d pools moved" % POOLS, reload, whole=LARGE)
        s.write("waymark.yaml", text)


@claim("an import of many measurements and the rankings of it hold up no verdict")
def imports():
    with place() as s:
        noticed(s, "import of %d rows, rankings" % ROWS, lambda: fine(s.ctl("latency", "import", s.dir + "/import.csv")), whole=True)


@claim("latency files that change and their rankings hold up no verdict")
def new_files():
    with place() as s:
        before, replaced = s.said().count("were read anew"), []

        def replace():
            if replaced:
                time.sleep(0.05)
                return
            replaced.append(1)
            with open(s.dir + "/measured~", "w") as f:
                f.write("prefix,edge,rtt_ms\n" + "".join("%d.0.0.0/8,x%d,%d\n" % (i, i % 7, random.randrange(1, 99)) for i in range(1, 99)))
            os.rename(s.dir + "/measured~", s.dir + "/measured.csv")
        noticed(s, "latency files anew", replace, enough=lambda: s.said().count("were read anew") > before)


@claim("a reader of an export who takes his time holds up no verdict")
def slow_reader():
    with place() as s:
        fine(s.ctl("latency", "import", s.dir + "/import.csv"))

        def read():
            with socket.socket(socket.AF_UNIX) as c:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                c.connect(s.socket)
                c.sendall(b"latency\0export\0")
                c.shutdown(socket.SHUT_WR)
                end = time.monotonic() + (20 if LARGE else 1)
                while time.monotonic() < end and c.recv(500):
                    time.sleep(0.01)
        noticed(s, "latency export, a slow reader", read)


@claim("exports hold up no verdict")
def exports():
    with place() as s:
        if LARGE:                                           # else it is there
            fine(s.ctl("latency", "import", s.dir + "/import.csv"))
        noticed(s, "latency export", lambda: fine((s.ctl("latency", "export")[0], "")), whole=LARGE)
        noticed(s, "export", lambda: fine((s.ctl("export")[0], "")), whole=LARGE)


@claim("the balancer's look at many pools in demand holds up no verdict")
def balancer():
    with place() as s:
        packets = [query("www.z%d.test" % (i % min(ZONES, POOLS)), "A", edns=opt(options=ecs(random_net(random)))) for i in range(4000)]

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as q:
                q.connect(("127.0.0.1", s.port))
                q.setblocking(False)
                for p in random.choices(packets, k=200):
                    with contextlib.suppress(OSError):
                        q.send(p)
                        q.recv(65535)
                time.sleep(0.01)
        end = time.monotonic() + (1.2 if not LARGE else 5)  # one look at least
        noticed(s, "balancer, %d pools in demand" % POOLS, ask, enough=lambda: time.monotonic() > end)


@claim("a crowd of control clients who write half and read nothing holds up no verdict")
def crowd():
    with place() as s, contextlib.ExitStack() as stack:
        def come():
            for words in (b"status\0", b"edges\0", b"pools\0", b"expo", b"latency\0export\0", b"zones\0", b""):
                c = stack.enter_context(socket.socket(socket.AF_UNIX))
                c.settimeout(0.2)
                with contextlib.suppress(OSError):
                    c.connect(s.socket)
                    c.sendall(words)
                    if random.random() < 0.7:
                        c.shutdown(socket.SHUT_WR)
                if random.random() < 0.2:
                    c.close()
            time.sleep(0.02)
        noticed(s, "a crowd of control clients", come, stack.close)


@claim("the server ends as it should")
def end():
    leave()


if LARGE:
    print("| %-42s | quiet s | dead s | turn ms | late | wall s |" % "%d zones, %d pools, %d rows, %d records" % (ZONES, POOLS, ROWS, RECORDS))
run("stalls")
