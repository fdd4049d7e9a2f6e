#!/usr/bin/python3
"""redis_signed - zones that a fleet signs: three servers with the same keys, on a real Redis.

What each of them serves is verified by ldns-verify-zone and dnssec-verify, and its steered answers by delv. Skipped where there is no
redis-server, ldns-verify-zone or delv.
"""
import os
import re
import resource
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from fleet import *
from xfr import *

KEY = Key("xfr", b"x" * 32)
HEAD = "$TTL 3\n@ SOA ns1 host 7 7200 2 1209600 3\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n"
STEERED = HEAD + "web EDGE web\n"
DYN = HEAD + "".join("n%d A 192.0.2.%d\n" % (i, i) for i in range(50))
POLICY = "dnssec: { auto: { keys: split, dnskey-ttl: 2s, propagation: 1s, ds-ttl: 2s, lifetime: 10m, refresh: 1m, jitter: 10s%s } }\n"


def configured(m, file, policy=""):
    m.write("dyn.zone", DYN)
    m.write("steered.zone", STEERED)
    begins = lambda name: "file: %s.zone, " % name if file else ""
    m.configure(m.config + "keys: { xfr: %s }\n" % KEY.yaml() + POLICY % policy,
                "[ { name: dyn.test, fleet: on, transfer: any, dnssec: auto, %supdate: [ { key: xfr } ] },\n"
                "  { name: steered.test, %sfleet: on, dnssec: auto } ]" % (begins("dyn"), begins("steered")))
    return m


@contextlib.contextmanager
def signers(n, redis, policy=""):
    for program in ("ldns-verify-zone", "dnssec-verify", "delv", "dig"):
        if not shutil.which(program):
            raise Skip("%s is not installed" % program)
    with contextlib.ExitStack() as stack:
        mates = [configured(stack.enter_context(Mate("ns%d" % (i + 1), redis.port, edges="ab")), i == 0, policy) for i in range(n)]
        for m in mates:
            m.start()
        for m in mates:
            until(lambda: m.udp("www.dyn.test").addresses() == ["192.0.2.1"], 20)
        try:
            until(lambda: all(tags(m) and tags(m, "steered.test") for m in mates) and len({serial(m) for m in mates}) == 1, 30)
            yield mates
        except AssertionError as why:
            raise AssertionError("%s\n%s" % (why, "\n".join("%s:\n%s" % (m.name, m.said()[:4000]) for m in mates)))


def change(m, name, n):
    packet, _ = update("dyn.test", (name + ".dyn.test", 1, 1, 3, bytes([192, 0, 2, n])), key=KEY)
    return m.exchange(packet, 15)[3] & 15


def serial(m):
    answer = m.udp("dyn.test", "SOA").answer
    return int(answer[0][3].split()[2]) if answer else None


def dig(m, *words):
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(m.port), "+norec", "+tries=2", "+time=5", *words], capture_output=True, text=True,
                          timeout=30).stdout


def tags(m, name="dyn.test"):
    """Of the keys that the zone says it has."""
    return {tuple(line.split()) for line in dig(m, name, "DNSKEY", "+short", "+tcp").splitlines() if line[:1].isdigit()}


def verify(m):
    """What is wrong with what that server serves; ""."""
    axfr = dig(m, "dyn.test", "AXFR", "+onesoa", "+noall", "+answer")
    path = os.path.join(m.dir, "axfr")
    m.write("axfr", axfr)
    for words in (["ldns-verify-zone", path], ["dnssec-verify", "-q", "-o", "dyn.test", path]):
        got = subprocess.run(words, capture_output=True, text=True, timeout=60)
        if got.returncode:
            return "%s %s: %s%s" % (m.name, words[0], got.stdout[-600:], got.stderr[-600:])
    keys = "".join("  \"steered.test.\" static-key %s %s %s \"%s\";\n" % (*k[:3], "".join(k[3:])) for k in tags(m, "steered.test") if k[0] == "257")
    m.write("anchors", "trust-anchors {\n%s};\n" % keys)
    for name, qtype in (("web", "A"), ("www", "A"), ("web", "TXT"), ("nothing", "A")):
        got = subprocess.run(["delv", "@127.0.0.1", "-p", str(m.port), "-a", os.path.join(m.dir, "anchors"), "+root=steered.test",
                              name + ".steered.test", qtype], capture_output=True, text=True, timeout=30)
        if "fully validated" not in got.stdout + got.stderr:
            return "%s %s %s: %s" % (m.name, name, qtype, got.stdout + got.stderr)
    return ""


