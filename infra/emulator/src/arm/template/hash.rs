//! Hashes of the template language: `uniqueString`, and the `templateHash` of deployments.

use serde_json::Value;

use crate::world::mix;

/// Thirteen letters and digits that depend on the arguments, and on nothing else.
///
/// GUESS: Azure does not say how it hashes; this is the two-lane Murmur with a base of 32 that
/// ports of it describe. Names differ from Azure's if that is wrong.
pub(super) fn unique_string(parts: &[String]) -> String {
    let mut hash = murmur(parts.join("-").as_bytes());
    let mut out = String::with_capacity(13);
    for _ in 0..13 {
        out.push(char::from(
            b"abcdefghijklmnopqrstuvwxyz234567"[usize::try_from(hash >> 59).unwrap_or(0)],
        ));
        hash <<= 5;
    }
    out
}

fn murmur(bytes: &[u8]) -> u64 {
    const C1: u32 = 0x239b_961b;
    const C2: u32 = 0xab0e_9789;
    let (mut low, mut high) = (0_u32, 0_u32);
    let word =
        |bytes: &[u8]| bytes.iter().rev().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        low ^= word(&chunk[..4]).wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
        low = low.rotate_left(19).wrapping_add(high).wrapping_mul(5).wrapping_add(0x561c_cd1b);
        high ^= word(&chunk[4..]).wrapping_mul(C2).rotate_left(17).wrapping_mul(C1);
        high = high.rotate_left(13).wrapping_add(low).wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    let tail = chunks.remainder();
    if tail.len() > 4 {
        high ^= word(&tail[4..]).wrapping_mul(C2).rotate_left(17).wrapping_mul(C1);
    }
    if !tail.is_empty() {
        low ^= word(&tail[..tail.len().min(4)]).wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    low ^= length;
    high ^= length;
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    for half in [&mut low, &mut high] {
        *half = (*half ^ (*half >> 16)).wrapping_mul(0x85eb_ca6b);
        *half = (*half ^ (*half >> 13)).wrapping_mul(0xc2b2_ae35);
        *half ^= *half >> 16;
    }
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    (u64::from(high) << 32) | u64::from(low)
}

/// A number that is the same for the same template.
pub(crate) fn template_hash(template: &Value) -> String {
    let text = template.to_string();
    text.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))).to_string()
}

/// A UUID made of a name, as `guid` makes it: version 5 in Azure's form, of a hash of our own.
///
/// GUESS: Azure's is a SHA-1; equal arguments give equal ids here too, but not Azure's.
pub(super) fn guid(parts: &[String]) -> uuid::Uuid {
    let name = parts.join("-");
    let half = |seed: u64| name.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half(0x11fb_06fb_712d_4ddd).to_be_bytes());
    bytes[8..].copy_from_slice(&half(0x98c7_e71b_bd58_8830).to_be_bytes());
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}
