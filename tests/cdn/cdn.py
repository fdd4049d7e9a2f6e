#!/usr/bin/python3
"""cdn - a whole CDN on one machine, and a day in it.

    cdn.py               the whole day, in ten minutes ("make cdn"); writes build/cdn/index.html
    cdn.py --short       less of it, within a minute ("make interop")

Twelve cities with clients and the resolvers they ask, six edges, an origin, two Waymarks with a signed zone. Each city is a network
namespace, and packets take their time between them (places.py says how long). Everything is the real program: nginx, unbound, PowerDNS Recursor,
dnsdist, certbot, pebble, Redis, waymark-agent. TTLs are not shortened: an answer lives 20 s, as with large CDNs. The agents report each 5 s
where they would each 60 s.

WAYMARK_LATENCY=FOLDER: the times between cities are what is measured there.
"""
import argparse
import collections
import contextlib
import json
import os
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../serve"), os.path.join(HERE, "../lab")]
import compare                                              # noqa: E402
import lib                                                  # noqa: E402
import places                                               # noqa: E402
from inside import enter                                    # noqa: E402
from machine import before_others, CALLED, CAPACITY, CAPACITY_ELSE, has, Machine, missing, SHOP_MS, SLOW_SHOP, TTL_S   # noqa: E402
from page import write_page                                 # noqa: E402

ask = argparse.ArgumentParser()
ask.add_argument("--short", action="store_true")
ask.add_argument("--html", default=lib.BUILD + "/cdn")
wanted = ask.parse_args()
SHORT = wanted.short
RATE, CROWD = (1.0, 1.0) if SHORT else (1.5, 4.0)           # visits a second in each city; so many times of that where the crowd is
LATE_MOST_MS = 4
WORLDS = ("www", "map", "origin", "one", "mapone", "shop", "shoprtt")
COMPARED = {("www", "map"): "two edges an answer", ("one", "mapone"): "one edge an answer", ("www", "www"): "Waymark against itself, each visit against the next",
            ("shop", "shoprtt"): "by the first byte against by round trips, %s's application needs %d ms" % (places.ALL[SLOW_SHOP][0], SHOP_MS)}
DAY = []                                                    # (what happens, seconds, seconds in short, function)


def event(what, seconds, short):
    def keep(function):
        DAY.append((what, seconds, short, function))
        return function
    return keep


class Day:
    """What happened, with all numbers."""

    def __init__(self, machine):
        self.m, self.loads, self.events, self.begun = machine, [], [], time.time()
        self.rates = dict.fromkeys(places.CLIENTS, RATE)
        self.over, self.wrong = False, (0.0, 0.0)
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        while not self.over:
            try:
                self.loads.append((time.time(), self.m.tell_loads()))
            except FileNotFoundError:
                return
            time.sleep(1)

    def say(self, text):
        print("%5.0f s  %s" % (time.time() - self.begun, text), flush=True)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.m.well()
            time.sleep(0.2)

    def visits(self, world="www", since=0.0, until=float("inf"), cities=places.CLIENTS):
        return [v for v in list(self.m.visits) if v["world"] == world and since <= v["at"] < until and v["city"] in cities]

    def ms(self, *which, **more):
        return [v["ms"] for v in self.visits(*which, **more) if "ms" in v]

    def is_fair(self, at):
        """Not the time of the change that went wrong, which nobody made elsewhere."""
        return not self.wrong[0] <= at < self.wrong[1]

    def fair_ms(self, world, **more):
        return [v["ms"] for v in self.visits(world, **more) if "ms" in v and self.is_fair(v["at"])]


def median(values):
    return statistics.median(values) if values else float("nan")


# ------------------------------------------------------------------ the day

@event("morning: nothing is measured yet", 25, 2)
def morning(day, seconds):
    day.wait(seconds)


@event("normal hours", 90, 6)
def normal(day, seconds):
    day.wait(seconds)


@event("a crowd comes in San Francisco", 60, 0)
def crowd(day, seconds):
    day.m.rate(dict(day.rates, frisco=RATE * CROWD))
    day.wait(seconds)
    day.m.rate(day.rates)


