//! A small client of Azure Storage that signs like the documents say, and keeps what it is told.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response};
use sha2::Sha256;
use url::form_urlencoded;

pub(crate) const NAME: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// An account, for one case.
#[derive(Clone)]
pub(crate) struct Account {
    blob: String,
    queue: String,
    /// Whether it is Azurite's, which differs here and there.
    pub(crate) is_azurite: bool,
    /// What the case's queues and containers are called by.
    pub(crate) case: String,
    http: reqwest::Client,
}

impl Account {
    pub(crate) fn new(blob: String, queue: String, is_azurite: bool) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { blob, queue, is_azurite, case: String::new(), http }
    }

    pub(crate) fn for_case(&self, name: &str) -> Self {
        let short: String = name.chars().filter(char::is_ascii_lowercase).take(40).collect();
        Self { case: short, ..self.clone() }
    }

    /// A queue's request; its path begins with a slash.
    pub(crate) fn queue(&self, method: Method, path: &str) -> Call {
        self.call(&self.queue, method, path)
    }

    /// A blob's request.
    pub(crate) fn blob(&self, method: Method, path: &str) -> Call {
        self.call(&self.blob, method, path)
    }

    fn call(&self, base: &str, method: Method, path: &str) -> Call {
        Call {
            http: self.http.clone(),
            is_azurite: self.is_azurite,
            base: base.to_owned(),
            method,
            path: path.to_owned(),
            query: vec![],
            headers: BTreeMap::new(),
            body: vec![],
            auth: Auth::Key,
        }
    }

    /// A queue of this case's own.
    pub(crate) async fn make_queue(&self) -> String {
        let path = format!("/{}", self.case);
        self.queue(Method::PUT, &path).send().await.is(201, "");
        path
    }

    /// A container of this case's own.
    pub(crate) async fn make_container(&self) -> String {
        let path = format!("/{}", self.case);
        let call = self.blob(Method::PUT, &path).query("restype", "container");
        call.send().await.is(201, "");
        path
    }

    /// Puts a block blob.
    pub(crate) fn put_blob(&self, path: &str, content: &str) -> Call {
        self.blob(Method::PUT, path).header("x-ms-blob-type", "BlockBlob").body(content)
    }
}

/// How a request is let in.
enum Auth {
    Key,
    WrongKey,
    /// By what is in the query, or not at all.
    None,
}

/// A request.
pub(crate) struct Call {
    http: reqwest::Client,
    is_azurite: bool,
    base: String,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    auth: Auth,
}

impl Call {
    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name.to_owned(), value.to_string());
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn wrong_key(mut self) -> Self {
        self.auth = Auth::WrongKey;
        self
    }

    pub(crate) fn unsigned(mut self) -> Self {
        self.auth = Auth::None;
        self
    }

    /// Opens it by a SAS instead of the key.
    pub(crate) fn sas(mut self, sas: &[(String, String)]) -> Self {
        self.query.extend(sas.iter().cloned());
        self.unsigned()
    }

    pub(crate) async fn send(mut self) -> Answer {
        let date = now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        self.headers.insert("x-ms-date".to_owned(), date);
        self.headers.insert("x-ms-version".to_owned(), "2025-07-05".to_owned());
        let path = format!("/{NAME}{}", self.path);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.query.iter().map(|(name, value)| (name, value)))
            .finish();
        let url = format!("{}{}?{query}", self.base, self.path);
        let mut request = self.http.request(self.method.clone(), url);
        match self.auth {
            Auth::Key => {
                let signature = sign(&self.text_to_sign(&path));
                request = request.header("authorization", format!("SharedKey {NAME}:{signature}"));
            }
            Auth::WrongKey => {
                let signature = sign(&(self.text_to_sign(&path) + "x"));
                request = request.header("authorization", format!("SharedKey {NAME}:{signature}"));
            }
            Auth::None => {}
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.method != Method::GET && self.method != Method::HEAD {
            request = request.header("content-length", self.body.len()).body(self.body);
        }
        Answer::read(request.send().await.unwrap(), self.is_azurite).await
    }

    fn text_to_sign(&self, path: &str) -> String {
        let header = |name: &str| self.headers.get(name).map_or("", String::as_str);
        let length = match self.body.len() {
            0 => String::new(),
            length => length.to_string(),
        };
        let mut text = format!(
            "{}\n{}\n{}\n{length}\n{}\n{}\n\n{}\n{}\n{}\n{}\n{}\n",
            self.method,
            header("content-encoding"),
            header("content-language"),
            header("content-md5"),
            header("content-type"),
            header("if-modified-since"),
            header("if-match"),
            header("if-none-match"),
            header("if-unmodified-since"),
            header("range"),
        );
        for (name, value) in self.headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
            text += &format!("{name}:{value}\n");
        }
        text += &format!("/{NAME}{path}");
        let mut query = self.query.clone();
        query.sort();
        for (name, value) in query {
            text += &format!("\n{name}:{value}");
        }
        text
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    is_azurite: bool,
    headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    async fn read(response: Response, is_azurite: bool) -> Self {
        let headers = response.headers().iter().map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        Self { status, is_azurite, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Demands a status and, of a refusal, a code, in the header and in the XML alike.
    #[track_caller]
    pub(crate) fn is(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.header("x-ms-error-code")), (status, code), "{self:#?}");
        if !code.is_empty() && !self.text.is_empty() {
            assert_eq!(self.all("Code"), [code], "{self:#?}");
        }
        // Azurite leaves them out here and there, the more so of refusals.
        for name in ["x-ms-request-id", "x-ms-version", "date"] {
            assert!(self.is_azurite || !self.header(name).is_empty(), "{name}: {self:#?}");
        }
        self
    }

    /// Demands what Azure's documents say, or what Azurite does instead.
    #[track_caller]
    pub(crate) fn differs(self, documented: (u16, &str), azurites: (u16, &str)) -> Self {
        let (status, code) = if self.is_azurite { azurites } else { documented };
        self.is(status, code)
    }

    /// The texts of all elements of a name, as they stand in the document.
    pub(crate) fn all(&self, element: &str) -> Vec<&str> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let pieces = self.text.split(&open).skip(1);
        pieces.map(|piece| piece.split(&close).next().unwrap()).collect()
    }

    /// The text of the one element of a name.
    #[track_caller]
    pub(crate) fn one(&self, element: &str) -> String {
        let all = self.all(element);
        assert_eq!(all.len(), 1, "{element}: {self:#?}");
        all[0].to_owned()
    }
}

/// The signature of a text by the account's key.
pub(crate) fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A time from now, as a SAS has it.
pub(crate) fn minutes_from_now(minutes: i64) -> String {
    let at = now() + SignedDuration::from_mins(minutes);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[expect(clippy::disallowed_methods, reason = "a client signs by its own clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
