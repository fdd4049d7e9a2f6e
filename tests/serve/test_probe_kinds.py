"""Every kind of probe against real servers: what is up, what is down, and why in words."""
from edges import *

FAST = "every: 300ms, timeout: 200ms, rise: 1, fall: 1"


def serve(probe, address="127.0.0.1", family="a", more=""):
    """A server with one edge at that address, probed so; all-down is empty, so that what is answered is what is up."""
    return Server(zone("web"), config="""
edges: { one: { %s: [ "%s" ] } }
probes: { p: { %s } }
pools: { web: { edges: [ one ], policy: round-robin, probe: p, all-down: empty%s } }""" % (family, address, probe, more))


def is_up(s, qtype="A"):
    return bool(s.udp("web.example.com", qtype).addresses())


def says(s, words):
    until(lambda: words in target(s, "one").get("say", ""), 10)


def fails(s, words):
    says(s, words)
    until(lambda: not is_up(s), 10)                         # the workers are told a little later


def passes(s, words, qtype="A"):
    says(s, words)
    until(lambda: is_up(s, qtype), 10)


@claim("tcp: a port that takes connections is up, one that refuses or is silent is down, over IPv4 and IPv6")
def tcp():
    with socket.socket() as l, socket.socket(socket.AF_INET6) as l6:
        l.bind(("127.0.0.1", 0))
        l6.bind(("::1", 0))
        for s4, address, family, qtype in ((l, "127.0.0.1", "a", "A"), (l6, "::1", "aaaa", "AAAA")):
            with serve("kind: tcp, port: %d, %s" % (s4.getsockname()[1], FAST), address, family) as s:
                fails(s, "connection refused")
                s4.listen(8)
                passes(s, "connected", qtype)
                assert 0 < target(s, "one")["rtt_ms"] < 1000 * SLOW
    # A queue that is full takes no SYN: nobody answers.
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            c = stack.enter_context(socket.socket())
            c.setblocking(False)
            c.connect_ex(full.getsockname())
        with serve("kind: tcp, port: %d, %s" % (full.getsockname()[1], FAST)) as s:
            fails(s, "no answer within 200 ms (waited for the connection)")


@claim("http: status, ranges, body, host and method are asked for and told of")
def http():
    with Web() as w, serve("kind: http, port: %d, path: \"/health?x=1\", host: www.example.com, body: fine, expect: [ 204, 200-299 ], %s"
                           % (w.port, FAST)) as s:
        fails(s, 'HTTP 200, but "fine" is not in the body')
        w.body = b"all is fine here"
        passes(s, "HTTP 200")
        assert w.seen[-1].startswith("GET /health?x=1 HTTP/1.1\r\n") and "Host: www.example.com\r\n" in w.seen[-1], w.seen[-1]
        w.status = 503
        fails(s, "HTTP 503, expected 204 or others")
        before = w.connections
        until(lambda: w.connections >= before + 3, 10)      # each proves a new connection
    with Web() as w, serve("kind: http, port: %d, method: HEAD, keep-alive: on, every: 500ms, timeout: 490ms, rise: 1, fall: 1" % w.port) as s:
        says(s, "HTTP 200")
        until(lambda: len(w.seen) > 4, 20)
        assert w.seen[-1].startswith("HEAD / HTTP/1.1\r\n") and "Host: 127.0.0.1" in w.seen[-1], w.seen[-1]
        assert w.connections <= 2, w.connections
        w.status = 404
        fails(s, "HTTP 404, expected 200 to 399")


