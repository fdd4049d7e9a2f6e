"""Edges that have the addresses of a name (ALIAS), with a real named as the resolver."""
import json
import shutil
import sqlite3
import subprocess
from lib import *

if not shutil.which("named") or not shutil.which("delv"):
    print("skipped: named or delv is not installed (bind9, bind9-dnsutils)")
    print("flatten: 0 passed, 0 failed, 1 skipped")
    sys.exit(0)

CDN = "$TTL 2\n@ SOA ns h 1 7200 900 1209600 2\n@ NS ns\nns A 127.0.0.1\n%s"
FIRST = "www 300 CNAME edge\nedge 3 A 198.51.100.2\nedge 3 A 198.51.100.1\nedge 5 AAAA 2001:db8::7\nlong 7200 A 198.51.100.9\n"


class Named:
    """The authority for cdn.test; what it says may be replaced."""

    def __init__(self, folder, port):
        self.dir, self.port, self.proc = folder, port, None
        os.mkdir(folder)

    def say(self, records):
        with open(self.dir + "/cdn.zone", "w") as f:
            f.write(CDN % records)
        self.stop()
        with open(self.dir + "/conf", "w") as f:
            f.write("options { directory \"%s\"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; recursion no; "
                    "dnssec-validation no; session-keyfile none; managed-keys-directory \"%s\"; };\ncontrols { };\n"
                    "zone cdn.test { type primary; file \"cdn.zone\"; };\n" % (self.dir, self.port, self.dir))
        self.proc = subprocess.Popen(["named", "-f", "-n", "1", "-c", self.dir + "/conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: "status: NOERROR" in subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "cdn.test", "soa", "+time=1", "+tries=1"],
                                                          capture_output=True, text=True).stdout, True)
        return self

    def stop(self):
        if self.proc:
            self.proc.kill()
            self.proc.wait()
        self.proc = None


def until(get, want, seconds=60):
    end = time.monotonic() + seconds * SLOW
    while (got := get()) != want and time.monotonic() < end:
        time.sleep(0.05)
    same(got, want)


ZONE = APEX + "@ 60 EDGE cdn\n@ MX 10 ns1\nlong 60 EDGE long\nboth 60 EDGE both\n*.w 60 EDGE cdn\n"
CONFIG = """
resolver: { at: "127.0.0.1:%d", ttl: 1s-1h }
edges:
  cdn: { flatten: www.cdn.test }
  long: { flatten: long.cdn.test }
  own: { a: 192.0.2.1 }
pools:
  cdn: { edges: [ cdn ], policy: ordered, https: { alpn: [ h2 ] } }
  long: { edges: [ long ], policy: ordered }
  both: { edges: [ cdn, own ], policy: ordered }
"""


def addresses(s, name, qtype="A"):
    """Nothing as well while nobody is answered, since it is not resolved yet."""
    packet = s.exchange(query(name, qtype), 0.3)
    return sorted(Message(packet).addresses()) if packet else []


def flat(more="", zones="[ { dir: zones } ]"):
    s = Server({"flat.test": ZONE}, start=False)
    s.named = Named(s.dir + "/named", free_port())
    s.text = CONFIG % s.named.port + more
    s.configure(s.text, zones)
    return s


