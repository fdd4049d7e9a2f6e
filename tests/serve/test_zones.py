"""Reload zone by zone: what is wrong keeps its data, all others are taken, and everybody is told. And the first second of a server."""
import json
from edges import *

HEAD = "$TTL 300\n@ SOA ns h %d 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.%d\n"
EDGES = "edges: { one: { a: 127.0.0.10 }, two: { a: 127.0.0.11 } }\npools: { web: { edges: [ one, two ], policy: round-robin } }\n"


def zones(s, *words):
    return json.loads(s.ctl("zones", *words, "--json")[1])


def write(s, name, serial, host):
    s.write("zones/%s.zone" % name, HEAD % (serial, host))


def www(s, name):
    return s.udp("www.%s" % name).addresses()


@claim("a zone that is wrong keeps its old data and is told; the others, and the configuration, are taken")
def by_zone():
    with Server({n: HEAD % (1, 1) + "cdn EDGE web\n" for n in ("a.test", "b.test", "c.test")}, config=EDGES) as s:
        write(s, "a.test", 2, 2)
        s.write("zones/b.test.zone", HEAD % (2, 2) + "bad A 192.0.2.300\n")
        write(s, "d.test", 1, 4)
        s.write("zones/e.test.zone", "rubbish\n")
        s.write("waymark.yaml", open(s.conf).read().replace("two: { a: 127.0.0.11 }", "two: { a: 127.0.0.12 }"))
        code, said = s.ctl("reload")
        same(code, 1, said)
        for word in ("b.test.zone:6:7: error:", "e.test.zone:1:", "2 zones are faulty: 1 as before, 1 not loaded", "reloaded"):
            assert word in said, (word, said)
        assert "b.test.zone:6:7: error:" in s.said(), s.said()
        same([www(s, n) for n in ("a.test", "b.test", "c.test", "d.test")], [["192.0.2.2"], ["192.0.2.1"], ["192.0.2.1"], ["192.0.2.4"]])
        same(s.udp("www.e.test").rcode, 2)
        same({a for _ in range(4) for a in s.udp("cdn.c.test").addresses()}, {"127.0.0.10", "127.0.0.12"})
        told = {z["zone"].rstrip("."): z for z in zones(s)}
        same({n: z["state"] for n, z in told.items()}, {"a.test": "ready", "b.test": "faulty", "c.test": "ready", "d.test": "ready", "e.test": "not loaded"})
        same((told["a.test"]["serial"], told["b.test"]["serial"], "serial" in told["e.test"]), (2, 1, False))
        assert "b.test.zone:6:7: error:" in told["b.test"]["fault"], told["b.test"]
        same([z["zone"] for z in zones(s, "--faulty")], ["b.test.", "e.test."])
        same(zones(s, "b.test")["state"], "faulty")
        same(s.ctl("zones", "x.test")[0], 1)
        status = json_of(s, "status")
        same((status["zones"], status["zones_faulty"], status["zones_unready"]), (5, 2, 1))
        since = told["b.test"]["since"]
        same(s.ctl("reload")[0], 1)                         # still told, since the same moment
        same(zones(s, "b.test")["since"], since)
        write(s, "b.test", 3, 3)
        os.unlink(s.dir + "/zones/e.test.zone")
        code, said = s.ctl("reload")
        same(code, 0, said)
        same((www(s, "b.test"), json_of(s, "status")["zones_faulty"]), (["192.0.2.3"], 0))
        assert "fault" not in zones(s, "b.test")


@claim("data that changes without its serial, and a serial that goes back, are warned of at the SOA, in the answer and in the log")
def serials():
    with Server({"a.test": HEAD % (7, 1) + "w A 192.0.2.8\nw A 192.0.2.9\n"}) as s:
        def reload(text):
            before = len(s.said())
            s.write("zones/a.test.zone", text)
            code, said = s.ctl("reload")
            same(code, 0, said)
            same([l for l in said.splitlines() if ": warning: " in l and l not in s.said()[before:]], [], "not in the log:")
            return said
        more = "w A 192.0.2.9\nw A 192.0.2.8\n"
        assert "warning" not in reload(HEAD % (7, 1) + more + "; nothing but the order of lines has changed\n")
        said = reload(HEAD % (7, 2) + more)
        assert "a.test.zone:2:1: warning: the zone has changed and its serial, 7, has not" in said, said
        same(www(s, "a.test"), ["192.0.2.2"])
        assert "warning" not in reload(HEAD % (8, 3) + more)
        said = reload(HEAD % (6, 3) + more)
        assert "a.test.zone:2:1: warning: the serial 6 is less than 8, which is served" in said, said
        assert "warning" not in reload(HEAD % (6 + 2**31 - 1, 3) + more)
        assert "warning" not in reload(HEAD % (4, 4) + more), "round the end of the numbers (RFC 1982)"


