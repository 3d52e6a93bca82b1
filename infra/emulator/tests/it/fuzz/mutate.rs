//! How a valid request becomes a malformed one.

use serde_json::{Value, json};

use super::request::Request;
use crate::dice::Dice;

/// What stands where a part of a path or a text in a body stood.
const ODD: &[&str] = &[
    "",
    ".",
    "..",
    "%00",
    "%zz",
    "%",
    "%2",
    "%2F",
    "%2f%2E%2e",
    "%C3%28",
    "%F0%9F%A6%80",
    "a b",
    "%20",
    "+",
    "'",
    "\\",
    "\"",
    ";",
    "default",
    "providers",
    "subscriptions",
    "null",
    "-1",
    "{}",
    "[]",
    "%E2%80%AE",
    "x%0d%0ay",
    "0",
    "disks",
    "snapshots",
    "*",
    "$batch",
    "~",
    "a.b.",
    "CON",
];

const METHODS: &[&str] =
    &["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"];

const HEADERS: &[(&str, &[u8])] = &[
    ("authorization", b"Bearer"),
    ("authorization", b"Bearer "),
    ("authorization", b"Basic YTpi"),
    ("authorization", b"Bearer a.b.c"),
    ("authorization", b"Bearer a.eyJleHAiOiJ4In0.c"),
    ("authorization", b"Bearer a.eyJleHAiOjF9.c"),
    ("authorization", b"Bearer a.eyJleHAiOjkyMjMzNzIwMzY4NTQ3NzU4MDd9.c"),
    ("authorization", b"\xff\xfe"),
    ("content-type", b"text/plain"),
    ("content-type", b"application/json; charset=utf-16"),
    ("content-encoding", b"gzip"),
    ("expect", b"100-continue"),
    ("accept", b"application/xml"),
    ("if-match", b"*"),
    ("x-ms-client-request-id", b"\x80\x81"),
    ("x-ms-correlation-request-id", b""),
    ("x-ms-correlation-request-id", b"not a uuid, and long \xe9"),
    ("x-http-method-override", b"DELETE"),
    ("x-identity-header", b"\xc3\x28"),
    ("range", b"bytes=5-1"),
    ("range", b"bytes=18446744073709551615-18446744073709551615"),
    ("x-ms-range", b"bytes=0-"),
    ("x-ms-range-get-content-crc64", b"true"),
    ("authorization", b"SharedKey devstoreaccount1:AAAA"),
    ("authorization", b"SharedKey"),
    ("x-ms-date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    ("x-ms-version", b"\xff"),
    ("x-ms-blob-type", b"AppendBlob"),
    ("x-ms-blob-content-type", b"\xe9"),
    ("x-ms-meta-", b""),
    ("x-ms-meta-1 <a>", b"b"),
    ("x-ms-meta-1a'*", b"&<>"),
    ("x-ms-meta-long", b"\tx\xe9"),
    ("content-md5", b"AA=="),
    ("x-ms-lease-id", b"none"),
    ("x-ms-lease-action", b"BREAK"),
    ("x-ms-lease-duration", b"-9223372036854775808"),
    ("x-ms-lease-break-period", b"9223372036854775807"),
    ("if-none-match", b"*"),
    ("if-modified-since", b"Fri, 31 Dec 9999 23:59:59 GMT"),
    ("if-unmodified-since", b"yesterday"),
];

const PAIRS: &[&str] = &[
    "maxresults=0",
    "maxresults=99999999999999999999",
    "marker=%00",
    "prefix=%01%EF%BF%BF",
    "delimiter=%00",
    "visibilitytimeout=-1",
    "visibilitytimeout=604800",
    "messagettl=9223372036854775807",
    "messagettl=0",
    "numofmessages=33",
    "popreceipt=",
    "restype=container",
    "comp=list",
    "comp=block",
    "comp=page",
    "comp=%00",
    "blockid=%FF",
    "blocklisttype=x",
    "snapshot=2026-01-01T00:00:00.0000000Z",
    "se=x",
    "sig=%00",
];

/// Changes a request in one to four ways.
pub(super) fn mutate(dice: &mut Dice, request: &mut Request) {
    for _ in 0..=dice.below(4) {
        match dice.below(12) {
            0..=1 => path(dice, request),
            2 => query(dice, request),
            3 => request.method = pick(dice, METHODS).to_string(),
            4 => header(dice, request),
            5..=9 => json_body(dice, request),
            10 => bytes(dice, &mut request.body),
            _ => whole_body(dice, request),
        }
    }
}

fn pick<'a, T: ?Sized>(dice: &mut Dice, from: &[&'a T]) -> &'a T {
    from[dice.below(from.len() as u64) as usize]
}

