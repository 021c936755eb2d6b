//! The store in memory keeps every promise of the testkit.

twofa::testkit::suite!(twofa::testkit::MemoryHarness::default());