@event("the edge in London is killed", 45, 5)
def edge_killed(day, seconds):
    day.killed = time.time()
    day.m.kill("lon")
    day.m.wait("London is down", lambda: all("lon              down" in said for said in day.m.both("edges")))
    day.fall = time.time()
    day.say("both nameservers have it down after %.1f s" % (day.fall - day.killed))
    day.wait(max(0.0, seconds - (day.fall - day.killed)))
    day.m.start_edge("lon")


@event("... and is back, with a slow start", 30, 2)
def edge_back(day, seconds):
    day.wait(seconds)


@event("the edge in Singapore is drained, for new disks", 60, 3)
def edge_drained(day, seconds):
    for order in (lambda *words: day.m.ctl("ns1", *words), day.m.alone):        # the fleet tells the other
        order("force", "sin", "drain", "--why", "new disks")
    day.wait(seconds)
    day.left = day.loads[-1][1]["sin"]
    day.say("requests a second that it still has: %.1f" % day.left)
    day.m.ctl("ns1", "force", "sin", "auto")
    day.m.alone("force", "sin", "auto")


@event("the way from Quito to Miami is 150 ms slower", 75, 0)
def way_slow(day, seconds):
    before = day.m.ms["quito", "mia"]
    day.m.delay("quito", "mia", before + 150)
    begun = time.time()
    day.wait(seconds)
    gone = [v["at"] for v in day.visits(since=begun, cities=["quito"]) if v.get("address") != places.address("mia")]
    day.say("the first of its clients elsewhere after %.0f s; of the last 20 s %d %% are" % (
        gone[0] - begun if gone else float("nan"), 100 * sum(1 for t in gone if t > time.time() - 20) / max(1, len(day.visits(since=time.time() - 20, cities=["quito"])))))
    day.m.delay("quito", "mia", before)


@event("the origin is away", 30, 3)
def origin_away(day, seconds):
    day.m.kill("origin")
    day.wait(seconds)
    day.m.start_origin()


@event("the second nameserver is killed", 40, 3)
def nameserver_killed(day, seconds):
    day.m.kill("ns2")
    day.m.kill("map-ns2")
    day.wait(seconds)
    day.m.start_nameserver("ns2", "map-ns2")


@event("a change goes wrong: policy hash for a third of the clients", 60, 3)
def stage_wrong(day, seconds):
    for name in ("ns1", "ns2"):
        day.m.write(name + "/waymark.yaml", day.m.conf(name, "policy: hash"))
    on_both(day, "reload", "--stage", "33%")
    day.m.wait("the stage is on", lambda: all("\nstage" in said for said in day.m.both("explain", "www.cdn.test", "--client", places.address("frisco"))))
    in_it = [c for c in places.CLIENTS if "new tables" in stage_line(day, c) and "is not in" not in stage_line(day, c)]
    begun = time.time()
    day.say("staged in " + ", ".join(places.ALL[c][0] for c in in_it))
    day.wait(seconds)
    others = [c for c in places.CLIENTS if c not in in_it]
    for words, cities in (("there", in_it), ("elsewhere", others)):
        day.say("median to the first byte %s: %.0f ms, before %.0f ms" % (
            words, median(day.ms(since=begun + TTL_S * (not SHORT), cities=cities)), median(day.ms(since=begun - 60, until=begun, cities=cities))))
    on_both(day, "reload", "--rollback")
    day.m.wait("the stage is off", lambda: not any("\nstage" in said for said in day.m.both("explain", "www.cdn.test", "--client", places.address("frisco"))))
    for name in ("ns1", "ns2"):
        day.m.write(name + "/waymark.yaml", day.m.conf(name))
    day.wrong = begun, time.time() + TTL_S                  # what those had then is told, and is in no sum


def on_both(day, *words):
    """Servers of a fleet follow the one that is told."""
    for name in ("ns1", "ns2") if not has("redis-server") else ("ns1",):
        day.m.ctl(name, *words)


def stage_line(day, city):
    return ([l for l in day.m.ctl("ns1", "explain", "www.cdn.test", "--client", places.address(city, 10, 1)).split("\n") if l.startswith("stage")] + [""])[0]


