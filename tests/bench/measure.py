"""measure - a server that runs, what the kernel says it has used, and the load that is put on it."""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

from lib import BUILD, SLOW, recv_tcp, send_tcp

LOAD = BUILD + "/bench/load"
NICE = -10
PATIENCE_S = 120 * SLOW                 # for a server to be ready
TICK_NS = 1e9 / os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Failed(Exception):
    """One server cannot be measured; the others can."""


def spawn(argv, cpus, **more):
    """A process on these processors, before others where that is allowed, that dies with us."""
    parent = os.getpid()

    def ready():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.sched_setaffinity(0, cpus)
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except PermissionError:
            pass
    return subprocess.Popen(argv, preexec_fn=ready, start_new_session=True, stdin=subprocess.DEVNULL, **more)


# ------------------------------------------------------------- a process tree

def stat_of(pid):
    """The fields of /proc/PID/stat from the state on."""
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()


def members(session):
    """The processes of a session: a server and all it has forked."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = stat_of(int(pid))
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(pid))
    return found


def kill_session(proc, patience_s=5):
    for how, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5)):
        for pid in members(proc.pid):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            proc.poll()
            if not members(proc.pid):
                return
            time.sleep(0.02)


class Usage:
    """What all threads of a session have used so far: nanoseconds by the scheduler's exact account, ticks by the sampled one."""

    def __init__(self, session):
        self.ns = self.user = self.system = 0
        for pid in members(session):
            try:
                fields = stat_of(pid)
                self.user += int(fields[11])
                self.system += int(fields[12])
                for thread in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
                        self.ns += int(f.read().split()[0])
            except OSError:
                continue                # a thread that has just ended

    def since(self, before):
        """(nanoseconds, user ticks, all ticks). Threads that have ended stand in the sampled account only."""
        user, ticks = self.user - before.user, self.user + self.system - before.user - before.system
        ns = self.ns - before.ns
        return (ticks * TICK_NS if ticks * TICK_NS > 1.2 * ns + 2 * TICK_NS else ns), user, ticks


def memory_mib(session):
    """Proportional set size: shared pages count by their share."""
    kib = 0
    for pid in members(session):
        try:
            with open("/proc/%d/smaps_rollup" % pid) as f:
                kib += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            continue
    return kib / 1024


# ------------------------------------------------------------------- a server

