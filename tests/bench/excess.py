#!/usr/bin/python3
"""excess - how much longer the chosen edge takes than the best one, on measured round-trip times, for each stage of what is known.

    WAYMARK_LATENCY_SET=FOLDER tests/bench/excess.py [--drawings N] [--keep FILE] [--against FILE] [STAGE ...]

The folder has edges.csv, clients.csv, rtt.csv and edges_mesh.csv; without it nothing is measured. STAGE is a word of a stage's name; --list tells them. Each stage is a
real waymarkd that gets what agents would have measured (probe_ms) and is asked by DNS for every network of every client; what it answers is judged by
rtt_ms. "Of its choosing" are edges that are nearest on the map, by half, and that `explain` has first; what agents are asked for is what the server tells agents. The mean is over clients; the interval has 95 % of 10,000 means over clients that are drawn with replacement (bootstrap).

Stages with "false" have each row wrong with a chance of 10 %, in one of five ways: 0.1 ms, ten times too long, another edge's, 20 ms, anything up to
400 ms; a client's excess is its mean over N such drawings (20), whose false rows are the same for each way. In "left out" they are not there at all, which no doubt can
better but by what others of the place have. Stages that are made of another one have the difference to it, client by client, with its interval, too.

--keep writes each client's excess of each stage, and --against compares with what another program had: the difference, client by client.
"""
import argparse
import ipaddress
import json
import math
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import test_agent                                           # noqa: E402
import test_latency                                         # noqa: E402
from lib import APEX, Server, Skip, free_port               # noqa: E402

DRAWS, FOLDS, FALSE_SHARE, SEED, JITTER = 10000, 8, 0.1, 200, 0.25
WAYS = ["0.1 ms", "times ten", "another edge's", "20 ms", "random"]
LEFT_OUT = "left out"


def by_client(judge, server, clients):
    return {c[0]: judge.excess(server, [c]) for c in clients}


def falsify(judge, rows, seed, way=None):
    """Which rows are false is the same for all ways."""
    which, rng = random.Random(seed), random.Random(seed + 0.5)
    every = {net: judge.probes[c] for c, _, nets in judge.clients for net in nets}
    out = [test_latency.HEAD]
    for line in rows.splitlines()[1:]:
        net, edge, ms = line.split(",")
        if which.random() < FALSE_SHARE:
            how = way or rng.choice(WAYS)
            if how == LEFT_OUT:
                continue
            ms = {"0.1 ms": 0.1, "times ten": 10 * float(ms), "another edge's": rng.choice(sorted(every[net].values())), "20 ms": 20.0,
                  "random": rng.uniform(0.1, 400)}[how]
        out.append("%s,%s,%.3f\n" % (net, edge, float(ms)))
    return "".join(out)


def one(judge, rows=test_latency.HEAD, mesh=True):
    with judge.serve(rows, mesh) as server:
        return by_client(judge, server, judge.clients)


def mean_of(each):
    return {c: sum(got[c] for got in each) / len(each) for c in each[0]}


def others(judge, seed=None):
    """Each client's networks are unmeasured, those of other cities are measured by all edges."""
    got = {}
    for i in range(FOLDS):
        mine, rest = judge.clients[i::FOLDS], [c for k, c in enumerate(judge.clients) if k % FOLDS != i]
        rows = judge.rows(rest, len(judge.ids))
        with judge.serve(rows if seed is None else falsify(judge, rows, seed)) as server:
            got.update(by_client(judge, server, mine))
    return got


