"""The checks of this folder find what they are for. Run: python3 -m unittest discover scripts"""

import unittest

import bench_table
import check_crates
import check_tree


def workspace(rust_version="1.88", reached=None, **depends):
    """A workspace of the pure crates and those named, each with what it depends on and reaches."""
    depends = {name.replace("_", "-"): below for name, below in depends.items()}
    names = [*check_crates.PURE, *(name for name in depends if name not in check_crates.PURE)]
    packages = [
        {
            "id": name, "name": name, "version": "0.1.0", "rust_version": rust_version,
            "publish": [] if name.startswith("example") else None,
            "dependencies": [
                {"name": dep, "kind": None} for dep in depends.get(name, [])
            ],
        }
        for name in names
    ]
    outside = {"id": "o", "name": "subtle", "version": "2.6.1", "rust_version": "1.90.0"}
    metadata = {
        "packages": [*packages, {**outside, "dependencies": []}], "workspace_members": names,
    }
    return check_crates.Workspace(metadata, lambda name: (reached or {}).get(name, []))


class Benchmarks(unittest.TestCase):
    LOG = "# codes\nscan: 60.0 ns\ncheck / peer 6: ours/peer = 0.316   (521.4 ns / 1650.2 ns)\n"

    def test_what_was_compared_becomes_a_row(self):
        measured = bench_table.rows(self.LOG)
        self.assertEqual({"check / peer 6": ("0.316", "521 ns", "1,650 ns")}, measured)
        self.assertIn("| it | 521 ns | 1,650 ns | 0.316 |", bench_table.shown(measured, {"it": "check / peer 6"}))

    def test_what_was_not_measured_is_not_shown(self):
        with self.assertRaisesRegex(KeyError, "peer 7"):
            bench_table.shown(bench_table.rows(self.LOG), {"it": "check / peer 7"})

    def test_only_what_stands_between_the_marks_is_replaced(self):
        text = f"a{bench_table.BEGIN}old{bench_table.END}b"
        self.assertEqual(f"a{bench_table.BEGIN}\nnew\n{bench_table.END}b", bench_table.between_marks(text, "new"))


class Arrows(unittest.TestCase):
    def test_an_arrow_down_passes(self):
        self.assertEqual([], list(check_crates.arrows(workspace(twofa_totp=["twofa-types"]))))

    def test_an_arrow_up_and_one_across_are_found(self):
        found = list(check_crates.arrows(
            workspace(twofa_types=["twofa-totp"], twofa_totp=["twofa-policy"])
        ))
        self.assertEqual(2, len(found))
        self.assertIn("twofa-totp -> twofa-policy", found[0])
        self.assertIn("twofa-types -> twofa-totp", found[1])

    def test_a_crate_without_a_row_is_found(self):
        found = list(check_crates.arrows(workspace(twofa_extra=[])))
        self.assertIn("twofa-extra has no row", found[0])

    def test_an_example_may_see_what_is_published_and_nothing_may_see_an_example(self):
        found = list(check_crates.arrows(
            workspace(example_a=["twofa-totp"], example_b=["example-a"], twofa_policy=["example-a"])
        ))
        self.assertEqual(2, len(found))
        self.assertIn("example-b -> example-a", found[0])
        self.assertIn("twofa-policy -> example-a", found[1])

    def test_an_indirect_effect_is_found(self):
        reached = {"twofa-lifecycle": [("twofa-totp", "0.1.0"), ("tokio", "1.0.0")]}
        found = list(check_crates.purity(workspace(reached=reached)))
        self.assertEqual(1, len(found))
        self.assertIn("twofa-lifecycle is pure and reaches tokio", found[0])


class RustVersions(unittest.TestCase):
    reached = {"twofa-totp": [("subtle", "2.6.1")]}

    def test_a_promise_that_a_dependency_breaks_is_found(self):
        found = list(check_crates.rust_versions(workspace(reached=self.reached)))
        self.assertEqual(["twofa-totp promises Rust 1.88, but subtle 2.6.1 needs 1.90.0"], found)

    def test_an_equal_version_passes_however_it_is_written(self):
        found = check_crates.rust_versions(workspace(rust_version="1.90", reached=self.reached))
        self.assertEqual([], list(found))


