"""fleet - real Redis servers, and fleets of real waymarkds that share one."""
import base64
import contextlib
from edges import *

SECRET = base64.b64encode(b"a secret that all of them share.").decode()


class Redis:
    """A redis-server of our own on a loopback port, with nothing on the disk unless `options` say so."""

    def __init__(self, *options, port=None):
        need("redis-server")
        self.port, self.options, self.dir = port or free_port(), list(options), tempfile.mkdtemp(prefix="waymark-redis.")
        self.start()

    def start(self):
        self.proc = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.dir] + self.options,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, 10)

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def cli(self, *words, user=None):
        """A command, by its own words of RESP; returns the raw reply's text."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (str(x).encode() for x in words)))
            return s.recv(1 << 20).decode("latin1")

    def signal(self, number):
        self.proc.send_signal(number)

    def kill(self):
        self.proc.send_signal(signal.SIGCONT)
        self.proc.kill()
        self.proc.wait()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Mate(Server):
    """A server of a fleet. What its probes of edge a, b, ... find is whether its own file of that name is there."""

    def __init__(self, name, redis, edges="abc", fleet="", more="", every="500ms", fall=1, **options):
        self.name = name
        where = "redis://127.0.0.1:%d" % redis if isinstance(redis, int) else redis
        more += "store: { file: waymark.db }\n"
        config = "fleet: { redis: \"%s\", name: test, server: %s, secret: \"%s\"%s }\nedges:\n" % (where, name, SECRET, fleet)
        config += "".join("  %s: { a: [ 192.0.2.%d ], probe: p%s }\n" % (e, i + 1, e) for i, e in enumerate(edges)) + "probes:\n"
        config += "".join("  p%s: { kind: exec, command: [ /usr/bin/test, -e, %s ], every: %s, timeout: %s, rise: 1, fall: %d }\n" % (e, e, every, every, fall) for e in edges)
        config += "pools:\n  web: { edges: [ %s ], policy: ordered, probe: p%s, panic: 0%% }\n%s" % (", ".join(edges), edges[0], more)
        super().__init__(zone("web"), config, start=False, **options)
        self.config = self.config.replace("-e, ", "-e, %s/" % self.dir)
        self.configure()
        for e in edges:
            self.write(e, "")

    def sees(self, edge, up):
        if up:
            self.write(edge, "")
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.dir, edge))

    def address(self):
        return (self.udp("web.example.com").addresses() or [None])[0]

    def state(self, edge):
        return edge_rows(self)[edge]["state"]

    def fleet(self):
        return json_of(self, "fleet")

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def rows(self):
        return {r["server"]: r for r in self.fleet()["servers"]}


@contextlib.contextmanager
def fleet(n, redis, **options):
    """`n` servers that know each other."""
    with contextlib.ExitStack() as stack:
        mates = [stack.enter_context(Mate("ns%d" % (i + 1), redis, **options)) for i in range(n)]
        for m in mates:
            m.start()
        for m in mates:
            until(lambda: m.fleet()["live"] == n, 20)
        yield mates


def port_of(redis):
    return redis.port
