#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Builds Mica and runs every test; ./test.sh installs what is missing and then calls this.

The last line is the sum over all suites: 'N passed, N failed' and, when there are any, ', N skipped'.
Exit code: 0 when nothing failed, 1 otherwise.

  ./test.sh              everything (the model files and the Python references are fetched once)
  ./test.sh --quick      build, unit tests, gates on changed files, the Python tests not marked slow
  ./test.sh asan fuzz    only these steps, of: build meson pytest asan tsan fuzz
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test")
VENV_PYTHON = CACHE / "venv" / "bin" / "python"
STEPS = ["build", "meson", "pytest", "asan", "tsan", "fuzz"]
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb=4096",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Counts:
    """What ran, over all suites."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, title, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"-- {title}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run(command, env=None, timeout=None, show=False):
    """(exit code, output). With show, the output goes to the terminal as it comes, too."""
    print(f"$ {' '.join(str(c) for c in command)}", flush=True)
    merged = {**os.environ, **SANITIZER_ENV, **(env or {})}
    if show:
        return subprocess.run(command, cwd=ROOT, env=merged, stdin=subprocess.DEVNULL, check=False,
                              timeout=timeout).returncode, ""
    done = subprocess.run(command, cwd=ROOT, env=merged, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=timeout)
    return done.returncode, done.stdout


def tail(text, n=40):
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-n:])


def build(folder, options, env=None, target="all"):
    """Configures (once) and compiles a build folder. True when it built."""
    if not (ROOT / folder / "build.ninja").is_file():
        code, text = run(["meson", "setup", folder, *options], env)
        if code != 0:
            print(tail(text))
            return False
    code, text = run(["ninja", "-C", folder, target], env)
    if code != 0:
        print(tail(text))
    return code == 0


def cmocka_counts(record):
    """(passed, failed, skipped) of one meson test: cmocka's own cases where it says them, else one."""
    text = record.get("stdout", "") + record.get("stderr", "")
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] \S+: (\d+) test", text))
    skipped = sum(int(n) for n in re.findall(r"\[  SKIPPED \] \S+: (\d+) test", text))
    if record["result"] in ("OK", "EXPECTEDFAIL"):
        return (passed, 0, skipped) if passed + skipped > 0 else (1, 0, 0)
    if record["result"] == "SKIP":
        return 0, 0, 1
    return passed, max(failed, 1), skipped


def meson_test(counts, title, folder, arguments):
    log = ROOT / folder / "meson-logs" / f"{title}.json"
    log.unlink(missing_ok=True)
    code, text = run(["meson", "test", "-C", folder, "--no-rebuild", "--logbase", title, *arguments])
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    passed = failed = skipped = 0
    for record in sorted(records, key=lambda r: -r["duration"]):
        p, f, s = cmocka_counts(record)
        passed, failed, skipped = passed + p, failed + f, skipped + s
        verdict = "FAILED" if f else "ok" if p else "skipped"
        print(f"   {verdict:8}{record['duration']:7.1f} s  {record['name']}")
        if f:
            print(tail(record.get("stdout", "") + record.get("stderr", ""), 60))
    if not records and code != 0 and "No suitable tests" not in text and "No tests defined" not in text:
        print(tail(text))
        failed = 1
    counts.add(title, passed, failed, skipped)


def step_build(counts, quick):
    ok = build("build", ["-Dbuildtype=release"])
    counts.add("build", int(ok), int(not ok))
    return ok


def step_meson(counts, quick):
    meson_test(counts, "meson", "build", ["--no-suite", "slow"] if quick else ["-t", "2"])


