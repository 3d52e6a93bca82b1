//! Only the delta travels, to the block; and what arrives is what was taken.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::json;
use shared::ResourceId;
use tests::{Lab, copy_snapshot, create_snapshot};
use xtask::{
    estate::{EXT4_BYTES, PRODUCTION, make_ext4, noise, write_file},
    tools,
};

const WRITTEN: usize = 20 << 20;

/// The numbers of the blocks in which two images differ.
fn changed_blocks(before: &[u8], after: &[u8], block: usize) -> BTreeSet<usize> {
    assert_eq!(before.len(), after.len());
    let pairs = before.chunks(block).zip(after.chunks(block)).enumerate();
    pairs.filter(|(_, (before, after))| before != after).map(|(number, _)| number).collect()
}

fn check_file_system(image: &Path) {
    let e2fsck = tools::need("e2fsck", &["e2fsprogs"]).unwrap();
    tools::output(Command::new(e2fsck).arg("-fn").arg(image)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_copy_moves_the_changed_blocks_and_the_restored_disk_is_the_source() {
    let lab = Lab::start().await.unwrap();
    let image = lab.folder().join("disk.img");
    make_ext4(&image, &lab.folder().join("nothing")).unwrap();
    let before = fs::read(&image).unwrap();
    assert_eq!(before.len() as u64, EXT4_BYTES);
    let disk = lab.make_disk_of("data", json!({ "file": image })).await.unwrap();

    let first = ResourceId::snapshot(PRODUCTION, "app", "s1");
    lab.ask("11111111-0001", &create_snapshot(&disk, "s1")).await.unwrap();
    lab.ask("11111111-0002", &copy_snapshot(&first, "c1")).await.unwrap();
    lab.wait_copied(&ResourceId::snapshot(PRODUCTION, "dr", "c1")).await.unwrap();

    let debugfs = tools::need("debugfs", &["e2fsprogs"]).unwrap();
    let file = lab.folder().join("added");
    // Other bytes than those that the image was made with.
    let added: Vec<u8> = noise(WRITTEN).into_iter().map(|byte| byte ^ 0x5a).collect();
    fs::write(&file, added).unwrap();
    write_file(&debugfs, &image, &file, "added").unwrap();
    let after = fs::read(&image).unwrap();
    let counters = lab.counters().await.unwrap();
    let block = usize::try_from(counters["block_bytes"].as_u64().unwrap()).unwrap();
    let changed = changed_blocks(&before, &after, block);
    assert!(changed.len() * block >= WRITTEN, "the write did not reach the image");
    write_blocks(&lab, &disk, &after, &changed, block).await;

    let second = ResourceId::snapshot(PRODUCTION, "app", "s2");
    let copy = ResourceId::snapshot(PRODUCTION, "dr", "c2");
    lab.ask("11111111-0003", &create_snapshot(&disk, "s2")).await.unwrap();
    lab.ask("11111111-0004", &copy_snapshot(&second, "c2")).await.unwrap();
    lab.wait_copied(&copy).await.unwrap();
    let total = lab.counters().await.unwrap()["bytes_moved"].as_u64().unwrap();
    let of_the_second = total - counters["bytes_moved"].as_u64().unwrap();
    assert_eq!(of_the_second, (changed.len() * block) as u64);

    lab.ask(
        "11111111-0005",
        &json!({
            "kind": "restore_disk", "source": copy, "group": "dr", "name": "restored",
            "sku": "Premium_LRS",
        }),
    )
    .await
    .unwrap();
    let restored = ResourceId::disk(PRODUCTION, "dr", "restored");
    let bytes = lab.content(&restored).await.unwrap();
    assert!(bytes == after, "the restored disk differs from its source");
    let path = lab.folder().join("restored.img");
    fs::write(&path, bytes).unwrap();
    check_file_system(&path);
    lab.stack.stop().await;
}

/// Writes the changed blocks to the disk, as its owner would; neighbours go together.
async fn write_blocks(
    lab: &Lab,
    disk: &ResourceId,
    image: &[u8],
    blocks: &BTreeSet<usize>,
    block: usize,
) {
    let mut runs: Vec<(usize, usize)> = vec![];
    for &number in blocks {
        match runs.last_mut() {
            Some((_, end)) if *end == number => *end += 1,
            _ => runs.push((number, number + 1)),
        }
    }
    for (begin, end) in runs {
        let url = format!("{}/write", lab.stack.control());
        let query = [("id", disk.to_string()), ("offset", (begin * block).to_string())];
        let bytes = image[begin * block..end * block].to_vec();
        let answer = lab.azure.http.post(url).query(&query).body(bytes).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}
