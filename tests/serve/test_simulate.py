"""waymarkctl simulate: what it says will be answered is answered once the change is made."""
import csv
import ipaddress
import json
import re
from lib import *

EDGES = {"ams": (52.37, 4.90), "fra": (50.11, 8.68), "iad": (38.95, -77.45), "lax": (34.05, -118.24), "gru": (-23.55, -46.63),
         "jnb": (-26.2, 28.05), "bom": (19.08, 72.88), "sin": (1.35, 103.82), "nrt": (35.68, 139.69), "syd": (-33.87, 151.21)}
NAMES = list(EDGES)
V4 = {n: "192.0.2.%d" % (i + 1) for i, n in enumerate(NAMES + ["mad"])}
V6 = {n: "2001:db8::%x" % (i + 1) for i, n in enumerate(NAMES + ["mad"])}
BACK = {a: n for table in (V4, V6) for n, a in table.items()}
TUPLES = int(os.environ.get("TUPLES", 3000 // SLOW))                # explain, simulate and the answer: 100000 for all of them
ZONES = {"example.com": APEX + "".join("%s 60 EDGE %s\n" % (n, n) for n in ("web", "two", "pins", "turns", "less", "v4")) +
         "www CNAME web\n*.any EDGE two\nplain A 192.0.2.99\n"}
POOLS = """
pools:
  web:   { edges: [ %(all)s ], default: [ gru ] }
  two:   { edges: [ %(all)s ], answers: 2, spread: 15ms }
  pins:  { edges: [ %(all)s ], pin: { country: { "JP": syd, "US": [ gru, lax ] }, continent: { EU: iad }, net: { "83.62.101.0/24": jnb } } }
  turns: { edges: [ ams, iad, lax ], policy: round-robin }
  less:  { edges: [ ams, fra ], all-down: { pool: web } }
  v4:    { edges: [ only4, gru ] }
"""
rng = random.Random(7)


def config(edges=EDGES, extra="", pools=POOLS, weights=1):
    return "geoip: { city: { file: %s/geoip/city.mmdb } }\n%s\nedges:\n" % (TOP, extra) + "".join(
        "  %s: { at: \"%g,%g\", a: [ %s ], aaaa: [ \"%s\" ] }\n" % (n, *at, V4[n], V6[n]) for n, at in edges.items()) + \
        "  only4: { at: \"52.37,4.90\", a: [ 198.51.100.1 ] }\n" + pools % {"all": ", ".join(edges)}


def net(v6=False):
    return random_net(rng, v6)


def edges_of(message):
    return " ".join(BACK.get(a, a) for a in message.addresses()).replace("198.51.100.1", "only4")


def simulate(s, *words):
    """What simulate says of each client: {(pool, client, type): (now, then)}."""
    code, said = s.ctl("simulate", *words, "--list", s.dir + "/list.csv")
    same(code, 0, said)
    with open(s.dir + "/list.csv") as f:
        return {(r["pool"], r["client"], r["type"]): (r["now"], r["then"]) for r in csv.DictReader(f)}


def command(s, *words):
    """As waymarkctl does, without a process each."""
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(s.socket)
        c.sendall(b"".join(w.encode() + b"\0" for w in words))
        c.shutdown(socket.SHUT_WR)
        said = b""
        while more := c.recv(65536):
            said += more
    same(said[:2], b"0\n", words)
    return said[2:].decode()


def numbers(s):
    """Everything of status that must not change by being looked at."""
    told = json.loads(s.ctl("status", "--json")[1])
    for key in ("uptime_s", "loop_longest_us", "loop_late", "jobs_running", "jobs_waiting", "health_publish_most_us"):
        told.pop(key)
    return told


def write_queries(s, n, pools=("web", "two", "pins", "less", "v4")):
    tuples = set()
    while len(tuples) < n:
        v6 = rng.random() < 0.3
        tuples.add((rng.choice(pools), net(v6), rng.choice(["A", "AAAA"])))
    s.write("queries", "".join("%s.example.com %s %s\n" % (p, t, c) for p, c, t in tuples))
    return sorted(tuples)


def write_new(s, **change):
    with open(s.conf) as f:
        head = f.read().split("geoip:")[0]
    s.write("new.yaml", head + config(**change))
    return s.dir + "/new.yaml"


MOVED = {**EDGES, "mad": (40.42, -3.70), "fra": (48.2, 16.4)}       # one more edge, and one elsewhere


@claim("of %d random tuples simulate says what the server answers before a change, and after it is made" % TUPLES)
def agrees():
    with Server(ZONES, config=config()) as s:
        tuples = write_queries(s, TUPLES)
        new = write_new(s, edges=MOVED)
        for n, (words, change) in enumerate((
                (["--down", "ams", "--drain", "iad"], lambda: (s.ctl("force", "ams", "down"), s.ctl("force", "iad", "down"))),
                (["-c", new], lambda: (os.rename(new, s.conf), same(s.ctl("reload")[0], 0))))):
            found = simulate(s, "--queries", s.dir + "/queries", *words)
            same(len(found), len(tuples))
            if n == 0:                                      # what is so before the second is what was after the first
                for p, c, t in tuples:
                    same(edges_of(s.steer(p + ".example.com", c, t)), found[p, c, t][0], "%s %s %s now:" % (p, t, c))
            change()
            moved = 0
            for p, c, t in tuples:
                moved += found[p, c, t][0] != found[p, c, t][1]
                same(edges_of(s.steer(p + ".example.com", c, t)), found[p, c, t][1], "%s %s %s then:" % (p, t, c))
            assert moved > len(tuples) / 50, moved


@claim("explain, simulate and the answer agree on %d random tuples" % TUPLES)
def explained():
    with Server(ZONES, config=config()) as s:
        tuples = write_queries(s, TUPLES)
        found = simulate(s, "--queries", s.dir + "/queries", "--down", "sin")
        for p, c, t in tuples:
            told = json.loads(command(s, "explain", p + ".example.com", t, "--client", c, "--json"))
            records = " ".join(BACK.get(r["data"], "only4") for r in told["answer"]["records"])
            same((edges_of(s.steer(p + ".example.com", c, t)), records), (found[p, c, t][0],) * 2, "%s %s %s" % (p, t, c))


@claim("probes, forced states and measurements of the running server are those of the simulation")
def live_state():
    measured = "prefix,edge,rtt_ms\n" + "".join("%s,%s,%d\n" % (net(), rng.choice(NAMES), rng.randrange(5, 300)) for _ in range(3000))
    probes = 'probes: { dead: { kind: tcp, port: %d, every: 1s, timeout: 500ms, fall: 1, rise: 1 } }\n' % free_port()
    pools = POOLS.replace("web:   { ", "web: { probe: dead, ") + ""
    with Server(ZONES, config=config(pools=pools.replace("%(all)s ], default", "%(all)s, here ], default"), extra=probes +
                "latency: { files: [ rtt.csv ], state: more.csv, switch: { gain: 0ms, share: 0% } }\n").replace(
                    "edges:\n", "edges:\n  here: { at: \"0,0\", a: [ 127.0.0.1 ] }\n"),
                files={"rtt.csv": measured}, start=False) as s:
        s.write("more.csv", "prefix,edge,rtt_ms\n" + "".join("%s,%s,%d\n" % (net(), rng.choice(NAMES), rng.randrange(5, 300))
                                                             for _ in range(500)))
        # As learned before the start: rankings that follow others keep what differs by less than a millisecond.
        s.start()
        same(s.ctl("force", "nrt", "down", "--for", "1h")[0], 0)
        nets = [r.split(",")[0] for r in measured.split("\n")[1:400]]
        s.write("clients", "prefix,weight\n" + "\n".join(nets))
        found = simulate(s, "--clients", s.dir + "/clients", "--pool", "two", "--down", "gru")
        end = time.monotonic() + 60 * SLOW                  # until what was imported and probed has been published
        while any(edges_of(s.steer("two.example.com", c)) != found["two", c, "A"][0] for c in nets) and time.monotonic() < end:
            time.sleep(0.3)
        for c in set(nets):
            assert "nrt" not in found["two", c, "A"][0]
            same(edges_of(s.steer("two.example.com", c)), found["two", c, "A"][0], c)
        same(s.ctl("force", "gru", "down")[0], 0)
        for c in set(nets):
            same(edges_of(s.steer("two.example.com", c)), found["two", c, "A"][1], c)
        found = simulate(s, "--clients", s.dir + "/clients", "--pool", "web")
        for c in set(nets):                                 # all are down by the probe: all-down: all
            same(edges_of(s.steer("web.example.com", c)).replace("127.0.0.1", "here"), found["web", c, "A"][0], c)


@claim("all of IPv6 is gone through without a file, and is answered as simulated")
def ipv6():
    with Server(ZONES, config=config()) as s:
        found = simulate(s, "--ipv6", "--pool", "web", "--down", "ams")
        assert all(t == "AAAA" for _, _, t in found) and len(found) > 1000
        for pool, client, t in rng.sample(sorted(found), 300):
            same(edges_of(s.steer("web.example.com", client, t)), found[pool, client, t][0], client)
        same(s.ctl("simulate", "--ipv6", "--clients", "x")[0], 2)


@claim("the same file has the same probes, from wherever its relative paths are seen, and so has a copy")
def relative():
    extra = "probes: { up: { kind: https, ca: ca.pem, port: %d, every: 1s, timeout: 500ms } }\n" % free_port()
    with Server(ZONES, config=config(extra=extra, pools=POOLS.replace("web:   { ", "web: { probe: up, ")), start=False) as s:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "9", "-keyout", "/dev/null",
                        "-out", s.dir + "/ca.pem"], check=True, capture_output=True)
        s.start()
        os.mkdir(s.dir + "/copy")
        for name in ("ca.pem", "waymark.yaml"):
            shutil.copy(s.dir + "/" + name, s.dir + "/copy/" + name)
        for conf in ("waymark.yaml", "./copy/../waymark.yaml"):
            done = subprocess.run([WAYMARKCTL, "-c", s.conf, "simulate", "-c", conf, "--pool", "web", "--json"], cwd=s.dir, capture_output=True, text=True)
            same(done.returncode, 0, done.stderr)
            told = json.loads(done.stdout)
            same((told["moved_share"], "note" in told), (0, False), conf)
        s.write("ca.pem", open(s.dir + "/ca.pem").read() + "\n")
        done = subprocess.run([WAYMARKCTL, "-c", s.conf, "simulate", "-c", "waymark.yaml", "--pool", "web", "--json"], cwd=s.dir, capture_output=True, text=True)
        same("note" in json.loads(done.stdout), False, done.stderr)


