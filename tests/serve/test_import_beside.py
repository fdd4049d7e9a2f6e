"""waymarkctl import, asked beside the server whose configuration it was: gdnsd, knotd, pdns_server or named where they are installed.

A folder of tests/import with these two files is one set-up:

    answers.txt     import FILE ...                     what is imported
                    CLIENT NAME TYPE ANSWER, ...        what both say; "A or B": any of these; "-": nothing; "nxdomain"
    report.txt      all that could not be said, to the line

A client is a net, which EDNS tells, or an address of loopback that asks itself. @DNS@ is the port of the other server, @PORT@ one where
127.0.1.1, 127.0.1.2 and 127.0.1.3 answer HTTP, and @CLOSED@ one where nobody does. What no such server can be asked for is what its
documentation says.
"""
import concurrent.futures
import http.server

from imports import *

PATIENCE_S = 60
FOLDERS = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
PROGRAMS = {"gdnsd": ["gdnsd", "-c", "{dir}/etc", "start"], "knot": ["knotd", "-c", "{dir}/knot.conf"], "bind": ["named", "-g", "-c", "{dir}/named.conf"],
            "powerdns": ["pdns_server", "--config-dir={dir}", "--socket-dir={dir}", "--daemon=no", "--guardian=no", "--disable-syslog=yes", "--cache-ttl=0", "--query-cache-ttl=0",
                         "--negquery-cache-ttl=0", "--zone-cache-refresh-interval=0", "--receiver-threads=1", "--distributor-threads=1", "--consistent-backends=yes",
                         "--lua-health-checks-interval=1"]}


class Says(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"healthy")

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def hosts(port):
    up = [http.server.ThreadingHTTPServer(("127.0.1.%d" % i, port), Says) for i in (1, 2, 3)]
    for one in up:
        one.daemon_threads, one.handle_error = True, lambda *why: None      # probes hang up without a word
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        for one in up:
            one.shutdown()
            one.server_close()


def asked(port, client, name, qtype):
    """The set of what stands at the name, or how it is not; None: no answer."""
    packet = query(name, qtype, edns=opt(options=ecs(client) if "/" in client else b""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2 * SLOW)
        if "/" not in client:
            s.bind((client, 0))
        try:
            s.connect(("127.0.0.1", port))
            s.send(packet)
            reply = Message(s.recv(65535))
        except OSError:
            return None
    if reply.rcode != NOERROR:
        return {NXDOMAIN: "nxdomain", REFUSED: "refused", SERVFAIL: "servfail"}.get(reply.rcode, reply.rcode)
    owner = name.lower().rstrip(".") + "."
    return frozenset(data for who, kind, _, data in reply.answer if who == owner and kind in (TYPES[qtype], 5)) or "-"


def wanted(text):
    text = text.strip()
    return text if text in ("-", "nxdomain", "refused") else frozenset(one.strip() for one in text.split(","))


def read(folder):
    """What is imported, and the rows."""
    rows = []
    with open(folder + "/answers.txt") as f:
        for line in f:
            words = line.split(None, 3)
            if words[:1] == ["import"]:
                files = line.split()[1:]
            elif words and not line.startswith("#"):
                rows.append((*words[:3], [wanted(one) for one in words[3].split(" or ")]))
    return files, rows


def agrees(who, port, rows, proc=None):
    """Within some time: verdicts of probes come when they come."""
    end = time.monotonic() + PATIENCE_S * SLOW
    while True:
        wrong = []
        for client, name, qtype, right in rows:
            got = asked(port, client, name, qtype)
            if got not in right:
                wrong.append("%s %s for %s: %s, and not %s" % (name, qtype, client, got, right))
        if not wrong:
            return
        if time.monotonic() > end or (proc and proc.poll() is not None):
            raise AssertionError(who + ": " + "\n".join(wrong[:5]))
        time.sleep(0.1)


@contextlib.contextmanager
def other(kind, folder, port):
    """True where it runs."""
    program, *words = PROGRAMS.get(kind, ["nothing"])
    path = shutil.which(program, path=FOLDERS)
    if not path:
        yield False
        return
    for name in ("run", "state", "db"):
        os.makedirs("%s/%s" % (folder, name), exist_ok=True)
    if kind == "bind":
        shutil.copy(folder + "/city.mmdb", folder + "/GeoIP2-City.mmdb")    # what it looks for
    with open(folder + "/other.log", "w") as log:
        proc = subprocess.Popen([path] + [w.format(dir=folder) for w in words] + (["--local-port=%d" % port] if kind == "powerdns" else []),
                                cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield proc
    finally:
        proc.terminate()
        try:
            proc.wait(30)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()


def said_by(folder):
    with open(folder + "/other.log", errors="replace") as f:
        return f.read()[-3000:]


def set_up(name):
    kind, port, dns = name.split("-")[0], free_port(), free_port()
    files, rows = read(INPUTS + "/" + name)
    with hosts(port), Imported(name, *files, PORT=port, CLOSED=free_port(), DNS=dns) as i:
        with open(i.to + "/REPORT") as f:
            got = sorted(line.rstrip("\n").replace(i.dir + "/", "") for line in f if re.match(r".*: (not said|differs|look): ", line))
        with open(i.dir + "/report.txt") as f:
            same("\n".join(got), "\n".join(sorted(line.rstrip("\n") for line in f if line.strip())))
        with other(kind, i.dir, dns) as proc, i.serve() as s:
            agrees("waymark", s.port, rows)
            if not proc:
                return
            try:
                agrees(kind, dns, rows, proc)
            except AssertionError as why:
                if proc.poll() is not None and re.search(r"Unable to load module|invalid item", said_by(i.dir)):
                    return                                                  # installed without its module
                raise AssertionError("%s\n%s" % (why, said_by(i.dir)))


names = [os.path.basename(os.path.dirname(path)) for path in sorted(glob.glob(INPUTS + "/*/answers.txt"))]
names = [n for n in names if not sys.argv[1:] or any(w in n for w in sys.argv[1:])]
# They wait most of the time.
with concurrent.futures.ThreadPoolExecutor(3) as side:
    for one in names:
        claim("%s is answered as there, and what could not be said is told" % one)(side.submit(set_up, one).result)
    sys.argv = sys.argv[:1]
    run("import-beside")
