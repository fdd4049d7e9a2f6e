"""The state file: what survives a restart, a crash at any point, and a file that is broken.

"test_probe_state.py crashes 1000" kills a server that many times while it writes.
"""
import json
from edges import *

CONFIG = """
balance: { drain: 0s }
edges: { one: { a: 127.0.0.10 }, two: { a: 127.0.0.11 }, three: { a: 127.0.0.12 } }
probes: { p: { kind: http, port: %d, every: 400ms, timeout: 390ms, rise: 2, fall: 2 } }
pools: { web: { edges: [ one, two, three ], policy: round-robin, answers: 3, probe: p } }"""


class Kept(contextlib.ExitStack):
    """Three edges, each a Web of its own, and a server with a state file. `well_once` is one that passes its first probe only."""

    def __init__(self, state="state.json", text=None, well_once=None):
        super().__init__()
        self.port = free_port()
        self.web = {i: self.enter_context(Web("127.0.0.%d" % (10 + i), self.port)) for i in range(3)}
        self.server = Server(zone("web"), config=CONFIG % self.port, start=False)
        self.path = os.path.join(self.server.dir, state)
        conf = open(self.server.conf).read().replace("socket: control.sock", "socket: control.sock, state: %s" % state)
        self.server.write("waymark.yaml", conf)
        if well_once is not None:
            self.web[well_once].status, self.web[well_once].turns = 500, [200]
        if text is not None:
            with open(self.path, "w") as f:
                f.write(text)
        self.server.start()
        self.enter_context(self.server)

    def kill(self):
        self.server.proc.kill()
        self.server.proc.wait()

    def up(self):
        return sorted(int(a.split(".")[3]) - 10 for a in self.server.udp("web.example.com").addresses())

    def kept(self):
        with open(self.path) as f:
            return json.load(f)


@claim("after a restart, and after a crash, the first answer leaves out an edge that was down, until its probe says otherwise")
def restart():
    with Kept() as k:
        k.web[1].status = 500
        until(lambda: k.up() == [0, 2], 10)
        since = target(k.server, "two")["since_s"]
        until(lambda: any(v["edge"] == "two" and not v["up"] for v in k.kept()["verdicts"]), 10)
        for end in (k.server.stop, k.kill):
            end()
            k.web[1].status = 500
            k.web[1].turns = [200]                          # it is well when the server comes back: one good probe is not enough
            k.server.start()
            same(k.up(), [0, 2])
            until(lambda: target(k.server, "two")["failures"] > 0, 10)
            t = target(k.server, "two")
            same((k.up(), t["probes"] - t["failures"]), ([0, 2], 1))
            k.web[1].status = 200
            until(lambda: k.up() == [0, 1, 2], 10)
            k.web[1].status = 500
            until(lambda: k.up() == [0, 2], 10)
            until(lambda: any(v["edge"] == "two" and not v["up"] for v in k.kept()["verdicts"]), 10)
        k.kill()
        k.web[0].status = 500                               # was up: a hint that the first probe overrules
        k.server.start()
        same(k.up(), [2])
        assert target(k.server, "two")["since_s"] > 0 and since >= 0


