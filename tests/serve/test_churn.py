"""A few seconds of what "make churn" does for minutes under the sanitizers (tests/churn/churn.py)."""
from lib import *

sys.path.insert(0, TOP + "/tests/churn")
from churn import Churn                                     # noqa: E402


@claim("whatever is done to it while it answers, it lives, answers what is right and leaves nothing behind")
def churn():
    if not os.path.exists(BUILD + "/slow.so"):
        raise Skip("this build has no slow.so")
    c = Churn(8, 1)
    c.run()
    assert c.asked > 100 and sum(c.counts.values()) > 5, (c.asked, c.counts)


run("churn")
