"""Run the command line: python -m softmax."""

from softmax.cli.app import main

main()
