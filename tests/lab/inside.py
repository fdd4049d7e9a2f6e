"""inside - a machine within the machine: namespaces that a laboratory runs in and that end with it, and cities in them."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serve"))
import lib                                                  # noqa: E402


def enter():
    """Starts this program again in namespaces of its own; where that is refused, says so."""
    if os.environ.get("WAYMARK_LAB") == "inside":
        return
    if not shutil.which("unshare") or not shutil.which("ip"):
        raise lib.Skip("unshare(1) and ip(8) are wanted")
    flags = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    probe = subprocess.run(["unshare"] + flags + ["sh", "-c", "mount -t tmpfs lab /run && ip netns add x && ip netns exec x true && "
                            "ip netns exec x ip tuntap add dev t mode tun"], capture_output=True, text=True)
    if probe.returncode:
        raise lib.Skip("no namespaces or no TUN devices here: " + (probe.stderr.strip().split("\n") or ["refused"])[-1])
    os.environ["WAYMARK_LAB"] = "inside"
    os.execvp("unshare", ["unshare"] + flags + [sys.executable] + sys.argv)


def sh(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=more.pop("timeout", 30), **more)
    if done.returncode:
        raise AssertionError("%s: %s" % (" ".join(words), done.stderr or done.stdout))
    return done.stdout


def at(city, *words):
    return ("ip", "netns", "exec", city) + words