@claim("the server is left as it was: no publication, no query, no other state")
def untouched():
    with Server(ZONES, config=config()) as s:
        before, new = numbers(s), write_new(s, edges=MOVED)
        same(s.ctl("simulate", "-c", new, "--down", "ams", "--pool", "web")[0], 0)
        same(numbers(s), before)
        same(s.ctl("export")[0], 0)
        same(numbers(s), before)


@claim("a saved export is as good as the server, which need not run")
def saved():
    with Server(ZONES, config=config()) as s:
        write_queries(s, 300)
        words = ["--queries", s.dir + "/queries", "-c", write_new(s, edges=MOVED)]
        live = simulate(s, *words)
        s.write("export.json", s.ctl("export")[1])
        s.stop()
        same(s.ctl("simulate", *words)[0], 1)
        same(simulate(s, *words, "--from", s.dir + "/export.json"), live)


@claim("shares, moves, milliseconds and cache entries are sums of what each client gets")
def sums():
    with Server(ZONES, config=config()) as s:
        nets = sorted({net() for _ in range(400)})
        s.write("clients", "".join("%s,%d\n" % (c, i % 7 + 1) for i, c in enumerate(nets)))
        weight = {c: i % 7 + 1 for i, c in enumerate(nets)}
        words = ["--clients", s.dir + "/clients", "--pool", "web", "--down", "ams", "--load", "5000"]
        found = simulate(s, *words)
        told = json.loads(s.ctl("simulate", *words, "--json")[1])
        total, by = sum(weight.values()), {r["edge"]: r for r in told["edges"]}
        for e in NAMES:
            for i, key in enumerate(("old", "new")):
                want = sum(weight[c] for (_, c, _), row in found.items() if row[i] == e) / total
                assert abs(by[e].get(key + "_share", 0) - want) < 1e-6, (e, key, want, by[e])
                assert abs(by[e].get(key + "_load", 0) - 5000 * want) < 0.01
        moved = sum(weight[c] for (_, c, _), row in found.items() if row[0] != row[1]) / total
        assert moved > 0 and abs(told["moved_share"] - moved) < 1e-6, (moved, told["moved_share"])
        entries = {str(ipaddress.ip_network("%s/%d" % (c.split("/")[0], min(24, s.steer("web.example.com", c).scope)), strict=False))
                   for c in nets}
        same(told["pools"][0]["old_cache_entries"], len(entries))


