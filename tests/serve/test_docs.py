#!/usr/bin/python3
"""README.md and doc/: every link leads somewhere, every example is right, every command does what the page shows.

A fence "```yaml waymark.yaml" is a file of that name, in a folder that all examples of a page share; "```yaml" alone is a part
of a configuration. "```console" has commands behind "$ ", each followed by what it prints; a comment "<!-- not run -->" in front
leaves a fence alone, "<!-- once: COMMAND -->" waits until that succeeds, and "<!-- scene: PAGE -->" takes that page's files. With --update, what the pages show is replaced by what happens, and doc/reference.md is written anew.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import lib
from lib import claim, run

WORDS = sys.argv[1:]                                        # --update, pages, claims
UPDATE = "--update" in WORDS
INSIDE = "WAYMARK_DOCS" in os.environ
MAN = lib.TOP + "/man/waymark.yaml.5"


def pages():
    found = [name for pattern in ("*.md", "doc/*.md", "geoip/*.md") for name in sorted(glob.glob(pattern, root_dir=lib.TOP))]
    assert "README.md" in found and len(found) > 10
    return found


def read(page):
    with open(os.path.join(lib.TOP, page)) as f:
        return f.read()


def write(page, text):
    with open(os.path.join(lib.TOP, page), "w") as f:
        f.write(text)


class Fence:
    def __init__(self, page, line, info, body, before):
        self.page, self.line, self.body, self.run = page, line, body, "<!-- not run -->" not in before
        self.once = (re.findall(r"<!-- once: (.*) -->", before) + [""])[0]
        self.lang, self.name = (info.split() + ["", ""])[:2]

    def where(self):
        return "%s:%d" % (self.page, self.line)


def fences(page):
    before, rows, n = "", read(page).split("\n"), 0
    while n < len(rows):
        begin = re.match(r"```(\S.*)?$", rows[n])
        if begin:
            end = rows.index("```", n + 1)
            yield Fence(page, n + 2, begin.group(1) or "", rows[n + 1:end], before)
            n, before = end, ""
        elif rows[n].strip():
            before = rows[n]
        n += 1


# ------------------------------------------------------------------ links

def anchors(page):
    seen = {}
    text = re.sub(r"(?ms)^```.*?^```$", "", read(page))
    for title in re.findall(r"(?m)^#+ (.*)$", text):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).replace("`", "").lower()).replace(" ", "-")
        seen[name] = seen.get(name, -1) + 1
        yield name + ("-%d" % seen[name] if seen[name] else "")


@claim("every link of README.md and doc/ leads to a file, and to a heading where it names one")
def links():
    dead, n = [], 0
    for page in pages():
        text = re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^```.*?^```$", "", read(page)))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?:", target):
                continue
            n += 1
            path, _, name = target.partition("#")
            file = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(os.path.join(lib.TOP, file)):
                dead.append("%s: %s" % (page, target))
            elif name and name not in anchors(file):
                dead.append("%s: %s: no such heading" % (page, target))
    assert not dead, "dead links: " + ", ".join(dead)
    assert n > 50


@claim("every page of doc/ is in its index")
def index():
    text = read("doc/README.md")
    missing = [p for p in pages() if p.startswith("doc/") and p != "doc/README.md" and "(%s)" % os.path.basename(p) not in text]
    assert not missing, missing


# ------------------------------------------------------------------ the reference

def keys(form):
    return subprocess.run([lib.WAYMARKCTL, "keys", form], capture_output=True, text=True, check=True).stdout


def holds(page, begin, end, want):
    """Is `want` what stands between two lines? With --update it then is."""
    text = read(page)
    head, _, rest = text.partition(begin)
    old, _, tail = rest.partition(end)
    assert rest and tail is not None
    if UPDATE and old != want:
        write(page, head + begin + want + end + tail)
        return
    assert old == want, "%s is not what the tables say: tests/serve/test_docs.py --update" % page


@claim("doc/reference.md and waymark.yaml(5) have every key as the tables say it")
def reference():
    holds("doc/reference.md", "<!-- waymarkctl keys --markdown -->\n", "<!-- end -->\n", keys("--markdown"))
    holds("man/waymark.yaml.5", '.\\" waymarkctl keys --man\n', '.\\" end\n', keys("--man"))


ROOMS = {"conf": "Configuration", "zone": "Zones", "geo": "GeoIP files", "measure": "Measurements", "probe": "Probes", "xfr": "Transfers",
         "store": "Store", "console": "Control socket", "daemon": "Server", "report": "Reports", "simulate": "Simulations", "tools": "waymarkctl and agent",
         "base": "Files and addresses", "net": "Network", "web": "Agents' door", "dns": "Names and keys"}
TELLS = re.compile(r'\b[a-z_]*(?:error|warning|fault|wrong|tell|complain|refuse|alarm|log_line|told)[a-z_]*\(\s*[^;"]*?"((?:[^"\\]|\\.){18,})"')


def sources(room="*"):
    """The sources with their strings in one piece, each as one reads it: "..." in place of what printf() fills in."""
    text = "\n".join(open(f).read() for f in sorted(glob.glob(lib.TOP + "/src/%s/*.[ch]" % room)))
    text = re.sub(r'(?m)^\s*/?\*.*$', "", text).replace("%%", "\0")
    text = re.sub(r'(?<!\\)"\s*([A-Z][A-Z_0-9]*)?\s*"', lambda m: "..." if m.group(1) else "", text)
    return re.sub(r"%[-+0-9.*]*(?:hh|h|ll|l|z|j)?[a-z]", "...", text).replace("\0", "%")


def shown(text):
    return re.sub(r"(?:\.\.\.)+", "...", text.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ")).strip()


def all_messages():
    out = {}
    for room, title in ROOMS.items():
        found = {shown(m) for m in TELLS.findall(sources(room))}
        out[title] = sorted((m for m in found if len(re.sub(r"[^a-z]", "", m)) > 14 and "`" not in m), key=str.lower)
    return out


@claim("every message that doc/messages.md explains, or doc/all-messages.md lists, is one of the programs'; few are missing")
def messages():
    source = shown(sources())
    listed = re.findall(r"(?m)^- `(.*)`$", read("doc/all-messages.md"))
    explained = re.findall(r"(?m)^\| `(.*?)` \|", read("doc/messages.md"))
    missing = [m for m in listed if m not in source]
    for message in explained:
        parts = [re.escape(p.strip()) for p in message.split("...") if p.strip()]
        if not re.search(r"(?s)" + r".{0,80}?".join(parts), source):
            missing.append(message)
    there = [m for part in all_messages().values() for m in part]
    if UPDATE:
        lists = "".join("\n## %s\n\n%s" % (title, "".join("- `%s`\n" % m for m in part)) for title, part in all_messages().items() if part)
        write("doc/all-messages.md", read("doc/all-messages.md").partition("\n## ")[0].rstrip() + "\n" + lists)
        return
    assert not missing, "not in src/ (tests/serve/test_docs.py --update writes the list anew): " + "; ".join(missing)
    assert len(explained) > 60 and len(listed) > 300
    assert len(set(there) & set(listed)) > 0.9 * len(set(there)), "many messages are not listed: tests/serve/test_docs.py --update"


# ------------------------------------------------------------------ examples

BASE = """server:
  listen: [ "127.0.0.1:5300" ]
