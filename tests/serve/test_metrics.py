#!/usr/bin/python3
"""Prometheus reads the numbers, dashboard and alerts ask for nothing that is not there, and who looks on by dnstap or a log sees what
was asked and answered, and keeps nobody waiting."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from edges import make_ca, make_certificate
from lib import APEX, NXDOMAIN, SLOW, TOP, Server, Skip, claim, free_port, query, quic_is_built, run, same

OPEN = "application/openmetrics-text;version=1.0.0"


class Watched(Server):
    """A server that gives numbers."""

    def __init__(self, more="", zones=None, metrics="metrics: on", **rest):
        self.management = free_port()
        zones = zones or {"example.org": APEX + "www 60 EDGE web\n", "example.net": APEX}
        super().__init__(zones, """
management: { listen: "127.0.0.1:%d", %s }
edges:
  ams1: { at: "52.37,4.90", a: [ 127.0.0.2 ], capacity: 100 }
  iad1: { at: "52.09,5.12", a: [ 127.0.0.3 ] }
pools: { web: { edges: [ ams1, iad1 ] } }
%s""" % (self.management, metrics, more), **rest)

    def get(self, path, accept=None):
        """(status, type, body)"""
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.management, path), headers={"Accept": accept} if accept else {})
        try:
            with urllib.request.urlopen(request, timeout=60 * SLOW) as r:
                return r.status, r.headers["Content-Type"], r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers["Content-Type"], e.read().decode()

    def numbers(self):
        """{"name{labels}": value}"""
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[2].splitlines() if line[0] != "#"}


def until(true, what, s=60):
    """Waits for what must become true."""
    end = time.monotonic() + s * SLOW
    while not true():
        if time.monotonic() > end:
            raise AssertionError("not " + what)
        time.sleep(0.05)


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skip("no " + p)


@contextlib.contextmanager
def running(*words, **how):
    p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    try:
        yield p
    finally:
        if p.poll() is None:
            p.send_signal(signal.SIGCONT)
            p.terminate()
        p.wait()


# ------------------------------------------------------------------ numbers

@claim("what is asked is counted by what carried it, its type, zone and answer")
def counted():
    with Watched() as s:
        s.udp("www.example.org", "A")
        s.udp("www.example.org", "AAAA")
        s.udp("nothing.example.net", "MX")
        s.tcp("ns1.example.net", "A")
        now = s.numbers()
        for name, want in (('queries_total{transport="udp",family="ipv4"}', 3), ('queries_total{transport="tcp",family="ipv4"}', 1),
                           ('questions_total{type="A"}', 2), ('questions_total{type="MX"}', 1), ('answers_total{rcode="NXDOMAIN"}', 1),
                           ('zone_queries_total{zone="example.org."}', 2), ('zone_queries_total{zone="example.net."}', 2),
                           ('zone_queries_total{zone="other"}', 0), ('answer_duration_seconds_count', 4), ('steered_ttl_seconds_sum', 60),
                           ('zone_serial{zone="example.org."}', 7), ('zones{state="ready"}', 2), ('edge_state{edge="ams1",state="up"}', 1),
                           ('edge_capacity{edge="ams1"}', 100), ('pool_edges_up{pool="web"}', 2), ('ready', 1)):
            same(now["waymark_" + name], want, name)
        same(sum(v for k, v in now.items() if k.startswith('waymark_pool_answers_total{pool="web"')), 1, "one had an edge")


@claim("zones over the limit are counted together, and a reload turns numbers off")
def limited():
    with Watched(metrics="metrics: on, metrics-zones: 1") as s:
        for _ in range(3):
            s.udp("example.org", "SOA")
        s.udp("example.net", "SOA")
        now = s.numbers()
        same([v for k, v in now.items() if k.startswith("waymark_zone_queries_total")], [3, 1])
        same(now['waymark_metrics_left_out{what="zones"}'], 1)
        s.configure(s.config.replace("metrics: on", "metrics: off"))
        same(s.ctl("reload")[0], 0)
        same(s.get("/metrics")[0], 404)


@claim("both forms are what they say they are")
def forms():
    need("promtool")
    with Watched() as s:
        status, kind, body = s.get("/metrics")
        same((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
        done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True)
        same((done.returncode, done.stdout + done.stderr), (0, ""))
        status, kind, opened = s.get("/metrics", OPEN)
        same((status, kind, opened[-6:]), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n"))
        strip = lambda text: sorted(line.split(" ")[0] for line in text.splitlines() if line[0] != "#")
        same(strip(opened), strip(body), "the same series in both")


@claim("who announces a route hears when queries may come")
def ready():
    with Watched(zones={"example.org": "@ SOA wrong\n"}) as s:
        same(s.get("/healthz")[0], 200)
        status, _, body = s.get("/readyz")
        same((status, body), (503, "not ready: none of 1 zones can be answered from\n"))
        same(s.ctl("ready"), (1, body))
        s.write("zones/example.org.zone", APEX)
        s.ctl("reload")
        same(s.get("/readyz"), (200, "text/plain; charset=utf-8", "ready: 1 of 1 zones\n"))
        same(s.ctl("ready")[0], 0)
        same(json.loads(s.ctl("ready", "--json")[1])["ready"], True)


def dashboard():
    """Each query, as it is without variables."""
    with open(TOP + "/contrib/grafana/waymark.json") as f:
        for panel in json.load(f)["panels"]:
            for target in panel.get("targets", []):
                yield re.sub(r"\$(instance|pool)\b", ".*", target["expr"].replace("$__rate_interval", "1m"))


@claim("a real prometheus scrapes it, and runs each query of the dashboard and each alert")
def prometheus():
    need("prometheus", "promtool")
    rules = TOP + "/contrib/prometheus/waymark.rules.yml"
    same(subprocess.run(["promtool", "check", "rules", rules], capture_output=True).returncode, 0)
    with Watched() as s:
        port = free_port()
        s.write("prometheus.yml", json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules],
            "scrape_configs": [{"job_name": "waymark", "static_configs": [{"targets": ["127.0.0.1:%d" % s.management]}]}]}))

        def api(path, **words):
            url = "http://127.0.0.1:%d/api/v1/%s?%s" % (port, path, urllib.parse.urlencode(words))
            try:
                with urllib.request.urlopen(url, timeout=60) as r:
                    return json.load(r)
            except urllib.error.HTTPError as e:
                said = e.read().decode()
                if said.startswith("{"):
                    return json.loads(said)
            except urllib.error.URLError:
                pass
            return {"status": "not ready", "data": {"result": [], "groups": []}}

        with running("prometheus", "--config.file=" + s.dir + "/prometheus.yml", "--storage.tsdb.path=" + s.dir + "/tsdb",
                     "--web.listen-address=127.0.0.1:%d" % port):
            until(lambda: api("query", query='up{job="waymark"} == 1')["data"]["result"], "scraped")
            names = set(re.findall(r"^[a-z_]+", s.get("/metrics")[2], re.M)) | {"up"}
            families = {re.sub(r"^# TYPE (\S+) .*", r"\1", line) for line in s.get("/metrics")[2].splitlines() if line.startswith("# TYPE")}
            for expr in dashboard():
                answer = api("query", query=expr)
                same(answer["status"], "success", expr)
                for name in re.findall(r"\b(?:waymark|process)_\w+", expr):
                    assert name in names or name in families, "%s is not there: %s" % (name, expr)

            def all_rules():
                return [r for g in api("rules")["data"]["groups"] for r in g["rules"]]

            until(lambda: all_rules() and all(r["health"] != "unknown" for r in all_rules()), "evaluated")
            for r in all_rules():
                same(r["health"], "ok", r["name"])
                for name in re.findall(r"\b(?:waymark|process)_\w+", r["query"]):
                    assert name in names or name in families, "%s is not there: %s" % (name, r["query"])
            same([r["name"] for r in all_rules() if r["state"] == "firing"], [])


@claim("each alert has a section that says what to do")
def told():
    with open(TOP + "/contrib/prometheus/waymark.rules.yml") as f:
        alerts = re.findall(r"alert: (\w+)", f.read())
    with open(TOP + "/doc/monitor.md") as f:
        sections = re.findall(r"^### (\w+)$", f.read(), re.M)
    same(sections, alerts)


# ------------------------------------------------------------------ dnstap and the log of queries

@claim("dnstap has each query and its answer, of all that carries them")
def dnstap():
    need("fstrm_capture", "dnstap-ldns")
    with Watched("log: { dnstap: { socket: tap.sock } }", start=False) as s:
        capture = ["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", s.dir + "/tap.sock", "-w", s.dir + "/tap.fstrm"]
        with running(*capture) as p:
            until(lambda: os.path.exists(s.dir + "/tap.sock"), "listening")
            s.start()
            until(lambda: "somebody reads it" in s.said(), "connected")
            s.udp("WwW.example.org", "A")
            s.tcp("nothing.example.org", "TXT")
            until(lambda: s.numbers()["waymark_dnstap_messages_total"] == 4, "sent")
            s.stop()
            p.terminate()
            p.wait()
        said = subprocess.run(["dnstap-ldns", "-r", s.dir + "/tap.fstrm", "-q"], capture_output=True, text=True).stdout
        same([line.split()[2:5] + line.split()[6:] for line in said.splitlines()], [
            ["AQ", "127.0.0.1", "UDP", '"WwW.example.org."', "IN", "A"], ["AR", "127.0.0.1", "UDP", '"WwW.example.org."', "IN", "A"],
            ["AQ", "127.0.0.1", "TCP", '"nothing.example.org."', "IN", "TXT"], ["AR", "127.0.0.1", "TCP", '"nothing.example.org."', "IN", "TXT"]])
        long = subprocess.run(["dnstap-ldns", "-r", s.dir + "/tap.fstrm", "-y"], capture_output=True, text=True).stdout
        assert 'response_port: %d' % s.port in long and 'response_address: "127.0.0.1"' in long, long
        assert "rcode: NXDOMAIN" in long, long


def fields(data):
    """A message of protocol buffers: { number: value }, those of one length as they are."""
    got, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            n |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return n
    while at < len(data):
        key = number()
        if key & 7 == 0:
            got[key >> 3] = number()
            continue
        size = number() if key & 7 == 2 else 4
        got[key >> 3] = data[at:at + size]
        at += size
    return got


@claim("dnstap tells TLS, HTTPS and QUIC apart, with whose port was asked, and has what was inside")
def dnstap_encrypted():
    need("fstrm_capture", "kdig")
    knows_quic = "+[no]quic" in subprocess.run(["kdig", "-h"], capture_output=True, text=True).stdout and quic_is_built()
    with Watched("log: { dnstap: { socket: tap.sock } }", start=False) as s:
        make_ca(s.dir)
        make_certificate(s.dir, "ns1", "ns1.example.org", 30)
        ports = {"tls": free_port(), "https": free_port(), **({"quic": free_port()} if knows_quic else {})}
        s.listen = '"127.0.0.1:PORT"' + "".join(', "%s:127.0.0.1:%d"' % p for p in ports.items())
        s.server = "workers: 1, tls: [ { cert: ns1.pem, key: ns1.key } ]"
        s.configure()
        with running("fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", s.dir + "/tap.sock", "-w", s.dir + "/tap.fstrm") as p:
            until(lambda: os.path.exists(s.dir + "/tap.sock"), "listening")
            s.start()
            until(lambda: "somebody reads it" in s.said(), "connected")
            for kind, port in ports.items():
                subprocess.run(["kdig", "@127.0.0.1", "-p", str(port), "+" + kind, "+timeout=%d" % (5 * SLOW), "+retry=0", kind + ".example.org"], capture_output=True)
            until(lambda: s.numbers()["waymark_dnstap_messages_total"] == 2 * len(ports), "sent")
            s.stop()
            p.terminate()
            p.wait()
        with open(s.dir + "/tap.fstrm", "rb") as f:
            data = f.read()
        frames = []
        while data:
            size = int.from_bytes(data[:4], "big")
            if not size:                                    # a control frame
                size = int.from_bytes(data[4:8], "big") + 4
            else:
                frames.append(fields(data[4:4 + size]))
            data = data[4 + size:]
        same(len(frames), 2 * len(ports))
        for i, kind in enumerate(ports):
            for frame, (type, packet) in zip(frames[2 * i:], ((1, 10), (2, 14))):
                m = fields(frame[14])
                same((m[1], m[2], m[3], m[4], m[5], m[7], m[6] > 1023), (type, 1, {"tls": 3, "https": 4, "quic": 7}[kind], b"\x7f\0\0\1", b"\x7f\0\0\1", ports[kind], True), kind)
                assert b"\x07example\x03org" in m[packet] and bytes([len(kind)]) + kind.encode() in m[packet], m
                same(m[packet][3] & 15, 3 if type == 2 else 0)


@claim("a reader of dnstap that stops keeps no client and no stop waiting")
def stopped():
    need("fstrm_capture")
    with Watched("log: { dnstap: { socket: tap.sock } }", start=False) as s:
        with running("fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", s.dir + "/tap.sock", "-w", "/dev/null") as p:
            until(lambda: os.path.exists(s.dir + "/tap.sock"), "listening")
            s.start()
            until(lambda: "somebody reads it" in s.said(), "connected")
            p.send_signal(signal.SIGSTOP)
            for _ in range(200):
                s.udp("www.example.org", "A")
            s.stop()


@claim("the log of queries has what is asked and answered, and goes on in a new file when its own is moved away")
def logged():
    with Watched("log: { queries: { file: q.log, sample: 100%, format: json } }") as s:
        name = s.dir + "/q.log"

        def lines(path):
            with contextlib.suppress(FileNotFoundError), open(path) as f:
                return [json.loads(line) for line in f if line.endswith("\n")]
            return []

        same(s.udp("nothing.example.org", "MX").rcode, NXDOMAIN)
        until(lambda: len(lines(name)) == 1, "logged")
        one = lines(name)[0]
        same((one["name"], one["type"], one["client"], one["transport"], one["rcode"], one["rd"]),
             ("nothing.example.org.", "MX", "127.0.0.1", "udp", "NXDOMAIN", False))
        os.rename(name, name + ".old")
        s.udp("www.example.org", "A")
        until(lambda: len(lines(name)) == 1, "in a new file")
        same(len(lines(name + ".old")), 1)
        s.configure(s.config.replace("format: json", "format: text"))
        same(s.ctl("reload")[0], 0)
        s.tcp("www.example.org", "A")
        until(lambda: " tcp www.example.org. IN A - - NOERROR 1 " in open(name).read(), "in words")
        same(s.numbers()["waymark_queries_logged_total"], 3)
        # What nobody wanted does not come out later.
        on = s.config
        s.configure(re.sub(r"log: \{ queries.*", "", on))
        same(s.ctl("reload")[0], 0)
        s.udp("unseen.example.org", "A")
        s.configure(on)
        same(s.ctl("reload")[0], 0)
        s.udp("seen.example.org", "A")
        until(lambda: " udp seen.example.org. " in open(name).read(), "on again")
        same("unseen." in open(name).read(), False)


# ------------------------------------------------------------------ the log

@claim("lines of the log are JSON where that is wanted, faults of files too, and text again after a reload")
def log_json():
    with Watched("log: { format: json }") as s:
        s.write("zones/example.net.zone", "@ SOA \"wrong\\n\n")
        same(s.ctl("reload")[0], 1)
        lines = [json.loads(line) for line in s.said().splitlines()]
        assert all(line["level"] in ("error", "warning", "notice") and line["program"] == "waymarkd" for line in lines), lines
        same({line["id"] for line in lines if line["message"].startswith("ready: ")}, {line["id"] for line in lines if line["message"].startswith("answering: ")})
        assert [line for line in lines if "example.net.zone:1:" in line["message"] and line["level"] == "error"], lines
        s.configure(s.config.replace("format: json", "format: text"))
        n = len(s.said())
        s.ctl("reload")
        until(lambda: "example.net.zone:1:" in s.said()[n:] and "{" not in s.said()[n:], "text")


run("metrics")
