#!/usr/bin/python3
"""coast.py LAND.json - the coast lines of src/simulate/simulate_coast.c, from Natural Earth.

LAND.json is land-50m.json of the npm package world-atlas 2.0.2 (ISC licence), which is Natural Earth's land at 1:50 million, in the
public domain (https://www.naturalearthdata.com): npm pack world-atlas@2.0.2; tar xzf world-atlas-2.0.2.tgz package/land-50m.json
"""
import json
import sys

OFF, LEAST, NORTH, SOUTH = 0.16, 0.5, 84, -57               # degrees a line may be off; square degrees of an island that is drawn


def arcs_of(topology):
    sx, sy = topology["transform"]["scale"]
    tx, ty = topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        yield line


def rings_of(topology):
    arcs = list(arcs_of(topology))
    for shape in topology["objects"]["land"]["geometries"]:
        for polygon in shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]:
            ring = []
            for i in polygon[0]:
                line = arcs[i] if i >= 0 else arcs[~i][::-1]
                ring += line[1:] if ring else line
            yield ring


def area(ring):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1]))) / 2


def thin(line):
    """Douglas and Peucker's."""
    keep, stack = {0, len(line) - 1}, [(0, len(line) - 1)]
    while stack:
        a, b = stack.pop()
        (ax, ay), (bx, by) = line[a], line[b]
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        worst, at = 0, None
        for i in range(a + 1, b):
            x, y = line[i]
            off = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length if length else ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5
            if off > worst:
                worst, at = off, i
        if worst > OFF:
            keep.add(at)
            stack += [(a, at), (at, b)]
    return [line[i] for i in sorted(keep)]


def path(ring):
    out, last = "", None
    for x, y in ring:
        p = round(x * 10), round(y * 10)
        if last is None:
            out += "M%d %d" % p + "l"
        elif p != last:
            dx, dy = p[0] - last[0], p[1] - last[1]
            out += "%d%s%d " % (dx, "" if dy < 0 else " ", dy)
        last = p
    return out.replace(" -", "-").strip() + "z"


def unwrap(ring):
    """Across the date line the way goes on, and what is beyond is cut off by the map's edge."""
    out, by = [], 0
    for x, y in ring:
        if out and abs(x + by - out[-1][0]) > 180:
            by += 360 if x + by < out[-1][0] else -360
        out.append((x + by, y))
    middle = sum(x for x, _ in out) / len(out)
    back = 360 if middle < -180 else -360 if middle > 180 else 0
    return [(x + back, y) for x, y in out]


words = []
for ring in rings_of(json.load(open(sys.argv[1]))):
    ring = unwrap([(x, min(NORTH, max(SOUTH - 30, y))) for x, y in ring])
    if area(ring) < LEAST or max(y for _, y in ring) < SOUTH:
        continue
    half = len(ring) // 2                                   # a ring has no ends: its halves have
    ring = thin(ring[:half + 1]) + thin(ring[half:])[1:]
    words.append(path(ring))
print("/* simulate_coast.c - where land is: made by contrib/coast.py from Natural Earth (public domain).\n */")
print('#include "simulate/simulate_map.h"\n')
print("/* An SVG path in tenths of degrees east and north. */")
print("const char *const simulate_coast[] = {")
text = "".join(words)
while text:
    print('\t"%s",' % text[:84])
    text = text[84:]
print("\tNULL\n};")