control:
  socket: control.sock
geoip:
  city: { file: city.mmdb }
edges:
  ams1: { at: "52.37,4.90",    a: [ 192.0.2.10 ] }
  iad1: { at: "38.95,-77.45",  a: [ 192.0.2.30 ] }
  sin1: { at: "1.35,103.82",   a: [ 192.0.2.80 ] }
probes:
  web: { kind: http, path: /healthz }
pools:
  web: { edges: [ ams1, iad1, sin1 ], default: [ iad1 ] }
zones:
  - { name: example.org, file: example.org.zone }
"""
ZONE = "$TTL 1h\n@ IN SOA ns1 hostmaster ( 1 2h 15m 2w 5m )\n  IN NS ns1\nns1 IN A 192.0.2.53\n"
CSV = {"measured.csv": "prefix,edge,rtt_ms\n83.62.101.0/24,ams1,31.2\n", "mesh.csv": "src,dst,rtt_ms\nams1,iad1,81.4\niad1,ams1,81.9\n"}


def sections(text):
    """Top-level keys, each with its lines, and of those the ones of names that stand two columns in."""
    out = {}
    for row in text.split("\n"):
        top = re.match(r"([a-z-]+):", row)
        if top:
            part = out[top.group(1)] = [row]
        elif row.strip() and not row.startswith("#"):
            part.append(row)
    return out


def whole(part):
    """A configuration out of a part of one, over the base."""
    new, out = sections("\n".join(part)), sections(BASE)
    for name, rows in new.items():
        mine = {r.split(":")[0].strip() for r in rows[1:] if re.match(r"  \S", r)}
        keep = [r for r in out.get(name, [])[1:] if name in ("edges", "probes", "pools") and r.split(":")[0].strip() not in mine]
        out[name] = rows + (keep if len(rows) > 1 else [])
    return "\n".join(r for name in out for r in out[name]) + "\n"


def folder():
    d = tempfile.mkdtemp(prefix="waymark-docs.")
    os.symlink(lib.TOP + "/geoip/city.mmdb", d + "/city.mmdb")
    os.mkdir(d + "/zones")
    os.mkdir(d + "/conf.d")
    for name, text in dict(CSV, **{"example.org.zone": ZONE + "www 60 IN EDGE web\n", "zones/example.net.zone": ZONE,
                                   "waymark.yaml": BASE}).items():
        with open(d + "/" + name, "w") as f:
            f.write(text)
    trusted = "/etc/ssl/certs/ca-certificates.crt"
    if os.path.exists(trusted):
        shutil.copy(trusted, d + "/ca.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
                    "-subj", "/CN=ns1.example.org", "-addext", "subjectAltName=DNS:ns1.example.org", "-keyout", d + "/ns1.key",
                    "-out", d + "/ns1.pem"], capture_output=True, check=True)
    with open(d + "/tickets.keys", "wb") as f:
        f.write(os.urandom(80))
    return d


def as_root(text):
    """Folders of tests are root's alone: there the server stays who it is, also where there is a user "waymark"."""
    if os.geteuid():
        return text
    return re.sub(r"(?m)^server:\n", "server:\n  user: root\n", re.sub(r"(?m)^server: *\{", "server: { user: root,", text))