@event("rolled back: evening", 45, 1)
def evening(day, seconds):
    day.wait(seconds)


# ------------------------------------------------------------------ what it comes to

def sum_up(day):
    """All numbers of the day, as they are shown and judged."""
    got = {"events": day.events, "begun": day.begun, "loads": day.loads, "ended": time.time()}
    since = day.events[1][1]                                # after the morning
    got["cities"] = {c: {w: median(day.fair_ms(w, since=since, cities=[c])) for w in ("www", "map", "origin")} | {
        w + "_mean": statistics.fmean(day.fair_ms(w, since=since, cities=[c]) or [float("nan")]) for w in ("www", "map", "origin")} for c in places.CLIENTS}
    got["median"] = {w: median(day.fair_ms(w, since=since)) for w in ("www", "map", "origin")}
    for w in ("www", "map", "origin"):
        assert day.fair_ms(w, since=since), "nothing came of %s: %s" % (w, day.visits(w)[:3])
    got["mean"] = {w: statistics.fmean(day.fair_ms(w, since=since)) for w in ("www", "map", "origin")}
    got["look_up"] = {w: statistics.fmean(v["dns_ms"] for v in day.visits(w, since=since) if "dns_ms" in v) for w in ("www", "map", "origin")}
    got["pairs"] = {}
    for a, b in () if SHORT else COMPARED:               # too few in the short day
        def counts(at):
            return at >= since and day.is_fair(at)

        rows = compare.with_itself(list(day.m.visits), a, counts) if a == b else compare.pairs(list(day.m.visits), a, b, counts)
        got["pairs"][a, b] = {"cities": compare.by_city(rows, places.CLIENTS), "all": compare.of_all(rows)}
    got["pages"] = pages(day)
    got["lost"] = {w: [v for v in day.visits(w) if "lost" in v] for w in WORLDS}
    got["second"] = sum(1 for v in day.visits() if v.get("tried", 1) > 1)
    got["requests"] = sum(v["requests"] for v in day.visits())
    at_origin = day.m.requests("origin")
    got["at_origin"] = sum(1 for r in at_origin if r[1] == "www.cdn.test")
    got["origin_seconds"] = collections.Counter(int(r[0]) for r in at_origin if r[1] == "www.cdn.test")
    got["moves"], last = [], {}
    for v in sorted(day.visits(), key=lambda v: v["at"]):
        if "address" in v:
            if last.setdefault(v["house"], v["address"]) != v["address"]:
                got["moves"].append(v["at"])
            last[v["house"]] = v["address"]
    got["most"] = {e: max((l[e] for _, l in day.loads), default=0) for e in places.EDGES}
    got["capacity"] = {e: CAPACITY.get(e, CAPACITY_ELSE) for e in places.EDGES}
    got["late_ms"] = median([v["late_ms"] for v in list(day.m.visits) if "late_ms" in v])
    got["ttl"] = [v["ttl"] for v in day.visits() if "ttl" in v]
    got["resolvers"] = {c: (CALLED[day.m.kinds[c]],) + day.m.resolver_numbers(c) + (len(day.visits(cities=[c])),) for c in places.CLIENTS}
    got["visits"] = [v for w in WORLDS for v in day.visits(w)]
    got["where"] = {c: collections.Counter(v["address"] for v in day.visits(cities=[c], since=since, until=day.events[2][1]) if "address" in v) for c in places.CLIENTS}
    got["went"] = {c: went(day, c, got["where"][c]) for c in places.CLIENTS}
    return got


def went(day, city, visits):
    """Where its households went in normal hours, and how far that is in truth: "sin 80 ms 83 %, lon 143 ms 17 %"."""
    total = sum(visits.values())
    return ", ".join("%s %.0f ms %.0f %%" % (e, day.m.ms[city, e], 100 * visits[places.address(e)] / total)
                     for e in sorted(places.EDGES, key=lambda e: -visits[places.address(e)]) if visits[places.address(e)])


