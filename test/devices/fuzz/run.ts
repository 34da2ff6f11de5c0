/**
 * `npm run fuzz:devices -- [--seed S] [--operations N]`: random operations on PCI and virtio devices, and as many on
 * the chips of the board. A failure names its seed.
 */
import { parseArgs } from "node:util";
import { Random } from "../../lib/random.ts";
import { Chips } from "./chips.ts";
import { Guest } from "./guest.ts";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, operations: { type: "string", default: "1000000" } },
});
const operations = Number(values.operations);
const SHARE = 100_000;

let seed = Number(values.seed);
let answered = 0;
let broken = 0;
for (let left = operations; left > 0; left -= SHARE, seed++) {
  const guest = new Guest(seed);
  try {
    guest.run(Math.min(left, SHARE));
    new Chips().run(new Random(seed), Math.min(left, SHARE));
  } catch (error) {
    console.error(`--seed ${seed} --operations ${Math.min(left, SHARE)}: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
  answered += guest.answered;
  broken += guest.broken;
}
console.log(
  `${operations} operations each, ${answered} requests answered, ${broken} times a device needed a reset: nothing threw, hung or strayed`,
);
