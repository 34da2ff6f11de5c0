/** The options of `minusone run`, as QEMU's users know them, and what they ask for. */
import { MAX_MEMORY_MIB, MIN_MEMORY_MIB } from "../../core/core.ts";
import { MODELS } from "../../cpus/models.ts";
import { MACHINE_TRACE_ITEMS } from "../../debug/trace-items.ts";
import { DEFAULT_MEMORY_MIB } from "../../machine/config.ts";
import { type OptionTable, type Parsed, parsePositive, parseSize, UsageError } from "../options.ts";
import { type KeyValues, onlyKeys, parseInteger, parseKeyValues, parseSwitch } from "./key-values.ts";

export const RUN_OPTIONS: OptionTable = {
  kernel: { value: "FILE", help: "Linux bzImage, multiboot image, PVH or 64-bit ELF file" },
  initrd: { value: "FILE", help: "initial RAM disk; multiboot: modules, as FILE ARGS,FILE ARGS" },
  append: { value: "TEXT", help: "the kernel's command line" },
  m: { value: "SIZE", help: `memory, ${MIN_MEMORY_MIB}M to ${MAX_MEMORY_MIB}M (${DEFAULT_MEMORY_MIB}M)` },
  cpu: { value: "MODEL[,+F,-F]", help: `CPU model: ${MODELS.map((m) => m.name).join(", ")} (max); features added, taken away` },
  smp: { value: "N", help: "processors: 1 is all there is so far" },
  serial: { value: "TO", help: "stdio, file:NAME or null; repeated for COM2 to COM4 (COM1 on stdio)" },
  virtioconsole: { value: "TO", help: "adds a virtio console, /dev/hvc0: stdio, file:NAME or null" },
  nographic: { help: "accepted: there is no other way" },
  monitor: { value: "TO", help: "stdio (with a serial port there too, Ctrl-A c changes over) or none" },
  drive: { value: "SPEC", help: "file=NAME[,readonly=on][,snapshot=on]: a virtio disk; snapshot keeps what is written in memory" },
  device: { value: "SPEC", help: "isa-debug-exit[,iobase=0xf4][,iosize=4], pc-testdev" },
  debugcon: { value: "TO", help: "what is written to port 0xe9: stdio, file:NAME or null" },
  rtc: { value: "base=TIME", help: "clock at power-on: utc, localtime or like 2024-02-29T12:00:00 (2000-01-01)" },
  seed: { value: "N", help: "seed of everything random (0)" },
  vmm: {
    value: "[MODULE…]",
    many: true,
    help: "have a VMM: load it with these modules, ELF shared objects (`vmm start` of the monitor starts it)",
  },
  "vmm-start-on": { value: "TEXT", help: "start it underneath the guest when the first serial port has sent this" },
  "vmm-start-at": { value: "CYCLE", help: "start it in this cycle" },
  "vmm-stop-on": { value: "TEXT", help: "stop it again, and take the guest out of its VM, when the first serial port has sent this" },
  "vmm-stop-at": { value: "CYCLE", help: "stop it in this cycle" },
  "vmm-pool": { value: "SIZE", help: "memory that is hidden from the guest for the VMM (64M)" },
  "no-reboot": { help: "end instead of starting again when the guest resets the machine" },
  S: { help: "do not start: wait for the monitor's cont" },
  d: { value: "ITEMS", help: `log ${Object.keys(MACHINE_TRACE_ITEMS).join(",")} (any of them, with commas)` },
  D: { value: "FILE", help: "the log goes there instead of the standard error output" },
  timeout: { value: "SECONDS", help: "stop after so much real time" },
  "max-instructions": { value: "N", help: "stop after so many instructions" },
  "stats-json": { value: "FILE", help: "write counters as JSON at the end" },
  nodefaults: { help: "accepted: nothing is there by default that is in the way" },
  "no-user-config": { help: "accepted: there is none" },
  display: { value: "none", help: "accepted" },
  vga: { value: "none|std", help: "accepted: the text screen is always there, and shown nowhere" },
  vnc: { value: "none", help: "accepted" },
  machine: { value: "pc[,…]", help: "accepted: pc, with accel= of any kind" },
  accel: { value: "NAME", help: "accepted" },
};

export type Destination = { readonly kind: "stdio" | "null" } | { readonly kind: "file"; readonly path: string };

export interface DriveSpec {
  readonly path: string;
  readonly access: "write" | "read" | "snapshot";
}

export interface DeviceSpecs {
  readonly debugExit: { readonly port: number; readonly size: number } | undefined;
  readonly testDevice: boolean;
}

