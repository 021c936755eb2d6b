use std::cell::RefCell;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::MessageBody as _;
use actix_web::dev::Service as _;
use actix_web::test::{TestRequest, init_service};
use twofa::policy::Role;

use super::*;

/// The code of this key now, or of a later step, by a program that is not ours.
fn oathtool(secret: &str, ahead: u64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = format!("@{}", since.unwrap().as_secs() + ahead);
    let code = Command::new("oathtool")
        .args(["--totp", "-b", secret, "--now", &time])
        .output()
        .expect("oathtool: apt-get install -y oathtool");
    String::from_utf8(code.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_second_factor_is_set_up_and_asked_for() {
    actix_web::rt::System::new().block_on(async {
        let ann = "ann@minimal.example";
        let people = vec![(ann.parse().unwrap(), Role::Administrator, "right")];
        let users = Users::new("minimal".parse().unwrap(), people).unwrap();
        let app = web::Data::new(App::new(users).unwrap());
        let site = actix_web::App::new().app_data(app).configure(routes);
        let site = init_service(site).await;
        // A browser: it keeps one cookie.
        let cookie: RefCell<Option<Cookie<'static>>> = RefCell::default();
        let send = async |mut request: TestRequest| {
            if let Some(cookie) = cookie.borrow().clone() {
                request = request.cookie(cookie);
            }
            let response = site.call(request.to_request()).await.unwrap();
            if let Some(set) = response.response().cookies().next() {
                cookie.replace(Some(set.into_owned()));
            }
            let body = response.into_body().try_into_bytes().unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        let home = async || send(TestRequest::get().uri("/")).await;
        let post = async |path: &str, fields: &[(&str, &str)]| {
            send(TestRequest::post().uri(path).set_form(fields)).await
        };

        assert!(home().await.contains("Sign in"));
        for (email, password) in [(ann, "wrong"), ("eve@minimal.example", "right")] {
            let form = [("email", email), ("password", password)];
            assert!(post("/login", &form).await.contains("is wrong"));
        }
        let credentials = [("email", ann), ("password", "right")];
        let page = post("/login", &credentials).await;
        assert!(page.contains("<svg"), "{page}");
        let key = page
            .split("<code>")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap();
        let key = key.replace(' ', "");
        // The QR code alone unlocks nothing.
        let half = cookie.borrow().clone();
        assert!(!home().await.contains("You are in"));
        let code = oathtool(&key, 0);
        assert!(
            post("/code", &[("code", &code)])
                .await
                .contains("You are in")
        );
        let inside = cookie.borrow().clone();
        assert!(home().await.contains("You are in"));
        // Sessions of earlier steps are over.
        cookie.replace(half);
        assert!(home().await.contains("Sign in"));
        cookie.replace(inside);
        assert!(post("/logout", &[]).await.contains("Sign in"));
        assert!(
            home().await.contains("Sign in"),
            "the cookie is worth nothing now"
        );

        // The next login asks for the code, shows no key, and takes no code twice.
        let page = post("/login", &credentials).await;
        assert!(page.contains("action=/code") && !page.contains("<svg"));
        let used = post("/code", &[("code", &code)]).await;
        assert!(
            used.contains(twofa::policy::Reason::CodeAlreadyUsed.sentence()),
            "{used}"
        );
        let next = oathtool(&key, 30);
        assert!(
            post("/code", &[("code", &next)])
                .await
                .contains("You are in")
        );
    });
}
