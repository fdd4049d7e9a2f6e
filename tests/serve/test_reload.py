"""Reloading and commanding: a fault changes nothing, a reload loses nothing."""
import re
import json
import resource
import threading
from lib import *

EDGES = """
edges: { ams: { at: "52,5", a: [ 192.0.2.1 ] }, nyc: { at: "40,-74", a: [ 192.0.2.2 ] } }
pools: { web: { edges: [ ams, nyc ] } }
"""
ZONES = {"example.com": APEX + "www A 192.0.2.10\ncdn EDGE web\n", "example.net": APEX + "www A 192.0.2.20\n"}


def new():
    return Server(ZONES, config=EDGES + "balance: { drain: 0s }\n")


@claim("a changed zone, a new one and one that has gone are as they are after a reload")
def changes():
    with new() as s:
        s.write("zones/example.com.zone", APEX + "www A 192.0.2.11\n")
        s.write("zones/example.org.zone", APEX + "www A 192.0.2.30\n")
        os.unlink(s.dir + "/zones/example.net.zone")
        same(s.ctl("reload")[0], 0)
        same(s.udp("www.example.com").addresses(), ["192.0.2.11"])
        same(s.udp("www.example.org").addresses(), ["192.0.2.30"])
        same(s.udp("www.example.net").rcode, REFUSED)


@claim("a fault in a zone, the configuration or a database is told with its place, exits 1 and what is wrong is served on as before")
def faults():
    with new() as s:
        for name, text, place, whole in (
                ("zones/example.com.zone", APEX + "www A 192.0.2.300\n", "example.com.zone:5:7: error: 192.0.2.300", False),
                ("zones/example.com.zone", APEX + "cdn EDGE nosuch\n", "example.com.zone:5:1: error:", False),
                ("zones/bad.example.zone", "@ A 192.0.2.1\n", "bad.example.zone:1:", False),
                ("waymark.yaml", open(s.conf).read().replace("edges:", "edgse:", 1), "did you mean \"edges\"", True),
                ("waymark.yaml", open(s.conf).read() + "\ngeoip: { city: { file: zones/example.net.zone } }\n", "not a MaxMind DB", True)):
            path = os.path.join(s.dir, name)
            before = open(path).read() if os.path.exists(path) else None
            s.write(name, text)
            code, said = s.ctl("reload")
            same(code, 1, said)
            assert place in said and ("not reloaded" in said) == whole and "served on" in said, said
            same(s.check()[0], 1)
            same(s.udp("www.example.com").addresses(), ["192.0.2.10"])
            same(len(s.udp("cdn.example.com").addresses()), 1)
            os.unlink(path) if before is None else s.write(name, before)
        same(s.ctl("reload")[0], 0)


@claim("what only a restart can change is refused")
def restart_only():
    with new() as s:
        s.write("waymark.yaml", open(s.conf).read().replace("workers: 1", "workers: 2"))
        code, said = s.ctl("reload")
        same(code, 1)
        assert "waymark.yaml:1:" in said and "server: workers changes with a restart only" in said, said


@claim("SIGHUP reloads, and logs what is wrong")
def hangup():
    with new() as s:
        s.write("zones/example.com.zone", APEX + "www A 192.0.2.12\n")
        s.proc.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60 * SLOW
        while s.udp("www.example.com").addresses() != ["192.0.2.12"] and time.monotonic() < end:
            time.sleep(0.02)
        same(s.udp("www.example.com").addresses(), ["192.0.2.12"])
        s.write("zones/example.com.zone", "nonsense\n")
        s.proc.send_signal(signal.SIGHUP)
        while "error" not in s.said() and time.monotonic() < end:
            time.sleep(0.02)
        assert "example.com.zone:1:" in s.said(), s.said()