@claim("http: values of headers and numbers of the body are held against what they must be")
def http_values():
    with Web() as w, serve("kind: http, port: %d, values: [ { header: X-State, is: ok }, { header: X-Load, below: 0.9 }, { body: queue, least: 1, below: 100 } ], %s"
                           % (w.port, FAST)) as s:
        fails(s, "there is no X-State in the header")
        w.headers = {"x-state": " not ok", "X-Load": "0.5"}
        fails(s, 'X-State in the header is not "ok"')
        w.headers = {"x-state": "ok ", "X-Load": "0.5"}
        fails(s, "there is no number queue in the body")
        w.body = b'{ "queue": 99, "x": 1 }'
        passes(s, "HTTP 200")
        w.body = b'{ "queue": 100 }'
        fails(s, "queue is 100, not below 100")
        w.body = b"queue=0.5"
        fails(s, "queue is 0.5, less than 1")
        w.body, w.headers = b"queue=1", {"X-State": "ok", "X-Load": "high"}
        fails(s, "X-Load in the header is no number")
        w.headers = {"X-State": "ok", "X-Load": "0.9"}
        fails(s, "X-Load is 0.9, not below 0.9")
        w.headers = {"X-State": "ok", "X-Load": "0.89"}
        passes(s, "HTTP 200")
        text = open(s.conf).read()
        s.write("waymark.yaml", text.replace("{ header: X-State, is: ok }", "{ header: X-State, matches: '^o' }, { json: 'db[0].state', is: up },"
                                             " { json: 'db[0].lag', below: 10 }, { matches: 'ver.*2\\.[0-9]' }"))
        same(s.ctl("reload")[0], 0)
        fails(s, "the body is no JSON")
        w.body = b'{ "queue": 1, "db": [ { "state": "down" } ] }'
        fails(s, 'db[0].state is "down", not "up"')
        w.body = b'{ "queue": 1, "db": [ { "state": "up", "lag": 17 } ] }'
        fails(s, "db[0].lag is 17, not below 10")
        w.body = b'{ "queue": 1, "db": [ { "state": "up", "lag": 3 } ] }'
        fails(s, 'the body does not match "ver.*2\\.[0-9]"')
        w.body = b'{ "queue": 1, "db": [ { "state": "up", "lag": 3 } ], "version": "2.7" }'
        passes(s, "HTTP 200")
        s.write("waymark.yaml", text.replace("is: ok", "matches: 'a(b'").replace("{ body: queue, least: 1,", "{ json: a..b, least: 1,"))
        code, say = s.check()
        assert code and "(PCRE2): behind its 3. character: missing closing parenthesis" in say and "this is no path such as" in say, say


@claim("http: servers that are slow, hang, lie about the body or speak nonsense are down, and it is told how")
def http_broken():
    with Web() as w, serve("kind: http, port: %d, body: ok, %s" % (w.port, FAST)) as s:
        says(s, "HTTP 200")
        w.delay = 0.4
        fails(s, "no answer within 200 ms (waited for the answer)")
        w.delay, w.claim = 0, 1000
        fails(s, "closed before the body's end")
        w.claim, w.raw = None, b"SSH-2.0-nonsense\r\n"
        fails(s, "not an HTTP answer")
        w.raw = b""
        fails(s, "closed without an answer")
        w.raw, w.body = None, b"x" * 300000 + b"ok"         # only the first 64 KiB are looked at
        fails(s, '"ok" is not in the body')
        w.body = b"ok"
        until(lambda: is_up(s), 10)


