"""Servers that share what they know by a Redis."""
from fleet import *

@claim("servers of a fleet find each other, serve the same, and an edge is down when two of three say so")
def quorum():
    # A program that is waited for longer than a busy machine may need is no edge that is down.
    with Redis() as redis, fleet(3, redis.port, every="1500ms", fall=2) as (one, two, three):
        rows = one.rows()
        same(sorted((r["server"], r["state"]) for r in rows.values()), [("ns1", "self"), ("ns2", "there"), ("ns3", "there")])
        until(lambda: len({r["generation"] for r in one.rows().values()}) == 1, 20)
        one.sees("a", False)
        until(lambda: "1 of 3 say down: ns1" in target(two, "a").get("fleet", ""), 10)
        same(target(one, "a")["state"], "down", "as it has found:")
        same(target(one, "a").get("outvoted"), True)
        same([m.address() for m in (one, two, three)], ["192.0.2.1"] * 3)
        two.sees("a", False)
        until(lambda: [m.address() for m in (one, two, three)] == ["192.0.2.2"] * 3, 10)
        code, said = three.ctl("explain", "web.example.com", "--client", "198.51.100.1")
        same("2 of 3 say down: ns1, ns2; 1 of 3 say up: ns3" in said, True, said)
        two.sees("a", True)
        until(lambda: [m.address() for m in (one, two, three)] == ["192.0.2.1"] * 3, 10)
        # Who sees nothing up has lost his network; the two others are two of two.
        for e in "abc":
            one.sees(e, False)
        until(lambda: one.fleet()["blind"], 10)
        same([m.address() for m in (one, two, three)], ["192.0.2.1"] * 3)
        same("our own network may be lost" in one.ctl("status")[1], True)
        two.sees("a", False)
        three.sees("a", False)
        until(lambda: [m.address() for m in (one, two, three)] == ["192.0.2.2"] * 3, 10)
        same("waymark:{test}" in redis.cli("KEYS", "*"), True)
        same("ns1" in redis.cli("HGETALL", "waymark:{test}:health").replace("$3\r\nns1\r\n", ""), False, "in the clear:")


@claim("another secret, and what somebody else writes, is passed over and told of")
def forged():
    with Redis() as redis, fleet(1, redis.port) as (one,):
        redis.cli("PUBLISH", "waymark:{test}:news", "nonsense")
        until(lambda: "cannot be opened" in one.said(), 10)
        same(json_of(one, "status")["fleet_forged"] >= 1, True)


@claim("what is wrong in the section is told at its place, without its secrets")
def wrong():
    for text, says in (
            ('redis: "http://x", name: a, secret: "%s"' % SECRET, 'it must begin with redis://'),
            ('redis: "redis://me:hidden%%zz@h", name: a, secret: "%s"' % SECRET, "two hexadecimal digits"),
            ('redis: "redis+sentinel://h", name: a, secret: "%s"' % SECRET, "which of its masters"),
            ('redis: "redis://me:hidden@h", name: a, secret: "%s", frob: 1' % SECRET, 'unknown key "frob"'),
            ('redis: "redis://h", name: "a b", secret: "%s"' % SECRET, '"name" must be'),
            ('redis: "redis://h", name: a, secret: "hidden"', '"secret" must be 32 bytes'),
            ('redis: "redis://h", name: a, secret: "%s", quorum: 4/3' % SECRET, '"quorum" must be'),
            ('redis: "redis://h", name: a, secret: "%s", replicas: 99' % SECRET, '"replicas" must be'),
            ('redis: "redis://h", name: a, secret: "%s", quorum: { by: region }' % SECRET, "write for example: region")):
        with Server({"example.com": APEX}, "fleet: { %s }" % text, start=False) as s:
            code, said = s.check()
            same(code, 1, said)
            same(says in said and "hidden" not in said and SECRET not in said, True, said)


if __name__ == "__main__":
    run("fleet", by_clock=True)
