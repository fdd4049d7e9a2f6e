"""places - who is where in the CDN's laboratory, and how long a packet takes between them.

The ways are a model of our own: links between cities, as roads are; a packet takes the shortest way over them. A link takes the light in
its fibre (100 km for a millisecond there and back) half as long again as the great circle, and each end of a way has a last mile. What is near
on the map and has no link is far: Delhi from Dubai, Tbilisi from Dubai, Nairobi from everything but Europe. That is what detours are like
that we have seen; no number is anybody's measurement.

With a folder of measured times (edges.csv, clients.csv, rtt.csv, edges_mesh.csv) those hold between the cities that are in it.
"""
import csv
import heapq
import math
import os

# name: (what people call it, latitude, longitude, the two bytes of its network, as GeoIP has it)
CLIENTS = {
    "barcelona": ("Barcelona", 41.39, 2.17, "79.152"),
    "tbilisi": ("Tbilisi", 41.71, 44.83, "178.134"),
    "telaviv": ("Tel Aviv", 32.08, 34.89, "2.52"),
    "nairobi": ("Nairobi", -1.28, 36.82, "41.80"),
    "lagos": ("Lagos", 6.52, 3.38, "102.88"),
    "delhi": ("New Delhi", 28.58, 77.20, "49.138"),
    "saigon": ("Ho Chi Minh City", 10.82, 106.63, "14.166"),
    "sapporo": ("Sapporo", 43.07, 141.35, "150.83"),
    "perth": ("Perth", -31.95, 115.86, "120.16"),
    "frisco": ("San Francisco", 37.77, -122.42, "8.236"),
    "quito": ("Quito", -0.18, -78.47, "186.46"),
    "pessoa": ("João Pessoa", -7.08, -34.83, "177.89"),
}
EDGES = {
    "lon": ("London", 51.52, -0.11, "2.28"),
    "mia": ("Miami", 25.77, -80.20, "57.135"),
    "sao": ("São Paulo", -23.55, -46.63, "18.228"),
    "dxb": ("Dubai", 24.95, 55.33, "2.48"),
    "sin": ("Singapore", 1.37, 103.75, "4.145"),
    "lax": ("Los Angeles", 34.05, -118.24, "23.104"),
}
SERVERS = {
    "ns1": ("Amsterdam", 52.30, 4.70, "13.80"),
    "ns2": ("Dallas", 32.78, -96.80, "32.176"),
    "origin": ("Washington", 38.97, -77.39, "3.80"),
}
ALL = {**CLIENTS, **EDGES, **SERVERS}
CROSSINGS = {"marseille": (43.30, 5.37), "mumbai": (19.08, 72.88), "tokyo": (35.68, 139.69), "hongkong": (22.30, 114.17), "lisbon": (38.72, -9.14)}
LINKS = """
    lon-ns1 lon-origin ns1-marseille lon-lisbon lisbon-marseille barcelona-marseille tbilisi-ns1 telaviv-marseille nairobi-marseille
    lagos-lisbon mumbai-marseille delhi-mumbai mumbai-sin dxb-marseille dxb-sin saigon-sin saigon-hongkong hongkong-sin hongkong-tokyo
    sapporo-tokyo tokyo-lax tokyo-sin perth-sin frisco-lax frisco-ns2 lax-ns2 ns2-origin ns2-mia mia-origin quito-mia pessoa-mia pessoa-sao
    sao-mia""".split()
LAST_MILE_MS, DETOUR, KM_A_MS = 2.0, 1.5, 100.0           # of each end; of a link; of a round trip
# Their names there.
MEASURED = {"barcelona": "Barcelona", "tbilisi": "Tbilisi", "telaviv": "TelAviv", "nairobi": "Nairobi", "lagos": "Lagos", "delhi": "NewDelhi",
            "saigon": "HoChiMinhCity", "sapporo": "Sapporo", "perth": "Perth", "frisco": "SanFrancisco", "quito": "Quito", "pessoa": "JoaoPessoa",
            "lon": "London", "mia": "Miami", "sao": "SaoPaulo", "dxb": "Dubai", "sin": "Singapore", "lax": "LosAngeles", "ns1": "Amsterdam",
            "ns2": "Dallas", "origin": "Washington"}


def place(name):
    return ALL[name][1:3] if name in ALL else CROSSINGS[name]


def km(a, b):
    (la, oa), (lb, ob) = ([math.radians(x) for x in place(n)] for n in (a, b))
    h = math.sin((la - lb) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((oa - ob) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


def nearest_on_the_map(city):
    return min(EDGES, key=lambda e: km(city, e))


def ways(begin, roads):
    """Dijkstra's."""
    far, todo = {}, [(0.0, begin)]
    while todo:
        ms, at = heapq.heappop(todo)
        if at in far:
            continue
        far[at] = ms
        for to, more in roads[at].items():
            heapq.heappush(todo, (ms + more, to))
    return far


def by_model():
    """{(a, b): milliseconds there and back}, for all that have a network."""
    roads = {}
    for a, b in (link.split("-") for link in LINKS):
        ms = km(a, b) * DETOUR / KM_A_MS
        roads.setdefault(a, {})[b] = roads.setdefault(b, {})[a] = ms
    return {(a, b): ms + 2 * LAST_MILE_MS for a in ALL for b, ms in ways(a, roads).items() if b in ALL and a != b}


def as_measured(folder):
    """The model, and where the folder has measured times, those."""
    def rows(name):
        with open(os.path.join(folder, name)) as f:
            return list(csv.DictReader(f))

    number = {r["city"]: r["id"] for r in rows("clients.csv") + rows("edges.csv")}
    times = {(r["client"], r["edge"]): float(r["rtt_ms"]) for r in rows("rtt.csv")}
    times.update({(r["src"], r["dst"]): float(r["rtt_ms"]) for r in rows("edges_mesh.csv")})
    ms = by_model()
    for a, b in list(ms):
        pair = (number.get(MEASURED[a]), number.get(MEASURED[b]))
        if pair in times:
            ms[a, b] = ms[b, a] = times[pair]
    return ms


def address(name, host=10, net=0):
    return "%s.%d.%d" % (ALL[name][3], net, host)


if __name__ == "__main__":
    for ms in (by_model(),) + ((as_measured(os.environ["WAYMARK_LATENCY"]),) if os.environ.get("WAYMARK_LATENCY") else ()):
        print("%-18s" % "", *["%6s" % e for e in list(EDGES) + list(SERVERS)])
        for c in CLIENTS:
            best = min(EDGES, key=lambda e: ms[c, e])
            print("%-18s" % CLIENTS[c][0], *["%6.0f" % ms[c, e] for e in list(EDGES) + list(SERVERS)], "  map %s, best %s" % (nearest_on_the_map(c), best))