@claim("with --load, edges with a capacity shed what is too much for them, and one that nothing helps is told of")
def full():
    edges = 'edges: { ams: { at: "52,5", a: 192.0.2.1%s }, syd: { at: "-33,151", a: 192.0.2.2%s } }\npools: { web: { edges: [ ams, syd ] } }\n'
    geo = "geoip: { city: { file: %s/geoip/city.mmdb } }\n" % TOP

    def loads(s, total):
        code, said = s.ctl("simulate", "--clients", s.dir + "/clients", "--pool", "web", "--load", str(total), "--json")
        same(code, 0, said)
        told = json.loads(said)
        return {r["edge"]: r.get("new_load", r.get("old_load", 0)) for r in told["edges"]}
    nets = sorted({net() for _ in range(3000)})
    for a, b in ((", capacity: 100", ""), (", capacity: 100", ", capacity: 100"), ("", "")):
        with Server({"example.com": APEX + "web EDGE web\n"}, config=geo + edges % (a, b)) as s:
            s.write("clients", "".join("%s,1\n" % c for c in nets))
            got = loads(s, 150)
            assert abs(sum(got.values()) - 150) < 0.1, got
            if a:
                assert got["ams"] <= 100, (a, b, got)       # and the other takes the rest
                assert b or got["syd"] >= 50, got
            else:
                free = got
            said = s.ctl("simulate", "--clients", s.dir + "/clients", "--pool", "web", "--load", "1000")[1]
            same("past its capacity of 100" in said, bool(b), said)
    assert free["ams"] > 100, ("the clients are not such that there is anything to shed", free)


