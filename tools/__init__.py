"""What people run that is no stage: repro, track, compare, predict, sweep, pin, onnx, ui."""

import signal
import sys

if sys.argv[0] == "-m":  # Ctrl-C while this is imported should end it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
