"""reload --stage: new tables for a share of the clients, and back."""
import ipaddress
import json
import re
import threading
from lib import *

ZONE = APEX + "web 60 EDGE web\nsame 60 EDGE same\nturns 60 EDGE turns\nfew 60 EDGE few\nplain A 192.0.2.99\n"
OLD = {"ams": "192.0.2.1", "iad": "192.0.2.2", "sin": "192.0.2.3"}
NEW = {"ams": "198.51.100.1", "iad": "198.51.100.2", "sin": "198.51.100.3"}
AT = {"ams": "52,5", "iad": "39,-77", "sin": "1,104"}
LATENCY = "latency: { half-life: 6h }\n"
rng = random.Random(3)


def config(edges, extra="", few="", pools=""):
    return "geoip: { city: { file: %s/geoip/city.mmdb } }\n%s\nedges:\n" % (TOP, extra) + "".join(
        '  %s: { at: "%s", a: [ %s ] }\n' % (n, AT.get(n, "0,0"), a) for n, a in edges.items()) + \
        '  fixed: { at: "0,0", a: [ 203.0.113.1 ] }\n' + """pools:
  web: { edges: [ ams, iad, sin ] }
  same: { edges: [ fixed ] }
  turns: { edges: [ ams, iad ], policy: round-robin }
  few: { edges: [ ams, iad, sin ]%s }
%s""" % (few, pools)


def net(v6=False):
    return random_net(rng, v6)


def server(**more):
    return Server({"example.com": ZONE}, config=config(OLD, **more))


def is_new(s, client, name="web"):
    a = s.steer(name + ".example.com", client).addresses()[0]
    assert a in OLD.values() or a in NEW.values(), a
    return a in NEW.values()


def status(s):
    return json.loads(s.ctl("status", "--json")[1])


def stage(s, share, want=0, **more):
    s.configure(config(NEW, **more))
    code, said = s.ctl("reload", "--stage", share)
    same(code, want, said)
    return said


@claim("the share of clients is what was said, is stable, and grows when it is raised")
def shares():
    with server() as s:
        nets = [net() for _ in range(1500)]
        assert not any(is_new(s, c) for c in nets[:100])
        before = set()
        for percent in (5, 30, 70):
            stage(s, "%g%%" % percent)
            staged = {c for c in nets if is_new(s, c)}
            groups = {c.rsplit(".", 2)[0] for c in nets}
            share, n = len({c.rsplit(".", 2)[0] for c in staged}) / len(groups), len(groups)
            p = percent / 100
            assert abs(share - p) < 4 * (p * (1 - p) / n) ** 0.5, (share, p)
            assert before <= staged
            before = staged
            assert all(is_new(s, c) == (c in staged) for c in rng.sample(nets, 200))
        stage(s, "100%")
        assert all(is_new(s, c) for c in nets[:300])


@claim("every address inside an answer's scope gets the same answer while a stage is on")
def scopes():
    with server() as s:
        stage(s, "50%")
        for i in range(250):
            c = net()
            name = ("web", "same", "few")[i % 3]
            m = s.steer(name + ".example.com", c)
            assert m.scope >= 16, m.scope
            whole = ipaddress.ip_network("%s/%d" % (c.split("/")[0], m.scope), strict=False)
            for _ in range(4):
                other = s.steer(name + ".example.com", "%s/32" % whole[rng.randrange(whole.num_addresses)])
                same((other.addresses(), other.scope), (m.addresses(), m.scope), str(whole))
        same(s.ctl("reload", "--rollback")[0], 0)
        assert s.steer("web.example.com", "83.62.101.0/24").scope < 24


@claim("IPv6 groups are staged likewise, and turns are taken on each side by itself")
def v6_and_turns():
    with server() as s:
        stage(s, "50%")
        found = {}
        for _ in range(300):
            c = "%s/48" % ipaddress.IPv6Address((0x2a02 << 112) | rng.getrandbits(12) << 96 | rng.getrandbits(16) << 80)
            found.setdefault(c.split(":")[1], set()).add(is_new(s, c))
        assert all(len(v) == 1 for v in found.values()) and len({min(v) for v in found.values()}) == 2, found
        got = {True: [], False: []}
        for _ in range(200):
            a = s.steer("turns.example.com", net()).addresses()[0]
            got[a in NEW.values()].append(a)
        for rows in got.values():
            assert len(rows) > 40 and all(a != b for a, b in zip(rows, rows[1:])), rows