def wanted(server, net, known, n):
    """n edges more: half of them the nearest on the map, and then the first by estimate."""
    told = json.loads(server.ctl("explain", "www.example.com", "--client", net, "--json")[1])["steps"][0]["edges"]
    told = [r for r in told if r["edge"] not in known]
    near = [r["edge"] for r in sorted(told, key=lambda r: r["km"])[:(n + 1) // 2]]
    return near + [r["edge"] for r in told if r["edge"] not in near][:n - len(near)]


def chosen(judge, clients, steps, before=test_latency.HEAD):
    """Each network is measured by edges of the server's choosing, so many in each step, after which it is asked again. `before` is known of others."""
    known = {net: [] for _, _, nets in clients for net in nets}

    def rows():
        return before + "".join("%s,%s,%.3f\n" % (net, e, judge.probes[c][e]) for c, _, nets in clients for net in nets for e in known[net] if e in judge.probes[c])

    for n in steps:
        with judge.serve(rows()) as server:
            for net in known:
                known[net] = known[net] + wanted(server, net, known[net], n)
    with judge.serve(rows()) as server:
        return by_client(judge, server, clients)


def chosen_beside_others(judge, steps):
    """The same where other cities are measured by all edges."""
    got = {}
    for i in range(FOLDS):
        rest = [c for k, c in enumerate(judge.clients) if k % FOLDS != i]
        got.update(chosen(judge, judge.clients[i::FOLDS], steps, judge.rows(rest, len(judge.ids))))
    return got


class Asked(test_agent.Nameserver):
    """A server that has agents at all edges, and what it asks them for."""

    def __init__(self, judge, rows):
        test_agent.KEYS.update({e: bytes(32) for e in judge.ids})
        self.management, self.sequence = free_port(), 0
        agents = ", ".join('%s: { key: "%s" }' % (e, test_agent.b64(bytes(32))) for e in judge.ids)
        conf = test_latency.config("files: m.csv, mesh: mesh.csv, agents: { %s }" % agents, edges=judge.edges)
        Server.__init__(self, {"example.com": APEX + "www 60 EDGE web\n"}, files={"m.csv": rows, "mesh.csv": judge.mesh},
                        config='management: { listen: "127.0.0.1:%d" }\n' % self.management + re.sub(r"a: \[ 192.0.2.(\d+) \]", r"a: [ 192.0.2.\1 ], aaaa: [ 2001:db8::\1 ]", conf))

    def wants(self, edge):
        """All networks that the edge's agent is asked to measure."""
        got = []
        while True:
            status, answer, _ = self.targets(edge, agent=edge)
            if status != 200:
                time.sleep(0.5)
            elif answer["networks"]:
                got += [t["net"] for t in answer["networks"]]
            else:
                return [str(ipaddress.ip_network(net)) for net in got]


def asked(judge, clients, before=test_latency.HEAD, rounds=2):
    """Each network is measured by the edges whose agents are asked for it, and once more when that is known. `before` is known of others."""
    nets = {str(ipaddress.ip_network(net)): (c, net) for c, _, nets in clients for net in nets}
    rows, times = before, 0
    for _ in range(rounds):
        with Asked(judge, rows) as server:
            for _, net in nets.values():
                server.steer("www.example.com", net)
            server.until("targets", lambda: server.count("targets") == len(nets))
            for e in judge.ids:
                for c, net in (nets[t] for t in server.wants(e)):
                    if e in judge.probes[c]:
                        rows += "%s,%s,%.3f\n" % (net, e, judge.probes[c][e])
                        times += 1
    print("agents were asked for %.1f edges a network" % (times / len(nets)), flush=True)
    with judge.serve(rows) as server:
        return by_client(judge, server, clients)


def asked_beside_others(judge):
    """The same where other cities are measured by all edges."""
    got = {}
    for i in range(FOLDS):
        rest = [c for k, c in enumerate(judge.clients) if k % FOLDS != i]
        got.update(asked(judge, judge.clients[i::FOLDS], judge.rows(rest, len(judge.ids))))
    return got


def edges_down(judge, rows):
    """Over the best of those that are left, each edge down once."""
    each = []
    with judge.serve(rows) as server:
        for e in judge.ids:
            server.ctl("force", e, "down")
            each.append({c[0]: judge.excess(server, [c], e) for c in judge.clients})
            server.ctl("force", e, "auto")
    return mean_of(each)


def with_nets(judge, change):
    """The same world with other networks of each client: [(client, place, networks)]."""
    return test_latency.Judge(judge.edges, [(c, at, change(nets)) for c, at, nets in judge.clients], judge.truth, judge.probes, judge.mesh)


def beside(judge, n):
    """One network of each client is unmeasured, the others are measured by the nearest edges."""
    known, asked = with_nets(judge, lambda nets: nets[:-1]), with_nets(judge, lambda nets: nets[-1:])
    with asked.serve(known.rows(known.clients, n)) as server:
        return by_client(asked, server, asked.clients)


def apart(judge, seed):
    """Each network is a client with times of its own: by a factor away from its city's to each edge, and by half of that from all."""
    rng, world = random.Random(seed + 0.25), test_latency.Judge(judge.edges, [], {}, {}, judge.mesh)
    for c, at, nets in judge.clients:
        for net in nets:
            all_of = rng.gauss(0, JITTER / 2)
            times = {e: math.exp(rng.gauss(0, JITTER) + all_of) for e in judge.ids}
            world.clients.append((net, at, [net]))
            world.truth[net], world.probes[net] = ({e: ms * times[e] for e, ms in of[c].items()} for of in (judge.truth, judge.probes))
    got = one(world, world.rows(world.clients, 3)), one(world, falsify(world, world.rows(world.clients, 3), seed))
    return [{c: sum(of[net] for net in nets) / len(nets) for c, _, nets in judge.clients} for of in got]


def without(text, edge, told=None):
    """Of rows "who,edge,ms": those of that edge have another time, or are gone."""
    which = 0 if text.startswith("src") else 1
    out = text.splitlines(True)[:1]
    for line in text.splitlines(True)[1:]:
        w = line.rstrip("\n").split(",")
        if w[which] == edge:
            if told is None:
                continue
            line = ",".join(w[:2] + [told] + w[3:]) + "\n"
        out.append(line)
    return "".join(out)


def one_agent(judge, rows, lies):
    """Each in turn says nothing, or what is false: too short or too long, of the networks that it measures or of the other edges, too."""
    mesh, each = judge.mesh, []
    for k, e in enumerate(judge.ids):
        told = (("0.1", "10000")[k % 2]) if lies else None
        if not lies or k % 4 > 1:
            judge.mesh = without(mesh, e, told)
        each.append(one(judge, without(rows, e, told)))
        judge.mesh = mesh
    return mean_of(each)


def stages(judge, drawings):
    """(name, the stage that it is made of, how)"""
    seeds = range(SEED, SEED + drawings)
    own = {n: judge.rows(judge.clients, n) for n in (3, 5)}
    single = with_nets(judge, lambda nets: nets[:1])
    single_own = single.rows(single.clients, 3)
    three, kept = "and own times to the nearest 3", {}

    def of_apart(k):
        for seed in seeds:
            if seed not in kept:
                kept[seed] = apart(judge, seed)
        return mean_of([kept[seed][k] for seed in seeds])

    yield "nothing measured", None, lambda: one(judge, mesh=False)
    yield "the mesh of the edges", None, lambda: one(judge)
    yield "and all other cities", None, lambda: others(judge)
    yield three, None, lambda: one(judge, own[3])
    yield "and own times to the nearest 5", None, lambda: one(judge, own[5])
    yield "own 3 of its choosing", three, lambda: chosen(judge, judge.clients, [3])
    yield "own 3 of its choosing, asked again after 1 and 2", "own 3 of its choosing", lambda: chosen(judge, judge.clients, [1, 2])
    yield "own 5 of its choosing", "and own times to the nearest 5", lambda: chosen(judge, judge.clients, [5])
    yield "other cities, own 3 of its choosing", three, lambda: chosen_beside_others(judge, [3])
    yield "other cities, own 5 of its choosing", "and own times to the nearest 5", lambda: chosen_beside_others(judge, [5])
    yield "own times to what agents are asked for", "and own times to the nearest 5", lambda: asked(judge, judge.clients)
    yield "other cities, own: what agents are asked for", "and own times to the nearest 5", lambda: asked_beside_others(judge)
    yield "unmeasured, the place's others 3", None, lambda: beside(judge, 3)
    yield "unmeasured, the place's others 5", None, lambda: beside(judge, 5)
    yield "own 3, each edge down", None, lambda: edges_down(judge, own[3])
    yield "other cities, 10 % false", "and all other cities", lambda: others(judge, SEED)
    yield "own 3, false rows left out", three, lambda: mean_of([one(judge, falsify(judge, own[3], seed, LEFT_OUT)) for seed in seeds])
    for way in [None] + WAYS:
        yield "own 3, 10 % false" + (": " + way if way else ""), three, lambda way=way: mean_of([one(judge, falsify(judge, own[3], seed, way)) for seed in seeds])
    yield "own 3, one agent is silent", three, lambda: one_agent(judge, own[3], False)
    yield "own 3, one agent lies", "own 3, one agent is silent", lambda: one_agent(judge, own[3], True)
    yield "one network a city, own 3", None, lambda: one(single, single_own)
    yield "one network a city, own 3, false left out", "one network a city, own 3", lambda: mean_of([one(single, falsify(single, single_own, seed, LEFT_OUT)) for seed in seeds])
    yield "one network a city, own 3, 10 % false", "one network a city, own 3", lambda: mean_of([one(single, falsify(single, single_own, seed)) for seed in seeds])
    yield "networks apart, own 3", None, lambda: of_apart(0)
    yield "networks apart, own 3, 10 % false", "networks apart, own 3", lambda: of_apart(1)


def interval(values):
    rng = random.Random(7)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS)]