def put(d, fence):
    text = "\n".join(fence.body) + "\n"
    text = text.replace("/path/to/waymark/geoip/", lib.TOP + "/geoip/")
    with open(d + "/" + fence.name, "w") as f:
        f.write(as_root(text) if fence.lang == "yaml" else text)


def try_yaml(d, fence):
    path = d + "/" + (fence.name or "part.yaml")
    agent = any(row.startswith("edge:") for row in fence.body)
    if fence.name:
        put(d, fence)
    else:
        with open(path, "w") as f:
            f.write("\n".join(fence.body) + "\n" if agent else as_root(whole(fence.body)))
    os.chmod(path, 0o600)
    program = [lib.BUILD + "/waymark-agent", "-t", "-c", path] if agent else [lib.WAYMARKCTL, "check", "-c", path]
    done = subprocess.run(program, capture_output=True, text=True, cwd=d)
    # An example with QUIC or AF_XDP is right where that is built in, and told of where it is not.
    if any("was built without " + what in done.stderr + done.stdout and any(word in row for row in fence.body) for what, word in (("QUIC", '"quic:'), ("AF_XDP", '"xdp:'))):
        return ""
    return "" if done.returncode == 0 else "%s: %s" % (fence.where(), (done.stderr + done.stdout).replace(d + "/", ""))


@claim("every configuration and every zone that a page shows is right")
def examples():
    wrong, n = [], 0
    for page in pages():
        d = folder()
        shown = [f for f in fences(page) if f.run]
        for f in shown:
            if f.name and f.lang != "yaml":
                put(d, f)
        for f in shown:
            if f.lang == "yaml":
                wrong.append(try_yaml(d, f))
                n += 1
            elif f.lang == "zone":
                text = "\n".join(f.body) + "\n"
                with open(d + "/shown.zone", "w") as z:
                    z.write(text if " SOA " in text else ZONE + text)
                part = Fence(f.page, f.line, "yaml", ["zones: [ { name: example.org, file: shown.zone } ]"], "")
                wrong.append(try_yaml(d, part))
                n += 1
        shutil.rmtree(d)
    wrong = [w for w in wrong if w]
    assert not wrong, "\n" + "\n".join(wrong)
    assert n > 20


@claim("every command and option of waymarkctl that a page shows is there")
def commands():
    text = {page: read(page) for page in pages() if page != "CHANGES.md"}
    wrong, n = set(), 0
    helped = {}
    for page, said in text.items():
        for line in re.findall(r"waymarkctl[^`\n|;&)]*", said):
            words = re.sub(r"\s#.*", "", line).split()[1:]
            while words and words[0] in ("-c", "-s"):
                words = words[2:]
            if not words or not re.match(r"[a-z]+$", words[0]):
                continue
            if words[0] not in helped:
                done = subprocess.run([lib.WAYMARKCTL, "help", words[0]], capture_output=True, text=True)
                helped[words[0]] = done.stdout if done.returncode == 0 else None
            n += 1
            if helped[words[0]] is None:
                if "$" in line or "`waymarkctl" in said and "`" + line in said:
                    wrong.add("%s: waymarkctl %s" % (page, words[0]))
                continue
            for option in words[1:]:
                if re.match(r"--[a-z]", option) and option.strip(".,:;\"") not in helped[words[0]] + "--help":
                    wrong.add("%s: waymarkctl %s %s" % (page, words[0], option))
    assert not wrong, sorted(wrong)
    assert n > 40


