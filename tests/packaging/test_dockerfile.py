"""Laws about the image, read from its Dockerfile: it is built elsewhere, where there is an engine."""

from __future__ import annotations

import re

import pytest

from tests.checkout import ROOT
from tests.packaging.dockerfile import read_dockerfile

ARGUMENTS, STAGES = read_dockerfile(ROOT / "Dockerfile")
BUILDER, WITHOUT, WITH, BUILT, FINAL = STAGES
STATE = "/var/lib/brownout"
INSTALLERS = re.compile(r"\b(pip3? install|apt(-get)? |apk |setuptools|gcc|build-essential)")


def test_all_stages_stand_on_one_pinned_slim_python() -> None:
    """What the builder compiles for is what runs it, and a rebuild gets the same."""
    assert BUILDER.image.split() == ["${PYTHON_IMAGE}", "AS", "builder"]
    assert FINAL.image == "${PYTHON_IMAGE}"
    assert re.fullmatch(r"python:3\.1[1-9]\.\d+-slim-[a-z]+", ARGUMENTS["PYTHON_IMAGE"])


def test_what_is_installed_is_locked() -> None:
    """Everything from an index is checked against its hash; the project itself asks no index."""
    runs = (*BUILDER.all("RUN"), *WITH.all("RUN"))
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) [^&]+", " && ".join(runs))
    assert len(installs) == 5
    asks = [line for line in installs if "--no-index" not in line]
    assert [line for line in asks if "--require-hashes" not in line] == []
    assert [line for line in installs if "--no-index" in line and "--no-deps" not in line] == []


def test_training_is_there_where_it_is_asked_for_and_nowhere_else() -> None:
    """By default nothing stands between the builder and the image; with TRAINING=with, what the lock of training names,
    compiled like the rest.
    """
    assert ARGUMENTS["TRAINING"] == "without"
    assert (WITHOUT.image, WITHOUT.instructions) == ("builder AS without-training", ())
    assert (WITH.image, BUILT.image) == ("builder AS with-training", "${TRAINING}-training AS built")
    assert BUILT.instructions == ()
    (run,) = WITH.all("RUN")
    assert "--require-hashes --requirement requirements/training.txt" in run
    assert "compileall" in run
    assert "training" not in " ".join(BUILDER.all("RUN"))


def test_the_last_stage_installs_nothing_and_keeps_no_installer() -> None:
    """Whoever gets into the container finds neither pip nor a compiler."""
    runs = " ".join(FINAL.all("RUN"))
    assert not INSTALLERS.search(runs)
    assert "pip uninstall" in runs
    assert "ensurepip" in runs
    assert FINAL.all("COPY") == ("--from=built /opt/brownout /opt/brownout",)
    assert any("venv --without-pip /opt/brownout" in line for line in BUILDER.all("RUN"))


def test_it_runs_as_a_user_without_rights() -> None:
    """A number, not a name: Kubernetes refuses runAsNonRoot for a name, which it cannot look up."""
    assert FINAL.all("USER") == ("65532:65532",)
    verbs = [each.verb for each in FINAL.instructions]
    assert not {"RUN", "COPY", "ADD"} & set(verbs[verbs.index("USER") :])


def test_it_needs_no_writable_root() -> None:
    """Bytecode is compiled at build time and none is written later; state and home are one folder, for a volume."""
    variables = FINAL.variables()
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert any("compileall" in line and "unchecked-hash" in line for line in BUILDER.all("RUN"))
    assert (variables["HOME"], variables["XDG_STATE_HOME"]) == (STATE, "/var/lib")
    assert FINAL.all("WORKDIR") == (STATE,)


def test_no_module_comes_from_the_working_directory() -> None:
    """A file `types.py` in a mounted folder does not become a module of the controller."""
    assert FINAL.variables()["PYTHONSAFEPATH"] == "1"


def test_it_starts_the_command() -> None:
    """`docker run IMAGE` is `brownout run`; arguments are the command's."""
    assert FINAL.all("ENTRYPOINT") == ('["brownout"]',)
    assert FINAL.all("CMD") == ('["run"]',)


@pytest.mark.parametrize("label", ["title", "description", "licenses", "vendor", "version", "revision"])
def test_it_says_what_it_is(label: str) -> None:
    """The OCI labels that need no address."""
    assert FINAL.variables("LABEL")[f"org.opencontainers.image.{label}"]


def test_what_is_copied_is_there_and_not_kept_back() -> None:
    """Every source of a COPY is in the checkout, and .dockerignore lets it through."""
    sources = [word for line in (*BUILDER.all("COPY"), *WITH.all("COPY")) for word in line.split()[:-1]]
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if source.split("/")[0] not in let_through] == []
