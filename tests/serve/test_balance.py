"""Capacity, drain, slow start, affinity and chains: a real server, real probes that tell loads which this script changes."""
import json
import time

from edges import *
from lib import *

WEB = {n: "127.0.0.%d" % (10 + i) for i, n in enumerate(("one", "two", "three"))}
BACK = {a: n for n, a in WEB.items()}
SPOTS = {"one": '"50,8"', "two": '"50,9"', "three": '"50,30"'}      # one and two are 71 km apart: 1.1 ms; three is 25 ms away


def place(pools, extra="", edges="", load=True):
    """A server with three edges that tell a load of 10 of 100."""
    port = free_port()
    web = {n: Web(WEB[n], port) for n in SPOTS}
    for w in web.values():
        w.headers["x-load"] = "10"
    text = "edges:\n" + "".join("  %s: { at: %s, a: %s%s }\n" % (n, at, WEB[n], edges) for n, at in SPOTS.items())
    text += "probes: { p: { kind: http, port: %d, every: 500ms, timeout: 490ms, rise: 1, fall: 3%s } }\n%s\npools:\n" % (
        port, ", load-from: { header: X-Load }" if load else "", extra)
    text += "".join("  %s: { edges: [ one, two, three ], probe: p, %s }\n" % p for p in pools.items())
    # Every client is near "one", and in a measured net of its own.
    text += "latency: { files: [ rtt.csv ] }\n"
    rows = "prefix,edge,rtt_ms\n" + "".join("%s,%s,%d\n" % (net, e, ms) for net in ("11.0.0.0/8", "12.0.0.0/8")
                                           for e, ms in (("one", 10), ("two", 15), ("three", 60)))
    server = Server({"example.com": APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in pools) +
                     "".join("n%d 60 EDGE %s\n" % (i, next(iter(pools))) for i in range(40))}, config=text, files={"rtt.csv": rows})
    return server, web


