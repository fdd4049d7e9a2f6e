#!/usr/bin/python3
"""changes - how fast zones change and travel: waymarkd beside those of Knot, BIND and NSD that are installed, one after the other;
and what many probes and pools cost.

  C1   updates of one record each in one zone, signed, from 64 connections: a second, and the 99th percentile until the answer;
       each server has its journal as it comes, with the durability of its defaults
  C2   the same at 1,000 a second
  C3   the zone out by AXFR, to a client that only reads: seconds, and processor seconds of the server
  C4   the zone in by AXFR, from a waymarkd: seconds from the start of the server until it answers from it, its processor seconds and
       its peak memory; of ours also the peak when all of it is fetched again, and what the zone takes
  C5   IXFR in, one record each, one after the other: a second, from the update at the primary until the secondary answers
  C6   the zone signed, ECDSA P-256 and NSEC: seconds, and of all processors; by us from the start until it is answered and stored, by
       ldns-signzone, kzonesign and dnssec-signzone (in the columns of their servers) from file to file; beside it, how many times
       as long we took as `openssl speed -multi` says of as many signatures on all processors, in the minute after
  C7   lookups in the zone, as many as are answered: a second, the 99th percentile, and what each takes of a processor, of the threads
       that answer and of all; alone and beside 100 updates a second (each the middle of five, in turns)
  C8   IXFR in of 1,000 records each, 20 times: the median and the longest, from the answer to the update at the primary, which is a
       waymarkd, until the secondary answers with the last record
  C9   C7 in a zone that the server signs, DO
  C10  --zones N (100,000) secondary zones that are stored: seconds from the start until they are answered, processor seconds, memory;
       and what asking for the serial of one takes of the processor
  C11  signed answers of 100 pools of 20 edges each, at 30 % of what it answers: the median and the 99th percentile, without and
       beside 100 edges a second that go down or up, all at once (the middle of five, in turns); server and client before other programs, as W1

  C12  --targets N (10,000) addresses probed by HTTPS each 5 s, nginx behind them, keep-alive: on: what the probes take of a processor,
       and each of them; server and nginx before other programs, as in C11 and in those below
  C13  the same without keep-alive: sessions are resumed
  C14  the same addresses hang, all at once: seconds until all are down
  C15  1,000 pools of 20 edges with capacity: a round of rankings after 100 new networks, the middle of five
  C16  5,000 pools in trees of 500 edges, --mmdb FILE: from a verdict of a probe until an answer heeds it, the median and the 99th
       percentile of 100
  C17  a pool of 64 edges and a million networks that three of them have measured each: from the start until it answers, its processor seconds and
       its peak memory, and a round of rankings after 100 new networks, the middle of three

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
from lib import BUILD, DO, Message, opt, query, recv_tcp, send_tcp, wire  # noqa: E402
from change_servers import FOLDERS, KEY, ZONE, Knot, Named, Nsd, Waymark, WaymarkMany, WaymarkSteered, before_others, dnssec_signzone, kzonesign, ldns_signzone  # noqa: E402
from flapping import trees_flap  # noqa: E402
from probing import hanging_found, million_cost, probes_cost, rankings_cost  # noqa: E402


# ------------------------------------------------------------- load

def update(owner, number, n=1):
    """Of one record, or of `n` with an owner each: OWNER-0 and so on."""
    packet = os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, n, 0) + wire(ZONE) + struct.pack(">HH", 6, 1)
    for i in range(n):
        packet += (wire("%s-%d.%s" % (owner, i, ZONE) if n > 1 else "%s.%s" % (owner, ZONE)) + struct.pack(">HHIH", 1, 1, 60, 4) +
                   struct.pack(">I", 0x0a000000 + number + i))
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


def write_lookups(path, records, flags=0, answers=1):
    draw = random.Random(7)
    with open(path, "wb") as f:
        for _ in range(100000):
            m = query("h%d.%s" % (draw.randrange(records), ZONE), "A", edns=opt(flags=flags) if flags else None, ident=0)
            f.write(struct.pack(">BBH", 0, answers, len(m)) + m)


def openssl_per_second():
    """Signatures of ECDSA P-256 on all processors together: each may be slower than one alone."""
    many = str(len(os.sched_getaffinity(0)))
    said = subprocess.run(["openssl", "speed", "-seconds", "3", "-multi", many, "ecdsap256"], capture_output=True, text=True).stdout
    return float(said.split()[-2])


def load(port, file, seconds=3, rate=None, first=False):
    out = subprocess.run([BUILD + "/bench/load", "-d", file, "-p", str(port), "-t", str(seconds), "-n", "4", "-w", "16"] +
                         (["-q", "%d" % rate] if rate else []), capture_output=True, text=True, preexec_fn=before_others(1) if first else None)
    if out.returncode:
        raise RuntimeError("the load ended with %d: %s" % (out.returncode, out.stderr.strip()))
    told = json.loads(out.stdout)
    if told["right"] < told["answered"] * 0.999:
        raise RuntimeError("%d of %d answers are wrong" % (told["answered"] - told["right"], told["answered"]))
    return told


def lookups(s, file, seconds=3):
    """What came of it, and what each thread of the server took of a processor, seconds."""
    before = s.threads_s()
    told = load(s.port, file, seconds)
    return told, {t: took - before.get(t, 0) for t, took in s.threads_s().items()}


def lookups_cost(told, took, answering):
    """Answers a second, their 99th percentile in ms, and the us that each took of a processor: of the threads that answer, and of all."""
    us = 1e6 / told["answered"]
    return told["qps"], told["p99_us"] / 1e3, us * sum(took.get(t, 0) for t in answering), us * sum(took.values())


# ------------------------------------------------------------- workloads

class Bench:
    def __init__(self, opts, folder):
        self.opts, self.folder, self.zone = opts, folder, folder + "/big.zone"
        with open(self.zone, "w") as f:
            f.write("$TTL 300\n$ORIGIN %s.\n@ SOA ns1 host 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n" % ZONE)
            for i in range(opts.records):
                f.write("h%d A 10.%d.%d.%d\n" % (i, i >> 16 & 255, i >> 8 & 255, i & 255))
        self.records = opts.records + 3

    def with_own(self, kind, measure, signs=False):
        # Some write it back.
        own = self.folder + "/own.zone"
        shutil.copyfile(self.zone, own)
        s = kind(self.folder, own)
        s.signs = signs
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
        def measure(s):
            before = s.processor_s()
            best = min(axfr_seconds(s.port, self.records) for _ in range(5))
            return "%.2f s (%.2f)" % (best, (s.processor_s() - before) / 5)
        return self.with_own(kind, measure)

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
            told = "%.2f s (%.2f), %.0f MiB" % (took, s.processor_s(), s.peak_mib())
            if kind is not Waymark:
                return told
            s.ctl("zone", "retransfer", ZONE)
            s.wait_log("by AXFR", 2)
            time.sleep(1)
            return "%s; again %.0f MiB, of %.0f MiB" % (told, s.peak_mib(), json.loads(s.ctl("status", "--json"))["zone_bytes"] / 1048576)
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

    def c8(self, kind):
        def measure(p, s):
            s.wait("h%d.%s" % (self.opts.records - 1, ZONE), "A")
            time.sleep(1)
            found = []
            with socket.create_connection(("127.0.0.1", p.port)) as c:
                c.settimeout(60)
                for n in range(20):
                    send_tcp(c, update("y%d" % n, n, 1000))
                    if recv_tcp(c)[3] & 15:
                        raise RuntimeError("an update is refused")
                    begin = time.monotonic()
                    while not s.has("y%d-999.%s" % (n, ZONE)):
                        if time.monotonic() > begin + 30:
                            raise RuntimeError("it does not follow")
                    found.append(time.monotonic() - begin)
                    time.sleep(0.1)
            found.sort()
            return "p50 %.0f, most %.0f ms" % (found[10] * 1e3, found[-1] * 1e3)
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
        s.signs = True
        s.start()
        try:
            self.wait_signed(s)
            took = time.monotonic() - s.begun
            told = "%.1f s (%.1f), %.0f MiB, of %.0f" % (took, s.processor_s(), s.peak_mib(),
                                                         json.loads(s.ctl("status", "--json"))["zone_bytes"] / 1048576)
        finally:
            s.stop()
        n, rate = 2 * (self.opts.records + 2) + 3, openssl_per_second()
        print("openssl speed ecdsap256, on all processors: %.0f/s, so %d signatures take %.1f s: we took %.2f times that" %
              (rate, n, n / rate, took * rate / n), file=sys.stderr)
        return told

    def wait_signed(self, s):
        while not any(row[1] == 46 for row in self.signed_soa(s)):
            if time.monotonic() > s.begun + 600:
                raise RuntimeError("it is not signed: " + open(s.dir + "/log").read()[-300:])
            time.sleep(0.02)

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

    def beside(self, s, asked):
        took = lookups(s, asked, 1)[1]
        answering = [t for t in took if took[t] > max(took.values()) / 4]
        alone, beside = [], []
        for n in range(5):
            alone.append(lookups_cost(*lookups(s, asked), answering))
            with concurrent.futures.ThreadPoolExecutor(1) as other:
                updates = other.submit(flood, s.port, 400, 8, 100, "b%d-" % n)
                time.sleep(0.4)
                beside.append(lookups_cost(*lookups(s, asked), answering))
                updates.result()
        return "; ".join("%d/s, p99 %.2f ms, %.2f us of %.2f" % tuple(sorted(column)[2] for column in zip(*rows)) for rows in (alone, beside))

    def c7(self, kind):
        asked = self.folder + "/lookups"
        write_lookups(asked, self.opts.records)
        return self.with_own(kind, lambda s: self.beside(s, asked))

    def c9(self, kind):
        asked = self.folder + "/lookups-signed"
        write_lookups(asked, self.opts.records, DO, 2)

        def measure(s):
            self.wait_signed(s)
            return self.beside(s, asked)
        return self.with_own(kind, measure, signs=True)

    def c10(self, kind):
        n = self.opts.zones
        many = self.folder + "/many"
        os.mkdir(many)
        for i in range(n):
            with open("%s/z%d.test" % (many, i), "w") as f:
                f.write("$TTL 300\n@ SOA ns1 h 1 %d 60 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n" % self.opts.refresh)
        p = WaymarkMany(self.folder, many)
        s = WaymarkMany(self.folder, n, primary=p.port)
        try:
            p.start()
            p.wait("z%d.test" % (n - 1))
            s.start()
            s.wait_all(n, 900)
            fetched = time.monotonic() - s.begun
            time.sleep(2)
            s.end()
            s.start()
            began = s.wait("z%d.test" % (n - 1))
            told = "%.1f s (%.1f), %.0f MiB" % (began, s.processor_s(), s.peak_mib())
            if not all(s.ask("z%d.test" % i, "SOA").answer for i in random.Random(10).sample(range(n), min(n, 300))):
                raise RuntimeError("not all zones are answered from the start")
            time.sleep(5)
            asked, spent = p.queries(), s.processor_s()
            time.sleep(30)
            asked, spent = p.queries() - asked, s.processor_s() - spent
            return "%s; %.0f us a refresh, of %d; fetched in %.0f s" % (told, spent / max(asked, 1) * 1e6, asked, fetched)
        finally:
            s.stop()
            p.stop()

    def c11(self, kind):
        zone, asked = self.folder + "/steered.zone", self.folder + "/steered"
        with open(zone, "w") as f:
            f.write("$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n" + "".join("p%d 60 EDGE p%d\n" % (i, i) for i in range(100)))
        with open(asked, "wb") as f:
            for i in range(10000):
                m = query("p%d.%s" % (i % 100, ZONE), "A", edns=opt(flags=DO), ident=0)
                f.write(struct.pack(">BBH", 0, 2, len(m)) + m)
        s = WaymarkSteered(self.folder, zone)
        s.first = before_others(0)
        s.start()
        try:
            self.wait_signed(s)
            s.wait("p99." + ZONE, "A")
            rate = load(s.port, asked, 2, None, True)["qps"] * 0.3
            rows = []
            for _ in range(5):
                alone = load(s.port, asked, 3, rate, True)
                stop = threading.Event()
                with concurrent.futures.ThreadPoolExecutor(1) as beside:
                    flaps = beside.submit(s.flap, stop)
                    told = load(s.port, asked, 3, rate, True)
                    stop.set()
                    rows.append([x / 1e3 for t in (alone, told) for x in (t["p50_us"], t["p99_us"])] + [flaps.result()])
            if json.loads(s.ctl("status", "--json"))["health_publications"] < 10:
                raise RuntimeError("the edges did not go down and up")
            middle = [sorted(r[i] for r in rows)[2] for i in range(5)]
            return "p50 %.2f, p99 %.2f ms; p50 %.2f, p99 %.2f ms beside %.0f a second, %d/s" % (*middle, rate)
        finally:
            s.stop()

    def c12(self, kind):
        return probes_cost(self.folder, self.opts.targets, "keep-alive: on", 30)

    def c13(self, kind):
        return probes_cost(self.folder, self.opts.targets, "keep-alive: off", 60)

    def c14(self, kind):
        return hanging_found(self.folder, self.opts.targets)

    def c15(self, kind):
        return rankings_cost(self.folder)

    def c16(self, kind):
        return trees_flap(self.folder, os.path.abspath(self.opts.mmdb))

    def c17(self, kind):
        return million_cost(self.folder)


WORKLOADS = {"C1": (Bench.c1, "updates, 64 connections", (Waymark, Knot, Named)),
             "C2": (Bench.c2, "updates, 1,000 a second", (Waymark, Knot, Named)),
             "C3": (Bench.c3, "AXFR out (processor)", (Waymark, Nsd, Knot, Named)),
             "C4": (Bench.c4, "AXFR in (processor), peak memory", (Waymark, Nsd, Knot, Named)),
             "C5": (Bench.c5, "IXFR in, one record each", (Waymark, Nsd, Knot, Named)),
             "C6": (Bench.c6, "signed (processor)", (Waymark, Nsd, Knot, Named)),
             "C7": (Bench.c7, "lookups; beside 100 updates a second", (Waymark, Knot, Named)),
             "C8": (Bench.c8, "IXFR in, 1,000 records each", (Waymark, Nsd, Knot, Named)),
             "C9": (Bench.c9, "lookups, signed; beside 100 updates a second", (Waymark, Knot)),
             "C10": (Bench.c10, "secondary zones", (Waymark,)),
             "C11": (Bench.c11, "steered, beside edges that go down and up", (Waymark,)),
             "C12": (Bench.c12, "probes by HTTPS, kept alive", (Waymark,)),
             "C13": (Bench.c13, "probes by HTTPS, resumed", (Waymark,)),
             "C14": (Bench.c14, "addresses that hang are down", (Waymark,)),
             "C15": (Bench.c15, "rankings of 1,000 pools with capacity", (Waymark,)),
             "C16": (Bench.c16, "a verdict is answered by, 5,000 pools in trees of 500 edges", (Waymark,)),
             "C17": (Bench.c17, "a million measured networks, 64 edges", (Waymark,))}


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("-w", "--workloads", default="all")
    ask.add_argument("--records", type=int, default=1000000)
    ask.add_argument("--updates", type=int, default=20000)
    ask.add_argument("--zones", type=int, default=100000)
    ask.add_argument("--refresh", type=int, default=60, help="of the zones of C10, seconds")
    ask.add_argument("--targets", type=int, default=10000, help="of C12 to C14")
    ask.add_argument("--mmdb", default=os.path.dirname(os.path.dirname(HERE)) + "/geoip/city.mmdb", help="city database for C16")
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
                    if kind in able:
                        print("%s: %s: %s" % (name, kind.name, cells[-1]), file=sys.stderr, flush=True)
                except (RuntimeError, OSError) as why:
                    cells.append("failed")
                    print("%s: %s: %s" % (name, kind.name, why), file=sys.stderr)
            print("| %s: %s | %s |" % (name, what, " | ".join(cells)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
