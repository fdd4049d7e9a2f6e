"""servers - waymarkd and the reference servers, each on a loopback port, for zonefiles.py."""
import itertools
import os
import signal
import socket
import struct
import subprocess
import time

from lib import SLOW, WAYMARKD, Message, free_port, recv_tcp, send_tcp

PLAIN_NAMES = {2: 0, 3: 0, 4: 0, 5: 0, 7: 0, 8: 0, 9: 0, 12: 0, 39: 0, 15: 2, 18: 2, 21: 2, 36: 2, 33: 6}
TWO_NAMES = {6: (0, 20), 14: (0, 0), 17: (0, 0), 26: (2, 0)}    # bytes in front of them, and behind


def wire(text):
    """The name that a Reply shows as `text`."""
    out = b""
    for label in text.rstrip(".").split(".") if text != "." else []:
        raw = b""
        while label:
            if label[0] == "\\":
                raw, label = raw + bytes([int(label[1:4])]), label[4:]
            else:
                raw, label = raw + label[0].encode("ascii"), label[1:]
        out += bytes([len(raw)]) + raw
    return out + b"\0"


class Reply(Message):
    """Names are text in which every odd byte is \\DDD; data is text of bytes, names in lower case."""

    def name(self, at, keep=False):
        labels, end = [], None
        while self.raw[at]:
            if self.raw[at] >= 0xc0:
                end = end or at + 2
                at = struct.unpack(">H", self.raw[at:at + 2])[0] & 0x3fff
                continue
            label = self.raw[at + 1:at + 1 + self.raw[at]].decode("latin1")
            label = label if keep else label.lower() if label.isascii() else label
            labels.append("".join(c if c.isascii() and (c.isalnum() or c in "-_*") else "\\%03d" % ord(c) for c in label))
            at += 1 + self.raw[at]
        return ".".join(labels) + ".", end or at + 1

    def take_opt(self, klass, ttl, body):
        """Some serve an OPT record that a zone has."""

    def data(self, kind, at, size):
        if kind in PLAIN_NAMES:
            return self.raw[at:at + PLAIN_NAMES[kind]].hex() + " " + self.name(at + PLAIN_NAMES[kind])[0]
        if kind in TWO_NAMES:
            front, behind = TWO_NAMES[kind]
            first, end = self.name(at + front)
            second, end = self.name(end)
            return " ".join((self.raw[at:at + front].hex(), first, second, self.raw[end:end + behind].hex()))
        return self.raw[at:at + size].hex()


class Server:
    def __init__(self, work, cases, number=0):
        self.dir, self.port, self.cases = os.path.join(work, "%s%d" % (self.name, number)), free_port(), cases
        self.zones = os.path.join(work, "zones")
        os.mkdir(self.dir)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(self.conf())
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.proc = subprocess.Popen(self.argv(), cwd=self.dir, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                     start_new_session=True)

    def wait(self):
        """Until it answers anything at all, or is dead."""
        end = time.monotonic() + 20 * SLOW
        while self.exchange(wire("nosuch"), 6) is None:
            if time.monotonic() > end or self.proc.poll() is not None:
                return
            time.sleep(0.05)

    def exchange(self, name, kind):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5 * SLOW) as s:
                send_tcp(s, struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + name + struct.pack(">HH", kind, 1))
                return Reply(recv_tcp(s))
        except (OSError, AssertionError, IndexError, struct.error):
            return None

    def ask(self, name, kind):
        return self.exchange(wire(name), int(kind))

    def loaded(self, zone):
        reply = self.ask(zone + ".", 6)
        return bool(reply and reply.rcode == 0 and reply.aa and any(r[1] == 6 for r in reply.answer))

    def transfer(self, zone):
        """{"owner type"} of all its records; None when it does not come to the end."""
        rows, soas = set(), 0
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                send_tcp(s, struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + wire(zone) + struct.pack(">HH", 252, 1))
                while soas < 2:
                    m = Reply(recv_tcp(s))
                    if m.rcode or not m.answer:
                        break
                    soas += sum(r[1] == 6 for r in m.answer)
                    rows |= {"%s %d" % r[:2] for r in m.answer}
        except (OSError, AssertionError, IndexError, struct.error):
            pass
        return rows if soas >= 2 else None

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.proc.pid, how)
                self.proc.wait(10)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.log.close()


class Waymark(Server):
    name = "waymark"

    def conf(self):
        return "server: { listen: [ \"127.0.0.1:%d\" ], workers: 1 }\nzones:\n" % self.port + "".join(
            "  - { name: %s, file: %s/%s/zone }\n" % (c.zone, self.zones, c.name) for c in self.cases)

    def argv(self):
        return [WAYMARKD, "-c", "conf"]