@claim("verdicts from outside: told by command and in a file, over restarts, until their time is over; what is wrong changes nothing")
def external():
    s = Server(zone("web", "filed"), start=False, config="""
edges: { one: { a: [ 127.0.0.10 ] }, two: { a: [ 127.0.0.11, 127.0.0.12 ] }, three: { a: [ 127.0.0.13 ] } }
probes: { mon: { kind: external, expires: 1h }, fil: { kind: external, file: verdicts.txt, expires: never } }
pools:
  web:   { edges: [ one, two, three ], answers: 3, policy: ordered, probe: mon, all-down: empty }
  filed: { edges: [ one, two, three ], answers: 3, policy: ordered, probe: fil, all-down: empty }""")
    def up(name):
        return sorted(int(a.split(".")[3]) for a in s.udp(name + ".example.com").addresses())
    s.write("waymark.yaml", open(s.conf).read().replace("socket: control.sock", "socket: control.sock, state: state.json"))
    right = "one up\n127.0.0.12 down nic\ntwo up\n"
    s.write("verdicts.txt", right)
    s.start()
    with s:
        until(lambda: up("filed") == [10, 11], 10)
        code, say = s.ctl("verdict", "one,two", "up", "--probe", "mon", "--why", "seen by hand")
        assert code == 0 and "one: told up for probe mon, good for 3600 s" in say, say
        until(lambda: up("web") == [10, 11, 12], 10)
        same(s.ctl("verdict", "two", "down", "--address", "127.0.0.12")[0], 0)
        until(lambda: up("web") == [10, 11], 10)
        s.write("verdicts.txt", right + "# ours\nthre down\nwhat up\n")
        until(lambda: 'verdicts.txt:5:1: there is no edge "thre", so that this is nobody\'s verdict; did you mean "three"?' in s.said(), 10)
        said = s.check()[1]
        assert 'verdicts.txt:5:1: there is no edge "thre"' in said, said
        s.write("verdicts.txt", right + "127.0.0.99 up\n")
        until(lambda: "verdicts.txt:4:1: no edge has the address 127.0.0.99" in s.said(), 10)
        same(up("filed"), [10, 11], "what it says of others holds:")
        s.write("verdicts.txt", "one down\ntwo yes\n")
        s.ctl("verdict", "three", "up", "--for", "1s")
        until(lambda: "the last was up" in target(s, "three").get("say", ""), 10)
        until(lambda: up("web") == [10, 11], 10)
        for words, say in ((("one", "up", "--probe", "fil"), "probe fil is told by its file"), (("on", "up"), 'there is no edge "on"'),
                           (("one", "up", "--probe", "web"), 'no probe "web" of kind external'), (("one", "well"), "write up, down, or none")):
            code, said = s.ctl("verdict", *words)
            assert code != 0 and say in said, said
        until(lambda: 'verdicts.txt:2:5: "yes" is neither up nor down' in s.said(), 10)
        same(up("filed"), [10, 11])
        code, say = s.check()
        assert 'verdicts.txt:2:5: "yes" is neither up nor down' in say, say
        s.write("verdicts.txt", right)
        s.stop()
        s.start()                                           # ... and nobody waits for the edge that nobody tells of
        same(up("web"), [10, 11])
        told = {(v["edge"], v.get("address")): v for v in json.loads(s.ctl("verdict", "--json")[1])}
        assert told["one", None]["why"] == "seen by hand" and 3500 < told["one", None]["left_s"] <= 3600, told
        until(lambda: up("filed") == [10, 11], 10)
        s.write("verdicts.txt", "one down\n")
        until(lambda: up("filed") == [], 10)
        same(s.ctl("verdict", "*", "none", "--probe", "mon")[0], 0)
        until(lambda: up("web") == [], 10)


@claim("forced states survive a crash, with who, when, why and until when, and end on time")
def forced():
    with Kept() as k:
        same(k.server.ctl("force", "one", "drain", "--why", "new \"disk\" \\ ü")[0], 0)
        same(k.server.ctl("force", "two", "down", "--for", "%ds" % (5 * SLOW))[0], 0)
        k.kill()                                            # right after the command
        k.server.start()
        same(k.up(), [2])
        rows = edge_rows(k.server)
        same((rows["one"]["forced"]["why"], rows["one"]["state"]), ("new \"disk\" \\ ü", "drain"))
        assert rows["one"]["forced"]["who"] and abs(rows["one"]["forced"]["when_s"] - time.time()) < 100
        assert 0 < rows["two"]["forced"]["left_s"] <= 5 * SLOW, rows["two"]
        until(lambda: k.up() == [1, 2], 20)
        same(k.server.ctl("force", "one", "auto")[0], 0)
        k.kill()
        k.server.start()
        same(k.up(), [0, 1, 2])


@claim("a state file that is broken is told with its place and passed over: the server starts, and writes a good one")
def broken():
    good = '{ "waymark_state": 1, "boot": "x", "boot_ms": 0, "wall_ms": %d, "forced": [ %%s ], "verdicts": [ %%s ] }' % (time.time() * 1000)
    for text, words in (("", ":1:"), ("{\n \"waymark_state\": 1,\n oops", ":3:"), ("[]", ":1:1:"), ("{ \"waymark_state\": 7 }", "version"),
                        ("\0\1\2", ":1:"), (good % ('{ "edge": 3 }, 4', '"x", { "probe": "p", "edge": "one", "address": "nowhere", "up": true }'), "4 entries")):
        with Kept(text=text) as k:
            assert "warning" in k.server.said() and "state.json" in k.server.said() and words in k.server.said(), (text, k.server.said())
            same(k.up(), [0, 1, 2])
            until(lambda: os.path.getsize(k.path) > len(text) and len(k.kept().get("verdicts", "")) == 3, 10)
    down = '{ "probe": "p", "edge": "two", "address": "127.0.0.11", "up": false, "for_ms": 5 }'
    with Kept(text=good % ("", down), well_once=1) as k:
        same(k.up(), [0, 2])
    # A verdict of yesterday says nothing.
    old = good.replace(good.split('"wall_ms": ')[1].split(",")[0], str(int((time.time() - 90000) * 1000)))
    with Kept(text=old % ("", down)) as k:
        same(k.up(), [0, 1, 2])


