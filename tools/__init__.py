"""What people run that is no stage: track, compare, pin, ui."""
