//! What must not compile, with the compiler's words for it. The words depend on the compiler: after an upgrade,
//! `TRYBUILD=overwrite cargo test -p twofa-lifecycle --test ui`, and read the difference.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
