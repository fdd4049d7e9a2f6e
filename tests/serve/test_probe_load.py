"""Many targets at once: ten thousand that time out together, storms of flaps, rounds without end.

Small forms of these run by themselves; "test_probe_load.py full" runs the whole ones (some ten minutes) and prints what it
measures, "test_probe_load.py full FUNCTION" one of them.
"""
import re
from edges import *

FULL = "full" in sys.argv[1:]
if FULL:
    sys.argv.remove("full")


def thread_cpu(s, tid=None):
    """Seconds of processor time of the control thread, which is the first."""
    with open("/proc/%d/task/%d/stat" % (s.proc.pid, tid or s.proc.pid)) as f:
        words = f.read().split(")")[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def counts(s):
    """Open descriptors but for probes in flight, and threads but for those of jobs, which come and go."""
    task, threads = "/proc/%d/task" % s.proc.pid, 0
    for tid in os.listdir(task):
        try:
            with open("%s/%s/comm" % (task, tid)) as f:
                threads += not f.read().startswith("job")
        except OSError:
            pass                                            # it has just gone
    return len(os.listdir("/proc/%d/fd" % s.proc.pid)), threads


def many(n, per_edge=10):
    """The edges section of n loopback addresses."""
    addresses = ["127.%d.%d.%d" % (1 + i // 62500, i // 250 % 250, i % 250 + 1) for i in range(n)]
    return "edges:\n" + "".join("  e%d: { a: [ %s ] }\n" % (i, ", ".join(addresses[i * per_edge:(i + 1) * per_edge]))
                                for i in range(n // per_edge)), ["e%d" % i for i in range(n // per_edge)]


class Silence:
    """A port whose queue is full: whoever connects waits, as for an address that is not there."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("0.0.0.0", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(3):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(c)
        return self

    def __exit__(self, *why):
        for c in self.waiting + [self.listener]:
            c.close()


def latencies(s, seconds, rate):
    """The latencies of dnsperf's answers at that rate, in ms, ascending."""
    with open(s.dir + "/queries", "w") as f:
        f.write("www.example.com A\nnot.example.com A\nmail.example.com A\n")
    done = subprocess.run(["dnsperf", "-v", "-s", "127.0.0.1", "-p", str(s.port), "-d", s.dir + "/queries", "-l", str(seconds), "-Q", str(rate),
                           "-q", "50"], capture_output=True, text=True)
    return sorted(float(m) * 1000 for m in re.findall(r"^> \S+ \S+ \S+ ([0-9.]+)$", done.stdout, re.M))


def quantile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def base_zone():
    return {"example.com": APEX + "web 60 EDGE web\nwww A 192.0.2.80\nmail A 192.0.2.25\n"}


@claim("thousands of targets that time out together take under 10 % of a core, and who asks or commands does not notice")
def timeouts():
    n = 10000 if FULL else 1500 // SLOW
    edges, names = many(n)
    for kind in ("tcp", "http") if FULL else ("http",):
        with Silence() as silence, Server(base_zone(), config="%sprobes: { p: { kind: %s, port: %d%s } }\npools: { web: { edges: [ %s ], policy: "
                                          "round-robin, probe: p } }" % (edges, kind, silence.port, "" if FULL else ", every: 1s, timeout: 500ms",
                                                                         ", ".join(names)), start=False) as s, Server({"example.com": APEX + "www A 192.0.2.80\nmail A 192.0.2.25\n"}) as quiet:
            s.start()
            time.sleep(5 if FULL else 1)

            def look():
                """Probes a second, the share of a core, and the longest time that a command took."""
                before, probes, start = thread_cpu(s), json_of(s, "status")["probes"], time.monotonic()
                slowest = 0
                while time.monotonic() - start < (10 if FULL else 2):
                    at = time.monotonic()
                    same(s.ctl("status")[0], 0)
                    slowest = max(slowest, time.monotonic() - at)
                    time.sleep(0.2)
                took = time.monotonic() - start
                share = (thread_cpu(s) - before) / took
                assert share < 0.10 * (1 if SLOW == 1 else 8), share
                return (json_of(s, "status")["probes"] - probes) / took, share, slowest
            for _ in range(5):                              # what others do on a busy machine is over at some time
                rate, share, slowest = look()
                if rate > n / 8 / SLOW and slowest < 1.0 * SLOW:
                    break
            if FULL:
                print("%s: %d targets: %.0f probes/s, %.1f %% of a core, a command %.0f ms at most" % (kind, n, rate, share * 100, slowest * 1000))
            assert rate > n / 8 / SLOW, rate
            assert slowest < 1.0 * SLOW, slowest
            if FULL and shutil.which("dnsperf"):            # in turns, since the machine is not alone
                p99 = {True: [], False: []}
                for _ in range(7):
                    for which in (False, True):
                        p99[which].append(latencies(s if which else quiet, 3, 20000))
                both = {k: [quantile(v, 0.99) for v in vs] for k, vs in p99.items()}
                ratios = sorted(a / b for a, b in zip(both[True], both[False]))
                print("%s: p99 at 20,000 queries/s: quiet %s ms, with probes %s ms; ratio of the pairs: median %.2f" % (
                    kind, " ".join("%.2f" % x for x in both[False]), " ".join("%.2f" % x for x in both[True]), ratios[len(ratios) // 2]))


def flaps():
    n, port = 450, free_port()
    folder = tempfile.mkdtemp(prefix="waymark-nginx.")
    edges, names = many(n, 1)
    with Nginx("map $request_id $code { default 200; ~[0-7]$ 503; }\nserver { listen 0.0.0.0:%d backlog=4096; root %s; location / {\n"
               "if (-f %s/up) { return 200; } if (-f %s/down) { return 503; } if ($code = 503) { return 503; } return 200; } }" % (
                   port, folder, folder, folder), folder), Server(
            zone("web"), config="%sprobes: { p: { kind: http, port: %d, every: 200ms, timeout: 190ms, rise: 1, fall: 1 } }\n"
            "pools: { web: { edges: [ %s ], policy: round-robin, answers: 16, probe: p, all-down: empty } }" % (edges, port, ", ".join(names))) as s:
        a, cpu, start = json_of(s, "status"), thread_cpu(s), time.monotonic()
        time.sleep(20)
        b, took = json_of(s, "status"), time.monotonic() - start
        print("%.0f probes/s, half of them flips; %.1f publications/s; %.0f %% of a core; the longest publication %.1f ms" % (
            (b["probes"] - a["probes"]) / took, (b["health_publications"] - a["health_publications"]) / took, 100 * (thread_cpu(s) - cpu) / took,
            b["health_publish_most_us"] / 1000))
        assert (b["health_publications"] - a["health_publications"]) / took <= 10.2
        for name, want in (("down", 0), ("up", 16)) * 5:
            open("%s/%s" % (folder, name), "w").close()
            until(lambda: len(s.udp("web.example.com").addresses()) == want and all(r["state"] == name for r in edge_rows(s).values()), 5)
            os.unlink("%s/%s" % (folder, name))


if FULL:                                                    # test_probe_health's storm is the small form
    claim("a thousand flaps a second are published at most 10 times a second, and the last state of every edge is answered")(flaps)


@claim("neither descriptors nor threads nor memory grow over the rounds, whatever their kind and outcome")
def rounds():
    want = 100000 if FULL else 3000 // SLOW
    port = free_port()

    def memory(s):
        with open("/proc/%d/statm" % s.proc.pid) as f:
            return int(f.read().split()[1]) * 4096
    kinds = ["kind: tcp, port: %d" % port, "kind: http, port: %d" % port, "kind: http, port: %d, expect: 404, keep-alive: on" % port, "kind: icmp",
             "kind: dns, query: example.com, port: %d" % port, "kind: http, port: %d" % free_port()]
    if FULL:
        kinds.append("kind: exec, command: /bin/true")
    with Nginx("server { listen 0.0.0.0:%d; location / { return 200 fine; } }" % port) if shutil.which("nginx") else Web("0.0.0.0", port), Server(
            zone("web"), config=many(20)[0] + "probes: { %s }\npools: { web: { edges: e0, policy: round-robin }, %s }" % (
                ", ".join("p%d: { %s, every: 100ms, timeout: 90ms }" % k for k in enumerate(kinds)),
                ", ".join("w%d: { edges: [ e0, e1 ], policy: round-robin, probe: p%d }" % (i, i) for i in range(len(kinds))))) as s:
        time.sleep(1.5)

        def least():                                        # between two bursts nothing is in flight
            return tuple(map(min, zip(*(counts(s) for _ in range(200 if SLOW == 1 else 20)))))
        before, grown = least(), memory(s)
        start = json_of(s, "status")["probes"]
        while json_of(s, "status")["probes"] - start < want:
            time.sleep(0.5)
        after = least()
        end = time.monotonic() + 60
        while after[0] > before[0] + 12 and time.monotonic() < end:         # what leaks does not come back
            after = tuple(map(min, zip(after, least())))
        status = json_of(s, "status")
        if FULL:
            print("%d probes: descriptors and threads %s -> %s, memory %+.1f MiB" % (status["probes"], before, after, (memory(s) - grown) / 2**20))
        assert after[1] <= before[1] and after[0] <= before[0] + 12, (before, after)
        if FULL:
            assert memory(s) - grown < 4 << 20, (grown, memory(s))


@claim("out of descriptors, the server makes no verdict of it: edges stay as they were, and it answers on")
def descriptors():
    if SLOW > 1:
        raise Skip("sanitizers open files of their own")
    port = free_port()
    edges, names = many(100, 1)
    with Web("0.0.0.0", port) as w, Server(zone("web"), config="%sprobes: { p: { kind: http, port: %d, every: 2s, timeout: 1900ms, fall: 1 } }\n"
                                           "pools: { web: { edges: [ %s ], policy: round-robin, answers: 16, probe: p, all-down: empty } }" % (
                                               edges, port, ", ".join(names))) as s:
        until(lambda: len(s.udp("web.example.com").addresses()) == 16, 10)
        import resource
        least = min(lowest_free(s.proc.pid) for _ in range(300))       # but for probes in flight
        hard = resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE)[1]
        missed = 0
        while missed < len(names):                          # as often as there are edges: each had its turn
            resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE, (least, hard))
            time.sleep(2.2)
            same(len(s.udp("web.example.com").addresses()), 16)
            resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE, (1000, hard))
            before, missed = missed, json_of(s, "status")["probes_not_made"]
            assert missed > before, (least, json_of(s, "status"))
        same(len(s.udp("web.example.com").addresses()), 16)
        same({row["state"] for row in edge_rows(s).values()}, {"up"})
        same({t["failures"] for row in edge_rows(s).values() for t in row["targets"]}, {0})


run("probe-load", by_clock=True)
