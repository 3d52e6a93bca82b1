//! The footer of a fixed VHD, which ends what a SAS of a managed disk gives
//! (delta-copy §2.1; Microsoft's "Virtual Hard Disk Image Format Specification").

use jiff::Timestamp;
use uuid::Uuid;

/// Its length; the content before it is a whole number of MiB.
pub(crate) const FOOTER_BYTES: u64 = 512;

/// Midnight of 1 January 2000 in UTC, from which a VHD counts its seconds.
const EPOCH: i64 = 946_684_800;

/// Makes the footer of a disk of `size` bytes.
pub(crate) fn footer(size: u64, id: Uuid, created_at: Timestamp) -> [u8; FOOTER_BYTES as usize] {
    let mut footer = [0; FOOTER_BYTES as usize];
    let mut put = |at: usize, bytes: &[u8]| footer[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"conectix");
    put(8, &2_u32.to_be_bytes()); // features: the reserved bit, always set
    put(12, &0x0001_0000_u32.to_be_bytes()); // version of the format
    put(16, &u64::MAX.to_be_bytes()); // no further header: a fixed disk
    let seconds = u32::try_from(created_at.as_second() - EPOCH).unwrap_or(0);
    put(24, &seconds.to_be_bytes());
    put(28, b"wa\0\0");
    put(32, &0x0007_0000_u32.to_be_bytes());
    put(36, b"Wi2k");
    put(40, &size.to_be_bytes());
    put(48, &size.to_be_bytes());
    let (cylinders, heads, sectors) = geometry(size);
    put(56, &cylinders.to_be_bytes());
    put(58, &[heads, sectors]);
    put(60, &2_u32.to_be_bytes()); // fixed
    put(68, id.as_bytes());
    let sum: u32 = footer.iter().map(|byte| u32::from(*byte)).sum();
    footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
    footer
}

/// Cylinders, heads and sectors per track, by the algorithm of the specification's appendix.
fn geometry(size: u64) -> (u16, u8, u8) {
    let total = (size / 512).min(65_535 * 16 * 255);
    let (mut heads, mut sectors, mut tracks);
    if total >= 65_535 * 16 * 63 {
        (heads, sectors) = (16, 255);
        tracks = total / sectors;
    } else {
        sectors = 17;
        tracks = total / sectors;
        heads = tracks.div_ceil(1024).max(4);
        if tracks >= heads * 1024 || heads > 16 {
            (heads, sectors) = (16, 31);
            tracks = total / sectors;
        }
        if tracks >= heads * 1024 {
            (heads, sectors) = (16, 63);
            tracks = total / sectors;
        }
    }
    let cylinders = u16::try_from(tracks / heads).unwrap_or(u16::MAX);
    (cylinders, heads as u8, sectors as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_sums_up_and_names_its_size() {
        let created = Timestamp::from_second(EPOCH + 77).unwrap();
        let footer = footer(1 << 30, Uuid::from_u128(5), created);
        assert_eq!(&footer[..8], b"conectix");
        assert_eq!(u64::from_be_bytes(footer[48..56].try_into().unwrap()), 1 << 30);
        assert_eq!(u32::from_be_bytes(footer[24..28].try_into().unwrap()), 77);
        let stored = u32::from_be_bytes(footer[64..68].try_into().unwrap());
        let sum: u32 = footer.iter().map(|b| u32::from(*b)).sum::<u32>()
            - footer[64..68].iter().map(|b| u32::from(*b)).sum::<u32>();
        assert_eq!(stored, !sum);
        // As qemu-img reads it back: 2080 cylinders, 16 heads, 63 sectors.
        assert_eq!(
            (u16::from_be_bytes([footer[56], footer[57]]), footer[58], footer[59]),
            (2080, 16, 63)
        );
    }
}