@claim("waymarkctl(8) has every command and option that waymarkctl tells of")
def manual():
    page = re.sub(r'\\f.|["|\[\]]', " ", read("man/waymarkctl.8").replace("\\-", "-"))
    usage = subprocess.run([lib.WAYMARKCTL, "help"], capture_output=True, text=True, check=True).stdout
    words = set(re.findall(r"(?m)^  ([a-z][a-z-]*)\b", usage)) | set(re.findall(r"--[a-z0-9]+", usage))
    missing = [w for w in sorted(words) if not re.search(r"(?m)^\.B.*?(^| )%s( |$)" % re.escape(w), page)]
    assert not missing, missing
    assert len(words) > 25


# ------------------------------------------------------------------ consoles

# Numbers that are the same on any machine, at any time; of all others there is one, or none.
EXACT = re.compile(r":\d+:\d+: (?:error|warning)|\b\d+\.\d+\.\d+\.\d+\b|\b\d+ (?:of \d+ )?(?:zones?|pools?|edges?|errors?|warnings?|removed|added|measurements)\b")


def same(shown, seen):
    def plain(rows):
        text = "\n".join(re.sub(r"\s+", " ", r).strip() for r in rows if r.strip())
        text = EXACT.sub(lambda m: m.group().translate(str.maketrans("0123456789", "abcdefghij")), text)
        return re.sub(r"-?\d+(\.\d+)?", "#", text).strip()
    return plain(shown) == plain(seen)


class Scene:
    """A folder with the files of a page, and a server in it; each edge answers probes."""

    def __init__(self, page):
        self.d = folder()
        others = re.findall(r"<!-- scene: (\S+) -->", read(page))
        for f in (f for p in ["README.md"] + others + [page] for f in fences(p) if f.name and f.run):
            put(self.d, f)
        self.daemons = []
        self.env = dict(os.environ, PATH=lib.BUILD + ":/usr/sbin:" + os.environ["PATH"], TZ="UTC", PS1="", USER="root")

    def start(self, command):
        log = open("%s/log.%d" % (self.d, len(self.daemons)), "w+")
        p = subprocess.Popen("exec " + command, shell=True, cwd=self.d, env=self.env, stdout=log, stderr=log, executable="/bin/bash")
        self.daemons.append(p)
        for _ in range(600):
            time.sleep(0.05)
            log.seek(0)
            text = log.read()
            if "ready:" in text or "reporting to" in text or p.poll() is not None:
                break
        return [line for line in self.plain(text) if "stays root" not in line]

    def plain(self, text):
        """As it is on any machine, and however old the GeoIP data has become."""
        text = text.replace(self.d + "/", "").replace(lib.TOP + "/geoip/", "/path/to/waymark/geoip/").replace(" (old)", "")
        return [line for line in text.rstrip("\n").split("\n") if "GeoIP data wears out" not in line] if text else []

    def command(self, command):
        if command.endswith("&"):
            return self.start(command[:-1])
        if not self.daemons and re.search("waymarkctl|nsupdate|dig @127", command) and not re.search(r"waymarkctl( -c \S+)? (check|keys|help)", command):
            self.start("waymarkd -c waymark.yaml")
        done = subprocess.run(["/bin/bash", "-c", command], cwd=self.d, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, text=True)
        return self.plain(done.stdout)

    def wait(self, command):
        late = time.monotonic() + 60
        while command and subprocess.run(["/bin/bash", "-c", command], cwd=self.d, env=self.env, capture_output=True).returncode:
            assert time.monotonic() < late, "in vain: " + command
            time.sleep(0.1)

    def close(self):
        for p in self.daemons:
            p.terminate()
        for p in self.daemons:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.d)