@claim("zones and all else wait; promote gives all of it to all, rollback takes all of it back")
def promote_and_back():
    with server() as s:
        nets = [net() for _ in range(60)]
        for word, want in (("--rollback", False), ("--promote", True)):
            s.write("zones/example.com.zone", ZONE + "late A 192.0.2.77\n")
            stage(s, "40%", extra="rrl: { rate: 1000000 }")
            same(s.udp("late.example.com").rcode, NXDOMAIN)
            assert {is_new(s, c) for c in nets} == {True, False}
            generation = status(s)["generation"]
            code, said = s.ctl("reload", word)
            same(code, 0, said)
            same({is_new(s, c) for c in nets}, {want})
            same(s.udp("late.example.com").rcode, NOERROR if want else NXDOMAIN)
            same(status(s)["generation"], generation + 1)
            assert "stage" not in status(s) and word[2:6] in status(s)["stage_last"].replace("rolled back", "roll")
            s.configure(config(OLD)) if not want else None
        same(s.ctl("reload")[0], 0)


@claim("no query is lost or answered wrongly while stages come and go")
def no_loss():
    with server() as s:
        stop, wrong, asked = threading.Event(), [], [0]

        def ask():
            while not stop.is_set():
                m = s.steer("web.example.com", "83.62.101.0/24")
                asked[0] += 1
                if m.rcode or m.addresses()[0] not in (OLD["ams"], NEW["ams"]):
                    wrong.append(m.addresses())
        threads = [threading.Thread(target=ask) for _ in range(2)]
        [t.start() for t in threads]
        for i in range(6):
            stage(s, "%d%%" % (10 + 15 * i))
            s.ctl("force", "sin", "drain" if i % 2 else "auto")
            s.ctl("reload", "--rollback" if i % 2 else "--promote")
            s.configure(config(OLD))
            s.ctl("reload")
        stop.set()
        [t.join() for t in threads]
        same(wrong, [])
        assert asked[0] > 50, asked


@claim("status tells of the stage, explain whether the client is in it and what it gets")
def told():
    with server() as s:
        same(json.loads(s.ctl("explain", "web.example.com", "--client", "83.62.101.0/24", "--json")[1]).get("stage"), None)
        stage(s, "50%")
        for c in [net() for _ in range(40)]:
            told = json.loads(s.ctl("explain", "web.example.com", "--client", c, "--json")[1])
            m = s.steer("web.example.com", c)
            same([r["data"] for r in told["answer"]["records"]], m.addresses())
            same(told["answer"]["scope"], m.scope)
            same(told["stage"]["staged"], m.addresses()[0] in NEW.values())
            same(told["stage"]["group"], str(ipaddress.ip_network(c.split("/")[0] + "/16", strict=False)))
            text = s.ctl("explain", "web.example.com", "--client", c)[1]
            assert ("new tables" in text) and ("is in the 50 %" in text) == told["stage"]["staged"], text
        now = status(s)
        same(now["stage"]["percent"], 50.0)
        assert 0 < now["stage"]["answers"] <= 40 and now["staged"] == now["stage"]["answers"]
        assert "stage: 50 %" in s.ctl("status")[1]


@claim("GeoIP files that change reach both sides")
def geo():
    with server() as s:
        for name, edges in (("old", OLD), ("new", NEW)):
            s.configure(config(edges).replace("%s/geoip/city.mmdb" % TOP, "city.mmdb"))
            if name == "old":
                shutil.copy(TOP + "/geoip/city.mmdb", s.dir + "/city.mmdb")
                same(s.ctl("reload")[0], 0)
        same(s.ctl("reload", "--stage", "50%")[0], 0)
        ins = next(c for c in iter(net, None) if is_new(s, c) and s.steer("web.example.com", c).addresses() == [NEW["iad"]])
        before = status(s)["generation"]
        os.utime(s.dir + "/city.mmdb", (1, 1))
        end = time.monotonic() + 60 * SLOW
        while status(s)["generation"] == before and time.monotonic() < end:
            time.sleep(0.1)
        same(status(s)["generation"], before + 1)
        assert "read anew" in s.said()
        same(s.steer("web.example.com", ins).addresses(), [NEW["iad"]])
        s.write("city.mmdb", "nonsense")
        time.sleep(4)
        same(s.steer("web.example.com", ins).addresses(), [NEW["iad"]])
        same(status(s)["stage"]["percent"], 50.0)


