"""Response rate limiting (rrl:) before a real flood of queries whose sources cannot be told from spoofed ones."""
from lib import *

ZONE = APEX + "www A 192.0.2.10\n$GENERATE 1-60 big A 10.0.0.$\nsub NS ns.sub\nns.sub A 192.0.2.9\n"
RATE = "rrl: { rate: 100, slip: 2 }"


class Answers(list):
    took = 0


def waiting(port):
    """Are there queries that the server has not read yet?"""
    with open("/proc/net/udp") as f:
        rows = [line.split() for line in f]
    return any(r[1].endswith(":%04X" % port) and int(r[4].split(":")[1], 16) for r in rows[1:])


def flood(server, packet, n, host="127.0.0.1"):
    """Sends `n` queries as fast as a client can and returns the raw answers, which know the seconds that it took. None is lost on
    the way: each batch is waited for."""
    got, start = Answers(), time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((host, 0))
        s.connect(("127.0.0.1", server.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.setblocking(False)
        for i in range(n):
            s.send(packet)
            if i % 50 == 49 or i == n - 1:
                time.sleep(0.002)
                while waiting(server.port):
                    time.sleep(0.001)
                while True:
                    try:
                        got.append(s.recv(65535))
                    except BlockingIOError:
                        break
        s.settimeout(0.5 * SLOW)
        try:
            while True:
                got.append(s.recv(65535))
        except OSError:
            pass
    got.took = time.monotonic() - start
    return got


def kinds(replies):
    """How many whole answers, truncated ones, others."""
    m = [Message(r) for r in replies]
    whole = sum(bool(x.answer) or x.rcode not in (0, 23) for x in m)
    slips = sum(x.tc and not x.answer and not x.authority for x in m)
    return whole, slips, len(m) - whole - slips


def status(server, *keys):
    import json
    s = json.loads(server.ctl("status", "--json")[1])
    return [s[k] for k in keys]


@claim("a flood gets a second's worth of answers, then every second query a truncated one; less goes out than came in")
def limited():
    with Server({"example.com": ZONE}, RATE) as s:
        packet = query("big.example.com", "A", edns=opt(1232))
        got = flood(s, packet, 6000)
        whole, slips, others = kinds(got)
        assert 100 <= whole <= 100 * (2 + got.took) and others == 0, (whole, slips, others, got.took)
        assert abs(slips - (6000 - whole) / 2) < 10, (whole, slips)
        assert sum(map(len, got)) <= 6000 * len(packet), (sum(map(len, got)), 6000 * len(packet))
        over, slipped, withheld = status(s, "limited_answers", "slipped", "withheld")
        same((over, slipped), (slipped + withheld, slips))


@claim("who is truncated gets the answer over TCP, and TCP is never limited")
def tcp():
    with Server({"example.com": ZONE}, RATE) as s:
        flood(s, query("www.example.com", "A"), 1000)
        for _ in range(300):
            same(s.tcp("www.example.com").addresses(), ["192.0.2.10"])


@claim("who has a cookie is told so by BADCOOKIE, and with a good one is not limited")
def cookies():
    with Server({"example.com": ZONE}, RATE) as s:
        bare = query("www.example.com", "A", edns=opt(options=option(10, b"clientco")))
        replies = [Message(r) for r in flood(s, bare, 1000)]
        bad = [m for m in replies if m.rcode == BADCOOKIE]
        assert len(bad) > 300, len(bad)
        same((bad[0].answer, bad[0].tc), ([], False))
        good = query("www.example.com", "A", edns=opt(options=option(10, bad[0].options[10])))
        whole, slips, others = kinds(flood(s, good, 1000))
        same((whole, slips, others), (1000, 0, 0))


@claim("classes are limited each by itself; errors leak as they are")
def classes():
    with Server({"example.com": ZONE}, "rrl: { rate: 1000, nxdomain: 50, nodata: 0, errors: 20, referrals: 30 }") as s:
        same(len(flood(s, query("www.example.com", "TXT"), 500)), 500)
        got = flood(s, query("nx.example.com", "A"), 500)
        assert 50 <= sum(m.rcode == NXDOMAIN and bool(m.authority) for m in map(Message, got)) <= 50 * (1 + got.took) + 1, got.took
        got = flood(s, query("nowhere", "A"), 500)
        assert all(Message(r).rcode == REFUSED for r in got) and 240 < len(got) < 270 + 10 * got.took, (len(got), got.took)
        got = flood(s, query("x.sub.example.com", "A"), 300)
        assert sum(bool(Message(r).additional) for r in got) <= 30 * (1 + got.took) + 1, got.took


@claim("exempt nets are not limited; their neighbours are")
def exempt():
    with Server({"example.com": ZONE}, "rrl: { rate: 50, exempt: [ 127.0.0.2, 127.1.0.0/16 ] }") as s:
        same(len(flood(s, query("www.example.com", "A"), 1000, "127.0.0.2")), 1000)
        same(len(flood(s, query("www.example.com", "A"), 1000, "127.1.2.3")), 1000)
        got = flood(s, query("www.example.com", "A"), 1000, "127.0.0.3")
        assert len(got) < 550 + 25 * got.took, (len(got), got.took)


@claim("a dry run counts and sends all; slip 0 sends nothing, slip 1 all truncated")
def dry():
    with Server({"example.com": ZONE}, "rrl: { rate: 50, dry-run: on }") as s:
        same(kinds(flood(s, query("www.example.com", "A"), 1000)), (1000, 0, 0))
        over, withheld = status(s, "limited_answers", "withheld")
        assert over > 500 and withheld == 0, (over, withheld)
        s.configure("rrl: { rate: 50, slip: 0 }")
        same(s.ctl("reload")[0], 0)
        got = flood(s, query("www.example.com", "A"), 500)
        assert len(got) <= 50 * (1 + got.took) + 1, (len(got), got.took)
        s.configure("rrl: { rate: 50, slip: 1 }")
        same(s.ctl("reload")[0], 0)
        same(len(flood(s, query("www.example.com", "A"), 500)), 500)
        s.configure("")
        same(s.ctl("reload")[0], 0)
        same(kinds(flood(s, query("www.example.com", "A"), 500)), (500, 0, 0))


@claim("the log tells when a net begins to be limited and when that has ended, once each")
def logged():
    with Server({"example.com": ZONE}, "rrl: { rate: 50, window: 1s }") as s:
        def lines():
            return [l.split("rrl: ")[1] for l in s.said().splitlines() if "rrl: " in l]

        def wait(n):
            end = time.monotonic() + 60 * SLOW
            while len(lines()) < n and time.monotonic() < end:
                time.sleep(0.05)
            same(len(lines()), n, lines())

        flood(s, query("www.example.com", "A"), 400, "127.0.0.2")
        wait(1)
        same(lines()[0], "limiting responses to 127.0.0.2/32 (answers: over 50 a second)")
        wait(2)
        assert lines()[1].startswith("no longer limiting responses to 127.0.0.2/32 (answers): "), lines()
        count = int(lines()[1].split(": ")[1].split()[0])
        same([count], status(s, "limited_answers"))


@claim("what is wrong in rrl is told with its place")
def wrong():
    for config, say in (("rrl: { slip: 2 }", "rate"), ("rrl: { rate: 0 }", "1 to 1000000"), ("rrl: { rate: 5, slip: 256 }", "255"),
                        ("rrl: { rate: 5, exempt: [ 10.0.0.1/8 ] }", "10.0.0.0/8"), ("rrl: { rate: 5, window: 2h }", "1h"),
                        ("rrl: 5", "mapping")):
        with Server({"example.com": ZONE}, config, start=False) as s:
            code, said = s.check()
            same(code, 1)
            assert say in said and "waymark.yaml:4:" in said, said


run("rrl", by_clock=True)