@claim("https: nginx with a good certificate is up; expired, of a stranger, for another name are told; an end that is near warns")
def https():
    need("openssl")
    folder = tempfile.mkdtemp(prefix="waymark-nginx.")
    make_ca(folder)
    ports = {n: free_port() for n in ("good", "old", "other", "soon", "plain")}
    for name, host, days in (("good", "www.example.com", 20), ("old", "www.example.com", -1), ("other", "else.example.net", 20),
                             ("soon", "www.example.com", 3)):
        make_certificate(folder, name, host, days)
    with Nginx("".join("server { listen 127.0.0.1:%d ssl; ssl_certificate %s.pem; ssl_certificate_key %s.key; location / { return 200 fine; } }\n" %
                       (ports[n], n, n) for n in ("good", "old", "other", "soon")) +
               "server { listen 127.0.0.1:%d; location / { return 200 fine; } }" % ports["plain"], folder):
        probe = "kind: https, port: %d, host: www.example.com, every: 500ms, timeout: 400ms, rise: 1, fall: 1" if SLOW == 1 else \
            "kind: https, port: %d, host: www.example.com, every: 2s, timeout: 2s, rise: 1, fall: 1"
        trusting = probe + ", ca: %s/ca.pem" % folder
        with serve(trusting % ports["good"] + ", body: fine") as s:
            passes(s, "HTTP 200")
            same(target(s, "one").get("notice"), None)
            row = target(s, "one")
            assert 0 < row["wire_ms"] <= row["rtt_ms"], row
        for port, more, words in ((ports["old"], "", "TLS: certificate expired 1 day ago"), (ports["other"], "", "TLS: certificate is not for www.example.com"),
                                  (ports["good"], ", tls-name: else.example.net", "TLS: certificate is not for else.example.net"),
                                  (ports["plain"], "", "TLS: no handshake")):
            with serve(trusting % port + more) as s:
                fails(s, words)
        with serve(probe % ports["good"]) as s:
            fails(s, "TLS: certificate is not signed by an authority that we trust")
        with serve(probe % ports["old"] + ", verify: off") as s:
            passes(s, "HTTP 200")
            assert "certificate expired 1 day ago" in target(s, "one")["notice"], target(s, "one")
        with serve(trusting % ports["soon"] + ", expiry-warning: 7d") as s:
            says(s, "HTTP 200")
            assert "127.0.0.1, probe p: certificate expires in" in s.said(), s.said()
            assert target(s, "one")["notice"] in ("certificate expires in 2 days", "certificate expires in 3 days"), target(s, "one")
        os.mkfifo(folder + "/pipe.pem")
        with serve(probe % ports["good"] + ", ca: %s/pipe.pem" % folder) as s:
            fails(s, "is a pipe")                           # and nothing waits for it
        with serve(probe % ports["good"] + ", ca: nosuch.pem") as s:
            fails(s, 'TLS: cannot read the "ca" file')


@claim("dns: a real server that answers as expected is up; a wrong rcode, a missing record, a lie and silence are told")
def dns():
    with Server({"example.net": APEX + "www A 192.0.2.80\ntxt TXT hello\n"}) as other:
        probe = "kind: dns, port: %d, query: \"%%s\", %s%%s" % (other.port, FAST)
        for query, more, words in (("www.example.net", "", "DNS NOERROR, 1 answer"), ("www.example.net A", ", answer: 192.0.2.80", "DNS NOERROR"),
                                   ("txt.example.net TXT", ", answer: hello", "DNS NOERROR"), ("no.example.net", ", expect: NXDOMAIN", "DNS NXDOMAIN"),
                                   ("www.example.org", ", expect: [ NXDOMAIN, REFUSED ]", "DNS REFUSED")):
            with serve(probe % (query, more)) as s:
                passes(s, words)
        for query, more, words in (("www.example.net", ", answer: 192.0.2.81", "the expected record is not among 1 answer"),
                                   ("no.example.net", "", "DNS NXDOMAIN, expected NOERROR")):
            with serve(probe % (query, more)) as s:
                fails(s, words)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        liar.bind(("127.0.0.1", 0))
        liar.settimeout(0.1)
        with serve("kind: dns, port: %d, query: www.example.net, %s" % (liar.getsockname()[1], FAST)) as s:
            end = time.monotonic() + 1.5
            while time.monotonic() < end:                   # right, but for another question; another id; no answer at all
                with contextlib.suppress(OSError):
                    q, who = liar.recvfrom(512)
                    liar.sendto(q[:2] + b"\x84\x00" + q[4:12] + b"\3xxx" + q[16:], who)
                    liar.sendto(bytes([q[0] ^ 1]) + q[1:2] + b"\x84\x00" + q[4:], who)
                    liar.sendto(q[:5], who)
            fails(s, "no answer within 200 ms (waited for the answer)")
    with serve("kind: dns, port: %d, query: www.example.net, %s" % (free_port(), FAST)) as s:
        fails(s, "connection refused")


