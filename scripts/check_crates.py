#!/usr/bin/env python3
"""What holds between the crates, read from `cargo metadata` with every feature on.

- Arrows point down only: a crate depends on those of this workspace that lie below it, no others.
- A pure crate reaches, however indirectly, nothing that does IO, tells the time, draws randomness
  or runs async code.
- A crate's rust-version is no lower than that of anything that it builds on. Cargo does not check
  this on a newer toolchain; what the crate's own code uses is clippy's `incompatible_msrv`.

Normal and build dependencies count, on every platform; a test may look anywhere.
"""

import json
import subprocess
import sys

# What each crate may see, the lowest first. Who adds a crate adds its row.
BELOW = {
    "twofa-types": set(),
    "twofa-totp": {"twofa-types"},
    "twofa-policy": {"twofa-types"},
    "twofa-otpauth": {"twofa-totp", "twofa-types"},
    "twofa-lifecycle": {"twofa-policy", "twofa-totp", "twofa-types"},
    "twofa": {"twofa-lifecycle", "twofa-otpauth", "twofa-policy", "twofa-totp", "twofa-types"},
    "twofa-sqlx": {"twofa"},
    # Examples embed `twofa` as any application does: it re-exports what lies below.
    "twofa-terminal": {"twofa", "twofa-sqlx"},
    "twofa-dashboard": {"twofa", "twofa-sqlx"},
}

# Measures every crate, and is not published.
SEES_ALL = {"twofa-benches"}

# Time, randomness and input are handed to these; they perform nothing.
PURE = ["twofa-types", "twofa-totp", "twofa-policy", "twofa-otpauth", "twofa-lifecycle"]
EFFECTS = {
    "async-std", "async-trait", "chrono", "fastrand", "futures", "futures-core", "futures-util",
    "getrandom", "jiff", "mio", "rand", "rustix", "smol", "socket2", "sqlx", "sqlx-core", "time",
    "tokio", "tracing",
}


class Graph:
    """The packages of `cargo metadata` and the normal and build dependencies between them."""

    def __init__(self, metadata):
        self.packages = {package["id"]: package for package in metadata["packages"]}
        self.members = {self.name(member): member for member in metadata["workspace_members"]}
        self.below = {
            node["id"]: {
                dep["pkg"]
                for dep in node["deps"]
                if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])
            }
            for node in metadata["resolve"]["nodes"]
        }

    def name(self, package):
        return self.packages[package]["name"]

    def ways(self, start):
        """The shortest way from `start` to each package that it reaches, nearest first."""
        queue, seen = [[start]], {start}
        while queue:
            way = queue.pop(0)
            for following in sorted(self.below[way[-1]] - seen):
                seen.add(following)
                queue.append([*way, following])
                yield [*way, following]


def arrows(graph):
    """Each dependency that does not point down, as a sentence."""
    for name, member in sorted(graph.members.items()):
        if name in SEES_ALL:
            continue
        if name not in BELOW:
            yield f"{name} has no row in scripts/check_crates.py: say what lies below it"
            continue
        seen = {graph.name(dep) for dep in graph.below[member]} & set(graph.members)
        for other in sorted(seen - BELOW[name]):
            yield f"{name} -> {other} is not an arrow of the design"


def purity(graph):
    """Each effect that a pure crate reaches, as a sentence."""
    for name in PURE:
        if name not in graph.members:
            yield f"{name} is not in the workspace"
            continue
        for way in graph.ways(graph.members[name]):
            if graph.name(way[-1]) in EFFECTS:
                yield "a pure crate reaches an effect: " + " -> ".join(map(graph.name, way))


def rust_versions(graph):
    """Each rust-version that is lower than a dependency's, as a sentence."""
    for name, member in sorted(graph.members.items()):
        promised = graph.packages[member]["rust_version"]
        if not promised:
            yield f"{name} states no rust-version"
            continue
        for way in graph.ways(member):
            needed = graph.packages[way[-1]]["rust_version"]
            if needed and version(needed) > version(promised):
                yield f"{name} promises Rust {promised}, but needs {needed}: " + " -> ".join(
                    map(graph.name, way)
                )


def version(text):
    """1.88 and 1.88.0 are the same version."""
    parts = [int(part) for part in text.split("-")[0].split(".")]
    return parts + [0] * (3 - len(parts))


def main():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--all-features"]
    read = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    if read.returncode != 0:
        return read.returncode
    graph = Graph(json.loads(read.stdout))
    found = [*arrows(graph), *purity(graph), *rust_versions(graph)]
    for problem in found:
        print(f"check_crates: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