fn split(target: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (target[..at].to_vec(), Some(target[at + 1..].to_vec())),
        None => (target.to_vec(), None),
    }
}

fn path(dice: &mut Dice, request: &mut Request) {
    let (path, query) = split(&request.target);
    let mut parts: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
    let at = dice.below(parts.len() as u64) as usize;
    match dice.below(10) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(at, parts[at].clone()),
        2..=3 => parts[at] = pick(dice, ODD).as_bytes().to_vec(),
        4 => parts.insert(at, pick(dice, ODD).as_bytes().to_vec()),
        5 => parts[at] = vec![b'a'; [80, 81, 300, 9000][dice.below(4) as usize]],
        6 => parts[at].make_ascii_uppercase(),
        7 => parts[at] = parts[at].iter().flat_map(|b| format!("%{b:02x}").into_bytes()).collect(),
        8 => parts.push(pick(dice, ODD).as_bytes().to_vec()),
        _ => bytes(dice, &mut parts[at]),
    }
    request.target = parts.join(&b'/');
    if !request.target.starts_with(b"/") && dice.below(4) > 0 {
        request.target.insert(0, b'/');
    }
    if let Some(query) = query {
        request.target.extend([b"?".as_slice(), &query].concat());
    }
}

fn query(dice: &mut Dice, request: &mut Request) {
    let (mut path, query) = split(&request.target);
    let query = query.unwrap_or_default();
    let mut pairs: Vec<Vec<u8>> = query.split(|byte| *byte == b'&').map(<[u8]>::to_vec).collect();
    let at = dice.below(pairs.len() as u64) as usize;
    match dice.below(11) {
        0 => drop(pairs.remove(at)),
        1 => pairs.insert(at, pairs[at].clone()),
        2 => {
            let name = pairs[at].split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
            pairs[at] = [&name, b"=".as_slice(), pick(dice, ODD).as_bytes()].concat();
        }
        3 => pairs.push(b"$skiptoken=%FF%FE".to_vec()),
        // The base64 of bytes that are no text, and of a key before all others.
        4 => pairs.push(b"$skiptoken=_-79".to_vec()),
        5 => pairs.push(b"monitor=true".to_vec()),
        6 => pairs.push(["api-version=", "9".repeat(5000).as_str()].concat().into_bytes()),
        // Of two with one name the account takes the first.
        7..=8 => pairs.insert(0, pick(dice, PAIRS).as_bytes().to_vec()),
        9 => pairs.push(b"offset=18446744073709551615&length=18446744073709551615".to_vec()),
        _ => bytes(dice, &mut pairs[at]),
    }
    path.extend([b"?".as_slice(), &pairs.join(&b'&')].concat());
    request.target = path;
}

fn header(dice: &mut Dice, request: &mut Request) {
    let (name, value) = HEADERS[dice.below(HEADERS.len() as u64) as usize];
    match dice.below(3) {
        0 => request.headers.retain(|(known, _)| known != name),
        1 => request.headers.push((name.to_owned(), value.to_vec())),
        _ => {
            request.headers.retain(|(known, _)| known != name);
            request.headers.push((name.to_owned(), value.to_vec()));
        }
    }
}

/// Of another type, beyond a limit, or deep.
fn odd_value(dice: &mut Dice) -> Value {
    match dice.below(20) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1.5),
        5 => json!(1e308),
        6 => json!(u64::MAX),
        7 => json!(i64::MIN),
        8 => json!(65_537),
        9 => json!(4_294_967_296_u64),
        10 => json!(1e-300),
        11 => json!(""),
        12 => json!("x".repeat([81, 257, 513, 100_000][dice.below(4) as usize])),
        13 => json!(pick(dice, ODD)),
        14 => json!("\u{0}\u{202e}\u{1f980}é"),
        15 => json!([]),
        16 => json!({}),
        17 => json!([null, {"a": [1, "2"]}]),
        18 => {
            let tags = (0..60).map(|n| (format!("k{n}"), json!("v")));
            Value::Object(tags.collect())
        }
        _ => (0..[20, 100, 120][dice.below(3) as usize]).fold(json!(1), |inner, level| {
            if level % 2 == 0 { json!([inner]) } else { json!({"a": inner}) }
        }),
    }
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum::<u64>(),
        _ => 0,
    }
}

