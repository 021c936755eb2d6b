//! A hand in the database.

use twofa::Subject;
use twofa::testkit::Hand;
use twofa_sqlx::{Database, sqlx};

/// A parameter of a statement.
enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

fn of(subject: &Subject) -> [Value; 2] {
    let keys = [subject.project_key(), subject.user_key()];
    keys.map(|key| Value::Text(key.to_owned()))
}

macro_rules! run {
    ($pool:expr, $statement:expr, $values:expr) => {{
        let mut query = sqlx::query($statement);
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.execute($pool).await.unwrap().rows_affected()
    }};
}

async fn run(
    database: &Database,
    statement: &'static str,
    subject: &Subject,
    rest: Vec<Value>,
) -> u64 {
    let values = of(subject).into_iter().chain(rest);
    match database {
        Database::Sqlite(store) => run!(store.pool(), statement, values),
        Database::Postgres(store) => run!(store.pool(), statement, values),
        _ => panic!("another database"),
    }
}

/// Does it.
pub(crate) async fn tamper(database: &Database, hand: Hand<'_>) {
    match hand {
        Hand::Record(subject, None, _) => {
            let gone = "DELETE FROM twofa_factor WHERE project = $1 AND user_id = $2";
            run(database, gone, subject, Vec::new()).await;
        }
        Hand::Record(subject, Some(stored), shown) => {
            let there = "UPDATE twofa_factor SET version = $3, record = $4 \
                WHERE project = $1 AND user_id = $2";
            let values = || {
                vec![
                    Value::Number(stored.version.cast_signed()),
                    Value::Bytes(stored.record.clone()),
                ]
            };
            if run(database, there, subject, values()).await == 0 {
                let new = "INSERT INTO twofa_factor (project, user_id, version, record, state) \
                    VALUES ($1, $2, $3, $4, $5)";
                let mut values = values();
                values.push(Value::Text(shown.state.code().to_owned()));
                run(database, new, subject, values).await;
            }
        }
        Hand::CutEvents(subject, after) => {
            let cut = "DELETE FROM twofa_event WHERE project = $1 AND user_id = $2 AND seq > $3";
            let after = vec![Value::Number(after.cast_signed())];
            run(database, cut, subject, after).await;
        }
        Hand::EventDetail(subject, seq, detail) => {
            let edit = "UPDATE twofa_event SET detail = $4 \
                WHERE project = $1 AND user_id = $2 AND seq = $3";
            let values = vec![
                Value::Number(seq.cast_signed()),
                Value::Text(detail.to_owned()),
            ];
            run(database, edit, subject, values).await;
        }
        Hand::Generation(subject, generation) => {
            for lower in [
                "UPDATE twofa_event SET generation = $3 WHERE project = $1 AND user_id = $2",
                "UPDATE twofa_login SET generation = $3 WHERE project = $1 AND user_id = $2",
            ] {
                let to = vec![Value::Number(generation.into())];
                run(database, lower, subject, to).await;
            }
        }
        Hand::ForgetDamaged(subject) => {
            let gone = "DELETE FROM twofa_damaged WHERE project = $1 AND user_id = $2";
            run(database, gone, subject, Vec::new()).await;
        }
    }
}
