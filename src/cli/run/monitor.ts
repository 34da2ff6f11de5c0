/**
 * The monitor: a line of text in, text out, as QEMU's human monitor. It looks at a machine between two slices, so what it shows is exact, and
 * looking changes nothing.
 */
import { ioapicText, lapicText, pciText, picText } from "../../debug/inspect/controllers-text.ts";
import { eptText } from "../../debug/inspect/ept-text.ts";
import { exitsText } from "../../debug/inspect/exits-text.ts";
import { dump, parseFormat } from "../../debug/inspect/memory-text.ts";
import { memoryMapText, translationsText } from "../../debug/inspect/pages-text.ts";
import { registersText } from "../../debug/inspect/registers-text.ts";
import type { Machine } from "../../machine/machine.ts";
import { REGISTER_NAMES, type RegisterName } from "../../machine/registers.ts";
import { vmmCommand, words } from "./vmm-command.ts";

/** What the monitor may ask of whoever runs the machine. */
export interface Control {
  readonly running: boolean;
  stop(): void;
  cont(): void;
  quit(): void;
}

type Command = { readonly help: string; run(argument: string): string };

const PROMPT = "(minusone) ";

export class Monitor {
  readonly #machine: Machine;
  readonly #control: Control;
  readonly #print: (text: string) => void;
  readonly #commands: Readonly<Record<string, Command>>;
  #line = "";
  #last = "";
  #quit = false;

  constructor(machine: Machine, control: Control, print: (text: string) => void) {
    this.#machine = machine;
    this.#control = control;
    this.#print = print;
    this.#commands = this.#table();
  }

  open(): void {
    this.#print(`minusone monitor, type help for its commands\n${PROMPT}`);
  }

  /** Input as it comes; `echo` where no terminal does it. */
  input(bytes: Uint8Array, echo: "echo" | "quiet"): void {
    for (const byte of bytes) {
      const key = String.fromCharCode(byte);
      if (key === "\n" || key === "\r") {
        if (echo === "echo") this.#print("\n");
        const line = this.#line;
        this.#line = "";
        this.#answer(line);
      } else if (byte === 0x7f || byte === 0x08) {
        if (this.#line !== "" && echo === "echo") this.#print("\b \b");
        this.#line = this.#line.slice(0, -1);
      } else if (byte >= 0x20) {
        this.#line += key;
        if (echo === "echo") this.#print(key);
      }
    }
  }

  /** What a command prints. */
  execute(line: string): string {
    const [, name, argument] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line) ?? ["", "", ""];
    const [word, format] = name.split("/", 2);
    const command = Object.hasOwn(this.#commands, word) ? this.#commands[word] : undefined;
    if (command === undefined) return `there is no command "${name}"; help lists them`;
    try {
      return command.run(format === undefined ? argument : `/${format} ${argument}`);
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return error.message;
      throw error;
    }
  }

  #leave(): void {
    this.#quit = true;
    this.#control.quit();
  }

  #answer(line: string): void {
    const command = line.trim() === "" ? this.#last : line;
    this.#last = command;
    if (command !== "") {
      const text = this.execute(command);
      if (text !== "") this.#print(`${text}\n`);
    }
    if (!this.#quit) this.#print(PROMPT);
  }