def mean(values):
    return sum(values) / len(values)


def difference(got, before):
    """Client by client."""
    more = [got[c] - before[c] for c in sorted(got)]
    return "%+.2f (%+.2f to %+.2f)" % (mean(more), *interval(more))


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("words", nargs="*", metavar="STAGE")
    ask.add_argument("--drawings", type=int, default=20)
    ask.add_argument("--keep", metavar="FILE")
    ask.add_argument("--against", metavar="FILE")
    ask.add_argument("--list", action="store_true")
    wanted = ask.parse_args()
    try:
        judge = test_latency.open_set()
    except Skip as why:
        print("skipped: %s" % why)
        return
    all_of = list(stages(judge, wanted.drawings))
    chosen = [s for s in all_of if not wanted.words or any(word in s[0] for word in wanted.words)]
    if wanted.list:
        print("\n".join(s[0] for s in all_of))
        return
    before, got = {}, {}
    if wanted.against:
        with open(wanted.against) as f:
            before = json.load(f)
    print("%d cities, %d edges; ms over the best edge\n%-48s %8s %16s %8s   %s" % (
        len(judge.clients), len(judge.ids), "what is known", "mean", "95 %", "median", "over the stage that it is made of; " * bool(not wanted.against) + "than before" * bool(wanted.against)))
    for name, of, run in chosen:
        got[name] = run()
        values = sorted(got[name].values())
        told = ""
        if name in before:
            told = difference(got[name], before[name])
        elif of in got:
            told = "%s, %+.0f %%" % (difference(got[name], got[of]), 100 * (mean(values) / mean(list(got[of].values())) - 1))
        print("%-48s %8.2f %7.2f to %5.2f %8.2f   %s" % (name, mean(values), *interval(values), values[len(values) // 2], told), flush=True)
    if wanted.keep:
        with open(wanted.keep, "w") as f:
            json.dump(got, f)


main()
