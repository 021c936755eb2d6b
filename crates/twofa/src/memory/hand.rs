//! A hand in the database, for the testkit.

use super::MemoryStore;
use crate::testkit::Hand;

impl MemoryStore {
    /// Does what a hand in the database does.
    pub(crate) fn tamper(&self, hand: Hand<'_>) {
        let mut tables = self.tables();
        let tables = &mut *tables;
        match hand {
            Hand::Record(subject, None, _) => drop(tables.factors.remove(subject)),
            Hand::Record(subject, Some(stored), shown) => {
                let lies = (stored.clone(), shown);
                let entry = tables.factors.entry(subject.clone());
                entry
                    .and_modify(|(lying, _)| *lying = stored.clone())
                    .or_insert(lies);
            }
            Hand::CutEvents(subject, after) => {
                if let Some(places) = tables.chains.get_mut(subject) {
                    let events = &tables.events;
                    places.retain(|at| events.get(at).is_some_and(|e| e.row.seq <= after));
                }
            }
            Hand::EventDetail(subject, seq, detail) => {
                for event in tables.events.values_mut() {
                    if event.subject == *subject && event.row.seq == seq {
                        event.row.detail = Some(detail.to_owned());
                    }
                }
            }
            Hand::Generation(subject, generation) => {
                for event in tables.events.values_mut() {
                    if event.subject == *subject {
                        event.row.generation = generation;
                    }
                }
                for (of, login) in tables.logins.values_mut() {
                    if of == subject {
                        login.generation = generation;
                    }
                }
            }
            Hand::ForgetDamaged(subject) => drop(tables.damaged.remove(subject)),
        }
    }
}
