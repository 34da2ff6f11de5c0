/** `minusone demo`, and `npm start` without arguments: runs the bundled program of src/demo/guest and says how fast it went. */
import { fileURLToPath } from "node:url";
import { loadCoreModule } from "../boot/core-module.ts";
import { nodeHost } from "../boot/linux-user/host-node.ts";
import { nodeStreams } from "../boot/linux-user/host-streams.ts";
import { LinuxUser } from "../boot/linux-user/run-program.ts";
import { crashReport } from "../debug/crash-report.ts";
import { EXIT } from "./exit-codes.ts";

/** a copy made by the build */
const PROGRAM = fileURLToPath(new URL("../demo/tour", import.meta.url));

export async function demo(): Promise<number> {
  console.log("A static x86-64 Linux program (src/demo/guest) on minusone, an x86-64 processor in WebAssembly:\n");
  const linux = new LinuxUser({
    module: loadCoreModule(),
    host: nodeHost(nodeStreams()),
    program: PROGRAM,
    memoryMib: 64,
    observer: { crash: (crash) => process.stderr.write(crashReport(crash)) },
  });
  const start = performance.now();
  const { ending, instructions, statistics, kernel } = await linux.run();
  const seconds = (performance.now() - start) / 1000;
  const { blocksDecoded } = kernel.core.counters();
  console.log(`
${instructions.toLocaleString("en")} instructions in ${seconds.toFixed(2)} s: ${(instructions / seconds / 1e6).toFixed(0)} million a second
${blocksDecoded.toLocaleString("en")} blocks decoded, ${statistics.pageFaults} pages brought in; signals delivered: ${statistics.signals}

npm start -- exec PROGRAM ARGS…   runs a static x86-64 Linux program of yours, for example busybox
npm start -- --help               lists commands and options
npm run bench                     compares the speed with this machine and with other emulators`);
  if (ending === undefined) return EXIT.INTERNAL;
  return "status" in ending ? ending.status : EXIT.SIGNAL + ending.signal;
}