@claim("dns: what is missing from a truncated reply is asked for by TCP, and what goes wrong there is told")
def dns_truncated():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, socket.socket() as t:
        port = free_port()
        u.bind(("127.0.0.1", port))
        t.bind(("127.0.0.1", port))
        wrong = threading.Event()

        def record(address):
            return b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)

        def head(q, flags, n):
            return q[:2] + struct.pack(">HHHHH", flags, 1, n, 0, 0) + q[12:]

        def by_udp():
            with contextlib.suppress(OSError):
                while True:
                    q, who = u.recvfrom(512)
                    u.sendto(head(q, 0x8600, 1) + record("192.0.2.1"), who)

        def by_tcp():
            while True:
                with contextlib.suppress(OSError):          # those that were given up are in the queue, too
                    with t.accept()[0] as c:
                        q = c.recv(512)[2:]
                        reply = head(q, 0x8400, 2) + record("192.0.2.1") + record("192.0.2.99" if wrong.is_set() else "192.0.2.2")
                        reply = struct.pack(">H", len(reply)) + reply
                        c.sendall(reply[:5])                # in two pieces
                        time.sleep(0.01)
                        c.sendall(reply[5:])
        threads = [threading.Thread(target=f, daemon=True) for f in (by_udp, by_tcp)]
        threads[0].start()
        probe = "kind: dns, port: %d, query: www.example.net, answer: %%s, %s" % (port, FAST)
        with serve(probe % "192.0.2.1") as s:
            passes(s, "DNS NOERROR, 1 answer")              # it is there already
        with serve(probe % "192.0.2.2") as s:
            fails(s, "DNS: truncated, and by TCP: connection refused")
            t.listen(8)
            says(s, "no answer within 200 ms (waited for the answer by TCP)")
            threads[1].start()
            passes(s, "DNS NOERROR, 2 answers")
            assert "truncated; asking by TCP" in s.ctl("probe", "one")[1]
            wrong.set()
            fails(s, "the expected record is not among 2 answers")


@claim("icmp: an address that echoes is up; without permission it is told which sysctl or capability is missing")
def icmp():
    with serve("kind: icmp, " + FAST) as s:
        until(lambda: target(s, "one").get("say"), 10)
        if "no permission" in target(s, "one")["say"]:
            fails(s, "sysctl net.ipv4.ping_group_range=")
            raise Skip("neither ping sockets nor raw ones are allowed here (the sentence that says so is right)")
        passes(s, "echo reply")
    with serve("kind: icmp, " + FAST, "::1", "aaaa") as s:
        passes(s, "echo reply", "AAAA")


