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


run("images")
