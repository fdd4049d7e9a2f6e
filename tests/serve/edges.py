"""edges - things to probe: real servers on loopback addresses, healthy, slow, lying, broken."""
import contextlib
import shutil
import socketserver
import threading
from lib import *


def need(*programs):
    for p in programs:
        if not shutil.which(p) and not os.path.exists("/usr/sbin/" + p):
            raise Skip("%s is not installed" % p)


def until(what, seconds, step=0.02):
    """Waits until what() is true; how long that took. Not at all is a failure. `seconds` are what it takes where nothing else runs:
    it is given a minute at least, since a busy machine is no fault of the server's."""
    start, most = time.monotonic(), max(seconds, 60) * SLOW
    while not what():
        if time.monotonic() - start > most:
            raise AssertionError("not within %g s" % most)
        time.sleep(step)
    return time.monotonic() - start


def zone(*pools, ttl=60):
    return {"example.com": APEX + "".join("%s %d EDGE %s\n" % (p, ttl, p) for p in pools)}


def edge_rows(server):
    return {row["edge"]: row for row in json_of(server, "edges")}


def pool_rows(server):
    return {row["pool"]: row for row in json_of(server, "pools")}


def json_of(server, *words):
    import json
    code, said = server.ctl(*words, "--json")
    same(code, 0, said)
    return json.loads(said)


def target(server, edge, address=None):
    rows = edge_rows(server)[edge]["targets"]
    return [t for t in rows if address in (None, t["address"])][0]


# ------------------------------------------------------------------ a scripted server

class Web:
    """HTTP on one port of one or all loopback addresses. What it does is in its fields, and may be changed at any time:
    `status`, `turns` (the statuses of the next answers, before `status` holds), `body`, `headers`, `delay` before the answer,
    `claim` as the body's length, `raw` in place of all that, `hang`."""

    def __init__(self, host="127.0.0.1", port=0):
        self.turns = []
        self.status, self.body, self.headers, self.delay, self.claim, self.raw, self.hang = 200, b"ok\n", {}, 0, None, None, False
        self.seen, self.connections = [], 0
        web = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                web.connections += 1
                with contextlib.suppress(OSError):
                    while web.serve(self.request):
                        pass

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 512

        self.server = Listener((host, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(self, s):
        head = b""
        while b"\r\n\r\n" not in head:
            more = s.recv(65536)
            if not more:
                return False
            head += more
        self.seen.append(head.decode("latin1"))
        del self.seen[:-50]
        if self.hang:
            time.sleep(30)
            return False
        time.sleep(self.delay)
        if self.raw is not None:
            s.sendall(self.raw)
            return False
        length = len(self.body) if self.claim is None else self.claim
        lines = "HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n%s\r\n" % (
            self.turns.pop(0) if self.turns else self.status, length, "".join("%s: %s\r\n" % h for h in self.headers.items()))
        s.sendall(lines.encode() + (b"" if head.startswith(b"HEAD") else self.body))
        return self.claim is None

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()


# ------------------------------------------------------------------ nginx and its certificates

def openssl(folder, *words):
    done = subprocess.run(["openssl"] + list(words), cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError("openssl %s: %s" % (words[0], done.stderr))


def make_ca(folder):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=Test CA",
            "-keyout", "ca.key", "-out", "ca.pem")


def make_certificate(folder, name, host, days):
    with open("%s/%s.ext" % (folder, name), "w") as f:
        f.write("subjectAltName=DNS:%s\n" % host)
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + host,
            "-keyout", name + ".key", "-out", name + ".csr")
    openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days),
            "-extfile", name + ".ext", "-out", name + ".pem")


class Nginx:
    """A real nginx whose http section has these servers."""

    def __init__(self, servers, folder=None):
        need("nginx")
        self.dir = folder or tempfile.mkdtemp(prefix="waymark-nginx.")
        os.chmod(self.dir, 0o755)
        with open(self.dir + "/nginx.conf", "w") as f:
            f.write("daemon off; pid %s/pid; error_log %s/error.log; worker_processes 1;\nevents { worker_connections 512; }\n"
                    "http { access_log off; client_body_temp_path %s/t; proxy_temp_path %s/t; fastcgi_temp_path %s/t; uwsgi_temp_path %s/t;"
                    " scgi_temp_path %s/t;\n%s\n}\n" % ((self.dir,) * 7 + (servers,)))
        self.start()

    def start(self):
        self.proc = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.dir, "-c", self.dir + "/nginx.conf"],
                                     stderr=subprocess.DEVNULL, preexec_fn=os.setsid)
        until(lambda: os.path.exists(self.dir + "/pid") and open(self.dir + "/pid").read().strip(), 5)
        time.sleep(0.05)

    def signal(self, number):
        os.killpg(self.proc.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.proc.wait()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
