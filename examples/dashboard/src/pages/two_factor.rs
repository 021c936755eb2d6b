//! The second half of a login: setting up, and typing the code.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;
use twofa::{Again, Answer, Attempt, Begin, Enrolment, Rejected, SignIn};

use crate::app::App;
use crate::forms::{Empty, Posted};
use crate::page::{Frame, Notice, Trouble, draw, when};
use crate::pages::login;
use crate::visit::{self, Half, WaitsFor};

/// What a set-up page shows of a key. All of it is secret.
pub struct KeyShown {
    pub svg: String,
    pub manual: String,
    pub parameters: String,
    pub expires: String,
}

impl KeyShown {
    /// Of a set-up under way.
    pub fn of(set_up: &Enrolment) -> Self {
        let title = "QR code for your authenticator app";
        Self {
            // A name too long for a code that can be scanned leaves the key to type.
            svg: set_up
                .qr()
                .map(|qr| qr.svg(title).expose_secret().to_owned())
                .unwrap_or_default(),
            manual: set_up.manual_key().expose_secret().to_owned(),
            parameters: set_up.key_uri().manual_parameters(),
            expires: when(set_up.expires()),
        }
    }
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetUpPage {
    frame: Frame,
    user: String,
    why: String,
    key: Option<KeyShown>,
    handover: bool,
    notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    user: String,
    handover: bool,
    notice: Option<Notice>,
}

/// A code as typed.
#[derive(Deserialize)]
pub struct TypedCode {
    pub code: String,
    handover: Option<String>,
}

/// The QR code.
///
/// # Errors
///
/// When the session store fails.
pub async fn show_set_up(
    State(app): State<App>,
    session: Session,
    half: Half,
) -> Result<Response, Trouble> {
    if half.waits_for != WaitsFor::SetUp {
        return Ok(Redirect::to("/two-factor/verify").into_response());
    }
    set_up_page(&app, &session, &half, StatusCode::OK, None).await
}

async fn set_up_page(
    app: &App,
    session: &Session,
    half: &Half,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, Trouble> {
    let why = twofa::policy::Reason::from_code(&half.reason).map_or("", |r| r.sentence());
    let page = SetUpPage {
        frame: Frame::outside(session).await?,
        user: half.user.clone(),
        why: why.to_owned(),
        key: app.set_ups.with(&half.login()?, KeyShown::of),
        handover: half.handover,
        notice,
    };
    draw(status, &page)
}

/// The first code of a new key.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn confirm(
    State(app): State<App>,
    session: Session,
    half: Half,
    Posted(typed): Posted<TypedCode>,
) -> Result<Response, Trouble> {
    answer(&app, &session, &half, typed).await
}

/// A new key in place of one whose page was lost: the old QR code is void.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn begin_again(
    State(app): State<App>,
    session: Session,
    half: Half,
    _: Posted<Empty>,
) -> Result<Response, Trouble> {
    // Where a code is asked for, a fresh login without the password would be fresh guesses without it.
    if half.waits_for != WaitsFor::SetUp {
        return Ok(Redirect::to("/two-factor/verify").into_response());
    }
    let (Ok(project), Ok(user)) = (half.project.parse(), half.user.parse()) else {
        return Err(Trouble::SignInAgain);
    };
    let login = half.login()?;
    app.set_ups.forget(&login);
    // Not `begin`: nobody has typed a password just now, and it may have been changed since.
    match app.twofa.begin_again(&login).await? {
        Again::Enrol(set_up) => login::set_up(&app, &session, &project, &user, set_up).await,
        Again::Rejected(why) => sign_in_again(&app, &session, &half, &why).await,
    }
}

/// The login is over: back to the password, with the reason.
async fn sign_in_again(
    app: &App,
    session: &Session,
    half: &Half,
    why: &Rejected,
) -> Result<Response, Trouble> {
    visit::leave(session).await?;
    let notice = notice_of(why).and("Sign in again.");
    let user = half.user.clone();
    login::refuse(app, session, StatusCode::UNAUTHORIZED, notice, user).await
}