@claim("lines of the log begin with the time in UTC, but for the journal, whose lines begin with their level")
def log_times():
    with Server(ZONES, start=False) as s:
        s.write("zones/example.com.zone", APEX + "www A 192.0.2.300\n")
        s.write("zones/example.net.zone", APEX + "mail A 192.0.2.1\nmail 5 A 192.0.2.2\n")
        s.start()
        lines = s.said().splitlines()
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z waymarkd: ")
        assert all(stamp.match(l) or l.startswith("    ") for l in lines) and "Z waymarkd: " + s.dir in s.said(), lines
        assert abs(time.time() - __import__("calendar").timegm(time.strptime(lines[0][:19], "%Y-%m-%dT%H:%M:%S"))) < 600
        s.stop()
        s.start(env=dict(os.environ, JOURNAL_STREAM="1:2"))
        lines = s.said().splitlines()
        assert all(re.match("<[0-7]>", l) for l in lines), lines
        same([next(l[:3] for l in lines if w in l) for w in (": error:", "192.0.2.300", ": warning:", "ready:")], ["<3>", "<3>", "<4>", "<5>"])


@claim("an emptied folder is refused by a reload, by a stage and by SIGHUP, unless --force says that it is meant; zones that come and go are named")
def emptied():
    with new() as s:
        def served(*want):
            same([s.udp("www." + z).rcode for z in ZONES], [NOERROR if z in want else REFUSED for z in ZONES])

        for name in os.listdir(s.dir + "/zones"):
            os.unlink(s.dir + "/zones/" + name)
        for words in (["reload"], ["reload", "--stage", "5%"]):
            code, said = s.ctl(*words)
            assert code == 1 and "of 2 zones 2 would go (example.com., example.net.)" in said and "--force" in said, said
            served(*ZONES)
        s.proc.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60 * SLOW
        while s.said().count("2 would go") < 3 and time.monotonic() < end:
            time.sleep(0.02)
        same(s.said().count("2 would go"), 3)
        served(*ZONES)
        s.write("zones/example.com.zone", ZONES["example.com"])
        code, said = s.ctl("reload")                        # a half is not more than a half
        assert code == 0 and "1 removed (example.net.)" in said and "1 removed (example.net.)" in s.said(), said
        served("example.com")
        os.unlink(s.dir + "/zones/example.com.zone")
        code, said = s.ctl("reload", "--force")
        assert code == 0 and "1 removed (example.com.)" in said and "serving 0 zones" in said and "no zone was found" in said, said
        served()
        s.write("zones/example.com.zone", ZONES["example.com"])
        code, said = s.ctl("reload")
        assert code == 0 and "1 added (example.com.)" in said, said
        served("example.com")


@claim("how many zones may go is set by reload: zones-lost")
def zones_lost():
    zones = {"z%d.test" % i: APEX for i in range(10)}
    with Server(zones, "reload: { zones-lost: 20% }\n") as s:
        for i in range(3):
            os.unlink(s.dir + "/zones/z%d.test.zone" % i)
        code, said = s.ctl("reload")
        assert code == 1 and "3 would go (z0.test., z1.test., z2.test.)" in said and "20 %" in said, said
        s.write("zones/z0.test.zone", APEX)
        same(s.ctl("reload")[0], 0)
        s.configure("reload: { zones-lost: 100% }\n", zones="[]")
        code, said = s.ctl("reload")
        assert code == 0 and "8 removed" in said, said