class Nsd(Server):
    name, program = "nsd", "nsd"

    def conf(self):
        d = self.dir
        return ("server:\n ip-address: 127.0.0.1@%d\n server-count: 1\n username: \"\"\n database: \"\"\n zonesdir: \"%s\"\n"
                " zonelistfile: \"%s/zl\"\n xfrdfile: \"%s/xf\"\n xfrdir: \"%s\"\n pidfile: \"%s/pid\"\n rrl-ratelimit: 0\n"
                "remote-control:\n control-enable: no\n" % (self.port, d, d, d, d, d) + "".join(
                    "zone:\n name: %s\n zonefile: %s/%s/zone\n provide-xfr: 127.0.0.1 NOKEY\n" % (c.zone, self.zones, c.name)
                    for c in self.cases))

    def argv(self):
        return ["nsd", "-d", "-c", "conf"]


class Knot(Server):
    name, program = "knot", "knotd"

    def conf(self):
        return ("server:\n  rundir: \"%s\"\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n"
                "  background-workers: 1\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"%s\"\n"
                "acl:\n  - id: all\n    action: transfer\n    address: 127.0.0.1\n"
                "template:\n  - id: default\n    zonefile-sync: -1\n    acl: all\n"
                "    zonefile-load: whole\n    journal-content: none\nzone:\n" % (self.dir, self.port, self.dir) + "".join(
                    "  - domain: %s\n    file: %s/%s/zone\n" % (c.zone, self.zones, c.name) for c in self.cases))

    def argv(self):
        return ["knotd", "-c", "conf"]


def named_zones(server):
    return "".join("zone \"%s\" { type primary; file \"%s/%s/zone\"; };\n" % (c.zone, server.zones, c.name)
                   for c in server.cases)


class Named(Server):
    name, program = "named", "named"

    def conf(self):
        return ("options { directory \"%s\"; pid-file \"%s/pid\"; session-keyfile \"%s/key\"; lock-file none;\n"
                "listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; minimal-responses yes; notify no;\n"
                "dnssec-validation no; };\ncontrols { };\n" % (self.dir, self.dir, self.dir, self.port)) + named_zones(self)

    def argv(self):
        return ["named", "-g", "-n", "1", "-c", os.path.join(self.dir, "conf")]


class Pdns(Server):
    name, program = "pdns", "pdns_server"

    def loaded(self, zone):
        """It reads a record's data when it is asked for; a transfer asks for all."""
        return super().loaded(zone) and self.transfer(zone) is not None

    def conf(self):
        with open(os.path.join(self.dir, "named.conf"), "w") as f:
            f.write(named_zones(self).replace("type primary", "type master"))
        with open(os.path.join(self.dir, "pdns.conf"), "w") as f:
            f.write("launch=bind\nbind-config=%s/named.conf\nlocal-address=127.0.0.1\nlocal-port=%d\nsocket-dir=%s\n"
                    "allow-axfr-ips=127.0.0.1\nguardian=no\ndaemon=no\nwrite-pid=no\ncache-ttl=0\nquery-cache-ttl=0\n"
                    "negquery-cache-ttl=0\nmax-tcp-connections=100\nmax-tcp-connections-per-client=0\n"
                    "expand-alias=no\nmax-generate-steps=1000\nzone-cache-refresh-interval=0\n"
                    % (self.dir, self.port, self.dir))
        return ""

    def argv(self):
        return ["pdns_server", "--config-dir=" + self.dir]


class Flock:
    """A server for every so many cases. Some broken zones kill a reference server, or make it wild (Knot 3.2 dies of a heap
    that $INCLUDE loops and others have overwritten); its cases are then tried one by one, and the killers have no verdict."""

    def __init__(self, kind, work, cases, each):
        self.name, self.kind, self.work, self.numbers = kind.name, kind, work, itertools.count()
        self.members = [self.start(cases[i:i + each]) for i in range(0, len(cases), each)]
        self.server = {}

    def start(self, cases):
        return self.kind(self.work, cases, next(self.numbers))

    def settle(self):
        """A server that still loads may answer SERVFAIL, so that zones get some time."""
        for s in self.members:
            s.wait()
        time.sleep(0 if self.kind is Waymark else 2)
        return [s for s in self.members if s.proc.poll() is not None]

    def wait(self):
        for s in self.settle():
            if self.kind is Waymark:
                raise SystemExit("waymarkd ended: " + open(s.log.name).read()[-3000:])
            self.members.remove(s)
            s.stop()
            self.members += [self.start([c]) for c in s.cases]
        for s in self.settle():
            self.members.remove(s)
            s.stop()
        self.server = {c.name: s for s in self.members for c in s.cases}

    def stop(self):
        for s in self.members:
            s.stop()


REFERENCES = (Nsd, Knot, Named, Pdns)
EACH = {"knot": 40}
