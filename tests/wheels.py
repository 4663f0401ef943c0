"""The wheel, built from a copy of the sources, so that the working tree is unchanged."""

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("jobs", "schemas", "expectations", "conf")


def build_wheel(folder: Path) -> Path:
    """Builds the wheel in the folder, without a network, and returns its path."""
    sources = folder / "sources"
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "start_fentan.py"):
        shutil.copy(PROJECT / file, sources)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
    ]
    subprocess.run([*pip, str(sources)], check=True, cwd=folder)
    (wheel,) = folder.glob("fentan-*.whl")
    return wheel