def share(server, name, n=64, net=11):
    """How many of n groups go where."""
    got = {}
    for i in range(n):
        a = server.steer(name + ".example.com", "%d.%d.%d.0/24" % (net, i // 16, i % 16 * 16)).addresses()
        for x in a:
            got[BACK[x]] = got.get(BACK[x], 0) + 1
    return got


class Pace:
    """Asks at one rate, however fast the machine is: 64 groups every 0.4 s. What edges tell of their load is taken to come from the
    queries, so that a rate that changes with the machine would say that edges differ from moment to moment."""

    def __init__(self, server):
        self.server, self.next = server, time.monotonic()

    def share(self):
        time.sleep(max(0, self.next - time.monotonic()))
        self.next = time.monotonic() + 0.4
        return share(self.server, "web")


def rows(server, pool="web"):
    pools = {p["pool"]: p for p in json.loads(server.ctl("pools", "--json")[1])}
    return {e["edge"]: e for e in pools[pool]["edges"]}


def load(web, **loads):
    for n, v in loads.items():
        web[n].headers["x-load"] = str(v)


def done(web):
    for w in web.values():
        w.server.shutdown()
        w.server.server_close()


@claim("an edge whose reported load passes its watermark sheds groups to the next, no more in a step than a quarter, and takes them back")
def sheds():
    server, web = place({"web": "policy: nearest"}, "balance: { every: 1s, low: 60%, high: 80% }", ", capacity: 100")
    with server:
        pace = Pace(server)
        end = time.monotonic() + 3
        while time.monotonic() < end:                       # demand to be counted, so that the server knows its groups
            same(pace.share(), {"one": 64})
        load(web, one=150, two=20, three=10)
        least, end, begun = 64, time.monotonic() + 60, time.monotonic()
        while time.monotonic() < end:
            last, begun = begun, time.monotonic()
            got = pace.share()
            steps = int(time.monotonic() - last) + 2        # at most, a second apart, from when it was last asked to now
            if got.get("one", 0) < least - 16 * steps - 8:
                raise AssertionError("too many at once: %r after %r in %d steps" % (got, least, steps))
            least = min(least, got.get("one", 0))
            if got.get("two", 0) >= 20:
                break
        assert got.get("two", 0) >= 20 and "three" not in got, got
        row = rows(server)["one"]
        assert row["sheds"] > 0.2 and row["price_ms"] > 4, row
        assert row["chosen"]["best"] > 64 and rows(server)["two"]["chosen"]["shed"] > 0, row
        moved = [i for i in range(64) if BACK[server.steer("web.example.com", "11.%d.%d.0/24" % (i // 16, i % 16 * 16)).addresses()[0]] == "two"]
        said = server.ctl("explain", "web.example.com", "--client", "11.%d.%d.0/24" % (moved[0] // 16, moved[0] % 16 * 16))[1]
        assert "one sheds" in said and "of its groups; this one goes to two, for 5 ms more" in said, said
        same(server.steer("web.example.com", "11.%d.%d.0/24" % (moved[0] // 16, moved[0] % 16 * 16)).scope, 20)
        load(web, one=20, two=20)
        end = time.monotonic() + 60
        while pace.share() != {"one": 64}:
            if time.monotonic() > end:
                raise AssertionError("not taken back: %r %r" % (share(server, "web"), rows(server)["one"]))
    done(web)


@claim("a first interval in which hardly anybody asked does not make an edge look full")
def first_interval():
    server, web = place({"web": "policy: nearest"}, "balance: { every: 1s, low: 60%, high: 80% }", ", capacity: 100")
    load(web, one=30, two=0, three=0)
    with server:
        for _ in range(13):
            server.steer("web.example.com", "11.0.0.0/24")
            time.sleep(0.2)
        pace, end, used = Pace(server), time.monotonic() + 8, []
        while time.monotonic() < end:
            same(pace.share(), {"one": 64})
            used.append(rows(server)["one"]["used"])
        assert 0.1 < used[-1] < 0.6, used
    done(web)


@claim("without a reported load the queries of each group are counted, and a surviving edge gets no more than it bears")
def estimated():
    server, web = place({"web": "policy: nearest"}, "balance: { every: 1s, low: 60%, high: 80% }", ", capacity: 100000", load=False)
    with server:
        pace, asked, start = 160, 0, time.monotonic()                   # queries a second, however fast the machine is

        def is_known():
            nonlocal asked
            while asked < (time.monotonic() - start) * pace:
                same(BACK[server.steer("web.example.com", "11.%d.%d.0/24" % (asked % 64 // 16, asked % 16 * 16)).addresses()[0]], "one")
                asked += 1
            return asked > 3 * pace and pace * 0.5 < rows(server)["one"]["used"] * 100000 < pace * 1.5
        until(is_known, 30, 0.005)
        used = rows(server)["one"]["used"] * 100000
        server.config = server.config.replace("capacity: 100000", "capacity: %d" % max(1, used * 0.6))
        server.configure()
        same(server.ctl("reload")[0], 0)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            got = share(server, "web")
            if got.get("two", 0) > 10:
                break
        assert got.get("two", 0) > 10 and got.get("one", 0) > 10, (got, rows(server))
    done(web)


@claim("clients of a stage count as demand: what they ask for fills an edge, and they leave it")
def staged():
    server, web = place({"web": "policy: nearest"}, "balance: { every: 1s, low: 60%, high: 80% }", ", capacity: 120", load=False)
    with server:
        for words in (("reload", "--stage", "100%"), ("reload", "--rollback")):
            same(server.ctl(*words)[0], 0)
            pace, asked, start, got = 160, 0, time.monotonic(), []  # queries a second, however fast the machine is

            def sheds():
                nonlocal asked
                while asked < (time.monotonic() - start) * pace:
                    got.append(BACK[server.steer("web.example.com", "11.%d.%d.0/24" % (asked % 64 // 16, asked % 16 * 16)).addresses()[0]])
                    asked += 1
                last = got[-64:]
                return 10 < last.count("two") < 54 and 10 < last.count("one") < 54
            until(sheds, 60, 0.02)
    done(web)


@claim("drain takes an edge's groups from it bit by bit over the TTL, and then all, in one pool as in all; a returning edge starts slowly; one that fails meanwhile is not answered with")
def ramps():
    server, web = place({"web": "policy: nearest, ttl: 1s-6s", "turn": "policy: round-robin, ttl: 1s-6s", "key": "policy: round-robin, affinity: client, ttl: 6s"},
                        "balance: { slow-start: 6s }")
    with server:
        def watch(words, last, part, pool="web"):
            """Gives the command and looks how many of 64 groups have edge one until these are `last`: part(t) of them t seconds
            after, but for chance (four times what is usual) and the seconds between steps and until they are published."""
            given = time.monotonic()
            same(server.ctl(*words)[0], 0)
            done, seen = time.monotonic(), []
            while not seen or seen[-1] != last:
                assert time.monotonic() - done < 40, seen
                begun = time.monotonic()
                seen.append(share(server, pool).get("one", 0))
                want = sorted(64 * part(t) for t in (begun - done - 1.5, time.monotonic() - given))
                assert want[0] - 16 <= seen[-1] <= want[1] + 16, (seen, want)
                time.sleep(0.3)
            assert any(10 < x < 54 for x in seen), seen
            return seen
        same(share(server, "web"), {"one": 64})
        seen = watch(("force", "one", "drain"), 0, lambda t: 1 - min(1, max(0, t / 6)))
        assert all(b <= a for a, b in zip(seen, seen[1:])), seen       # by hash: nobody comes back
        same({r["edge"]: r["state"] for r in json.loads(server.ctl("edges", "--json")[1])}["one"], "drain")
        watch(("force", "one", "auto"), 64, lambda t: min(1, max(1 / 16, t / 6)))
        # In one pool: the others have it as before.
        before = {p: share(server, p) for p in ("web", "key")}
        seen = watch(("force", "one@web", "drain"), 0, lambda t: 1 - min(1, max(0, t / 6)))
        assert all(b <= a for a, b in zip(seen, seen[1:])), seen
        same(share(server, "key"), before["key"])
        same({r["edge"]: r["state"] for r in json.loads(server.ctl("edges", "--json")[1])}["one"], "up")
        same({e["edge"]: e["state"] for p in json.loads(server.ctl("pools", "--json")[1]) if p["pool"] == "web" for e in p["edges"]}["one"], "drain")
        same(server.ctl("force", "one@web", "auto")[0], 0)
        until(lambda: share(server, "web") == before["web"], 20)
        keyed = share(server, "key")["one"]
        same(server.ctl("force", "one@key", "drain")[0], 0)
        until(lambda: 0 < share(server, "key").get("one", 0) < keyed, 20)
        # By the pool's row: still on its way, with a share of its own.
        row = {e["edge"]: e for p in json.loads(server.ctl("pools", "--json")[1]) if p["pool"] == "key" for e in p["edges"]}["one"]
        assert row["state"] == "drain" and 0 < row["share"] < 1, row
        web["one"].status = 500
        until(lambda: "one" not in share(server, "key"), 20)
        same(server.ctl("force", "one@key", "auto")[0], 0)
        web["one"].status = 200
        until(lambda: share(server, "web") == before["web"], 30)
        # Likewise in all: a drain of five seconds is no reason to answer with one that fails.
        same(server.ctl("force", "one", "drain")[0], 0)
        web["one"].status = 500
        until(lambda: "one" not in share(server, "web"), 4)
        same(server.ctl("force", "one", "auto")[0], 0)
    done(web)


@claim("a drain that takes its time goes on where it was after a restart and after a crash, in all pools and in one; one that is over stays over")
def ramps_outlive_us():
    config = """
store: { file: waymark.db }
balance: { drain: 1h }
edges: { one: { at: "50,8", a: %s }, two: { at: "50,9", a: %s }, three: { at: "50,30", a: %s } }
pools: { web: { edges: [ one, two, three ] }, key: { edges: [ one, two, three ] }, top: { edges: [ { pool: key, weight: 100%% } ] } }
""" % tuple(WEB.values())
    zone = APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in ("web", "key", "top"))
    with Server({"example.com": zone}, config=config) as server:
        one = share(server, "web")["one"]
        same(server.ctl("force", "one@key", "drain")[0], 0)
        same(server.ctl("force", "two", "drain")[0], 0)
        for end in (server.stop, lambda: (server.proc.kill(), server.proc.wait())):
            end()
            server.start()
            for pool in ("key", "top", "web"):
                assert share(server, pool).get("one", 0) > one / 2, (pool, share(server, pool))
            assert 0.9 < rows(server, "key")["one"].get("share", 0) <= 1, rows(server, "key")
            said = server.ctl("edges")[1]
            assert re.search(r"^two +drain .*takes \d+% of its groups now", said, re.M), said
        # As short as it has become, it is over.
        with open(server.conf) as f:
            text = f.read()
        server.stop()
        server.write("waymark.yaml", text.replace("drain: 1h", "drain: 1s"))
        server.start()
        left = lambda: [share(server, pool).get("one", 0) for pool in ("key", "top")]
        until(lambda: left() == [0, 0], 60)
        server.stop()
        server.start()
        same(left(), [0, 0])
        same(share(server, "web"), {"one": 64})


@claim("names and clients keep to their edge; when that fails only its own move")
def affinity():
    server, web = place({"name": "policy: round-robin, affinity: name", "client": "policy: round-robin, affinity: client"})
    with server:
        def by_name():
            return {i: BACK[server.steer("n%d.example.com" % i, "11.0.0.0/24").addresses()[0]] for i in range(40)}

        def by_client():
            return {i: BACK[server.steer("client.example.com", "11.%d.0.0/24" % i).addresses()[0]] for i in range(40)}
        for keys in (by_name, by_client):
            before = keys()
            same(set(before.values()), set(SPOTS))
            same(keys(), before)
            web["two"].status = 500
            until(lambda: "two" not in keys().values(), 20)
            after = keys()
            same({k: e for k, e in after.items() if before[k] != "two"}, {k: e for k, e in before.items() if e != "two"})
            web["two"].status = 200
            until(lambda: keys() == before, 20)
        same(server.udp("n1.example.com", options=ecs("11.0.0.0/24")).scope, 0)
        same(server.steer("client.example.com", "11.0.0.0/24").scope, 20)
    done(web)


@claim("with affinity an edge that is too full keeps the keys it has room for, and the same ones leave it")
def bounded():
    server, web = place({"key": "policy: round-robin, affinity: client"}, "balance: { every: 1s, low: 60%, high: 80% }", ", capacity: 100")
    with server:
        def keys():
            return {i: BACK[server.steer("key.example.com", "11.%d.0.0/24" % i).addresses()[0]] for i in range(120)}
        before = keys()
        mine = [k for k in before if before[k] == "one"]
        after = {}

        def leaves():                                       # its load falls with the keys that leave it
            after.update(keys())
            kept = sum(after[k] == "one" for k in mine) / len(mine)
            load(web, one=int(150 * kept))
            return kept < 0.75
        until(leaves, 40)
        assert all(after[k] == before[k] for k in before if before[k] != "one"), "others moved"
        assert sum(after[k] == "one" for k in mine) > len(mine) * 0.3, after
        load(web, one=20)
        until(lambda: keys() == before, 40)
    done(web)


@claim("a chain takes the near ones, and of these the less loaded")
def chain():
    server, web = place({"web": "policy: [ nearest within 10ms, least-load ]"})
    with server:
        load(web, one=50, two=20, three=1)
        until(lambda: share(server, "web", 4) == {"two": 4}, 20)
        load(web, one=5, two=80)
        until(lambda: share(server, "web", 4) == {"one": 4}, 20)
        assert "[ nearest within 10ms, least-load ]" in server.ctl("pools")[1]
        web["one"].status = web["two"].status = 500
        until(lambda: share(server, "web", 4) == {"three": 4}, 20)
    done(web)


@claim("a share of the decisions is logged, a JSON object a line, to where the file's name is, and no more than it may be")
def decisions():
    server, web = place({"web": "policy: nearest"}, "log: { decisions: { file: d.json, sample: 25%, size: 64k } }")
    with server:
        path = server.dir + "/d.json"

        def lines():
            with contextlib.suppress(FileNotFoundError), open(path) as f:
                return [json.loads(l) for l in f if l.endswith("\n")]
            return []
        for _ in range(2):
            share(server, "web", 64)
            until(lambda: len(lines()) == 16, 20)
            os.rename(path, path + ".old")
        share(server, "web", 4)
        until(lambda: len(lines()) == 1, 20)
        one = lines()[0]
        same({k: one[k] for k in ("name", "type", "client", "by", "pool", "edge", "why", "ttl", "scope")}, {
            "name": "web.example.com.", "type": "A", "client": one["client"], "by": "subnet", "pool": "web", "edge": "one", "why": "best",
            "ttl": 60, "scope": 7 if one["scope"] == 7 else one["scope"]})
        assert one["client"].startswith("11.0."), one
        for _ in range(12):
            share(server, "web", 640)
            time.sleep(0.25)
        until(lambda: os.path.exists(path + ".1"), 20)
        assert os.path.getsize(path + ".1") < 65536 + 256 * 300, os.path.getsize(path + ".1")
        server.config = server.config.replace("sample: 25%", "sample: 25")
        server.configure()
        code, said = server.ctl("reload")
        assert code == 1 and '"sample" must be a share of the answers from 0.0001% to 100%, not "25"' in said, said
    done(web)


@claim("on a full disk the log of decisions has whole lines only, what is lost is counted, and told with its reason")
def full_disk():
    disk = tempfile.mkdtemp(prefix="waymark-disk.")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", disk], capture_output=True).returncode:
        raise Skip("no file system may be mounted here")
    try:
        os.chmod(disk, 0o777)
        server, web = place({"web": "policy: nearest"}, "log: { decisions: { file: %s/d.json, sample: 100%%, size: 64k } }" % disk)
        with server:
            def lines():
                with open(disk + "/d.json") as f:
                    return [json.loads(l) for l in f.read().splitlines(True) if l.endswith("\n") or not l]
            asked = 0
            while "No space" not in server.said():
                share(server, "web", 64)
                asked += 64
                assert asked < 5000, server.said()
                until(lambda: os.path.exists(disk + "/d.json") and len(lines()) + json_of(server, "status")["decisions_missed"] == asked, 5)
            assert open(disk + "/d.json").read().endswith("}\n")
            assert "No space left on device; decisions are not logged" in server.said() and "Success" not in server.said(), server.said()
            missed = json_of(server, "status")["decisions_missed"]
            os.unlink(disk + "/d.json")
            share(server, "web", 8)
            until(lambda: os.path.exists(disk + "/d.json") and len(lines()) == 8, 5)
            assert "is written again; %d decisions were lost" % missed in server.said(), (missed, server.said())
        done(web)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


run("balance", by_clock=True)
