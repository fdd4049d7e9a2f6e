"""DNS over TLS (RFC 7858) as real clients meet it, and certificates that are renewed."""
import json
import ssl
import threading

from edges import make_ca, make_certificate, openssl
from lib import *

ZONE = {"example.com": APEX + "www A 192.0.2.10\n$GENERATE 1-90 big A 10.0.0.$\n"}
PADDING = struct.pack(">HHI", 12, 4, 0)
LIMITS = "tls-handshake: 1s, tls-handshakes: 50, tls-clients: ca.pem"
server = Server(ZONE, start=False)
PORT = free_port()


def make_pair(name, host, days=30):
    make_certificate(server.dir, name, host, days)


def start():
    make_ca(server.dir)
    make_pair("ns1", "ns1.example.com")
    make_pair("other", "other.example.com")
    make_pair("peer", "peer.example.com")
    server.listen = '"127.0.0.1:PORT", "tls:127.0.0.1:%d"' % PORT
    server.server = ("workers: 1, tcp-idle: 5s, %s, "
                     "tls: [ { cert: ns1.pem, key: ns1.key }, { cert: other.pem, key: other.key } ]" % LIMITS)
    server.configure(config="store: { file: waymark.db }")
    server.start()


def context(alpn=("dot",), ca=True):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = ca
    c.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        c.load_verify_locations(server.dir + "/ca.pem")
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


def connect(name="ns1.example.com", c=None, session=None):
    s = socket.create_connection(("127.0.0.1", PORT), timeout=60 * SLOW)
    return (c or context()).wrap_socket(s, server_hostname=name, session=session)


def ask(s, name="www.example.com", **more):
    send_tcp(s, query(name, "A", **more))
    return Message(recv_tcp(s))


def status():
    code, text = server.ctl("status", "--json")
    same(code, 0, text)
    return json.loads(text)


def until(what, wait=60):
    end = time.monotonic() + wait * SLOW
    while not what():
        if time.monotonic() > end:
            raise AssertionError("waited %d s in vain" % wait)
        time.sleep(0.05)


@claim("dig, kdig and openssl get answers, kdig by the name of the certificate")
def clients():
    same(server.dig("+tls", "-p", str(PORT), "www.example.com", "+short").split(), ["192.0.2.10"])
    same(len(server.dig("+tls", "-p", str(PORT), "big.example.com", "+short").split()), 90)
    if shutil.which("kdig"):
        out = subprocess.run(["kdig", "@127.0.0.1", "-p", str(PORT), "+tls-ca=" + server.dir + "/ca.pem",
                              "+tls-hostname=other.example.com", "www.example.com"], capture_output=True, text=True).stdout
        assert "192.0.2.10" in out and "TLS1.3" in out and "Received 468 B" in out, out


@claim("queries in one record and in many are answered in order, with and without ALPN, by TLS 1.2 and 1.3")
def versions():
    for alpn in (("dot",), ()):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            c = context(alpn)
            c.maximum_version = version
            with connect(c=c) as s:
                same(s.selected_alpn_protocol(), alpn[0] if alpn else None)
                send_tcp(s, *[query("big.example.com", "A", ident=i) for i in range(100)])
                same([Message(recv_tcp(s)).id for _ in range(100)], list(range(100)))
                packet = query("www.example.com", "A")
                for b in struct.pack(">H", len(packet)) + packet:
                    s.sendall(bytes([b]))
                same(Message(recv_tcp(s)).addresses(), ["192.0.2.10"])


@claim("who asks for padding gets answers of 468 bytes or a multiple, over TLS alone")
def padding():
    with connect() as s:
        send_tcp(s, query("www.example.com", "A", edns=opt(options=PADDING)))
        same(len(recv_tcp(s)), 468)
        send_tcp(s, query("big.example.com", "A", edns=opt(options=PADDING)))
        same(len(recv_tcp(s)) % 468, 0)
        send_tcp(s, query("www.example.com", "A", edns=opt()))
        assert len(recv_tcp(s)) < 100
    with server.connect() as s:
        send_tcp(s, query("www.example.com", "A", edns=opt(options=PADDING)))
        assert len(recv_tcp(s)) < 100


