"""Pools of pools, held against a second reading of the same configuration: random pools, clients and health. TUPLES=100000 is
the long form."""
import ipaddress
import json
import math
import re
import mmdb
import yaml
from edges import until
from lib import *

TUPLES = int(os.environ.get("TUPLES", "600"))
SEED = int(os.environ.get("SEED", "1"))
EDGES = ["e%d" % i for i in range(12)]
CLASSES = {"left": ["20.0.0.0/7", "30.0.0.0/8"], "wide": ["32.0.0.0/3"], "odd": ["%d.0.0.0/8" % i for i in range(21, 80, 2)]}
# Days that are not about to end, or to begin; and the others.
DAYS = [time.strftime("%a", time.gmtime(time.time() + 86400 * i)) for i in range(-1, 6)]
WEEK = ",".join(DAYS[:3]), ",".join(DAYS[3:])
FAMILIES = ("a", "aaaa")
COUNTRIES = {"NO": "EU", "IT": "EU", "FR": "EU", "US": "NA", "BR": "SA", "JP": "AS", "ZA": "AF"}


# ------------------------------------------------------------------ a random world

def a_place(rng):
    return round(math.degrees(math.asin(rng.uniform(-0.95, 0.95))), 3), round(rng.uniform(-180, 180), 3)


def a_database(rng):
    """Nets whose clients are in one place; some of no place."""
    nets = {}
    for i in range(60):
        country = rng.choice(list(COUNTRIES))
        lat, lon = a_place(rng)
        record = {"country": {"iso_code": country}, "continent": {"code": COUNTRIES[country]}}
        if rng.random() < 0.9:
            record["location"] = {"latitude": lat, "longitude": lon}
        nets["%d.%d.0.0/%d" % (20 + i, rng.choice((0, 128)), rng.choice((9, 12, 16)))] = record
    return nets


def some(rng, names, most):
    return rng.sample(names, rng.randint(1, min(most, len(names))))


def a_pool(rng, others):
    """One that may have `others` in it."""
    pool = {"policy": rng.choice(("nearest", "nearest", "ordered", "round-robin", "weighted", "hash"))}
    inside = some(rng, others, 3) if others and rng.random() < 0.7 else []
    members = [rng.choice((o, {"pool": o})) for o in inside]
    if not inside or rng.random() < 0.4:
        members += [rng.choice((e, {"edge": e})) for e in some(rng, EDGES, 4)]
    rng.shuffle(members)
    left = 100
    for i, m in enumerate(members):
        if isinstance(m, dict) and rng.random() < 0.3 and left > 1:
            share = rng.choice((0.5, 5, 12.5, 40, 100))
            if share <= left:
                m["weight"], left = "%g%%" % share, left - share
        elif isinstance(m, dict) and pool["policy"] in ("weighted", "hash"):
            m["weight"] = rng.choice((0, 1, 3))
        if isinstance(m, dict) and "edge" in m and rng.random() < 0.25:
            m["bias"] = rng.choice((-99, -40, 0, 30, 99))
        if isinstance(m, dict) and rng.random() < 0.25:
            m["priority"] = rng.choice((0, 1, 2, 7))
        if isinstance(m, dict) and rng.random() < 0.1 and any("skip" not in x for x in members[i + 1:] if isinstance(x, dict) or x):
            m["skip"] = "on"
    weights = [m.get("weight", 1) if isinstance(m, dict) else 1 for m in members if not (isinstance(m, dict) and "skip" in m)]
    if pool["policy"] in ("weighted", "hash") and not any(weights):
        for m in members:
            m["weight"] = 2
    pool["edges"] = members
    if pool["policy"] == "ordered" and rng.random() < 0.4 and not any(isinstance(m, dict) and "priority" in m for m in members):
        pool["fail-back"] = "manual"
    if pool["policy"] == "nearest" and rng.random() < 0.3:
        pool["cost"] = "%dms" % rng.choice((0, 1, 20))
    if rng.random() < 0.5:
        pool["all-down"] = rng.choice(["first", "all", "empty"] + [{"pool": o} for o in others[:2]])
    if rng.random() < 0.2:
        pool["families"] = rng.choice(("apart", "together"))
    return pool, inside


def roles_in(rng, pool, number):
    """Some of its edges have an address, or a record, of their own there."""
    for i, m in enumerate(pool["edges"]):
        if isinstance(m, dict) and "edge" in m and "skip" not in m and rng.random() < 0.4:
            a, aaaa = {"a": "198.18.%d.%d" % (number, i)}, {"aaaa": "2001:db8:%d::%d" % (number + 1, i + 1)}
            m.update(rng.choice((a, aaaa, {**a, **aaaa}, {"records": "TXT here"}, {"cname": "m%d-%d.example.net" % (number, i)})))
            if rng.random() < 0.5:
                m["capacity"] = rng.choice(("30%", 500000))     # far more than is asked for here


def addresses(conf):
    """The edge that each is of."""
    found = {o[k]: e for e, o in conf["edges"].items() for k in FAMILIES if k in o}
    found.update({m[k]: m["edge"] for p in conf["pools"].values() for m in members_of(p) for k in FAMILIES if k in m})
    found.update({m["cname"] + ".": m["edge"] for p in conf["pools"].values() for m in members_of(p) if "cname" in m})
    return found


def below(pools, name):
    """All edges that it leads to by its members."""
    found = []
    for m in members_of(pools[name]):
        found += below(pools, m["pool"]) if "pool" in m else [m["edge"]]
    return found


def pools_below(pools, name):
    """It, and all pools that it leads to by its members."""
    return {name}.union(*(pools_below(pools, m["pool"]) for m in members_of(pools[name]) if "pool" in m))


def skipped(pool):
    """Edges that are no choice of the pool itself, though a pool in it may have them."""
    return {m["edge"] for m in pool["edges"] if isinstance(m, dict) and "edge" in m and "skip" in m}


def depth(pools, name):
    links = [m["pool"] for m in members_of(pools[name]) if "pool" in m]
    if len(priorities(pools[name])) > 1:
        flat = [{k: v for k, v in m.items() if k != "priority"} if isinstance(m, dict) else m for m in pools[name]["edges"]]
        return 1 + depth({**pools, name: dict(pools[name], edges=flat)}, name)
    if isinstance(pools[name].get("all-down"), dict):
        links.append(pools[name]["all-down"]["pool"])
    pin = pools[name].get("pin", {})
    targets = [r["to"] for r in pin] if isinstance(pin, list) else [t for kind in pin.values() for t in kind.values()]
    links += [t for t in targets if isinstance(t, str) and t in pools]
    return 1 + max((depth(pools, p) for p in links), default=0)


def pins(rng, pools, name, others):
    own = sorted(set(below(pools, name)) - skipped(pools[name]))
    if not own:
        return {}
    to = lambda: rng.choice(others) if others and rng.random() < 0.4 else rng.sample(own, min(2, len(own)))
    kinds = {"net": lambda: "%d.0.0.0/%d" % (20 + rng.randrange(60), rng.choice((8, 10))), "country": lambda: rng.choice(list(COUNTRIES)),
             "continent": lambda: rng.choice(sorted(set(COUNTRIES.values())))}
    return {k: {make(): to() for _ in range(2)} for k, make in kinds.items() if rng.random() < 0.4}


