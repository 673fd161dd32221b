"""The command line: one file a command."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from bitesim.cli import assumptions, calibrate, cohort, demo, derive, dish, export, facts, forecast, left_out, simulate
from bitesim.foundation.errors import BitesimError, BitesimWarning
from bitesim.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 2 with one line on stderr when the input cannot be used, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="bitesim", description="Blinatumomab in B-ALL, from the pump to blood and marrow.")
    parser.add_argument("--version", action="version", version=f"bitesim {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (simulate, cohort, forecast, dish, demo, facts, calibrate, left_out, derive, export, assumptions):
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.simplefilter("always", BitesimWarning)
        try:
            chosen.run(chosen)
        except BitesimError as problem:
            print(f"bitesim: {problem}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("bitesim: stopped by Ctrl-C", file=sys.stderr)
            return 130
        except OSError as problem:
            print(f"bitesim: cannot write or read {problem.filename!r}: {problem.strerror}", file=sys.stderr)
            return 2
    return 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"bitesim: warning: {message}", file=sys.stderr)
