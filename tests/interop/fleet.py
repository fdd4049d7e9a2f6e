#!/usr/bin/python3
"""fleet - real nameservers beside ours, in other parts than interop.py has: updates that we send on to them.

Each that is not installed is skipped. Everything is on loopback.
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from lib import *
from xfr import *

KEY = Key("xfr.test", os.urandom(32))
SECRET = base64.b64encode(KEY.secret).decode()
ZONE = "$ORIGIN dyn.test.\n$TTL 300\n@ SOA ns1 host 1 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.1\n"
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
PATIENCE_S = 60


def which(program):
    path = shutil.which(program, path=FOLDERS)
    if not path:
        raise Skip("%s is not installed" % program)
    return path


def until(what, wanted, *said):
    end = time.monotonic() + PATIENCE_S * SLOW
    while True:
        try:
            got = what()
        except (AssertionError, IndexError, OSError) as why:
            got = why
        if got == wanted:
            return
        if time.monotonic() > end:
            raise AssertionError("got %r, wanted %r\n%s" % (got, wanted, "\n".join(s() for s in said)))
        time.sleep(0.05)


class Real:
    """A real nameserver with a folder of its own; its `configure` writes what it needs there and returns its command line."""

    def __init__(self):
        self.path = which(self.program)
        self.port, self.proc = free_port(), None
        self.dir = tempfile.mkdtemp(prefix="waymark-fleet.")

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def start(self, argv):
        self.log = open(os.path.join(self.dir, "log"), "a")
        self.proc = subprocess.Popen(argv, cwd=self.dir, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return self

    def said(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()[-3000:]

    def stop(self):
        if self.proc:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, name, qtype="A"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect(("127.0.0.1", self.port))
            s.send(query(name, qtype))
            return Message(s.recv(65535))

    def addresses(self, name):
        return sorted(self.ask(name).addresses())


class Named(Real):
    program = "named"

    def begin(self, zones, options="", more=""):
        self.write("named.conf", """
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none; notify no;
	allow-transfer { 127.0.0.1; }; dnssec-validation no; session-keyfile none; %s };
controls { };
key "xfr.test" { algorithm hmac-sha256; secret "%s"; };
%s%s""" % (self.dir, self.port, options, SECRET, more, zones))
        return self.start([self.path, "-g", "-n", "1", "-c", self.dir + "/named.conf"])


class Knot(Real):
    program = "knotd"

    def begin(self, zones, remotes="", acls="", templates="", port=None):
        self.write("knot.conf", """
server:
  listen: 127.0.0.1@%d
  rundir: "%s"
  udp-workers: 1
  tcp-workers: 2
  background-workers: 2
log:
 - target: stdout
   any: info
database:
  storage: "%s"
key:
 - id: xfr.test
   algorithm: hmac-sha256
   secret: %s
%s%s
template:
 - id: default
   storage: "%s"
%s
zone:
%s""" % (self.port, self.dir, self.dir, SECRET, remotes, acls, self.dir, templates, zones))
        return self.start([self.path, "-c", self.dir + "/knot.conf"])


# ------------------------------------------------------------------ updates are sent on

def nsupdate(server, *lines, key=True, tcp=False):
    done = subprocess.run([which("nsupdate")] + (["-v"] if tcp else []) + (["-y", "hmac-sha256:xfr.test:" + SECRET] if key else []),
                          input="server 127.0.0.1 %d\nzone dyn.test\n%s\nsend\n" % (server.port, "\n".join(lines)), capture_output=True, text=True,
                          timeout=60)
    return done.returncode, (done.stdout + done.stderr).strip()


def sends_on(primary):
    """A server of ours in front of a real primary, once with the key of who asks and once without."""
    for keys in ("keys: { xfr.test: { secret: \"%s\" } }\n" % SECRET, ""):
        with Server({}, start=False) as s:
            s.configure(keys + "peers: { pri: { at: \"127.0.0.1:%d\" } }" % primary.port,
                        "[ { name: dyn.test, primary: pri, forward-updates: any } ]")
            s.start()
            until(lambda: s.udp("www.dyn.test").addresses(), ["192.0.2.1"], s.said, primary.said)
            for i, tcp in enumerate((False, True)):
                name = "n%d-%d.dyn.test" % (i, len(keys))
                same(nsupdate(s, "prereq nxdomain " + name, "update add %s 60 A 192.0.2.7" % name, tcp=tcp), (0, ""), primary.said())
                same(primary.addresses(name), ["192.0.2.7"])
                code, said = nsupdate(s, "prereq nxdomain " + name, "update add %s 60 A 192.0.2.8" % name, tcp=tcp)
                same((code, "YXDOMAIN" in said), (2, True), said)
                code, said = nsupdate(s, "update add x.dyn.test 60 A 192.0.2.8", key=False, tcp=tcp)
                same((code, "REFUSED" in said or "NOTAUTH" in said), (2, True), said)
            s.ctl("zone", "refresh", "dyn.test")
            until(lambda: s.udp(name).addresses(), ["192.0.2.7"], s.said)


@claim("named is changed through a server of ours that is its secondary, by nsupdate")
def named_updates():
    with Named() as primary:
        primary.write("dyn.test.zone", ZONE)
        primary.begin("zone \"dyn.test\" { type primary; file \"dyn.test.zone\"; allow-update { key xfr.test; }; };")
        until(lambda: primary.addresses("www.dyn.test"), ["192.0.2.1"], primary.said)
        sends_on(primary)


@claim("knotd is changed through a server of ours that is its secondary, by nsupdate")
def knot_updates():
    with Knot() as primary:
        primary.write("dyn.test.zone", ZONE)
        primary.begin(" - domain: dyn.test\n   acl: [ out, update ]\n", acls="acl:\n - id: out\n   address: 127.0.0.1\n   action: transfer\n"
                      " - id: update\n   key: xfr.test\n   action: update\n")
        until(lambda: primary.addresses("www.dyn.test"), ["192.0.2.1"], primary.said)
        sends_on(primary)


run("fleet")
