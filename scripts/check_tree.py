#!/usr/bin/env python3
"""What holds for the tree as a whole, file by file.

- No Rust source file of a crate or an example is longer than 500 lines.
- Pure crates name no clock, file, socket, thread, process or async function.
- No file names a path of the machine that it was written on.
- Text files end with one newline and carry no tabs in Rust, no trailing blanks.
- Every failure of docs/FAILURES.md has a test in its last table, which names tests that exist where it says, and
  no test is named for a number without a row.
- The tests that docs/CLAIMS.md selects by a word of their name exist in the packages that it names.

Files are those that git tracks or would track.
"""

import pathlib
import re
import subprocess
import sys

LONGEST = 500
SOURCE = re.compile(r"^(crates|examples)/[^/]+/src/.*\.rs$")
PURE = re.compile(r"^crates/twofa-(types|totp|policy|otpauth|lifecycle)/src/.*\.rs$")
EFFECT = re.compile(
    r"\bSystemTime\b|\bInstant\b|\bstd::(fs|net|process|thread|env|io)\b|\basync\s+(fn|move|\{)"
)
MACHINE = re.compile(r"(?<![\w.>})])/(?:work|root|home|Users)/[A-Za-z.]|/tmp/(?:brief|target|bash)")
# A row of docs/FAILURES.md that says where a failure's test is.
SHOWN = re.compile(r"^\| (\d\d) \| `(\w+)` \| `([^`]+)` \|$", re.MULTILINE)
# A command of docs/CLAIMS.md that runs tests: its packages, files and words.
RUN = re.compile(r"cargo nextest run ([^`]*)`")
# Their text is a compiler's or another tool's, not ours.
GIVEN = re.compile(r"\.stderr$|^fuzz/(seeds|regressions)/|(^|/)Cargo\.lock$|\.snap$")


def problems(path, data):
    """What is wrong with one file, as sentences. `path` is relative, `data` its bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return []
    if "\0" in text or not text:
        return []
    found = []
    lines = text.splitlines()
    if SOURCE.search(path) and len(lines) > LONGEST:
        found.append(f"{path}: {len(lines)} lines; split it by subject (at most {LONGEST})")
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            found.append(f"{path}:{number}: names a path of one machine: {line.strip()[:80]}")
        code = line.split("//")[0]
        if PURE.search(path) and EFFECT.search(code):
            found.append(f"{path}:{number}: an effect in a pure crate: {line.strip()[:80]}")
        if path.endswith(".rs") and "\t" in line:
            found.append(f"{path}:{number}: a tab")
        if not GIVEN.search(path) and path.endswith((".rs", ".toml", ".py", ".sh")):
            if line != line.rstrip():
                found.append(f"{path}:{number}: trailing blanks")
    if path.endswith((".rs", ".toml", ".md", ".py", ".sh")) and not GIVEN.search(path):
        if not text.endswith("\n") or text.endswith("\n\n"):
            found.append(f"{path}: must end with one newline")
    return found


def unproved(page, sources):
    """What does not agree between docs/FAILURES.md and the tests.

    `page` is its text, `sources` the text of each Rust file by its path.
    """
    named = SHOWN.findall(page)
    promised = set(re.findall(r"^\| (\d\d) \|", SHOWN.sub("", page), re.MULTILINE))
    for number, test, path in named:
        if not test.startswith(f"f{number}_"):
            yield f"docs/FAILURES.md: {test} is not named for failure {number}"
        whole_file = path.endswith(f"tests/ui/{test}.rs") and path in sources
        if not whole_file and not re.search(rf"\bfn {test}[(<]", sources.get(path, "")):
            yield f"docs/FAILURES.md: {path} holds no {test}"
    for number in sorted(promised - {number for number, _, _ in named}):
        yield f"docs/FAILURES.md: no test is named for failure {number}"
    for number in range(1, len(promised) + 1):
        if f"{number:02}" not in promised:
            yield f"docs/FAILURES.md: the numbers skip {number:02}"
    tests = "\n".join([*sources, *sources.values()])
    for number in sorted(set(re.findall(r"(?:\bfn |/)f(\d\d)_", tests)) - promised):
        yield f"a test is named f{number}_..., which is no row of docs/FAILURES.md"


def unselected(page, sources):
    """The words of docs/CLAIMS.md that select no test, given as for `unproved`.

    A store's tests are made from the testkit's, so that a word may stand there.
    """
    folders = {path.split("/src/")[0].split("/")[-1]: path.split("/src/")[0] for path in sources}
    folders = {f"twofa-{name}": folder for name, folder in folders.items()} | folders
    for command in RUN.findall(page):
        words = command.split()
        packages = [word for option, word in zip(words, words[1:]) if option == "-p"]
        files = [word for option, word in zip(words, words[1:]) if option == "--test"]
        filters = [word for word in words if word not in [*packages, *files, "-p", "--test"]]
        places = [f"{folders[name]}/" for name in packages if name in folders]
        near = [path for path in sources if path.startswith((*places, "crates/twofa/src/testkit/"))]
        for file in files:
            if not any(path.endswith((f"tests/{file}.rs", f"tests/{file}/main.rs")) for path in near):
                yield f"docs/CLAIMS.md: no file {file} among the tests of {' '.join(packages)}"
        names = "\n".join(
            f"{pathlib.Path(path).stem}::{name}"
            for path in near
            for name in re.findall(r"\bfn (\w+)", sources[path])
        )
        for word in filters:
            if word not in names:
                yield f"docs/CLAIMS.md: {word} selects no test of {' '.join(packages)}"


def main():
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    paths = [pathlib.Path(name) for name in sorted(set(names)) if name]
    found = [
        problem
        for path in paths
        if path.is_file() and not path.is_symlink()
        for problem in problems(path.as_posix(), path.read_bytes())
    ]
    rust = [path for path in paths if path.suffix == ".rs" and path.is_file()]
    sources = {path.as_posix(): path.read_text() for path in rust}
    found += unproved(pathlib.Path("docs/FAILURES.md").read_text(), sources)
    found += unselected(pathlib.Path("docs/CLAIMS.md").read_text(), sources)
    for problem in found:
        print(f"check_tree: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