def rules(rng, pools, name, others):
    """Pins of several conditions."""
    own = sorted(set(below(pools, name)) - skipped(pools[name]))
    if not own:
        return []
    conditions = {"net": lambda: ["%d.0.0.0/%d" % (20 + 4 * rng.randrange(15), rng.choice((6, 8))) for _ in range(2)],
                  "country": lambda: rng.sample(list(COUNTRIES), 3), "continent": lambda: rng.choice(sorted(set(COUNTRIES.values()))),
                  "clients": lambda: rng.choice(list(CLASSES)), "during": lambda: rng.choice(WEEK)}
    some_of = lambda: {k: conditions[k]() for k in rng.sample(list(conditions), rng.randint(1, 2))}
    found = []
    for _ in range(rng.randint(1, 3)):
        rule = some_of()
        if rng.random() < 0.3:
            rule = rng.choice(({"not": some_of()}, dict(rule, **{"not": some_of()})))
        rule["to"] = rng.choice(others) if others and rng.random() < 0.4 else rng.choice(("nobody", rng.sample(own, min(2, len(own)))))
        if rule["to"] != "nobody" and rng.random() < 0.3:
            rule["only"] = "on"
        found.append(rule)
    return found


def a_configuration(rng):
    places = {e: a_place(rng) for e in EDGES}
    pools, names = {}, []
    for i in range(14):
        name = "p%d" % i
        others = [n for n in names if depth(pools, n) < 7]
        pools[name], _ = a_pool(rng, others)
        made = rng.choice((pins, rules, None))
        roles_in(rng, pools[name], i)
        found = made(rng, pools, name, others) if made else {}
        if found:
            pools[name]["pin"] = found
        names.append(name)
    edges = {e: {"at": "%g,%g" % places[e], "a": "192.0.2.%d" % (i + 1), "capacity": 1000000} for i, e in enumerate(EDGES)}
    for i, e in enumerate(EDGES):
        if rng.random() < 0.6:
            edges[e]["aaaa"] = "2001:db8::%d" % (i + 1)
        if rng.random() < 0.15:
            edges[e]["aaaa"] = "2001:db8::%d" % (i + 1)
            del edges[e]["a"]
    for e in rng.sample(EDGES, 3):
        edges[e].update(bias=rng.choice((-60, 20, 45)), cost=rng.choice((0.5, 2)))
    for i in rng.sample(range(1, len(EDGES)), 2):
        edges[EDGES[i]]["needs"] = [rng.choice(EDGES[:i])]
    return {"clients": CLASSES, "edges": edges, "pools": pools}


# ------------------------------------------------------------------ the second reading

def priorities(pool):
    return sorted({m.get("priority", 1) for m in members_of(pool) if not m["share"]})


def by_priority(pools):
    """The same in other words: each priority is a pool, and the pool has these in order."""
    out = {}
    for name, pool in pools.items():
        tiers = priorities(pool)
        if len(tiers) < 2:
            out[name] = pool
            continue
        members = [m if isinstance(m, dict) else {"pool" if m in pools else "edge": m} for m in pool["edges"]]
        shared = [m for m in members if isinstance(m.get("weight"), str)]
        for t in tiers:
            out["%s-%d" % (name, t)] = {"edges": [m for m in members if m not in shared and m.get("priority", 1) == t], "policy": pool["policy"],
                                        **({"cost": pool["cost"]} if "cost" in pool else {}), "all-down": "first" if pool.get("all-down") == "first" else "all"}
        out[name] = dict(pool, edges=shared + [{"pool": "%s-%d" % (name, t)} for t in tiers], policy="ordered")
    return out


def members_of(pool):
    found = []
    for m in pool["edges"]:
        found.append(dict(m) if isinstance(m, dict) else {"pool" if m.startswith("p") else "edge": m})
    found = [m for m in found if "skip" not in m]
    for m in found:
        weight = m.get("weight", 1)
        m["share"] = float(weight[:-1]) if isinstance(weight, str) else 0
        m["weight"] = weight if not m["share"] else 0
    return found


