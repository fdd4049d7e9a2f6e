"""Servers that share what they know by a Redis."""
import re
from fleet import *

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../doc/fleet.md")


@claim("servers of a fleet find each other, serve the same, and an edge is down when two of three say so")
def quorum():
    with Redis() as redis, fleet(3, redis.port) as (one, two, three):
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


def changes(m):
    return sorted((c["edge"], c["what"], c["who"], c["why"]) for c in json_of(m, "changes"))


def agree(*mates):
    return len({r["will"] for m in mates for r in m.rows().values()}) == 1 and len({str(changes(m)) for m in mates}) == 1


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
        same(re.findall("is reached|going on alone", one.said())[-3:], ["is reached", "going on alone", "is reached"])


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


@claim("another secret, and what somebody else writes, is passed over and told of")
def forged():
    with Redis() as redis, fleet(1, redis.port) as (one,):
        redis.cli("PUBLISH", "waymark:{test}:news", "nonsense")
        until(lambda: "cannot be opened" in one.said(), 10)
        same(json_of(one, "status")["fleet_forged"] >= 1, True)


def hears(one, redis):
    """That server and the Redis have all they need of each other: what is wanted is stored, heard and told."""
    until(lambda: one.fleet()["reached"], 10)
    same(one.ctl("force", "a", "down")[0], 0)
    until(lambda: "waymark:{test}:will" in redis("KEYS", "waymark:*"), 10)
    until(lambda: "waymark:{test}:health" in redis("KEYS", "waymark:*"), 10)
    until(lambda: json_of(one, "status")["fleet_heard"] >= 3, 10)
    same("NOPERM" in one.said(), False, one.said())


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
            ('redis: "redis://h", name: a, secret: "%s", quorum: { by: region }' % SECRET, "write for example: region")):
        with Server({"example.com": APEX}, "fleet: { %s }" % text, start=False) as s:
            code, said = s.check()
            same(code, 1, said)
            same(says in said and "hidden" not in said and SECRET not in said, True, said)


if __name__ == "__main__":
    run("fleet")
