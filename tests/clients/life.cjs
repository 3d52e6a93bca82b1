// The life of a snapshot by @azure/arm-compute, as its documentation has it.

const { ComputeManagementClient } = require("@azure/arm-compute");

// A token of the App Service identity endpoint, as @azure/identity would fetch it.
const credential = {
  async getToken() {
    const url =
      process.env.IDENTITY_ENDPOINT +
      "?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";
    const headers = { "X-IDENTITY-HEADER": process.env.IDENTITY_HEADER };
    const answer = await (await fetch(url, { headers })).json();
    return {
      token: answer.access_token,
      expiresOnTimestamp: Number(answer.expires_on) * 1000,
    };
  },
};

function check(holds, what) {
  if (!holds) throw new Error(what);
}

async function main() {
  const client = new ComputeManagementClient(credential, process.env.SUBSCRIPTION, {
    endpoint: process.env.ARM_URL,
  });
  const wait = { updateIntervalInMs: 50 };
  const disk = await client.disks.get("G", "D");
  const take = (group, name, location, createOption, sourceResourceId) =>
    client.snapshots
      .createOrUpdate(
        group,
        name,
        { location, incremental: true, creationData: { createOption, sourceResourceId } },
        wait,
      );
  const snapshot = await take("G", "one", "eastus", "Copy", disk.id);
  check(snapshot.creationData.sourceUniqueId === disk.uniqueId, "another disk's");
  const patched = await client.snapshots.update("G", "one", { tags: { team: "a" } }, wait);
  check(patched.tags.team === "a", "the tag is missing");
  await take("GW", "copy", "westus2", "CopyStart", snapshot.id);
  const deadline = Date.now() + 60_000;
  while ((await client.snapshots.get("GW", "copy")).completionPercent < 100) {
    check(Date.now() < deadline, "the copy does not end");
  }
  const names = [];
  for await (const found of client.snapshots.list()) names.push(found.name);
  check(names.join() === "one,copy", names.join());
  const grant = { access: "Read", durationInSeconds: 60 };
  const access = await client.snapshots.grantAccess("G", "one", grant, wait);
  const head = await fetch(access.accessSAS, { method: "HEAD" });
  check(head.headers.get("content-length") === String(disk.diskSizeBytes + 512), "the length");
  await client.snapshots.revokeAccess("G", "one", wait);
  check((await fetch(access.accessSAS, { method: "HEAD" })).status === 403, "the SAS lives on");
  await client.snapshots.delete("G", "one", wait);
  console.log("taken, copied to 100, granted, revoked, deleted");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