@claim("an apex has the addresses of a name behind a CNAME, with the least TTL on the way, and follows them; what was known stays while no resolver says anything")
def follows():
    with flat() as s:
        try:
            s.named.say(FIRST)
            s.start()
            until(lambda: addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.2"])
            same(addresses(s, "flat.test", "AAAA"), ["2001:db8::7"])
            same({r[2] for r in s.udp("flat.test").answer}, {3})
            same(s.udp("flat.test", "MX").rcode, NOERROR)
            assert s.udp("flat.test", "MX").answer and s.udp("x.w.flat.test", "AAAA").addresses() == ["2001:db8::7"]
            assert s.udp("flat.test", "HTTPS").answer[0][3].endswith("00040008c6336401c6336402" + "00060010" + "20010db8" + 22 * "0" + "07")
            until(lambda: addresses(s, "long.flat.test"), ["198.51.100.9"])
            same({r[2] for r in s.udp("long.flat.test").answer}, {60}, "the EDGE record's:")
            told = json.loads(s.ctl("edges", "--json")[1])[0]
            same((told["edge"], told["flatten"], told["flatten_ttl_s"], told["a"], told["aaaa"]), ("cdn", "www.cdn.test.", 3, 2, 1))
            assert "flattens www.cdn.test." in s.ctl("edges")[1]
            assert "198.51.100.1" in s.ctl("explain", "flat.test", "--client", "192.0.2.9")[1]
            s.named.say(FIRST.replace("198.51.100.2", "198.51.100.3").replace("edge 5 AAAA 2001:db8::7\n", ""))
            until(lambda: (addresses(s, "flat.test"), addresses(s, "flat.test", "AAAA")), (["198.51.100.1", "198.51.100.3"], []))
            s.named.stop()
            until(lambda: "cannot be resolved" in s.said() and "s ago stays" in s.said(), True)
            same(addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.3"])
            same(s.ctl("reload")[0], 0)
            s.configure(s.text + "  more: { edges: [ own ], policy: ordered }\n")
            same(s.ctl("reload")[0], 0)
            same(addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.3"], "over a reload:")
            s.named.say("www A 198.51.100.77\n")
            until(lambda: addresses(s, "flat.test"), ["198.51.100.77"])
            s.named.say("other A 198.51.100.77\n")           # the name has gone
            until(lambda: (addresses(s, "flat.test"), addresses(s, "both.flat.test")), ([], ["192.0.2.1"]))
            until(lambda: "flatten www.cdn.test.: it has no address" in s.said(), True)
            s.ctl("force", "cdn", "down")
        finally:
            s.named.stop()


@claim("until a name is resolved for the first time nobody is told that it has no address; edges beside it answer")
def at_first():
    with flat() as s:
        try:
            s.start()
            same(addresses(s, "both.flat.test"), ["192.0.2.1"])
            try:
                m = s.exchange(query("flat.test", "A"), 0.3)
            except AssertionError:
                m = None
            same(m, None)
            until(lambda: "nothing is known of it yet" in s.said(), True)
            s.named.say(FIRST)
            until(lambda: addresses(s, "both.flat.test"), ["198.51.100.1", "198.51.100.2"])
            same(addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.2"])
        finally:
            s.named.stop()


@claim("in signed zones new addresses are signed before they are served")
def signed():
    with flat("store: { file: waymark.db }\n", "[ { name: flat.test, file: zones/flat.test.zone, dnssec: auto } ]") as s:
        try:
            s.named.say(FIRST)
            s.start()
            until(lambda: addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.2"])
            for change in ("198.51.100.2", "198.51.100.4"):
                s.named.say(FIRST.replace("198.51.100.2", change))
                want = sorted(["198.51.100.1", change])
                def signed_answer():
                    packet = s.exchange(query("flat.test", "A", edns=opt(flags=0x8000)), 0.3)
                    if not packet:
                        return []
                    m = Message(packet)
                    same(len([r for r in m.answer if r[1] == 46]), 1, m.answer)
                    return sorted(m.addresses())
                until(signed_answer, want)
            same(json.loads(s.ctl("status", "--json")[1])["pool_unsigned"], 0)
            # A stage that flattens another name has that one's addresses; taken back, the first's.
            s.configure(s.text.replace("{ flatten: www.cdn.test }", "{ flatten: long.cdn.test }").replace("  both:", "  first: { edges: [ own ], policy: ordered }\n  both:"),
                        "[ { name: flat.test, file: zones/flat.test.zone, dnssec: auto } ]")
            same(s.ctl("reload", "--stage", "100%")[0], 0)
            until(lambda: addresses(s, "flat.test"), ["198.51.100.9"])
            until(lambda: signed_answer(), ["198.51.100.9"])
            same(s.ctl("reload", "--rollback")[0], 0)
            until(lambda: signed_answer(), want)
        finally:
            s.named.stop()


@claim("what was resolved outlives a restart: it is answered at once while no resolver does, for 30 s at most, signed, too; status tells how old it is; a week later it is known no more")
def restarted():
    with flat("store: { file: waymark.db }\n", "[ { name: flat.test, file: zones/flat.test.zone, dnssec: auto } ]") as s:
        def status(*keys):
            told = json.loads(s.ctl("status", "--json")[1])
            return tuple(told[k] for k in keys)
        def restart(sql):
            s.stop()
            db = sqlite3.connect(s.dir + "/waymark.db")
            db.execute(sql)
            db.commit()
            db.close()
            s.start()
        try:
            s.named.say(FIRST)
            s.start()
            until(lambda: (addresses(s, "flat.test"), addresses(s, "long.flat.test")), (["198.51.100.1", "198.51.100.2"], ["198.51.100.9"]))
            same(status("flatten_names", "flatten_unresolved", "flatten_kept", "flatten_failing"), (2, 0, 0, 0))
            s.named.stop()
            until(lambda: len(sqlite3.connect("file:%s/waymark.db?mode=ro" % s.dir, uri=True).execute("SELECT * FROM flat").fetchall()), 2)
            restart("UPDATE flat SET at_s = at_s - 3600")
            until(lambda: addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.2"])
            same({r[2] for r in s.udp("long.flat.test").answer}, {30}, "what is stale:")
            same(len([r for r in s.udp("flat.test", edns=opt(flags=0x8000)).answer if r[1] == 46]), 1)
            assert "flatten www.cdn.test.: it had 2 A and 1 AAAA 36" in s.said(), s.said()
            until(lambda: status("flatten_kept", "flatten_failing"), (2, 2))
            same(3600 <= status("flatten_oldest_s")[0] < 4000, True)
            assert "flattened names cannot be resolved" in s.ctl("status")[1]
            s.named.say(FIRST.replace("198.51.100.2", "198.51.100.3"))
            until(lambda: addresses(s, "flat.test"), ["198.51.100.1", "198.51.100.3"])
            until(lambda: {r[2] for r in s.udp("long.flat.test").answer}, {60})
            until(lambda: status("flatten_kept", "flatten_failing") + (status("flatten_oldest_s")[0] < 600,), (0, 0, True))
            s.named.stop()
            restart("UPDATE flat SET at_s = at_s - 8 * 86400")
            same(status("flatten_unresolved", "flatten_kept"), (2, 0))
            same(addresses(s, "flat.test"), [])
        finally:
            s.named.stop()


@claim("what is wrong is told: addresses beside the name, a name of our own, a resolver that is none")
def told():
    with flat() as s:
        for text, code, say in ((s.text.replace("www.cdn.test }", "www.cdn.test, a: 192.0.2.7 }"), 1, ":7:10: error: an edge that flattens a name has no addresses"),
                                (s.text.replace("www.cdn.test", "x.flat.test"), 0, "warning: edge cdn flattens x.flat.test., a name of zone flat.test., which is served here"),
                                (s.text.replace("127.0.0.1:", "dns.example:"), 1, "\"at\" must be an address"),
                                (s.text.replace("1s-1h", "1h-1s"), 1, "\"ttl\" must be a range")):
            s.configure(text)
            got, said = s.check()
            assert got == code and say in said, said


run("flatten")
