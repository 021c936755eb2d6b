#!/usr/bin/env python3
"""Turns what the benchmarks print into docs/BENCHMARKS.md, and the lines of it that README.md shows.

    bench_table.py LOG...

Of a line `NAME: ours/peer = RATIO   (A ns / B ns)` comes a row. README's table stands between two marks, and has the
rows that SHOWN names; one that is missing is an error, so that README shows no figure that was not measured.
"""

import pathlib
import re
import sys

RATIO = re.compile(r"^(.+): ours/peer = ([\d.]+) +\(([\d.]+) ns / ([\d.]+) ns\)$")
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
# What README says, and the benchmark's name for it.
SHOWN = {
    "check a code against three steps, SHA-1, totp-rs 6": "verify +-1, wrong code, SHA1, cached key / totp-rs 6",
    "the same with SHA-256": "verify +-1, wrong code, SHA256, cached key / totp-rs 6",
    "the same with SHA-512": "verify +-1, wrong code, SHA512, cached key / totp-rs 6",
    "the same with SHA-1, the key read each time": "verify +-1, wrong code, SHA1, key from bytes / totp-rs 6",
    "make a code, SHA-1, totp-rs 6": "generate, SHA1, cached key / totp-rs 6",
    "check a code, SHA-1, the key read each time, libreauth 0.18": "verify +-1, wrong code, SHA1, key from bytes / libreauth 0.18",
    "key URI to SVG, fast_qr 0.14": "URI of 120 bytes to SVG, fast_qr 0.14",
    "key URI to SVG, qrcode 0.14": "URI of 120 bytes to SVG, qrcode 0.14",
    "read a key URI, totp-rs 6": "parse a URI (lenient), totp-rs 6",
    "who is asked, and why, cedar-policy 4": "decide / cedar-policy 4",
    "who is asked, and why, regorus 0.14": "decide / regorus 0.14, virtual machine",
    "who is asked, and why, casbin 2": "decide / casbin 2",
}


def nanoseconds(text):
    """1234.5 as `1,235 ns`, and what is below a hundred with one decimal."""
    value = float(text)
    return f"{value:,.0f} ns" if value >= 100 else f"{value:.1f} ns"


def rows(log):
    """Name, ratio, ours and the peer's, of each line that compares two."""
    found = (RATIO.match(line) for line in log.splitlines())
    return {m[1]: (m[2], nanoseconds(m[3]), nanoseconds(m[4])) for m in found if m}


def table(named):
    """A Markdown table of pairs of a name and what was measured."""
    lines = ["| what, beside which peer | twofa | peer | ratio |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {ours} | {peer} | {ratio} |" for name, (ratio, ours, peer) in named]
    return "\n".join(lines)


def shown(measured, names):
    """README's table; a KeyError names what was not measured."""
    return table((said, measured[name]) for said, name in names.items())


def between_marks(text, inside):
    """`text` with what stands between the two marks replaced."""
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{inside}\n{END}{after}"


def main(paths):
    log = "".join(pathlib.Path(path).read_text() for path in paths)
    measured = rows(log)
    processor = re.search(r"^# processor: (.+)$", log, re.MULTILINE)
    on = f"On {processor[1] if processor else 'an unknown processor'}."
    readme = pathlib.Path("README.md")
    readme.write_text(between_marks(readme.read_text(), f"{shown(measured, SHOWN)}\n\n{on}"))
    pathlib.Path("docs/BENCHMARKS.md").write_text(
        "# Figures\n\nWritten by `./bench`. Ours and the peer take turns in one process, and the medians of many short\n"
        "rounds are compared: below 1 is faster than the peer. Another machine has other figures, and about the same\n"
        f"ratios. {on}\n\n{table(measured.items())}\n\nAll that was printed:\n\n```text\n{log.rstrip()}\n```\n"
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyError as missing:
        sys.exit(f"README shows {missing}, which was not measured")
