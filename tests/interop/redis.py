#!/usr/bin/python3
"""redis - fleets of real servers of ours on real Redis servers: by TLS, a user of the ACL, Sentinels, a cluster; cut off, emptied, and what they
share then. Skipped where there is no redis-server."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from fleet import *
from xfr import *

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../doc/fleet.md")


def changes(m):
    return sorted((c["edge"], c["what"], c["who"], c["why"]) for c in json_of(m, "changes"))


def agree(*mates):
    return len({r["will"] for m in mates for r in m.rows().values()}) == 1 and len({str(changes(m)) for m in mates}) == 1


def hears(one, redis):
    """That server and the Redis have all they need of each other: what is wanted is stored, heard and told."""
    until(lambda: one.fleet()["reached"], 10)
    same(one.ctl("force", "a", "down")[0], 0)
    until(lambda: "waymark:{test}:will" in redis("KEYS", "waymark:*"), 10)
    until(lambda: "waymark:{test}:health" in redis("KEYS", "waymark:*"), 10)
    until(lambda: json_of(one, "status")["fleet_heard"] >= 3, 10)
    same("NOPERM" in one.said(), False, one.said())


@claim("what an operator wants on one server holds on all, over a partition, an empty engine and a restart; --here is for one alone")
def will():
    with Redis() as redis, fleet(2, redis.port) as (one, two):
        same(one.ctl("force", "a", "down", "--why", "cable")[0], 0)
        until(lambda: two.address() == "192.0.2.2", 10)
        same(changes(two), changes(one))
        same(one.ctl("force", "b", "drain", "--for", "1h")[0], 0)
        same(two.ctl("force", "c", "weight", "7")[0], 0)
        until(lambda: len(changes(one)) == len(changes(two)) == 3 and agree(one, two), 15)
        # By its own number there.
        number = [c["change"] for c in json_of(two, "changes") if c["edge"] == "a"][0]
        same(two.ctl("revoke", str(number))[0], 0)
        until(lambda: one.address() == two.address() == "192.0.2.1", 10)
        same(two.ctl("force", "a", "down", "--here")[0], 0)
        same((one.address(), two.address() == "192.0.2.1"), ("192.0.2.1", False))
        # The engine has forgotten, and one server was away: what was ended is not brought back.
        redis.cli("FLUSHALL")
        two.stop()
        same(one.ctl("force", "c", "auto")[0], 0)
        until(lambda: "waymark:{test}:will" in redis.cli("KEYS", "*"), 20)
        two.start()
        until(lambda: sorted(c[0] for c in changes(two)) == ["a", "b"], 10)
        same(sorted(c[0] for c in changes(one)), ["b"])
        # Both want something else while they cannot hear each other: the later holds, and that is told.
        redis.kill()
        until(lambda: not one.fleet()["reached"] and not two.fleet()["reached"], 10)
        code, said = one.ctl("force", "b", "down", "--why", "first")
        same((code, "other servers follow when it is" in said), (0, True), said)
        same(two.ctl("force", "b", "up", "--why", "second")[0], 0)
        redis.start()
        until(lambda: [c[1:4:2] for c in changes(one) if c[0] == "b"] == [("up", "second")], 20)
        until(lambda: "wanted something else later" in one.said() + two.said(), 10)
        # An alarm until somebody who knows of it has said something, or that it is right.
        odd = lambda m: "at odds with later ones" in m.ctl("status")[1]
        until(lambda: odd(one) or odd(two), 10)
        number = [c["change"] for c in json_of(one, "changes") if c["edge"] == "b"][0]
        same(one.ctl("revoke", str(number))[0], 0)
        until(lambda: not odd(one) and not odd(two), 10)
        same("no changes are at odds here" in one.ctl("fleet", "--accept")[1], True)
        # What was wanted may be read before what is said is heard, too.
        until(lambda: re.findall("is reached|going on alone", one.said())[-3:] == ["is reached", "going on alone", "is reached"], 20)


@claim("stages, promotion, rollback, watches and fail-back of one server are those of all, but with --here; who was away does what it has missed")
def orders():
    with Redis() as redis, fleet(3, redis.port, fleet=", wait: 500ms") as all:
        one, two, three = all
        moved = lambda m: m.configure(m.config.replace("192.0.2.1 ", "198.51.100.1 "))
        answers = lambda: [m.address() for m in all]
        old, new = "192.0.2.1", "198.51.100.1"
        for m in all:
            moved(m)
        same(one.ctl("reload", "--stage", "100%")[0], 0)
        until(lambda: answers() == [new] * 3, 20)
        until(lambda: [r.get("stage_percent") for r in two.rows().values()] == [100] * 3, 10)
        same(len({r["staged"] for r in two.rows().values()}), 1)
        same("ns3: a stage is on for 100 % of the clients, CONFIG" in two.ctl("fleet")[1], True, two.ctl("fleet")[1])
        same(two.ctl("reload", "--rollback", "--here")[0], 0)
        same(answers(), [new, old, new])
        same(three.ctl("reload", "--rollback")[0], 0)
        until(lambda: answers() == [old] * 3, 10)
        # Who cannot do it is told of there, and everywhere; until it is said anew, or done there.
        two.configure(two.config + "nonsense: 1\n")
        same(one.ctl("reload", "--stage", "100%")[0], 0)
        until(lambda: "could not be done here: \"reload --stage 100%\"" in two.ctl("status")[1], 20)
        until(lambda: "ns2 could not do what was wanted" in one.ctl("fleet")[1], 10)
        two.configure(two.config.replace("nonsense: 1\n", ""))
        same(two.ctl("reload", "--stage", "100%", "--here")[0], 0)
        until(lambda: "could not do" not in one.ctl("fleet")[1] and answers() == [new] * 3, 10)
        # By whom it was, in the audit there.
        until(lambda: "reload --stage 100%" in two.ctl("audit")[1] and "at server ns1" in two.ctl("audit")[1], 10)
        same(three.ctl("watch", "192.0.2.0/24", "--for", "2h")[0], 0)
        same(three.ctl("watch", "198.51.100.0/24", "--here")[0], 0)
        watched = lambda m: sorted(w["net"] for w in json_of(m, "watch")["watched"])
        until(lambda: watched(one) == watched(two) == ["192.0.2.0/24"], 10)
        # Nobody hears the promotion: the Redis is gone. Who is back before it has it from it.
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in all), 10)
        two.stop()
        code, said = one.ctl("reload", "--promote")
        same((code, "other servers follow when it is" in said), (0, True), said)
        same(one.ctl("watch", "192.0.2.0/24", "--stop")[0], 0)
        redis.start()
        until(lambda: json_of(three, "status").get("stage_percent", 0) == 0 and three.address() == new, 20)
        until(lambda: watched(three) == ["198.51.100.0/24"], 10)
        two.start()
        until(lambda: two.fleet()["live"] == 3, 20)
        until(lambda: watched(two) == [] and two.address() == new, 10)
        # Two things were wanted at a time: the later holds, and that is told.
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in all), 10)
        same(one.ctl("watch", "203.0.113.0/24")[0], 0)
        same(two.ctl("watch", "203.0.113.0/24", "--for", "3h")[0], 0)
        redis.start()
        until(lambda: "later without having heard of it" in one.said() + two.said(), 20)
        odd = lambda: [m for m in all if "at odds with later ones" in m.ctl("status")[1]]
        until(odd, 10)
        until(lambda: all[0].fleet()["live"] == 3, 20)
        same(odd()[0].ctl("fleet", "--accept")[0], 0)
        until(lambda: not odd(), 10)


@claim("a configuration is rolled out over the servers one after the other, and over a share of them, from any one of them")
def rolls_out():
    with Redis() as redis, fleet(3, redis.port, fleet=", wait: 500ms") as all:
        one, two, three = all
        old, new = "192.0.2.1", "198.51.100.1"
        answers = lambda: [m.address() for m in all]
        for m in all:
            m.configure(m.config.replace("192.0.2.1 ", "198.51.100.1 "))
        code, said = one.ctl("fleet", "on", "ns2", "reload", "--stage", "100%")
        same((code, "told to ns2" in said), (0, True), said)
        until(lambda: answers() == [old, new, old], 20)
        until(lambda: [r.get("stage_percent") for r in sorted(three.rows().values(), key=lambda r: r["server"])] == [None, 100, None], 10)
        same(one.ctl("fleet", "on", "50%", "reload", "--stage", "100%")[0], 0)      # two of three, the first by name
        until(lambda: answers() == [new, new, old], 20)
        same(three.ctl("fleet", "on", "ns1,ns2", "reload", "--rollback")[0], 0)
        until(lambda: answers() == [old] * 3, 20)
        same(two.ctl("fleet", "on", "ns3", "reload")[0], 0)
        until(lambda: answers() == [old, old, new], 20)
        configs = lambda: [r["config"] for r in sorted(one.rows().values(), key=lambda r: r["server"])]
        until(lambda: (lambda c: c[0] == c[1] != c[2])(configs()), 10)
        # Who cannot do it is told of, until all do.
        two.configure(two.config + "nonsense: 1\n")
        same(one.ctl("fleet", "on", "ns2", "reload", "--stage", "5%")[0], 0)
        until(lambda: "ns2 could not do what was wanted" in one.ctl("fleet")[1], 20)
        two.configure(two.config.replace("nonsense: 1\n", ""))
        same(three.ctl("reload", "--stage", "100%")[0], 0)
        until(lambda: answers() == [new] * 3 and "could not do" not in one.ctl("fleet")[1], 20)
        same(one.ctl("reload", "--promote")[0], 0)
        until(lambda: len(set(configs())) == 1 and not any("stage_percent" in r for r in one.rows().values()), 20)
        # One that is away does what it has missed: the last of each matter.
        three.configure(three.config.replace("198.51.100.1 ", "192.0.2.1 "))
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in all), 10)
        same("when the Redis is reached" in one.ctl("fleet", "on", "ns3", "reload", "--stage", "100%")[1], True)
        same(answers(), [new] * 3)
        redis.start()
        until(lambda: answers() == [new, new, old], 20)
        for words, say in ((("ns9", "reload"), "no server of the fleet"), (("0%", "reload"), "a share is over"), (("ns1", "stop"), "only"),
                           (("ns1", "reload", "--promote", "--here"), "only")):
            code, said = one.ctl("fleet", "on", *words)
            same((code, say in said), (1, True), said)
        same(one.ctl("fleet", "on", "ns1")[0], 2)


@claim("a stage that one server takes back by itself is taken back on all, which say why")
def taken_back():
    with Redis() as redis, fleet(2, redis.port, fleet=", wait: 500ms", more="stage: { failures: 100% }\n") as (one, two):
        # Only the first sees that its edges fail, and only it minds.
        one.configure(one.config.replace("failures: 100%", "failures: 10%"))
        same(one.ctl("reload")[0], 0)
        one.configure(one.config.replace("-e, %s/" % one.dir, "-e, %s/no-" % one.dir))
        same(two.ctl("reload", "--stage", "50%")[0], 0)
        until(lambda: "the stage is rolled back" in one.said(), 30)
        until(lambda: "stage" not in json_of(two, "status"), 10)
        why = re.search("fleet: the server itself at server ns1: (.*): reload --rollback", two.said())
        same(bool(why and re.match("probes have [0-9.]+ % of the staged edges down", why.group(1))), True, two.said())
        same("the stage is rolled back" in two.said(), True, two.said())
        same(one.address() == two.address() == "192.0.2.1", True)
        until(lambda: not any("stage_percent" in r for r in two.rows().values()), 10)


@claim("servers with the same generation say so by NSID, and by status")
def nsid():
    with Redis() as redis, fleet(2, redis.port, fleet=", wait: 500ms") as all:
        for m in all:
            m.server += ", identity: \"%s g=%%g\"" % m.name
            m.configure()
            same(m.ctl("reload")[0], 0)
        says = lambda m: dict(m.udp("www.example.com", options=option(3)).options).get(3, b"").decode()
        told = lambda: [m.fleet()["servers"][0]["generation"] for m in all]
        right = lambda: [says(m) for m in all] == ["%s g=%s" % (m.name, g[:8]) for m, g in zip(all, told())] and len(set(told())) == 1
        until(right, 20)
        same(json_of(all[0], "status")["fleet_generation"], told()[0])
        before = told()
        same(all[0].ctl("force", "b", "down")[0], 0)
        until(lambda: right() and told() != before, 20)


@claim("a pool goes back on all servers where it had failed over before that was wanted")
def fails_back():
    with Redis() as redis, fleet(2, redis.port, more="", fleet=", wait: 500ms") as all:
        for m in all:
            m.configure(m.config.replace("policy: ordered,", "policy: ordered, fail-back: manual,"))
            same(m.ctl("reload")[0], 0)
            m.sees("a", False)
        until(lambda: [m.address() for m in all] == ["192.0.2.2"] * 2, 10)
        for m in all:
            m.sees("a", True)
        until(lambda: [m.state("a") for m in all] == ["up"] * 2, 10)
        same([m.address() for m in all], ["192.0.2.2"] * 2)
        same(all[1].ctl("fail-back", "web")[0], 0)
        until(lambda: [m.address() for m in all] == ["192.0.2.1"] * 2, 10)


@claim("an operator accepts what holds of changes that were at odds, on all servers")
def accepted():
    with Redis() as redis, fleet(2, redis.port) as (one, two):
        redis.kill()
        until(lambda: not one.fleet()["reached"] and not two.fleet()["reached"], 10)
        for m, state in ((one, "down"), (two, "up")):
            for edge in "ab":
                same(m.ctl("force", edge, state)[0], 0)
        redis.start()
        odd = lambda m: "2 changes of operators were at odds" in m.ctl("status")[1]
        until(lambda: odd(one) or odd(two), 30)          # who has heard of both knows
        until(lambda: one.fleet()["reached"] and two.fleet()["reached"], 30)
        code, said = (one if odd(one) else two).ctl("fleet", "--accept")
        same((code, said), (0, "2 changes: what holds is accepted, on all servers\n"))
        until(lambda: not odd(one) and not odd(two), 10)
        same(json_of(one, "status")["fleet_conflicts"] >= 2, True)


@claim("without the engine each goes on alone, and they find each other again when it is back, even empty")
def alone():
    with Redis() as redis, fleet(2, redis.port, fleet=", wait: 500ms") as (one, two):
        redis.kill()
        until(lambda: not one.fleet()["reached"], 10)
        same("going on alone" in one.said(), True, one.said())
        same(one.address(), "192.0.2.1")
        redis.start()
        until(lambda: one.fleet()["reached"] and two.fleet()["reached"], 20)
        one.sees("a", False)
        until(lambda: "1 of 2 say down: ns1" in target(two, "a").get("fleet", ""), 10)
        same(two.address(), "192.0.2.1")
        same(int(json_of(one, "status")["loop_late"]) <= 2 * SLOW, True)
        redis.kill()
        one.stop()
        one.start()
        same("Connection refused; going on alone" in one.said(), True, one.said())


@claim("a user of the ACL with what the documentation says is enough, and its password is in no log")
def acl():
    with open(DOC) as f:
        line = re.search("^ACL SETUSER .*$", f.read(), re.M).group(0).replace(">password", ">hidden/%zz@")
    with Redis() as redis:
        same(redis.cli(*line.split()), "+OK\r\n")
        redis.cli("ACL", "SETUSER", "default", "-@all", "+acl", "+keys", "~*")
        with Mate("ns1", "redis://waymark:hidden%%2f%%25zz%%40@127.0.0.1:%d" % redis.port) as one:
            one.start()
            hears(one, redis.cli)
            # What it may not do any more is told of.
            redis.cli("ACL", "SETUSER", "waymark", "-publish", "-eval")
            same(one.ctl("force", "b", "down")[0], 0)
            until(lambda: "does not keep what operators want (NOPERM" in one.said(), 10)
            until(lambda: "passes on nothing of what we say (NOPERM" in one.said(), 10)
            redis.cli("ACL", "SETUSER", "waymark", "resetpass", ">another")
            redis.cli("ACL", "SETUSER", "default", "+client")
            redis.cli("CLIENT", "KILL", "USER", "waymark")
            until(lambda: "WRONGPASS" in one.ctl("status")[1], 10)
            same("hidden" in one.said() + one.ctl("status")[1] + one.ctl("fleet")[1], False, one.said())


@claim("what was wanted while the Redis took nothing is known to all soon after it does again")
def refused():
    with Redis() as redis, fleet(2, redis.port) as (one, two):
        redis.cli("ACL", "SETUSER", "default", "-hset", "-publish", "-eval")
        until(lambda: "keeps nothing of what we say" in one.said() and "passes on nothing" in one.said(), 20)
        same(one.ctl("force", "a", "down")[0], 0)
        time.sleep(1)
        same((len(changes(one)), len(changes(two))), (1, 0))
        redis.cli("ACL", "SETUSER", "default", "+@all")
        took = until(lambda: changes(two) == changes(one), 20)
        same(took < 20, True, took)                          # all is looked at again each 30 s
        # For so short that nothing else was said meanwhile.
        redis.cli("ACL", "SETUSER", "default", "-hset", "-publish", "-eval")
        same(one.ctl("force", "b", "down")[0], 0)
        until(lambda: "does not keep what operators want" in one.said(), 10)
        redis.cli("ACL", "SETUSER", "default", "+@all")
        took = until(lambda: changes(two) == changes(one), 20)
        same((len(changes(two)), took < 20), (2, True), took)


@claim("a Redis of TLS is known by its certificate, and asks for ours")
def tls():
    with tempfile.TemporaryDirectory() as pki:
        make_ca(pki)
        make_certificate(pki, "redis", "localhost", 30)
        make_certificate(pki, "client", "ns1", 30)
        need("redis-server")
        port, inner = free_port(), free_port()
        with Redis("--tls-port", str(port), "--tls-cert-file", pki + "/redis.pem", "--tls-key-file", pki + "/redis.key",
                   "--tls-ca-cert-file", pki + "/ca.pem", port=inner) as redis:
            url = "rediss://localhost:%d" % port
            ours = ", cert: %s/client.pem, key: %s/client.key" % (pki, pki)
            with Mate("ns1", url, fleet=", tls: { ca: %s/ca.pem%s }" % (pki, ours)) as one, Mate("ns2", url.replace("localhost", "127.0.0.1"),
                    fleet=", wait: 100ms, tls: { ca: %s/ca.pem%s }" % (pki, ours)) as two:
                one.start()
                hears(one, redis.cli)
                two.start()
                until(lambda: "certificate is not taken" in two.ctl("status")[1], 10)
                # By a name that it is for.
                two.configure(two.config.replace("/ca.pem,", "/ca.pem, name: localhost,"))
                same(two.ctl("reload")[0], 0)
                until(lambda: two.fleet()["live"] == 2, 15)
                # Without ours it hangs up.
                two.configure(two.config.replace(ours, ""))
                same(two.ctl("reload")[0], 0)
                until(lambda: not two.fleet()["reached"] and "TLS" in two.ctl("status")[1], 10)


@claim("Sentinels say where the master is, and who was at the old one goes to the new")
def sentinel():
    with Redis() as first, Redis("--replicaof", "127.0.0.1 %d" % first.port) as second, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with open(folder + "/sentinel.conf", "w") as f:
            f.write("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %d 1\nsentinel down-after-milliseconds main 500\n"
                    "sentinel failover-timeout main 2000\n" % (port, folder, first.port))
        watch = subprocess.Popen(["redis-server", folder + "/sentinel.conf", "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: "master_link_status:up" in second.cli("INFO", "replication"), 20)
            url = "redis+sentinel://127.0.0.1:%d/main" % port
            with Mate("ns1", url) as one, Mate("ns2", url) as two:
                two.configure(two.config.replace('"%s"' % url, '[ "redis://127.0.0.1:%d", "%s" ]' % (second.port, url)))
                one.start()
                hears(one, first.cli)
                two.start()                                 # a replica is passed over
                until(lambda: two.fleet()["live"] == 2, 15)
                until(lambda: str(second.port) in str(slaves(port)), 30)
                first.kill()
                until(lambda: "role:master" in second.cli("INFO", "replication"), 40)
                until(lambda: one.fleet()["reached"] and two.fleet()["reached"], 30)
                same(two.ctl("force", "b", "down")[0], 0)
                until(lambda: [c[0] for c in changes(one)] == ["a", "b"], 10)
        finally:
            watch.kill()
            watch.wait()


def slaves(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        s.sendall(b"SENTINEL REPLICAS main\r\n")
        return s.recv(1 << 16).decode("latin1")


@claim("in a cluster the node that has the fleet's keys is found")
def cluster():
    with Redis("--cluster-enabled", "yes") as one_node, Redis("--cluster-enabled", "yes") as other:
        # "{test}" is in slot 6918: the other has it.
        for node, slots in ((one_node, ("0", "6000")), (other, ("6001", "16383"))):
            same(node.cli("CLUSTER", "ADDSLOTSRANGE", *slots), "+OK\r\n")
        one_node.cli("CLUSTER", "MEET", "127.0.0.1", other.port)
        until(lambda: all("cluster_state:ok" in n.cli("CLUSTER", "INFO") for n in (one_node, other)), 30)
        with fleet(2, one_node.port) as (one, two):
            hears(one, other.cli)
            until(lambda: changes(two) == changes(one), 10)
            same(one_node.cli("KEYS", "*"), "*0\r\n")


class Loaded(Server):
    """One that counts what is asked for edges of so much capacity: every client is near "one", then comes "two"."""

    def __init__(self, name, redis, capacity):
        rows = "prefix,edge,rtt_ms\n" + "".join("11.0.0.0/8,%s,%d\n" % x for x in (("one", 10), ("two", 15), ("three", 60)))
        spots = {"one": '"50,8"', "two": '"50,9"', "three": '"50,30"'}
        text = "fleet: { redis: \"redis://127.0.0.1:%d\", name: test, server: %s, secret: \"%s\" }\nedges:\n" % (redis, name, SECRET)
        text += "".join("  %s: { at: %s, a: 192.0.2.%d, capacity: %d }\n" % (n, at, i + 1, capacity) for i, (n, at) in enumerate(spots.items()))
        text += "pools: { web: { edges: [ one, two, three ] } }\nlatency: { files: [ rtt.csv ] }\nbalance: { every: 1s, low: 70%, high: 90% }\n"
        super().__init__({"example.com": APEX + "web 60 EDGE web\n"}, config=text, files={"rtt.csv": rows}, start=False)
        self.start()

    def edge(self, net):
        a = self.steer("web.example.com", "11.%d.%d.0/24" % (net // 16, net % 16 * 16)).addresses()[0]
        return {"192.0.2.1": "one", "192.0.2.2": "two", "192.0.2.3": "three"}[a]

    def prices(self):
        return {r["server"]: r.get("prices") for r in json_of(self, "fleet")["servers"] if r["state"] != "gone"}


@claim("three servers fill an edge together as one would, with the same prices, and go on so when they hear each other no more")
def load():
    with Redis() as redis, contextlib.ExitStack() as stack:
        ns = [stack.enter_context(Loaded("ns%d" % (i + 1), redis.port, 1000)) for i in range(3)]
        until(lambda: [json_of(s, "fleet")["live"] for s in ns] == [3] * 3, 20)
        until(lambda: [json_of(s, "fleet")["prices_by"] for s in ns] == ["ns1"] * 3, 20)
        state = {"begun": time.monotonic(), "asked": 0}
        got = []

        def ask():
            """120 queries a second in all, 40 of each server, by 64 groups."""
            while state["asked"] < (time.monotonic() - state["begun"]) * 120:
                got.append(ns[state["asked"] % 3].edge(state["asked"] // 3 % 64))
                state["asked"] += 1

        def share(seconds):
            """Of what is asked in that time so much goes to "one"."""
            got.clear()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                ask()
                time.sleep(0.005)
            return got.count("one") / len(got)

        def used():
            ask()
            rows = {e["edge"]: e for e in json_of(ns[1], "pools")[0]["edges"]}
            return rows["one"].get("used", 0) * 1000
        # All that the three are asked is known on each, though each has a third of it.
        until(lambda: 100 < used() < 140, 40)
        same(share(1), 1.0)
        for s in ns:
            s.config = s.config.replace("capacity: 1000 ", "capacity: 100 ")
            s.configure()
            same(s.ctl("reload")[0], 0)
        until(lambda: share(1) < 0.8, 40)
        # They are asked on: what is not asked while it waits comes in a burst, for which nobody has found prices.
        until(lambda: share(0.5) and len(set(ns[0].prices().values())) == 1, 10)
        same(share(4) * 120 <= 100, True, "more than it bears:")
        mixed = [[s.edge(n) for s in ns] for n in range(64)]
        same(len([m for m in mixed if len(set(m)) > 1]) <= 4, True, mixed)          # but for prices that move right now
        # Each alone knows a third of the demand, and keeps to a third of the edge.
        redis.kill()
        until(lambda: share(0.5) and [json_of(s, "fleet")["prices"] for s in ns] == ["alone"] * 3, 60)
        share(5)
        same(share(4) * 120 <= 100, True, "more than it bears:")
        redis.start()
        # Whoever is back first leads.
        lead = lambda: {json_of(s, "fleet")["prices_by"] for s in ns}
        until(lambda: share(0.5) and {json_of(s, "fleet")["live"] for s in ns} == {3} and len(lead()) == 1 and lead() != {""}, 60)
        until(lambda: share(0.5) and len(set(ns[0].prices().values())) == 1, 30)
        same(share(4) * 120 <= 100, True, "more than it bears:")
        # Who leads stops; the next one does.
        by = {"ns1": ns[0], "ns2": ns[1], "ns3": ns[2]}
        by.pop(lead().pop()).stop()
        until(lambda: [json_of(s, "fleet")["prices_by"] for s in by.values()] == [min(by)] * 2, 30)
        until(lambda: json_of(by[min(by)], "fleet")["demand_held"] == 0, 10)        # nothing is held for who has said good bye


@claim("servers whose configurations differ in what answers depend on are told of, and in which sections; of what is each server's own nothing is")
def configs():
    with Redis() as redis, fleet(3, redis.port) as (one, two, three):
        apart = lambda: [json_of(m, "status")["fleet_configs_apart"] for m in (one, two, three)]
        told = lambda m: [l for l in m.ctl("fleet")[1].splitlines() if "another configuration" in l]
        until(lambda: apart() == [0] * 3 and all(len({r["generation"] for r in m.rows().values()}) == 1 for m in (one, two, three)), 20)
        same(told(one), [])
        two.configure(two.config.replace("policy: ordered", "ttl: 7s, policy: ordered") + "balance: { every: 7s }\n")
        same(two.ctl("reload")[0], 0)
        until(lambda: told(one) == ["ns2 has another configuration than we have, in: balance, pools"] and apart() == [1, 2, 1], 20)
        same(told(three), told(one))
        same(told(two), ["%s has another configuration than we have, in: balance, pools" % n for n in ("ns1", "ns3")])
        at = lambda: re.sub("generation [0-9a-f]{8}", "-", re.sub("ns1 [0-9a-f]{8}", "ns1 -", one.ctl("fleet", "verify", "web.example.com", "--clients", "4")[1]))
        until(lambda: "ns2 has -, and ns1 -: another configuration (CONFIG): balance, pools\n" in at(), 20)
        two.configure(two.config.replace("ttl: 7s, ", "").replace("balance: { every: 7s }\n", "log: { format: json }\n"))
        same(two.ctl("reload")[0], 0)
        until(lambda: apart() == [0] * 3 and told(one) == [], 20)


@claim("fleet verify asks all servers that say where they are, and tells of clients that they answer differently")
def verify():
    with Redis() as redis, contextlib.ExitStack() as stack:
        ns = [stack.enter_context(Loaded("ns%d" % (i + 1), redis.port, 1000)) for i in range(3)]
        until(lambda: [json_of(s, "fleet")["live"] for s in ns] == [3] * 3, 20)
        until(lambda: len({r.get("generation") for r in json_of(ns[0], "fleet")["servers"]}) == 1, 60)
        until(lambda: ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "100") ==
              (0, "3 servers, 100 questions: 100 answered alike, 0 not\n"), 60)
        same(ns[2].ctl("force", "three", "down", "--here")[0], 0)
        same(ns[2].ctl("force", "one", "down", "--here")[0], 0)
        until(lambda: ns[2].edge(0) == "two", 10)
        code, said = ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "100", "--seed", "7")
        same((code, "  127.0.0.1:%d " % ns[2].port in said and "questions:" in said), (1, True), said)
        # Why: its generation is another, once the others have heard it; they may be told of it while they are asked.
        told = lambda: re.search(r"^ns3 has generation ([0-9a-f]{8}), and ns1 ([0-9a-f]{8}): edges in other states$",
                                 ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "40", "--seed", "7")[1], re.M)
        until(told, 60)
        rows = {r["server"]: r["generation"][:8] for r in json_of(ns[0], "fleet")["servers"]}
        same((rows["ns3"], rows["ns1"], rows["ns2"]), told().groups() + (rows["ns1"],))
        # They measure other times, which is no other generation.
        same([ns[2].ctl("revoke", str(c["change"]))[0] for c in json_of(ns[2], "changes")], [0, 0])
        ns[2].write("rtt.csv", "prefix,edge,rtt_ms\n11.0.0.0/8,one,70\n11.0.0.0/8,two,15\n11.0.0.0/8,three,60\n")
        same(ns[2].ctl("reload")[0], 0)
        until(lambda: ns[2].edge(0) == "two", 60)
        alike = lambda: ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "1000", "--seed", "7")
        until(lambda: re.search("^all have generation %s: what differs is what was measured" % rows["ns1"], alike()[1], re.M), 60)
        ns[2].write("rtt.csv", "prefix,edge,rtt_ms\n" + "".join("11.0.0.0/8,%s,%d\n" % x for x in (("one", 10), ("two", 15), ("three", 60))))
        same(ns[2].ctl("reload")[0], 0)
        same(ns[2].ctl("force", "three", "down", "--here")[0], 0)
        same(ns[2].ctl("force", "one", "down", "--here")[0], 0)
        until(lambda: ns[2].edge(0) == "two", 60)
        at = [w for s in ns[:2] for w in ("--at", "127.0.0.1:%d" % s.port)]
        # Their demand has moved, and each hears of it in its time.
        until(lambda: ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "40", "--seed", "7", *at) ==
              (0, "2 servers, 40 questions: 40 answered alike, 0 not\n"), 60)
        ns[1].stop()
        code, said = ns[0].ctl("fleet", "verify", "web.example.com", "--clients", "2", *at)
        same((code, said), (1, "2 servers, 2 questions: 2 answered alike, 0 not; 2 times a server did not answer\n"))
        same(ns[0].ctl("fleet", "verify", "--clients", "2")[0], 2)


run("redis")
