"""page - the day as a page of HTML and as a picture for README.md: a map of who goes where, and charts. No scripts, nothing from elsewhere;
the map and the style are those of "waymarkctl simulate --html".
"""
import html
import math
import os
import re
import statistics

import compare
import lib
import places

WORLDS = (("www", "Waymark", "e0"), ("map", "nearest on the map", "e3"), ("origin", "the origin alone", "e6"))
COLOURS = {e: "e%d" % i for i, e in enumerate(("lon", "mia", "sao", "dxb", "sin", "lax"))}
WIDE, NORTH, SOUTH = 1080, 72, -48
BIN_S = 5


def source(name):
    with open(os.path.join(lib.TOP, "src/simulate", name)) as f:
        return f.read()


def c_text(text):
    """The string that adjacent literals of C make."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace("\\n", "\n").replace('\\"', '"')


def style():
    """Of simulate_html.c and simulate_colours.c."""
    page, colours = source("simulate_html.c"), source("simulate_colours.c")
    part = {name: c_text(re.search(r"static const char %s\[\] =(.*?);\n\n" % name, page, re.S).group(1)) for name in ("head", "dark", "style")}
    light, dark = (re.findall(r'"(#\w+)"', re.search(r"simulate_%s\[[^=]*= \{(.*?)\};" % w, colours, re.S).group(1)) for w in ("light", "dark"))
    css = {w: "".join("--e%d:%s;" % (i, c) for i, c in enumerate(cs)) for w, cs in (("light", light), ("dark", dark))}
    return (part["head"].replace("Waymark: what a change would do", "Waymark: a CDN, and a day in it") + css["light"] + part["dark"] + css["dark"] +
            part["style"])


def colours_of(theme):
    """The variables alone, for the picture."""
    text = style()
    roots = re.findall(r":root\{([^}]*)\}", text)
    return "svg{%s}" % (roots[0] if theme == "light" else roots[1])


def land():
    text = source("simulate_coast.c")
    return "".join(re.findall(r'^\t"(.*)",$', text, re.M))


def xy(lat, lon):
    return (lon + 180) * WIDE / 360, (NORTH - lat) * 3.4


def esc(text):
    return html.escape(str(text))


# ------------------------------------------------------------------ the map

def the_map(got):
    """Each city, the edges that it goes to (a line each, the wider the more), and edges."""
    out = ['<svg viewBox="0 0 %d %d" role="img" aria-label="who goes where">' % (WIDE, (NORTH - SOUTH) * 3.4), '<rect class="sea" width="100%" height="100%"/>',
           '<path id="land" class="land" transform="translate(%g %g) scale(.3 -.34)" d="%s"/>' % (WIDE / 2, NORTH * 3.4, land())]
    for city, edges in got["where"].items():
        x, y = xy(*places.place(city))
        total = sum(edges.values())
        for e in places.EDGES:
            share = edges[places.address(e)] / total if total else 0
            if share < 0.03:
                continue
            u, v = xy(*places.place(e))
            bend = 0.12 * math.hypot(u - x, v - y)
            out.append('<path d="M%.1f %.1fQ%.1f %.1f %.1f %.1f" fill="none" stroke="var(--%s)" stroke-width="%.1f" stroke-linecap="round"/>' % (
                x, y, (x + u) / 2, (y + v) / 2 - bend, u, v, COLOURS[e], 0.8 + 3 * share))
    for e, (name, lat, lon, _) in places.EDGES.items():
        x, y = xy(lat, lon)
        out.append('<circle cx="%.1f" cy="%.1f" r="6.5" fill="var(--%s)" stroke="var(--ink)" stroke-width="1.5"/>%s' % (x, y, COLOURS[e], label(x, y - 10, name, 700)))
    for city, (name, lat, lon, _) in places.CLIENTS.items():
        x, y = xy(lat, lon)
        out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="var(--land)" stroke="var(--ink)" stroke-width="1.5"/>%s' % (x, y, label(x, y + 15, name, 400)))
    x, y = xy(*places.place("origin"))
    out.append('<rect x="%.1f" y="%.1f" width="10" height="10" fill="var(--ink)"/>%s' % (x - 5, y - 5, label(x, y - 9, "the origin", 400)))
    return "\n".join(out) + "</svg>"


def label(x, y, name, weight):
    return ('<text x="%.1f" y="%.1f" font-size="12" font-weight="%d" text-anchor="middle" font-family="system-ui,sans-serif" fill="var(--ink)" paint-order="stroke" '
            'stroke="var(--land)" stroke-width="3" stroke-linejoin="round">%s</text>' % (x, y, weight, esc(name)))


# ------------------------------------------------------------------ bars by city

def bars(got, top=0):
    """Three bars for each city: medians to the first byte."""
    most = max(max(n[w] for w, _, _ in WORLDS) for n in got["cities"].values())
    out, y = [], top + 24
    x = 150
    for w, name, colour in WORLDS:
        out.append('<rect x="%d" y="%d" width="11" height="11" fill="var(--%s)"/><text x="%d" y="%d" class="t">%s</text>' % (x, y - 14, colour, x + 16, y - 4, esc(name)))
        x += 190
    for city, n in sorted(got["cities"].items(), key=lambda row: row[1]["www"]):
        out.append('<text x="140" y="%d" class="t" text-anchor="end">%s</text>' % (y + 20, esc(places.ALL[city][0])))
        for k, (w, _, colour) in enumerate(WORLDS):
            wide = 800 * n[w] / most
            out.append('<rect x="150" y="%d" width="%.1f" height="8" rx="2" fill="var(--%s)"/><text x="%.1f" y="%d" class="s">%.0f ms</text>' % (
                y + 4 + 9 * k, wide, colour, 156 + wide, y + 11.5 + 9 * k, n[w]))
        y += 36
    return "\n".join(out), y + 8


# ------------------------------------------------------------------ charts over the day

class Chart:
    def __init__(self, got, most, unit, tall=190):
        self.got, self.most, self.tall = got, most or 1, tall
        self.span = got["ended"] - got["begun"]
        self.out = ['<svg viewBox="0 0 %d %d">' % (WIDE, tall + 34)]
        for k in range(5):
            value = self.most * k / 4
            self.out.append('<path d="M60 %.1fH%d" stroke="var(--line)"/><text x="54" y="%.1f" class="s" text-anchor="end">%.4g%s</text>' % (
                self.y(value), WIDE - 10, self.y(value) + 4, value, unit if k == 4 else ""))
        for i, (what, at) in enumerate(got["events"]):
            x = self.x(at)
            self.out.append('<path d="M%.1f 8V%d" stroke="var(--soft)" stroke-dasharray="3 3"><title>%s</title></path><text x="%.1f" y="%d" class="s">%d</text>' % (
                x, tall + 8, esc(what), x + 3, tall + 22, i + 1))

    def x(self, at):
        return 60 + (WIDE - 70) * (at - self.got["begun"]) / self.span

    def y(self, value):
        return 8 + self.tall * (1 - min(value, self.most) / self.most)

    def line(self, rows, colour, dash=""):
        rows = [r for r in rows if not math.isnan(r[1])]
        self.out.append('<path d="M%s" fill="none" stroke="var(--%s)" stroke-width="2" stroke-linejoin="round"%s/>' % (
            "L".join("%.1f %.1f" % (self.x(t), self.y(v)) for t, v in rows), colour, ' stroke-dasharray="%s"' % dash if dash else "") if rows else "")

    def svg(self):
        return "\n".join(self.out) + "</svg>"


def bins(got, rows):
    """[(when, the values of that time)]"""
    found = {}
    for at, value in rows:
        found.setdefault(int((at - got["begun"]) / BIN_S), []).append(value)
    return [(got["begun"] + (b + 0.5) * BIN_S, found.get(b, [])) for b in range(int((got["ended"] - got["begun"]) / BIN_S))]


def times(got):
    rows = {w: [(t, statistics.median(v) if v else float("nan")) for t, v in bins(got, [(v["at"], v["ms"]) for v in got["visits"] if v["world"] == w and "ms" in v])]
            for w, _, _ in WORLDS}
    known = sorted(v for r in rows.values() for _, v in r if not math.isnan(v))
    chart = Chart(got, 1.1 * known[int(0.98 * (len(known) - 1))] if known else 1, " ms")
    for w, _, colour in WORLDS:
        chart.line(rows[w], colour)
    return chart.svg()


def at_origin(got):
    asked = bins(got, [(v["at"], v["requests"]) for v in got["visits"] if v["world"] == "www"])
    came = bins(got, [(t, n) for t, n in got["origin_seconds"].items() if t >= got["begun"]])
    most = max(sum(v) / BIN_S for _, v in asked)
    chart = Chart(got, most, " /s", 120)
    chart.line([(t, sum(v) / BIN_S) for t, v in asked], "e6")
    chart.line([(t, sum(v) / BIN_S) for t, v in came], "e0")
    return chart.svg()


def loads(got):
    chart = Chart(got, max(max(got["most"].values()), got["capacity"]["lax"]) * 1.1, " /s")
    for e in places.EDGES:
        chart.line([(t, l[e]) for t, l in got["loads"]], COLOURS[e])
    chart.line([(got["begun"], got["capacity"]["lax"]), (got["ended"], got["capacity"]["lax"])], COLOURS["lax"], "6 4")
    return chart.svg()


def moves(got):
    rows = bins(got, [(t, 1) for t in got["moves"]])
    chart = Chart(got, max(1, max(sum(v) for _, v in rows) / BIN_S), " /s", 90)
    chart.line([(t, sum(v) / BIN_S) for t, v in rows], "e4")
    return chart.svg()


# ------------------------------------------------------------------ the page

def key(entries):
    return '<p class="key">%s</p>' % "".join('<span><i style="background-color:var(--%s)"></i>%s</span>' % (c, esc(n)) for c, n in entries)


def figure(title, svg, entries=()):
    return "<figure><figcaption>%s</figcaption>%s%s</figure>\n" % (esc(title), svg, key(entries) if entries else "")


def rows_of(head, rows):
    return '<div class="wide"><table><tr>%s</tr>%s</table></div>\n' % (
        "".join("<th>%s</th>" % esc(h) for h in head), "".join("<tr>%s</tr>" % "".join("<td>%s</td>" % esc(c) for c in row) for row in rows))


def cards(got):
    share = 100 * got["at_origin"] / max(1, got["requests"])
    shown = (("%.0f ms" % got["median"]["www"], "median to the first byte"), ("%.0f ms" % got["median"]["map"], "by the map"),
             ("%.0f ms" % got["median"]["origin"], "from the origin alone"), ("%.1f %%" % share, "of %d requests at the origin" % got["requests"]),
             (len(got["lost"]["www"]), "requests lost"), (len(got["moves"]), "moves of households"))
    return '<div class="cards">%s</div>\n' % "".join('<div class="card"><b>%s</b><span>%s</span></div>' % (esc(b), esc(s)) for b, s in shown)


def comparisons(got, names):
    """Each pair of worlds, by city."""
    out = ""
    for pair, of in got["pairs"].items():
        n = of["all"]
        out += "<h3>%s</h3><p>In the mean %.0f ms for %.0f ms: %.2f times (%.2f to %.2f), %d pairs of visits of the same household at the same moment.</p>" % (
            esc(names[pair]), n["a"], n["b"], n["times"], *n["interval"], n["n"])
        out += rows_of(("city", "median ms", "for", "which is", "pairs"), [
            (places.ALL[c][0], "%.0f" % m["a"], "%.0f" % m["b"], compare.words(m), m["n"]) for c, m in of["cities"].items()])
    return "<h2>Compared, visit by visit</h2><p>Intervals are by bootstrap over blocks of %d s, and hold for all cities together with %d %%.</p>%s" % (
        compare.BLOCK_S, 100 * compare.SURE, out) if out else ""


def pages_told(got):
    """What pages measured: of each city the median to the first byte of an object, by edge, and where the shop's visits went."""
    told, rows = got["pages"], []
    for c in places.CLIENTS:
        went, total = told["shop"][c], sum(told["shop"][c].values())
        rows.append((places.ALL[c][0], *["%.0f" % told["ms"][c, e] if (c, e) in told["ms"] else "-" for e in places.EDGES],
                     ", ".join("%s %.0f %%" % (e, 100 * went[places.address(e)] / total) for e in sorted(places.EDGES, key=lambda e: -went[places.address(e)]) if went[places.address(e)])))
    return "<h2>What pages measured</h2><p>%d times were told to the edges' agents, %d of them refused. Milliseconds to the first byte, the median:</p>%s" % (
        told["told"] + told["refused"], told["refused"], rows_of(("city", *places.EDGES, "the shop (goal: ttfb) went to"), rows))


