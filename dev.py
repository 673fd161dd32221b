#!/usr/bin/env python3
"""Sets bitesim up in .venv and runs it: python3 dev.py demo | test | check | bench. Needs Python 3.11+ with venv only."""

import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
STAMP = os.path.join(VENV, "bitesim-setup.sha256")
OLDEST = (3, 11)
USAGE = "usage: python3 dev.py demo | test [pytest options] | check | bench"


def too_old(version):
    """Return the message for a Python that is too old, or None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return "bitesim needs Python %d.%d or newer; this is %d.%d. Try: python3.11 dev.py ..." % (OLDEST + tuple(version[:2]))


def missing_venv():
    """Return the message for a Python without venv and pip, or None."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt install python3-venv"
    return None


def python_of_venv():
    """Return the path of the environment's Python."""
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(VENV, folder, name)


def fingerprint():
    """Return what an environment was made from: the project file, the version file and this Python."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", os.path.join("bitesim", "version.py")):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    digest.update(("%s %s %s" % (sys.version, sys.prefix, HERE)).encode())
    return digest.hexdigest()


def is_ready():
    """Tell whether the environment is whole and up to date: the stamp is written last."""
    try:
        with open(STAMP) as file:
            return file.read() == fingerprint() and os.path.exists(python_of_venv())
    except OSError:
        return False


def set_up(run=subprocess.check_call):
    """Make the environment unless it is ready."""
    if is_ready():
        return
    print("Setting up .venv: needs about 1.6 GB of disk and 1 to 3 minutes, once.", flush=True)
    if os.path.exists(VENV):
        print("  removing the unfinished or outdated environment", flush=True)
        shutil.rmtree(VENV)
    print("  making the virtual environment", flush=True)
    run([sys.executable, "-m", "venv", VENV])
    print("  installing bitesim and its tools with pip (quiet; only errors are shown)", flush=True)
    run([python_of_venv(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", HERE + "[dev]"])
    with open(STAMP, "w") as file:
        file.write(fingerprint())
    print("  done", flush=True)


def locked(action):
    """Run `action` while no other dev.py of this checkout does."""
    if os.name == "nt":
        return action()
    import fcntl

    with open(os.path.join(HERE, ".bitesim-setup"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return action()


def commands(name, rest):
    """Return the command lines of one verb."""
    python = python_of_venv()
    if name == "demo":
        return [[python, "-m", "bitesim", "demo"] + (rest or ["--out", "bitesim-out"])]
    if name == "test":
        return [[python, "-m", "pytest", "-n", "2"] + rest]
    if name == "bench":
        return [[python, "-m", "benchmarks.run_all"] + rest]
    lint = [os.path.join(os.path.dirname(python), "lint-imports")]
    return [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        lint,
    ]


def main(arguments):
    """Do what was asked; return the exit code."""
    problem = too_old(sys.version_info) or missing_venv()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    if not arguments or arguments[0] not in ("demo", "test", "check", "bench"):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        locked(set_up)
    except subprocess.CalledProcessError as failure:
        print(
            "Setting up failed (exit code %d): mend that and run it again." % failure.returncode,
            file=sys.stderr,
        )
        return 1
    for command in commands(arguments[0], arguments[1:]):
        print("Running: " + " ".join(command[:1] + command[1:]), flush=True)
        code = subprocess.call(command, cwd=HERE)
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