@claim("reload --json tells what came of it in all its forms, with each fault's place, on standard output whatever the exit status is")
def as_json():
    def told(s, *words):
        done = subprocess.run([WAYMARKCTL, "-c", s.conf, "reload", "--json", *words], capture_output=True, text=True, timeout=120)
        same(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    with new() as s:
        s.write("zones/example.org.zone", APEX)
        os.unlink(s.dir + "/zones/example.net.zone")
        code, o = told(s)
        same((code, o["taken"], o["zones"], o["added"], o["removed"], o["errors"], o["faults"]),
             (0, True, 2, ["example.org."], ["example.net."], 0, []))
        s.write("zones/example.com.zone", APEX + "www A 192.0.2.300\n")
        s.write("zones/example.org.zone", APEX + "www 60 A 192.0.2.1\nwww 30 A 192.0.2.2\n")
        code, o = told(s)
        same((code, o["taken"], o["zones_faulty"], o["errors"], o["warnings"]), (1, True, 1, 1, 2))
        error = next(f for f in o["faults"] if f["severity"] == "error")
        same((error["file"], error["line"], error["column"]), (s.dir + "/zones/example.com.zone", 5, 7))
        assert error["message"].startswith("192.0.2.300 is not"), error
        same([(f["severity"], f["line"]) for f in o["faults"]], [("error", 5), ("warning", 6), ("warning", 2)])    # its serial is the old one
        s.write("waymark.yaml", open(s.conf).read().replace("edges:", "edgse:", 1))
        for words in ((), ("--stage", "10%")):
            code, o = told(s, *words)
            same((code, o["taken"], o["faults"][0]["file"]), (1, False, s.conf), words)
        s.configure()
        code, o = told(s, "--stage", "10%")
        same((o["taken"], o["stage_percent"]), (True, 10))
        same(told(s)[0], 1)                                 # the stage comes first
        code, o = told(s, "--promote")
        same((code, o["taken"], o["removed"]), (0, True, []))
        code, o = told(s, "--rollback")
        same((code, o["taken"], o["errors"]), (1, False, 1))


@claim("a stage that is not taken leaves each fault with its place in the log, as a reload does")
def stage_logs():
    with new() as s:
        s.write("zones/example.com.zone", APEX + "www A 192.0.2.300\n")
        same(s.ctl("reload")[0], 1)
        assert "example.com.zone:5:7: error:" in s.said() and "reloaded " in s.said(), s.said()
        s.write("waymark.yaml", open(s.conf).read().replace("edges:", "edgse:", 1))
        for words in (["reload"], ["reload", "--stage", "5%"]):
            before = s.said()
            same(s.ctl(*words)[0], 1)
            assert "waymark.yaml:5:1: error:" in s.said()[len(before):], s.said()


@claim("a configuration of several files is one: served, reloaded, checked, and held against what runs")
def included():
    with Server(ZONES, start=False, files={"edges.yaml": EDGES}) as s:
        os.mkdir(s.dir + "/conf.d")
        s.write("conf.d/ns.yaml", "server: { identity: one }\n")
        s.configure('include: [ edges.yaml, "conf.d/*.yaml" ]\n')
        same(s.check()[0], 0)
        s.start()
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.1"])
        same(s.ctl("diff")[0], 0)
        s.write("conf.d/ns.yaml", "server: { identity: two }\n")
        code, said = s.ctl("diff")
        assert code == 1 and "identity" in said, said
        s.write("conf.d/more.yaml", "edges: { sin: { at: \"1,103\", a: [ 192.0.2.3 ] } }\n")
        same(s.ctl("reload")[0], 0)
        same([e["edge"] for e in json.loads(s.ctl("edges", "--json")[1])], ["ams", "nyc", "sin"])
        same(s.ctl("diff")[0], 0)
        s.write("conf.d/more.yaml", "edges: { sin: { at: \"1,103\", a: [ 192.0.2.300 ] } }\n")
        code, said = s.ctl("reload")
        assert code == 1 and "conf.d/more.yaml:1:35: error: " in said and "conf.d/more.yaml:1:35: error: " in s.said(), said
        s.write("conf.d/more.yaml", "server: { workers: 2 }\n")
        code, said = s.ctl("reload")
        assert code == 1 and "waymark.yaml" in said and "here twice" in said, said


@claim("20 reloads under load lose no query")
def under_load():
    with new() as s:
        stop, lost, asked = threading.Event(), [], [0]

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(60 * SLOW)
                sock.connect(("127.0.0.1", s.port))
                while not stop.is_set():
                    packet = query("www.example.com", "A")
                    sock.send(packet)
                    asked[0] += 1
                    try:
                        same(Message(sock.recv(4096)).rcode, NOERROR)
                    except (OSError, AssertionError) as e:
                        lost.append(e)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for t in threads:
            t.start()
        for i in range(20):
            s.write("zones/example.com.zone", ZONES["example.com"] + "; %d\n" % i)
            same(s.ctl("reload")[0], 0)
        stop.set()
        for t in threads:
            t.join()
        same(lost, [])
        assert asked[0] > 100, asked


@claim("force sets an edge's state over reloads, auto gives it back")
def forced():
    with new() as s:
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.1"])
        same(s.ctl("force", "ams", "drain")[0], 0)
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.2"])
        same(s.ctl("reload")[0], 0)
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.2"])
        rows = json.loads(s.ctl("edges", "--json")[1])
        same([(r["edge"], r["state"], r["by"]) for r in rows], [("ams", "drain", "operator"), ("nyc", "up", "config")])
        same(s.ctl("force", "ams", "auto")[0], 0)
        same(s.udp("cdn.example.com").addresses(), ["192.0.2.1"])
        same(s.ctl("force", "nosuch", "up")[0], 1)
        same(s.ctl("force", "ams", "sideways")[0], 1)


@claim("status counts, explain explains static names too, wrong words exit with 2")
def commands():
    with new() as s:
        s.udp("www.example.com")
        s.tcp("nope.example.com")
        status = json.loads(s.ctl("status", "--json")[1])
        same((status["zones"], status["udp_queries"], status["tcp_queries"], status["rcodes"]["NXDOMAIN"]), (2, 1, 1, 1))
        told = json.loads(s.ctl("explain", "www.example.com", "--client", "192.0.2.0/24", "--json")[1])
        same(told["answer"]["records"][0]["data"], "192.0.2.10")
        assert "plays no part" in s.ctl("explain", "www.example.com", "--client", "192.0.2.0/24")[1]
        for words in (["nonsense"], ["force"], ["explain"], ["explain", "x", "--client", "zzz"], ["reload", "now"]):
            same(s.ctl(*words)[0], 2, words)


@claim("status begins with what is wrong, then its numbers in sections; with nothing wrong it says so")
def alarms():
    config = EDGES.replace("web: {", "web: { probe: t,") + "probes: { t: { kind: tcp, port: 1, every: 100ms, timeout: 100ms } }\n"
    with new() as s:
        lines = s.ctl("status")[1].splitlines()
        same((lines[0].split()[0], lines[1]), ("waymarkd", "alarms: none"))
        assert [l for l in lines if l[0] != " "][2:6] == ["server", "zones", "zones signed here", "edges and probes"], lines
        same(json.loads(s.ctl("status", "--json")[1])["alarms"], [])
        s.write("zones/bad.test.zone", "www A 1\n")
        s.write("zones/example.com.zone", "www A 1\n")
        s.ctl("reload")
        s.ctl("force", "ams", "drain")
        told = json.loads(s.ctl("status", "--json")[1])["alarms"]
        same(len(told), 4, told)
        for word, line in zip(("1 zone is not loaded", "1 zone is faulty and served as before", "was taken but for what is wrong (2 errors", "1 change by operators holds"), told):
            assert word in line, told
        text = s.ctl("status")[1].splitlines()
        same((text[1], [l.strip() for l in text[2:6]]), ("alarms", told))
        s.write("waymark.yaml", "nonsense: 1\n")
        subprocess.run([WAYMARKCTL, "-s", s.socket, "reload"], capture_output=True)
        told = json.loads(subprocess.run([WAYMARKCTL, "-s", s.socket, "status", "--json"], capture_output=True, text=True).stdout)["alarms"]
        assert any("was not taken" in a for a in told), told
    with Server(ZONES, config=config.replace("192.0.2.1", "127.0.0.1").replace("192.0.2.2", "127.0.0.2")) as s:
        told = json.loads(s.ctl("status", "--json")[1])["alarms"]
        same(told, ['pool web has no edge that is up ("pools")', '2 of 2 edges are down by their probes ("edges")'])


@claim("GeoIP files are told with when they were built and their age: in the log, in status and in geo")
def geo_age():
    with Server(ZONES, config=EDGES + "geoip: { city: { file: %s/geoip/city.mmdb } }\n" % TOP) as s:
        line = re.compile(r"city \S+/city.mmdb: Waymark-City-Lite, built (\d{4}-\d\d-\d\d), (\d+) days? ago")
        told = [line.search(t) for t in (s.said(), s.ctl("status")[1], s.ctl("geo", "83.62.101.1")[1])]
        assert all(told), told
        same(len({t.group(1) for t in told}), 1)
        one = json.loads(s.ctl("status", "--json")[1])["geoip"][0]
        same((one["kind"], one["built"][:10], one), ("city", told[0].group(1), json.loads(s.ctl("geo", "83.62.101.1", "--json")[1])["databases"][0]))
        built = __import__("calendar").timegm(time.strptime(one["built"], "%Y-%m-%dT%H:%M:%SZ"))
        assert abs(one["age_days"] - max(0, time.time() - built) // 86400) <= 1, one


@claim("stop stops, and takes the socket away; without a server commands exit with 1")
def stops():
    with new() as s:
        same(s.ctl("stop")[0], 0)
        s.proc.wait(60 * SLOW)
        same(os.path.exists(s.socket), False)
        code, said = s.ctl("status")
        same(code, 1)
        assert "cannot reach" in said, said


@claim("the control socket is its user's alone; one left by a dead server is replaced, a living one's is not")
def socket_rights():
    with new() as s:
        same(os.stat(s.socket).st_mode & 0o777, 0o600)
        with Server(ZONES, config=EDGES, start=False) as other:
            other.write("waymark.yaml", open(other.conf).read().replace("control.sock", s.socket))
            try:
                other.start()
                raise RuntimeError("started on another server's socket")
            except AssertionError as e:
                assert "another server answers" in str(e), e
            other.proc = None
        s.proc.kill()
        s.proc.wait()
        s.start()
        same(s.ctl("status")[0], 0)


@claim("a zone below a folder of 2,000 is found, and reloading 2,000 unchanged ones reads none")
def many():
    zones = {"z%d.example" % i: APEX + "www A 192.0.2.10\n" for i in range(2000)}
    with Server(zones) as s:
        same(s.udp("www.z1999.example").addresses(), ["192.0.2.10"])
        same(s.ctl("reload")[0], 0)
        same(s.udp("www.z0.example").addresses(), ["192.0.2.10"])


@claim("a pipe in the place of a zone file is refused: nobody waits for what may be written to it")
def pipe():
    with Server(ZONES, config=EDGES) as s:
        os.mkfifo(s.dir + "/zones/pipe.zone")
        s.proc.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60 * SLOW
        while "is a pipe" not in s.said() and time.monotonic() < end:
            time.sleep(0.02)
        assert "is a pipe" in s.said(), s.said()
        same(s.udp("www.example.com").rcode, NOERROR)
        os.unlink(s.dir + "/zones/pipe.zone")
        same(s.ctl("reload")[0], 0)


@claim("a log that nobody reads holds up neither commands nor signals")
def log_unread():
    with Server(ZONES, config=EDGES, start=False) as s:
        s.write("log", "")
        s.proc = subprocess.Popen([WAYMARKD, "-c", s.conf], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        while b"ready:" not in s.proc.stderr.readline():
            pass
        s.write("zones/example.com.zone", APEX + "www A 192.0.2\n" * 60)
        for _ in range(12):
            same(s.ctl("reload")[0], 1)
            s.proc.send_signal(signal.SIGHUP)
        same(s.ctl("status")[0], 0)
        s.stop()
        s.proc.stderr.close()


def processor_s(s):
    """What the server has used of the processor so far."""
    fields = open("/proc/%d/stat" % s.proc.pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@claim("out of files, commands wait and cost nothing until there are some again")
def no_files():
    with Server(ZONES, config=EDGES) as s, contextlib.ExitStack() as held:
        limits = resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE, (lowest_free(s.proc.pid) + 2, limits[1]))
        for _ in range(5):
            c = held.enter_context(socket.socket(socket.AF_UNIX))
            c.connect(s.socket)
        time.sleep(0.5)
        before = processor_s(s)
        time.sleep(1)
        used = processor_s(s) - before
        assert used < 0.3, "%.2f s of the processor in 1 s" % used
        same(s.udp("www.example.com").rcode, NOERROR)
        resource.prlimit(s.proc.pid, resource.RLIMIT_NOFILE, limits)
        same(s.ctl("status")[0], 0)


def asked(s, *words):
    """A connection to the control socket that has given its command."""
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(60 * SLOW)
    c.connect(s.socket)
    c.sendall(b"".join(w.encode() + b"\0" for w in words))
    c.shutdown(socket.SHUT_WR)
    return c


@claim("at its end a server leaves the socket that a successor has bound at its path")
def successor():
    with Server(ZONES, config=EDGES) as s, socket.socket(socket.AF_UNIX) as other:
        os.unlink(s.socket)
        other.bind(s.socket)
        other.listen(1)
        s.stop()
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(s.socket)


@claim("a hundred commands that come while the server is busy wait for their turn; more clients than 256 wait for a place")
def many_commands():
    with Server(ZONES, config=EDGES) as s, contextlib.ExitStack() as held:
        s.proc.send_signal(signal.SIGSTOP)
        waiting = []
        for _ in range(100):
            c = held.enter_context(socket.socket(socket.AF_UNIX))
            c.setblocking(False)
            c.connect(s.socket)
            c.sendall(b"status\0")
            c.shutdown(socket.SHUT_WR)
            waiting.append(c)
        s.proc.send_signal(signal.SIGCONT)
        for c in waiting:
            c.settimeout(60 * SLOW)
            same(recv_all(c, 2), b"0\n")

        def files():
            return len(os.listdir("/proc/%d/fd" % s.proc.pid))
        with contextlib.ExitStack() as silent:
            for _ in range(300):
                silent.enter_context(socket.socket(socket.AF_UNIX)).connect(s.socket)
            end = time.monotonic() + 5
            while files() < 256 and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.2)
            assert 256 <= files() < 290, files()
        same(s.ctl("status")[0], 0)


@claim("large answers go out as they are made: those that nobody reads take no memory, and small ones are given all the while")
def unread():
    if SLOW > 1:
        raise Skip("sanitizers take too much memory for it")
    name = "a" * 60
    with Server({"example.net": ZONES["example.net"]}, config="edges: { %s: { a: [ 192.0.2.1 ] } }\nlatency: { half-life: 6h }\n" % name) as s:
        def resident():
            with open("/proc/%d/status" % s.proc.pid) as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) << 10
        s.write("rtt.csv", "prefix,edge,rtt_ms\n" + "".join("%d.%d.%d.0/24,%s,12\n" % (20 + (i >> 16), i >> 8 & 255, i & 255, name) for i in range(180000)))
        same(s.ctl("latency", "import", s.dir + "/rtt.csv")[0], 0)
        whole = len(s.ctl("latency", "export")[1])
        before = resident()
        with contextlib.ExitStack() as held:
            taken = [held.enter_context(asked(s, "latency", "export")) for _ in range(20)]
            same(recv_all(taken[0], 2), b"0\n")
            for _ in range(5):
                same(s.ctl("status")[0], 0)
            assert resident() - before < 2 * whole, (before, resident(), whole)
        code, said = s.ctl("latency", "export")
        same((code, len(said) >= whole - 1000), (0, True), said[:200])
        s.proc.kill()                                       # it would fit its model to all of these first
        s.proc.wait()
        s.proc = None


@claim("a GeoIP file that changes is read by itself; a broken one leaves the old")
def geoip_watched():
    good = open(TOP + "/geoip/city.mmdb", "rb").read()
    with Server(ZONES, config=EDGES + "geoip: { city: { file: city.mmdb } }\n", start=False) as s:
        def put(data):
            with open(s.dir + "/city.tmp", "wb") as f:
                f.write(data)
            os.rename(s.dir + "/city.tmp", s.dir + "/city.mmdb")

        def wait_for(word, seconds):
            end = time.monotonic() + seconds * SLOW
            while word not in s.said() and time.monotonic() < end:
                time.sleep(0.05)
            assert word in s.said(), s.said()

        put(good)
        s.start()
        same(s.steer("cdn.example.com", "73.14.0.0/24").addresses(), ["192.0.2.2"])
        put(good[:len(good) // 2])
        wait_for("stays", 30)
        same(s.steer("cdn.example.com", "73.14.0.0/24").addresses(), ["192.0.2.2"])
        put(good + b"\0")
        put(good)
        wait_for("read anew", 30)
        same(s.steer("cdn.example.com", "73.14.0.0/24").addresses(), ["192.0.2.2"])


run("reload")