class Reading:
    """Who may answer whom: sets of edges, one of which is the answer; empty: there is none."""

    def __init__(self, conf, client, up, down_in=(), places=None, family="a"):
        """`family`: of the addresses that are asked for; None: either will do."""
        self.places, self.family, self.as_if_up = places or {}, family, False
        self.pools, self.client, self.over = by_priority(conf["pools"]), client, set()
        # (edge, pool): by the operator, there and in all pools that are in it.
        self.down_in = {(e, q) for e, p in down_in for q in pools_below(conf["pools"], p)}
        self.up = {e for e in up if self.has_needs(conf, up, e)}
        self.edges = conf["edges"]
        self.at = {e: tuple(map(float, o["at"].split(","))) for e, o in conf["edges"].items()}

    def has_needs(self, conf, up, edge):
        return all(n in up and self.has_needs(conf, up, n) for n in conf["edges"][edge].get("needs", []))

    def is_up(self, edge, pool):
        """In the pool that it is a member of, with what is asked for."""
        return self.has(edge, pool, self.family) and self.is_wanted(edge, pool)

    def is_wanted(self, edge, pool):
        """Priorities of a pool are no pools of their own to the operator."""
        return edge in self.up and (edge, re.sub("-.*", "", pool)) not in self.down_in

    def has(self, edge, pool, family):
        """An address of that family, there; a CNAME is as good as one."""
        there = next((m for m in members_of(self.pools[pool]) if m.get("edge") == edge), {})
        own = there if any(k in there for k in FAMILIES) else self.edges[edge]
        return family is None or "cname" in there or family in own

    def can(self, m, inside=None):
        """Has any edge that it leads to by its members such an address?"""
        return any(self.has(e, holder, self.family) for e, _, holder, _ in self.leaves(m, inside))

    def lives_otherwise(self, name):
        """Who has both families asks for both: no address of this one is better than a dead one."""
        other = {"a": "aaaa", "aaaa": "a"}[self.family]
        return any(self.is_wanted(e, h) and self.has(e, h, other) and not self.is_cname(e, h) for e, _, h, _ in self.leaves({"pool": name}))

    def is_cname(self, edge, pool):
        return any(m.get("edge") == edge and "cname" in m for m in members_of(self.pools[pool]))

    def holder(self, edge, pool):
        """The pool that has what a pin of this one means: its own role of the edge, the edge itself, or the first role."""
        found = [(h, role) for e, _, h, role in self.leaves({"pool": pool}) if e == edge]
        home = lambda p: re.sub("-.*", "", p)
        meant = [h for h, role in found if role and home(h) == home(pool)] + [h for h, role in found if not role]
        if meant or not found:
            return meant[0] if meant else None
        return next(filter(None, (self.holder(edge, m["pool"]) for m in members_of(self.pools[pool]) if "pool" in m)))

    def lives(self, m, inside=None):
        if "edge" in m:
            return self.is_up(m["edge"], inside)
        pool = self.pools[m["pool"]]
        return any(self.lives(x, m["pool"]) for x in members_of(pool)) or (
            isinstance(pool.get("all-down"), dict) and self.lives(pool["all-down"]))

    def km(self, edge):
        where = self.client.get("location")
        if not where:
            return 0
        (a, b), (c, d) = map(math.radians, (where["latitude"], where["longitude"])), map(math.radians, self.at[edge])
        return 2 * math.asin(min(1, math.sqrt(math.sin((a - c) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((b - d) / 2) ** 2)))

    def leaves(self, m, inside=None):
        """Edges that it leads to, with the bias that they have there, and the pool that has them; is it in a role of theirs?"""
        if "edge" in m:
            return [(m["edge"], m.get("bias", self.edges[m["edge"]].get("bias", 0)), inside, any(k in m for k in FAMILIES + ("records", "cname")))]
        return [leaf for x in members_of(self.pools[m["pool"]]) for leaf in self.leaves(x, m["pool"])]

    def counts(self, edge, bias, cost):
        """The time to it, as bias and cost have it."""
        if not self.client.get("location"):
            return 0
        ms = 5 + 0.016 * 6371.0088 * self.km(edge)
        return (ms * (1 - bias / 100) if bias >= 0 else ms / (1 + bias / 100)) + self.edges[edge].get("cost", 0) * cost

    def nearest(self, members, even_down, cost, inside):
        best = None
        for i, m in enumerate(members):
            for e, bias, holder, _ in self.leaves(m, inside):
                if (self.has(e, holder, self.family) if even_down else self.is_up(e, holder)) and (best is None or self.counts(e, bias, cost) < best[0]):
                    best = self.counts(e, bias, cost), m
        return [best[1]] if best else members[:1]

    def by_policy(self, name, even_down):
        """Every member that may be the first, those that have nothing to say passed over."""
        pool, out = self.pools[name], set()
        members = [m for m in members_of(pool) if (self.can(m, name) if even_down else self.lives(m, name))]
        while members:
            shared, plain = [m for m in members if m["share"]], [m for m in members if not m["share"]]
            policy, first = pool["policy"], shared
            if plain and sum(m["share"] for m in shared) < 100:
                if policy == "nearest":
                    first = shared + self.nearest(plain, even_down, float(pool.get("cost", "0ms")[:-2]), name)
                elif policy == "ordered":
                    there = [m for m in plain if name_of(m) == self.places.get(name)]   # also when all are down
                    first = shared + (there or plain)[:1]
                elif policy in ("weighted", "hash"):
                    weighted = [m for m in plain if m["weight"]]
                    first = shared + (weighted or ([] if shared else plain))
                else:
                    first = shared + plain
            if not first:
                first = members
            says = [(m, self.says(m, even_down, name)) for m in first]
            for _, s in says:
                out |= s
            silent = [m for m, s in says if not s]
            if not silent:
                break
            members = [m for m in members if m not in silent]
            if out and policy in ("nearest", "ordered") and not shared:
                break
        return out

    def says(self, m, even_down, inside):
        if "edge" in m:
            return {m["edge"]} if self.has(m["edge"], inside, self.family) else set()
        return self.all_down(m["pool"]) if even_down else self.strictly(m["pool"])

    def all_down(self, name):
        if not self.can({"pool": name}):
            return set()
        rule = self.pools[name].get("all-down", "all")
        if isinstance(rule, dict):
            return self.all_down(rule["pool"])
        if rule == "first":
            for m in members_of(self.pools[name]):
                if self.says(m, True, name):
                    return self.says(m, True, name)
        return self.by_policy(name, True) if rule == "all" else set()

    def holds(self, when):
        """All that are named, one of each."""
        ours = {"net": lambda x: self.client["ip"] in ipaddress.ip_network(x), "clients": lambda x: any(
            self.client["ip"] in ipaddress.ip_network(n) for n in CLASSES[x]), "country": lambda x: x == self.client["country"],
            "continent": lambda x: x == self.client["continent"]}
        ours["during"] = lambda x: x == WEEK[0]
        return all(any(ours[k](x) for x in (v if isinstance(v, list) else [v])) for k, v in when.items() if k in ours)

    def ruled(self, name):
        """By rules: None when they say nothing."""
        for r in self.pools[name]["pin"]:
            if not self.holds(r) or ("not" in r and self.holds(r["not"])):
                continue
            if r["to"] == "nobody":
                return set()
            to_pool = isinstance(r["to"], str)
            found = self.strictly(r["to"]) if to_pool else [e for e in r["to"] if self.is_up(e, self.holder(e, name))]
            if found:
                return found if to_pool else {found[0]}
            if "only" in r:
                return self.all_down(r["to"]) if to_pool else set([e for e in r["to"] if self.has(e, self.holder(e, name), self.family)][:1])
        return None

    def pinned(self, name):
        kinds = self.pools[name].get("pin", {})
        if isinstance(kinds, list):
            return set()
        nets = sorted((ipaddress.ip_network(n), t) for n, t in kinds.get("net", {}).items())
        inside = [t for n, t in sorted(nets, key=lambda x: -x[0].prefixlen) if self.client["ip"] in n][:1]
        # The strongest of those for its place has it, and when that cannot answer, the policy.
        place = [kinds[k][self.client[k]] for k in ("country", "continent") if self.client[k] in kinds.get(k, {})][:1]
        for target in inside + place:
            if isinstance(target, list):
                for e in target:
                    if self.is_up(e, self.holder(e, name)):
                        return {e}
            elif target and self.strictly(target):
                return self.strictly(target)
        return set()

    def strictly(self, name):
        if not self.can({"pool": name}):
            return set()
        ruled = self.ruled(name) if isinstance(self.pools[name].get("pin"), list) else None
        if ruled is not None:
            self.over.add(name)
            return ruled
        found = self.pinned(name)
        if not found and any(self.lives(m, name) for m in members_of(self.pools[name])):
            found = self.by_policy(name, False)
        rule = self.pools[name].get("all-down")
        return found or (self.strictly(rule["pool"]) if isinstance(rule, dict) else set())

    def reached(self, name):
        """It, and all pools that may answer for it: members, those that stand in, those that clients are pinned to."""
        found, left = set(), [name]
        while left:
            pool = left.pop()
            if pool in found:
                continue
            found.add(pool)
            left += [m["pool"] for m in members_of(self.pools[pool]) if "pool" in m]
            rule, pin = self.pools[pool].get("all-down"), self.pools[pool].get("pin", {})
            targets = [r["to"] for r in pin] if isinstance(pin, list) else [t for kind in pin.values() for t in kind.values()]
            left += [rule["pool"]] if isinstance(rule, dict) else []
            left += [t for t in targets if isinstance(t, str) and t in self.pools]
        return found

    def others(self, name, first):
        """Whichever may stand behind `first` in an answer: nothing that is down stands beside what is up, and a CNAME stands alone."""
        ways = [(m["edge"], p) for p in self.reached(name) for m in members_of(self.pools[p]) if "edge" in m]
        self.answer(name)
        # By which way it has come is not known: forced down in one pool it may be up in another.
        alive = all(self.is_up(e, p) for e, p in ways if e == first and self.has(e, p, self.family))
        return {e for e, p in ways if e != first and not self.is_cname(e, p) and (self.is_up(e, p) if alive and not self.as_if_up else self.has(e, p, self.family))}

    def answer(self, name):
        """Of the pool that a name is handed to."""
        found, otherwise = self.strictly(name), False
        while not found and name not in self.over and self.can({"pool": name}) and isinstance(self.pools[name].get("all-down"), dict):
            otherwise = otherwise or self.lives_together(name)
            name = self.pools[name]["all-down"]["pool"]
            found = self.strictly(name)
        if found or name in self.over:
            return found
        together = self.pools[name].get("families") != "apart" and self.pools[name].get("all-down", "all") in ("all", "first")
        self.as_if_up = not (together and (otherwise or self.lives_together(name)))
        return self.all_down(name) if self.as_if_up else set()

    def lives_together(self, name):
        return self.pools[name].get("families") != "apart" and self.lives_otherwise(name)


# ------------------------------------------------------------------ both

def name_of(member):
    return member.get("edge") or member["pool"]


def fail_over(conf, up, down_in, places):
    """Pools that stay where they have failed over to: there while that may answer."""
    now = Reading(conf, {}, up, down_in, family=None)
    for name, pool in conf["pools"].items():
        plain = [m for m in members_of(pool) if not m["share"]]
        if pool.get("fail-back") != "manual" or not plain or any(name_of(m) == places.get(name) and now.lives(m, name) for m in plain):
            continue
        lives = [m for m in plain if now.lives(m, name)]
        if lives:
            places[name] = name_of(lives[0])


def a_client(rng, database):
    ip = ipaddress.ip_address(rng.choice((rng.randrange(18, 90) << 24, rng.randrange(20, 80) << 24)) | rng.getrandbits(24))
    return who(ip, database)


def who(ip, database):
    nets = [n for n in database if ip in ipaddress.ip_network(n)]
    record = database[nets[0]] if nets else {}
    return {"ip": ip, "country": record.get("country", {}).get("iso_code"), "continent": record.get("continent", {}).get("code"),
            "location": record.get("location")}


WORDS = {"-two": "answers=2", "-short": "ttl=7s", "-range": "answers=1 ttl=2s-9s"}


def names(conf, view):
    """What each name is handed to: a pool, and perhaps one edge of it. Clients of the view have other pools at the same names."""
    pools = list(conf["pools"])
    of = dict(zip(pools, ((p, None) for p in (pools[1:] + pools[:1] if view else pools))))
    return {**of, **{p + "-one": (p, sorted(below(conf["pools"], p))[-1]) for p in pools if below(conf["pools"], p)},
            **{p + w: (p, None) for i, p in enumerate(pools) for w in [list(WORDS)[i % len(WORDS)]]}}


def words_of(name):
    return next((" " + more for tail, more in WORDS.items() if name.endswith(tail)), "")


def in_view(client):
    return any(client["ip"] in ipaddress.ip_network(n) for n in CLASSES["left"])


def reading(conf, client, up, down_in, name, places, family):
    pool, edge = names(conf, in_view(client))[name]
    read = Reading(conf, client, up, down_in, places, family)
    if edge:
        return {edge} if read.has(edge, read.holder(edge, pool), family) else set()
    return read.answer(pool)


def others(conf, client, up, down_in, name, places, family, first):
    return Reading(conf, client, up, down_in, places, family).others(names(conf, in_view(client))[name][0], first)


def force_some(server, conf, rng, was, places):
    """Edges everywhere, and some in one pool, which may have them by pools in it; returns both."""
    members = sorted({(e, p) for p in conf["pools"] for e in below(conf["pools"], p)})
    now = set(rng.sample(EDGES, rng.choice((0, 1, 3, 6, 9, 11, 12)))), set(rng.sample(members, min(len(members), rng.choice((0, 1, 2, 4)))))
    # One after the other: a pool that fails over on the way may stay there.
    held = [set(x) for x in was]
    for at, b in zip(held, now):
        for e in sorted(at ^ b):
            same(server.ctl("force", e if isinstance(e, str) else "%s@%s" % e, "down" if e in b else "auto")[0], 0)
            at ^= {e}
            fail_over(conf, set(EDGES) - held[0], held[1], places)
    return now


def configured(rng):
    """A server of one random configuration that it takes."""
    conf, database = a_configuration(rng), a_database(rng)
    text = yaml.safe_dump({"geoip": {"city": {"file": "city.mmdb"}}, **conf}, sort_keys=False)
    server = Server({}, config=text, start=False)
    for view in (None, "left"):
        server.write("%s.zone" % view, APEX + "".join("%s 60 EDGE %s%s\n" % (n, " edge=".join(filter(None, e)), words_of(n)) for n, e in names(conf, view).items()))
    server.configure(zones="[ { name: example.com, file: None.zone }, { name: example.com, file: left.zone, for: { clients: left, by: ecs } } ]")
    mmdb.write(server.dir + "/city.mmdb", database)
    return server, conf, database


def hold(server, conf, database, rng, tuples):
    (down, down_in), back, places = (set(), set()), addresses(conf), {}
    fail_over(conf, set(EDGES), set(), places)
    for k in range(tuples):
        if k % 60 == 0:
            down, down_in = force_some(server, conf, rng, (down, down_in), places)
        client, name = a_client(rng, database), rng.choice(list(names(conf, None)))
        family = rng.choice(FAMILIES)
        want = reading(conf, client, set(EDGES) - down, down_in, name, places, family)
        reply = server.steer("%s.example.com" % name, "%s/32" % client["ip"], family.upper())
        answers = [back[r[3]] for r in reply.answer if r[1] in (1, 5, 28)]
        got = set(answers[:1])
        case = "seed %d, %s of %s for %s with %s down, %s, at %s, configuration %s" % (SEED, family, name, client, sorted(down), sorted(down_in), places, conf)
        same(len(answers) <= (2 if name.endswith("-two") else 1), True, case)
        same(all(r[2] <= (7 if name.endswith("-short") else 9 if name.endswith("-range") else 60) for r in reply.answer), True, case)
        if not (got <= want and (got or not want)):
            same(got, want, case)
        if len(answers) > 1:
            same(set(answers[1:]) <= others(conf, client, set(EDGES) - down, down_in, name, places, family, answers[0]), True, "%s: %s" % (answers, case))
            same(all(r[1] != 5 for r in reply.answer), True, case)
        # Whoever is in the scope gets the same.
        scope = reply.scope or 0
        other = ipaddress.ip_address(int(client["ip"]) ^ (rng.getrandbits(32) >> scope if scope < 32 else 0))
        same(got <= reading(conf, who(other, database), set(EDGES) - down, down_in, name, places, family), True, "%s in scope /%d of %s" % (other, scope, case))


@claim("random pools in pools answer random clients as a second reading of the configuration has it")
def brute_force():
    rng, left = random.Random(SEED), TUPLES
    while left > 0:
        server, conf, database = configured(rng)
        n = min(left, 300)
        with server:
            server.start()
            hold(server, conf, database, rng, n)
        left -= n


@claim("shares are kept to the query at every level, and what explain says is what is answered")
def shares():
    config = """
geoip: { city: { file: %s/geoip/city.mmdb } }
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 }, c: { a: 192.0.2.3 }, d: { a: 192.0.2.4 } }
pools:
  www:  { edges: [ own, { pool: partner, weight: 5%% } ], policy: ordered }
  own:  { edges: [ { edge: a, weight: 3 }, b ], policy: weighted }
  partner: { edges: [ c, d ], policy: round-robin }
""" % TOP
    with Server({"example.com": APEX + "www 60 EDGE www\n"}, config=config) as s:
        n = {}
        for _ in range(800):
            for a in s.udp("www.example.com").addresses():
                n[a] = n.get(a, 0) + 1
        same(n, {"192.0.2.1": 570, "192.0.2.2": 190, "192.0.2.3": 20, "192.0.2.4": 20})
        code, said = s.ctl("explain", "www.example.com", "--client", "198.51.100.1")
        same(code, 0, said)
        for line in ("pool       www: in order", "own              a pool, 2 of 2 up  chosen",
                     "partner          a pool, 2 of 2 up; gets 5 % of all  is not needed", "pool       own: whose turn it is"):
            same(line in said, True, said)


def chi_square(seen, weights):
    """Of how often each was seen, by its weight."""
    total, whole = sum(seen.values()), sum(weights.values())
    same(set(seen) <= set(weights), True, (seen, weights))
    return sum((seen.get(k, 0) - total * w / whole) ** 2 / (total * w / whole) for k, w in weights.items())


@claim("weights hold by chi-square at every level of pools three deep, and while some of them are down, for clients that draw their own")
def weights_three_deep():
    edges, pools, top, middle = {}, [], {"m0": 5, "m1": 3, "m2": 1}, {}
    for m in top:
        middle[m] = {m + "l0": 4, m + "l1": 2, m + "l2": 1}
        for low in middle[m]:
            edges[low] = {"%se%d" % (low, k): k + 1 for k in range(3)}
    listed = lambda kind, members: "[ %s ]" % ", ".join("{ %s: %s, weight: %d }" % (kind, n, w) for n, w in members.items())
    every = [e for low in edges for e in edges[low]]
    config = "edges:\n" + "".join("  %s: { a: 192.0.2.%d }\n" % (e, i + 1) for i, e in enumerate(every)) + "pools:\n"
    # A pin that looks at clients: with it each is drawn for, and takes no turn.
    config += "  top: { policy: weighted, edges: %s, pin: { net: { 203.0.113.0/24: m0l0e0 } } }\n" % listed("pool", top)
    config += "".join("  %s: { policy: weighted, edges: %s }\n" % (m, listed("pool", middle[m])) for m in top)
    config += "".join("  %s: { policy: weighted, edges: %s }\n" % (n, listed("edge", edges[n])) for n in edges)
    with Server({"example.com": APEX + "top 60 EDGE top\n"}, config=config) as s:
        for down in ([], ["m0l0e2", "m1l1e0", "m1l1e1", "m1l1e2"]):
            for e in down:
                same(s.ctl("force", e, "down")[0], 0)
            n = {}
            for i in range(3000):
                e = every[int(s.udp("top.example.com").addresses()[0].split(".")[-1]) - 1]
                for part in (e[:2], e[:4], e):
                    n[part] = n.get(part, 0) + 1
            alive = {low: {e: w for e, w in edges[low].items() if e not in down} for low in edges}
            levels = [top] + [{low: w for low, w in middle[m].items() if alive[low]} for m in top] + [a for a in alive.values() if a]
            for level in levels:
                # Two degrees of freedom: over 60 comes once in 10^13 times.
                assert chi_square({k: v for k, v in n.items() if k in level}, level) < 60, (level, n, down)


@claim("a priority answers while none before it may, and what is skipped is told and never chosen")
def priorities_in_turn():
    config = """
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 }, c: { a: 192.0.2.3 }, d: { a: 192.0.2.4 } }
pools:
  www: { edges: [ { edge: c, priority: 2 }, { edge: a, weight: 3 }, b, { edge: d, skip: on } ], policy: weighted }
"""
    with Server({"example.com": APEX + "www 60 EDGE www\n"}, config=config) as s:
        said = lambda: s.ctl("explain", "www.example.com", "--client", "198.51.100.1")[1]
        n = {}
        for _ in range(400):
            for a in s.udp("www.example.com").addresses():
                n[a] = n.get(a, 0) + 1
        same(n, {"192.0.2.1": 300, "192.0.2.2": 100})
        for line in ("pool       www: in order", "www priority 1   a pool, 2 of 2 up  chosen", "d                is skipped here",
                     "pool       www priority 1: whose turn it is"):
            same(line.replace(" ", "") in said().replace(" ", ""), True, said())
        same("d                skipped" in s.ctl("pools")[1], True, s.ctl("pools")[1])
        s.ctl("force", "a", "down")
        s.ctl("force", "b", "down")
        same(s.udp("www.example.com").addresses(), ["192.0.2.3"], said())
        s.ctl("force", "c", "down")
        same(set(s.udp("www.example.com").addresses()) <= {"192.0.2.1", "192.0.2.2"}, True, "as if all were up: " + said())


@claim("a pool in order comes back when it is told to, or after a time; restarts and reloads know where it is")
def fail_back():
    config = """
store: { file: waymark.db }
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 }, c: { a: 192.0.2.3 } }
pools:
  flat: { edges: [ a, b, c ], policy: ordered, fail-back: manual }
  tree: { edges: [ { edge: c, weight: 1% }, one, { pool: two, priority: 2 } ], fail-back: after 1s, policy: ordered }
  one: { edges: [ a ], policy: ordered }
  two: { edges: [ b ], policy: ordered }
"""
    zone = APEX + "flat 60 EDGE flat\ntree 60 EDGE tree\n"
    with Server({"example.com": zone}, config=config) as s:
        get = lambda name: s.udp(name + ".example.com").addresses()[0][-1]
        both = lambda: get("flat") + ([t for t in [get("tree"), get("tree")] if t != "3"] or "?")[0]
        same(both(), "11")
        same(s.ctl("fail-back", "flat"), (1, "pool flat has not failed over\n"))
        same(s.ctl("fail-back", "one"), (1, "pool one comes back by itself, at once; it has no \"fail-back\"\n"))
        s.ctl("force", "a", "down")
        same(both(), "22")
        s.ctl("force", "a", "auto")
        same(get("flat"), "2", "it stays")
        until = time.time() + 60
        while get("tree") != "1":
            same(time.time() < until, True, "tree has not come back")
            time.sleep(0.05)
        same(get("flat"), "2", "it stays")
        same('is up again, and waits for "fail-back"' in s.ctl("explain", "flat.example.com", "--client", "198.51.100.1")[1], True)
        same("flat has failed over to b," in " ".join(s.ctl("fail-back")[1].split()), True, s.ctl("fail-back"))
        same("has failed over to b" in s.ctl("pools")[1], True)
        same(s.ctl("reload")[0], 0)
        same(get("flat"), "2", "a reload changes nothing")
        s.stop()
        s.start()
        same(get("flat"), "2", "nor does a restart")
        s.ctl("force", "b", "down")
        same(get("flat"), "1", "when that is down, too, the first has it")
        s.ctl("force", "b", "auto")
        s.ctl("force", "a", "down")
        # When all are down it is where it was, for who is served from a stage, too.
        s.ctl("force", "*", "down")
        same(get("flat"), "2")
        with open(s.conf, "a") as f:
            f.write("edge-groups: { all: [ a, b, c ] }\n")
        same(s.ctl("reload", "--stage", "100%")[0], 0)
        same([get("flat") for _ in range(8)], ["2"] * 8)
        same(s.ctl("reload", "--rollback")[0], 0)
        s.ctl("force", "*", "auto")
        s.ctl("force", "a", "auto")
        same(get("flat"), "2")
        same(s.ctl("fail-back", "flat"), (0, "pool flat: back at the first of its members that may answer\n"))
        same(get("flat"), "1")
        same("flat" in s.ctl("fail-back")[1], False)


@claim("a name that is most of all that is asked keeps to its edge as far as hash-balance allows, and who leaves is told why")
def hash_balance():
    config = """
balance: { every: 1s }
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 }, c: { a: 192.0.2.3 } }
pools:
  www: { edges: [ a, b, c ], policy: round-robin, affinity: name, hash-balance: 150% }
  any: { edges: [ a, b, c ], policy: round-robin, affinity: name, hash-balance: off }
"""
    with Server({"example.com": APEX + "www 60 EDGE www\nany 60 EDGE any\n"}, config=config) as s:
        def asked(name):
            got = {}
            for i in range(150):
                client = "11.%d.%d.0" % (i // 16, i % 16 * 16)
                got.setdefault(s.steer(name, client + "/24").addresses()[0], []).append(client)
            return sorted(got.items(), key=lambda row: -len(row[1]))
        same([len(asked(n)) for n in ("www.example.com", "any.example.com")], [1, 1])
        until(lambda: [asked("any.example.com"), len(asked("www.example.com")[0][1]) < 100][1], 40)
        first, others = asked("www.example.com")[0], asked("www.example.com")[1:]
        same(len(asked("any.example.com")), 1)
        edge = "abc"[int(first[0][-1]) - 1]
        left = others[0][1][0]
        code, said = s.ctl("explain", "www.example.com", "--client", left)
        same(code, 0)
        assert re.search(r"^load +%s takes only \d+ %% of its keys; this one goes to [abc]" % edge, said, re.M), said
        assert re.search(r"^ +%s .*keeps \d+% of its keys".replace("%s", edge), s.ctl("pools")[1], re.M), s.ctl("pools")[1]
        # Of whoever goes elsewhere the answer is for his group alone; and a reload forgets nothing of it.
        same(s.udp("www.example.com", options=ecs(left + "/24")).scope, 20)
        same(s.udp("any.example.com", options=ecs(left + "/24")).scope, 0)
        s.write("waymark.yaml", open(s.dir + "/waymark.yaml").read() + "# \n")
        same(s.ctl("reload")[0], 0)
        assert "% of its keys" in s.ctl("pools")[1], s.ctl("pools")[1]


@claim("an edge that is in a tree by two ways lives while it does by one of them")
def two_ways():
    config = """
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 } }
pools:
  top:   { edges: [ outer, spare ], policy: ordered }
  outer: { edges: [ inner, a ], policy: ordered }
  inner: { edges: [ a ], policy: ordered }
  spare: { edges: [ b ], policy: ordered }
"""
    with Server({"example.com": APEX + "top 60 EDGE top\n"}, config=config) as s:
        same(s.ctl("force", "a@inner", "down")[0], 0)
        same(s.udp("top.example.com").addresses(), ["192.0.2.1"])
        same(s.ctl("force", "a@outer", "down")[0], 0)
        same(s.udp("top.example.com").addresses(), ["192.0.2.2"])


@claim("a name with edge= has the edge as its pool has it, or as the first pool in it does")
def edge_in_pools():
    config = """
edges: { a: { a: 192.0.2.1, aaaa: "2001:db8::1" }, b: { a: 192.0.2.2 } }
pools:
  inner: { edges: [ { edge: a, a: 192.0.2.3 }, b ], policy: ordered }
  outer: { edges: [ inner, { edge: a, records: TXT here } ], policy: ordered }
  top:   { edges: [ { pool: outer, weight: 10% }, { edge: b, priority: 2 } ], policy: ordered }
  plain: { edges: [ inner, b ], policy: ordered }
"""
    zone = APEX + "".join("%s 60 EDGE %s edge=a\n" % (p, p) for p in ("inner", "outer", "top", "plain"))
    with Server({"example.com": zone}, config=config) as s:
        same([s.udp(p + ".example.com").addresses()[0] for p in ("inner", "outer", "top", "plain")], ["192.0.2.3", "192.0.2.1", "192.0.2.1", "192.0.2.3"])
        same([s.udp(p + ".example.com", "AAAA").addresses() for p in ("inner", "outer", "top", "plain")], [[], ["2001:db8::1"], ["2001:db8::1"], []])


@claim("families that are apart have an answer each by all-down; a member with too few of one of them is passed over")
def families_apart():
    config = """
edges: { a: { a: 192.0.2.1 }, a6: { aaaa: "2001:db8::1" }, b: { a: 192.0.2.2, aaaa: "2001:db8::2" } }
pools:
  together: { edges: [ a, a6 ], policy: ordered, least-up: { a: 1, aaaa: 1 } }
  apart:    { edges: [ a, a6 ], policy: ordered, families: apart, least-up: { aaaa: 1 } }
  both: { edges: [ together, b ], policy: ordered }
  six:  { edges: [ apart, b ], policy: ordered, families: apart }
"""
    pools = ("together", "apart", "both", "six")
    with Server({"example.com": APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in pools)}, config=config) as s:
        def asked(qtype):
            return [(s.udp(p + ".example.com", qtype).addresses() or ["-"])[0][-1] for p in pools]
        same((asked("A"), asked("AAAA")), (list("1111"), list("1111")))
        same(s.ctl("force", "a", "down")[0], 0)
        same((asked("A"), asked("AAAA")), (list("-122"), list("1121")))
        same(s.ctl("force", "b", "down")[0], 0)
        same((asked("A"), asked("AAAA")), (list("-1-1"), list("1111")))
        s.ctl("force", "a", "auto")
        same(s.ctl("force", "a6", "down")[0], 0)
        same((asked("A"), asked("AAAA")), (list("1111"), list("-1-1")))


@claim("who stands in for a pool that lives for the other family answers with what is up, and with nothing that is not")
def stands_in_for_one_family():
    config = """
edges: { a: { a: 192.0.2.1 }, a6: { aaaa: "2001:db8::1" }, b: { a: 192.0.2.2, aaaa: "2001:db8::2" }, c: { a: 192.0.2.3, aaaa: "2001:db8::3" } }
pools:
  one:   { edges: [ a, a6 ], policy: ordered, all-down: { pool: other } }
  far:   { edges: [ a, a6 ], policy: ordered, all-down: { pool: between } }
  apart: { edges: [ a, a6 ], policy: ordered, families: apart, all-down: { pool: other } }
  first: { edges: [ a, a6 ], policy: ordered, all-down: { pool: foremost } }
  between: { edges: [ c ], policy: ordered, all-down: { pool: other } }
  other: { edges: [ b ], policy: ordered }
  foremost: { edges: [ b ], policy: ordered, all-down: first }
"""
    pools = ("one", "far", "apart", "first")
    with Server({"example.com": APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in pools)}, config=config) as s:
        def asked(qtype):
            return "".join((s.udp(p + ".example.com", qtype).addresses() or ["-"])[0][-1] for p in pools)
        same((asked("A"), asked("AAAA")), ("1111", "1111"))
        for edge, six in (("a6", "2322"), ("c", "2222"), ("b", "--2-")):
            s.ctl("force", edge, "down")
            same((asked("A"), asked("AAAA")), ("1111", six), edge + " is down:")
        soa = s.udp("far.example.com", "AAAA").authority[0]
        same((soa[1], soa[2]), (6, 60), "as short as the addresses:")
        s.ctl("force", "a", "down")
        same((asked("A"), asked("AAAA")), ("2222", "2222"), "nobody is up:")