export interface RunSettings {
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string;
  readonly memory: number;
  readonly cpu: string;
  /** COM1 to COM4, then the virtio console if there is one */
  readonly serial: readonly Destination[];
  readonly virtioConsole: boolean;
  readonly monitor: boolean;
  readonly debugcon: Destination;
  readonly drives: readonly DriveSpec[];
  readonly devices: DeviceSpecs;
  readonly clock: Date | undefined;
  readonly seed: number;
  readonly restarts: boolean;
  readonly frozen: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly maxInstructions: number | undefined;
  readonly statistics: string | undefined;
  readonly vmm: VmmSettings | undefined;
}

/** When the VMM is started or stopped: when the guest has sent a text, or in a cycle. */
export interface Moment {
  readonly text?: string;
  readonly cycle?: number;
}

export interface VmmSettings {
  /** files of modules */
  readonly modules: readonly string[];
  readonly start: Moment;
  readonly stop: Moment;
  readonly poolMib: number | undefined;
}

const MAX_SERIAL = 4;
const NULL: Destination = { kind: "null" };

export function runSettings(parsed: Parsed): RunSettings {
  const { options, rest } = parsed;
  if (rest.length > 0) throw new UsageError(`run takes options only; what is "${rest[0]}"? A kernel is named by -kernel`);
  const last = (name: string) => options.get(name)?.at(-1);
  const timeout = last("timeout");
  const maxInstructions = last("max-instructions");
  const monitor = monitorOn(last("monitor"));
  const settings: RunSettings = {
    kernel: last("kernel"),
    initrd: last("initrd"),
    append: last("append") ?? "",
    memory: memory(last("m")),
    cpu: last("cpu") ?? "max",
    serial: serials(options.get("serial"), last("virtioconsole"), monitor && !options.has("nographic")),
    virtioConsole: options.has("virtioconsole"),
    monitor,
    debugcon: destination("-debugcon", last("debugcon") ?? "null"),
    drives: (options.get("drive") ?? []).map(drive),
    devices: devices(options.get("device") ?? []),
    clock: clock(last("rtc")),
    seed: last("seed") === undefined ? 0 : parseInteger("--seed", last("seed") ?? ""),
    restarts: !options.has("no-reboot"),
    frozen: options.has("S"),
    timeoutSeconds: timeout === undefined ? undefined : parsePositive("--timeout", timeout),
    maxInstructions: maxInstructions === undefined ? undefined : parsePositive("--max-instructions", maxInstructions),
    statistics: last("stats-json"),
    vmm: vmmSettings(parsed),
  };
  checkTogether(settings, last("smp"), last("machine"));
  return settings;
}

const VMM_OPTIONS = ["vmm-start-on", "vmm-start-at", "vmm-stop-on", "vmm-stop-at", "vmm-pool"];

function vmmSettings({ options }: Parsed): VmmSettings | undefined {
  const modules = options.get("vmm");
  const without = VMM_OPTIONS.find((name) => options.has(name));
  if (modules === undefined && without !== undefined) throw new UsageError(`--${without} needs a VMM: add --vmm`);
  if (modules === undefined) return undefined;
  const pool = options.get("vmm-pool")?.at(-1);
  return {
    modules,
    start: moment(options, "vmm-start"),
    stop: moment(options, "vmm-stop"),
    poolMib: pool === undefined ? undefined : parseSize(pool),
  };
}

function moment(options: Parsed["options"], name: string): Moment {
  const text = options.get(`${name}-on`)?.at(-1);
  const cycle = options.get(`${name}-at`)?.at(-1);
  if (text !== undefined && cycle !== undefined) throw new UsageError(`--${name}-on and --${name}-at: choose one`);
  if (text === "") throw new UsageError(`--${name}-on needs a text`);
  if (cycle !== undefined) return { cycle: parseInteger(`--${name}-at`, cycle) };
  return text === undefined ? {} : { text };
}

function checkTogether({ kernel, initrd, append, serial, frozen, monitor }: RunSettings, smp = "1", machine = "pc"): void {
  if (kernel === undefined && initrd !== undefined) throw new UsageError("-initrd needs a -kernel that takes it");
  if (kernel === undefined && append !== "") throw new UsageError("-append needs a -kernel that takes it");
  if (kernel === undefined)
    throw new UsageError("what is to run? Name a kernel with -kernel FILE; booting from disk needs firmware, which is not there yet");
  const processors = /^(?:cpus=)?(\d+)/.exec(smp)?.[1];
  if (processors === undefined) throw new UsageError(`-smp needs a number of processors, not "${smp}"`);
  if (processors !== "1") throw new UsageError(`-smp ${smp} is not possible yet: there is one processor; leave it out`);
  const name = parseKeyValues(machine, "type").get("type") ?? "pc";
  if (!/^(pc|q35|accel|pc-i440fx-.*)$/.test(name)) throw new UsageError(`-machine ${name}: there is pc only`);
  if (serial.filter((to) => to.kind === "stdio").length > 1)
    throw new UsageError("only one -serial can be stdio; send the others to file:NAME or null");
  if (frozen && !monitor) throw new UsageError("-S waits for the monitor's cont: add -monitor stdio");
}

