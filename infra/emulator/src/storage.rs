//! The face of Azure Storage: queues and block blobs of one account, as its two endpoints answer.
//!
//! Paths are Azurite's (`http://127.0.0.1:PORT/devstoreaccount1/…`), and so are the account and its
//! key, so that `UseDevelopmentStorage`'s clients need only other ports. Page blobs, append blobs,
//! snapshots and server-side copies are refused with 400.

mod auth;
mod blobs;
mod call;
mod crc64;
mod faults;
mod queues;
mod reply;
mod xml;

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use jiff::Timestamp;

use crate::{
    azure::{Azure, real_now},
    control::faults::{Fault, dropped},
    world::{World, failure::Failure},
};
use call::Call;
use reply::Reply;

/// The name of the account, which every emulator of Azure Storage has.
pub(crate) const ACCOUNT: &str = "devstoreaccount1";
/// The key of the account, published with Azurite; it protects nothing.
pub(crate) const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// GUESS: one body at a time is kept in memory, so this is far below Azure's 5,000 MiB of a blob
/// put whole and 4,000 MiB of a block.
const BODY_LIMIT: usize = 256 << 20;

/// Which of the two endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Blob,
    Queue,
}

/// The connection string of the account, for whatever speaks Azure Storage.
pub(crate) fn connection_string(blob: &str, queue: &str) -> String {
    format!(
        "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};\
         BlobEndpoint={blob};QueueEndpoint={queue};"
    )
}

pub(crate) fn router(azure: Azure, service: Service) -> Router {
    Router::new().fallback(serve).with_state((azure, service))
}

async fn serve(State((azure, service)): State<(Azure, Service)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let Ok(fault) = azure.with_process(|process, _| {
        let fault = Fault::take_of_storage(&mut process.faults, &method, &parts.uri);
        if let Some(seconds) = fault.as_ref().and_then(|fault| fault.clock_seconds) {
            process.world.jump(seconds, real_now());
        }
        fault
    }) else {
        return dropped();
    };
    if let Some(fault) = &fault {
        fault.wait().await;
    }
    let limit = match service {
        Service::Blob => BODY_LIMIT,
        // A message in XML, whose every sign may be an entity.
        Service::Queue => 1 << 20,
    };
    let body = to_bytes(body, limit).await;
    let answered = azure.with(|world, now| {
        let replaced = fault.as_ref().filter(|fault| fault.replaces());
        let reply = match replaced.filter(|fault| !fault.after) {
            Some(fault) => faults::reply(fault),
            None => {
                let call = match body {
                    Ok(body) => Call::read(service, &parts, body),
                    Err(_) => Err(reply::too_large()),
                };
                let answered = call.and_then(|call| answer(world, &call, now));
                let answered = answered.unwrap_or_else(Reply::from);
                replaced.map_or(answered, faults::reply)
            }
        };
        reply.dress(&parts, now)
    });
    match (answered, fault) {
        (Ok(response), Some(fault)) => fault.disturb(response).await,
        (Ok(response), None) => response,
        (Err(error), _) => {
            tracing::error!("{method} {path}: {error:#}");
            dropped()
        }
    }
}

fn answer(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    match call.service {
        Service::Blob => {
            let grant = auth::check(&world.settings, call, blobs::need(call)?)?;
            blobs::serve(world, call, grant, now)
        }
        Service::Queue => {
            auth::check(&world.settings, call, queues::need(call)?)?;
            queues::serve(world, call, now)
        }
    }
}
