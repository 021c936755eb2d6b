//! Every picture decodes back to the text, by programs that are not ours: `zbarimg` for SVG and PNG, `rqrr` for what terminals show.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::process::{Command, Stdio};

use twofa_otpauth::{KeyUri, Profile, Qr, parse};
use twofa_totp::{Params, Secret};

/// Labels of 1 to 300 bytes in several scripts.
fn labels() -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = [
        ("A", "b"),
        ("ACME Co", "jo@example.com"),
        ("Société Générale d'Électricité", "zoë.brontë@exämple.fr"),
        ("株式会社例示", "山田太郎@例え.テスト"),
        ("Пример", "маша@пример.рф"),
        ("مثال", "سارة@مثال.إختبار"),
        ("🔐 Vault", "🙂🙃@emoji.example"),
        ("A&B <\"quoted\"> 100%", "o'neil+tag@example.com"),
    ]
    .map(|(issuer, account)| (issuer.to_owned(), account.to_owned()))
    .into();
    for bytes in [1, 2, 3, 10, 40, 63, 64, 65, 100, 150, 200, 255, 299, 300] {
        labels.push(("ACME".to_owned(), "x".repeat(bytes)));
        if bytes % 3 == 0 {
            labels.push(("例".to_owned(), "字".repeat(bytes / 3)));
        }
        if bytes % 4 == 0 {
            labels.push(("é".to_owned(), "🙂".repeat(bytes / 4)));
        }
    }
    labels
}

fn uris() -> Vec<String> {
    labels()
        .iter()
        .map(|(issuer, account)| {
            let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
            let key = KeyUri::totp(issuer, account, secret, Params::default()).unwrap();
            let text = key.to_uri().expose_secret().to_owned();
            let back = parse(&text, Profile::Strict).unwrap();
            assert_eq!(
                (back.uri.issuer(), back.uri.account()),
                (Some(issuer.as_str()), account.as_str())
            );
            text
        })
        .collect()
}

fn run(program: &str, package: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}. Install it: apt-get install -y --no-install-recommends {package}"));
    output.stdout
}

fn scan(path: &str) -> String {
    let text = run(
        "zbarimg",
        "zbar-tools",
        &["--raw", "-q", "-Sdisable", "-Sqrcode.enable", path],
    );
    String::from_utf8(text)
        .unwrap()
        .trim_end_matches('\n')
        .to_owned()
}

#[test]
fn svg_and_png_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (svg, drawn, png) = (path("q.svg"), path("drawn.png"), path("q.png"));
    for uri in uris() {
        let qr = Qr::encode(&uri).unwrap();
        std::fs::write(&svg, qr.svg("QR code for <ACME> & co").expose_secret()).unwrap();
        run("rsvg-convert", "librsvg2-bin", &[&svg, "-o", &drawn]);
        assert_eq!(scan(&drawn), uri, "SVG, version {}", qr.version());
        std::fs::write(&png, qr.png().expose_secret()).unwrap();
        assert_eq!(scan(&png), uri, "PNG, version {}", qr.version());
    }
}

/// Decodes rows of modules, true where dark, each drawn as four pixels square.
fn read_modules(rows: &[Vec<bool>]) -> String {
    let scale = 4;
    let (width, height) = (rows[0].len() * scale, rows.len() * scale);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        if rows[y / scale][x / scale] { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one symbol is found");
    grids[0].decode().unwrap().1
}

/// What a terminal shows of half blocks: two rows of modules a line.
fn read_half_blocks(text: &str) -> Vec<Vec<bool>> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let cells = line
            .strip_prefix("\x1b[38;5;16;48;5;231m")
            .unwrap()
            .strip_suffix("\x1b[0m")
            .unwrap();
        let cells: Vec<_> = cells
            .chars()
            .map(|cell| match cell {
                '█' => (true, true),
                '▀' => (true, false),
                '▄' => (false, true),
                ' ' => (false, false),
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        rows.push(cells.iter().map(|cell| cell.0).collect());
        rows.push(cells.iter().map(|cell| cell.1).collect());
    }
    rows
}

fn read_ascii(text: &str, dark: &str) -> Vec<Vec<bool>> {
    text.lines()
        .map(|line| {
            line.as_bytes()
                .chunks(2)
                .map(|cell| cell == dark.as_bytes())
                .collect()
        })
        .collect()
}

#[test]
fn terminal_text_scans() {
    for uri in uris() {
        let qr = Qr::encode(&uri).unwrap();
        let half_blocks = read_half_blocks(qr.terminal().expose_secret());
        assert_eq!(read_modules(&half_blocks), uri, "half blocks");
        let ascii = read_ascii(qr.ascii().expose_secret(), "##");
        assert_eq!(read_modules(&ascii), uri, "ASCII");
        let inverted = read_ascii(qr.ascii_inverted().expose_secret(), "  ");
        assert_eq!(inverted, ascii);
        let side = usize::from(qr.size()) + 8;
        assert!(
            half_blocks
                .iter()
                .chain(&ascii)
                .all(|row| row.len() == side),
            "quiet zone of four modules"
        );
        assert!(ascii.len() == side && half_blocks.len() == side + 1);
        for quiet in 0..4 {
            assert!(!ascii[quiet].contains(&true) && !ascii[side - 1 - quiet].contains(&true));
            assert!(
                ascii
                    .iter()
                    .all(|row| !row[quiet] && !row[side - 1 - quiet])
            );
        }
    }
}

#[test]
fn every_line_in_colour_is_reset_and_fits_a_terminal() {
    let uri = &uris()[1];
    let qr = Qr::encode(uri).unwrap();
    assert!(qr.version() <= twofa_otpauth::qr::MAX_TERMINAL_VERSION);
    let shown = qr.terminal();
    assert!(shown.expose_secret().ends_with("\x1b[0m\n"));
    assert!(
        shown
            .expose_secret()
            .lines()
            .all(|line| line.matches('\x1b').count() == 2)
    );
    assert!(read_half_blocks(shown.expose_secret())[0].len() <= 80);
}

#[test]
fn svg_is_one_path_with_a_title_on_an_opaque_background() {
    let uri = &uris()[1];
    let qr = Qr::encode(uri).unwrap();
    let svg = qr.svg("QR code for <ACME> & \"co\"\u{7}");
    let svg = svg.expose_secret();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "));
    assert!(svg.contains("<title>QR code for &lt;ACME&gt; &amp; &quot;co&quot;\u{fffd}</title>"));
    assert!(svg.contains("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"));
    assert_eq!(svg.matches("<path").count(), 1);
    assert!(!svg.contains(uri.as_str()) && !svg.contains("style") && !svg.contains("href"));
}

#[test]
fn png_is_grey_with_one_bit_a_pixel() {
    let qr = Qr::encode(&uris()[1]).unwrap();
    let bytes = qr.png();
    let decoder = png::Decoder::new(std::io::Cursor::new(bytes.expose_secret()));
    let reader = decoder.read_info().unwrap();
    let info = reader.info();
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Grayscale, png::BitDepth::One)
    );
    assert_eq!(
        (info.width, info.height),
        (
            (u32::from(qr.size()) + 8) * 8,
            (u32::from(qr.size()) + 8) * 8
        )
    );
}
