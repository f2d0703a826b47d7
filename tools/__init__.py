"""What people run that is no stage: track, compare, predict, pin, ui."""

import signal
import sys

if sys.argv[0] == "-m":  # Ctrl-C while this is imported should end it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
