"""The life of a snapshot by azure-mgmt-compute, as its documentation has it."""

import hashlib
import os
import ssl
import time
import urllib.error
import urllib.request

from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient

base = os.environ["ARM_URL"]
client = ComputeManagementClient(
    ManagedIdentityCredential(),
    os.environ["SUBSCRIPTION"],
    base_url=base,
    credential_scopes=["https://management.azure.com/.default"],
    polling_interval=1,
)
disk = client.disks.get("G", "D")


def take(name, group, location, option, source):
    creation = {"createOption": option, "sourceResourceId": source}
    body = {"location": location, "properties": {"incremental": True, "creationData": creation}}
    return client.snapshots.begin_create_or_update(group, name, body).result()


snapshot = take("one", "G", "eastus", "Copy", disk.id)
assert snapshot.creation_data.source_unique_id == disk.unique_id
assert [found.name for found in client.snapshots.list_by_resource_group("G")] == ["one"]

copy = take("copy", "GW", "westus2", "CopyStart", snapshot.id)
assert copy.provisioning_state == "Succeeded"
deadline = time.monotonic() + 60
while client.snapshots.get("GW", "copy").completion_percent < 100:
    assert time.monotonic() < deadline, "the copy does not end"

grant = {"access": "Read", "durationInSeconds": 600}
sas = client.snapshots.begin_grant_access("G", "one", grant).result().access_sas
trust = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
content = hashlib.sha256()
left = disk.disk_size_bytes
with urllib.request.urlopen(sas, context=trust) as answer:
    assert int(answer.headers["Content-Length"]) == left + 512
    while left > 0:
        part = answer.read(min(left, 1 << 20))
        content.update(part)
        left -= len(part)
print("sas", content.hexdigest())
client.snapshots.begin_revoke_access("G", "one").result()
try:
    urllib.request.urlopen(sas, context=trust)
    raise AssertionError("the SAS lives on")
except urllib.error.HTTPError as error:
    assert error.code == 403, error

restored = client.disks.begin_create_or_update(
    "G",
    "restored",
    {
        "location": "eastus",
        "sku": {"name": "Premium_LRS"},
        "properties": {
            "creationData": {"createOption": "Copy", "sourceResourceId": snapshot.id},
        },
    },
).result()
assert restored.disk_size_bytes == disk.disk_size_bytes
client.snapshots.begin_delete("G", "one").result()
print("snapshots left:", *[found.name for found in client.snapshots.list()])