@claim("of many zones that are wrong each is named, in the answer and in the log, and the others are served")
def many():
    with Server({"good.test": HEAD % (1, 1)}, config=EDGES) as s:
        for i in range(130):
            s.write("zones/n%03d.test.zone" % i, "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n" + "x A 1.2.3\n" * 3)
        write(s, "good.test", 2, 2)
        code, said = s.ctl("reload")
        same(code, 1)
        for text in (said, s.said()):
            same([i for i in range(130) if "n%03d.test.zone:5:" % i not in text], [])
        assert "130 zones are faulty" in said, said[-300:]
        same(www(s, "good.test"), ["192.0.2.2"])
        same(s.check()[0], 1)


@claim("a pool that a zone as it is served still names cannot go, and what is wrong in the configuration changes nothing")
def pools():
    with Server({"a.test": HEAD % (1, 1) + "cdn EDGE web\n", "b.test": HEAD % (1, 1)}, config=EDGES) as s:
        whole = open(s.conf).read()
        s.write("zones/a.test.zone", HEAD % (2, 2) + "x A 1.2.3\n")           # faulty: what it had stays, and names the pool
        write(s, "b.test", 2, 2)
        s.write("waymark.yaml", whole.replace("pools: { web:", "pools: { other:"))
        code, said = s.ctl("reload")
        same(code, 1, said)
        assert "no pool web any more" in said and "a.test" in said and "not reloaded" in said, said
        same((www(s, "a.test"), www(s, "b.test"), len(s.udp("cdn.a.test").addresses())), (["192.0.2.1"], ["192.0.2.1"], 1))
        write(s, "a.test", 3, 3)
        same(s.ctl("reload")[0], 0)
        same((www(s, "a.test"), www(s, "b.test")), (["192.0.2.3"], ["192.0.2.2"]))


@claim("static names are answered at once while probes hang; steered ones wait for the first round, and a reload without probes ends that")
def first_second():
    port, hanging = free_port(), [socket.create_server(("127.0.0.%d" % (20 + i), 0), backlog=1) for i in range(2)]
    port = hanging[0].getsockname()[1]
    probes = "probes: { p: { kind: http, port: %d, every: 40s, timeout: 25s } }\n" % port
    edges = "edges: { %s }\n" % ", ".join("e%d: { a: [ %s ] }" % (k, ", ".join("127.0.0.20" if i == 0 and k == 0 else "127.%d.%d.%d" % (2 + k, i // 250, i % 250 + 1)
                                                                             for i in range(10))) for k in range(4))
    config = probes + edges + "pools: { web: { edges: [ e0, e1 ], policy: round-robin, probe: p }, fixed: { edges: [ e2, e3 ], policy: round-robin } }\n"
    with Server({"a.test": HEAD % (1, 1) + "cdn EDGE web\nfix EDGE fixed\n"}, config=config, start=False) as s:
        s.proc = subprocess.Popen([WAYMARKD, "-c", s.conf], stderr=open(s.dir + "/log", "wb"))
        until(lambda: "answering: 1 zones" in s.said(), 10)
        same(www(s, "a.test"), ["192.0.2.1"])
        assert s.udp("fix.a.test").addresses()
        assert "ready:" not in s.said(), s.said()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.settimeout(0.5)
            c.sendto(query("cdn.a.test", "A"), ("127.0.0.1", s.port))
            try:
                c.recv(512)
                raise AssertionError("a steered name was answered before anything is known of its edges")
            except socket.timeout:
                pass
        s.config = s.config.replace(", probe: p", "")
        s.write("waymark.yaml", open(s.conf).read().replace(", probe: p", ""))
        same(s.ctl("reload")[0], 0)
        until(lambda: "ready:" in s.said(), 10)
        assert s.udp("cdn.a.test").addresses()
    for h in hanging:
        h.close()


@claim("what a stage adds is among the edges and pools, and can be probed")
def staged():
    port = free_port()
    with Web("127.0.0.10", port), Server({"a.test": HEAD % (1, 1) + "cdn EDGE web\n"}, config=EDGES) as s:
        whole = open(s.conf).read()
        s.write("waymark.yaml", whole.replace("edges: {", "edges: { three: { a: 127.0.0.10 },").replace(
            "edges: [ one, two ]", "probe: p, edges: [ one, two, three ]") + "probes: { p: { kind: http, port: %d } }\n" % port)
        same(s.ctl("reload", "--stage", "50%")[0], 0)
        until(lambda: [e["state"] for e in json_of(s, "edges") if e.get("staged")] == ["up"], 10)
        same([e["edge"] for e in json_of(s, "edges")], ["one", "two", "three"])
        same([(p["pool"], p.get("staged", False), len(p["edges"])) for p in json_of(s, "pools")], [("web", False, 2), ("web", True, 3)])
        code, said = s.ctl("probe", "three")
        same(code, 0, said)
        same(s.ctl("reload", "--rollback")[0], 0)
        same([e["edge"] for e in json_of(s, "edges")], ["one", "two"])


run("zones")