  #table(): Readonly<Record<string, Command>> {
    const machine = this.#machine;
    const control = this.#control;
    const silent = (act: () => void) => () => {
      act();
      return "";
    };
    return {
      info: { help: `info ${Object.keys(this.#info()).join("|")}`, run: (about) => this.#inform(about) },
      x: { help: "x/FMT ADDR: memory at a linear address; FMT is COUNT, x d u o c i s, b h w g", run: (a) => this.#examine(a, "linear") },
      xp: { help: "xp/FMT ADDR: memory at a physical address", run: (a) => this.#examine(a, "physical") },
      stop: { help: "stop: halts the machine", run: silent(() => control.stop()) },
      cont: { help: "cont: lets it go on", run: silent(() => control.cont()) },
      c: { help: "c: cont", run: silent(() => control.cont()) },
      vmm: {
        help: "vmm load FILES|start|stop|unload|status|dump|vmcall …: the VMM underneath the guest; vmm help says more",
        run: (line) => {
          const { out, error } = vmmCommand(machine, words(line));
          return error === "" ? out : error;
        },
      },
      system_reset: { help: "system_reset: presses the reset button", run: silent(() => machine.reset()) },
      nmi: { help: "nmi: raises a non-maskable interrupt", run: silent(() => machine.pc.vcpu.raiseNmi()) },
      quit: { help: "quit: ends the machine", run: silent(() => this.#leave()) },
      q: { help: "q: quit", run: silent(() => this.#leave()) },
      help: { help: "help: this list", run: () => this.#help() },
    };
  }

  #help(): string {
    return Object.values(this.#commands)
      .map((c) => c.help)
      .join("\n");
  }

  #info(): Readonly<Record<string, () => string>> {
    const { pc, registers } = this.#machine;
    return {
      status: () => `VM status: ${this.#control.running ? "running" : "paused"}`,
      registers: () => registersText(pc.vcpu),
      mem: () => memoryMapText(registers, pc.memory),
      tlb: () => translationsText(registers, pc.memory),
      mtree: () => `memory:\n${indented(pc.addresses.mappings)}\nports:\n${indented(pc.ports.mappings)}`,
      exits: () => exitsText(pc.core.exitStats()),
      ept: () => eptText(pc.vcpu.get("eptPointer"), pc.memory),
      stats: () => JSON.stringify(this.#machine.stats(), null, 2),
      pic: () => picText(pc),
      apic: () => lapicText(pc),
      ioapic: () => ioapicText(pc),
      pci: () => pciText(pc),
      vmcs: () => this.#machine.vmx.vmcsText(),
      "vmcs explain": () => this.#machine.vmx.explainText(),
    };
  }

  #inform(about: string): string {
    const info = this.#info();
    const known = `info ${Object.keys(info).join("|")}`;
    const name = about === "lapic" ? "apic" : about;
    return Object.hasOwn(info, name) ? info[name]() : about === "" ? known : `there is no info ${about}; there is ${known}`;
  }

  #examine(argument: string, space: "linear" | "physical"): string {
    const match = /^(?:\/(\S*)\s+)?(.+)$/.exec(argument);
    if (match === null) throw new SyntaxError("which address? For example x/4xg 0x100000 or x/10i $rip");
    const format = parseFormat(match[1] ?? "");
    if (format === undefined) throw new SyntaxError(`"${match[1]}" is no format: COUNT, then one of x d u o c i s, then one of b h w g`);
    const machine = this.#machine;
    const read = (at: bigint, length: number) => (space === "linear" ? machine.readVirtual(at, length) : machine.readPhysical(at, length));
    const mode = ([16, 32, 64] as const)[machine.pc.vcpu.getNumber("mode")];
    return dump(read, this.#address(match[2]), format, mode);
  }

  /** Numbers and registers, added and subtracted: "$rsp+8". */
  #address(text: string): bigint {
    let sum = 0n;
    for (const [, sign, term] of text.replaceAll(" ", "").matchAll(/([+-]?)([^+-]*)/g)) {
      if (term === "") continue;
      sum += sign === "-" ? -this.#term(term) : this.#term(term);
    }
    return BigInt.asUintN(64, sum);
  }

  #term(text: string): bigint {
    const register = text.replace(/^\$/, "");
    if (text.startsWith("$") && register === "pc") return this.#machine.registers.rip;
    if (text.startsWith("$") && REGISTER_NAMES.includes(register as RegisterName)) return this.#machine.registers[register as RegisterName];
    if (/^(0x[\da-f]+|\d+)$/i.test(text)) return BigInt(text);
    throw new SyntaxError(`"${text}" is neither a number nor a register like $rip`);
  }
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