@claim("an edge that lives by its second way alone keeps dead addresses of the other family out of answers")
def two_ways_two_families():
    config = """
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2, aaaa: "2001:db8::2" } }
pools:
  top:   { edges: [ inner, outer ], policy: ordered }
  inner: { edges: [ a ], policy: ordered }
  outer: { edges: [ inmost, a, b ], policy: ordered }
  inmost: { edges: [ b ], policy: ordered }
"""
    with Server({"example.com": APEX + "top 60 EDGE top\n"}, config=config) as s:
        same(s.ctl("force", "b", "down")[0], 0)
        same(s.ctl("force", "a@inner", "down")[0], 0)
        same(s.udp("top.example.com").addresses(), ["192.0.2.1"])
        same(s.udp("top.example.com", "AAAA").addresses(), [], "a lives for A, by its second way")
        same(s.ctl("force", "a@outer", "down")[0], 0)
        same(s.udp("top.example.com", "AAAA").addresses(), ["2001:db8::2"], "nothing lives: as if all were up")


@claim("bias and cost move clients, and explain says what an edge counts as")
def bias_and_cost():
    config = """
geoip: { city: { file: %s/geoip/city.mmdb } }
edges: { ams1: { at: "52.37,4.90", a: 192.0.2.1, cost: 3 }, iad1: { at: "38.95,-77.45", a: 192.0.2.2 } }
pools:
  plain: { edges: [ ams1, iad1 ] }
  far:   { edges: [ ams1, { edge: iad1, bias: 80 } ] }
  dear:  { edges: [ ams1, iad1 ], cost: 50ms }
""" % TOP
    zone = APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in ("plain", "far", "dear"))
    with Server({"example.com": zone}, config=config) as s:
        who = "83.62.101.0/24"
        same([s.steer("%s.example.com" % p, who).addresses()[0][-1] for p in ("plain", "far", "dear")], ["1", "2", "2"])
        said = s.ctl("explain", "far.example.com", "--client", who)[1]
        same(re.search(r"iad1 .*~ 109 ms, counts as 22 ms  chosen", said) is not None, True, said)
        said = s.ctl("explain", "dear.example.com", "--client", who)[1]
        same(re.search(r"ams1 .*~  25 ms, counts as 175 ms", said) is not None, True, said)
        # What counts otherwise after a reload does so at once.
        with open(s.conf) as f:
            text = f.read()
        with open(s.conf, "w") as f:
            f.write(text.replace("bias: 80", "bias: 70").replace("cost: 50ms", "cost: 20ms"))
        same(s.ctl("reload")[0], 0)
        same([s.steer("%s.example.com" % p, who).addresses()[0][-1] for p in ("plain", "far", "dear")], ["1", "1", "1"])