@claim("a state file that cannot be written is told once in the log and in status, and the server serves on")
def unwritable():
    with Kept("nosuch/state.json") as k:
        until(lambda: "state_fault" in json_of(k.server, "status"), 20)
        code, said = k.server.ctl("force", "one", "down")
        same(code, 1)
        assert "it holds, but it is not saved" in said and "nosuch" in said, said
        same(k.up(), [1, 2])
        same(k.server.ctl("force", "one", "auto")[0], 1)
        same(k.up(), [0, 1, 2])
        same(k.server.said().count("states are not kept"), 1)
        os.mkdir(k.server.dir + "/nosuch")
        same(k.server.ctl("force", "one", "down")[0], 0)
        same([f["edge"] for f in k.kept()["forced"]], ["one"])
        assert "is written again" in k.server.said()


@claim("after reloads the states are written where the configuration says now: to the same file, to another one, to none")
def reloads():
    with Kept() as k:
        def forced_in(name):
            with open(os.path.join(k.server.dir, name)) as f:
                return [f["edge"] for f in json.load(f)["forced"]]
        files = set(os.listdir(k.server.dir))
        for _ in range(4):
            same(k.server.ctl("reload")[0], 0)
            same(k.server.ctl("force", "one", "down")[0], 0)
            same(forced_in("state.json"), ["one"])
            same(k.server.ctl("force", "one", "auto")[0], 0)
            same(forced_in("state.json"), [])
        same(set(os.listdir(k.server.dir)) - files - {"state.json"}, set())
        conf = open(k.server.conf).read()
        k.server.write("waymark.yaml", conf.replace("state.json", "other.json"))
        same(k.server.ctl("reload")[0], 0)
        same(k.server.ctl("force", "two", "down")[0], 0)
        same((forced_in("state.json"), forced_in("other.json")), ([], ["two"]))
        same(json_of(k.server, "status")["state_file"], os.path.join(k.server.dir, "other.json"))
        k.server.write("waymark.yaml", conf.replace(", state: state.json", ""))
        same(k.server.ctl("reload")[0], 0)
        same(k.server.ctl("force", "one", "down")[0], 0)
        same((forced_in("state.json"), forced_in("other.json")), ([], ["two"]))
        k.server.write("waymark.yaml", conf)                # and back: nobody has to command anything for it
        same(k.server.ctl("reload")[0], 0)
        until(lambda: sorted(forced_in("state.json")) == ["one", "two"], 5)


@claim("killed at any point while it writes, a server starts again with all of the old state or all of the new")
def crashes(times=12):
    with Kept() as k:
        torn = 0
        for i in range(times):
            words = [(edge, state) for edge in ("one", "two", "three") for state in ("down", "drain", "up")]
            end = time.monotonic() + random.uniform(0, 0.06) * SLOW
            sent = []

            def command():
                while time.monotonic() < end + 1 and k.server.proc.poll() is None:
                    edge, state = random.choice(words)
                    sent.append((edge, state))
                    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
                        s.connect(k.server.socket)
                        s.sendall(b"force\0%s\0%s\0--why\0%s\0" % (edge.encode(), state.encode(), b"x" * 200))
                        s.shutdown(socket.SHUT_WR)
                        s.recv(100)
            thread = threading.Thread(target=command)
            thread.start()
            while time.monotonic() < end:
                time.sleep(0.001)
            k.kill()
            thread.join()
            torn += os.path.exists(k.path + ".new")
            if os.path.exists(k.path):
                for f in k.kept()["forced"]:                # whole, and something that was really commanded
                    assert (f["edge"], f["state"]) in words and f["why"] == "x" * 200, f
            k.server.start()
            assert "warning" not in k.server.said().replace("is down by probe", ""), k.server.said()
        if times > 12:
            print("%d kills, %d of them inside a write, %d clean starts" % (times, torn, times))


if sys.argv[1:2] == ["crashes"] and len(sys.argv) > 2:
    crashes(int(sys.argv.pop()))
    sys.exit(0)
run("probe-state", by_clock=True)
