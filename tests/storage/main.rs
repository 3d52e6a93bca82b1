//! One contract of queues and block blobs, kept by our emulator and by real Azurite alike.
//!
//! Where Azurite and Azure's documents differ, the case says what each does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod blobs;
mod blocks;
mod client;
mod leases;
mod messages;
mod queues;
mod servers;
mod signatures;

use std::{panic::AssertUnwindSafe, pin::Pin};

use client::Account;
use futures::FutureExt;
use servers::{Azurite, Ours};

/// One case of the contract, on queues and containers of its own.
type Case = fn(Account) -> Pin<Box<dyn Future<Output = ()>>>;

/// Names cases and boxes them.
macro_rules! cases {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |account| {
            Box::pin($module::$name(account))
        })),*]
    };
}

const CASES: &[(&str, Case)] = cases![
    queues::a_queue_is_made_described_and_deleted,
    queues::a_name_must_be_a_plain_one,
    queues::queues_are_listed_by_pages,
    messages::a_message_is_put_peeked_taken_and_deleted,
    messages::messages_are_taken_in_order_and_up_to_32,
    messages::a_taken_message_comes_back_with_another_receipt,
    messages::an_update_hides_anew_and_changes_the_text,
    messages::any_text_of_64_kib_travels_whole,
    messages::a_message_expires,
    messages::clearing_leaves_an_empty_queue,
    blobs::a_container_is_made_described_and_deleted,
    blobs::a_blob_is_put_read_described_and_deleted,
    blobs::a_range_is_read,
    blobs::conditions_are_kept,
    blobs::checksums_are_compared,
    blobs::blobs_are_listed_by_prefix_delimiter_and_pages,
    blobs::metadata_and_properties_are_set,
    blocks::blocks_become_a_blob_when_they_are_committed,
    blocks::a_list_takes_blocks_from_where_it_says,
    blocks::what_cannot_be_committed_is_refused,
    leases::a_lease_keeps_others_from_writing,
    leases::a_lease_is_renewed_changed_released_and_broken,
    leases::what_is_no_lease_is_refused,
    signatures::an_unsigned_or_wrongly_signed_request_is_refused,
    signatures::an_account_sas_opens_what_it_says,
    signatures::a_service_sas_opens_one_thing,
];

/// Runs every case, and tells of all that failed.
async fn keep_the_contract(account: Account) {
    let mut failed = vec![];
    for (name, case) in CASES {
        let run = AssertUnwindSafe(case(account.for_case(name)));
        if run.catch_unwind().await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), CASES.len());
}

#[tokio::test]
async fn our_emulator_keeps_the_contract() {
    let ours = Ours::start().await;
    keep_the_contract(ours.account()).await;
}

#[tokio::test]
async fn azurite_keeps_the_contract() {
    let azurite = Azurite::start();
    keep_the_contract(azurite.account()).await;
}
