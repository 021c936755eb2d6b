//! Key URIs from other projects' tests and from reports of what services write: `vectors/otpauth-uris.json`, each case
//! with its source. Where the sources agree, we agree. Where they do not, `DECISIONS` says what we do and why.
//! The table in `docs/OTPAUTH.md` is written from here: `UPDATE_DOCS=1 cargo test -p twofa-otpauth --test vectors`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::fmt::Write as _;

use serde_json::Value;
use twofa_otpauth::{Kind, Parsed, Profile, migration, parse};

/// Contested cases: the URI, and why we read it as we do.
const DECISIONS: &[(&str, &str)] = &[
    (
        "otpauth://totp/Github:constantoine%40github.com?issuer=GitHub&secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&digits=6&algorithm=SHA1",
        "Read with `issuer-mismatch`: the codes are the same whatever the name, and services do write this. Strict refuses.",
    ),
    (
        "otpauth://totp/GitHub:test?issuer=Gitlab&secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&digits=8&period=60&algorithm=SHA256",
        "As above. The parameter counts, as the format says; the prefix is kept beside it.",
    ),
    (
        "otpauth://totp?algorithm=SHA1&secret=GEZDGNBV&algorithm=SHA1",
        "Read: the values agree, and label and secret draw warnings. Strict refuses.",
    ),
    (
        "otpauth://hotp?algorithm=SHA1&secret=GEZDGNBV&algorithm=SHA1",
        "Read as counter 0 with `counter-missing`: the app shows where it stands, and look-ahead finds it. Strict refuses.",
    ),
    (
        "otpauth://totp?algorithm=SHA1&secret=GEZDGNBV&algorithm=SHA256",
        "Refused: programs differ in which of two values they take, and would make different codes of one URI.",
    ),
    (
        "otpauth://totp?algorithm=SHA1&secret=GEZDGNBV&algorithm=SHA512",
        "Refused, as above.",
    ),
    (
        "otpauth://totp/Steam:?secret=SOME_SECRET",
        "Refused: `_` is not base32, so there is no secret to make codes with.",
    ),
    (
        "otpauth://totp/Text%3A%20More%20Text:Secret?secret=FFFFFFFAAAAAABBBBBBB&issuer=Text%3A%20More%20Text",
        "Read: the issuer parameter says which colon separates. Strict refuses (`label-colon`), and we never write it.",
    ),
    (
        "otpauth://totp/a%3Ab?secret=GEZDGNBV",
        "Split: the format allows `%3A` as the separator, and Google's own URIs write it so.",
    ),
    (
        "otpauth://totp/test:test?secret=AA&algo=SHA1&digits=6&period=30",
        "Read, with `secret-very-short`. `Parser::with_min_secret_bits` refuses it where a key is to protect something.",
    ),
    (
        "otpauth://totp/a?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&algorithm=HmacSHA256",
        "Read with `algorithm-spelling`: it cannot mean anything else.",
    ),
    (
        "otpauth://totp/Big%20Corporation%3A%20alice%40bigco.com?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ",
        "As the format's grammar says: the separator may be `%3A`, and spaces after it belong to neither name.",
    ),
    (
        "otpauth://totp/a?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ",
        "Read with `parameter-repeated`, since both values are the same. Strict refuses.",
    ),
    (
        "otpauth://totp/test.com%3auser1?secret=CXJPUUL5HRVQ====&issuer=test.com&digits=6&algorithm=SHA1&period=30",
        "Read with `secret-padding`: padding changes no byte. Strict refuses, and we never write it.",
    ),
    (
        "otpauth://totp/Example:User?secret=J3WWIV3PTGJPQV5QAICM====&issuer=Example",
        "As above.",
    ),
    (
        "otpauth://totp/Some+Company:me@somecompany.net?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&issuer=Microsoft",
        "Read with `issuer-mismatch`; `+` is a space in a query only. Strict refuses.",
    ),
    (
        "otpauth://totp/CompanyName%3Ait377%40ubiinc.onmicrosoft.com?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&issuer=Microsoft",
        "Read with `issuer-mismatch`: Microsoft puts the customer before the colon. Strict refuses.",
    ),
    (
        "otpauth://totp/localhost%3A8000%3A%20bob?secret=KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ&issuer=localhost%3A8000",
        "Read: the issuer parameter says which colon separates. Strict refuses (`label-colon`).",
    ),
    (
        "otpauth://totp/a?secret=KRSX%20G5CT%20MVRX%20EZLU%20KN2X%20AZLS",
        "Read with `secret-separators`: people copy keys in groups. Strict refuses.",
    ),
    (
        "otpauth://totp/fred@myapplication.com - ServerName?secret=1111111111111111",
        "Refused: `1` is not base32, and apps differ in whether they take it for I or L.",
    ),
    (
        "otpauth://totp/ietfuser?secret=NBSWY3DPFQQHO33SNRSAU",
        "Read with `secret-short`: 104 bits are fewer than the 128 of RFC 4226, section 4, R6. Strict refuses.",
    ),
    (
        "otpauth://totp/big?issuer=IETF&secret=NBSWY3DP&period=5&algorithm=SHA256",
        "Read with `secret-very-short`. Strict refuses.",
    ),
];