/// The `index`th value, counted in the order of reading, with all inside it.
fn nth<'a>(value: &'a mut Value, index: &mut u64) -> Option<&'a mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, index)),
        Value::Object(map) => map.values_mut().find_map(|item| nth(item, index)),
        _ => None,
    }
}

fn json_body(dice: &mut Dice, request: &mut Request) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) else {
        if request.body.starts_with(b"<") {
            xml_body(dice, request);
        }
        return;
    };
    let mut index = dice.below(count(&body));
    let odd = odd_value(dice);
    let Some(found) = nth(&mut body, &mut index) else { return };
    match found {
        Value::Object(map) if !map.is_empty() && dice.below(3) > 0 => {
            let key = map.keys().nth(dice.below(map.len() as u64) as usize).cloned();
            let key = key.unwrap_or_default();
            match dice.below(4) {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(pick(dice, ODD).to_owned(), odd)),
                2 => {
                    let value = map.remove(&key).unwrap_or_default();
                    map.insert(key.to_uppercase(), value);
                }
                _ => drop(map.insert(key, odd)),
            }
        }
        found => *found = odd,
    }
    request.body = body.to_string().into_bytes();
    if dice.below(12) == 0 {
        duplicate_keys(request);
    }
}

/// Changes an element, its end, or the text behind one of them.
fn xml_body(dice: &mut Dice, request: &mut Request) {
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let mut parts: Vec<String> = text.split('<').skip(1).map(|part| format!("<{part}")).collect();
    let at = dice.below(parts.len() as u64) as usize;
    match dice.below(9) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(at, parts[at].clone()),
        2 => parts[at] += pick(dice, ODD),
        3 => parts[at] += pick(dice, ENTITIES),
        4 => parts[at] = format!("<{}/>", pick(dice, ODD)),
        5 => parts[at].make_ascii_lowercase(),
        6 => parts[at] += &"x".repeat([65_537, 100_000][dice.below(2) as usize]),
        7 => parts.insert(at, "<a>".repeat([1, 17, 20_000][dice.below(3) as usize])),
        _ => parts.insert(at, "<!DOCTYPE a [<!ENTITY b \"c\">]>".to_owned()),
    }
    request.body = parts.concat().into_bytes();
}

const ENTITIES: &[&str] = &[
    "&#0;",
    "&#1;",
    "&#x1f980;",
    "&#xd800;",
    "&#xffff;",
    "&nbsp;",
    "&amp;amp;",
    "&",
    "]]>",
    "\u{1}",
    "\u{b}",
    "\u{ffff}",
];

/// Says each key of the outermost object twice.
fn duplicate_keys(request: &mut Request) {
    if request.body.starts_with(b"{") && request.body.len() > 2 {
        let inside = request.body[1..request.body.len() - 1].to_vec();
        request.body = [b"{".as_slice(), &inside, b",", &inside, b"}"].concat();
    }
}

fn whole_body(dice: &mut Dice, request: &mut Request) {
    request.body = match dice.below(10) {
        0 => Vec::new(),
        1 => b"null".to_vec(),
        2 => b"[]".to_vec(),
        3 => b" \r\n\t ".to_vec(),
        4 => [b"\xef\xbb\xbf".as_slice(), &request.body].concat(),
        5 => request.body.iter().flat_map(|byte| [*byte, 0]).collect(),
        6 => vec![b'['; 100_000],
        7 => br#"{"a":"#.repeat(5_000),
        8 => b"1e999999".to_vec(),
        _ if dice.below(20) == 0 => vec![b' '; (4 << 20) + 1],
        _ => request.body[..request.body.len() / 2].to_vec(),
    };
}

fn bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.below(bytes.len() as u64 + 1) as usize;
    let byte = [0, b'/', b'%', b'"', 0x80, 0xff, b'\n', b'{', b' ', dice.next() as u8]
        [dice.below(10) as usize];
    match dice.below(4) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, byte),
        _ if at < bytes.len() => bytes[at] = byte,
        _ => bytes.push(byte),
    }
}