@claim("what goes to a role of an edge is load of the edge, which sheds the rest")
def roles():
    config = "geoip: { city: { file: %s/geoip/city.mmdb } }\n" % TOP + """
edges: { ams: { at: "52,5", a: 192.0.2.1%s }, syd: { at: "-33,151", a: 192.0.2.2 } }
pools: { web: { edges: [ ams, syd ] }, video: { edges: [ { edge: ams, a: 192.0.2.9%s } ] } }
"""
    nets = sorted({net() for _ in range(3000)})

    def loads(capacity, own=""):
        with Server({"example.com": APEX + "web EDGE web\nvideo EDGE video\n"}, config=config % (capacity, own)) as s:
            s.write("clients", "".join("%s,1\n" % c for c in nets))
            words = ["simulate", "--clients", s.dir + "/clients", "--load", "200"]
            same("past its capacity" in s.ctl(*words)[1], capacity == ", capacity: 90")
            return {r["edge"]: r["new_load"] for r in json.loads(s.ctl(*words, "--json")[1])["edges"]}
    free = loads("")
    assert abs(free["ams@video"] - 100) < 0.1 and free["ams"] > 130, free      # half of all is the role's, and it has nowhere to go
    got = loads(", capacity: 120")
    assert abs(got["ams@video"] - 100) < 0.1 and got["ams"] <= 120 and got["syd"] >= 80, got
    got = loads(", capacity: 90")
    assert abs(got["ams@video"] - 100) < 0.1 and got["ams"] >= 100 > free["syd"], got