def pages(day):
    """What pages measured of edges, by city, and what the nameservers know of it."""
    told = [v for v in list(day.m.visits) if v["world"] == "page"]
    times = {}
    for v in told:
        times.setdefault((v["city"], v["edge"]), []).append(v["ttfb_ms"])
    return {"told": sum(v["told"] for v in told), "refused": sum(not v["told"] for v in told), "ms": {pair: median(ms) for pair, ms in times.items()},
            "known": [json.loads(said)["first_bytes"] for said in day.m.both("latency", "show", "--json")],
            "shop": {c: collections.Counter(v["address"] for v in day.visits("shop", cities=[c], since=day.events[1][1]) if "address" in v) for c in places.CLIENTS}}


def judge(day, got):
    """Sentences that have to be true, and whether they are."""
    flying = [v for v in got["lost"]["www"] if v.get("in_flight") and v["address"] == places.address("lon") and v["end"] >= day.killed and v["at"] <= day.fall + 2]
    lost = [v for v in got["lost"]["www"] if v not in flying]
    share = got["at_origin"] / max(1, got["requests"])
    yield not lost, "requests lost: %d, beside %d in flight to the edge that was killed" % (len(lost), len(flying)) + "".join("\n      %.1f s, %s, %s: %s" % (v["at"] - got["begun"], v["city"], v.get("address", "-"), v["lost"]) for v in lost[:5])
    yield share <= 0.15, "requests at the origin: %.1f %% of %d (at most 15 %%)" % (100 * share, got["requests"])
    yield min(got["pages"]["known"]) > 0 and got["pages"]["refused"] <= 0.01 * got["pages"]["told"], "networks' times to the first byte of an edge that the nameservers have from pages: %d and %d, of %d that pages told (%d refused)" % (
        *got["pages"]["known"], got["pages"]["told"], got["pages"]["refused"])
    if got["late_ms"] > LATE_MOST_MS:
        yield None, "times are not judged: this machine is too crowded, clients had their turn %.1f ms late in the median second (at most %g)" % (got["late_ms"], LATE_MOST_MS)
        return
    ratio = got["median"]["origin"] / got["median"]["www"]
    yield ratio >= (1.2 if SHORT else 2), "median to the first byte: %.0f ms, of the origin alone %.0f ms: %.1f times better (at least %s)" % (
        got["median"]["www"], got["median"]["origin"], ratio, "1.2" if SHORT else "2")
    if SHORT:
        return
    for pair in (("one", "mapone"), ("www", "map")):
        n, cities = got["pairs"][pair]["all"], got["pairs"][pair]["cities"]
        yield n["times"] >= 1.2, "%s, mean to the first byte: %.0f ms, by the map %.0f ms: %.2f times better (%.2f to %.2f; at least 1.2)" % (
            COMPARED[pair], n["a"], n["b"], n["times"], *n["interval"])
        yield not any(map(compare.is_worse, cities.values())), "%s, cities that are worse than by the map: %s" % (COMPARED[pair], those(cities, compare.is_worse))
    itself = got["pairs"]["www", "www"]["cities"]
    differ = [c for c, n in itself.items() if n["least"] > 0 or n["most"] < 0]
    yield not differ, "cities that differ from themselves: %s" % (", ".join(differ) or "none")
    shop = {c: n for c, n in got["pairs"]["shop", "shoprtt"]["cities"].items() if best(day, c) == SLOW_SHOP}
    yield all(n["most"] < 0 for n in shop.values()), "the shop by first bytes, in the cities nearest to %s: %s" % (places.ALL[SLOW_SHOP][0], those(shop, lambda n: True))


def best(day, city):
    return min(places.EDGES, key=lambda e: day.m.ms[city, e])


def those(cities, which):
    return ", ".join("%s %s" % (places.ALL[c][0], compare.words(n)) for c, n in cities.items() if which(n)) or "none"