struct Case {
    uri: String,
    source: String,
    contested: bool,
    expect: Value,
}

fn cases() -> Vec<Case> {
    let all: Vec<Value> = serde_json::from_str(include_str!("vectors/otpauth-uris.json")).unwrap();
    all.into_iter()
        .map(|case| Case {
            uri: case["uri"].as_str().unwrap().to_owned(),
            source: case["source"].as_str().unwrap().to_owned(),
            contested: case["contested"].as_bool().unwrap_or(false),
            expect: case["expect"].clone(),
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// What was read, as the vectors write it.
fn describe(parsed: &Parsed) -> Vec<(&'static str, Value)> {
    let (uri, params) = (&parsed.uri, parsed.uri.params());
    let mut all = vec![
        ("type", parsed.type_name.into()),
        ("issuer", uri.issuer().into()),
        ("account", uri.account().into()),
        ("algorithm", params.algorithm().name().into()),
        ("digits", uri.code_length().into()),
        ("secret_hex", hex(uri.secret().expose_secret()).into()),
    ];
    match uri.kind() {
        Kind::Hotp { counter } => all.push(("counter", counter.into())),
        Kind::Steam => all.extend([("period", 30.into()), ("encoder", "steam".into())]),
        _ => all.push(("period", params.period().secs().into())),
    }
    all
}

/// Where ours differs from what the source expects; empty when they agree.
fn differences(case: &Case) -> Vec<String> {
    if let Some(accounts) = case.expect.get("migration") {
        let batch = migration::decode(&case.uri).unwrap();
        assert_eq!(batch.accounts.len(), accounts.as_array().unwrap().len());
        let (account, expect) = (batch.accounts[0].as_ref().unwrap(), &accounts[0]);
        let mut uri = account.uri.issuer().unwrap_or("").to_owned();
        uri.push(':');
        uri.push_str(account.uri.account());
        assert_eq!(expect["name"], uri.as_str());
        assert_eq!(expect["issuer"], account.uri.issuer().unwrap());
        assert_eq!(
            expect["secret_hex"],
            hex(account.uri.secret().expose_secret()).as_str()
        );
        assert_eq!(account.uri.kind(), Kind::Totp);
        assert_eq!(account.uri.params(), twofa_totp::Params::default());
        return Vec::new();
    }
    match (parse(&case.uri, Profile::Lenient), case.expect.as_object()) {
        (Err(_), None) => Vec::new(),
        (Err(error), Some(_)) => vec![format!("refused: {error}")],
        (Ok(_), None) => vec!["read, and the source expects an error".to_owned()],
        (Ok(parsed), Some(expect)) => describe(&parsed)
            .into_iter()
            .filter(|(key, ours)| expect.get(*key).is_some_and(|theirs| theirs != ours))
            .map(|(key, ours)| format!("{key}: {ours}, expected {}", expect[key]))
            .collect(),
    }
}

#[test]
fn every_uncontested_case_agrees() {
    let wrong: Vec<_> = cases()
        .iter()
        .filter(|case| !case.contested)
        .map(|case| (case.uri.clone(), differences(case)))
        .filter(|(_, differences)| !differences.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_vectors_describe_what_we_compare() {
    // A case whose every key were unknown to `describe` would pass without having been looked at.
    for case in cases().iter().filter(|case| case.expect.is_object()) {
        if case.expect.get("migration").is_none() {
            for key in [
                "type",
                "issuer",
                "account",
                "algorithm",
                "digits",
                "secret_hex",
            ] {
                assert!(case.expect.get(key).is_some(), "{}: {key}", case.uri);
            }
            let moving = if case.expect["type"] == "hotp" {
                "counter"
            } else {
                "period"
            };
            assert!(case.expect.get(moving).is_some(), "{}: {moving}", case.uri);
        }
    }
}

#[test]
fn codes_of_the_vectors_are_made() {
    use twofa_totp::Totp;
    use twofa_types::UnixTime;

    let mut seen = 0;
    for case in cases() {
        let (Some(codes), Ok(parsed)) = (
            case.expect.get("codes").and_then(Value::as_object),
            parse(&case.uri, Profile::Lenient),
        ) else {
            continue;
        };
        for (at, code) in codes {
            let now = UnixTime::from_secs(at.parse().unwrap());
            let ours: String = match parsed.uri.kind() {
                Kind::Steam => twofa_otpauth::steam::generate(parsed.uri.secret(), now)
                    .expose()
                    .iter()
                    .collect(),
                _ => Totp::new(parsed.uri.secret(), parsed.uri.params())
                    .generate(now)
                    .expose()
                    .to_string(),
            };
            assert_eq!(code, &ours, "{} at {at}", case.uri);
            seen += 1;
        }
    }
    assert_eq!(seen, 7, "the vectors' codes were not found");
}

#[test]
fn every_contested_case_is_decided() {
    let contested: Vec<_> = cases()
        .into_iter()
        .filter(|case| case.contested)
        .map(|c| c.uri)
        .collect();
    for uri in &contested {
        assert!(
            DECISIONS.iter().any(|(decided, _)| decided == uri),
            "undecided: {uri}"
        );
    }
    assert_eq!(
        contested.len(),
        DECISIONS.len(),
        "a decision on a case that is not contested"
    );
}

fn cell(text: &str) -> String {
    text.replace('\n', "\\n").replace('|', "\\|")
}

fn summary(pairs: &[(&str, Value)]) -> String {
    let get = |key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
    let text = |key| match get(key) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Null | Value::String(_)) | None => "none".to_owned(),
        Some(other) => other.to_string(),
    };
    let moving = get("counter").map_or_else(
        || format!("{} s", text("period")),
        |counter| format!("counter {counter}"),
    );
    format!(
        "{}, issuer `{}`, account `{}`, {}, {} digits, {moving}",
        text("type"),
        text("issuer"),
        text("account"),
        text("algorithm"),
        text("digits"),
    )
}

fn ours(case: &Case) -> String {
    if case.expect.get("migration").is_some() {
        return "read as a batch of one account".to_owned();
    }
    match parse(&case.uri, Profile::Lenient) {
        Err(error) => format!("error: {error}"),
        Ok(parsed) => {
            let codes: Vec<_> = parsed
                .warnings
                .iter()
                .map(|w| format!("`{}`", w.code()))
                .collect();
            let warnings = if codes.is_empty() {
                String::new()
            } else {
                format!("; {}", codes.join(" "))
            };
            format!("{}{warnings}", summary(&describe(&parsed)))
        }
    }
}

fn theirs(case: &Case) -> String {
    match &case.expect {
        Value::Object(map) if map.contains_key("migration") => "one account".to_owned(),
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
            summary(&pairs)
        }
        _ => "error".to_owned(),
    }
}

fn table() -> String {
    let mut table = "| # | URI | source | the source expects | ours (Lenient) | contested: our decision, and why |\n|---|---|---|---|---|---|\n".to_owned();
    for (at, case) in cases().iter().enumerate() {
        let decision = DECISIONS
            .iter()
            .find(|(uri, _)| *uri == case.uri)
            .map_or("", |(_, why)| why);
        let (theirs, ours) = (theirs(case), ours(case));
        writeln!(
            table,
            "| {} | `{}` | {} | {} | {} | {} |",
            at + 1,
            cell(&case.uri),
            cell(&case.source),
            cell(&theirs),
            cell(&ours),
            cell(decision)
        )
        .unwrap();
    }
    table
}

#[test]
fn the_documented_table_is_current() {
    const BEGIN: &str = "<!-- vectors: begin -->\n";
    const END: &str = "<!-- vectors: end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/OTPAUTH.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(
            written, table,
            "docs/OTPAUTH.md is out of date: run this test with UPDATE_DOCS=1"
        );
    }
}
