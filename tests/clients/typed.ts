// SPDX-License-Identifier: GPL-2.0-or-later
// A client whose types openapi-typescript made of openapi.yaml (./api): it compiles only if the document says what a
// program needs to know, and it runs against the daemon as tests/clients/run starts it.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

declare const process: { env: Record<string, string>; exit(status: number): never };

const { URL: server, TOKEN } = process.env;
const api = createClient<paths>({
    baseUrl: `${server}/api2/json`,
    headers: { Authorization: `PVEAPIToken=${TOKEN}` },
});
const node = "localhost";

function check(holds: boolean, what: string): asserts holds {
    if (!holds)
        throw new Error(`not as expected: ${what}`);
}

async function main(): Promise<void> {
    const devices = await api.GET("/nodes/{node}/hardware/pci", { params: { path: { node } } });
    const gpu = devices.data?.data.find((device) => device.id === "0000:01:00.0");
    check(gpu !== undefined && gpu.vendor === "0x10de" && gpu.iommugroup >= 0, "the list of devices");

    const mapping = await api.POST("/cluster/mapping/pci", {
        body: { id: "gpu", map: [`node=pve1,path=${gpu.id},id=10de:2484,subsystem-id=10de:146b,iommugroup=1`] },
    });
    check(mapping.response.status === 200, "a mapping is created");

    const hostpci0: components["schemas"]["hostpciN"] = "mapping=gpu,pcie=1";
    const created = await api.POST("/nodes/{node}/qemu", {
        params: { path: { node } },
        body: { vmid: 100, name: "typed", machine: "q35", net0: "virtio", hostpci0 },
    });
    const upid = created.data?.data ?? "";
    check(upid.startsWith("UPID:"), "a VM is begun");
    let task = await api.GET("/nodes/{node}/tasks/{upid}/status", { params: { path: { node, upid } } });
    while (task.data?.data.status === "running")
        task = await api.GET("/nodes/{node}/tasks/{upid}/status", { params: { path: { node, upid } } });
    check(task.data?.data.exitstatus === "OK", "a VM is created");

    const vm = { params: { path: { node, vmid: 100 } } };
    const changed = await api.PUT("/nodes/{node}/qemu/{vmid}/config", { ...vm, body: { hostpci15: "mapping=gpu", cores: 2 } });
    check(changed.response.status === 200, "a VM is changed");
    const config = await api.GET("/nodes/{node}/qemu/{vmid}/config", vm);
    const cores: number | undefined = config.data?.data.cores;
    check(cores === 2 && config.data?.data.hostpci0 === hostpci0 && config.data.data.hostpci15 === "mapping=gpu",
        "its configuration");

    const wrong = await api.PUT("/nodes/{node}/qemu/{vmid}/config", { ...vm, body: { hostpci0: "mapping=gpu,pcie=maybe" } });
    check(wrong.response.status === 400 &&
        (wrong.error as components["schemas"]["Error"]).errors?.hostpci0?.includes("hostpci0.pcie: ") === true, "an error");
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