class Running:
    """A server from its start to its stop, and what was measured of it."""

    def __init__(self, server, cpus):
        self.server, self.workload, self.rounds = server, server.workload, []
        self.name = server.name
        server.configure()
        self.log = os.path.join(server.dir, "log")
        self.started = time.monotonic()
        with open(self.log, "a") as log:
            self.proc = spawn(server.argv(), cpus, stdout=log, stderr=log, cwd=server.dir)
        self.first_s = self.ready_s = self.memory = None

    def said(self):
        with open(self.log, errors="replace") as f:
            lines = [line.strip() for line in f if line.strip()]
        wrong = [line for line in lines if re.search("error|fatal|fail|cannot|unable", line, re.I)]
        return "%s (%s)" % ((wrong or lines)[0], self.log) if lines else "nothing is said in " + self.log

    def await_ready(self, messages):
        """Asks until one answer is right, then until all are, one after the other."""
        right, number, ask = 0, 0, AskTcp if self.workload.tcp else AskUdp
        with ask(self.server.port) as asker:
            while right < len(messages):
                number += 1
                now = time.monotonic() - self.started
                if self.proc.poll() is not None:
                    raise Failed("it ended with %d: %s" % (self.proc.returncode, self.said()))
                if now > PATIENCE_S:
                    raise Failed("not ready after %d s: %s" % (PATIENCE_S, self.said()))
                if self.is_right(asker.ask(struct.pack(">H", number & 0xffff) + messages[right][2:])):
                    self.first_s = self.first_s or time.monotonic() - self.started
                    right += 1
                else:
                    right = 0
                    time.sleep(0.001)
        self.ready_s = time.monotonic() - self.started

    def is_right(self, answer):
        return (answer is not None and len(answer) >= 12 and answer[3] & 15 == self.workload.rcode and
                struct.unpack(">H", answer[6:8])[0] == self.workload.answers)

    def load(self, options, cpus):
        """One round. What it says is kept when `options.counts`."""
        before = Usage(self.proc.pid)
        result = self.ask(options, cpus)
        ns, user, ticks = Usage(self.proc.pid).since(before)
        if self.proc.poll() is not None:
            raise Failed("it ended under load with %d: %s" % (self.proc.returncode, self.said()))
        result.update(cpu_us=ns / 1e3 / max(result["answered"], 1), user_ticks=user, ticks=ticks)
        if options["counts"]:
            self.rounds.append(result)

    def ask_secretly(self, options, cpus):
        """The same by others' programs. They tell no percentiles."""
        w, seconds = self.workload, max(1, round(options["seconds"]))
        port = self.server.https_port if w.tls == "doh" else self.server.tls_port
        if w.tls in ("dot", "doh"):
            argv = ["dnsperf", "-m", w.tls, "-s", "127.0.0.1", "-p", str(port), "-d", w.words, "-c", "20", "-q", "100", "-l", str(seconds)]
            argv += ["-Q", str(int(options["rate"]))] if options["rate"] else []
        else:
            argv = ["openssl", "s_time", "-connect", "127.0.0.1:%d" % port, "-" + w.tls, "-time", str(seconds)]
            argv += ["-tls1_2"] if w.tls == "reuse" else []
        proc = spawn(argv, cpus, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = proc.communicate(timeout=seconds + 60)
        except BaseException:
            kill_session(proc, 0.1)
            raise
        number = lambda pattern: float((re.findall(pattern, out) or ["0"])[0])
        if w.tls in ("dot", "doh"):
            sent, answered = number(r"Queries sent: +(\d+)"), number(r"Queries completed: +(\d+)")
            right, size = number(r"NOERROR (\d+)"), number(r"Average packet size: +request \d+, response (\d+)")
        else:
            sent = answered = right = number(r"(\d+) connections in \d+ real seconds")
            size = 0
        if not answered:
            raise Failed("%s has no answer: %s" % (argv[0], (err or out).strip()[-300:]))
        return {"sent": sent, "answered": answered, "right": right, "qps": answered / seconds, "p50_us": None, "p99_us": None,
                "bytes": size, "idle": 1}

    def ask(self, options, cpus):
        if self.workload.tls:
            return self.ask_secretly(options, cpus)
        lanes, window = (8, 20) if self.workload.tcp else (4, 48)
        if self.server.threads > 1:     # the kernel deals sockets to threads by hash: more of them are dealt more evenly
            lanes, window = 16 * self.server.threads, 12
        argv = [LOAD, "-d", self.workload.queries, "-p", str(self.server.port), "-t", str(options["seconds"]), "-n", str(lanes), "-w", str(window)]
        argv += (["-T"] if self.workload.tcp else []) + (["-q", str(options["rate"])] if options["rate"] else [])
        proc = spawn(argv, cpus, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = proc.communicate(timeout=options["seconds"] + 30)
        except BaseException:
            kill_session(proc, 0.1)
            raise
        if proc.returncode:
            raise Failed("the load ended with %d: %s" % (proc.returncode, err.strip() or "killed"))
        return json.loads(out)

    def stop(self):
        kill_session(self.proc)

    def clean(self):
        shutil.rmtree(self.server.dir, ignore_errors=True)


class AskUdp:
    """One query at a time; None is no answer soon."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0.02 * SLOW)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, message):
        try:
            self.socket.send(message)
            while True:
                answer = self.socket.recv(65535)
                if answer[:2] == message[:2]:       # not a late one
                    return answer
        except OSError:
            return None


class AskTcp(AskUdp):
    def __init__(self, port):
        self.port, self.socket = port, None

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, message):
        try:
            self.socket = self.socket or socket.create_connection(("127.0.0.1", self.port), timeout=SLOW)
            send_tcp(self.socket, message)
            return recv_tcp(self.socket)
        except (OSError, AssertionError):
            self.__exit__()
            return None