@claim("edges that only the new tables have are probed before they are answered with, and stay so when promoted")
def probed():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        probe = "probes: { up: { kind: tcp, port: %d, every: 300ms, timeout: 200ms, rise: 1, fall: 1 } }\nstage: { failures: 100%% }\n" % \
            listener.getsockname()[1]
        with Server({"example.com": ZONE}, config=config({n: "127.0.0.1" for n in OLD}, extra=probe, few=", probe: up")) as s:
            s.configure(config({**NEW, "sin": "127.0.0.1"}, extra=probe, few=", probe: up"))
            same(s.ctl("reload", "--stage", "100%")[0], 0)
            same(s.steer("few.example.com", "83.62.101.0/24").addresses(), ["127.0.0.1"])
            time.sleep(1)
            same(s.steer("few.example.com", "83.62.101.0/24").addresses(), ["127.0.0.1"])
            probes = status(s)["targets"]
            same(s.ctl("reload", "--promote")[0], 0)
            same(s.steer("few.example.com", "83.62.101.0/24").addresses(), ["127.0.0.1"])
            same((probes, status(s)["targets"]), (3, 3))


@claim("a plain reload and SIGHUP are refused while a stage is on, and nothing changes")
def refused():
    with server() as s:
        stage(s, "30%")
        nets = [net() for _ in range(40)]
        before, generation = [is_new(s, c) for c in nets], status(s)["generation"]
        code, said = s.ctl("reload")
        same(code, 1)
        assert "a stage is on" in said, said
        s.proc.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60 * SLOW
        while s.said().count("not reloaded") < 2 and time.monotonic() < end:
            time.sleep(0.05)
        same(s.said().count("not reloaded"), 2)
        same(([is_new(s, c) for c in nets], status(s)["generation"]), (before, generation))


@claim("wrong words, a faulty file, pools that go and what needs a restart: one sentence, and no change")
def faults():
    with server() as s:
        for words in (["--stage"], ["--stage", "0%"], ["--stage", "101%"], ["--stage", "5"], ["--stage", "x%"], ["--stage", "nan%"],
                      ["--stage", "5%", "more"], ["--promote", "x"], ["--nonsense"]):
            same(s.ctl("reload", *words)[0], 2, words)
        for word in ("--promote", "--rollback"):
            code, said = s.ctl("reload", word)
            same(code, 1)
            assert "no stage is on" in said, said
        generation = status(s)["generation"]
        whole = open(s.conf).read()
        for old, new, say in (("edges:", "edgse:", 'did you mean "edges"'), ("web: {", "wab: {", "web"),
                              ("workers: 1", "workers: 2", "restart"), ("[ fixed ]", "[ nosuch ]", "nosuch")):
            s.write("waymark.yaml", whole.replace(old, new))
            code, said = s.ctl("reload", "--stage", "5%")
            same(code, 1, said)
            assert say in said and "not staged" in said, said
        # The new zone lets a pool go, the one that is served does not.
        s.write("waymark.yaml", re.sub("  same:.*\n", "", whole))
        s.write("zones/example.com.zone", ZONE.replace("same 60 EDGE same\n", ""))
        code, said = s.ctl("reload", "--stage", "5%")
        same(code, 1, said)
        assert "no pool same any more" in said and "zone example.com" in said, said
        same(status(s)["generation"], generation)
        same(is_new(s, "83.62.101.0/24"), False)


@claim("forced states hold on both sides, also of an edge that only the new tables have")
def forced():
    with server() as s:
        s.configure(config({**NEW, "mad": "198.51.100.4"}, pools="  more: { edges: [ mad ] }\n").replace("web: { edges: [ ", "web: { edges: [ mad, "))
        AT["mad"] = "40.4,-3.7"
        s.configure(config({**NEW, "mad": "198.51.100.4"}).replace("web: { edges: [ ", "web: { edges: [ mad, "))
        same(s.ctl("reload", "--stage", "100%")[0], 0)
        same(s.steer("web.example.com", "83.62.101.0/24").addresses(), ["198.51.100.4"])
        same(s.ctl("force", "mad", "down")[0], 0)
        same(s.steer("web.example.com", "83.62.101.0/24").addresses(), [NEW["ams"]])
        same(s.ctl("force", "ams", "down")[0], 0)
        same(s.steer("web.example.com", "83.62.101.0/24").addresses(), [NEW["iad"]])
        same(s.ctl("reload", "--rollback")[0], 0)
        same(s.steer("web.example.com", "83.62.101.0/24").addresses(), [OLD["iad"]])