@claim("a session is resumed, and the server counts it")
def resumption():
    before = status()["tls_resumed"]
    c = context()
    with connect(c=c) as s:
        ask(s)
        session = s.session
    with connect(c=c, session=session) as s:
        same(s.session_reused, True)
        same(ask(s).rcode, NOERROR)
    same(status()["tls_resumed"], before + 1)


@claim("who offers another protocol alone is refused, so is who speaks none, and TLS 1.1")
def refused():
    before = status()["tls_failed"]
    try:
        with connect(c=context(("h2",))) as s:
            raise AssertionError("h2 on the port of DNS")
    except ssl.SSLError:
        pass
    for junk in (b"GET / HTTP/1.0\r\n\r\n", struct.pack(">H", 29) + query("www.example.com", "A"), b""):
        with socket.create_connection(("127.0.0.1", PORT), timeout=60 * SLOW) as s:
            s.sendall(junk)
            s.shutdown(socket.SHUT_WR)
            while s.recv(100):
                pass
    until(lambda: status()["tls_failed"] >= before + 4)


def client_hello(most):
    c, out = context(), ssl.MemoryBIO()
    c.maximum_version = most
    try:
        c.wrap_bio(ssl.MemoryBIO(), out, server_hostname="ns1.example.com").do_handshake()
    except ssl.SSLWantReadError:
        return out.read()


def broken_hellos(rng):
    """First bytes that begin no handshake, or one that cannot go on."""
    record = lambda kind, body, version=b"\3\3": bytes([kind]) + version + struct.pack(">H", len(body)) + body
    for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        hello = client_hello(most)
        for _ in range(60):
            at = rng.randrange(len(hello))
            yield hello[:at] + bytes([hello[at] ^ rng.randrange(1, 256)]) + hello[at + 1:]
        for _ in range(20):                                 # a length somewhere that is none
            at = rng.randrange(3, len(hello) - 2)
            yield hello[:at] + rng.choice((b"\0\0", b"\377\377", b"\177\377")) + hello[at + 2:]
        for _ in range(10):
            yield hello[:rng.randrange(1, len(hello))]
        body = hello[5:]
        yield hello + hello
        yield hello + record(23, bytes(100))
        yield hello + record(20, b"\1") * 50
        yield b"".join(record(22, bytes([b])) for b in body)    # right, a byte in each record, and then nothing
        yield record(22, b"\24" + struct.pack(">I", 32)[1:] + bytes(32)) + hello
        yield record(22, body[:1] + b"\377\377\377" + body[4:])
        yield record(22, body, b"\0\0") + hello
    yield record(20, b"\1")
    yield record(21, b"\1\0") * 1000                         # warnings without end
    yield record(22, b"") * 1000
    yield record(23, query("www.example.com", "A"))
    yield record(24, b"\1\377\377") + bytes(20)               # a heartbeat that asks for more than it has
    yield b"\26\3\1\110\0" + bytes(0x4800)
    yield b"\200\56\1\0\2\0\25\0\0\0\20" + bytes(37)         # of SSL 2
    for _ in range(40):
        yield bytes(rng.randrange(256) for _ in range(rng.randrange(1, 600)))