@claim("without --clients all IPv4 addresses with a place are gone through, each once")
def everybody():
    with Server(ZONES, config=config()) as s:
        with open(s.dir + "/list.csv", "w"):
            pass
        same(s.ctl("simulate", "--pool", "web", "--down", "syd", "--list", s.dir + "/list.csv")[0], 0)
        at, total, rows = -1, 0, 0
        with open(s.dir + "/list.csv") as f:
            for r in csv.DictReader(f):
                first, bits = r["client"].split("/")
                a, b, c, d = map(int, first.split("."))
                first = a << 24 | b << 16 | c << 8 | d
                assert first > at and int(bits) <= 24, r
                at = first + (1 << 32 - int(bits)) - 1
                same(float(r["weight"]), float(at - first + 1))
                total, rows = total + at - first + 1, rows + 1
        assert rows > 100000 and 3e9 < total < 3.75e9, (rows, total)


@claim("a query log has names of every kind, and JSON lines; what is not steered is counted")
def logs():
    with Server(ZONES, config=config()) as s:
        s.write("log", "# a comment\n\nwww.example.com. A 83.62.101.0/24\nx.any.example.com AAAA 2a02::/48\n"
                '{"time": 1, "client": "81.2.69.160", "pool": "pins", "type": "A", "edges": ["ams"]}\n'
                '{"client": "81.2.69.0/24", "name": "web.example.com"}\nplain.example.com A 81.2.69.160\nweb.example.com MX 81.2.69.160\n'
                "elsewhere.example A 81.2.69.160\n")
        found = simulate(s, "--queries", s.dir + "/log", "--down", "ams")
        same(sorted(found), [("pins", "81.2.69.160/32", "A"), ("two", "2a02::/48", "AAAA"), ("web", "81.2.69.0/24", "A"),
                             ("web", "83.62.101.0/24", "A")])
        assert "of which 3 are not steered" in s.ctl("simulate", "--queries", s.dir + "/log", "--down", "ams")[1]


@claim("a query log goes by what an EDGE record says of its name, by the client's view, and by where pools have failed over to")
def words_views_and_fail_back():
    extra = "clients: { office: { nets: [ 83.62.101.0/24 ] } }\n"
    pools = POOLS + "  db: { edges: [ lax, iad ], policy: ordered, fail-back: manual }\n"
    with Server({}, config=config(pools=pools, extra=extra), start=False) as s:
        zone = APEX + "www 60 EDGE web\nthree 60 EDGE web answers=3\none 60 EDGE web edge=gru\ndb 60 EDGE db\n"
        s.write("out.zone", zone)
        s.write("in.zone", zone.replace("www 60 EDGE web", "www 60 EDGE db"))
        s.configure(zones="[ { name: example.com, file: out.zone }, { name: example.com, file: in.zone, for: office } ]")
        s.start()
        s.ctl("force", "lax", "down")
        s.ctl("force", "lax", "auto")
        for client in ("83.62.101.0/24", "81.2.69.0/24"):
            names = ("www", "three", "one", "db")
            s.write("asked", "".join("%s.example.com A %s\n" % (n, client) for n in names))
            code, said = s.ctl("simulate", "--queries", s.dir + "/asked", "--down", "gru", "--list", s.dir + "/list.csv")
            same(code, 0, said)
            with open(s.dir + "/list.csv") as f:
                rows = {r["name"].split(".")[0]: (r["pool"], r["now"], r["then"]) for r in csv.DictReader(f)}
            inside = client.startswith("83")
            same(rows["db"], ("db", "iad", "iad"), "where it has failed over to:")
            same(rows["one"], ("web", "gru", "gru"), "whatever its state:")
            same((rows["three"][0], len(rows["three"][1].split())), ("web", 3))
            same(rows["www"][0], "db" if inside else "web", "by the view:")
            for n in names:
                asked = s.udp(n + ".example.com", options=ecs(client)) if n != "www" or not inside else None
                same(asked is None or edges_of(asked) == rows[n][1], True, (n, client, rows[n], asked and edges_of(asked)))
        same(s.ctl("fail-back", "db")[0], 0)
        code, said = s.ctl("simulate", "--queries", s.dir + "/asked", "--down", "gru", "--list", s.dir + "/list.csv")
        same(code, 0, said)
        with open(s.dir + "/list.csv") as f:
            same([r["now"] for r in csv.DictReader(f) if r["name"].startswith("db")], ["lax"])


