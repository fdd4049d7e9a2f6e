#!/usr/bin/python3
"""crowd_tls - thousands of connections of DNS over TLS that do nothing, more that never end their handshake, and certificates that are renewed
again and again, while others ask: no query fails, who asks waits hardly longer, and an idle connection takes no more than 24 KiB.

--idle N (10000), --half N (1000), --swaps N (100). Two descriptors a connection: see "ulimit -n".
"""
import argparse
import os
import re
import resource
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
from edges import make_ca, make_certificate
from lib import *

ask = argparse.ArgumentParser()
ask.add_argument("--idle", type=int, default=10000)
ask.add_argument("--half", type=int, default=1000)
ask.add_argument("--swaps", type=int, default=100)
wanted = ask.parse_args()
sys.argv = sys.argv[:1]
PORT = free_port()
IDLE_MOST = 24 << 10                    # bytes of a connection
LATER_MOST_S = 0.010                    # that the 99th of 100 may wait longer
server = Server({"example.com": APEX + "www A 192.0.2.10\n"}, start=False)
idle, half = [], []


def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    return c


ONE = context()


def connect(i, shake=True):
    s = socket.socket()
    s.settimeout(20 * SLOW)
    s.bind(("127.%d.%d.1" % (1 + i // 200, 1 + i % 200), 0))
    s.connect(("127.0.0.1", PORT))
    return ONE.wrap_socket(s) if shake else s


def resident():
    with open("/proc/%d/smaps_rollup" % server.proc.pid) as f:
        return int(re.search(r"Rss: *(\d+)", f.read()).group(1)) << 10




def latencies(n=1000):
    """Seconds of a query on a kept connection, sorted."""
    took = []
    with connect(50000) as s:
        for _ in range(n):
            begun = time.monotonic()
            send_tcp(s, query("www.example.com", "A"))
            same(Message(recv_tcp(s)).rcode, NOERROR)
            took.append(time.monotonic() - begun)
    return sorted(took)


@claim("idle connections take no more than 24 KiB each, and all are answered still")
def many_idle():
    for i in range(200):
        idle.append(connect(i))
    before = resident()
    for i in range(200, wanted.idle):
        idle.append(connect(i))
    each = (resident() - before) / (wanted.idle - 200)
    print("  %d idle connections, %.1f KiB each" % (wanted.idle, each / 1024))
    assert each < IDLE_MOST, each
    for s in idle[::97]:
        send_tcp(s, query("www.example.com", "A"))
        same(Message(recv_tcp(s)).rcode, NOERROR)


@claim("beside them and those that never end their handshake others wait at most 10 ms longer")
def many_half():
    alone = latencies()
    for i in range(wanted.half):
        half.append(connect(20000 + i, False))
    beside = latencies()
    print("  99th of 100: %.2f ms, beside %d half-open %.2f ms" % (alone[-10] * 1e3, wanted.half, beside[-10] * 1e3))
    assert beside[-10] < alone[-10] + LATER_MOST_S * SLOW


@claim("certificates that are renewed again and again cost no query")
def renewed():
    stop, failed, asked = threading.Event(), [], [0]

    def keep_asking(kept):
        try:
            while not stop.is_set():
                with connect(50200) as s:
                    for _ in range(1000 if kept else 1):
                        send_tcp(s, query("www.example.com", "A"))
                        same(Message(recv_tcp(s)).rcode, NOERROR)
                        asked[0] += 1
                        if stop.is_set():
                            break
        except Exception as e:
            failed.append(e)
    askers = [threading.Thread(target=keep_asking, args=(kept,)) for kept in (True, False)]
    for t in askers:
        t.start()
    for i in range(wanted.swaps):
        make_certificate(server.dir, "next", "ns%d.example.com" % i, 30)
        os.replace(server.dir + "/next.key", server.dir + "/ns1.key")
        os.replace(server.dir + "/next.pem", server.dir + "/ns1.pem")
        end = time.monotonic() + 20 * SLOW
        while "for ns%d.example.com" % i not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert "for ns%d.example.com" % i in server.said()
    stop.set()
    for t in askers:
        t.join()
    print("  %d renewals, %d queries" % (wanted.swaps, asked[0]))
    same(failed, [])


files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
with server:
    make_ca(server.dir)
    make_certificate(server.dir, "ns1", "ns1.example.com", 30)
    server.listen = '"127.0.0.1:PORT", "tls:127.0.0.1:%d"' % PORT
    server.server = ("workers: 1, tcp-clients: 100000, tcp-clients-per-net: 100000, tcp-idle: 1h, tls-handshake: 1m, tls-handshakes: 100000, "
                     "tls: [ { cert: ns1.pem, key: ns1.key } ]")
    server.configure()
    server.start()
    run("crowd_tls")
    for s in idle + half:
        s.close()