function memory(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MEMORY_MIB;
  const size = parseKeyValues(text, "size").get("size") ?? text;
  const mib = parseSize(size);
  if (!Number.isInteger(mib) || mib < MIN_MEMORY_MIB || mib > MAX_MEMORY_MIB)
    throw new UsageError(`-m ${text} is not possible; choose from ${MIN_MEMORY_MIB}M to ${MAX_MEMORY_MIB}M`);
  return mib;
}

function monitorOn(text = "none"): boolean {
  if (text === "stdio" || text === "mon:stdio") return true;
  if (text === "none" || text === "null") return false;
  throw new UsageError(`-monitor ${text}: it can be on stdio, or none`);
}

/** As in QEMU, a monitor alone on stdio takes the place of the first serial port. */
function serials(texts: readonly string[] | undefined, virtioConsole: string | undefined, monitorAlone: boolean): readonly Destination[] {
  if (virtioConsole !== undefined) {
    const console = destination("-virtioconsole", virtioConsole);
    const ports = serials(texts, undefined, monitorAlone || console.kind === "stdio");
    return [...ports, ...new Array<Destination>(MAX_SERIAL - ports.length).fill(NULL), console];
  }
  if (texts === undefined) return [monitorAlone ? NULL : { kind: "stdio" }];
  if (texts.length > MAX_SERIAL) throw new UsageError(`${texts.length} times -serial; there are ${MAX_SERIAL} ports`);
  return texts.map((text) => destination("-serial", text));
}

function destination(option: string, text: string): Destination {
  if (text === "stdio" || text === "mon:stdio") return { kind: "stdio" };
  if (text === "null" || text === "none") return NULL;
  const path = /^file:(.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { kind: "file", path };
  throw new UsageError(`${option} ${text}: write stdio, file:NAME or null`);
}

function drive(text: string): DriveSpec {
  const values = parseKeyValues(text, "file");
  onlyKeys("-drive", values, ["file", "if", "format", "readonly", "read-only", "snapshot", "media", "id", "index", "cache"]);
  const path = values.get("file");
  if (path === undefined || path === "") throw new UsageError(`-drive ${text}: which file? Write file=NAME`);
  const bus = values.get("if") ?? "virtio";
  if (bus !== "virtio" && bus !== "none") throw new UsageError(`-drive if=${bus}: disks are virtio only; write if=virtio`);
  const format = values.get("format") ?? "raw";
  if (format !== "raw") throw new UsageError(`-drive format=${format}: only raw images; convert it with qemu-img convert -O raw`);
  const on = (key: string) => parseSwitch(`-drive ${key}`, values.get(key) ?? "off");
  const readonly = on("readonly") || on("read-only") || values.get("media") === "cdrom";
  return { path, access: readonly ? "read" : on("snapshot") ? "snapshot" : "write" };
}

const DEVICES = ["isa-debug-exit", "pc-testdev"] as const;

function devices(texts: readonly string[]): DeviceSpecs {
  let debugExit: DeviceSpecs["debugExit"];
  let testDevice = false;
  for (const text of texts) {
    const values = parseKeyValues(text, "driver");
    const name = values.get("driver");
    if (name === "isa-debug-exit") debugExit = debugExitOf(values);
    else if (name === "pc-testdev") testDevice = true;
    else throw new UsageError(`-device ${name}: there are ${DEVICES.join(" and ")}; disks are made by -drive`);
  }
  return { debugExit, testDevice };
}

function debugExitOf(values: KeyValues): { port: number; size: number } {
  onlyKeys("-device isa-debug-exit", values, ["driver", "iobase", "iosize", "id"]);
  return {
    port: parseInteger("iobase", values.get("iobase") ?? "0xf4"),
    size: parseInteger("iosize", values.get("iosize") ?? "4"),
  };
}

/** Where "now" and the time zone come in. */
function clock(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const base = parseKeyValues(text).get("base");
  if (base === undefined) throw new UsageError(`-rtc ${text}: write base=utc, base=localtime or base=2024-02-29T12:00:00`);
  if (base === "utc") return new Date();
  if (base === "localtime") return new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(base)
    ? new Date(base.includes("T") ? `${base}Z` : base)
    : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) throw new UsageError(`-rtc base=${base} is no time; write it like 2024-02-29T12:00:00`);
  return time;
}
