"""The source of Kubernetes as Debian ships it: the last of its releases that holds all of `vendor/`.

Fetched by apt with lists, state and cache in a folder of our own, so the machine's apt stays untouched, no root is
needed and `apt-get update` need not have been run. It does not know how the source is built.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

SUITE = "bookworm"
PACKAGE = "kubernetes"
# The upstream archive inside the source package; pinned, so that the same recipe is the same API server for ever.
ARCHIVE_SHA256 = "b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class BuildError(Exception):
    """The API server cannot be had on this machine; the message is one line that says why."""


def fetch_source(work: Path, into: Path) -> None:
    """Downloads the archive into `work` and unpacks it into `into`; BuildError where apt or the archive fails."""
    apt = _own_apt(work)
    run([*apt, "update"], cwd=work, why="apt-get cannot read Debian's list of sources")
    run([*apt, "source", "--download-only", "--tar-only", PACKAGE], cwd=work, why=f"apt-get has no source {PACKAGE}")
    archive = next(work.glob(f"{PACKAGE}_*.orig.tar.gz"))
    with archive.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != ARCHIVE_SHA256:
            raise BuildError(f"{archive.name} is not the archive that this recipe was written for")
    into.mkdir(parents=True)
    run(["tar", "-xzf", str(archive), "-C", str(into), "--strip-components=1"], cwd=work, why="tar failed")


def run(argv: list[str], *, cwd: Path, why: str, env: dict[str, str] | None = None) -> str:
    """Runs a step of the build and gives its standard output; BuildError with `why` and the last line it said."""
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"{why}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise BuildError(f"{why}: {said[-1]}")
    return done.stdout


def _own_apt(work: Path) -> list[str]:
    """The apt-get command line that keeps everything it reads and writes under `work`."""
    (work / "apt/lists/partial").mkdir(parents=True)
    (work / "apt/cache/archives/partial").mkdir(parents=True)
    signed = f" [signed-by={KEYRING}]" if KEYRING.exists() else ""
    rows = (f"deb-src{signed} {address} {SUITE} main\n" for address in _repositories(work))
    (work / "sources.list").write_text("".join(rows))
    options = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": work / "apt",
        "Dir::State::lists": work / "apt/lists",
        "Dir::Cache": work / "apt/cache",
        "APT::Sandbox::User": "root",  # the user _apt may not enter a cache below a home folder
        "Acquire::Retries": 3,
    }
    return ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]


def _repositories(work: Path) -> list[str]:
    """The addresses that this machine's own apt reads; those with our suite, or all where it follows another one.

    `--no-release-info` makes apt answer also where no list was ever fetched.
    """
    ask = ["apt-get", "indextargets", "--no-release-info", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"]
    targets = {line for line in run(ask, cwd=work, why="apt-get is not here").splitlines() if " " in line}
    ours = sorted({line.split()[1] for line in targets if line.split()[0] == SUITE})
    if not targets:
        raise BuildError("apt-get is configured with no repository")
    return ours or sorted({line.split()[1] for line in targets if not line.split()[0].endswith("security")})
