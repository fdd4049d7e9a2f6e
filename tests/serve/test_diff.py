"""waymarkctl diff: the running configuration against a file."""
import json
from lib import *

ZONES = {"example.com": APEX + "cdn EDGE web\n", "example.net": APEX}
CONFIG = """
cookies: { secret: "00112233445566778899aabbccddeeff" }
rrl: { rate: 100, exempt: [ 192.0.2.0/24 ] }
geoip: { city: { file: %s/geoip/city.mmdb } }
latency: { half-life: 6h, switch: { gain: 2ms } }
probes: { alive: { kind: tcp, port: 80, every: 5s } }
edges:
  ams: { at: "52,5", a: [ 192.0.2.1 ], weight: 2 }
  nyc: { at: "40,-74", a: [ 192.0.2.2 ] }
  sin: { at: "1,103", a: [ 192.0.2.3 ] }
pools:
  web: { edges: [ ams, nyc ], answers: 1, pin: { country: { "NO": ams } } }
  api: { edges: [ sin ] }
""" % TOP

# A word of the file, what stands there instead, and the row that diff has for it.
CASES = (
    ("weight: 2", "weight: 3", {"section": "edges", "name": "ams", "key": "weight", "change": "changed", "from": "2", "to": "3"}),
    (", weight: 2", "", {"section": "edges", "name": "ams", "key": "weight", "change": "gone", "from": "2"}),
    ("a: [ 192.0.2.2 ] }", "a: [ 192.0.2.2 ], state: drain }",
     {"section": "edges", "name": "nyc", "key": "state", "change": "added", "to": "drain"}),
    ("  nyc:", "  mad: { at: \"40,-3\", a: [ 192.0.2.9 ] }\n  nyc:",
     {"section": "edges", "name": "mad", "change": "added", "to": {"at": "40,-3", "a": ["192.0.2.9"]}}),
    ("  api: { edges: [ sin ] }\n", "", {"section": "pools", "name": "api", "change": "gone", "from": {"edges": ["sin"]}}),
    ("[ ams, nyc ]", "[ nyc, ams ]",
     {"section": "pools", "name": "web", "key": "edges", "change": "changed", "from": ["ams", "nyc"], "to": ["nyc", "ams"]}),
    ('"NO": ams', '"NO": nyc',
     {"section": "pools", "name": "web", "key": "pin: country: NO", "change": "changed", "from": "ams", "to": "nyc"}),
    ("every: 5s", "every: 9s",
     {"section": "probes", "name": "alive", "key": "every", "change": "changed", "from": "5s", "to": "9s"}),
    ("rate: 100", "rate: 200", {"section": "rrl", "key": "rate", "change": "changed", "from": "100", "to": "200"}),
    ("rrl: { rate: 100, exempt: [ 192.0.2.0/24 ] }\n", "", [
        {"section": "rrl", "key": "rate", "change": "gone", "from": "100"},
        {"section": "rrl", "key": "exempt", "change": "gone", "from": ["192.0.2.0/24"]}]),
    ("gain: 2ms", "gain: 1ms", {"section": "latency", "key": "switch: gain", "change": "changed", "from": "2ms", "to": "1ms"}),
    ("00112233", "ffffffff", {"section": "cookies", "key": "secret", "change": "changed", "secret": True}),
    ("workers: 1", "workers: 2",
     {"section": "server", "key": "workers", "change": "changed", "from": "1", "to": "2", "restart": True}),
    ("workers: 1", "workers: 1, ecs: off", {"section": "server", "key": "ecs", "change": "added", "to": "off"}),
    ("socket: control.sock", "socket: control.sock, state: state",
     {"section": "control", "key": "state", "change": "added", "to": "state"}),
    ("{ dir: zones }", "{ name: example.com, file: zones/example.com.zone }", [
        {"section": "zones", "name": "all of zones", "change": "gone", "from": {}},
        {"section": "zones", "name": "example.com", "change": "added", "to": {"file": "zones/example.com.zone"}}]),
)
server = Server(ZONES, config=CONFIG)
running = open(server.conf).read()


def diff(text, *words):
    server.write("new.yaml", text)
    return server.ctl("diff", "-c", server.dir + "/new.yaml", *words)


@claim("every kind of key that is added, gone or changed is told, by itself")
def cases():
    for old, new, row in CASES:
        assert old in running, old
        code, said = diff(running.replace(old, new, 1), "--json")
        same(code, 1, said)
        same(json.loads(said), row if isinstance(row, list) else [row])
        code, said = diff(running.replace(old, new, 1))
        same(code, 1)
        assert ("restart" in said) == ("restart" in str(row)), said


@claim("what means the same is the same: order of keys, a list of one, layout, comments")
def alike():
    text = running.replace("a: [ 192.0.2.1 ]", "a: 192.0.2.1").replace('at: "40,-74", a: [ 192.0.2.2 ]', 'a: [ 192.0.2.2 ], at: "40,-74"')
    for same_text in (running, text, "# a comment\n" + running, running.replace("rate: 100", "rate:   '100'")):
        same(diff(same_text, "--json"), (0, "[]\n"))
    code, said = diff(running)
    same(code, 0)
    assert "no difference" in said
    same(server.ctl("diff")[0], 0)


