#!/usr/bin/env python3
"""What holds between the crates, with every feature on.

- Arrows point down only: a crate depends on those of this workspace that lie below it, no others.
- A pure crate reaches, however indirectly, nothing that does IO, tells the time, draws randomness
  or runs async code.
- A crate's rust-version is no lower than that of anything that it builds on. Cargo does not check
  this on a newer toolchain; what the crate's own code uses is clippy's `incompatible_msrv`.

Normal and build dependencies count, on every platform; a test may look anywhere. What a crate
reaches is asked of cargo for each crate by itself, because in the workspace as a whole one crate's
features switch on another's dependencies.
"""

import json
import subprocess
import sys

# What each crate may see, the lowest first. Who adds a crate adds its row. What is not published, as
# examples and measurements, and has no row may see every crate that has one and is published.
BELOW = {
    "twofa-types": set(),
    "twofa-totp": {"twofa-types"},
    "twofa-policy": {"twofa-types"},
    "twofa-otpauth": {"twofa-totp", "twofa-types"},
    "twofa-lifecycle": {"twofa-policy", "twofa-totp", "twofa-types"},
    "twofa": {"twofa-lifecycle", "twofa-otpauth", "twofa-policy", "twofa-totp", "twofa-types"},
    "twofa-sqlx": {"twofa"},
    "newcomer-cli": {"twofa-otpauth", "twofa-totp"},
    # Examples embed `twofa` as any application does: it re-exports what lies below.
    "twofa-terminal": {"twofa", "twofa-sqlx"},
    "twofa-dashboard": {"twofa", "twofa-sqlx"},
    "newcomer-web": {"twofa", "twofa-sqlx"},
}

# Time, randomness and input are handed to these; they perform nothing.
PURE = ["twofa-types", "twofa-totp", "twofa-policy", "twofa-otpauth", "twofa-lifecycle"]
EFFECTS = {
    "async-std", "async-trait", "chrono", "fastrand", "futures", "futures-core", "futures-util",
    "getrandom", "jiff", "mio", "rand", "rustix", "smol", "socket2", "sqlx", "sqlx-core", "time",
    "tokio", "tracing",
}


class Workspace:
    """The members, what each depends on, and what each reaches, from metadata and `cargo tree`."""

    def __init__(self, metadata, reached):
        packages = {package["id"]: package for package in metadata["packages"]}
        members = [packages[member] for member in metadata["workspace_members"]]
        self.rust_version = {package["name"]: package["rust_version"] for package in members}
        self.depends = {
            package["name"]: {
                dep["name"]
                for dep in package["dependencies"]
                if dep["kind"] in (None, "build")
            }
            for package in members
        }
        self.published = {package["name"] for package in members if package["publish"] != []}
        # Name and version of each package -> its rust-version.
        self.needs = {
            (package["name"], package["version"]): package["rust_version"]
            for package in packages.values()
        }
        self.reached = {name: sorted(set(reached(name))) for name in self.depends}


def cargo(*arguments):
    """What cargo prints; where it fails, it has said why."""
    done = subprocess.run(["cargo", *arguments], check=False, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout.decode()


def tree(name):
    """Name and version of each package that is built to build `name`, itself left out."""
    listing = cargo(
        "tree", "--locked", "--package", name, "--all-features", "--edges=normal,build",
        "--target=all", "--prefix=none", "--format={p}",
    )
    for line in listing.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] != name:
            yield words[0], words[1].removeprefix("v")


def arrows(workspace):
    """Each dependency that does not point down, as a sentence."""
    for name, depends in sorted(workspace.depends.items()):
        below = BELOW.get(name)
        if below is None and name in workspace.published:
            yield f"{name} has no row in scripts/check_crates.py: say what lies below it"
            continue
        if below is None:
            below = set(BELOW) & workspace.published
        for other in sorted(depends & set(workspace.depends) - below):
            yield f"{name} -> {other} is not an arrow of the design"


def purity(workspace):
    """Each effect that a pure crate reaches, as a sentence."""
    for name in PURE:
        if name not in workspace.depends:
            yield f"{name} is not in the workspace"
            continue
        for other, _ in workspace.reached[name]:
            if other in EFFECTS:
                yield f"{name} is pure and reaches {other}: cargo tree -p {name} -i {other}"


def rust_versions(workspace):
    """Each rust-version that is lower than a dependency's, as a sentence."""
    for name, promised in sorted(workspace.rust_version.items()):
        if not promised:
            yield f"{name} states no rust-version"
            continue
        for package in workspace.reached[name]:
            needed = workspace.needs.get(package)
            if needed and version(needed) > version(promised):
                yield f"{name} promises Rust {promised}, but {' '.join(package)} needs {needed}"


def version(text):
    """1.88 and 1.88.0 are the same version."""
    parts = [int(part) for part in text.split("-")[0].split(".")]
    return parts + [0] * (3 - len(parts))


def main():
    metadata = cargo("metadata", "--format-version=1", "--locked", "--all-features")
    workspace = Workspace(json.loads(metadata), tree)
    found = [*arrows(workspace), *purity(workspace), *rust_versions(workspace)]
    for problem in found:
        print(f"check_crates: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
