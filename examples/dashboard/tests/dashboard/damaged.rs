//! Somebody changed a record in the database: a page that says so, and a way back in.

use openidconnect::reqwest::StatusCode;
use twofa_sqlx::{Database, sqlx};

use crate::attacks::ANN;
use crate::server::Server;
use crate::visitor::Visitor;

const ADMIN: &str = "admin@acme.example";
const RESET: &str = "/settings/security/two-factor/reset";

#[tokio::test]
async fn whoever_s_record_is_damaged_is_told_what_to_do() {
    const DAMAGE: &str = "UPDATE twofa_factor SET record = zeroblob(99) WHERE user_id = $1";
    let server = Server::start();
    let (mut ann, mut admin) = (Visitor::new(&server), Visitor::new(&server));
    ann.set_up(&server, ANN).await;
    let own = admin.set_up(&server, ADMIN).await;
    let database = server.database().await;
    let Database::Sqlite(store) = &database else {
        panic!("the dashboard's own file");
    };
    let damage = sqlx::query(DAMAGE).bind(ANN).execute(store.pool());
    assert_eq!(damage.await.unwrap().rows_affected(), 1);
    database.close().await;

    // The open session ends, and a sign-in is refused with ways out.
    let page = ann.get("/").await;
    assert_eq!(page.location(), "/login?why=record-unreadable", "{page:?}");
    let page = ann.sign_in(&server, ANN).await;
    assert_eq!(
        (page.status, page.notice()),
        (StatusCode::FORBIDDEN, "record-unreadable")
    );
    assert!(page.body.contains("administrator"), "{}", page.body);

    // The administrator's reset gets her back in, with the hand-over code that it shows.
    server.pass(30);
    let code = own.code(server.now());
    admin.get(&format!("{RESET}?user={ANN}")).await;
    let page = admin.post(RESET, &[("user", ANN), ("code", &code)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("handover-code"), "{}", page.body);
    let page = ann.sign_in(&server, ANN).await;
    assert_eq!(page.location(), "/two-factor/setup", "{page:?}");
    server.hears(&format!("mail to {ANN}: recovered"));
    server.hears("mail to its administrators: recovered");
}