@claim("as text each difference is a line")
def as_text():
    code, said = diff(running.replace("weight: 2", "weight: 3").replace("workers: 1", "workers: 4").replace("  api: { edges: [ sin ] }\n", ""))
    same(code, 1)
    for line in ("server\n", "  ~ workers: 1 -> 4  (needs a restart)\n", "edges\n", "  ~ ams: weight: 2 -> 3\n", "pools\n",
                 "  - api: { edges: [ sin ] }\n", "3 differences"):
        assert line in said, said


@claim("a secret, or its hash, is never shown, whatever becomes of it")
def secrets():
    old, new = "00112233445566778899aabbccddeeff", "0f0e0d0c0b0a09080706050403020100"
    exported = server.ctl("export")[1]
    hashed = json.loads(exported)["tree"]["cookies"]["secret"]
    assert old not in exported and json.loads(server.ctl("export")[1])["tree"]["cookies"]["secret"] != hashed
    for text in (running.replace(old, new), running.replace('cookies: { secret: "%s" }\n' % old, ""),
                 running.replace('secret: "%s"' % old, 'secret: "%s", staging: "%s"' % (old, new))):
        for words in ([], ["--json"]):
            code, said = diff(text, *words)
            same(code, 1)
            assert old not in said and new not in said and hashed not in said and '"to"' not in said, said
            assert "not shown" in said or '"secret": true' in said, said


@claim("what diff says needs a restart is what a reload refuses to change, and nothing else")
def restarts():
    for old, new, row in CASES:
        if "example.com.zone" in new or "api" in old:
            continue
        server.write("waymark.yaml", running.replace(old, new, 1))
        code, said = server.ctl("reload")
        same(code == 1 and "restart" in said, "restart" in str(row), said)
        server.write("waymark.yaml", running)
        same(server.ctl("reload")[0], 0)
    for key, value in (("cpus", "auto"), ("batch", "7"), ("freebind", "on"), ("receive-buffer", "1M"), ("send-buffer", "1M"), ("user", "nobody"),
                       ("tcp-clients", "9"), ("tcp-clients-per-net", "8"), ("tcp-idle", "3s"), ("listen", None)):
        text = running.replace(", user: root", "") if key == "user" else running
        text = text.replace("workers: 1", "workers: 1, %s: %s" % (key, value)) if value else \
            running.replace('"127.0.0.1:', '"127.0.0.2:')
        same([r.get("restart") for r in json.loads(diff(text, "--json")[1])], [True], key)
        server.write("waymark.yaml", text)
        code, said = server.ctl("reload")
        same(code, 1, key)
        assert "restart" in said, said
        server.write("waymark.yaml", running)


@claim("what is bundled for who is to help has the configuration and the reports, and no secret, key, token, hash, header or password")
def bundled():
    key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="
    hidden = [key, "00112233445566778899aabbccddeeff", "word-of-a-header", "word-of-the-redis", "word-of-a-command", "more/of-it"]
    config = ("store: { file: w.db }\ncookies: { secret: \"%s\" }\nkeys: { xfr: { algorithm: hmac-sha256, secret: \"%s\" } }\n"
              "edges: { ams: { at: \"52,5\", a: [ 192.0.2.1 ] } }\npools: { web: { edges: [ ams ], probe: { all: [ h, x ] } } }\n"
              "probes: { h: { kind: http, headers: { Authorization: \"Bearer %s\" } }, x: { kind: exec, command: [ /bin/true, \"%s\" ] } }\n"
              "fleet: { redis: [ \"redis://me:%s@%s@127.0.0.1:1\" ], name: prod, server: ns1, secret: \"%s\" }\n") % (
                  hidden[1], key, hidden[2], hidden[4], hidden[3], hidden[5], key)
    with Server({"example.com": APEX + "cdn EDGE web\n"}, config, start=False) as s:
        s.patience_s = 60
        s.start()
        code, token = s.ctl("token", "add", "helper", "--role", "read")
        same(code, 0, token)
        same(s.ctl("bundle", s.dir + "/help.json")[0], 0)
        with open(s.dir + "/help.json") as f:
            text = f.read()
        same(os.stat(s.dir + "/help.json").st_mode & 0o777, 0o600)
        exported = json.loads(s.ctl("export", "--config")[1])
        for word in hidden + [token.split()[0], exported["secret_key"], exported["tree"]["keys"]["xfr"]["secret"]]:
            assert word not in text, word
        assert hidden[3] not in json.dumps(exported) and hidden[5] not in json.dumps(exported)
        bundle = json.loads(text)
        same(bundle["configuration"]["tree"]["pools"]["web"]["edges"], ["ams"])
        same([z["zone"] for z in bundle["zones"]], ["example.com."])
        same(bundle["edges"][0]["edge"], "ams")
        assert bundle["machine"]["kernel"] == os.uname().release and bundle["status"]["version"], bundle


@claim("trouble exits with 2 and one clear sentence")
def trouble():
    same(server.ctl("diff", "-c", server.dir + "/nosuch")[0], 2)
    code, said = diff(running.replace("edges:", "edgse:", 1))
    same(code, 2)
    assert "new.yaml:" in said and 'did you mean "edges"' in said, said
    same(server.ctl("diff", "--nonsense")[0], 2)
    same(server.ctl("diff", "-c")[0], 2)
    same(subprocess.run([WAYMARKCTL, "-s", server.dir + "/nosuch.sock", "diff", "-c", server.conf], capture_output=True).returncode, 2)


with server:
    run("diff")
