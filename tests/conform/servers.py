"""servers - waymarkd, NSD, Knot and BIND on loopback ports with the same zones, asked over UDP and TCP."""
import os
import signal
import socket
import struct
import subprocess
import time

from lib import WAYMARKD, free_port

PROGRAMS = ("nsd", "knotd", "named")


class Peer:
    def __init__(self, work, origins):
        self.port, self.dir, self.name = free_port(), os.path.join(work, type(self).__name__.lower()), type(self).__name__
        os.mkdir(self.dir)
        self.origins, self.stream = origins, None
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(self.conf())
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.proc = subprocess.Popen(self.argv(), cwd=self.dir, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                     start_new_session=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)
        self.socket.connect(("127.0.0.1", self.port))

    def send(self, packet, tcp=False):
        """The first half of a question, so that all servers work on it at once."""
        try:
            if not tcp:
                self.socket.send(packet)
                return
            if not self.stream:
                self.stream = socket.create_connection(("127.0.0.1", self.port), timeout=3)
                self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.stream.sendall(struct.pack(">H", len(packet)) + packet)
        except OSError:
            self.hang_up()

    def receive(self, packet, tcp=False):
        """The answer, or None. Asks again what got lost."""
        for _ in range(4):
            try:
                while True:
                    reply = self.read_tcp() if tcp else self.socket.recv(65535)
                    if reply[:2] == packet[:2]:
                        return reply
            except OSError:
                self.hang_up()
                time.sleep(0.05)
                self.send(packet, tcp)
        return None

    def read_tcp(self):
        if not self.stream:
            raise OSError("no connection")
        return self.exactly(struct.unpack(">H", self.exactly(2))[0])

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.stream.recv(n - len(got))
            if not more:
                raise OSError("closed")
            got += more
        return got

    def hang_up(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def ask(self, packet, tcp=False):
        self.send(packet, tcp)
        return self.receive(packet, tcp)

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.proc.pid, how)
                self.proc.wait(5)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.hang_up()
        self.socket.close()
        self.log.close()


class Waymark(Peer):
    def conf(self):
        return "server: { listen: [ \"127.0.0.1:%d\" ], workers: 1 }\nzones: [ { dir: ../zones } ]\n" % self.port

    def argv(self):
        return [os.environ.get("WAYMARKD_BINARY", WAYMARKD), "-c", "conf"]


class Nsd(Peer):
    def conf(self):
        d = self.dir
        return ("server:\n ip-address: 127.0.0.1@%d\n server-count: 1\n username: \"\"\n database: \"\"\n zonesdir: \"%s\"\n"
                " zonelistfile: \"%s/zl\"\n xfrdfile: \"%s/xf\"\n xfrdir: \"%s\"\n pidfile: \"%s/pid\"\n rrl-ratelimit: 0\n"
                " minimal-responses: yes\n tcp-timeout: 60\nremote-control:\n control-enable: no\n" % (self.port, d, d, d, d, d) +
                "".join("zone:\n name: %s\n zonefile: ../zones/%s\n" % (z, z) for z in self.origins))

    def argv(self):
        return ["nsd", "-d", "-c", os.path.join(self.dir, "conf")]


class Knot(Peer):
    def conf(self):
        return ("server:\n  rundir: \"%s\"\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n  tcp-idle-timeout: 60\n"
                "  background-workers: 1\ndatabase:\n  storage: \"%s\"\ntemplate:\n  - id: default\n    zonefile-sync: -1\n"
                "    zonefile-load: whole\n    journal-content: none\n    semantic-checks: off\n    storage: \"%s/../zones\"\nzone:\n" %
                (self.dir, self.port, self.dir, self.dir) +
                "".join("  - domain: %s\n    file: %s\n" % (z, z) for z in self.origins))

    def argv(self):
        return ["knotd", "-c", os.path.join(self.dir, "conf")]


class Named(Peer):
    """no-auth: positive answers have no NS in their authority section, as ours have none, but additional data."""

    def conf(self):
        return ("options { directory \"%s\"; pid-file \"%s/pid\"; session-keyfile \"%s/key\"; lock-file none;\n"
                "listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; minimal-responses no-auth; notify no;\n"
                "dnssec-validation no; check-names primary ignore; tcp-idle-timeout 600; };\ncontrols { };\n" %
                (self.dir, self.dir, self.dir, self.port) +
                "".join("zone \"%s\" { type primary; file \"../zones/%s\"; check-integrity no; };\n" % (z, z) for z in self.origins))

    def argv(self):
        return ["named", "-f", "-n", "1", "-c", os.path.join(self.dir, "conf")]


ALL = (Waymark, Nsd, Knot, Named)