@claim("handshakes that are broken in every way end, nobody gets an answer in them, and others are served beside them")
def broken():
    rng, n, before = random.Random(17), 0, status()["tls_failed"]
    for n, first in enumerate(broken_hellos(rng), 1):
        with socket.socket() as s:
            s.settimeout(60 * SLOW)
            s.bind(("127.%d.%d.1" % (10 + n // 200, n % 200), 0))       # a net each, which has a rate of its own
            s.connect(("127.0.0.1", PORT))
            try:
                s.sendall(first)
                s.shutdown(socket.SHUT_WR)
                got = recv_until_end(s)
            except (ConnectionResetError, BrokenPipeError, OSError) as why:
                assert not isinstance(why, TimeoutError), first
                got = b""
            assert b"\300\0\2\12" not in got and b"www" not in got, got  # an address of ours in the clear
        if n % 25 == 0:
            with connect() as s:
                same(ask(s).addresses(), ["192.0.2.10"])
    until(lambda: status()["tls_failed"] >= before + n)
    # What comes behind a handshake and is no record of it ends the connection.
    for junk in (bytes(64), b"\27\3\3\0\40" + bytes(32), b"\26\3\3\0\4\0\0\0\0", b"\24\3\3\0\1\2", b"\27\3\3\377\377" + bytes(100)):
        with connect() as s:
            same(ask(s).rcode, NOERROR)
            with socket.socket(fileno=os.dup(s.fileno())) as raw:
                raw.sendall(junk)
                raw.settimeout(60 * SLOW)
                try:
                    raw.shutdown(socket.SHUT_WR)
                    recv_until_end(raw)
                except OSError as why:
                    assert not isinstance(why, TimeoutError), junk
    with connect() as s:
        same(ask(s).addresses(), ["192.0.2.10"])


def recv_until_end(s):
    got = b""
    while part := s.recv(65536):
        got += part
    return got


@claim("a handshake that does not end is ended, and of too many the oldest; others are served meanwhile")
def half_open():
    before = status()
    held = [socket.create_connection(("127.0.0.1", PORT), timeout=60 * SLOW) for _ in range(60)]
    with connect() as s:
        same(ask(s).rcode, NOERROR)
    assert status()["tls_limited"] >= before["tls_limited"] + 10, status()
    for s in held:
        try:
            same(s.recv(1), b"")
        except ConnectionResetError:
            pass
        s.close()


@claim("a certificate that is renewed is shown to who comes then, and nobody loses a connection")
def renewed():
    failed = []
    stop = threading.Event()

    def keep_asking():
        try:
            while not stop.is_set():
                with connect() as s:
                    for _ in range(5):
                        same(ask(s).rcode, NOERROR)
        except Exception as e:
            failed.append(e)

    def serial():
        with connect() as s:
            return s.getpeercert()["serialNumber"]

    asker = threading.Thread(target=keep_asking)
    with connect() as old:
        asker.start()
        for _ in range(3):
            before = serial()
            make_pair("next", "ns1.example.com")
            # Between the two the pair does not fit.
            os.replace(server.dir + "/next.pem", server.dir + "/ns1.pem")
            time.sleep(0.1)
            os.replace(server.dir + "/next.key", server.dir + "/ns1.key")
            until(lambda: serial() != before)
        same(ask(old).rcode, NOERROR)
    stop.set()
    asker.join()
    same(failed, [])
    assert "TLS: certificate for ns1.example.com" in server.said(), server.said()
    assert "does not belong" not in server.said(), server.said()


@claim("two certificates for one name, of different kinds of keys, are shown each to who knows that kind")
def both_kinds():
    with Server(ZONE, start=False) as s:
        port = free_port()
        make_ca(s.dir)
        make_certificate(s.dir, "ec", "ns1.example.com", 30)
        openssl(s.dir, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa", "-keyout", "rsa.key", "-out", "rsa.csr")
        openssl(s.dir, "x509", "-req", "-in", "rsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                "-extfile", "ec.ext", "-out", "rsa.pem")
        s.listen += ', "tls:127.0.0.1:%d"' % port
        for first, second in (("ec", "rsa"), ("rsa", "ec")):
            s.server = "workers: 1, tls: [ { cert: %s.pem, key: %s.key }, { cert: %s.pem, key: %s.key } ]" % (first, first, second, second)
            s.configure()
            s.start()
            for version in ("-tls1_2", "-tls1_3"):
                for known, kind in (("ECDSA+SHA256", "ECDSA"), ("RSA-PSS+SHA256", "RSA-PSS"), ("RSA-PSS+SHA256:ECDSA+SHA256", "ECDSA")):
                    said = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-CAfile", s.dir + "/ca.pem", "-sigalgs", known,
                                           "-verify_hostname", "ns1.example.com", "-verify_return_error", version], input="", capture_output=True,
                                          text=True).stdout
                    assert "Peer signature type: " + kind in said, (first, version, known, said)
            s.stop()
        # Another of a kind that is shown already does not take its place.
        make_certificate(s.dir, "new", "ns1.example.com", 60)
        s.server = "workers: 1, tls: [ %s ]" % ", ".join("{ cert: %s.pem, key: %s.key }" % (n, n) for n in ("ec", "rsa", "new"))
        s.configure()
        s.start()
        said = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-sigalgs", "ECDSA+SHA256"], input="", capture_output=True, text=True).stdout
        with open(s.dir + "/ec.pem") as f:
            assert f.read().split("-----")[2].strip() in said, said


@claim("kdig gets answers over QUIC, padded, also where it has to prove its address; zones go out to whose certificate may have them, and what is asked is counted")
def quic():
    if not quic_is_built():
        raise Skip("built without QUIC")
    if "+[no]quic" not in subprocess.run(["kdig", "-h"], capture_output=True, text=True).stdout if shutil.which("kdig") else True:
        raise Skip("no kdig that speaks QUIC")
    with Server(ZONE, start=False) as s:
        port = free_port()
        make_ca(s.dir)
        make_certificate(s.dir, "ns1", "ns1.example.com", 30)
        make_certificate(s.dir, "peer", "Peer.example.com", 30)
        openssl(s.dir, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "self.key", "-out",
                "self.pem", "-days", "30", "-subj", "/CN=peer", "-addext", "subjectAltName=DNS:peer.example.com")
        s.listen = '"127.0.0.1:PORT", "tls:127.0.0.1:%d", "quic:0.0.0.0:%d"' % (port, port)
        s.server = "workers: 2, tls: [ { cert: ns1.pem, key: ns1.key } ], tls-clients: ca.pem"
        s.configure(zones="[ { name: example.com, file: zones/example.com.zone, transfer: [ { certificate: peer.example.com } ] } ]")
        s.start()

        def ask(*words, at="127.0.0.1"):
            # It ends with a fault of its own when it is to look at the certificate.
            return subprocess.run(["kdig", "@" + at, "-p", str(port), "+quic", "+timeout=%d" % (5 * SLOW), "+retry=0"] + list(words),
                                  capture_output=True, text=True).stdout
        said = ask("www.example.com")
        assert "192.0.2.10" in said and "id: 0" in said and "Received 468 B" in said, said
        # Answers leave from where queries came to.
        same(ask("big.example.com", "+short", at="127.0.0.2").count("10.0.0."), 90)
        for pair, allowed in (("peer", True), ("ns1", False), ("self", False), ("", False)):
            shown = ["+tls-%sfile=%s/%s.%s" % (what, s.dir, pair, end) for what, end in (("cert", "pem"), ("key", "key"))] if pair else []
            whole = ask("example.com", "AXFR", *shown, "+quic")
            same("1 messages, 95 records" in whole and whole.count("SOA") == 2 and "192.0.2.10" in whole, allowed, pair + whole)
        now = json.loads(s.ctl("status", "--json")[1])
        same([now["quic_" + k] for k in ("queries", "connections", "retries", "reset")], [6, 6, 0, 0])
        same([now["transfers_" + k] for k in ("done", "refused", "broken")], [1, 3, 0])
        # Where handshakes may be few, each client proves its address.
        s.server += ", tls-handshakes: 3"
        s.configure()
        s.stop()
        s.start()
        assert "192.0.2.10" in ask("www.example.com")
        same(json.loads(s.ctl("status", "--json")[1])["quic_retries"], 1)


@claim("without QUIC built in an address of it is a fault of the configuration, at its place")
def no_quic():
    if quic_is_built():
        raise Skip("built with QUIC")
    with Server(ZONE, start=False) as s:
        s.listen += ',\n  "quic:127.0.0.1:853"'
        s.configure("")
        code, said = s.check()
        same(code, 1, said)
        assert ":2:3: error: this waymarkd was built without QUIC" in said and "--with-quic" in said, said


@claim("a pair that is wrong is told of, in the log and as an alarm, and what was shown before is shown on")
def wrong_pair():
    os.rename(server.dir + "/other.key", server.dir + "/other.kept")
    server.write("other.key", "nothing")
    until(lambda: "other.key: there is no private key in it" in server.said())
    assert any("other.key" in a for a in status()["alarms"]), status()["alarms"]
    with connect("other.example.com") as s:
        same(ask(s).rcode, NOERROR)
    code, text = server.check()
    assert code and "waymark.yaml:" in text and "other.key: there is no private key" in text, text
    os.replace(server.dir + "/other.kept", server.dir + "/other.key")
    until(lambda: not any("other.key" in a for a in status()["alarms"]))


@claim("check tells of a nameserver that our zones tell to speak TLS and that no certificate is for")
def fits():
    server.write("zones/example.com.zone", ZONE["example.com"] + "_dns.ns1 SVCB 1 ns1 alpn=dot\n")
    same(server.check()[1].count("warning: no certificate"), 0)
    server.write("zones/example.com.zone", ZONE["example.com"] + "@ NS ns9\nns9 A 192.0.2.9\n_dns.ns9 SVCB 1 ns9 alpn=dot\n")
    code, text = server.check()
    assert code == 0 and "waymark.yaml:1:" in text and "no certificate here is for ns9.example.com" in text, text
    server.write("zones/example.com.zone", ZONE["example.com"])


# ------------------------------------------------------------------ transfers (RFC 9103)

def zone_status(of, word):
    code, text = of.ctl("zone", "status", "example.com")
    return code == 0 and word in text


def secondary(tls, more=""):
    s = Server({}, start=False)
    s.server = "workers: 1" + more
    s.configure(config="peers: { ns1: { at: \"127.0.0.1:%d\", tls: { port: %d, %s } } }" % (server.port, PORT, tls),
                zones="[ { name: example.com, primary: [ ns1 ] } ]")
    for name in ("ca.pem", "peer.pem", "peer.key"):
        shutil.copy(server.dir + "/" + name, s.dir)
    return s


def serves(of):
    return of.udp("www.example.com").addresses() == ["192.0.2.10"]


def allow(rule):
    """Who may have the zone from now on."""
    server.configure(zones="[ { name: example.com, file: zones/example.com.zone, transfer: [ %s ] } ]" % rule)
    same(server.ctl("reload")[0], 0)


@claim("a secondary fetches over TLS from who is who it says, by certificate where that is asked for; nothing goes over UDP")
def fetches():
    allow("{ certificate: peer.example.com }")
    before = status()
    with secondary("name: ns1.example.com, ca: ca.pem, cert: peer.pem, key: peer.key") as s:
        s.start()
        until(lambda: serves(s))
        same(status()["tls_queries"], before["tls_queries"] + 1)
        same((status()["udp_queries"], status()["tcp_queries"]), (before["udp_queries"], before["tcp_queries"]))
        server.write("zones/example.com.zone", ZONE["example.com"].replace("7 7200", "8 7200").replace("192.0.2.10", "192.0.2.11"))
        same(server.ctl("reload")[0], 0)
        same(s.ctl("zone", "refresh", "example.com")[0], 0)
        until(lambda: s.udp("www.example.com").addresses() == ["192.0.2.11"])
    server.write("zones/example.com.zone", ZONE["example.com"].replace("7 7200", "9 7200"))
    allow("{ tls: on }")
    # Whoever answers, where nobody asks who it is.
    with secondary("verify: off") as s:
        s.start()
        until(lambda: serves(s))


@claim("a secondary sends an update on over TLS to a primary that it fetches over TLS from, and to nobody else")
def sends_on():
    server.configure(zones="[ { name: example.com, file: zones/example.com.zone, transfer: any, write-back: store, update: { from: 127.0.0.1 } } ]")
    code, said = server.ctl("reload")
    same(code, 0, said)
    rdata = bytes([192, 0, 2, 77])
    packet = (os.urandom(2) + struct.pack(">HHHHH", 5 << 11, 1, 0, 1, 0) + b"\7example\3com\0" + struct.pack(">HH", 6, 1) +
              b"\3new\7example\3com\0" + struct.pack(">HHIH", 1, 1, 60, 4) + rdata)
    for name, rcode in (("ns1.example.com", 0), ("ns9.example.com", 2)):
        with secondary("name: %s, ca: ca.pem" % name) as s:
            s.configure(zones="[ { name: example.com, primary: [ ns1 ], forward-updates: any } ]")
            s.start()
            before = status()
            reply = s.exchange(packet, 60)
            same((reply[:2], reply[3] & 15), (packet[:2], rcode), s.said())
            same((status()["udp_queries"], status()["tcp_queries"]), (before["udp_queries"], before["tcp_queries"]))
            said = s.said()
    assert "is not sent on: ns1" in said and "its certificate is not taken" in said, said
    same(server.udp("new.example.com").addresses(), ["192.0.2.77"])


@claim("another name, another authority, no certificate of one's own, and no TLS at all are refused, and told")
def refused_transfers():
    for tls, rule, say in (("name: ns9.example.com, ca: ca.pem", "{ tls: on }", "TLS): its certificate is not taken: hostname mismatch"),
                           ("name: ns1.example.com, ca: peer.pem", "{ tls: on }", "its certificate is not taken: unable to get local issuer"),
                           ("name: ns1.example.com, ca: ca.pem", "{ certificate: peer.example.com }", "TLS): answers REFUSED")):
        allow(rule)
        with secondary(tls) as s:
            s.start()
            until(lambda: zone_status(s, say))
    allow("{ tls: on }")
    same(len([r for r in server.dig("+tcp", "example.com", "AXFR").splitlines() if "\tA\t" in r]), 0)
    assert "192.0.2.10" in server.dig("+tls", "-p", str(PORT), "example.com", "AXFR")


@claim("named fetches over TLS from us, and we from it")
def with_named():
    named = shutil.which("named", path="/usr/sbin:" + os.environ["PATH"])
    if not named:
        raise Skip("named is not installed")
    allow("{ tls: on }")
    dir, port, tls_port = tempfile.mkdtemp(prefix="waymark-test."), free_port(), free_port()
    with open(dir + "/named.conf", "w") as f:
        f.write("""
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on port %d tls own { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
    session-keyfile none; recursion no; allow-transfer transport tls { any; }; notify no; };
controls { };
tls own { cert-file "%s/other.pem"; key-file "%s/other.key"; };
tls waymark { ca-file "%s/ca.pem"; remote-hostname "ns1.example.com"; };
zone "example.com" { type secondary; primaries { 127.0.0.1 port %d tls waymark; }; file "example.com.zone"; };
""" % (dir, port, tls_port, server.dir, server.dir, server.dir, PORT))
    proc = subprocess.Popen([named, "-g", "-c", dir + "/named.conf"], stdout=subprocess.DEVNULL, stderr=open(dir + "/log", "w"))
    try:
        until(lambda: "192.0.2.10" in subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+timeout=1", "www.example.com", "+short"],
                                                     capture_output=True, text=True).stdout)
        s = Server({}, start=False)
        s.configure(config="peers: { named: { at: \"127.0.0.1:%d\", tls: { port: %d, name: other.example.com, ca: ca.pem } } }" % (port, tls_port),
                    zones="[ { name: example.com, primary: [ named ] } ]")
        shutil.copy(server.dir + "/ca.pem", s.dir)
        with s:
            s.start()
            until(lambda: serves(s))
    except AssertionError:
        print(open(dir + "/log").read()[-3000:])
        raise
    finally:
        proc.terminate()
        proc.wait(60)
        shutil.rmtree(dir, ignore_errors=True)


@claim("nsd fetches over TLS from us")
def with_nsd():
    nsd = shutil.which("nsd", path="/usr/sbin:" + os.environ["PATH"])
    if not nsd:
        raise Skip("nsd is not installed")
    allow("{ tls: on }")
    dir, port = tempfile.mkdtemp(prefix="waymark-test."), free_port()
    with open(dir + "/nsd.conf", "w") as f:
        f.write("""
server:
    ip-address: 127.0.0.1@%d
    zonesdir: "%s"
    database: ""
    pidfile: ""
    xfrdfile: "%s/xfrd.state"
    xfrdir: "%s"
    username: ""
    tls-cert-bundle: "%s/ca.pem"
remote-control:
    control-enable: no
tls-auth:
    name: waymark
    auth-domain-name: ns1.example.com
zone:
    name: example.com
    request-xfr: AXFR 127.0.0.1@%d NOKEY waymark
""" % (port, dir, dir, dir, server.dir, PORT))
    proc = subprocess.Popen([nsd, "-d", "-c", dir + "/nsd.conf"], stdout=subprocess.DEVNULL, stderr=open(dir + "/log", "w"))
    try:
        until(lambda: "192.0.2.10" in subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+timeout=1", "www.example.com", "+short"],
                                                     capture_output=True, text=True).stdout)
    finally:
        proc.terminate()
        proc.wait(60)
        shutil.rmtree(dir, ignore_errors=True)


with server:
    start()
    run("tls")
