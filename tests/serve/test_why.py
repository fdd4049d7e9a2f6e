"""Why a client got an edge some time ago: what is kept of answers, and who is watched."""
import json
import re

from edges import until
from lib import *

CONFIG = """geoip: { city: { file: %s/geoip/city.mmdb } }
edges:
  ams1: { at: "52,5",   a: [ 192.0.2.1 ], records: [ "SRV 0 1 443 ams1.example.net" ] }
  nyc1: { at: "40,-74", a: [ 192.0.2.2 ], records: [ "SRV 0 1 443 nyc1.example.net" ] }
  sin1: { at: "1,103",  a: [ 192.0.2.3 ] }
pools:
  web: { edges: [ ams1, nyc1, sin1 ] }
  off: { edges: [ ams1 ], all-down: empty }
  svc: { edges: [ ams1, nyc1, sin1 ], https: { alpn: [ h2 ] } }
""" % TOP
STORE = "store: { file: waymark.db }\n"
ZONE = "$TTL 60\n@ SOA ns1 host 7 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\nwww EDGE web\noff EDGE off\nsvc EDGE svc\n"
BACK = {"192.0.2.%d" % (i + 1): e for i, e in enumerate(("ams1", "nyc1", "sin1"))}

CLIENTS = int(os.environ.get("CLIENTS", 60))                # over 60: each of them is asked for


def why(s, client, *words):
    code, text = s.ctl("why", "--client", client, "--json", *words)
    same(code, 0, text)
    return json.loads(text)["answers"]


@claim("of clients on watch all answers are kept, with runner-up and health as they were, over kill -9 too, and a share of the others")
def watched():
    rng = random.Random(9)
    nets = ["%d.%d.%d.0/24" % ((8, 80, 120)[n >> 16], n >> 8 & 255, n & 255) for n in rng.sample(range(3 << 16), CLIENTS)]
    with Server({"a.test": ZONE}, config=STORE + CONFIG) as s:
        ask = lambda net, name="www.a.test": s.udp(name, options=ecs(net))
        for net in ("8.0.0.0/8", "80.0.0.0/8", "120.0.0.0/8"):
            same(s.ctl("watch", net, "--for", "1h")[0], 0)
        was = {net: BACK[ask(net).addresses()[0]] for net in nets}
        same(len(set(was.values())), 3, was)
        # What is no question for addresses is kept as well, by its type.
        for kind in ("HTTPS", "SRV", "A"):
            same(s.udp("svc.a.test", kind, options=ecs("80.1.1.0/24")).rcode, 0)
        until(lambda: len(why(s, "80.1.1.7", "svc.a.test")) == 3, 20)
        rows = {r["type"]: r for r in why(s, "80.1.1.7", "svc.a.test")}
        same(([(rows[k]["edge"] == rows["A"]["edge"], rows[k]["client"]) for k in ("HTTPS", "SRV")], rows["SRV"]["runner_up"]),
             ([(True, "80.1.1.0/24")] * 2, [e for e in ("ams1", "nyc1") if e != rows["A"]["edge"]][0]))
        same(s.ctl("force", "ams1", "down")[0], 0)
        until(lambda: ask(nets[0], "off.a.test").addresses() == [], 20)
        changed = list(dict.fromkeys([n for n in nets if was[n] == "ams1"][:3] + [nets[0]]))
        now = {net: BACK[ask(net).addresses()[0]] for net in changed}
        ask("9.9.9.0/24")
        until(lambda: [r["health"] for r in why(s, changed[-1].split("/")[0], "www.a.test")][:1] == ["2 of 3 up; down: ams1"], 20)
        for net in dict.fromkeys(rng.sample(nets, 15 if CLIENTS == 60 else CLIENTS) + changed):
            rows = why(s, net.replace(".0/24", ".%d" % rng.randrange(256)), "www.a.test")
            same([(r["client"], r["edge"], r["watched"], r["serial"], r["ttl"]) for r in rows],
                 [(net, e, True, 7, 60) for e in ([now[net]] if net in changed else []) + [was[net]]])
            same((rows[-1]["why"], rows[-1]["health"], rows[-1]["configuration_is_served"]), ("best", "3 of 3 up", True))
            same({rows[-1]["edge"], rows[-1]["runner_up"]} < {"ams1", "nyc1", "sin1"} and rows[-1]["edge"] != rows[-1]["runner_up"], True, rows)
        rows = why(s, nets[0].split("/")[0], "off.a.test")
        same((rows[0]["edge"], rows[0]["why"], rows[0]["health"]), (None, "nobody may answer", "0 of 1 up; down: ams1"))
        same(why(s, "9.9.9.9"), [], "who is not watched:")
        s.proc.kill()
        s.proc.wait()
        s.start()
        same(why(s, changed[0].split("/")[0], "www.a.test")[-1]["edge"], "ams1")
        same([w["net"] for w in json.loads(s.ctl("watch", "--json")[1])["watched"]], ["8.0.0.0/8", "80.0.0.0/8", "120.0.0.0/8"])
        text = s.ctl("why", "--client", changed[0].split("/")[0], "--at", "0s", "www.a.test")[1]
        same(bool(re.search(r"(?s)edge       \S+: failover, of pool web\n.*health     2 of 3 up; down: ams1\n.*before\n  .* ams1 ", text)), True, text)
        same(s.ctl("watch", "8.0.0.0/8", "--stop")[0], 0)
        same(s.ctl("watch", "80.0.0.0/8", "--for", "1s")[0], 0)
        until(lambda: [w["net"] for w in json.loads(s.ctl("watch", "--json")[1])["watched"]] == ["120.0.0.0/8"], 20)
        # A share of all, by the configuration.
        s.configure(STORE + CONFIG + "log: { decisions: { keep: 1h, sample: 50% } }\n")
        same(s.ctl("reload")[0], 0)
        for i in range(20):
            ask("9.9.9.0/24")
        until(lambda: len(why(s, "9.9.9.9")) == 6, 20)
        same(why(s, "9.9.9.9")[0]["watched"], False)


@claim("what cannot be asked, or cannot be kept, is told")
def told():
    with Server({"a.test": ZONE}, config=CONFIG) as s:
        for words, says in ((("why", "--client", "1.2.3.4"), "there is no store"), (("watch", "1.2.3.4"), "there is no store"),
                            (("why", "--client", "1.2.3"), "1.2.3: "), (("why", "--client", "1.2.3.4", "--at", "never"), "--at never: no moment"),
                            (("why", "--client", "1.2.3.4", "a..b"), "a..b "), (("watch", "1.2.3.4", "--for", "40d"), "from 1s to 30d"),
                            (("watch", "1.2.3.4/8"), "1.0.0.0/8")):
            code, text = s.ctl(*words)
            same((code, says in text), (1, True), text)
        for words in (("why",), ("watch", "--stop"), ("watch", "1.2.3.4", "5.6.7.8"), ("why", "--client", "1.2.3.4", "a", "b")):
            same(s.ctl(*words)[0], 2, words)
        for more, says in (("decisions: { sample: 1% }", "decisions go nowhere"), ("decisions: { keep: 7d }", "\"keep\" needs a store")):
            s.configure(CONFIG + "log: { %s }\n" % more)
            code, text = s.check()
            same((code, says in text), (1, True), text)


run("why")
