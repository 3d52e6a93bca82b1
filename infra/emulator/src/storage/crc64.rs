//! The checksum of Azure Storage: CRC-64/NVME, in Base64 of its little-endian bytes
//! (delta-copy §2.4).

use base64::{Engine, engine::general_purpose::STANDARD};

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0x9A6C_9329_AC4B_C9B5 } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// The checksum as headers have it.
pub(super) fn crc64(bytes: &[u8]) -> String {
    let step = |crc: u64, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    STANDARD.encode((!bytes.iter().fold(u64::MAX, step)).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_measured_one() {
        assert_eq!(crc64(&[0; 512]), "6YKnaCgO5h0=");
    }
}
