//! The planner's bench in a real Chromium: built as the portal is, called by one page that holds all
//! that it needs, so that nothing has to be served.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{portal, tools};

/// Plans estates of up to `disks` disks in Chromium, and prints a table.
pub(super) fn bench(root: &Path, disks: usize) -> anyhow::Result<()> {
    let chromium = tools::need("chromium", &["chromium"])?;
    let bound = portal::bind_example(root, "plan")?;
    let page = PAGE
        .replace("{glue}", &bound.glue)
        .replace("{program}", &BASE64_STANDARD.encode(&bound.program))
        .replace("{disks}", &disks.to_string());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("plan.html");
    fs::write(&file, page).context("writing the page")?;
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    // The page's load ends with its script, and the document is printed then.
    let document = tools::output(command.arg("--dump-dom").arg(&file))?;
    let table = document.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (table, _) = table.context("the page shows no table")?;
    ensure!(table.contains("ms"), "the page says: {table}");
    println!("{table}");
    Ok(())
}

/// Measures as the bench on the machine does: the median of five after one to warm up.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<pre></pre>
<script type="module">
{glue}
const table = document.querySelector("pre");
const line = cells => { table.textContent += cells.map(cell => String(cell).padStart(11)).join(" ") + "\n"; };
try {
  const bytes = Uint8Array.from(atob("{program}"), letter => letter.charCodeAt(0));
  const { memory } = initSync({ module: bytes });
  line(["disks", "objects", "plan", "steps", "memory"]);
  for (const disks of [1000, 3334, 10000].filter(disks => disks <= {disks})) {
    const world = World.of_disks(disks);
    const times = [];
    let steps;
    for (let run = 0; run < 6; run++) {
      const begun = performance.now();
      steps = world.plan();
      times.push(performance.now() - begun);
    }
    const median = times.slice(1).sort((a, b) => a - b)[2];
    const mib = Math.round(memory.buffer.byteLength / 1048576);
    line([disks, world.objects(), `${Math.round(median)} ms`, steps, `${mib} MiB`]);
    world.free();
  }
} catch (error) {
  table.textContent = String(error);
}
</script>
"#;
