#!/usr/bin/python3
"""excess - how much longer the chosen edge takes than the best one, on measured round-trip times, for each stage of what is known.

    WAYMARK_LATENCY_SET=FOLDER tests/bench/excess.py [STAGE ...]

The folder has edges.csv, clients.csv, rtt.csv and edges_mesh.csv; without it nothing is measured. Each stage is a real waymarkd that gets
what agents would have measured (probe_ms) and is asked by DNS for every network of every client; what it answers is judged by rtt_ms. The mean
is over clients; the interval has 95 % of 10,000 means over clients that are drawn with replacement (bootstrap). Stages with "false" have each
row wrong with a chance of 10 %, in one of five ways: 0.1 ms, ten times too long, another edge's, 20 ms, anything up to 400 ms; a client's excess is
its mean over ten such drawings.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import test_latency                                         # noqa: E402
from lib import Skip                                        # noqa: E402

DRAWS, FOLDS, FALSE_SHARE, SEEDS = 10000, 8, 0.1, range(200, 210)
WAYS = ["0.1 ms", "times ten", "another edge's", "20 ms", "random"]


def by_client(judge, server, clients):
    return {c[0]: judge.excess(server, [c]) for c in clients}


def falsify(judge, rows, seed, way=None):
    rng = random.Random(seed)
    every = {net: judge.probes[c] for c, _, nets in judge.clients for net in nets}
    out = [test_latency.HEAD]
    for line in rows.splitlines()[1:]:
        net, edge, ms = line.split(",")
        if rng.random() < FALSE_SHARE:
            how = way or rng.choice(WAYS)
            ms = {"0.1 ms": 0.1, "times ten": 10 * float(ms), "another edge's": rng.choice(sorted(every[net].values())), "20 ms": 20.0,
                  "random": rng.uniform(0.1, 400)}[how]
        out.append("%s,%s,%.3f\n" % (net, edge, float(ms)))
    return "".join(out)


def one(judge, rows=test_latency.HEAD, mesh=True):
    with judge.serve(rows, mesh) as server:
        return by_client(judge, server, judge.clients)


def drawn(run):
    """run(seed) gives {client: excess}: the means."""
    each = [run(seed) for seed in SEEDS]
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


def stages(judge):
    own = {n: judge.rows(judge.clients, n) for n in (3, 5)}
    yield "nothing measured", lambda: one(judge, mesh=False)
    yield "the mesh of the edges", lambda: one(judge)
    yield "and all other cities", lambda: others(judge)
    yield "and own times to the nearest 3", lambda: one(judge, own[3])
    yield "and own times to the nearest 5", lambda: one(judge, own[5])
    yield "other cities, 10 % false", lambda: others(judge, SEEDS[0])
    yield "own 3, 10 % false", lambda: drawn(lambda seed: one(judge, falsify(judge, own[3], seed)))
    for way in WAYS:
        yield "own 3, 10 % false: " + way, lambda way=way: drawn(lambda seed: one(judge, falsify(judge, own[3], seed, way)))


def interval(values):
    rng = random.Random(7)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS)]


def main():
    try:
        judge = test_latency.open_set()
    except Skip as why:
        print("skipped: %s" % why)
        return
    print("%d cities, %d edges; ms over the best edge\n%-44s %8s %16s %8s" % (len(judge.clients), len(judge.ids), "what is known", "mean", "95 %", "median"))
    for name, run in stages(judge):
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        values = sorted(run().values())
        least, most = interval(values)
        print("%-44s %8.2f %7.2f to %5.2f %8.2f" % (name, sum(values) / len(values), least, most, values[len(values) // 2]), flush=True)


main()
