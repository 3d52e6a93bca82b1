//! A VHDX around a disk's content: what a SAS of a disk with sectors of 4096 bytes gives
//! (delta-copy §2.1; Microsoft's open specification MS-VHDX).
//!
//! GUESS: the blocks are all there, in order, as in a fixed VHD; how Azure lays its files out is not
//! published.

use std::ops::Range;

use crc::{CRC_32_ISCSI, Crc};
use uuid::{Uuid, uuid};

const MIB: u64 = 1 << 20;

/// A payload block.
const BLOCK: u64 = 32 * MIB;

/// Where the regions begin; each before it takes whole MiB.
const LOG: u64 = MIB;
const METADATA: u64 = 2 * MIB;
const BAT: u64 = 3 * MIB;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The layout of one file.
#[derive(Debug, Clone)]
pub(crate) struct Vhdx {
    disk_bytes: u64,
    sector_bytes: u64,
    id: Uuid,
}

impl Vhdx {
    pub(crate) fn new(disk_bytes: u64, sector_bytes: u64, id: Uuid) -> Self {
        Self { disk_bytes, sector_bytes, id }
    }

    /// All that stands before the content.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = vec![0; self.payload() as usize];
        let mut put = |at: u64, bytes: &[u8]| {
            head[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        };
        put(0, b"vhdxfile");
        let creator: Vec<u8> = "emulator".encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(8, &creator);
        put(64 << 10, &self.header(1));
        put(128 << 10, &self.header(2));
        put(192 << 10, &self.regions());
        put(256 << 10, &self.regions());
        put(METADATA, &self.metadata());
        put(BAT, &self.table());
        head
    }

    /// Where the content stands; blocks of it follow each other.
    pub(crate) fn content(&self) -> Range<u64> {
        self.payload()..self.payload() + self.disk_bytes
    }

    /// The length of the file: the last block is whole.
    pub(crate) fn len(&self) -> u64 {
        self.payload() + self.blocks() * BLOCK
    }

    fn blocks(&self) -> u64 {
        self.disk_bytes.div_ceil(BLOCK)
    }

    /// After so many entries of the table comes one of a sector bitmap.
    fn chunk_ratio(&self) -> u64 {
        (self.sector_bytes << 23) / BLOCK
    }

    fn table_bytes(&self) -> u64 {
        let blocks = self.blocks();
        ((blocks + blocks.saturating_sub(1) / self.chunk_ratio()) * 8).next_multiple_of(MIB)
    }

    fn payload(&self) -> u64 {
        BAT + self.table_bytes()
    }

    fn header(&self, sequence: u64) -> Vec<u8> {
        let mut header = vec![0; 4096];
        header[..4].copy_from_slice(b"head");
        header[8..16].copy_from_slice(&sequence.to_le_bytes());
        header[16..32].copy_from_slice(&self.id.to_bytes_le());
        header[32..48].copy_from_slice(&self.id.to_bytes_le());
        // No log is to be replayed: its id stays zero.
        header[66..68].copy_from_slice(&1_u16.to_le_bytes());
        header[68..72].copy_from_slice(&(MIB as u32).to_le_bytes());
        header[72..80].copy_from_slice(&LOG.to_le_bytes());
        seal(header)
    }

    fn regions(&self) -> Vec<u8> {
        let mut table = vec![0; 64 << 10];
        table[..4].copy_from_slice(b"regi");
        table[8..12].copy_from_slice(&2_u32.to_le_bytes());
        let regions = [
            (uuid!("2dc27766-f623-4200-9d64-115e9bfd4a08"), BAT, self.table_bytes()),
            (uuid!("8b7ca206-4790-4b9a-b8fe-575f050f886e"), METADATA, MIB),
        ];
        for (number, (id, offset, length)) in regions.into_iter().enumerate() {
            let entry = &mut table[16 + 32 * number..][..32];
            entry[..16].copy_from_slice(&id.to_bytes_le());
            entry[16..24].copy_from_slice(&offset.to_le_bytes());
            entry[24..28].copy_from_slice(&(length as u32).to_le_bytes());
            entry[28..32].copy_from_slice(&1_u32.to_le_bytes());
        }
        seal(table)
    }

    fn metadata(&self) -> Vec<u8> {
        /// Flags of an item: of the virtual disk; required.
        const OF_DISK: u32 = 0b010;
        const REQUIRED: u32 = 0b100;
        let sector = (self.sector_bytes as u32).to_le_bytes();
        // Blocks stay allocated, as in a fixed disk.
        let parameters = [(BLOCK as u32).to_le_bytes(), 1_u32.to_le_bytes()].concat();
        let items: [(Uuid, Vec<u8>, u32); 5] = [
            (uuid!("caa16737-fa36-4d43-b3b6-33f0aa44e76b"), parameters, REQUIRED),
            (
                uuid!("2fa54224-cd1b-4876-b211-5dbed83bf4b8"),
                self.disk_bytes.to_le_bytes().to_vec(),
                OF_DISK | REQUIRED,
            ),
            (
                uuid!("beca12ab-b2e6-4523-93ef-c309e000c746"),
                self.id.to_bytes_le().to_vec(),
                OF_DISK | REQUIRED,
            ),
            (uuid!("8141bf1d-a96f-4709-ba47-f233a8faab5f"), sector.to_vec(), OF_DISK | REQUIRED),
            (uuid!("cda348c7-445d-4471-9cc9-e9885251c556"), sector.to_vec(), OF_DISK | REQUIRED),
        ];
        let mut region = vec![0; 65 << 10];
        region[..8].copy_from_slice(b"metadata");
        region[10..12].copy_from_slice(&(items.len() as u16).to_le_bytes());
        let mut at = 64 << 10;
        for (number, (id, value, flags)) in items.iter().enumerate() {
            let entry = &mut region[32 + 32 * number..][..32];
            entry[..16].copy_from_slice(&id.to_bytes_le());
            entry[16..20].copy_from_slice(&(at as u32).to_le_bytes());
            entry[20..24].copy_from_slice(&(value.len() as u32).to_le_bytes());
            entry[24..28].copy_from_slice(&flags.to_le_bytes());
            region[at..at + value.len()].copy_from_slice(value);
            at += value.len();
        }
        region
    }

    /// The block allocation table: every block is fully there.
    fn table(&self) -> Vec<u8> {
        const FULLY_PRESENT: u64 = 6;
        let mut table = Vec::new();
        for block in 0..self.blocks() {
            if block > 0 && block.is_multiple_of(self.chunk_ratio()) {
                table.extend(0_u64.to_le_bytes());
            }
            let at = (self.payload() + block * BLOCK) / MIB;
            table.extend((at << 20 | FULLY_PRESENT).to_le_bytes());
        }
        table
    }
}

/// Puts in the checksum, which is reckoned with zeros in its own place.
fn seal(mut part: Vec<u8>) -> Vec<u8> {
    let sum = CRC.checksum(&part);
    part[4..8].copy_from_slice(&sum.to_le_bytes());
    part
}
