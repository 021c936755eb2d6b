//! Factors and events of people who never come, so that there are many; and what each takes on disk.

use std::fmt;

use twofa_sqlx::Database;
use twofa_sqlx::sqlx;

use crate::service::Sample;

/// Bytes on disk, indexes included.
pub(crate) struct Size {
    factor: i64,
    event: i64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes a factor, {} bytes an event",
            self.factor, self.event
        )
    }
}

const SQLITE: [&str; 2] = [
    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
     INSERT INTO twofa_factor (project, user_id, version, record, state, since, last_used) \
     SELECT 'acme', lower(hex(randomblob(8))) || '@example.com', 1, $1, 'active', 1669852800, 1669852800 \
     FROM n",
    "INSERT INTO twofa_event (project, user_id, seq, at, event, generation, key_id, mac) \
     SELECT project, user_id, 1000000, 1669852800, 'accepted', 1, 1, randomblob(32) FROM twofa_factor \
     WHERE user_id NOT LIKE '%-%' ORDER BY random()",
];

const POSTGRES: [&str; 2] = [
    "INSERT INTO twofa_factor (project, user_id, version, record, state, since, last_used) \
     SELECT 'acme', substr(md5(random()::text || i), 1, 16) || '@example.com', 1, $1, 'active', \
     1669852800, 1669852800 FROM generate_series(1, $2) i",
    "INSERT INTO twofa_event (project, user_id, seq, at, event, generation, key_id, mac) \
     SELECT project, user_id, 1000000, 1669852800, 'accepted', 1, 1, decode(md5(user_id) || md5('2' || user_id), 'hex') \
     FROM twofa_factor WHERE user_id NOT LIKE '%-%' ORDER BY random()",
];

pub(crate) async fn fill(database: &Database, number: i64, sample: &Sample) -> Size {
    let mut sizes = [0; 3];
    match database {
        Database::Sqlite(store) => {
            let pool = store.pool();
            let bytes = async || -> i64 {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                    .execute(pool)
                    .await
                    .unwrap();
                sqlx::query_scalar(
                    "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                )
                .fetch_one(pool)
                .await
                .unwrap()
            };
            sizes[0] = bytes().await;
            let factors = sqlx::query(SQLITE[0]).bind(&sample.record).bind(number);
            factors.execute(pool).await.unwrap();
            sizes[1] = bytes().await;
            sqlx::query(SQLITE[1]).execute(pool).await.unwrap();
            sizes[2] = bytes().await;
        }
        Database::Postgres(store) => {
            let pool = store.pool();
            let bytes = async || -> i64 {
                sqlx::query_scalar(
                    "SELECT pg_total_relation_size('twofa_factor') + pg_total_relation_size('twofa_event')",
                )
                .fetch_one(pool)
                .await
                .unwrap()
            };
            sizes[0] = bytes().await;
            let factors = sqlx::query(POSTGRES[0]).bind(&sample.record).bind(number);
            factors.execute(pool).await.unwrap();
            sizes[1] = bytes().await;
            sqlx::query(POSTGRES[1]).execute(pool).await.unwrap();
            sizes[2] = bytes().await;
            // As autovacuum does after such a load.
            sqlx::raw_sql("VACUUM ANALYZE").execute(pool).await.unwrap();
            sqlx::raw_sql("CHECKPOINT").execute(pool).await.unwrap();
        }
        _ => panic!("a third database"),
    }
    let [empty, factors, events] = sizes;
    Size {
        factor: (factors - empty) / number,
        event: (events - factors) / number,
    }
}
