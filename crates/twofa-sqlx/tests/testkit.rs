//! The published testkit of `twofa`, on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a harness has nobody to report to"
)]

#[path = "support/hand.rs"]
mod hand;
mod support;

use std::future::Future;

use support::Fresh;
use tokio::runtime::Runtime;
use twofa::policy::{ProjectSettings, Role};
use twofa::testkit::{Hand, Harness};
use twofa::types::{ProjectId, UserId};
use twofa_sqlx::Database;

/// A database of its own for each check, opened anew each time, and the runtime that its driver needs.
struct OnDatabase {
    fresh: Fresh,
    runtime: Runtime,
}

impl OnDatabase {
    fn sqlite() -> Self {
        Self {
            fresh: Fresh::sqlite(),
            runtime: Runtime::new().unwrap(),
        }
    }

    fn postgres() -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            fresh: runtime.block_on(Fresh::postgres()),
            runtime,
        }
    }
}

impl Harness for OnDatabase {
    type Store = Database;
    type Directory = Database;

    async fn open(&self) -> (Database, Database) {
        let database = self.fresh.open().await;
        (database.clone(), database)
    }

    async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
        let database = self.fresh.open().await;
        support::put_project(&database, project, settings).await;
        database.close().await;
    }

    async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
        let database = self.fresh.open().await;
        support::put_member(&database, project, user, role).await;
        database.close().await;
    }

    async fn tamper(&self, hand: Hand<'_>) -> bool {
        let database = self.fresh.open().await;
        hand::tamper(&database, hand).await;
        database.close().await;
        true
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

mod on_sqlite {
    twofa::testkit::suite!(super::OnDatabase::sqlite());
}

mod on_postgres {
    twofa::testkit::suite!(super::OnDatabase::postgres());
}
