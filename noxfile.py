"""The gate: plain ``nox`` runs what a change has to pass, ``nox -t full`` the whole matrix, ``nox -s NAME`` a session.

Every session installs the one wheel that ``build`` makes, so what is tested is what is shipped. A Python that is not
there fails its session. The last line of a run sums up all its tests, as pytest would.
"""

from __future__ import annotations

import atexit
import glob
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.2"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
LOCKS = ROOT / ".ci"
"""Of each tool that decides alone what is shipped or let through a file with all that it needs, by version and hash."""
OUTPUT = ROOT / ".nox" / "output"
DIST = OUTPUT / "dist"
REPORTS = OUTPUT / "reports"
COVERAGE = OUTPUT / "coverage"
PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
OLDEST, NEWEST = PYTHONS[0], PYTHONS[-1]
BETWEEN = PYTHONS[1:-1]
TOOLS = "3.12"
"""The Python of the sessions that need only one."""

OWN_SESSION = ("docs", "integrations", "on_eventlet", "relay", "servers", "soak")
"""Folders of tests/ that need an environment of their own."""
NEEDS_EXTRAS = "extras"
"""The folder of tests/ that needs the optional packages; all others need pytest and its plugins alone."""

EXTRAS = PROJECT["project"]["optional-dependencies"]
WEB = [path.stem for path in sorted((ROOT / "asyncsentry" / "integrations").iterdir()) if path.stem in EXTRAS]
"""The extras of the frameworks that have an integration."""
EVERYTHING = f"[all,{','.join(WEB)}]"
OF_THEIR_TIME = ["setuptools<82", "yarl==1.9.4"]
"""What the oldest frameworks need as old as they are: Pyramid 2 has pkg_resources, aiohttp 3.9 gives yarl hosts with
ports."""

SIDE_BY_SIDE = "-n3"
"""On two cores: the tests wait a third of their time, for programs, servers and clocks."""
EACH_FRAMEWORK_ONCE = ("-n2", "--dist", "loadgroup")
"""All that is asked of a framework's server is asked in one process, so that each is started once."""

STARTED = time.time()

nox.options.sessions = [
    "lint",
    "typing",
    f"tests-{OLDEST}",
    f"tests-{NEWEST}",
    f"integrations-{OLDEST}",
    f"integrations-{NEWEST}",
    *(f"tests_bare-{python}" for python in BETWEEN),
    f"eventlet-{OLDEST}",
    f"eventlet-{NEWEST}",
    "relay",
    "fuzz",
    "docs",
    "servers",
    "soak_briefly",
    "bench",
    "heartbeat",
    "coverage",  # last: the lines that it names are then in sight at the end of a long output
]