class Tree(unittest.TestCase):
    def test_a_long_file_is_found_and_one_at_the_limit_is_not(self):
        path, line = "crates/twofa/src/a.rs", b"use x;\n"
        self.assertEqual([], check_tree.problems(path, line * 500))
        self.assertIn("501 lines", check_tree.problems(path, line * 501)[0])

    def test_machine_paths_are_found_and_addresses_are_not(self):
        paths = ["see /ho" + "me/someone/x\n", "(/ro" + "ot/.cargo)\n", "in /tm" + "p/target-me\n"]
        for text in paths:
            self.assertEqual(1, len(check_tree.problems("a.txt", text.encode())), text)
        for text in ["https://example.org/ho" + "me/page\n", "/home\n", "a/ro" + "ot/b\n"]:
            self.assertEqual([], check_tree.problems("a.txt", text.encode()), text)

    def test_effects_are_found_in_code_of_pure_crates_alone(self):
        text = b"let now = std::time::SystemTime::now();\n"
        self.assertEqual(1, len(check_tree.problems("crates/twofa-totp/src/a.rs", text)))
        self.assertEqual([], check_tree.problems("crates/twofa/src/a.rs", text))
        self.assertEqual([], check_tree.problems("crates/twofa-totp/src/a.rs", b"// " + text))

    page = (
        "| 01 | a | b |\n"
        "| 02 | c | d |\n"
        "| 01 | `f01_once` | `a/b.rs` |\n"
        "| 02 | `f02_x` | `a/tests/ui/f02_x.rs` |\n"
    )
    sources = {"a/b.rs": "pub fn f01_once<H>() {}", "a/tests/ui/f02_x.rs": "fn main() {}"}

    def unproved(self, page=page, sources=()):
        return list(check_tree.unproved(page, {**self.sources, **dict(sources)}))

    def test_failures_with_tests_where_the_table_says_pass(self):
        self.assertEqual([], self.unproved())

    def test_a_failure_without_a_test_is_found_and_the_reverse(self):
        found = self.unproved(self.page + "| 03 | e | f |\n", {"c.rs": "fn f09_y() {}"})
        self.assertEqual(2, len(found))
        self.assertIn("failure 03", found[0])
        self.assertIn("f09_", found[1])

    def test_a_test_that_is_not_where_the_table_says_is_found(self):
        for text in ["fn f01_once_more() {}", "// f01_once()"]:
            found = self.unproved(sources={"a/b.rs": text})
            self.assertEqual(["docs/FAILURES.md: a/b.rs holds no f01_once"], found)
        gone = self.page.replace("tests/ui", "tests/vi")
        self.assertEqual(1, len(self.unproved(gone)))

    def test_a_test_under_another_failures_number_is_found(self):
        found = self.unproved(self.page.replace("| 01 | `", "| 02 | `"))
        self.assertIn("f01_once is not named for failure 02", found[0])

    def test_a_number_that_is_skipped_is_found(self):
        page = self.page.replace("| 02 |", "| 03 |").replace("f02", "f03")
        found = self.unproved(page, {"a/tests/ui/f03_x.rs": "fn main() {}"})
        self.assertIn("docs/FAILURES.md: the numbers skip 02", found)


class Claims(unittest.TestCase):
    sources = {"crates/a/src/lib.rs": "fn f() {}", "crates/a/tests/b.rs": "fn holds_always() {}"}

    def unselected(self, command):
        return list(check_tree.unselected(f"| it | `cargo nextest run {command}` |", self.sources))

    def test_a_word_that_selects_a_test_passes(self):
        for command in ["-p a", "-p a always", "-p a b::", "-p a --test b holds"]:
            self.assertEqual([], self.unselected(command), command)

    def test_a_word_or_a_file_that_selects_none_is_found(self):
        for command in ["-p a never", "-p a always never", "-p a c::", "-p a --test c", "-p b always"]:
            self.assertEqual(1, len(self.unselected(command)), command)


if __name__ == "__main__":
    unittest.main()