@claim("hours of a rule begin to the second without a reload, and answers do not outlive them")
def hours():
    import datetime
    import zoneinfo
    shim = BUILD + "/slow.so"
    if not os.path.exists(shim):
        raise Skip("this build has no slow.so")
    berlin = datetime.datetime(2026, 7, 6, 7, 59, 58, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))        # a Monday
    shift = int(berlin.timestamp() - time.time())
    config = """
edges: { a: { a: 192.0.2.1 }, b: { a: 192.0.2.2 } }
pools:
  www: { edges: [ a, b ], policy: ordered, pin: [ { during: "Mon-Fri 08:00-18:00 Europe/Berlin", to: b },
                                                  { type: AAAA, to: nobody }, { via: tcp, to: [ b, a ] } ] }
"""
    with Server({"example.com": APEX + "www 3600 EDGE www\n"}, config=config, start=False) as s:
        s.start(env=dict(os.environ, LD_PRELOAD=preload(shim), SHIFT_S=str(shift)))
        ask = lambda: [(ttl, data) for _, qtype, ttl, data in s.udp("www.example.com").answer]
        first = ask()
        same(first[0][1], "192.0.2.1")
        same(first[0][0] <= 3, True, first)
        same(s.ctl("explain", "www.example.com", "--client", "198.51.100.1", "--via", "tcp")[1].count("pin via tcp"), 1)
        same("the TTL ends where the hours of a rule begin or end" in s.ctl("explain", "www.example.com", "--client", "198.51.100.1")[1], True)
        at = lambda: time.time() + shift - berlin.timestamp()
        while ask()[0][1] == "192.0.2.1":
            same(at() < 30, True, "it has never begun")
            time.sleep(0.02)
        begun = at()
        same(begun >= 1.9, True, "not before its time")
        same(ask()[0], (3600, "192.0.2.2"))
        said = s.ctl("explain", "www.example.com", "--client", "198.51.100.1")[1]
        same("www: pin during Mon-Fri 08:00-18:00 Europe/Berlin" in said, True, said)