def reach_pyenv() -> None:
    """Put pyenv's interpreters on the search path: its shims answer only for the versions that are selected."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = [path for python in PYTHONS for path in glob.glob(f"{root}/versions/{python}.*/bin")]
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *found])


reach_pyenv()


@atexit.register
def sum_up() -> None:
    """Print what failed, and one line for all pytest runs of this run. At exit: nox prints its own list at the end."""
    reports = [path for path in REPORTS.glob("*.xml") if path.stat().st_mtime >= STARTED]
    if not reports:
        return
    roots = {path.stem: ElementTree.parse(path).getroot() for path in reports}
    for session, root in roots.items():
        for line in failures(root):
            print(f"{session}: {line}")
    suites = [suite for root in roots.values() for suite in root.iter("testsuite")]
    count = {name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("failures", "errors", "skipped")}
    passed = sum(int(suite.get("tests", 0)) for suite in suites) - sum(count.values())
    errors = "error" if count["errors"] == 1 else "errors"
    said = {"failed": count["failures"], "passed": passed, "skipped": count["skipped"], errors: count["errors"]}
    words = ", ".join(f"{number} {word}" for word, number in said.items() if number or word == "passed")
    print(f"===== {words} in {time.time() - STARTED:.2f}s =====", flush=True)


def failures(report: ElementTree.Element) -> Iterator[str]:
    """A line for each test that failed, or whose fixture did: what and why. The whole of it was printed by pytest."""
    for test in report.iter("testcase"):
        for kind in ("failure", "error"):
            for found in test.iterfind(kind):
                why = " ".join(found.get("message", "").split())
                yield f"{kind} of {test.get('classname')}.{test.get('name')}: {why[:500]}"


def install(
    session: nox.Session, *groups: str, extra: str = "", bounds: Path | None = None, options: Sequence[str] = ()
) -> None:
    """Install the wheel with its ``extra``, and dependency groups, within the ``bounds`` of a file of constraints.

    ``options`` are more of pip's.
    """
    # The tool's own folder is on PYTHONPATH if nox was started as the README says; its packages are not the session's.
    session.env["PYTHONPATH"] = None
    (wheel,) = DIST.glob("*.whl")
    bounded = () if bounds is None else ("--constraint", str(bounds))
    session.install(*nox.project.dependency_groups(PROJECT, *groups), f"{wheel}{extra}", *bounded, *options)
    session.install("--force-reinstall", "--no-deps", str(wheel))


def install_locked(session: nox.Session, name: str) -> None:
    """Install a tool as its lock says, and nothing that is not in it; `lock` makes it anew."""
    session.env["PYTHONPATH"] = None
    session.install("--require-hashes", "--requirement", str(LOCKS / f"{name}.txt"))


def run_pytest(session: nox.Session, *arguments: str, program: Sequence[str] = ("pytest",)) -> None:
    """Run pytest in tests/, where the working directory does not hide the installed wheel."""
    report = REPORTS / f"{session.name}.xml"
    with session.chdir("tests"):
        session.run(*program, f"--junitxml={report}", *arguments, *session.posargs)


def measure(session: nox.Session) -> Sequence[str]:
    """What runs pytest so that the session's coverage is kept for `coverage`."""
    shutil.rmtree(COVERAGE / session.name, ignore_errors=True)
    (COVERAGE / session.name).mkdir(parents=True)
    session.env["COVERAGE_FILE"] = str(COVERAGE / session.name / "data")
    return ("coverage", "run", f"--rcfile={ROOT / 'pyproject.toml'}", "-m", "pytest")


def oldest(extra: str) -> list[str]:
    """The constraints that make of each package that ``extra`` asks for the oldest version that it allows."""
    return [re.sub(r"(\[.*\])?>=([^;,]*)", r"==\2", requirement) for requirement in EXTRAS[extra]]


def without(*folders: str) -> list[str]:
    return [f"--ignore={folder}" for folder in folders]