def play(page):
    """Runs a page's consoles; what differs, and the page as it should be."""
    rows, wrong, shift = read(page).split("\n"), [], 0
    shown = [f for f in fences(page) if f.lang == "console" and f.run]
    if not shown:
        return [], None
    scene = Scene(page)
    try:
        for f in shown:
            out, n = [], 0
            scene.wait(f.once)
            while n < len(f.body):
                command = f.body[n]
                assert command.startswith("$ "), "%s: a console begins with a command" % f.where()
                n += 1
                out.append(command)
                while out[-1].endswith("\\"):
                    out.append(f.body[n])
                    command = command[:-1] + f.body[n].strip()
                    n += 1
                told = []
                while n < len(f.body) and not f.body[n].startswith("$ "):
                    told.append(f.body[n])
                    n += 1
                seen = scene.command(re.sub(r"\s+#[^\"']*$", "", command[2:]))
                assert not any("communications error" in row or "cannot reach" in row for row in seen), "%s: %s: %s" % (f.where(), command, seen)
                if not same(told, seen):
                    wrong.append("%s: %s\n  shown: %s\n  seen:  %s" % (f.where(), command, "\n         ".join(told), "\n         ".join(seen)))
                    out += seen
                else:
                    out += told
            at = f.line - 1 + shift
            rows[at:at + len(f.body)] = out
            shift += len(out) - len(f.body)
    finally:
        scene.close()
    return wrong, "\n".join(rows)


EDGE_SERVER = r"""
import http.server, socketserver, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response_only(204 if self.path == "/healthz" else 404)   # without the date, which tomorrow is another one
        self.send_header("X-Load", "120")
        self.end_headers()
    def log_message(self, *words): pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer): daemon_threads = True
servers = [Server((a, 80), Answer) for a in sys.argv[1:]]
for s in servers: threading.Thread(target=s.serve_forever, daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


def members(value, found, above=""):
    """The names of all members of JSON; not those that are names of edges and codes."""
    for v in value if isinstance(value, list) else []:
        members(v, found, above)
    for k, v in value.items() if isinstance(value, dict) else []:
        if above not in ("rcodes", "chosen", "old", "new"):
            found.add(k)
        members(v, found, k)


REPORTS = ["status", "edges", "pools", "zones", "jobs", "geo 83.62.101.1", "probe ams1", "force sin1 down --for 1h", "edges", "latency show",
           "latency show --prefix 83.62.101.0/24", "latency show --edge ams1", "latency show --country ES", "reload",
           "explain www.example.org --client 83.62.101.0/24", "simulate --drain ams1 --load 10", "check", "diff"]


def members_are_told():
    scene = Scene("doc/health.md")
    wrong = []
    try:
        with open(scene.d + "/waymark.yaml", "a") as conf:
            conf.write("latency: { files: measured.csv, mesh: mesh.csv }\n")
        scene.start("waymarkd -c waymark.yaml")
        told = set(re.findall(r"`([a-z_0-9]+)`", read("doc/json.md")))
        for words in REPORTS:
            out, found = "\n".join(scene.command("waymarkctl -c waymark.yaml %s --json 2>/dev/null" % words)), set()
            members(json.loads(out), found)
            wrong += ["doc/json.md: %s: %s is not told" % (words, name) for name in sorted(found - told)]
    finally:
        scene.close()
    return wrong


def inside():
    """In a network of its own: the documentation's addresses are real there."""
    for words in ["link set lo up"] + ["addr add 192.0.2.%d/32 dev lo" % n for n in (10, 30, 53, 80, 81)]:
        subprocess.run(["ip"] + words.split(), check=True)
    edges = subprocess.Popen([sys.executable, "-c", EDGE_SERVER] + ["192.0.2.%d" % n for n in (10, 30, 80)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    edges.stdout.readline()
    wrong = [] if any(word.endswith(".md") for word in WORDS) else members_are_told()
    for page in pages():
        if any(word.endswith(".md") for word in WORDS) and page not in WORDS:
            continue
        begun = time.monotonic()
        told, text = play(page)
        print("%-20s %.1f s" % (page, time.monotonic() - begun))
        if told and UPDATE:
            write(page, text)
        wrong += told
    edges.kill()
    print("\n".join(wrong))
    sys.exit(1 if wrong and not UPDATE else 0)


@claim("every console shows what its commands print, and every member of JSON is told of")
def consoles():
    flags = ["--net"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    if not shutil.which("unshare") or not shutil.which("ip") or not shutil.which("dig"):
        raise lib.Skip("unshare(1), ip(8) and dig(1) are wanted")
    if subprocess.run(["unshare"] + flags + ["true"], capture_output=True).returncode:
        raise lib.Skip("no network namespaces here")
    done = subprocess.run(["unshare"] + flags + [sys.executable, __file__] + WORDS, env=dict(os.environ, WAYMARK_DOCS="1"),
                          capture_output=True, text=True)
    assert done.returncode == 0, "tests/serve/test_docs.py --update shows what happens now\n" + done.stdout + done.stderr


if INSIDE:
    inside()
sys.argv[1:] = [word for word in WORDS if word != "--update" and not word.endswith(".md")]
run("docs")
