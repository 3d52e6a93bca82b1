//! One request to the storage account, taken apart.

use axum::http::{HeaderMap, Method, header, request::Parts};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{ACCOUNT, Service, xml::is_foreign};
use crate::world::{
    failure::Failure,
    storage::{Metadata, blobs::Terms, conditions::Conditions, leases::invalid_header},
};

/// A request whose path leads to the account.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) method: Method,
    /// The path as it was sent, which is what was signed.
    pub(super) raw_path: String,
    /// The queue or container; empty: the service itself.
    pub(super) first: String,
    /// What follows: a blob's name, or `messages` and so on.
    pub(super) rest: String,
    /// Names in lower case, in the order sent.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The service's own URL, as the client sees it.
    pub(super) base: String,
}

impl Call {
    pub(super) fn read(service: Service, parts: &Parts, body: Bytes) -> Result<Self, Failure> {
        let raw_path = parts.uri.path().to_owned();
        let mut pieces = raw_path.trim_start_matches('/').splitn(3, '/');
        let mut piece = || pieces.next().map(crate::arm::percent_decode).unwrap_or_default();
        let (account, first, rest) = (piece(), piece(), piece());
        if account != ACCOUNT {
            return Err(Failure::new(
                404,
                "ResourceNotFound",
                "The specified resource does not exist.",
            ));
        }
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        // What lists tell again must be something that XML can say.
        if url::form_urlencoded::parse(query).any(|(_, value)| value.contains(is_foreign)) {
            return Err(invalid_query());
        }
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Ok(Self {
            service,
            method: parts.method.clone(),
            first,
            rest,
            query: url::form_urlencoded::parse(query)
                .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
                .collect(),
            headers: parts.headers.clone(),
            body,
            base: format!("http://{}/{ACCOUNT}", host.unwrap_or("127.0.0.1")),
            raw_path,
        })
    }

    /// A parameter of the query; an empty one is none.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A whole number in the query, within its limits.
    pub(super) fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Failure> {
        let Some(text) = self.query(name) else { return Ok(None) };
        let Ok(number) = text.parse() else { return Err(invalid_query()) };
        if (least..=most).contains(&number) {
            return Ok(Some(number));
        }
        Err(Failure::new(
            400,
            "OutOfRangeQueryParameterValue",
            "One of the query parameters specified in the request URI is outside the permissible \
             range.",
        ))
    }

    /// How much of a list: 1 to 5,000, and more means 5,000.
    pub(super) fn max_results(&self) -> Result<usize, Failure> {
        let number = self.number("maxresults", 1, i64::from(i32::MAX))?.unwrap_or(5000).min(5000);
        Ok(usize::try_from(number).unwrap_or(5000))
    }

    /// A header's text; an empty one is none.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?.to_str().ok()?;
        Some(value).filter(|value| !value.is_empty())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.header(name).map(str::to_owned)
    }

    pub(super) fn metadata(&self) -> Metadata {
        let texts = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-ms-meta-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        texts.collect()
    }

    /// A GUID in a header.
    pub(super) fn guid(&self, name: &str) -> Result<Option<Uuid>, Failure> {
        self.header(name).map(|text| text.parse().map_err(|_| invalid_header())).transpose()
    }

    pub(super) fn conditions(&self) -> Result<Conditions, Failure> {
        let time = |name| self.header(name).map(|text| http_time(text).ok_or_else(invalid_header));
        Ok(Conditions {
            if_match: self.owned("if-match"),
            if_none_match: self.owned("if-none-match"),
            if_modified_since: time("if-modified-since").transpose()?,
            if_unmodified_since: time("if-unmodified-since").transpose()?,
        })
    }

    pub(super) fn terms(&self) -> Result<Terms, Failure> {
        Ok(Terms { conditions: self.conditions()?, lease: self.guid("x-ms-lease-id")? })
    }
}

/// Reads HTTP's way to write a time.
pub(super) fn http_time(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

pub(super) fn invalid_query() -> Failure {
    Failure::new(
        400,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
    )
}

/// What no operation of the service is about.
pub(super) fn invalid_uri() -> Failure {
    Failure::new(
        400,
        "InvalidUri",
        "The requested URI does not represent any resource on the server.",
    )
}

/// Something of Azure Storage that is not played here: the caller must do without, so that it is no
/// failure of the server, which would be tried again.
pub(super) fn not_implemented(what: &str) -> Failure {
    Failure::new(400, "NotImplemented", format!("This emulator does not have {what}."))
}
