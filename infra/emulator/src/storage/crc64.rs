//! The checksum of Azure Storage: CRC-64/NVME, in Base64 of its little-endian bytes
//! (delta-copy §2.4).

use base64::{Engine, engine::general_purpose::STANDARD};
use crc::{CRC_64_NVME, Crc, Table};

const CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// The checksum as headers have it.
pub(super) fn crc64(bytes: &[u8]) -> String {
    STANDARD.encode(CRC.checksum(bytes).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_measured_one() {
        assert_eq!(crc64(&[0; 512]), "6YKnaCgO5h0=");
    }
}
