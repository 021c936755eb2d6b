//! What a container runtime and a person at the terminal do to end the program: requests under way are answered,
//! nobody holds it up, and whoever asks twice is obeyed at once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::server::Server;
use crate::visitor::Visitor;

/// A connection to the server on which something was sent.
fn sends(server: &Server, text: &str) -> TcpStream {
    let place = server.listening.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(place).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // One that is cut off is judged by what came.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A sign-in of which all but the last letter was sent.
async fn half_a_sign_in(server: &Server) -> TcpStream {
    let mut ann = Visitor::new(server);
    ann.get("/login").await;
    let (cookie, csrf) = (ann.cookie.unwrap(), ann.csrf);
    let body = format!("csrf={csrf}&email=ann%40acme.example&password=wrong");
    let length = body.len();
    let body = body.strip_suffix('g').unwrap();
    sends(
        server,
        &format!(
            "POST /login HTTP/1.1\r\nHost: here\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn settle() {
    std::thread::sleep(Duration::from_millis(700));
}

#[tokio::test]
async fn a_request_under_way_is_answered_and_a_half_sent_header_holds_nothing_up() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start();
        let silent = sends(&server, "GET /login HTTP/1.1\r\nX-A: ");
        let idle = sends(&server, "");
        let mut under_way = half_a_sign_in(&server).await;
        settle();

        server.signal(signal);
        let begun = Instant::now();
        settle();
        let place = server.listening.strip_prefix("http://").unwrap();
        assert!(TcpStream::connect(place).is_err(), "nobody new gets in");
        under_way.write_all(b"g").unwrap();
        let page = answer(under_way);
        assert!(page.starts_with("HTTP/1.1 401 "), "{signal:?}: {page}");
        assert!(page.contains("wrong-credentials") && page.ends_with("</html>"));

        let status = server.ends_within(Duration::from_secs(5));
        assert_eq!(status.code(), Some(0), "{signal:?}: {:?}", server.said());
        assert!(begun.elapsed() < Duration::from_secs(5));
        drop((silent, idle));
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_waited_for_ten_seconds() {
    let mut server = Server::start();
    let never = half_a_sign_in(&server).await;
    settle();
    server.signal(Signal::TERM);
    let begun = Instant::now();
    let status = server.ends_within(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0));
    assert!(
        begun.elapsed() > Duration::from_secs(8),
        "it was waited for"
    );
    drop(never);
}

#[tokio::test]
async fn the_second_signal_ends_it_at_once() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT)] {
        let mut server = Server::start();
        let never = half_a_sign_in(&server).await;
        settle();
        server.signal(first);
        settle();
        assert!(server.runs(), "a request is under way");
        let begun = Instant::now();
        server.signal(second);
        server.ends_within(Duration::from_secs(3));
        assert!(begun.elapsed() < Duration::from_secs(3));
        drop(never);
    }
}

/// Whoever sends half a header and then nothing is not kept for ever.
#[tokio::test]
async fn a_header_that_does_not_come_is_not_waited_for() {
    let server = Server::start();
    let begun = Instant::now();
    let silent = sends(&server, "GET /login HTTP/1.1\r\nX-A: ");
    let said = answer(silent);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}: {said}");
}