@nox.session(python=TOOLS)
def build(session: nox.Session) -> None:
    """Build the wheel that all other sessions install, and the sdist; built anywhere else they are the same."""
    install_locked(session, "build")
    for old in (*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")):
        old.unlink()
    session.run("hatchling", "build", "--directory", str(DIST))
    session.run("python", ".ci/reproduce.py", str(DIST))


@nox.session(python=TOOLS)
def lock(session: nox.Session) -> None:
    """Renew the locks: the newest versions that pyproject.toml allows, for every Python and every platform."""
    session.env["PYTHONPATH"] = None
    session.install("uv")
    wanted = {
        "nox": [f"nox{nox.needs_version}"],
        "build": PROJECT["build-system"]["requires"],
        "lint": nox.project.dependency_groups(PROJECT, "lint"),
        "coverage": [each for each in nox.project.dependency_groups(PROJECT, "test-all") if "coverage" in each],
    }
    command = ("uv", "pip", "compile", "--universal", "--python-version", OLDEST, "--generate-hashes", "--upgrade")
    for name, requirements in wanted.items():
        asked = Path(session.create_tmp()) / f"{name}.in"
        asked.write_text("\n".join(requirements))
        plain = ("--no-header", "--no-annotate", "--quiet", "--output-file", str(LOCKS / f"{name}.txt"))
        session.run(*command, *plain, str(asked), silent=True)


@nox.session(python=TOOLS, tags=["full"])
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    install_locked(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def typing(session: nox.Session) -> None:
    """mypy and pyright, as the oldest and the newest Python see the code."""
    install(session, "typing", extra=f"{EVERYTHING[:-1]},eventlet]")
    for python in (OLDEST, NEWEST):
        session.run("mypy", "--python-version", python)
        session.run("pyright", "--pythonversion", python, "--pythonpath", f"{session.bin}/python")


@nox.session(python=PYTHONS, tags=["full"], requires=["build"])
def tests(session: nox.Session) -> None:
    """All tests but those with a session of their own, with every extra installed; measures coverage."""
    install(session, "test-all", "test-values", extra="[all]")
    run_pytest(session, SIDE_BY_SIDE, *without(*OWN_SESSION), program=measure(session))


@nox.session(python=PYTHONS, tags=["full"], requires=["build"])
def tests_bare(session: nox.Session) -> None:
    """The tests with no extra installed."""
    install(session, "test")
    run_pytest(session, SIDE_BY_SIDE, *without(*OWN_SESSION, NEEDS_EXTRAS))


@nox.session(python=[OLDEST, NEWEST], tags=["full"], requires=["build"])
def integrations(session: nox.Session) -> None:
    """Web applications on their servers, in every framework; measures coverage."""
    install(session, "test-web", extra=EVERYTHING)
    run_pytest(session, *EACH_FRAMEWORK_ONCE, "integrations", program=measure(session))
    session.run("python", "benchmarks/serving.py", "10", silent=True)  # without figures: it works


@nox.session(python=OLDEST, tags=["full"], requires=["build"])
def integrations_oldest(session: nox.Session) -> None:
    """The same with the oldest version of each framework that its extra allows."""
    bounds = OUTPUT / "oldest.txt"
    bounds.write_text("\n".join([*OF_THEIR_TIME, *(bound for extra in WEB for bound in oldest(extra))]))
    install(session, "test-web", extra=EVERYTHING, bounds=bounds)
    run_pytest(session, *EACH_FRAMEWORK_ONCE, "integrations")


@nox.session(python=[OLDEST, NEWEST], tags=["full"], requires=["build"])
def eventlet(session: nox.Session) -> None:
    """What is common to all transports, on eventlet, and what is particular to it: no other library goes with it."""
    install(session, "test-eventlet", extra="[eventlet]")
    common = ("transports", "faults", f"{NEEDS_EXTRAS}/test_transport_tls.py")
    run_pytest(session, "-n2", "-k", "eventlet", *common, "on_eventlet")


@nox.session(python=TOOLS, tags=["full"])
def coverage(session: nox.Session) -> None:
    """Branch coverage of the core, of the test sessions together: each Python has branches of its own."""
    install_locked(session, "coverage")
    session.env["COVERAGE_FILE"] = str(COVERAGE / "data")
    measured = [*COVERAGE.glob("tests-*"), *COVERAGE.glob("integrations-*")]
    session.run("coverage", "combine", "--keep", "--quiet", *map(str, measured))
    session.run("coverage", "report", "--fail-under=100")


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def relay(session: nox.Session) -> None:
    """What the events look like to Sentry's own normalizer: made for it, and all that the SDK's tests make."""
    install(session, "relay", extra=EVERYTHING)
    top = sorted(path.name for path in (ROOT / "tests").glob("test_*.py"))
    # Elsewhere the tests send what they have made by hand.
    with_extras = [f"{NEEDS_EXTRAS}/{name}" for name in ("test_any_bytes.py", "test_whole_programs.py")]
    run_pytest(session, "-n2", *top, "cli", "delivery", "events", "fuzz", "hooks", "relay", *with_extras)


@nox.session(python=NEWEST, tags=["full"], requires=["build"])
def fuzz(session: nox.Session) -> None:
    """Look for bytes with which a promise is not kept: 30 seconds for each target (``-- --seconds 300`` for more)."""
    try:
        install(session, "fuzz", options=("--only-binary", "atheris"))
    except CommandFailed:
        session.error("what fuzzes, atheris, cannot be installed: it has wheels for some platforms only")
    with session.chdir("tests"):
        session.run("python", "-m", "fuzz.run", "--output", str(OUTPUT / "fuzz"), *session.posargs)


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def docs(session: nox.Session) -> None:
    """Build the documentation without a warning, and run every example in it."""
    install(session, "docs", extra=EVERYTHING)
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-q", "-b", "html", "docs", str(OUTPUT / "html"))
    run_pytest(session, "docs")


@nox.session(python=NEWEST, tags=["full"], requires=["build"])
def soak(session: nox.Session) -> None:
    """Ten minutes of a busy program and a server at its worst."""
    run_soak(session, 600)


@nox.session(python=NEWEST, requires=["build"])
def soak_briefly(session: nox.Session) -> None:
    """Two minutes of it."""
    run_soak(session, 120)


@nox.session(python=NEWEST, tags=["full"], requires=["build"])
def kills(session: nox.Session) -> None:
    """Kill a program that has a spool at any instant, 200 times: twice in each try."""
    install(session, "test")
    session.env["SPOOL_TRIES"] = "100"
    run_pytest(session, "-rP", "spool/test_kill.py")


def run_soak(session: nox.Session, seconds: int) -> None:
    install(session, "test")
    session.env["SOAK_SECONDS"] = str(seconds)
    run_pytest(session, "-rP", "soak")


@nox.session(python=TOOLS)
def bugsink(session: nox.Session) -> None:
    """Install a real server, Bugsink, for `servers`: in an environment of its own, as it pins its dependencies."""
    session.env["PYTHONPATH"] = None
    session.install("bugsink==2.6.1")


@nox.session(python=TOOLS, tags=["full"], requires=["build", "bugsink"])
def servers(session: nox.Session) -> None:
    """Send to a real Bugsink, and read back from it."""
    install(session, "test", extra="[all]")
    session.env["BUGSINK_BIN"] = str(ROOT / ".nox" / "bugsink" / "bin")
    run_pytest(session, "servers")


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def bench(session: nox.Session) -> None:
    """Measure beside the peers; the gate's short form only shows that it works (``-- --runs 7`` for figures).

    Arguments are those of ``benchmarks/run.py``; all figures, and a chart of each case, are in ``.nox/output``.
    """
    install(session, "bench")
    written = ("--json", str(OUTPUT / "bench.json"), "--svg", str(OUTPUT / "bench"))
    if session.posargs:
        session.run("python", "benchmarks/startup.py", "--json", str(OUTPUT / "startup.json"))
        session.run("python", "benchmarks/run.py", *written, *session.posargs)
        return
    session.run("python", "benchmarks/startup.py", "--runs", "2")
    briefly = ("python", "benchmarks/run.py", "--brief")
    session.run(*briefly, *written, "--sdks", "asyncsentry,none")
    session.run(*briefly, "--cases", "shallow")
    session.run(*briefly, "--cases", "refused,storm-roomy,web-*", "--sdks", "*threaded,sentry-sdk*")
    session.run("python", "benchmarks/content.py", silent=True)
    session.run("python", "benchmarks/parts.py", "--calls", "3", silent=True)
    session.run("python", "benchmarks/levels.py", "--calls", "3", silent=True)


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def losses(session: nox.Session) -> None:
    """Show what arrives beside sentry-sdk when something goes wrong (``-- --write`` puts it in the documentation)."""
    install(session, "bench")
    session.run("python", "benchmarks/losses.py", *session.posargs)


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def hostile(session: nox.Session) -> None:
    """Show what each SDK does with what is hostile (``-- --write`` puts it in the documentation)."""
    install(session, "bench")
    session.run("python", "benchmarks/hostility.py", *session.posargs)


@nox.session(python=TOOLS, tags=["full"], requires=["build"])
def heartbeat(session: nox.Session) -> None:
    """Measure whether sending holds any loop up; the gate's short form only shows that it works."""
    install(session, extra="[all]")
    session.run("python", "benchmarks/heartbeat.py", *(session.posargs or ["--runs", "1", "--seconds", "1"]))