def step_pytest(counts, quick):
    python = VENV_PYTHON if VENV_PYTHON.is_file() else Path(sys.executable)
    report = ROOT / "build" / "pytest.xml"
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", "-q", "-rs", "--durations=8", "-p", "no:cacheprovider",
               f"--junitxml={report}", "tests"]
    code, _ = run([*command, "-m", "not slow"] if quick else command, show=True)
    if not report.is_file():
        counts.add("pytest", 0, 1)
        return
    passed = failed = skipped = 0
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        bad = int(suite.get("failures")) + int(suite.get("errors"))
        failed, skipped = failed + bad, skipped + int(suite.get("skipped"))
        passed += int(suite.get("tests")) - bad - int(suite.get("skipped"))
    counts.add("pytest", passed, max(failed, int(code not in (0, 5))), skipped)


def step_asan(counts, quick):
    options = ["-Dbuildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Db_lundef=false"]
    if not build("build-asan", options):
        counts.add("asan", 0, 1)
        return
    # Per fuzz target; with four or more of them over 100,000 damaged inputs.
    os.environ["MICA_MUTATIONS"] = "25000"
    meson_test(counts, "asan", "build-asan", ["-t", "5", "--suite", "unit", "--suite", "corpus"])
    del os.environ["MICA_MUTATIONS"]


def step_tsan(counts, quick):
    if not build("build-tsan", ["-Dbuildtype=debugoptimized", "-Db_sanitize=thread", "-Db_lundef=false"]):
        counts.add("tsan", 0, 1)
        return
    meson_test(counts, "tsan", "build-tsan", ["-t", "5", "--suite", "threads"])


def fuzz_one(program, seconds):
    name = program.name.removeprefix("fuzz_")
    corpus = ROOT / "build-fuzz" / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    found = ROOT / "build-fuzz" / "found"
    found.mkdir(exist_ok=True)
    kept = ROOT / "tests" / "corpus" / name
    words = [f"-dict={path}" for path in (ROOT / "src").glob(f"*/fuzz_{name}.dict")]
    command = [str(program), str(corpus), *([str(kept)] if kept.is_dir() else []), *words, f"-max_total_time={seconds}",
               f"-artifact_prefix={found}/{name}-", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"]
    code, text = run(command, timeout=seconds * 10 + 300)
    return name, code, text


def step_fuzz(counts, quick):
    options = ["-Dfuzz=true", "-Dbuildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Db_lundef=false"]
    if not build("build-fuzz", options, {"CC": "clang"}, "fuzz-targets"):
        counts.add("fuzz", 0, 1)
        return
    programs = sorted(p for p in (ROOT / "build-fuzz" / "tests" / "fuzz").glob("fuzz_*") if p.is_file())
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as workers:
        for name, code, text in workers.map(lambda p: fuzz_one(p, 2 if quick else 10), programs):
            done = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
            print(f"   {'FAILED' if code else 'ok':8}{name}: {done.group(1) if done else '?'} inputs")
            if code != 0:
                failed += 1
                print(tail(text))
    counts.add("fuzz", len(programs) - failed, failed)


def fetch(quick):
    wanted = ["smollm2"] if quick else []
    for arguments in (wanted, ["--venv"]):
        code = run([sys.executable, "tools/fetch.py", *arguments], show=True)[0]
        if code != 0:
            print("test: not everything could be fetched; the tests that need it say so and are skipped")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of: {' '.join(STEPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="what finishes in three minutes, once all is fetched")
    args = parser.parse_args()
    if unknown := [step for step in args.steps if step not in STEPS]:
        parser.error(f"no step called {', '.join(unknown)}")
    steps = args.steps or (["build", "meson", "pytest"] if args.quick else STEPS)
    os.environ["MICA_TEST_CACHE"] = str(CACHE)
    os.environ["MICA_QUICK"] = "1" if args.quick else ""
    counts = Counts()
    started = time.monotonic()
    if not args.steps or "pytest" in steps:
        fetch(args.quick)
    for step in steps:
        print(f"== {step} ({time.monotonic() - started:.0f} s)", flush=True)
        try:
            built = globals()[f"step_{step}"](counts, args.quick)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"    {error}")
            counts.add(step, 0, 1)
            built = None
        if built is False:
            break
    print(f"== done ({time.monotonic() - started:.0f} s)")
    print(counts.line())
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
