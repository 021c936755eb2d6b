//! The store's record of its keys, edited by a hand in the database: what was changed opens nothing, and says so.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::testkit::{MemoryHarness, Site, SwappedStore};
use twofa::{Store, Stored, Subject, TwoFactor};
use twofa_fuzz::Bytes;

struct World {
    site: Site<'static, MemoryHarness>,
    row: Stored,
}

thread_local! {
    static WORLD: World = {
        let harness: &'static MemoryHarness = Box::leak(Box::default());
        let site = Site::new(harness);
        site.enrol(&site.ann);
        site.activate_new_key();
        let store = site.open().0;
        let place = Subject::installation();
        let row = site.wait(store.load(&place)).expect("the store is in memory").stored.expect("it is installed");
        World { site, row }
    };
}

fn edited(row: &[u8], mut edits: Bytes<'_>) -> Option<Vec<u8>> {
    let mut bytes = row.to_vec();
    while let Some(edit) = edits.below(4) {
        let at = usize::from(edits.short()?).checked_rem(bytes.len())?;
        let value = edits.byte()?;
        match edit {
            0 => *bytes.get_mut(at)? ^= value,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, value),
            _ => drop(bytes.remove(at)),
        }
    }
    Some(bytes)
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    WORLD.with(|world| {
        let record = match mode % 2 {
            0 => edited(&world.row.record, Bytes(rest)),
            _ => Some(rest.to_vec()),
        };
        let Some(record) = record else { return };
        let genuine = record == world.row.record;
        let version = world.row.version;
        let (store, directory) = world.site.open();
        let row = Some(Stored { version, record });
        let store = SwappedStore::replaced(store, Subject::installation(), row);
        let service = TwoFactor::builder(store, directory, world.site.ring().source());
        let service = service.build().expect("the ring is whole");
        let opened = world.site.wait(service.list_keys());
        assert_eq!(opened.is_ok(), genuine, "{opened:?}");
        let checked = world.site.wait(service.audit_verify(None));
        let whole = checked.is_ok_and(|found| found.first_bad.is_none());
        assert_eq!(whole, genuine, "what was changed is found");
    });
});
