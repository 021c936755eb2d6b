//! Factors and events cut into parts by project: the statements do not notice.

mod support;

use support::{Fresh, change, event, hash, login, member, project};
use twofa::{Applied, Ends, Store};
use twofa_sqlx::{Database, Error};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_in_parts_keeps_its_promises() {
    let fresh = Fresh::postgres().await;
    let store = fresh.open().await;
    let Database::Postgres(postgres) = &store else {
        panic!("not PostgreSQL")
    };
    sqlx::raw_sql(include_str!("../sql/partition_by_project.sql"))
        .execute(postgres.pool())
        .await
        .unwrap();

    // Opened again, it is still current.
    let store = fresh.open().await;
    for p in ["acme", "beta", "gamma", "delta"] {
        let subject = member(p, "zoe");
        for version in 0..4 {
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let (store, mut write) = (store.clone(), change(&subject, version));
                    write.events[0].notice = version % 2 == 0;
                    tokio::spawn(async move { store.apply(&write).await.unwrap() })
                })
                .collect();
            let mut committed = 0;
            for task in tasks {
                committed += u32::from(task.await.unwrap() == Applied::Committed);
            }
            assert_eq!(committed, 1, "{p}, version {version}");
        }
        store.park(&subject, &login(1)).await.unwrap();
        let resumed = store.resume(&hash(1)).await.unwrap().unwrap();
        assert_eq!(resumed.found.stored.unwrap().version, 4);
        let mut end = change(&subject, 4);
        end.ends = Ends::One(hash(1));
        assert_eq!(store.apply(&end).await.unwrap(), Applied::Committed);
        assert!(store.resume(&hash(1)).await.unwrap().is_none());
        let mut again = change(&subject, 5);
        again.events = vec![event(3)];
        let error = store.apply(&again).await.unwrap_err();
        assert!(matches!(error, Error::EventExists { .. }), "{error:?}");

        let acme = project(p);
        let notices = store.notices(&acme, 0, 9).await.unwrap();
        let numbers: Vec<_> = notices.iter().map(|event| event.notice).collect();
        assert_eq!(numbers, [Some(1), Some(2)]);
        let written = store.events(Some(&acme), 0, 9).await.unwrap();
        let written: Vec<_> = written.iter().map(|event| event.cursor).collect();
        assert!(written.len() == 5 && written.is_sorted(), "{written:?}");
        assert_eq!(store.chain(&subject, 0, 9).await.unwrap().len(), 5);
    }
    assert_eq!(store.subjects(None, None, 9).await.unwrap().len(), 4);
}
