//! Lists longer than a page: nobody is left out, nobody is there twice, and a search finds whoever it should.

use std::collections::BTreeSet;

use twofa::otpauth::KeyUri;
use twofa::policy::Role;
use twofa::totp::{Params, Secret};

use crate::server::{Server, operator};
use crate::visitor::{Page, Visitor};

const PEOPLE: usize = 60;

/// Members with factors, as an operator's import makes them.
async fn import(server: &Server) {
    let service = server.service().await;
    let (acme, by) = ("acme".parse().unwrap(), operator());
    for number in 0..PEOPLE {
        let email = format!("many+{number:02}&x=y@acme.example");
        let user = email.parse().unwrap();
        let added = service.add_member(&acme, &user, Role::Member, &by);
        added.await.unwrap();
        let secret = Secret::from_bytes(&[7; 20]).unwrap();
        let uri = KeyUri::totp("Acme", &email, secret, Params::default()).unwrap();
        service.import(&acme, &user, &uri, &by).await.unwrap();
    }
    service.store().close().await;
}

/// The link to the next page, as a browser reads it.
fn next(page: &Page) -> Option<String> {
    let (before, _) = page.body.split_once("\" rel=\"next\"")?;
    let (_, link) = before.rsplit_once("href=\"")?;
    Some(link.replace("&amp;", "&").replace("&#38;", "&"))
}

/// Everybody whom the pages from this one on name, in their order.
async fn listed(admin: &mut Visitor, first: &str) -> (Vec<String>, usize) {
    let (mut people, mut pages, mut place) = (Vec::new(), 0, Some(first.to_owned()));
    while let Some(path) = place {
        let page = admin.get(&path).await;
        let rows = page
            .body
            .split("<th scope=\"row\"><bdi dir=\"ltr\">")
            .skip(1);
        people.extend(rows.map(|row| row.split("</bdi>").next().unwrap().to_owned()));
        place = next(&page);
        pages += 1;
        assert!(pages < 20, "the pages go in circles");
    }
    (people, pages)
}

#[tokio::test]
async fn a_long_list_is_whole_page_by_page() {
    let server = Server::start();
    import(&server).await;
    let mut admin = Visitor::new(&server);
    admin.set_up(&server, "admin@acme.example").await;
    let list = "/settings/security/two-factor";

    let (people, pages) = listed(&mut admin, list).await;
    assert_eq!((people.len(), pages), (PEOPLE + 1, 3));
    let distinct: BTreeSet<_> = people.iter().collect();
    assert_eq!(distinct.len(), people.len(), "somebody is there twice");

    let (found, pages) = listed(&mut admin, &format!("{list}?search=MANY%2B")).await;
    assert_eq!((found.len(), pages), (PEOPLE, 3), "{found:?}");
    let (found, _) = listed(&mut admin, &format!("{list}?search=%2B07%26x")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let (found, pages) = listed(&mut admin, &format!("{list}?search=nobody")).await;
    assert_eq!((found.len(), pages), (0, 1));

    // The audit: every event once, over its pages, and the chains hold.
    let (mut events, mut place) = (0, Some("/settings/security/audit".to_owned()));
    while let Some(path) = place {
        let page = admin.get(&path).await;
        events += page.body.matches("<tr><td>").count();
        place = next(&page);
        assert!(events < 1000, "the pages go in circles");
    }
    // Whoever is imported was added before, and so were the project and the four who come with it.
    let all = 2 * PEOPLE + 5 + 2;
    assert_eq!(events, all, "and a set-up begun and confirmed");
    let page = admin.get("/settings/security/audit?verify=true").await;
    assert!(
        page.body.contains("127 events of 62 chains"),
        "{}",
        page.body
    );
}
