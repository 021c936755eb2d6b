//! The published testkit over this application's tables, and a story over its pages.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use twofa::policy::{ProjectSettings, Role};
use twofa::testkit::{Authenticator, Harness, MANDATE, project, user};
use twofa::types::{ProjectId, UnixTime, UserId};
use twofa::{KeyFile, KeySource, Keyring, TwoFactor};
use twofa_sqlx::SqliteStore;
use twofa_sqlx::sqlx::{self, SqlitePool};

use crate::{is_first, options, people::People, web};

/// A database of its own for each check, opened anew each time.
struct Ours {
    folder: TempDir,
    runtime: Runtime,
}

impl Ours {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: Runtime::new().unwrap(),
        }
    }

    async fn pool(&self) -> SqlitePool {
        let file = self.folder.path().join("ours.db");
        SqlitePool::connect_with(options(&file)).await.unwrap()
    }

    async fn remove(&self, team: &ProjectId, user: &UserId) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM users WHERE team = $1 AND email = $2");
        let delete = delete.bind(team.as_str()).bind(user.as_str());
        delete.execute(&self.pool().await).await.map(drop)
    }

    async fn people(&self) -> People {
        People::new(self.pool().await).await.unwrap()
    }
}

impl Harness for Ours {
    type Store = SqliteStore;
    type Directory = People;

    async fn open(&self) -> (SqliteStore, People) {
        let pool = self.pool().await;
        (
            SqliteStore::create_in_pool(pool.clone()).await.unwrap(),
            People::new(pool).await.unwrap(),
        )
    }

    async fn put_project(&self, project: &ProjectId, settings: ProjectSettings) {
        self.people()
            .await
            .put_team(project, settings)
            .await
            .unwrap();
    }

    async fn put_member(&self, project: &ProjectId, user: &UserId, role: Option<Role>) {
        let people = self.people().await;
        let done = match role {
            Some(role) => people.put_user((project, user), "", role).await,
            None => self.remove(project, user).await,
        };
        done.unwrap();
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

mod testkit {
    twofa::testkit::suite!(super::Ours::new());
}

/// What a browser gets: status, cookie, and the page.
async fn visit(
    app: &Router,
    path: &str,
    cookie: &str,
    form: Option<&str>,
) -> (StatusCode, String, String) {
    let request = Request::builder().uri(path).header(header::COOKIE, cookie);
    let request = match form {
        Some(form) => request
            .method("POST")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned())),
        None => request.body(Body::empty()),
    };
    let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
    let cookie = answer
        .headers()
        .get(header::SET_COOKIE)
        .map_or("", |value| value.to_str().unwrap());
    let (status, cookie) = (
        answer.status(),
        cookie.split(';').next().unwrap().to_owned(),
    );
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
    (status, cookie, String::from_utf8(body.to_vec()).unwrap())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before} in {text}"))
        .1;
    rest.split_once(after).unwrap().0
}

