//! What a recording teaches, as a text that people can read and compare: questions, statuses,
//! header names, shapes. The repository keeps these; the recordings stay outside.

use std::{collections::BTreeSet, fmt::Write, path::PathBuf};

use crate::{
    exchange::{Exchange, GivenGroup},
    shape::{Leaf, Shape},
};

/// One recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) given: Vec<GivenGroup>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// Where the manifests are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/replay/manifests")
}

/// All of them, in the order of their names.
pub(crate) fn all() -> Vec<Manifest> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            parse(&name, &std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

impl Manifest {
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for group in &self.given {
            let tags = if group.tagged { " tagged" } else { "" };
            writeln!(out, "given {} {}{tags}", group.name, group.location).unwrap();
        }
        for exchange in &self.exchanges {
            writeln!(out, "\n{} {}", exchange.method, exchange.target).unwrap();
            writeln!(out, "  at {}", exchange.at).unwrap();
            for (pointer, value) in &exchange.asks {
                writeln!(out, "  ask {pointer} {value}").unwrap();
            }
            writeln!(out, "  status {}", exchange.status).unwrap();
            if let Some(number) = exchange.opens {
                writeln!(out, "  opens {number}").unwrap();
            }
            let headers: Vec<&str> = exchange.headers.iter().map(String::as_str).collect();
            writeln!(out, "  headers {}", headers.join(" ")).unwrap();
            for (path, leaf) in exchange.shape.iter().flat_map(|shape| &shape.0) {
                writeln!(out, "  body {} {leaf}", if path.is_empty() { "." } else { path })
                    .unwrap();
            }
        }
        out
    }
}

/// Reads what [`Manifest::text`] writes.
pub(crate) fn parse(name: &str, text: &str) -> Manifest {
    let mut manifest = Manifest { name: name.to_owned(), given: Vec::new(), exchanges: Vec::new() };
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let last = manifest.exchanges.last_mut();
        match (word, last) {
            ("given", _) => {
                let words: Vec<&str> = rest.split(' ').collect();
                manifest.given.push(GivenGroup {
                    name: words[0].to_owned(),
                    location: words[1].to_owned(),
                    tagged: words.len() > 2,
                });
            }
            ("at", Some(last)) => last.at = rest.parse().unwrap(),
            ("ask", Some(last)) => {
                let (pointer, value) = rest.split_once(' ').unwrap();
                last.asks.insert(pointer.to_owned(), serde_json::from_str(value).unwrap());
            }
            ("status", Some(last)) => last.status = rest.parse().unwrap(),
            ("opens", Some(last)) => last.opens = Some(rest.parse().unwrap()),
            ("headers", Some(last)) => {
                last.headers = rest.split_whitespace().map(str::to_owned).collect();
            }
            ("body", Some(last)) => {
                let (path, kind) = rest.split_once(' ').unwrap();
                let path = if path == "." { "" } else { path };
                let always = !kind.ends_with(" sometimes");
                let kind = kind.trim_end_matches(" sometimes").to_owned();
                let shape = last.shape.get_or_insert_with(Shape::default);
                shape.0.insert(path.to_owned(), Leaf { kind, always });
            }
            (method, _) => manifest.exchanges.push(Exchange {
                method: method.to_owned(),
                target: rest.to_owned(),
                at: 0,
                asks: Default::default(),
                opens: None,
                status: 0,
                headers: BTreeSet::new(),
                shape: None,
            }),
        }
    }
    manifest
}
