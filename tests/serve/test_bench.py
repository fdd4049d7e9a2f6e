"""The benchmark's own truth: that what it asks is answered, and what it counts is so. Nothing about time."""
import json
from lib import *

BENCH, LOAD, FLOOR = TOP + "/tests/bench/bench", BUILD + "/bench/load", BUILD + "/bench/floor"
SECONDS = 0.3


def bench(*words, status=0):
    work = tempfile.mkdtemp(prefix="waymark-bench.")
    try:
        done = subprocess.run([BENCH, "-r", "1", "-t", str(SECONDS), "--work", work + "/work", "--json", work + "/json"] + list(words),
                              capture_output=True, text=True, timeout=120 * SLOW)
        same(done.returncode, status, done.stdout + done.stderr)
        if status:
            return done.stderr
        with open(work + "/json") as f:
            return json.load(f)
    finally:
        shutil.rmtree(work)


@claim("waymark and the floor answer all that is asked, over UDP and TCP, and rightly")
def all_right():
    report = bench("-w", "W1 W7", "--server", "floor", "waymark")
    same(sorted(report["workloads"]), ["W1", "W7"])
    for name, result in report["workloads"].items():
        same(result["skipped"], {})
        same(sorted(result["servers"]), ["floor", "waymark"])
        for server, row in result["servers"].items():
            same((row["answered"], row["right"]), (1, 1), name + " " + server)
            assert row["qps"]["median"] > 0 and row["cpu_us"]["median"] > 0 and row["memory_mib"] > 0, row
            assert 0 < row["first_s"] <= row["ready_s"] and 0 < row["p50_us"] <= row["p99_us"], row
            assert row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"], row


@claim("handshakes of TLS are counted, and who speaks none is passed by")
def handshakes():
    result = bench("-w", "W9", "--server", "floor", "waymark")["workloads"]["W9"]
    same(result["skipped"], {"floor": "speaks no TLS"})
    row = result["servers"]["waymark"]
    same((row["answered"], row["right"], row["p50_us"]), (1, 1, None))
    assert row["qps"]["median"] > 0 and row["cpu_us"]["median"] > 0, row


@claim("names that are not there count as right only with NXDOMAIN")
def nothing():
    row = bench("-w", "W2", "--server", "waymark")["workloads"]["W2"]["servers"]["waymark"]
    same((row["answered"], row["right"], row["ratio"]), (1, 1, None))


@claim("paced, it asks as often as it is told")
def paced():
    row = bench("-w", "W1", "--server", "waymark", "--rate", "1000")["workloads"]["W1"]["servers"]["waymark"]
    same(row["answered"], 1)
    assert 800 <= row["qps"]["median"] <= 1000, row["qps"]      # a crowded machine may make it late, never early


def load(packet, rcode, answers, *words):
    """What the load says of one query against the floor, which answers NOERROR and one record."""
    with tempfile.NamedTemporaryFile() as f, tempfile.TemporaryFile() as said:
        f.write(struct.pack(">BBH", rcode, answers, len(packet)) + packet)
        f.flush()
        port = free_port()
        floor = subprocess.Popen([FLOOR, "-p", str(port)] + [w for w in words if w == "-T"], stderr=said)
        try:
            argv = [LOAD, "-d", f.name, "-p", str(port), "-t", str(SECONDS), "-n", "2", "-w", "8"] + list(words)
            for _ in range(50):                             # until the floor is there and nobody is refused
                done = subprocess.run(argv, capture_output=True, text=True, timeout=60 * SLOW)
                if done.returncode == 0 and not json.loads(done.stdout)["refused"]:
                    break
                time.sleep(0.1)
            same(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)
        finally:
            floor.kill()
            floor.wait()


@claim("an answer with another RCODE or another number of records is answered, not right")
def wrong():
    asked = query("a.example", "A", edns=opt())
    for words in ((), ("-T",)):
        for rcode, answers, right in ((0, 1, True), (0, 255, True), (255, 255, True), (3, 1, False), (0, 2, False)):
            r = load(asked, rcode, answers, *words)
            assert r["answered"] > 0, r
            same(r["right"], r["answered"] if right else 0, (rcode, answers, words, r))


@claim("queries that nobody answers are lost, counted, and end the load in time")
def lost():
    response = query("a.example", "A", flags=0x8000)        # which the floor passes over
    begin = time.monotonic()
    r = load(response, 0, 1)
    same((r["answered"], r["right"]), (0, 0))
    assert r["sent"] == r["lost"] > 0, r
    assert time.monotonic() - begin < 10 * SLOW


@claim("the floor's answers are sound messages")
def floor_answers():
    port = free_port()
    proc = subprocess.Popen([FLOOR, "-p", str(port), "-r", "3", "-a", "2"])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1 * SLOW)
            s.connect(("127.0.0.1", port))
            asked = query("www.example.org", "A", edns=opt(options=ecs("192.0.2.0/24")), flags=0x100)
            for _ in range(20):
                try:
                    s.send(asked)
                    m = Message(s.recv(4096))
                    break
                except OSError:
                    time.sleep(0.1)
        same((m.id, m.rcode, m.aa, m.rd, m.question), (struct.unpack(">H", asked[:2])[0], NXDOMAIN, True, True, "www.example.org."))
        same((m.addresses(), m.options), (["192.0.2.1"] * 2, {}))
        same([r[0] for r in m.answer], ["www.example.org."] * 2)
    finally:
        proc.kill()
        proc.wait()


@claim("nothing that it started is left when it is interrupted")
def interrupted():
    work = tempfile.mkdtemp(prefix="waymark-bench.")
    try:
        p = subprocess.Popen([BENCH, "-r", "50", "-t", "1", "--work", work, "--server", "floor", "waymark"], stdout=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        end = time.monotonic() + 60 * SLOW
        while len(uses(work)) < 3:                          # two servers ask for it by their folder, and the load
            assert p.poll() is None and time.monotonic() < end, uses(work)
            time.sleep(0.05)
        p.send_signal(signal.SIGINT)
        same(p.wait(60 * SLOW), 130)
        same(uses(work), [])
    finally:
        p.kill()
        p.wait()
        shutil.rmtree(work)


def uses(folder):
    """The processes but the bench that run in that folder, or name it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                said = f.read().replace(b"\0", b" ").decode(errors="replace")
            if (folder in said or os.readlink("/proc/%s/cwd" % pid).startswith(folder)) and BENCH not in said:
                found.append(said)
        except OSError:
            continue
    return found


@claim("what is asked for wrongly is said in a sentence")
def refusals():
    for words, sentence in ((["-w", "W99"], "there is no workload W99"), (["-r", "0"], "invalid whole value"),
                            (["--waymarkd", "/nowhere"], "/nowhere: there is no such file")):
        said = bench(*words, status=2)
        assert sentence in said, said
    done = subprocess.run([LOAD, "-d", "/dev/null", "-p", "1"], capture_output=True, text=True)
    same((done.returncode, done.stderr), (2, "load: /dev/null: there are no queries\n"))


run("bench")
