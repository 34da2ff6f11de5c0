/** Records what QEMU sees the bundled operating system do: `node .scripts/ts.mjs test/demo/record.ts`. */
import { writeFileSync } from "node:fs";
import { comparable, IMAGE, runQemu } from "./kernel-text.ts";

writeFileSync("test/fixtures/demo.txt", comparable(runQemu(IMAGE, "demo")));