@claim("exec: exit status 0 is up; the first line is what it says; a group that outlives its time is killed as a whole")
def exec_():
    folder = tempfile.mkdtemp(prefix="waymark-exec.")
    try:
        path = folder + "/look"
        with open(path, "w") as f:
            f.write("#!/bin/sh\n. %s/how\n" % folder)
        os.chmod(path, 0o755)

        def how(text):
            with open(folder + "/how.new", "w") as f:
                f.write(text + "\n")
            os.rename(folder + "/how.new", folder + "/how")
        how('echo "$WAYMARK_EDGE $WAYMARK_ADDRESS"; echo more')
        slow = "every: 500ms, timeout: 400ms, rise: 1, fall: 1" if SLOW == 1 else "every: 3s, timeout: 2s, rise: 1, fall: 1"
        with serve("kind: exec, command: [ %s, word ], %s" % (path, slow)) as s:
            passes(s, "exit status 0: one 127.0.0.1")
            how("echo too hot >&2; exit 3")
            fails(s, "exit status 3: too hot")
            how("kill -9 $$")
            fails(s, "killed by signal 9")
            how("sleep 987 & echo $! > %s/pid; sleep 986; exit 0" % folder)
            fails(s, "no answer within")
            pid = int(open(folder + "/pid").read())
            how("exit 0")
            until(lambda: not os.path.exists("/proc/%d" % pid) or "Z" in open("/proc/%d/stat" % pid).read().split(")")[1][:3], 10)
            until(lambda: is_up(s), 10)
            # What a command leaves behind goes with it.
            how("sleep 985 >/dev/null 2>&1 & echo $! > %s/pid2; exit 0" % folder)
            until(lambda: os.path.exists(folder + "/pid2") and open(folder + "/pid2").read().strip(), 10)
            pid = int(open(folder + "/pid2").read())
            how("exit 0")
            until(lambda: not os.path.exists("/proc/%d" % pid) or "Z" in open("/proc/%d/stat" % pid).read().split(")")[1][:3], 10)
            # Nothing of ours is open in it.
            how("ls /proc/self/fd | wc -l > %s/fds; exit 0" % folder)
            until(lambda: os.path.exists(folder + "/fds") and open(folder + "/fds").read().strip(), 10)
            assert int(open(folder + "/fds").read()) <= 5, open(folder + "/fds").read()
            # What systemd sends to all processes of a service is for the server alone to heed.
            for child in open("/proc/%d/task/%d/children" % (s.proc.pid, s.proc.pid)).read().split():
                os.kill(int(child), signal.SIGTERM)
            how("echo still; exit 0")
            passes(s, "exit status 0: still")
            assert "is gone" not in s.said(), s.said()
        # A server that is killed takes its commands with it.
        how("echo $$ > %s/pid3; exec sleep 984" % folder)
        s = Server(zone("web"), start=False, config="""
edges: { one: { a: [ 127.0.0.1 ] } }
probes: { p: { kind: exec, command: %s, every: 60s, timeout: 50s } }
pools: { web: { edges: [ one ], policy: round-robin, probe: p } }""" % path)
        s.log = open(s.dir + "/log", "w+")
        s.proc = subprocess.Popen([WAYMARKD, "-c", s.conf], stderr=s.log, stdin=subprocess.DEVNULL)
        try:
            until(lambda: os.path.exists(folder + "/pid3") and open(folder + "/pid3").read().strip(), 10)
            pid = int(open(folder + "/pid3").read())
            until(lambda: "sleep" in open("/proc/%d/cmdline" % pid).read(), 5)
        finally:
            s.proc.kill()
            s.proc.wait()
            shutil.rmtree(s.dir)
        until(lambda: not os.path.exists("/proc/%d" % pid) or "Z" in open("/proc/%d/stat" % pid).read().split(")")[1][:3], 5)
        with serve("kind: exec, command: nosuch, " + slow) as s:
            fails(s, "No such file")
    finally:
        shutil.rmtree(folder)


@claim("a probe run by hand tells every step and its exit status; by kind none and in no pool there is none")
def by_hand():
    with Web() as w, serve("kind: http, port: %d, every: 60s, timeout: 2s, rise: 1, fall: 1" % w.port) as s:
        code, said = s.ctl("probe", "one")
        same(code, 0, said)
        for words in ("127.0.0.1 by probe p (http)", "> GET / HTTP/1.1", "< HTTP/1.1 200 Whatever", "passed: HTTP 200; it is up"):
            assert words in said, said
        w.status = 500
        code, said = s.ctl("probe", "one", "--json")
        same(code, 1, said)
        assert '< HTTP/1.1 500 Whatever"' in said, said
        until(lambda: not is_up(s), 10)                     # it counts
        w.hang = True
        start = time.monotonic()
        many = [subprocess.Popen([WAYMARKCTL, "-c", s.conf, "probe", "one"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
        said = [p.communicate(timeout=60 * SLOW)[0] for p in many]
        assert any("somebody else" in t for t in said) and any("no answer within 2 s" in t for t in said), said
        assert time.monotonic() - start < 50 * SLOW         # not as long as a turn
        same(s.ctl("probe", "two")[0], 1)
        gone = subprocess.Popen([WAYMARKCTL, "-c", s.conf, "probe", "one"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.1)
        gone.kill()
        gone.wait()
        same(s.ctl("status")[0], 0)
    with Web() as w, serve("kind: none") as s:
        assert is_up(s)
        code, said = s.ctl("probe", "one")
        assert code == 1 and "has no probe" in said, said


run("probe-kinds", by_clock=True)