def table(got):
    print("\n%-18s %-30s %8s %8s %8s   %s" % ("median to 1st byte", "resolver", "Waymark", "by map", "origin", "in normal hours to; cache entries, queries to the resolver, sent on"))
    for c, n in got["cities"].items():
        print("%-18s %-30s %5.0f ms %5.0f ms %5.0f ms   %s; %s" % (places.ALL[c][0], got["resolvers"][c][0], n["www"], n["map"], n["origin"],
                                                            got["went"][c], ", ".join(map(str, got["resolvers"][c][1:4]))))
    for what, of in (("all, median", "median"), ("all, mean", "mean"), ("of that the look-up, mean", "look_up")):
        print("%-49s %5.0f ms %5.0f ms %5.0f ms" % (what, *[got[of][w] for w in ("www", "map", "origin")]))
    for pair, pair_got in got["pairs"].items():
        cities, n = pair_got["cities"], pair_got["all"]
        print("\n%s: mean %.0f ms for %.0f ms, %.2f times (%.2f to %.2f), %d pairs" % (COMPARED[pair], n["a"], n["b"], n["times"], *n["interval"], n["n"]))
        for c, n in cities.items():
            print("    %-18s %5.0f ms, %5.0f ms: %s" % (places.ALL[c][0], n["a"], n["b"], compare.words(n)))
    print("\nedges, requests a second: " + ", ".join("%s %.1f of %d" % (e, got["most"][e], got["capacity"][e]) for e in got["most"]) + " at most")
    print("households that changed their edge: %d times; connections to the second address: %d" % (len(got["moves"]), got["second"]))
    print("TTL at clients: %.0f s in the mean, %d s at most" % (statistics.fmean(got["ttl"]), max(got["ttl"])))
    print("lost by the map: %d; by the origin alone: %d\n" % (len(got["lost"]["map"]), len(got["lost"]["origin"])))


def set_up(m):
    for what, step in (("cities, and the ways between them", m.build), ("an authority for certificates", m.start_authority),
                       ("two nameservers, the zone signed", m.start_nameservers), ("resolvers", m.start_resolvers), ("a certificate", m.certify),
                       ("the origin", m.start_origin), ("edges, and agents", m.start_edges), ("all resolvers answer", m.wait_for_resolvers),
                       ("all edges are up", m.wait_for_probes), ("clients", m.start_clients)):
        begun = time.time()
        said = step()
        print("         %s%s (%.1f s)" % (what, " " + said if said else "", time.time() - begun), flush=True)


def live(m):
    measured = os.environ.get("WAYMARK_LATENCY")
    print("cdn: times between cities are %s" % ("as measured" if measured else "the model's"))
    set_up(m)
    day = Day(m)
    m.rate(day.rates)
    # Pairs of edges are signed when they are first asked for, and until then an answer has one for 5 s. In the short day the edge is killed when that is over.
    for what, seconds, short, function in DAY[:3] + DAY[5:8] + DAY[3:5] + DAY[8:] if SHORT else DAY:
        length = short if SHORT else seconds
        if length:
            day.events.append((what, time.time()))
            day.say(what)
            function(day, length)
    m.rate(dict.fromkeys(places.CLIENTS, 0))
    day.wait(2)
    got = sum_up(day)
    day.over = True
    table(got)
    os.makedirs(wanted.html, exist_ok=True)
    write_page(wanted.html, got, measured, COMPARED)
    with open(wanted.html + "/visits.json", "w") as f:
        json.dump(got["visits"], f)
    print("drawn: %s/index.html" % wanted.html)
    return list(judge(day, got))


def main():
    lacking = missing()
    try:
        if lacking:
            raise lib.Skip("not installed: " + ", ".join(lacking))
        enter()
    except lib.Skip as why:
        print("skipped: a CDN and a day in it: %s\ncdn: 0 passed, 0 failed, 1 skipped" % why)
        return 0
    folder = os.environ.get("WAYMARK_LATENCY")
    if SHORT:
        os.environ["NETS"] = "4"
    m = Machine(places.as_measured(folder) if folder else places.by_model(), 8 if SHORT else 40)
    m.quick = SHORT
    with contextlib.suppress(OSError):                      # in a session of its own, since it tells the edges' loads
        os.setsid()
    before_others(os.getpid())
    try:
        verdicts = live(m)
    except AssertionError as why:
        verdicts = [(False, str(why))]
    finally:
        m.stop()
    for right, sentence in verdicts:
        print("%s %s" % ({True: "  right ", False: "FAILED:", None: "skipped:"}[right], sentence))
    passed, failed, skipped = (sum(1 for right, _ in verdicts if right is of) for of in (True, False, None))
    print("cdn: %d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
