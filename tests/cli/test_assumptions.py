"""`bitesim assumptions`, as a user types it."""

import pytest

from bitesim.cli import main
from bitesim.leukaemia import assumptions as register_module
from bitesim.leukaemia.assumptions import assumptions


def test_the_register_is_printed_as_markdown(capsys):
    assert main(["assumptions"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0] == "# Assumptions of the leukaemia model"
    register = assumptions()
    for entry in register:
        assert f"### {entry.title}" in lines
        assert f"From `{entry.where}`." in lines
    for heading in ("Molecule", "Synapse", "Cells", "Patient"):
        assert f"## {heading}" in lines
    for part in ("**Alternatives.** ", "**What it changes.** "):
        assert sum(line.startswith(part) for line in lines) == len(register)


def test_out_writes_the_file(tmp_path, capsys):
    target = tmp_path / "register.md"
    assert main(["assumptions", "--out", str(target)]) == 0
    assert capsys.readouterr().out == f"wrote {target}: {len(assumptions())} assumptions of model leukaemia\n"
    assert main(["assumptions"]) == 0
    assert target.read_text(encoding="utf-8") == capsys.readouterr().out


@pytest.mark.parametrize(
    ("broken", "words"),
    [(False, "cannot write or read"), (True, "json states no assumption")],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(broken, words, tmp_path, monkeypatch, capsys):
    if broken:
        monkeypatch.setattr(register_module, "LAYERS", {"cells": ("json",)})
    assert main(["assumptions", "--out", str(tmp_path / "missing" / "register.md")]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.strip().splitlines()) == 1