#[test]
fn nobody_comes_in_without_a_code() {
    let ours = Ours::new();
    ours.runtime.block_on(async {
        let (people, acme, ann) = (
            ours.people().await,
            project("acme"),
            user("ann@example.com"),
        );
        people
            .put_team(&acme, ProjectSettings::mandatory_from(MANDATE))
            .await
            .unwrap();
        people
            .put_user((&acme, &ann), "secret", Role::Member)
            .await
            .unwrap();
        ours.open().await;
        let app = web::app(ours.pool().await, Keyring::generate().unwrap())
            .await
            .unwrap();
        assert_eq!(visit(&app, "/", "", None).await.0, StatusCode::SEE_OTHER);
        let login =
            |password: &str| format!("team=acme&email=ann%40example.com&password={password}");
        let wrong = visit(&app, "/login", "", Some(&login("guess"))).await;
        assert_eq!((wrong.0, wrong.1.as_str()), (StatusCode::UNAUTHORIZED, ""));

        // The right password alone opens nothing: a picture, a key, and a form for the code.
        let (status, cookie, page) = visit(&app, "/login", "", Some(&login("secret"))).await;
        assert_eq!((status, cookie.as_str()), (StatusCode::OK, ""));
        assert!(page.contains("<svg"));
        let key = between(&page, "Or type the key: ", "</p>").replace(' ', "");
        let phone = Authenticator::read(&format!(
            "otpauth://totp/Newcomer:ann?secret={key}&issuer=Newcomer"
        ));
        let now = UnixTime::from_secs(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs());
        let form = |page: &str, code: &str| {
            format!(
                "login={}&code={code}",
                between(page, "name=login value=", ">")
            )
        };
        let wrong = visit(&app, "/code", "", Some(&form(&page, &phone.wrong(now)))).await;
        assert_eq!((wrong.0, wrong.1.as_str()), (StatusCode::UNAUTHORIZED, ""));
        let right = form(&page, &phone.code(now));
        let (status, cookie, _) = visit(&app, "/code", "", Some(&right)).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (status, _, home) = visit(&app, "/", &cookie, None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(home.contains("ann@example.com"), "{home}");
        assert_eq!(
            visit(&app, "/code", "", Some(&right)).await.1,
            "",
            "a code works once"
        );

        // The next login asks for the next code; who has left the team is out at once.
        let (_, _, page) = visit(&app, "/login", "", Some(&login("secret"))).await;
        assert!(!page.contains("<svg"));
        let (status, second, _) = visit(
            &app,
            "/code",
            "",
            Some(&form(&page, &phone.code_of(now, 1))),
        )
        .await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(visit(&app, "/", &second, None).await.0, StatusCode::OK);
        ours.remove(&acme, &ann).await.unwrap();
        assert_eq!(
            visit(&app, "/", &second, None).await.0,
            StatusCode::SEE_OTHER
        );
    });
}

/// A key is rotated beside the running application, which has read its keys long ago.
#[test]
fn a_rotation_ends_no_session() {
    let ours = Ours::new();
    ours.runtime.block_on(async {
        let (people, acme, ann) = (
            ours.people().await,
            project("acme"),
            user("ann@example.com"),
        );
        // Without a factor it is the proof alone that rests under the key.
        people
            .put_team(&acme, ProjectSettings::new())
            .await
            .unwrap();
        people
            .put_user((&acme, &ann), "secret", Role::Member)
            .await
            .unwrap();
        let file = ours.folder.path().join("keys");
        Keyring::generate().unwrap().create_file(&file).unwrap();
        let (store, directory) = ours.open().await;
        let app = web::app(ours.pool().await, KeySource::file(&file));
        let app = app.await.unwrap();
        let login = "team=acme&email=ann%40example.com&password=secret";
        let (_, cookie, _) = visit(&app, "/login", "", Some(login)).await;
        let home = async || visit(&app, "/", &cookie, None).await.0;
        assert_eq!(home().await, StatusCode::OK);

        let service = TwoFactor::builder(store, directory, KeySource::file(&file));
        let service = service.build().unwrap();
        let mut file = KeyFile::lock(&file).unwrap();
        let mut ring = file.read().unwrap();
        let (old, new) = (ring.active_id(), ring.add().unwrap());
        file.replace(&ring).unwrap();
        service.register_keys().await.unwrap();
        service.activate_key(new).await.unwrap();
        assert_eq!(home().await, StatusCode::OK);
        service.reseal(|_| ()).await.unwrap();
        // A second later it has looked again, and the session has its proof under the new key.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert_eq!(home().await, StatusCode::OK);
        // From here on, nothing from before opens.
        let void = twofa::ProofsOfOld::Void;
        service.retire_key(old, void).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert_eq!(home().await, StatusCode::OK);
    });
}

#[test]
fn store_and_keys_are_made_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (file, keys) = (folder.path().join("store"), folder.path().join("keys"));
    assert!(is_first(&file, &keys).unwrap());
    std::fs::write(&keys, "").unwrap();
    let gone = is_first(&file, &keys).unwrap_err().to_string();
    assert!(gone.contains("without"), "{gone}");
    std::fs::write(&file, "").unwrap();
    assert!(!is_first(&file, &keys).unwrap());
    std::fs::remove_file(&keys).unwrap();
    let gone = is_first(&file, &keys).unwrap_err().to_string();
    let missing = gone.split_once("without").unwrap().1;
    assert!(missing.contains("keys"), "{gone}");
}