@claim("measurements reach the tables of both sides, and are kept when one is promoted")
def measured():
    with server(extra="latency: { switch: { gain: 0ms, share: 0% } }") as s:
        stage(s, "50%", extra="latency: { switch: { gain: 0ms, share: 0% } }")
        ins = next(c for c in iter(net, None) if is_new(s, c))
        out = next(c for c in iter(net, None) if not is_new(s, c))
        s.write("rtt.csv", "prefix,edge,rtt_ms\n" + "".join("%s,%s,%d\n" % (c, e, 170 if e == "sin" else 300) for c in (ins, out) for e in OLD))
        same(s.ctl("latency", "import", s.dir + "/rtt.csv")[0], 0)
        end = time.monotonic() + 60 * SLOW
        want = ([NEW["sin"]], [OLD["sin"]])

        def got():
            return tuple(s.steer("web.example.com", c).addresses() for c in (ins, out))
        while got() != want and time.monotonic() < end:
            time.sleep(0.2)
        same(got(), want)
        same(s.ctl("reload", "--promote")[0], 0)
        same(got(), ([NEW["sin"]], [NEW["sin"]]))


def rolls_back(s, say, ask=None):
    end = time.monotonic() + 60 * SLOW
    while "stage" in status(s) and time.monotonic() < end:
        ask() if ask else time.sleep(0.05)
    now = status(s)
    assert "stage" not in now and say in now["stage_last"], now.get("stage_last", now.get("stage"))
    assert "rolled back from" in s.said(), s.said()[-500:]
    assert not any(is_new(s, net()) for _ in range(50))


QUICK = "stage: { every: 200ms }\n"


@claim("a stage is replaced by another while rankings are being rebuilt, again and again")
def restaged():
    with server(extra=LATENCY) as s:
        s.write("new.csv", "prefix,edge,rtt_ms,samples,age_s\n" + "".join(
            "11.%d.%d.0/24,%s,%d,5,0\n" % (i >> 8, i & 255, edge, 5 + i % 90) for i in range(8000) for edge in OLD))
        stage(s, "50%", extra=LATENCY)
        end, rebuilt = time.monotonic() + 60 * SLOW, lambda: json.loads(s.ctl("latency", "show", "--json")[1])["rebuilt"]
        while rebuilt() < 2:
            same(s.ctl("latency", "import", s.dir + "/new.csv")[0], 0)
            for _ in range(4):
                same(s.ctl("reload", "--stage", "50%")[0], 0)
            time.sleep(0.2)
            assert time.monotonic() < end, s.said()
        same(s.ctl("reload", "--promote")[0], 0)
        assert is_new(s, "11.0.1.0/24")


@claim("staged edges that fail their probes take the stage back by themselves")
def probes_fail():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        probe = QUICK + "probes: { up: { kind: tcp, port: %d, every: 300ms, timeout: 200ms, rise: 1, fall: 1 } }\n" % listener.getsockname()[1]
        old = {n: "127.0.0.1" for n in OLD}
        with Server({"example.com": ZONE}, config=config(old, extra=probe, few=", probe: up")) as s:
            s.configure(config({n: a for n, a in NEW.items()} | {"ams": "127.0.0.1"}, extra=probe, few=", probe: up"))
            same(s.ctl("reload", "--stage", "10%")[0], 0)
            end = time.monotonic() + 60 * SLOW
            while "stage" in status(s) and time.monotonic() < end:
                time.sleep(0.1)
            assert "probes have 66.7 % of the staged edges down, against 0.0 %" in status(s)["stage_last"], status(s)
            s.configure(config(old, extra=probe, few=", probe: up"))           # and those that are up stay
            same(s.ctl("reload", "--stage", "10%")[0], 0)
            time.sleep(1.5)
            same(status(s)["stage"]["percent"], 10.0)


@claim("staged answers without an edge take the stage back by themselves")
def empty():
    with server(extra=QUICK) as s:
        text = config(NEW, extra=QUICK, few=", all-down: empty")
        for n in NEW:
            text = re.sub(r"(%s: \{ at: [^}]*)\}" % n, r"\1, state: down }", text, count=1)
        s.configure(text)
        same(s.ctl("reload", "--stage", "50%")[0], 0)
        rolls_back(s, "of the staged answers have no edge", lambda: [s.steer("few.example.com", net()) for _ in range(40)])


@claim("a rising share of SERVFAIL takes the stage back by itself, and what was there before does not")
def servfail():
    with Server({"example.com": ZONE, "bad.example": "nonsense\n"}, config=config(OLD, extra=QUICK)) as s:
        os.unlink(s.dir + "/zones/bad.example.zone")
        for _ in range(200):
            s.udp("plain.example.com")
        same(s.udp("x.bad.example").rcode, SERVFAIL)
        stage(s, "20%", extra=QUICK)
        for _ in range(150):
            s.udp("plain.example.com")
        time.sleep(0.6)
        same(status(s)["stage"]["percent"], 20.0)
        rolls_back(s, "of the answers are SERVFAIL", lambda: [s.udp("x.bad.example") for _ in range(40)])


run("stage")