def right(*mates):
    """All verify, once they have the same: a transfer and questions that others change the zone between are none of ours."""
    def same_and_right():
        before = [serial(m) for m in mates]
        said = [verify(m) for m in mates]
        return len(set(before)) == 1 and [serial(m) for m in mates] == before and said
    said = []
    until(lambda: said.append(same_and_right()) or said[-1], 30)
    same([s for s in said[-1] if s], [], "\n".join(m.said()[-1500:] for m in mates))


def holder(mates):
    """Who signs, once all say the same."""
    told = {m.fleet()["signer"] for m in mates}
    return next((m for m in mates if told == {m.name}), None)


def signer(mates):
    found = []
    until(lambda: found.append(holder(mates)) or found[-1], 20)
    return found[-1]


def status(m):
    return m.ctl("dnssec", "status", "dyn.test")[1]


@claim("three servers sign one zone with the same keys, whoever changes it; the keys in Redis cannot be read, and are the same after a FLUSHALL")
def signs():
    with Redis() as redis, signers(3, redis) as mates:
        right(*mates)
        same(len({frozenset(tags(m)) for m in mates}), 1)
        until(lambda: re.search("zones are signed anew, and their keys rolled, by ns[1-3]\n", mates[0].ctl("fleet")[1]), 20)
        for i, m in enumerate(mates):
            same(change(m, "new%d" % i, i + 1), 0, m.said()[-2000:])
        right(*mates)
        same([m.udp("new%d.dyn.test" % i).addresses() for m in mates for i in range(3)], [["192.0.2.%d" % (i + 1)] for _ in mates for i in range(3)])
        # Many at once, from all.
        def many(m, name):
            for i in range(10):
                same(change(m, "%s%d" % (name, i), i), 0, m.said()[-2000:])
        threads = [threading.Thread(target=many, args=x) for x in zip(mates, "xyz")]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        right(*mates)
        same(len([line for line in dig(mates[0], "dyn.test", "AXFR").splitlines() if re.match("[xyz][0-9].*\tA\t", line)]), 30)
        # The private halves are on the disks of all three, and in Redis for nobody who has not the secret.
        private = {open(os.path.join(d, f)).read() for m in mates for d, _, files in os.walk(m.dir) for f in files if f.endswith(".private")}
        same(len(private), 4, "a KSK and a ZSK of each zone, the same everywhere:")
        key = re.search(r"waymark:\{test\}:zone:[0-9a-f]+", redis.cli("KEYS", "*")).group(0)
        with socket.create_connection(("127.0.0.1", redis.port), timeout=5) as s:
            s.sendall(b"*2\r\n$7\r\nHGETALL\r\n$%d\r\n%s\r\n" % (len(key), key.encode()))
            s.settimeout(1)
            said = b""
            with contextlib.suppress(socket.timeout):
                while True:
                    said += s.recv(1 << 16)
        same(b"keys:record" in said and len(said) > 2000, True)
        for text in private:                                                # of either zone
            secret = re.search("PrivateKey: (.*)", text).group(1)
            same((secret.encode() in said, base64.b64decode(secret) in said, b"Private-key" in said, b"dnskey" in said), (False,) * 4)
        before = tags(mates[0])
        redis.cli("FLUSHALL")
        until(lambda: change(mates[1], "after", 9) == 0, 30)
        until(lambda: "keys:record" in redis.cli("HKEYS", key), 30)
        right(*mates)
        same([tags(m) for m in mates], [before] * 3)


@claim("a view is not signed by the fleet, which check says before it is tried")
def views():
    with Redis() as redis, Mate("ns1", redis.port) as m:
        m.write("dyn.zone", HEAD)
        zones = "[ { name: dyn.test, for: office, fleet: on, file: dyn.zone%s } ]"
        m.configure(m.config + "clients: { office: { nets: 10.0.0.0/8 } }\n", zones % ", dnssec: auto")
        code, said = m.ctl("check")
        same((code, "3:10: error: a view is not signed by the fleet: take \"dnssec\", \"fleet\" or \"for\" out" in said), (1, True), said)
        m.configure(zones=zones % "")
        same(m.ctl("check")[0], 0)


@claim("a roll that is asked for at any server goes on when the one that signs is killed in the midst of it, and ends; nothing is bogus")
def rolls():
    with Redis() as redis, signers(3, redis) as mates:
        before = tags(mates[0])
        until(lambda: "published" in status(mates[0]) or "signed" in status(mates[0]), 30)
        killed = signer(mates)
        rest = [m for m in mates if m is not killed]
        ask = rest[0]
        until(lambda: ask.ctl("dnssec", "roll", "dyn.test", "--zsk")[0] == 0, 30)
        until(lambda: len(tags(rest[1])) > len(before), 30)             # the new one is published everywhere
        killed.kill()
        until(lambda: holder(rest), 20)
        same(change(rest[1], "midst", 5), 0, rest[1].said()[-2000:])
        right(*rest)
        until(lambda: len(tags(rest[0])) == len(before) and tags(rest[0]) != before and right(*rest) is None, 120)
        killed.start()
        until(lambda: tags(killed) == tags(rest[0]), 30)
        right(*mates)
        same(killed.udp("midst.dyn.test").addresses(), ["192.0.2.5"])


