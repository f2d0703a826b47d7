"""Ask servers on this machine directly, whatever proxy the environment names."""

import os

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def bypass_for_loopback() -> None:
    """Add this machine to `no_proxy`; other machines are still asked through the proxy."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if given != "*":  # no proxy at all
        hosts = [*filter(None, given.split(",")), *LOOPBACK]
        os.environ["no_proxy"] = ",".join(dict.fromkeys(hosts))
