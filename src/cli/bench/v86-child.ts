/** Runs a disk image on v86 and prints its serial port. Arguments: v86's main module, BIOS, VGA BIOS, disk, "on" or "off" for its compiler. */
import { readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

interface Emulator {
  add_listener(event: "serial0-output-byte", fn: (byte: number) => void): void;
}
type V86 = new (options: Readonly<Record<string, unknown>>) => Emulator;

const [main, bios, vga, disk, jit] = process.argv.slice(2);
const { V86 } = (await import(pathToFileURL(main).href)) as { V86: V86 };
const bytes = (path: string): { buffer: ArrayBuffer } => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
const emulator = new V86({
  wasm_path: join(dirname(main), "v86.wasm"),
  memory_size: 128 << 20,
  vga_memory_size: 2 << 20,
  bios: bytes(bios),
  vga_bios: bytes(vga),
  hda: bytes(disk),
  boot_order: 0x312,
  disable_jit: jit === "off",
  autostart: true,
});
let line = "";
emulator.add_listener("serial0-output-byte", (byte) => {
  line += String.fromCharCode(byte);
  if (byte !== 10) return;
  writeSync(1, line);
  line = "";
});