@claim("an edge has other addresses and records in other pools, and what is said of it holds there, too")
def roles():
    config = """
edges: { a: { at: "1,2", a: 192.0.2.1, aaaa: "2001:db8::1", records: "TXT edge" }, b: { at: "3,4", a: 192.0.2.2 } }
pools:
  near:  { edges: [ b, { edge: a, a: 192.0.2.7 } ], default: a }
  web:   { edges: [ a, b ], policy: ordered }
  video: { edges: [ { edge: a, a: 192.0.2.9 }, b ], policy: ordered }
  mail:  { edges: [ { edge: a, records: "TXT mail" }, b ], policy: ordered }
  all:   { edges: [ mail, video ], policy: ordered, pin: { default: a } }
  both:  { edges: [ video, web ], policy: ordered, answers: 2 }
  deep:  { edges: [ web, { edge: a, a: 192.0.2.6, priority: 2 } ], policy: ordered }
"""
    zone = APEX + "".join("%s 60 EDGE %s\n" % (p, p) for p in ("web", "video", "mail", "all", "near", "both")) + "one 60 EDGE video edge=a\ndeeper 60 EDGE deep edge=a\n"
    with Server({"example.com": zone}, config=config) as s:
        def got(qtype="A"):
            return [" ".join(data for _, _, _, data in s.udp(p + ".example.com", qtype).answer) for p in ("web", "video", "mail", "all", "one")]
        same(got(), ["192.0.2.1", "192.0.2.9", "192.0.2.1", "192.0.2.1", "192.0.2.9"])
        same(got("AAAA"), ["2001:db8::1", "", "2001:db8::1", "2001:db8::1", ""])
        same(got("TXT"), ["edge", "edge", "mail", "mail", "edge"])
        same([(e["edge"], e.get("role_of")) for e in json.loads(s.ctl("edges", "--json")[1])],
             [("a", None), ("b", None), ("a@near", "a"), ("a@video", "a"), ("a@mail", "a"), ("a@deep", "a")])
        same(s.udp("deeper.example.com").addresses(), ["192.0.2.6"], "what the pool has goes before what a pool in it has")
        same(sorted(s.udp("both.example.com").addresses()), ["192.0.2.2", "192.0.2.9"], "an edge is one, in whichever roles")
        same(s.udp("near.example.com").addresses(), ["192.0.2.7"], "whom nobody knows goes by default")
        same("a@video" in s.ctl("explain", "video.example.com", "--client", "198.51.100.1")[1], True)
        same(s.ctl("force", "a@video", "down")[0], 0)
        same(got()[:3], ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
        same(s.ctl("force", "a@video", "auto")[0], 0)
        same(s.ctl("force", "a", "down", "--why", "dark")[0], 0)
        same(got()[:4], ["192.0.2.2"] * 4)
        said = s.ctl("explain", "video.example.com", "--client", "198.51.100.1")[1]
        same("dark" in said, True, said)
        same(s.ctl("force", "a", "auto")[0], 0)
        with open(s.conf) as f:
            text = f.read()
        with open(s.conf, "w") as f:
            f.write(text.replace("192.0.2.9", "192.0.2.8"))
        same(s.ctl("reload")[0], 0)
        same(got()[1], "192.0.2.8")


EACH = """
store: { file: waymark.db }
edges: { ams1: { a: 192.0.2.1, aaaa: "2001:db8::1" }, fra1: { a: 192.0.2.2 }, iad.2: { a: 192.0.2.3 }, gru1: { a: 192.0.2.7 } }
peers: { any: { at: "127.0.0.1:9", edge-as: addresses } }
pools:
  eu: { edges: [ ams1, { edge: fra1, a: 192.0.2.99 } ], policy: ordered }
  web: { edges: [ { pool: eu }, iad.2, ams1 ], policy: ordered }
"""


@claim("a name for each edge of a pool, made by $GENERATE: its addresses in that pool whatever its state, in signed zones and to peers that know no EDGE; a reload follows the pool, and so does a stage that is promoted, whatever the records are; what is there already is told")
def each_edge():
    zone = APEX + "www 60 EDGE web\n$GENERATE pool:web www--$ 60 EDGE web edge=$\n"
    zones = "[ { name: e.test, file: zones/e.test.zone, dnssec: auto }, { name: p.test, file: zones/p.test.zone, transfer: [ any ] }, { name: h.test, file: zones/h.test.zone, dnssec: auto } ]"
    hosts = APEX + "$GENERATE pool:web www--$ 60 A 192.0.2.50\n"
    with Server({"e.test": zone, "p.test": zone, "h.test": hosts}, start=False) as s:
        def ask(edge, apex):
            m = s.udp("www--%s.%s" % (edge, apex), edns=opt(flags=0x8000))
            return m.addresses(), m.rcode, len([r for r in m.answer if r[1] == 46])
        s.configure(EACH, zones)
        s.start()
        s.ctl("force", "ams1", "down")
        for apex, signed in (("e.test", 1), ("p.test", 0)):
            for edge, want in (("ams1", "192.0.2.1"), ("fra1", "192.0.2.99"), ("IAD-2", "192.0.2.3")):
                same(ask(edge, apex), ([want], NOERROR, signed))
            same(ask("gru1", apex)[:2], ([], NXDOMAIN))
        said = subprocess.run(["dig", "@127.0.0.1", "-p", str(s.port), "p.test", "axfr", "+noall", "+answer"], capture_output=True, text=True).stdout.split("\n")
        same(sorted(l.split()[4] for l in said if l.startswith("www--")), ["192.0.2.1", "192.0.2.3", "192.0.2.99", "2001:db8::1"])
        assert "the edge that the EDGE record names" in s.ctl("explain", "www--ams1.p.test", "--client", "192.0.2.9")[1]
        s.configure(EACH.replace("iad.2, ams1 ]", "gru1 ]"), zones)
        same(s.ctl("reload")[0], 0)
        for apex, signed in (("e.test", 1), ("p.test", 0)):
            until(lambda: ask("gru1", apex) == (["192.0.2.7"], NOERROR, signed), 60)
            until(lambda: ask("iad-2", apex)[1] == NXDOMAIN, 60)
        until(lambda: (ask("gru1", "h.test"), ask("iad-2", "h.test")[1]) == ((["192.0.2.50"], NOERROR, 1), NXDOMAIN), 60)
        s.configure(EACH, zones)
        same(s.ctl("reload", "--stage", "30%")[0], 0)
        same([(ask("gru1", apex)[1], ask("iad-2", apex)[1]) for apex in ("e.test", "p.test", "h.test")], [(NOERROR, NXDOMAIN)] * 3)
        same(s.ctl("reload", "--promote")[0], 0)
        same([(ask("gru1", apex)[1], ask("iad-2", apex)[1]) for apex in ("e.test", "p.test", "h.test")], [(NXDOMAIN, NOERROR)] * 3)
        for more, say in (("www--ams1 A 192.0.2.5\n", "www--ams1.e.test. A beside the EDGE of line %d" % zone.count("\n")),
                          ("$GENERATE pool:wbe x--$ 60 EDGE web edge=$\n", "e.test.zone:%d:16: error: there is no pool \"wbe\"" % (zone.count("\n") + 1)),
                          ("$GENERATE pool:web %s--$ 60 EDGE web edge=$\n" % ("x" * 60), "(where $GENERATE has come to iad.2)")):
            s.write("zones/e.test.zone", zone + more)
            code, text = s.check()
            assert code == 1 and say in text, text


run("pools")