@claim("with affinity by name each name has the edge that the server answers with, in a log, and of all names without one")
def names():
    zone = APEX + "".join("n%d 60 EDGE img\n" % i for i in range(40)) + "Alias CNAME n7\n*.wild EDGE img\nn50 EDGE back\n"
    pools = POOLS + "  img: { edges: [ %(all)s ], policy: round-robin, affinity: name }\n" \
        "  back: { edges: [ only4 ], all-down: { pool: img } }\n"
    with Server({"example.com": zone}, config=config(pools=pools)) as s:
        asked = ["n%d" % i for i in range(40)] + ["alias", "N7", "x.wild", "y.wild", "n50"]
        s.write("queries", "".join("%s.example.com A 83.62.101.0/24\n" % n for n in asked))
        s.write("clients", "".join("%s,1\n" % net() for _ in range(20)))
        down = ("--down", "ams", "--down", "only4")

        def rows(*words):
            code, said = s.ctl("simulate", *words, *down, "--list", s.dir + "/list.csv")
            same(code, 0, said)
            with open(s.dir + "/list.csv") as f:
                return list(csv.DictReader(f))
        from_log, from_zone = rows("--queries", s.dir + "/queries"), rows("--clients", s.dir + "/clients", "--pool", "img")
        same(sorted(r["name"] for r in from_log),
             sorted(n.lower().replace("alias", "n7") + ".example.com." for n in asked))
        same(sorted({r["name"] for r in from_zone if "wild" not in r["name"]}), sorted("n%d.example.com." % i for i in range(40)))
        assert sum("wild" in r["name"] for r in from_zone) > 3, from_zone
        same(round(sum(float(r["weight"]) for r in from_zone), 6), 20.0)

        def agree(side):
            for r in from_log + from_zone:
                got = s.steer(r["name"].rstrip("."), r["client"], "A")
                same(edges_of(got), r[side], (side, r))
        agree("now")
        for name in ("ams", "only4"):
            same(s.ctl("force", name, "down")[0], 0)
        agree("then")
        assert len({r["now"] for r in from_log}) > 4


@claim("pools that come and go, and edges without a place, are no trouble")
def odd():
    with Server(ZONES, config=config()) as s:
        new = write_new(s, pools=POOLS.replace("  turns: {", "  other: { edges: [ ams ] }\n  turns: {") +
                        "  late: { edges: [ nowhere ], policy: round-robin }\n")
        text = open(new).read().replace("edges:\n", "edges:\n  nowhere: { cname: cdn.example.net }\n", 1)
        s.write("new.yaml", text)
        s.write("clients", "83.62.101.0/24,1\n0.0.0.0/1,1\n10.0.0.0/8\n::/0\n2001:db8::/32,0\n")
        code, said = s.ctl("simulate", "-c", new, "--clients", s.dir + "/clients", "--json")
        same(code, 0, said)
        pools = {r["pool"]: r for r in json.loads(said)["pools"]}
        same((pools["other"]["is_old"], pools["other"]["is_new"], pools["web"]["is_old"]), (False, True, True))