def write_page(folder, got, measured, names):
    more = "<style>.t{font:12px system-ui,sans-serif;fill:var(--ink)}.s{font:10.5px system-ui,sans-serif;fill:var(--soft)}</style>"
    by_city, tall = bars(got)
    edges = [(COLOURS[e], places.ALL[e][0]) for e in places.EDGES]
    page = style() + more + "<h1>A CDN, and a day in it</h1><dl><dt>times between cities</dt><dd>%s</dd><dt>time to first byte</dt><dd>look-up, connection, TLS and request, of a client with nothing cached, by new connections</dd></dl>\n" % (
        "as measured" if measured else "by the model of tests/cdn/places.py: links between cities, and detours where there are none")
    page += cards(got)
    page += figure("Who goes where, in normal hours", the_map(got), edges)
    page += figure("Median time to the first byte, by city", '<svg viewBox="0 0 %d %d">%s</svg>' % (WIDE, tall, by_city))
    page += comparisons(got, names) + pages_told(got)
    page += "<h2>The day</h2>" + rows_of(("", "second", "what happens"), [(i + 1, "%.0f" % (at - got["begun"]), what) for i, (what, at) in enumerate(got["events"])])
    worlds = [(c, n) for _, n, c in WORLDS]
    page += figure("Median time to the first byte, over the day", times(got), worlds)
    page += figure("Requests for the CDN's names: at all, and those that reach the origin", at_origin(got), [("e6", "made by clients"), ("e0", "at the origin")])
    page += figure("Requests a second at each edge; dashed: the capacity of Los Angeles", loads(got), edges)
    page += figure("Households that change their edge", moves(got))
    page += "<h2>Edges</h2>" + rows_of(("edge", "most requests a second", "capacity"), [(places.ALL[e][0], "%.1f" % got["most"][e], got["capacity"][e]) for e in got["most"]])
    page += "<h2>Cities and their resolvers</h2>" + rows_of(
        ("city", "resolver", "cache entries", "queries to it", "sent on", "visits", "in normal hours to", "Waymark ms", "by map ms", "origin ms"),
        [(places.ALL[c][0], *got["resolvers"][c], got["went"][c], *["%.0f" % n[w] for w, _, _ in WORLDS]) for c, n in got["cities"].items()])
    ttl = got["ttl"]
    page += "<p>TTL of www at the clients: %.0f s in the mean, %d s at most. Lost by the map: %d visits; by the origin alone: %d.</p>" % (
        statistics.fmean(ttl), max(ttl), len(got["lost"]["map"]), len(got["lost"]["origin"]))
    with open(folder + "/index.html", "w") as f:
        f.write(page + "</main></body></html>\n")
    write_picture(folder, got)


def write_picture(folder, got):
    """README's: the map above the bars, for both themes."""
    high = (NORTH - SOUTH) * 3.4
    by_city, tall = bars(got, high + 10)
    inner = the_map(got).replace("<svg ", '<svg width="%d" height="%d" ' % (WIDE, high), 1)
    text = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d"><style>%s@media(prefers-color-scheme:dark){%s}.sea{fill:var(--sea)}'
            ".land{fill:var(--land);stroke:var(--coast)}#land{vector-effect:non-scaling-stroke;stroke-width:.8px}.t{font:13px system-ui,sans-serif;fill:var(--ink)}"
            '.s{font:10.5px system-ui,sans-serif;fill:var(--soft)}</style><rect width="100%%" height="100%%" fill="var(--card)"/>%s\n%s</svg>\n') % (
                WIDE, tall, colours_of("light"), colours_of("dark"), inner, by_city)
    with open(folder + "/cdn.svg", "w") as f:
        f.write(text)