/// The question for a code.
///
/// # Errors
///
/// When the session store fails.
pub async fn show_verify(session: Session, half: Half) -> Result<Response, Trouble> {
    if half.waits_for != WaitsFor::Code {
        return Ok(Redirect::to("/two-factor/setup").into_response());
    }
    let page = VerifyPage {
        frame: Frame::outside(&session).await?,
        user: half.user,
        handover: half.handover,
        notice: None,
    };
    draw(StatusCode::OK, &page)
}

/// The code.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn verify(
    State(app): State<App>,
    session: Session,
    half: Half,
    Posted(typed): Posted<TypedCode>,
) -> Result<Response, Trouble> {
    answer(&app, &session, &half, typed).await
}

async fn answer(
    app: &App,
    session: &Session,
    half: &Half,
    typed: TypedCode,
) -> Result<Response, Trouble> {
    let login = half.login()?;
    let mut attempt = Attempt::new(&login, &typed.code);
    if let Some(handover) = typed
        .handover
        .as_deref()
        .filter(|typed| !typed.trim().is_empty())
    {
        attempt = attempt.with_handover(handover);
    }
    match app.twofa.answer(attempt).await? {
        Answer::Accepted(pass) => {
            app.set_ups.forget(&login);
            visit::enter(app, session, pass).await?;
            Ok(Redirect::to("/").into_response())
        }
        Answer::Rejected(why) if over(&why) => {
            app.set_ups.forget(&login);
            sign_in_again(app, session, half, &why).await
        }
        Answer::Rejected(why) => {
            let notice = Some(notice_of(&why));
            let status = StatusCode::UNAUTHORIZED;
            match half.waits_for {
                WaitsFor::SetUp => set_up_page(app, session, half, status, notice).await,
                WaitsFor::Code => {
                    let frame = Frame::outside(session).await?;
                    draw(
                        status,
                        &VerifyPage {
                            frame,
                            user: half.user.clone(),
                            handover: half.handover,
                            notice,
                        },
                    )
                }
            }
        }
    }
}

/// Whether this login can never be answered any more.
fn over(why: &Rejected) -> bool {
    use twofa::policy::Reason;
    why.login_ended()
        || matches!(
            why.reason(),
            Reason::UnknownLogin | Reason::Expired | Reason::Superseded
        )
}

/// What to say about a code that was not accepted.
pub fn notice_of(why: &Rejected) -> Notice {
    let mut notice = Notice::of(why.reason());
    if let Some(off) = why.clock_off() {
        let which = match off.direction() {
            twofa::totp::Direction::Behind => "behind",
            twofa::totp::Direction::Ahead => "ahead",
        };
        notice = notice.and(&format!("It is about {} seconds {which}.", off.seconds()));
        let way = "Set the time of your phone to automatic, then type the next code that it shows.";
        notice.ways.push(way.to_owned());
    }
    if let Some(retry) = why.retry_at() {
        notice = notice.and(&format!(
            "The next code is looked at from {} on.",
            when(retry)
        ));
    }
    notice
}

/// Proves a second factor once more, for something that asks for a fresh proof. `None` when it was accepted
/// and the session holds the new proof.
///
/// # Errors
///
/// When something behind the page fails.
pub async fn step_up(
    app: &App,
    person: &mut visit::Person,
    code: &str,
) -> Result<Option<Notice>, Trouble> {
    let sign_in = SignIn::password(&person.project, &person.user);
    let challenge = match app.twofa.begin(sign_in).await? {
        Begin::Challenge(challenge) => challenge,
        Begin::Refused(decision) => {
            return Ok(Some(
                Notice::of(decision.reason()).with_ways(decision.remedies()),
            ));
        }
        // No code is asked of them by password: what they hold is what they have.
        Begin::Allowed(_) | Begin::Enrol(_) => return Ok(None),
    };
    match app
        .twofa
        .answer(Attempt::new(challenge.login(), code))
        .await?
    {
        Answer::Accepted(pass) => {
            person.proof = visit::enter(app, &person.session, pass).await?;
            Ok(None)
        }
        Answer::Rejected(why) => Ok(Some(notice_of(&why))),
    }
}
