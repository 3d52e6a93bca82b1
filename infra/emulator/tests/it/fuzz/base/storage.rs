//! The valid requests of the storage account: one row for each operation of queues and blobs.
//!
//! As in `base.rs`; besides, `{sas}` stands for a signature of the account (then no token is sent),
//! `{message}` for the path of the last message that was seen, `{receipt}` for its receipt.

use super::super::request::Face::{self, Blob, Queue};

/// Face, method, path and query, headers, body (empty: none).
pub(super) type Row =
    (Face, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

/// `^` begins a path in the account.
pub(super) const ROWS: &[Row] = &[
    (Queue, "GET", "^/?comp=list&prefix=que&maxresults=2&include=metadata", &[], ""),
    (Queue, "GET", "^/?comp=list&marker=que1&{sas}", &[], ""),
    (Queue, "PUT", "^/que{n}", &[("x-ms-meta-team", "a")], ""),
    (Queue, "PUT", "^/other{n}?{sas}", &[], ""),
    (Queue, "DELETE", "^/other{n}", &[], ""),
    (Queue, "GET", "^/que{n}?comp=metadata", &[], ""),
    (Queue, "HEAD", "^/que{n}?comp=metadata", &[], ""),
    (Queue, "PUT", "^/que{n}?comp=metadata", &[("x-ms-meta-team", "b")], ""),
    (Queue, "POST", "^/que{n}/messages", &[], MESSAGE),
    (Queue, "POST", "^/que{n}/messages?visibilitytimeout=5&messagettl=60&{sas}", &[], MESSAGE),
    (Queue, "POST", "^/que{n}/messages?messagettl=-1", &[], MESSAGE),
    (Queue, "GET", "^/que{n}/messages?numofmessages=32&visibilitytimeout=1", &[], ""),
    (Queue, "GET", "^/que{n}/messages?{sas}", &[], ""),
    (Queue, "GET", "^/que{n}/messages?peekonly=true&numofmessages=3", &[], ""),
    (Queue, "PUT", "^/{message}?popreceipt={receipt}&visibilitytimeout=0", &[], ""),
    (Queue, "PUT", "^/{message}?popreceipt={receipt}&visibilitytimeout=7", &[], MESSAGE),
    (Queue, "DELETE", "^/{message}?popreceipt={receipt}", &[], ""),
    (Queue, "DELETE", "^/que{n}/messages", &[], ""),
    (Queue, "GET", "^/?restype=service&comp=properties", &[], ""),
    (Blob, "GET", "^/?comp=list&prefix=box&maxresults=1&include=metadata", &[], ""),
    (Blob, "PUT", "^/box{n}?restype=container", &[("x-ms-meta-team", "a")], ""),
    (Blob, "PUT", "^/other{n}?restype=container&{sas}", &[], ""),
    (Blob, "GET", "^/box{n}?restype=container", &[], ""),
    (Blob, "HEAD", "^/box{n}?restype=container&comp=metadata", &[], ""),
    (
        Blob,
        "PUT",
        "^/box{n}?restype=container&comp=metadata",
        &[("x-ms-meta-team", "b"), ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")],
        "",
    ),
    (Blob, "DELETE", "^/other{n}?restype=container", &[], ""),
    (
        Blob,
        "GET",
        "^/box{n}?restype=container&comp=list&delimiter=/&prefix=a/&maxresults=2&include=metadata,uncommittedblobs",
        &[],
        "",
    ),
    (Blob, "GET", "^/box{n}?restype=container&comp=list&{sas}", &[], ""),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}",
        &[
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-blob-content-type", "text/plain"),
            ("x-ms-meta-team", "a"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ],
        "hello",
    ),
    (Blob, "PUT", "^/box{n}/a/b{n}?{sas}", &[("x-ms-blob-type", "BlockBlob")], "hello"),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}",
        &[("x-ms-blob-type", "BlockBlob"), ("if-none-match", "*")],
        "hello",
    ),
    (Blob, "PUT", "^/box{n}/a/c{n}?comp=block&blockid=QQ%3D%3D", &[], "first "),
    (Blob, "PUT", "^/box{n}/a/c{n}?comp=block&blockid=Qg%3D%3D&{sas}", &[], "second"),
    (Blob, "PUT", "^/box{n}/a/c{n}?comp=blocklist", &[("x-ms-meta-team", "a")], BLOCKS),
    (Blob, "GET", "^/box{n}/a/c{n}?comp=blocklist&blocklisttype=all", &[], ""),
    (Blob, "GET", "^/box{n}/a/b{n}", &[], ""),
    (Blob, "GET", "^/box{n}/a/b{n}?{sas}", &[("if-none-match", "\"0x8\"")], ""),
    (
        Blob,
        "GET",
        "^/box{n}/a/c{n}",
        &[("x-ms-range", "bytes=2-8"), ("x-ms-range-get-content-md5", "true")],
        "",
    ),
    (Blob, "HEAD", "^/box{n}/a/b{n}", &[], ""),
    (Blob, "GET", "^/box{n}/a/b{n}?comp=metadata", &[], ""),
    (Blob, "PUT", "^/box{n}/a/b{n}?comp=metadata", &[("x-ms-meta-team", "c")], ""),
    (Blob, "PUT", "^/box{n}/a/b{n}?comp=properties", &[("x-ms-blob-cache-control", "x")], ""),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}?comp=lease",
        &[
            ("x-ms-lease-action", "acquire"),
            ("x-ms-lease-duration", "15"),
            ("x-ms-proposed-lease-id", LEASE),
        ],
        "",
    ),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}?comp=lease",
        &[("x-ms-lease-action", "renew"), ("x-ms-lease-id", LEASE)],
        "",
    ),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}?comp=lease",
        &[
            ("x-ms-lease-action", "change"),
            ("x-ms-lease-id", LEASE),
            ("x-ms-proposed-lease-id", LEASE),
        ],
        "",
    ),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}?comp=lease",
        &[("x-ms-lease-action", "release"), ("x-ms-lease-id", LEASE)],
        "",
    ),
    (
        Blob,
        "PUT",
        "^/box{n}/a/b{n}?comp=lease",
        &[("x-ms-lease-action", "break"), ("x-ms-lease-break-period", "3")],
        "",
    ),
    (Blob, "PUT", "^/box{n}/a/b{n}", &[("x-ms-blob-type", "PageBlob")], ""),
    (Blob, "DELETE", "^/box{n}/a/b{n}", &[("x-ms-lease-id", LEASE)], ""),
    (Blob, "DELETE", "^/box{n}/a/c{n}?{sas}", &[], ""),
];

const LEASE: &str = "33333333-3333-4333-8333-333333333333";
const MESSAGE: &str =
    "<QueueMessage><MessageText>a &lt; &#66; <![CDATA[<c>]]></MessageText></QueueMessage>";
const BLOCKS: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><Latest>QQ==</Latest><Uncommitted>Qg==</Uncommitted></BlockList>";
