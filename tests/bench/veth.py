#!/usr/bin/python3
"""veth - what an answer costs the whole machine past the kernel's network stack: waymarkd by sockets, by AF_XDP and answering in the
kernel, beside Knot by both ways, gdnsd, and a floor of each way, over a veth pair between two network namespaces of our own.

    veth.py [-w "X1 X5 K1 K5"] [-r ROUNDS] [-t SECONDS] [--only NAME ...]

  X1, X5   the queries of W1 and W5
  K1, K5   few enough of them that the kernel has all

Each way runs alone: one round warms up and does not count. Figures are in us of processor time an answer: of the server's threads
("server"), of ksoftirqd, of what asks (in whose time a veth runs much of the other side), and all together ("whole"); the median of the
rounds. A floor looks nothing up, and its time is what any program pays that goes its way: "floor" by sockets, "floor-xdp" by AF_XDP, and
for "floor-kernel" a program in the kernel that says the same to all. "ratio" is to the floor by sockets, "own" to that of one's own way.
"kernel" is the share that was answered in the kernel, "program" what the program there takes for a frame, in ns: in a last round, with what
the kernel takes for that account (kernel.bpf_stats_enabled). The XDP program that the pair's other end needs is there for all. Wants root.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "serve")]
import measure  # noqa: E402
import servers  # noqa: E402
import workloads  # noqa: E402
from lib import BUILD, TOP, WAYMARKCTL, WAYMARKD  # noqa: E402

ADDRESS = "10.77.0.1"
BPF_PROG_TYPE_XDP = 6
COUNTED_S = 1.2                         # what was answered in the kernel is counted within a second


class OverVeth:
    """A server of `servers`, told to listen there."""
    own_floor = "floor"

    def configure(self):
        super().configure()
        self.edit(("127.0.0.1", ADDRESS))

    def edit(self, *pairs):
        for name in ("waymark.yaml", "etc/config", "knot.conf"):
            path = os.path.join(self.dir, name)
            if os.path.exists(path):
                with open(path) as f:
                    text = f.read()
                for old, new in pairs:
                    text = text.replace(old, new)
                with open(path, "w") as f:
                    f.write(text)

    def in_kernel(self):
        return 0

    def program_ns(self, running):
        return None


class Floor(OverVeth, servers.Floor):
    def argv(self):
        return super().argv() + ["-s", ADDRESS]


class WithProgram:
    """It has a program of ours in the kernel."""

    def program_ns(self, running):
        was = account(True)
        try:
            before = program_use(running.proc.pid)
            load(self, opts.seconds)
            after = program_use(running.proc.pid)
        finally:
            account(was)
        return (after[0] - before[0]) / max(after[1] - before[1], 1)


class FloorXdp(WithProgram, OverVeth, servers.Floor):
    name = own_floor = "floor-xdp"
    options = []

    @classmethod
    def path(cls, _waymarkd):
        path = BUILD + "/bench/floor_xdp"
        return path if os.access(path, os.X_OK) else None

    @classmethod
    def supports(cls, workload):
        return None if (workload.rcode, workload.answers) == (0, 1) else "has one record for all"

    def argv(self):
        return [self.path(None), "-i", "us", "-p", str(self.port)] + self.options


class FloorKernel(FloorXdp):
    name = own_floor = "floor-kernel"
    options = ["-K"]


class Gdnsd(OverVeth, servers.Gdnsd):
    pass


class Knot(OverVeth, servers.Knot):
    pass


class KnotXdp(Knot):
    name, own_floor = "knot-xdp", "floor-xdp"

    def configure(self):
        super().configure()
        self.edit(("    listen: %s@%d\n" % (ADDRESS, self.port), ""), ("log:\n", "xdp:\n    listen: us@%d\nlog:\n" % self.port))


class Waymark(OverVeth, servers.Waymark):
    def configure(self):
        super().configure()
        self.edit(("server: {", "control: { socket: control.sock }\nserver: {"))


def program_use(pid):
    """(ns, frames) of the XDP program that process `pid` has loaded, while the kernel accounts for these."""
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
            said = dict(line.split(":", 1) for line in f if ":" in line)
        if int(said.get("prog_type", 0)) == BPF_PROG_TYPE_XDP:
            return int(said["run_time_ns"]), int(said["run_cnt"])
    raise measure.Failed("it has no XDP program")


class WaymarkXdp(WithProgram, Waymark):
    name, own_floor = "waymark-xdp", "floor-xdp"

    def configure(self):
        super().configure()
        self.edit(("\"%s:%d\"" % (ADDRESS, self.port), "\"%s:%d\", \"xdp:us:%d\"" % (ADDRESS, self.port, self.port)))


class WaymarkKernel(WaymarkXdp):
    name, own_floor = "waymark-kernel", "floor-kernel"

    def configure(self):
        super().configure()
        self.edit(("workers: 1", "workers: 1, xdp: { answers: on }"))

    def in_kernel(self):
        done = subprocess.run([WAYMARKCTL, "-c", self.dir + "/waymark.yaml", "status", "--json"], capture_output=True, text=True, timeout=10)
        if done.returncode:
            raise measure.Failed("waymarkctl status: " + done.stderr.strip())
        return json.loads(done.stdout)["xdp_answers"]


ALL = (Floor, FloorXdp, FloorKernel, Waymark, WaymarkXdp, WaymarkKernel, Gdnsd, Knot, KnotXdp)


# ------------------------------------------------------------------ namespaces

def sh(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    if done.returncode:
        sys.exit("veth: %s: %s" % (" ".join(words), done.stderr.strip() or done.stdout.strip()))


def enter():
    """Once more in namespaces of our own, which end with us."""
    if os.environ.get("WAYMARK_VETH") == "inside":
        return
    if os.geteuid() != 0 or not os.path.exists(BUILD + "/obj/xdp_program.o"):
        print("skipped: X1, X5, K1 and K5 want root, and a build with AF_XDP")
        sys.exit(0)
    os.environ["WAYMARK_VETH"] = "inside"
    os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable] + sys.argv)


def build():
    sh("mount", "-t", "tmpfs", "x", "/run")
    sh("ip", "netns", "add", "client")
    sh("ip", "link", "add", "us", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "them", "address", "02:00:00:00:00:02", "netns", "client")
    sh("ip", "addr", "add", ADDRESS + "/24", "dev", "us")
    sh("ip", "-n", "client", "addr", "add", "10.77.0.2/24", "dev", "them")
    for where in (["ip"], ["ip", "-n", "client"]):
        sh(*where, "link", "set", "lo", "up")
        sh(*where, "link", "set", "us" if where == ["ip"] else "them", "up")
    sh("ip", "neigh", "add", "10.77.0.2", "lladdr", "02:00:00:00:00:02", "dev", "us", "nud", "permanent")
    sh("ip", "-n", "client", "neigh", "add", ADDRESS, "lladdr", "02:00:00:00:00:01", "dev", "them", "nud", "permanent")
    sh("ip", "-n", "client", "link", "set", "dev", "them", "xdp", "obj", BUILD + "/obj/xdp_program.o", "program", "waymark_xdp")


# ------------------------------------------------------------------- measuring

def softirq_ns():
    """Of all threads of the kernel that do what interrupts leave."""
    ns = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/comm" % pid) as f:
                if f.read().startswith(("ksoftirqd/", "napi/")):
                    with open("/proc/%s/schedstat" % pid) as s:
                        ns += int(s.read().split()[0])
        except OSError:
            continue
    return ns


def client_ns():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e9


def account(on):
    """Has the kernel account for programs, or not; whether it did before."""
    path = "/proc/sys/kernel/bpf_stats_enabled"
    with open(path) as f:
        was = f.read().strip() == "1"
    with open(path, "w") as f:
        f.write("1" if on else "0")
    return was


def load(server, seconds):
    argv = ["ip", "netns", "exec", "client", measure.LOAD, "-d", server.workload.queries, "-s", ADDRESS, "-p", str(server.port), "-t", str(seconds)]
    proc = measure.spawn(argv, {opts.cpus[1]}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = proc.communicate(timeout=seconds + 30)
    if proc.returncode:
        raise measure.Failed("the load ended with %d: %s" % (proc.returncode, err.strip()))
    return json.loads(out)


def round_of(running, seconds):
    session, server = running.proc.pid, running.server
    before = measure.Usage(session), softirq_ns(), client_ns(), server.in_kernel()
    said = load(server, seconds)
    n = max(said["answered"], 1)
    client = client_ns() - before[2]
    after = measure.Usage(session)
    row = {"server": after.since(before[0])[0] / 1e3 / n, "softirq": (softirq_ns() - before[1]) / 1e3 / n, "client": client / 1e3 / n,
           "answered": said["answered"] / max(said["sent"], 1), "right": said["right"] / n, "qps": said["qps"]}
    if isinstance(server, WaymarkKernel):
        time.sleep(COUNTED_S)
        row["kernel"] = (server.in_kernel() - before[3]) / n
    row["whole"] = row["server"] + row["softirq"] + row["client"]
    return row


def run_one(kind, workload):
    """The rounds of one way; None and why."""
    server = kind(workload, os.path.join(opts.work, "veth-" + workload.name), 1, WAYMARKD)
    sh("ip", "link", "set", "dev", "us", "xdp", "off")      # Knot leaves its own there
    running = measure.Running(server, {opts.cpus[0]})
    try:
        end = time.monotonic() + 60
        while True:
            said = load(server, 0.1)
            if said["right"] and said["right"] == said["answered"]:
                break
            if running.proc.poll() is not None or time.monotonic() > end:
                return None, "it does not answer: " + running.said()
            time.sleep(0.1)
        with open(running.log) as log:
            if "come by the ordinary sockets" in log.read():
                raise measure.Failed(running.said())
        load(server, max(3, opts.seconds))
        time.sleep(COUNTED_S)
        rounds = [round_of(running, opts.seconds) for _ in range(opts.rounds)]
        program = server.program_ns(running)
        return [dict(row, **({} if program is None else {"program": program})) for row in rounds], None
    except measure.Failed as why:
        return None, str(why)
    finally:
        running.stop()
        if not opts.keep:
            running.clean()


def measure_one(name):
    try:
        workload = workloads.Workload(name, opts.work, opts.mmdb)
    except workloads.Missing as why:
        print("skipped: %s: %s" % (name, why))
        return
    print("%s: %s" % (name, workload.what))
    print("%-15s %9s %8s %8s %8s %8s %6s %6s %6s %6s %7s %7s" % ("", "answers/s", "server", "softirq", "client", "whole", "ratio", "own", "answ.%", "right%", "kernel%", "program"))
    floors = {}
    for kind in ALL:
        if (opts.only and kind.name not in opts.only) or kind.supports(workload) or not kind.path(WAYMARKD):
            continue
        rounds, why = run_one(kind, workload)
        if why:
            print("skipped: %s: %s" % (kind.name, why))
            continue
        row = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
        if kind.name == kind.own_floor:
            floors[kind.name] = row["whole"]
        ratios = ["%.2f" % (row["whole"] / floors[of]) if of in floors else "-" for of in ("floor", kind.own_floor)]
        print("%-15s %9.0f %8.3f %8.3f %8.3f %8.3f %6s %6s %6.1f %6.1f %7s %7s" % (
            kind.name, row["qps"], row["server"], row["softirq"], row["client"], row["whole"], *ratios,
            100 * row["answered"], 100 * row["right"], "%.1f" % (100 * row["kernel"]) if "kernel" in row else "-",
            "%.0f" % row["program"] if "program" in row else "-"), flush=True)
    print()


p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("-w", dest="workloads", metavar="LIST", default="X1 X5 K1 K5")
p.add_argument("-r", dest="rounds", type=int, default=5)
p.add_argument("-t", dest="seconds", type=float, default=2.0)
p.add_argument("--only", nargs="+", choices=[kind.name for kind in ALL], metavar="NAME", help=" ".join(kind.name for kind in ALL))
p.add_argument("--mmdb", default=TOP + "/geoip/city.mmdb", help="city database for X5 and K5 (geoip/city.mmdb)")
p.add_argument("--work", default=BUILD + "/bench/work")
p.add_argument("--keep", action="store_true", help="leave the servers' files there")
opts = p.parse_args()
opts.work, opts.mmdb = os.path.abspath(opts.work), os.path.abspath(opts.mmdb)
names = opts.workloads.replace(",", " ").upper().split()
names = [n for n, kind in workloads.KINDS.items() if kind.get("veth")] if names == ["ALL"] else names
for name in names:
    if not workloads.KINDS.get(name, {}).get("veth"):
        p.error("there is no workload %s" % name)
opts.cpus = (sorted(os.sched_getaffinity(0)) * 2)[:2]
enter()
build()
for name in names:
    measure_one(name)