@claim("without the Redis nothing is rolled or refreshed, and all serve what they have, also after a restart; one that was stopped for a while does no harm")
def apart():
    with Redis() as redis, signers(3, redis) as mates:
        signs = signer(mates)
        rest = [m for m in mates if m is not signs]
        # Stopped while it has the lease: another has it, rolls, and the one that wakes up goes by what that did.
        signs.proc.send_signal(signal.SIGSTOP)
        try:
            until(lambda: holder(rest), 20)
            before = tags(rest[0])
            until(lambda: rest[1].ctl("dnssec", "roll", "dyn.test", "--zsk")[0] == 0, 30)
            until(lambda: len(tags(rest[0])) > len(before), 30)
        finally:
            signs.proc.send_signal(signal.SIGCONT)
        until(lambda: tags(signs) == tags(rest[0]), 30)
        right(*mates)
        redis.kill()
        until(lambda: not any(m.fleet()["reached"] for m in mates), 10)
        code, said = rest[0].ctl("dnssec", "roll", "dyn.test", "--ksk")
        same((code, "Redis" in said), (1, True), said)
        had = [tags(m) for m in mates]
        rest[1].stop()
        rest[1].start()
        time.sleep(6)                                                   # longer than each of the waits
        same([tags(m) for m in mates], had)
        right(*mates)
        redis.start()
        until(lambda: change(rest[1], "again", 6) == 0, 30)
        until(lambda: len(tags(mates[0])) == 2, 90)                     # the roll of before ends
        right(*mates)


@claim("a server that cannot write all keys of a zone keeps none of them, and takes them when it can")
def obstacle():
    with Redis() as redis, signers(1, redis) as mates, Mate("ns2", redis.port, edges="ab") as late:
        has = lambda m: sorted(f for _, _, files in os.walk(m.dir) for f in files if f.startswith("Kdyn.test"))
        folder = next(d for d, _, files in os.walk(mates[0].dir) if has(mates[0])[0] in files)
        told = [int(tag) for tag in re.findall(r"(?:KSK|ZSK) ([0-9]+)", status(mates[0]))]
        there = [next(f for f in has(mates[0]) if f.endswith("+%05d.private" % tag)) for tag in dict.fromkeys(told)]
        same(len(there), 2, status(mates[0]))
        # Where the file of the later one belongs, there is a folder.
        instead = os.path.join(late.dir, os.path.relpath(folder, mates[0].dir), there[1])
        os.makedirs(os.path.join(instead, "x"))
        configured(late, False).start()
        until(lambda: there[1] in late.said(), 60)
        until(lambda: has(late) == [], 60)
        same([f for f in has(mates[0]) if f.endswith(".private")], sorted(there))
        shutil.rmtree(instead)
        until(lambda: has(late) == has(mates[0]), 60)
        until(lambda: tags(late) == tags(mates[0]), 60)
        right(*mates, late)


@claim("where one server cannot store what it has told the fleet of keys, all have the same keys and serve the zone right when it can again")
def not_stored():
    with Redis() as redis, signers(2, redis) as mates:
        one = signer(mates)
        has = lambda m: sorted(f for _, _, files in os.walk(m.dir) for f in files if f.startswith("Kdyn.test"))
        before, soft = has(one), resource.prlimit(one.proc.pid, resource.RLIMIT_FSIZE)
        # Files of keys can be written, the store cannot.
        resource.prlimit(one.proc.pid, resource.RLIMIT_FSIZE, (3000, soft[1]))
        for _ in range(3):
            one.ctl("dnssec", "roll", "dyn.test", "--zsk")
            time.sleep(0.5)
        resource.prlimit(one.proc.pid, resource.RLIMIT_FSIZE, soft)
        def rolls():
            code, said = one.ctl("dnssec", "roll", "dyn.test", "--zsk")
            return code == 0 or "on its way out" in said         # what the fleet was told holds
        until(rolls, 30)
        until(lambda: has(one) != before and has(mates[0]) == has(mates[1]) and not any(f.endswith(".new") for f in has(one)), 60)
        until(lambda: tags(mates[0]) == tags(mates[1]) and len({serial(m) for m in mates}) == 1, 60)
        right(*mates)


run("redis_signed")
