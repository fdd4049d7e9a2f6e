"""compare - is one world faster than another in a city, or are they equal within what chance does?

Visits are compared in pairs: the same household, the same moment, both worlds. What is near in time is alike (an answer is kept for 20 s), so it is
blocks of 20 s that are drawn with replacement (block bootstrap), and the medians' difference has an interval. All cities' intervals hold together with
95 % (Bonferroni): else one of twelve that are equal would be found worse on two days of three or so.
"""
import random
import statistics

BLOCK_S, DRAWS, SURE = 20, 2000, 0.95


def pairs(visits, a, b, counts=lambda at: True):
    """{city: [(when, ms of a, ms of b)]} of visits that came to both."""
    seen = {}
    for v in visits:
        if v["world"] in (a, b) and "ms" in v and counts(v["at"]):
            seen.setdefault(v["visit"], {})[v["world"]] = v
    rows = {}
    for both in seen.values():
        if len(both) == 2:
            rows.setdefault(both[a]["city"], []).append((both[a]["at"], both[a]["ms"], both[b]["ms"]))
    return rows


def with_itself(visits, world, counts=lambda at: True):
    """The same of one world: each visit with the city's next one, in either order. What these differ by is chance."""
    rng, rows, last = random.Random(2), {}, {}
    for v in sorted((v for v in visits if v["world"] == world and "ms" in v and counts(v["at"])), key=lambda v: v["at"]):
        before = last.pop(v["city"], None)
        if before is None:
            last[v["city"]] = v
        else:
            rows.setdefault(v["city"], []).append((before["at"], *rng.sample((before["ms"], v["ms"]), 2)))
    return rows


def blocks_of(rows):
    found = {}
    for at, x, y in rows:
        found.setdefault(int(at / BLOCK_S), []).append((x, y))
    return list(found.values())


def interval(blocks, number, sure):
    """Of number([ms of a], [ms of b])."""
    rng = random.Random(1)
    halves = [(sorted(x for x, _ in b), sorted(y for _, y in b)) for b in blocks]
    got = []
    for _ in range(DRAWS):
        drawn = rng.choices(halves, k=len(halves))
        got.append(number([x for a, _ in drawn for x in a], [y for _, b in drawn for y in b]))
    got.sort()
    out = (1 - sure) / 2
    return got[int(out * DRAWS)], got[int((1 - out) * DRAWS) - 1]


def of_medians(x, y):
    return statistics.median(x) - statistics.median(y)


def of_means(x, y):
    return statistics.fmean(y) / statistics.fmean(x)


def by_city(rows, cities):
    """{city: numbers of it}, of those that have any."""
    got = {}
    for city in cities:
        if not rows.get(city):
            continue
        x, y = [r[1] for r in rows[city]], [r[2] for r in rows[city]]
        least, most = interval(blocks_of(rows[city]), of_medians, 1 - (1 - SURE) / len(cities))
        got[city] = {"n": len(x), "a": statistics.median(x), "b": statistics.median(y), "least": least, "most": most}
    return got


def of_all(rows):
    """How many times as long b takes in the mean, and its interval."""
    every = [r for of in rows.values() for r in of]
    x, y = [r[1] for r in every], [r[2] for r in every]
    return {"n": len(x), "a": statistics.fmean(x), "b": statistics.fmean(y), "times": of_means(x, y), "interval": interval(blocks_of(every), of_means, SURE)}


def is_worse(n):
    return n["least"] > 0


def words(n):
    if n["least"] > 0:
        return "worse by %.0f ms (%.0f to %.0f)" % (n["a"] - n["b"], n["least"], n["most"])
    if n["most"] < 0:
        return "better by %.0f ms (%.0f to %.0f)" % (n["b"] - n["a"], -n["most"], -n["least"])
    return "equal within noise of %.0f ms" % max(-n["least"], n["most"])
