/**
 * `npm start`: builds what is out of date and runs the command line with the arguments given; without any, the demonstration.
 */
import { fileURLToPath } from "node:url";
import "./build.mjs";

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const given = process.argv.slice(2);
// the command line reads its arguments where Node puts them
process.argv.splice(1, process.argv.length, main, ...(given.length > 0 ? given : ["demo"]));
await import(main);
