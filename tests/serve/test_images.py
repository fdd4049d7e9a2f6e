"""Large zones, databases and rankings are kept as they are in memory, and the next start has them at once when nothing has changed."""
from lib import *

MANY = 8000
ZONES = {"example.com": APEX + "".join("w%d A 192.0.2.%d\n" % (i, i % 256) for i in range(MANY)),
         "example.net": APEX + "mail MX 10 nowhere\n" + "".join("w%d A 192.0.2.%d\n" % (i, i % 256) for i in range(MANY)),
         "example.org": APEX + "www A 192.0.2.1\n"}
CITY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../geoip/city.mmdb")
CONFIG = """
store: { file: w.db }
geoip: { city: { file: %s } }
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ] } }
""" % CITY
LINES = ("zones: 2 as they were kept", "GeoIP files: as they were kept", "rankings: of 1 pools as they were kept")
NAMES = ["geoip.kept", "rankings.kept"]


def images(s):
    return sorted(n for n in os.listdir(s.dir + "/images") if n.endswith(".kept")) if os.path.isdir(s.dir + "/images") else []


def wait(what, say):
    end = time.monotonic() + 60 * SLOW
    while not what():
        assert time.monotonic() < end, say()
        time.sleep(0.05)


def again(s):
    """As after a crash."""
    s.proc.kill()
    s.proc.wait()
    s.start()
    return [line in s.said() for line in LINES]


@claim("a server that was killed has large zones, the GeoIP database and rankings as they were kept, and answers the same with the same warnings")
def kept():
    with Server(ZONES, CONFIG, start=False) as s:
        time.sleep(0.1)                                     # what was written just now might be written again unseen
        s.start()
        wait(lambda: len(images(s)) == 4 and images(s)[-2:] == NAMES, lambda: "%s: %s" % (images(s), s.said()))
        same(os.stat(s.dir + "/images").st_mode & 0o777, 0o700)
        before = [s.udp("w%d.example.com" % i).addresses() for i in (0, 7, MANY - 1)]
        geo = s.ctl("geo", "83.62.101.0")
        same([line in s.said() for line in LINES], [False] * 3)
        doubt = [line.split("warning: ", 1)[1] for line in s.said().splitlines() if "nowhere" in line and "warning: " in line]
        same(len(doubt), 1, s.said())
        same(again(s), [True] * 3, s.said())
        same([s.udp("w%d.example.com" % i).addresses() for i in (0, 7, MANY - 1)], before)
        same(s.udp("w%d.example.com" % MANY).rcode, NXDOMAIN)
        same(s.udp("www.example.org").addresses(), ["192.0.2.1"])
        same(s.ctl("geo", "83.62.101.0"), geo)
        assert doubt[0] in s.said(), s.said()
        # What has changed is read; what was kept of it is replaced, and of what is gone taken away.
        s.write("zones/example.com.zone", ZONES["example.com"].replace("w7 A 192.0.2.7\n", "w7 A 192.0.2.77\n"))
        os.unlink(s.dir + "/zones/example.net.zone")
        time.sleep(0.1)
        again(s)
        assert "as they were kept" in s.said() and "zones: " not in s.said(), s.said()
        same(s.udp("w7.example.com").addresses(), ["192.0.2.77"])
        wait(lambda: len(images(s)) == 3, lambda: images(s))
        again(s)
        wait(lambda: "zones: 1 as they were kept" in s.said(), s.said)
        same(s.udp("w7.example.com").addresses(), ["192.0.2.77"])


