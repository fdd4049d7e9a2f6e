"""report - the medians of the rounds as rows, and rows as text, as Markdown, as JSON."""
import json
import os
import platform
import re
import statistics
import subprocess


def row(running):
    """All figures of one server under one workload."""
    rounds = running.rounds
    sent, answered, right = (sum(r[k] for r in rounds) for k in ("sent", "answered", "right"))
    user, ticks = sum(r["user_ticks"] for r in rounds), sum(r["ticks"] for r in rounds)
    cpu = spread(r["cpu_us"] for r in rounds)
    return {
        "qps": spread(r["qps"] for r in rounds),
        "cpu_us": cpu,
        "user_us": cpu["median"] * user / ticks if ticks else None,
        "ratio": None,                  # to the floor's, once that is known
        "rounds_cpu_us": [r["cpu_us"] for r in rounds],
        "answered": answered / sent if sent else 0,
        "right": right / answered if answered else 0,
        "p50_us": middle(r["p50_us"] for r in rounds),
        "p99_us": middle(r["p99_us"] for r in rounds),
        "answer_bytes": statistics.median(r["bytes"] for r in rounds),
        "client_idle": statistics.median(r["idle"] for r in rounds),
        "memory_mib": running.memory,
        "first_s": running.first_s,
        "ready_s": running.ready_s,
    }


def middle(values):
    """None where nobody has told."""
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def add_ratios(rows):
    """Of each round to the floor's round beside it, so that what the whole machine does in a while falls out."""
    if "floor" in rows:
        for figures in rows.values():
            figures["ratio"] = spread(a / b for a, b in zip(figures["rounds_cpu_us"], rows["floor"]["rounds_cpu_us"]))


# -------------------------------------------------------------------- text

COLUMNS = (
    ("answers/s", 9, lambda r: "%.0f" % r["qps"]["median"]),
    ("min", 8, lambda r: "%.0f" % r["qps"]["min"]),
    ("max", 8, lambda r: "%.0f" % r["qps"]["max"]),
    ("us/answer", 9, lambda r: "%.3f" % r["cpu_us"]["median"]),
    ("min", 6, lambda r: "%.3f" % r["cpu_us"]["min"]),
    ("max", 6, lambda r: "%.3f" % r["cpu_us"]["max"]),
    ("user", 6, lambda r: dash(r["user_us"], "%.2f")),
    ("ratio", 6, lambda r: ratio(r)),
    ("min", 5, lambda r: ratio(r, "min")),
    ("max", 5, lambda r: ratio(r, "max")),
    ("answ.%", 6, lambda r: percent(r["answered"])),
    ("right%", 6, lambda r: percent(r["right"])),
    ("p50 us", 7, lambda r: dash(r["p50_us"], "%.0f")),
    ("p99 us", 7, lambda r: dash(r["p99_us"], "%.0f")),
    ("MiB", 6, lambda r: "%.1f" % r["memory_mib"]),
    ("first s", 7, lambda r: "%.3f" % r["first_s"]),
    ("ready s", 7, lambda r: "%.3f" % r["ready_s"]),
    ("bytes", 6, lambda r: "%.0f" % r["answer_bytes"]),
)


def dash(value, form):
    return "-" if value is None else form % value


def ratio(figures, which="median"):
    return "%.2f" % figures["ratio"][which] if figures["ratio"] else "-"


def percent(share):
    """100 only when it is all."""
    text = "%.1f" % (100 * share)
    return "<100" if text == "100.0" and share < 1 else text.replace("100.0", "100")


def text(name, result):
    lines = ["%s: %s" % (name, result["what"])]
    if result["servers"]:
        lines.append("%-8s" % "" + " ".join("%*s" % (width, head) for head, width, _ in COLUMNS))
    for server, figures in sorted(result["servers"].items(), key=lambda s: s[1]["cpu_us"]["median"]):
        lines.append("%-8s" % server + " ".join("%*s" % (width, show(figures)) for _, width, show in COLUMNS))
    busy = [server for server, figures in result["servers"].items() if figures["client_idle"] < 0.02]
    if busy:
        lines.append("note: the client had no time left with %s: more would have been answered" % ", ".join(busy))
    for server, why in result["skipped"].items():
        lines.append("skipped: %s: %s" % (server, why))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- Markdown

def markdown(report):
    """Two tables for README: what an answer costs, and what being ready costs."""
    servers = []
    for result in report["workloads"].values():
        servers += [s for s in result["servers"] if s != "floor" and s not in servers]
    ways = (("CPU time an answer: the floor's in us, and the servers' as ratios to it", "floor, us",
             lambda r: "%.2f" % r["cpu_us"]["median"], ratio),
            ("memory in MiB after the load / seconds until ready", None, None,
             lambda r: "%.0f / %.2f" % (r["memory_mib"], r["ready_s"])))
    return "\n".join(table(report, servers, *way) for way in ways)


def table(report, servers, title, floor_head, show_floor, show):
    head = [title] + ([floor_head] if floor_head else []) + servers
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, result in report["workloads"].items():
        cells = ["%s: %s" % (name, result["what"])]
        if floor_head:
            cells.append(show_floor(result["servers"]["floor"]) if "floor" in result["servers"] else "-")
        for server in servers:
            figures = result["servers"].get(server)
            cells.append(show(figures) + blemish(figures) if figures else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def blemish(figures):
    share = figures["answered"] * figures["right"]
    return "" if share > 0.999 else " (%.0f %% right)" % (100 * share)


# -------------------------------------------------------------------- JSON

def write_json(path, report):
    with open(path + ".new", "w") as f:
        json.dump(report, f, indent=1)
        f.write("\n")
    os.replace(path + ".new", path)


def machine():
    """What the numbers are of."""
    try:
        said = subprocess.run(["lscpu"], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    except OSError:
        said = ""

    def field(name):
        found = re.search("^%s: *(.*)$" % re.escape(name), said, re.M)
        return found and found.group(1)
    return {"cpu": field("Model name"), "hypervisor": field("Hypervisor vendor"), "l2": field("L2 cache"), "l3": field("L3 cache"),
            "cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()}


def version(path, program):
    """What a server calls itself, in one line, or None."""
    for flag in {"knot": ("--version",), "pdns": ("--version",), "waymark": ("-V",)}.get(program, ("-v", "version")):
        try:
            done = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = re.search(r"\d+\.\d+[\w.]*", done.stdout + done.stderr)
        if found:
            return found.group(0)
    return None