@claim("the page stands alone, and has the maps and every edge")
def page():
    with Server(ZONES, config=config()) as s:
        same(s.ctl("simulate", "--down", "ams", "--pool", "web", "--html", s.dir + "/page.html")[0], 0)
        text = open(s.dir + "/page.html").read()
        maps = text.split('<div class="world">')[1:]
        same(len(maps), 3)
        for m in maps:                                      # the world, and Europe, where names would lie on each other
            same((m.count("<svg"), m.count('href="#land"'), "<small>Europe</small>" in m), (2, 1, True))
        assert "src=" not in text and not re.search('href="[^#]', text) and "<script" not in text and "url(" not in text
        for e in NAMES:
            assert ">%s</text>" % e in text, e
            assert re.search("</i>%s (none|[0-9.&lt;]+ %%)</span>" % e, maps[0]), "the legend lacks %s" % e
        assert "prefers-color-scheme:dark" in text and "max-width:640px" in text
        for term in ("<dt>pool</dt><dd>web</dd>", "<dt>time</dt><dd>20", "<dt>coverage</dt><dd>"):
            assert term in text, term
        for table in text.split("<h2>Who")[1:]:             # who moves, who loses most
            assert not re.search("<td>0[.]0+ %</td>", table.split("</table>")[0]), table
        assert not re.search("[+-]0[.]00( %)?<|>0[.]00 %<", text.split("<h2>Edges")[1]), "what does not change is no row of zeros"
        for tag in ("figure", "table", "svg", "g", "td", "tr", "div", "span"):
            same(len(re.findall("<%s[ >]" % tag, text)), text.count("</%s>" % tag), tag)


@claim("wrong words and broken files get one sentence each, and change nothing")
def faults():
    with Server(ZONES, config=config()) as s:
        before = numbers(s)
        s.write("bad.yaml", open(s.conf).read().replace("edges:", "edgse:", 1))
        s.write("gone.yaml", open(s.conf).read().replace("  two:", "  twa:", 1))
        s.write("bad.csv", "prefix,weight\n1.2.3.0/24,x\n1.2.3.4/24,1\nnonsense\n1.2.3.0/24,-1\n")
        s.write("empty.csv", "# nothing\n")
        s.write("bad.log", "www.example.com A\n{\"client\": 1}\n{ nonsense\na b c\nwww.example.com A 1.2.3.4 more\n")
        s.write("export.json", s.ctl("export")[1])
        s.write("cut.json", open(s.dir + "/export.json").read()[:-400])
        s.write("config.json", s.ctl("export", "--config")[1])
        for code, words, say in (
                (2, ["--nonsense"], "no option"), (2, ["--down"], "an edge behind it"), (2, ["--load", "-1"], "a number over 0"),
                (2, ["--clients", "a", "--queries", "b"], "choose one"), (2, ["-c", "a", "-c", "b"], "twice"),
                (1, ["--down", "nosuch"], 'no edge "nosuch"'), (1, ["--pool", "nosuch"], 'no pool "nosuch"'),
                (1, ["-c", s.dir + "/nosuch.yaml"], "No such file"), (1, ["-c", s.dir + "/bad.yaml"], 'did you mean "edges"'),
                (1, ["-c", s.dir + "/gone.yaml"], "example.com.zone:"), (1, ["--clients", s.dir + "/nosuch"], "No such file"),
                (1, ["--clients", s.dir + "/bad.csv"], "bad.csv:2:12: error: a weight"), (1, ["--clients", s.dir + "/empty.csv"], "no rows"),
                (1, ["--queries", s.dir + "/bad.log"], "bad.log:1:18: error:"), (1, ["--from", s.dir + "/cut.json"], "no export"),
                (1, ["--from", s.dir + "/config.json"], "without --config"), (1, ["--from", s.dir + "/nosuch"], "No such file"),
                (1, ["--html", s.dir + "/no/such/page.html", "--pool", "turns"], "No such file"),
                (1, ["--list", s.dir + "/no/such.csv", "--pool", "turns"], "No such file")):
            got, said = s.ctl("simulate", *words)
            same(got, code, "%s: %s" % (words, said))
            assert say in said, (words, said)
        for line in ("3:1", "4:1", "5:12"):
            assert "bad.csv:%s: error:" % line in s.ctl("simulate", "--clients", s.dir + "/bad.csv")[1], line
        same(numbers(s), before)


run("simulate")