@claim("images that are cut, changed or empty, and a folder that cannot be, are no reason not to answer; off keeps none")
def broken():
    with Server(ZONES, CONFIG, start=False) as s:
        time.sleep(0.1)
        s.start()
        wait(lambda: len(images(s)) == 4, lambda: "%s: %s" % (images(s), s.said()))
        right = {}
        for name in images(s):
            with open(s.dir + "/images/" + name, "rb") as f:
                right[name] = f.read()
        for harm in (lambda b: b[:len(b) // 2], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:200] + b"x" * 64 + b[264:]):
            s.proc.kill()
            s.proc.wait()
            for name in right:
                with open(s.dir + "/images/" + name, "wb") as f:
                    f.write(harm(right[name]))
            s.start()
            same([line in s.said() for line in LINES], [False] * 3, s.said())
            same(s.udp("w7.example.com").addresses(), ["192.0.2.7"])
        s.proc.kill()
        s.proc.wait()
        s.configure(CONFIG.replace("w.db", "w.db, images: off"))
        s.start()
        same([line in s.said() for line in LINES], [False] * 3, s.said())
        s.proc.kill()
        s.proc.wait()
        s.configure(CONFIG.replace("w.db", "w.db, images: waymark.yaml/images"))
        s.start()
        wait(lambda: "the next start takes longer: " in s.said(), s.said)
        same(s.udp("w7.example.com").addresses(), ["192.0.2.7"])


# ------------------------------------------------------------------ signed here

EDGES = "edges: { ams: { at: \"52,5\", a: [ 192.0.2.1 ] } }\npools: { web: { edges: [ ams ] } }\n"
FAKETIME = "/usr/lib/%s/faketime/libfaketimeMT.so.1" % (os.uname().machine + "-linux-gnu")
SIGNED = APEX + "cdn EDGE web\n" + "".join("w%d A 192.0.2.%d\n" % (i, i % 256) for i in range(1500))
RRSIG = TYPES["RRSIG"]


class Signed(Server):
    """One zone that is signed here, of a link to a file; what is kept of it is there."""

    def __init__(self, policy="lifetime: 14d"):
        super().__init__({"other": SIGNED.replace("192.0.2.7\n", "192.0.2.77\n"), "example.com": SIGNED}, start=False)
        self.link = self.dir + "/now"
        self.policy = policy
        self.point("example.com")
        self.configure(self.conf_text(), "[ { name: example.com, file: now, dnssec: p } ]")
        time.sleep(0.1)
        self.start()
        wait(lambda: len(images(self)) == 1, self.said)

    def conf_text(self):
        # What the parent is asked for comes after some seconds, and would be other keys.
        return EDGES + "store: { file: w.db }\ndnssec: { p: { cds: none, %s } }\n" % self.policy

    def point(self, zone):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.link)
        os.symlink("zones/%s.zone" % zone, self.link)

    def kept(self, put=None):
        self.file = self.dir + "/images/" + images(self)[0] if images(self) else self.file
        with open(self.file, "rb" if put is None else "wb") as f:
            return f.read() if put is None else f.write(put)

    def told(self, name="w7.example.com", qtype="A"):
        """The data, and their signature."""
        rows = self.udp(name, qtype, edns=opt(4096, flags=DO)).answer
        return sorted(r[3] for r in rows if r[1] != RRSIG), sorted(r[3] for r in rows if r[1] == RRSIG)

    def again(self, env=None):
        """After a crash: was it had as it was kept?"""
        self.proc.kill()
        self.proc.wait()
        Server.start(self, env)
        return "zones: 1 as they were kept" in self.said()


@claim("a zone that is signed here is had as it was kept, with the same signatures and serial; harmed, it is as it is stored")
def signed_kept():
    with Signed() as s:
        before = s.told(), s.told("example.com", "SOA"), s.told("example.com", "DNSKEY")
        same(len(before[0][1]), 1)
        same(s.again(), True, s.said())
        same((s.told(), s.told("example.com", "SOA"), s.told("example.com", "DNSKEY")), before)
        data, signatures = s.told("cdn.example.com")
        same((data, len(signatures)), (["192.0.2.1"], 1))
        proof = {r[1] for r in s.udp("cdn.example.com", "TXT", edns=opt(4096, flags=DO)).authority}
        same(proof, {TYPES["SOA"], TYPES["NSEC"], RRSIG})
        same(s.again(), True, "once more: " + s.said())
        # Harmed, it is signed as it is stored.
        right = s.kept()
        for harm in (lambda b: b[:len(b) // 2], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:150] + b"x" * 64 + b[214:]):
            s.kept(put=harm(right))
            same(s.again(), False, s.said())
            same((s.told(), s.told("example.com", "SOA")), before[:2])


@claim("of a zone that is signed here nothing is served that is older than its file, its keys or what is stored")
def signed_stale():
    with Signed() as s:
        old = s.kept()
        # Its file is another, and then the one before, in all that can be seen of it.
        s.point("other")
        same(s.ctl("reload")[0], 0)
        same(s.told()[0], ["192.0.2.77"])
        serial = s.udp("example.com", "SOA").answer[0][3]
        s.point("example.com")
        s.kept(put=old)
        same(s.again(), False, s.said())
        same(s.told()[0], ["192.0.2.7"])
        assert s.udp("example.com", "SOA").answer[0][3] != serial, "the serial goes on"
        # Its keys are others.
        wait(lambda: images(s) and s.kept() != old, s.said)
        same(s.again(), True, s.said())
        old, keys = s.kept(), s.told("example.com", "DNSKEY")[0]
        wait(lambda: s.ctl("dnssec", "roll", "example.com")[0] == 0, s.said)    # which is refused before its keys have been looked at
        wait(lambda: len(s.told("example.com", "DNSKEY")[0]) > len(keys), s.said)
        keys = s.told("example.com", "DNSKEY")
        s.kept(put=old)
        same(s.again(), False, s.said())
        same(s.told("example.com", "DNSKEY"), keys)


@claim("of a zone that is signed here signatures that were made anew since it was kept are served, and none that has ended")
def signed_ends():
    if not os.path.exists(FAKETIME):
        raise Skip("there is no libfaketime")

    def after(days):
        return dict(os.environ, LD_PRELOAD=FAKETIME, FAKETIME="+%gd" % days, FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")

    def ends():
        """The day on which the first of the signatures of some names ends; a tenth of them ends on the day after the fourth."""
        return min((struct.unpack(">I", bytes.fromhex(s.told("w%d.example.com" % i)[1][0])[8:12])[0] - time.time()) / 86400 for i in range(0, 1500, 15))

    with Signed("lifetime: 14d, refresh: 3d, jitter: 10d") as s:
        old = s.kept()
        assert ends() < 4.98, ends()
        s.again(after(2))
        wait(lambda: ends() > 5, s.said)                    # those are made anew
        s.kept(put=old)
        same(s.again(after(2)), True, s.said())
        assert ends() > 4.99, ends()
        s.kept(put=old)
        same(s.again(after(30)), False, s.said())
        assert ends() > 30, ends()


# ------------------------------------------------------------------ upgrades

FAR = "peers: { away: { at: \"192.0.2.254:53\" } }\n"          # a new process waits some seconds for a zone of its


def failing_upgrade(s, config, zones):
    """A new process with that configuration has looked at what is kept, has had time to keep its own, and is killed."""
    def others():
        for pid in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if pid.isdigit() and int(pid) != s.proc.pid and s.conf in open("/proc/%s/cmdline" % pid).read() and "Threads:\t1\n" not in open("/proc/%s/status" % pid).read():
                    yield int(pid)

    s.configure(config + FAR, "[ %s, { name: far.test, primary: [ away ] } ]" % zones)
    command = subprocess.Popen([WAYMARKCTL, "-c", s.conf, "upgrade"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait(lambda: list(others()), s.said)
    time.sleep(2.6)
    for pid in others():
        os.kill(pid, signal.SIGKILL)
    said = command.communicate(timeout=60 * SLOW)[0]
    if command.returncode == 0:
        raise Skip("it served already")
    assert command.returncode == 1 and "goes on serving" in said, said


def bytes_kept(s):
    return {n: open(s.dir + "/images/" + n, "rb").read() for n in images(s)}


@claim("a new process that does not come to serve leaves what is kept as it was")
def upgrade_failed():
    with Server(ZONES, CONFIG, start=False) as s:
        time.sleep(0.1)
        s.start()
        wait(lambda: len(images(s)) == 4, lambda: "%s: %s" % (images(s), s.said()))
        before = bytes_kept(s)
        failing_upgrade(s, CONFIG, "{ name: example.com, file: zones/example.com.zone }")
        assert bytes_kept(s) == before, (images(s), sorted(before))


@claim("a new process that cannot use what is kept of a zone that is signed here leaves it to who goes on serving")
def upgrade_failed_signed():
    with Signed() as s:
        before = bytes_kept(s)
        failing_upgrade(s, s.conf_text().replace("cds: none", "cds: none, denial: nsec3"), "{ name: example.com, file: now, dnssec: p }")
        assert bytes_kept(s) == before, (images(s), sorted(before))


run("images")
