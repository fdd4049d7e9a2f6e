"""Another process takes the place of the server, and no query is lost; the service manager gives sockets."""
import ctypes
import json
import re
import sqlite3
import threading
from edges import make_ca, make_certificate
from lib import *

EDGES = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ], default: [ ams ] } }
store: { file: w.db }
"""
ZONES = {"example.com": APEX + "www A 192.0.2.10\ncdn EDGE web\n"}
BOUND = 60 * SLOW
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)                     # what a server has left behind is our child: PR_SET_CHILD_SUBREAPER


def gone(pid):
    """Its exit status, once it has ended; 0 when who has started it, and ends with it, has asked first."""
    end = time.monotonic() + 60 * SLOW
    while time.monotonic() < end:
        try:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            if not os.path.exists("/proc/%d" % pid):
                return 0
        time.sleep(0.005)
    raise AssertionError("process %d does not end" % pid)


def until(what, say=""):
    end = time.monotonic() + BOUND
    while not what():
        assert time.monotonic() < end, say or "it never became true"
        time.sleep(0.005)


class Followed(Server):
    """One that is started by a path whose program may be changed."""

    def __init__(self, zones=None, config=EDGES, start=True, **more):
        self.pids = []
        super().__init__(zones or ZONES, config, start=False, **more)
        self.program = self.dir + "/waymarkd"
        os.symlink(WAYMARKD, self.program)
        self.env = dict(os.environ)
        if start:
            self.start()

    def start(self, env=None, program=None):
        super().start(self.env, self.program)
        self.pids = [self.proc.pid]

    def put(self, text, mode=0o755):
        os.unlink(self.program)
        if text is None:
            return os.symlink(WAYMARKD, self.program)
        with open(self.program, "w") as f:
            f.write(text)
        os.chmod(self.program, mode)

    def upgrade(self):
        for pid in self.pids[-2:-1]:                        # who was before has to have ended
            until(lambda: not os.path.exists("/proc/%d/exe" % pid))
        code, said = self.ctl("upgrade")
        same(code, 0, said + self.said())
        self.pids.append(int(re.search(r"process (\d+) ", said).group(1)))
        assert self.pids[-1] > 0, said
        assert said.startswith("upgraded: process %d " % self.pids[-1]) and "in the place of process %d," % self.pids[-2] in said, said
        return said

    def stop(self):
        if len(self.pids) > 1:
            if not os.path.exists("/proc/%d" % self.pids[-1]):
                raise AssertionError("no server is left: " + self.said())
            same(self.proc.wait(60 * SLOW), 0, self.said())
            self.ctl("stop")
            for pid in self.pids[1:]:
                same(gone(pid), 0, self.said())
        super().stop()


@claim("after an upgrade another process serves by the same sockets, knows cookies and forced states, and connections of before are answered")
def follows():
    with Followed(config=EDGES.replace("store: { file: w.db }", ""), server="workers: 1, tcp-idle: 10m") as s:
        same(s.ctl("force", "ams", "down")[0], 0)
        mine = opt(options=option(10, b"12345678"))
        cookie = s.udp("www.example.com", edns=mine).options[10]
        with s.connect() as before:
            send_tcp(before, query("www.example.com", "A"))
            same(Message(recv_tcp(before)).addresses(), ["192.0.2.10"])
            s.upgrade()
            send_tcp(before, query("www.example.com", "A"))
            same(Message(recv_tcp(before)).addresses(), ["192.0.2.10"])
            code, said = s.ctl("upgrade")
            same(code, 1)
            assert "has connections yet" in said, said
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.2"])
        assert "down" in s.ctl("changes")[1]
        reply = s.udp("www.example.com", edns=opt(options=option(10, cookie)))
        same((reply.rcode, reply.options[10]), (0, cookie), "its cookie is good:")
        same(s.tcp("cdn.example.com").addresses(), ["192.0.2.2"])
        s.proc.wait(60 * SLOW)
        s.write("zones/example.com.zone", ZONES["example.com"].replace("192.0.2.10", "192.0.2.11"))
        s.upgrade()
        same(s.udp("www.example.com").addresses(), ["192.0.2.11"])


@claim("what was changed by update before an upgrade, and is after it, is stored, whichever process it came to")
def stored():
    with Followed(config=EDGES + "templates: { own: { write-back: store, nameservers: [ ns1.example.com ] } }\n") as s:
        for i in range(2):
            code, said = s.ctl("zone", "add", "z%d.test" % i, "own")
            same(code, 0, said)
            s.upgrade()
        same(s.ctl("zone", "remove", "z0.test", "--purge")[0], 0)
        same([s.udp("z%d.test" % i, "SOA").rcode for i in range(2)], [REFUSED, 0])


@claim("what the old process has answered last stands in its logs, too, when it has left")
def logged():
    logs = {"d.json": "decisions: { file: d.json, sample: 100% }", "q.log": "queries: { file: q.log, sample: 100% }"}
    with Followed(config=EDGES + "log: { %s }\n" % ", ".join(logs.values()), server="workers: 1") as s:
        answered, stop = [], threading.Event()

        def ask():                                          # no faster than a busy server gathers decisions
            while not stop.is_set():
                answered.append(s.udp("cdn.example.com").rcode)
                time.sleep(0.01)
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(2):
                s.upgrade()
        finally:
            stop.set()
            asking.join()
        same(set(answered), {0})
        until(lambda: not os.path.exists("/proc/%d/exe" % s.pids[1]))

        def logged_in(name):
            with open(s.dir + "/" + name) as f:
                return sum("cdn.example.com" in line for line in f)
        for name in logs:
            until(lambda: logged_in(name) >= len(answered), "%s lacks some" % name)
            same(logged_in(name), len(answered), name)


@claim("a new program that cannot be started, ends, is killed, or finds a fault in the configuration leaves the old one serving")
def fails():
    with Followed() as s:
        conf = open(s.conf).read()
        for text, mode, why in (
                ("#!/bin/sh\nexit 3\n", 0o755, "ended with exit status 3 (starting it)"),
                ("#!/bin/sh\nkill -9 $$\n", 0o755, "killed by signal 9 (starting it)"),
                ("#!/bin/sh\nexit 3\n", 0o644, "cannot be started: Permission denied"),
                ("no program", 0o755, "cannot be started: Exec format error"),
                (None, 0, "cannot start: " + s.conf + ":"),
                # Its sentence and its end are there at once.
                ("#!/bin/sh\n(sleep 0.5; kill -CONT %d) 3>&- &\nkill -STOP %d\n%s \"$@\"\nexit 1\n" % (s.proc.pid, s.proc.pid, WAYMARKD), 0o755,
                 "cannot start: " + s.conf + ":"),
                (None, 0, "cannot start: cannot listen on")):
            s.put(text, mode)
            if "cannot start: " in why:
                s.write("waymark.yaml", conf.replace("pools:", "pols:") if why.endswith(":") else
                        conf.replace("listen: [ ", "listen: [ \"192.0.2.254:%d\", " % s.port))
            code, said = s.ctl("upgrade")
            same(code, 1, said)
            assert why in said and said.endswith("; process %d goes on serving\n" % s.proc.pid), said
            assert said.strip() in s.said(), s.said()
            s.write("waymark.yaml", conf)
            same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
            same(s.ctl("force", "ams", "auto")[0], 0)
        s.put(None)
        s.upgrade()
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])


@claim("a new process that makes the first keys of a zone, and then cannot serve, leaves no files of them; one that can keeps them")
def keys():
    def files():
        return sorted(f for _, _, names in os.walk(s.dir) for f in names if f.startswith("K"))

    with Followed() as s:
        s.configure(None, "[ { name: example.com, file: zones/example.com.zone, dnssec: auto } ]")
        conf = open(s.conf).read()
        s.write("waymark.yaml", conf.replace("listen: [ ", "listen: [ \"192.0.2.254:%d\", " % s.port))
        code, said = s.ctl("upgrade")
        same((code, "cannot start: cannot listen on" in said), (1, True), said)
        assert "zone example.com.: a new CSK" in s.said(), s.said()
        same(files(), [], "it fails:")
        s.write("waymark.yaml", conf)
        s.upgrade()
        until(lambda: [f.endswith(".new") for f in files()] == [False, False], "it serves, and they are not in their places")


SIGNED = "{ name: example.com, file: zones/example.com.zone, dnssec: auto }"


def key_files(s):
    return sorted(f for _, _, names in os.walk(s.dir) for f in names if f.startswith("K"))


def upgrade_that_made_keys(s):
    """The command that waits for it, and the new process, which has made keys and does not serve yet."""
    def is_ours(pid):
        with contextlib.suppress(OSError), open("/proc/%d/cmdline" % pid) as words, open("/proc/%d/status" % pid) as status:
            return s.conf in words.read() and "Threads:\t1\n" not in status.read()    # the launchers have one
        return False

    def successor():
        return [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != s.proc.pid and is_ours(int(p))]

    s.configure(EDGES + "peers: { away: { at: \"192.0.2.254:53\" } }\n", "[ %s, { name: far.test, primary: [ away ] } ]" % SIGNED)    # it waits some seconds for that
    command = subprocess.Popen([WAYMARKCTL, "-c", s.conf, "upgrade"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: "zone example.com.: a new CSK" in s.said() and len(key_files(s)) == 2 and successor(), "it makes no key: " + s.said())
    same([f.endswith(".new") for f in key_files(s)], [True, True], "beside their places:")
    return command, successor()[0]


@claim("a new process that has made the first keys of a zone, and is killed before it serves, leaves none of them")
def keys_killed():
    with Followed() as s:
        command, successor = upgrade_that_made_keys(s)
        os.kill(successor, signal.SIGKILL)
        said = command.communicate(timeout=BOUND)[0]
        assert command.returncode == 1 and "was killed by signal 9 (reading)" in said, said
        same(key_files(s), [])
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        s.configure(EDGES, "[ %s ]" % SIGNED)
        s.upgrade()
        until(lambda: [f.endswith(".new") for f in key_files(s)] == [False, False], "it has one key")


def hang(folder):
    """Whoever opens it, we too, waits until what is returned is closed; None: that cannot be had here (fanotify(7))."""
    libc = ctypes.CDLL(None)
    fd = libc.fanotify_init(0x5, os.O_RDONLY)                # FAN_CLOEXEC | FAN_CLASS_CONTENT
    if fd < 0:
        return None
    if libc.fanotify_mark(fd, 1, ctypes.c_uint64(0x40010000), -100, folder.encode()) == 0:    # FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ONDIR
        return fd
    os.close(fd)
    return None


@claim("after an upgrade that failed the server takes changes again, also where the folder of keys hangs")
def keys_hang():
    with Followed() as s:
        command, successor = upgrade_that_made_keys(s)
        folder = next(d for d, _, names in os.walk(s.dir) if any(f.startswith("K") for f in names))
        fd = hang(folder)
        if fd is None:
            command.kill()
            command.communicate()
            raise Skip("needs CAP_SYS_ADMIN and fanotify with permissions")
        try:
            os.kill(successor, signal.SIGKILL)
            said = command.communicate(timeout=20 * SLOW)[0]
            assert command.returncode == 1 and "was killed by signal 9 (reading)" in said, said
            s.configure(EDGES, "[ { name: example.com, file: zones/example.com.zone } ]")
            s.write("zones/example.com.zone", APEX + "www A 192.0.2.11\n")
            s.ctl("reload")
            same(s.udp("www.example.com").addresses(), ["192.0.2.11"])
        finally:
            os.close(fd)


@claim("an upgrade opens folders that the configuration did not name when the one before was started")
def folders():
    there = tempfile.mkdtemp(prefix="waymark-test.")
    try:
        os.chmod(there, 0o755)
        with open(there + "/zone", "w") as f:
            f.write(APEX + "www A 192.0.2.10\n")
        with Followed() as s:
            s.configure(None, "[ { dir: zones }, { name: example.org, file: %s/zone } ]" % there)
            code, said = s.ctl("reload")
            if code == 0:
                raise Skip("this kernel has no Landlock")
            assert "only in the folders that were named when it started" in said, said
            s.upgrade()
            same([s.udp("www." + name).addresses() for name in ("example.com", "example.org")], [["192.0.2.10"]] * 2)
            same(s.ctl("reload")[0], 0)
    finally:
        shutil.rmtree(there)


@claim("a new process that cannot read a zone which is served leaves the old one serving, and the store as it was; one that neither has keeps nobody")
def unread():
    zones = dict(ZONES, **{"example.net": APEX + "www A 192.0.2.20\n"})
    with Followed(zones, EDGES + "templates: { own: { write-back: store, nameservers: [ ns1.example.com ] } }\n") as s:
        db = s.dir + "/w.db"

        def version():
            with contextlib.closing(sqlite3.connect(db)) as c:
                return c.execute("PRAGMA user_version").fetchone()[0]

        newest = version()
        with contextlib.closing(sqlite3.connect(db)) as c:  # as a version before it left it
            c.executescript("DROP TABLE flat; PRAGMA user_version = %d" % (newest - 1))
        s.write("zones/example.net.zone", "www A 192.0.2.300\n")
        code, said = s.ctl("upgrade")
        same(code, 1, said)
        assert "the new process cannot read zone example.net., which is served here" in said, said
        same(version(), newest - 1)
        same(s.udp("www.example.net").addresses(), ["192.0.2.20"])
        same(s.ctl("zone", "add", "own.test", "own")[0], 0, "what writes to the store goes on")
        s.write("zones/example.net.zone", zones["example.net"])
        s.write("zones/example.org.zone", "www A 192.0.2.300\n")
        s.upgrade()
        same(version(), newest)
        same([s.udp("www." + n).rcode for n in zones] + [s.udp("example.org", "SOA").rcode], [NOERROR, NOERROR, SERVFAIL])
        s.upgrade()
        same(s.udp("own.test", "SOA").rcode, NOERROR)


@claim("a secondary without a store has its zones transferred before it takes over, and does not where nobody has them")
def secondary():
    with Server(ZONES, EDGES, start=False) as primary, Followed(config=EDGES.replace("store: { file: w.db }", ""), start=False) as s:
        primary.configure(EDGES, "[ { name: example.com, file: zones/example.com.zone, transfer: [ 127.0.0.1 ] } ]")
        primary.start()
        s.configure(EDGES.replace("store: { file: w.db }", "peers: { p: { at: \"127.0.0.1:%d\" } }" % primary.port),
                    "[ { name: example.com, primary: [ p ] } ]")
        s.start()
        until(lambda: s.udp("www.example.com").rcode == NOERROR, s.said())
        s.upgrade()
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        primary.stop()
        until(lambda: not os.path.exists("/proc/%d/exe" % s.pids[0]))
        code, said = s.ctl("upgrade")
        same(code, 1, said)
        assert "the new process does not get zone example.com., which is served here, from its primary" in said, said
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])


@claim("who is killed in an upgrade is survived by the other one")
def killed():
    with Followed() as s:
        s.put("#!/bin/sh\nkill -9 %d\nexec %s \"$@\"\n" % (s.proc.pid, WAYMARKD))
        s.ctl("upgrade")                                    # nobody has got the sockets yet: the new one cannot serve
        same(s.proc.wait(BOUND), -9)
        s.put(None)
        until(lambda: "not started" in s.said() or "is gone" in s.said(), "the new one goes on")
        s.start()
        s.upgrade()
        os.kill(s.pids[-1], signal.SIGKILL)                 # while the first one waits for its connections
        until(lambda: s.said().count("upgraded: process") == 2, "another is not started")
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        s.pids = [s.pids[0], int(re.findall(r"upgraded: process (\d+)", s.said())[-1])]
        same(s.ctl("force", "ams", "down")[0], 0)


@claim("where who took over is gone and no other can be started, the old one answers, takes no change, and is among the alarms")
def stuck():
    with Followed() as s, s.connect():                      # which keeps the old one until it is asked for
        s.upgrade()
        s.put("#!/bin/sh\nexit 3\n")
        os.kill(s.pids.pop(), signal.SIGKILL)
        until(lambda: "takes no change" in s.said(), "it does not give up")
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        same(s.tcp("www.example.com").addresses(), ["192.0.2.10"])
        code, said = s.ctl("force", "ams", "down")
        assert code == 1 and "restart" in said, said
        alarms = json.loads(s.ctl("status", "--json")[1])["alarms"]
        assert any("upgrade that failed" in a for a in alarms), alarms


@claim("told to stop, both of an upgrade end")
def stops():
    with Followed() as s:
        with s.connect():
            s.upgrade()
            s.ctl("stop")
            same(s.proc.wait(BOUND), 0, s.said())
            same(gone(s.pids.pop()), 0)


@claim("the service manager is told the new process's number by the old one, and gives sockets of UDP and TCP")
def managed():
    with Server(ZONES, EDGES, start=False) as s, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(s.dir + "/notify")
        given = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.create_server(("127.0.0.1", s.port))]
        given[0].bind(("127.0.0.1", s.port))
        s.configure()
        s.write("waymark.yaml", open(s.conf).read().replace("workers: 1", "workers: 2"))

        def give():
            for i, fd in enumerate([os.dup(g.fileno()) for g in given]):
                os.dup2(fd, 3 + i)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", NOTIFY_SOCKET=s.dir + "/notify")

        s.log = open(s.dir + "/log", "w+")
        for i in range(2):                                  # once it has stopped, the sockets are as good as new
            s.proc = subprocess.Popen([WAYMARKD, "-c", s.conf], close_fds=False, preexec_fn=give, stderr=s.log)
            until(lambda: s.said().count("ready:") == i + 1)
            same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
            if i == 0:
                s.stop()
                while manager.recv(200) != b"STOPPING=1":
                    pass
        for g in given:
            g.close()
        until(lambda: "ready:" in s.said())
        for i in range(20):                                 # each may come to either worker
            same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        same(s.tcp("www.example.com").addresses(), ["192.0.2.10"])
        code, said = s.ctl("upgrade")
        same(code, 0, said)
        pid = int(re.search(r"process (\d+) ", said).group(1))
        manager.settimeout(BOUND)
        told = [manager.recv(200).decode()]
        while told[-1] != "BARRIER=1":                      # what comes with it is closed, and so nobody waits
            told.append(manager.recv(200).decode())
        assert "READY=1" in told and told[-2] == "MAINPID=%d" % pid, told
        same(s.proc.wait(60 * SLOW), 0)
        same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
        same(s.ctl("stop")[0], 0)
        same(gone(pid), 0)


@claim("the Unix socket of the API goes over to the new process, stays where a new program fails, and is gone when the last one stops")
def by_socket():
    def ask(path):
        with socket.socket(socket.AF_UNIX) as c:
            c.settimeout(BOUND)
            c.connect(path)
            c.sendall(b"GET /api/v1/token HTTP/1.0\r\n\r\n")
            return c.makefile("rb").readline().split()[1]

    with Followed(config=EDGES + "management: { listen: unix:api.sock, api: on }\n") as s:
        path = s.dir + "/api.sock"
        same(ask(path), b"200")
        s.put("#!/bin/sh\nexit 3\n")
        same((s.ctl("upgrade")[0], ask(path)), (1, b"200"), "where it fails:")
        s.put(None)
        for _ in range(2):
            s.upgrade()
            same(ask(path), b"200")
        until(lambda: not os.path.exists("/proc/%d/exe" % s.pids[-2]))
        same((ask(path), os.path.exists(path)), (b"200", True), "when the one before has ended:")
        s.ctl("stop")
        until(lambda: not os.path.exists(path), "the socket is there yet")


@claim("after an upgrade QUIC is answered by the same socket")
def by_quic():
    if not quic_is_built() or not shutil.which("kdig"):
        return                                              # test_tls says so
    port = free_port()
    s = Followed(start=False)
    make_ca(s.dir)
    make_certificate(s.dir, "ns1", "ns1.example.com", 30)

    def ask():
        return subprocess.run(["kdig", "@127.0.0.1", "-p", str(port), "+quic", "+short", "+timeout=%d" % (5 * SLOW), "+retry=0", "www.example.com"],
                              capture_output=True, text=True).stdout.strip()

    s.listen = '"127.0.0.1:PORT", "quic:127.0.0.1:%d"' % port
    s.server = "workers: 1, tls: [ { cert: ns1.pem, key: ns1.key } ]"
    s.configure(config=EDGES)
    with s:
        s.start()
        for _ in range(3):
            same(ask(), "192.0.2.10")
            s.upgrade()
            same(ask(), "192.0.2.10", "once another serves:")

run("upgrade")
