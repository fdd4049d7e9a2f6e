"""imports - a folder of tests/import, what "waymarkctl import" makes of it, and the GeoIP file that both go by."""
import glob
import re

import mmdb
from lib import *

# Country, continent, latitude, longitude; region and city of some.
PLACES = {"20.0.0.0/16": ("NO", "EU", 59.9, 10.7), "20.1.0.0/16": ("DE", "EU", 52.5, 13.4), "20.2.0.0/16": ("US", "NA", 38.9, -77.0),
          "20.3.0.0/16": ("AU", "OC", -33.9, 151.2), "20.4.0.0/16": ("SG", "AS", 1.3, 103.8), "20.6.0.0/16": ("US", "NA", 36.7, -119.8, "CA", "Fresno"),
          "20.7.0.0/16": ("GB", "EU", 51.5, -0.1, "ENG", "London"), "20.8.0.0/16": ("BR", "SA", -23.5, -46.6, "SP", "Santos"),
          "127.0.3.0/24": ("NO", "EU", 59.9, 10.7), "127.0.4.0/24": ("DE", "EU", 52.5, 13.4, "HH", "Hamburg")}
NO, DE, US, AU, SG, NOWHERE = ("20.%d.0.0/24" % i for i in range(6))
IAD = ["192.0.2.30", "192.0.2.31", "192.0.2.32"]
OFFICE = "198.51.100.0/24"
INPUTS = TOP + "/tests/import"


def place(country, continent, lat, lon, region=None, city=None):
    found = {"country": {"iso_code": country}, "continent": {"code": continent}, "location": {"latitude": lat, "longitude": lon}}
    if region:
        found["subdivisions"], found["city"] = [{"iso_code": region}], {"names": {"en": city}}
    return found


class Imported:
    """A folder that holds the configuration of another server, and what became of it."""

    def __init__(self, kind, *files, **instead):
        """`instead`: what stands for @NAME@ in its files, beside DIR."""
        self.dir = tempfile.mkdtemp(prefix="waymark-import.")
        for path in glob.glob("%s/%s/**" % (INPUTS, kind), recursive=True):
            to = os.path.join(self.dir, os.path.relpath(path, INPUTS + "/" + kind))
            if os.path.isdir(path):
                os.makedirs(to, exist_ok=True)
                continue
            with open(path) as f, open(to, "w") as g:
                g.write(re.sub("@([A-Z]+)@", lambda m: str({"DIR": self.dir, **instead}[m.group(1)]), f.read()))
        mmdb.write(self.dir + "/city.mmdb", {net: place(*where) for net, where in PLACES.items()}, kind="GeoIP2-City")
        self.to = self.dir + "/out"
        self.status, self.said = self.run(kind.split("-")[0], *[self.dir + "/" + f for f in files])

    def run(self, kind, *files):
        done = subprocess.run([WAYMARKCTL, "import", kind, *files, "--to", self.to, "--city", self.dir + "/city.mmdb"], capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def config(self):
        with open(self.to + "/waymark.yaml") as f:
            return f.read()

    def serve(self):
        """What was made, at a port of ours."""
        server = Server({}, start=False)
        text = re.sub(r"server:\n(  .*\n)+", "", self.config())
        text = re.sub(r"control:\n(  .*\n)+", "", text)
        # Nobody waits for probes of addresses that are nowhere.
        text = re.sub(r"\{ kind: (?!external)(\w+),", r"{ kind: \1, initial: up,", re.sub(r"(?m)^    kind: (\w+)$", r"    kind: \1\n    initial: up", text))
        shutil.rmtree(server.dir + "/zones")
        shutil.copytree(self.to + "/zones", server.dir + "/zones")
        server.write("waymark.yaml", 'server: { listen: [ "127.0.0.1:%d" ], workers: 1%s }\ncontrol: { socket: control.sock }\n%s' % (
            server.port, ", user: root" if os.getuid() == 0 else "", text))
        server.start()
        return server

    def __enter__(self):
        same(self.status, 0, self.said)
        done = subprocess.run([WAYMARKCTL, "-c", self.to + "/waymark.yaml", "check"], capture_output=True, text=True, timeout=60)
        same(done.returncode, 0, done.stdout + done.stderr + self.config())
        return self

    def __exit__(self, *why):
        shutil.rmtree(self.dir, ignore_errors=True)

