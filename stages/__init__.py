"""The stages of dvc.yaml, each a script of its name, and the Python that runs them."""

import signal
import sys

if sys.argv[0] == "-m":  # Ctrl-C while this is imported should end it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
