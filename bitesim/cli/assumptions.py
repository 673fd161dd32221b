"""`bitesim assumptions`: the leukaemia model's structural choices, their alternatives and what they change."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bitesim.leukaemia.assumptions import assumptions


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "assumptions",
        help="what the leukaemia model assumes, and what that changes",
        description="Prints the register of assumptions of bitesim's own leukaemia model as Markdown: each structural "
        "choice, its alternatives and what it changes, read from the docstrings of the code that makes it.",
    )
    parser.add_argument("--out", type=Path, help="file to write instead, e.g. assumptions.md")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the register, or write it."""
    register = assumptions()
    text = register.to_markdown()
    if arguments.out is None:
        print(text, end="")
        return
    arguments.out.write_text(text, encoding="utf-8")
    print(f"wrote {arguments.out}: {len(register)} assumptions of model leukaemia")
