"""DNS over TLS (RFC 7858) as real clients meet it, and certificates that are renewed."""
import json
import ssl
import threading

from edges import make_ca, make_certificate
from lib import *

ZONE = {"example.com": APEX + "www A 192.0.2.10\n$GENERATE 1-250 big A 10.0.0.$\n"}
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
    server.configure()
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
    s = socket.create_connection(("127.0.0.1", PORT), timeout=10 * SLOW)
    return (c or context()).wrap_socket(s, server_hostname=name, session=session)


def ask(s, name="www.example.com", **more):
    send_tcp(s, query(name, "A", **more))
    return Message(recv_tcp(s))


def status():
    code, text = server.ctl("status", "--json")
    same(code, 0, text)
    return json.loads(text)


def until(what, wait=20):
    end = time.monotonic() + wait * SLOW
    while not what():
        if time.monotonic() > end:
            raise AssertionError("waited %d s in vain" % wait)
        time.sleep(0.05)


@claim("dig, kdig and openssl get answers, kdig by the name of the certificate")
def clients():
    same(server.dig("+tls", "-p", str(PORT), "www.example.com", "+short").split(), ["192.0.2.10"])
    same(len(server.dig("+tls", "-p", str(PORT), "big.example.com", "+short").split()), 250)
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
        with socket.create_connection(("127.0.0.1", PORT), timeout=10 * SLOW) as s:
            s.sendall(junk)
            s.shutdown(socket.SHUT_WR)
            while s.recv(100):
                pass
    until(lambda: status()["tls_failed"] >= before + 4)


@claim("a handshake that does not end is ended, and of too many the oldest; others are served meanwhile")
def half_open():
    before = status()
    held = [socket.create_connection(("127.0.0.1", PORT), timeout=10 * SLOW) for _ in range(60)]
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


with server:
    start()
    run("tls")
