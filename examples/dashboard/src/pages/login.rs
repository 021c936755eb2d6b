//! Signing in with e-mail and password, and what every sign-in leads to.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;
use twofa::policy::Reason;
use twofa::types::{ProjectId, UserId};
use twofa::{Begin, Enrolment, SignIn};

use crate::app::App;
use crate::forms::{Empty, Posted};
use crate::page::{Frame, Notice, Trouble, draw, when};
use crate::visit::{self, Half, Person, WaitsFor};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    notice: Option<Notice>,
    email: String,
    sso: bool,
}

/// Why somebody comes here.
#[derive(Deserialize)]
pub struct Why {
    why: Option<String>,
}

/// The page.
///
/// # Errors
///
/// When the session store fails.
pub async fn show(
    State(app): State<App>,
    person: Option<Person>,
    session: Session,
    Query(Why { why }): Query<Why>,
) -> Result<Response, Trouble> {
    if person.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    // Only a known code is shown, so that a link cannot put words on this page.
    let notice = why.as_deref().and_then(Reason::from_code).map(Notice::of);
    let page = LoginPage {
        frame: Frame::outside(&session).await?,
        notice,
        email: String::new(),
        sso: app.sso.is_some(),
    };
    draw(StatusCode::OK, &page)
}

/// Somebody's credentials.
#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
}

/// Checks them. An unknown address and a wrong password give the same answer after the same time.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn submit(
    State(app): State<App>,
    session: Session,
    Posted(Credentials { email, password }): Posted<Credentials>,
) -> Result<Response, Trouble> {
    let Some(account) = app.accounts.check(&email, &password).await? else {
        let notice = Notice {
            code: "wrong-credentials",
            text: "E-mail address or password is wrong.".to_owned(),
            ways: vec!["Check both and try again.".to_owned()],
        };
        return refuse(&app, &session, StatusCode::UNAUTHORIZED, notice, email).await;
    };
    let sign_in = SignIn::password(&account.project, &account.user);
    after_credentials(&app, &session, sign_in).await
}

/// Credentials are right: in, on to the code, or out with a reason.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn after_credentials(
    app: &App,
    session: &Session,
    sign_in: SignIn,
) -> Result<Response, Trouble> {
    let (project, user) = (sign_in.project().clone(), sign_in.user().clone());
    match app.twofa.begin(sign_in).await? {
        Begin::Allowed(pass) => {
            visit::enter(app, session, pass).await?;
            Ok(Redirect::to("/").into_response())
        }
        Begin::Enrol(begun) => set_up(app, session, &project, &user, begun).await,
        Begin::Challenge(challenge) => {
            let mut half = Half::new(&project, &user, challenge.login(), WaitsFor::Code);
            half.handover = challenge.handover_required();
            visit::wait(session, half).await?;
            Ok(Redirect::to("/two-factor/verify").into_response())
        }
        Begin::Refused(decision) => {
            let mut notice = Notice::of(decision.reason()).with_ways(decision.remedies());
            if let Some(until) = decision.until() {
                notice = notice.and(&format!("Until {}.", when(until)));
            }
            refuse(
                app,
                session,
                StatusCode::FORBIDDEN,
                notice,
                user.to_string(),
            )
            .await
        }
    }
}

/// On to the QR code.
///
/// # Errors
///
/// When the session store fails.
pub async fn set_up(
    app: &App,
    session: &Session,
    project: &ProjectId,
    user: &UserId,
    begun: Enrolment,
) -> Result<Response, Trouble> {
    let mut half = Half::new(project, user, begun.login(), WaitsFor::SetUp);
    begun.reason().code().clone_into(&mut half.reason);
    half.handover = begun.handover_required();
    app.set_ups.remember(begun, app.twofa.now());
    visit::wait(session, half).await?;
    Ok(Redirect::to("/two-factor/setup").into_response())
}

/// The page again, with what is wrong.
///
/// # Errors
///
/// When the session store fails.
pub async fn refuse(
    app: &App,
    session: &Session,
    status: StatusCode,
    notice: Notice,
    email: String,
) -> Result<Response, Trouble> {
    let frame = Frame::outside(session).await?;
    let page = LoginPage {
        frame,
        notice: Some(notice),
        email,
        sso: app.sso.is_some(),
    };
    draw(status, &page)
}

/// Signs out.
///
/// # Errors
///
/// When the session store fails.
pub async fn leave(session: Session, _: Posted<Empty>) -> Result<Redirect, Trouble> {
    visit::leave(&session).await?;
    Ok(Redirect::to("/login"))
}
