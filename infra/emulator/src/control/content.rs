//! The bytes of disks and snapshots, raw: what a virtual machine would read and write.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use crate::{
    azure::Azure,
    world::{failure::Failure, id::Kind, image::Image},
};

use super::{Answer, Refusal, bad_request, read_id};

/// How much is read or sent at a time.
const CHUNK: usize = 1 << 20;

#[derive(Deserialize)]
pub(super) struct Target {
    id: String,
    #[serde(default)]
    offset: u64,
    /// Of a read: how much; none: all that follows.
    length: Option<u64>,
}

/// Streams the content, or the part of it that `offset` and `length` say.
pub(super) async fn get_content(
    State(azure): State<Azure>,
    Query(target): Query<Target>,
) -> Result<Response, Refusal> {
    let id = read_id(&target.id)?;
    let (image, size) = azure.with(|world, _| {
        let found = world.find(&id)?;
        let incomplete = id.kind == Kind::Snapshot
            && world.snapshots.get(&id.key()).is_some_and(|s| !world.is_complete(s));
        if incomplete {
            return Err(Failure::new(409, "NotComplete", "The copy is below 100 %."));
        }
        Ok((found.image.clone(), found.size_bytes()))
    })??;
    let start = target.offset.min(size);
    let end = target.length.map_or(size, |length| start.saturating_add(length).min(size));
    let chunks = stream::iter((start..end).step_by(CHUNK)).map(move |offset| {
        let length = (end - offset).min(CHUNK as u64) as usize;
        Ok::<_, io::Error>(Bytes::from(image.read(offset, length)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (end - start).into());
    let raw = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, raw);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromFile {
    file: PathBuf,
}

/// Replaces a disk's content by the body, or by a file's.
pub(super) async fn put_content(
    State(azure): State<Azure>,
    Query(target): Query<Target>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let id = read_id(&target.id)?;
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let image = if json {
        let body = to_bytes(request.into_body(), CHUNK).await.map_err(bad_request)?;
        let FromFile { file } = serde_json::from_slice(&body).map_err(bad_request)?;
        read_file(file).await?
    } else {
        let mut image = Image::default();
        let mut offset = 0;
        let mut chunks = request.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(bad_request)?;
            image.write(offset, &chunk);
            offset += chunk.len() as u64;
        }
        image
    };
    let bytes = image.full_bytes();
    azure.with(move |world, _| world.replace(&id, image))??;
    Ok(Json(json!({"stored_bytes": bytes})))
}

/// Writes the body into a disk.
pub(super) async fn post_write(
    State(azure): State<Azure>,
    Query(target): Query<Target>,
    body: Bytes,
) -> Answer {
    let id = read_id(&target.id)?;
    azure.with(|world, _| world.write(&id, target.offset, &body))??;
    Ok(Json(json!({"written_bytes": body.len()})))
}

/// Reads a raw image; its zeros take no room.
pub(super) async fn read_file(path: PathBuf) -> Result<Image, Refusal> {
    let read = tokio::task::spawn_blocking(move || {
        read_sparse(&path).map_err(|error| bad_request(format!("{}: {error}", path.display())))
    });
    read.await.map_err(|error| Refusal::from(anyhow::Error::from(error)))?
}

fn read_sparse(path: &Path) -> io::Result<Image> {
    let mut file = File::open(path)?;
    let mut image = Image::default();
    let mut chunk = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok(image);
        }
        image.write(offset, &chunk[..length]);
        offset += length as u64;
    }
}
