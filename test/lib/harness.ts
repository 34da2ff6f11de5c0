/**
 * The native harness: a Linux program, assembled here, that runs the cases of a file on this CPU.
 *
 * Cases come in on descriptor 0, results go out on descriptor 1, both mapped. It costs one signal per case: the code of a case ends in
 * int3 or a fault, and the handler copies the whole state from the signal frame to the result, then writes the state of the next
 * case into the same frame and returns from the signal. Everything but FS and GS bases and DS-GS is in that frame.
 */

import { ELF_HEADERS, elf } from "./elf.ts";
import { absolute, at, Emitter, type Register } from "./emit.ts";
import { AT, FILL, FX_BYTES, HAS_FX, HEADER, LOCAL_DESCRIPTORS, MEMORY_BYTES, PAGE, VIEWS } from "./layout.ts";

const ORIGIN = 0x6b40_0000;
/** variables and the signal stack, behind the code */
const VARIABLES = ORIGIN + PAGE;
const CURRENT = VARIABLES;
const SCRATCH = VARIABLES + 64;
const SIGNAL_STACK = ORIGIN + 2 * PAGE;
const SIGNAL_STACK_BYTES = 16 * PAGE;
/** the memory object again, all of it writable */
const ALIAS = 0x6c00_0000;
/** the two files */
const INPUT = 0x16b_0000_0000n;
const OUTPUT = 0x26b_0000_0000n;

// asm/unistd_64.h, asm-generic/mman.h, signal.h
const SYS = {
  read: 0,
  mmap: 9,
  rtSigaction: 13,
  rtSigreturn: 15,
  ftruncate: 77,
  sigaltstack: 131,
  modifyLdt: 154,
  exit: 60,
  memfdCreate: 319,
};
const PROT = { r: 1, rw: 3, rwx: 7 };
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;
const MAP_POPULATE = 0x8000;
const SA_FLAGS = 0x4 | 0x0400_0000 | 0x0800_0000 | 0x4000_0000; // SIGINFO RESTORER ONSTACK NODEFER
const SIGNALS = [4, 5, 7, 8, 11]; // ILL TRAP BUS FPE SEGV

/** struct ucontext: flags, link, stack, then 23 registers, then the address of the FXSAVE image with its XSAVE header. */
const UC_GREGS = 40;
const UC_GREGS_IN = 19;
const UC_GREGS_OUT = 23;
const UC_FPSTATE = 224;
const XSTATE_BV = 512;

export function harness(): Uint8Array {
  const e = new Emitter(ORIGIN + ELF_HEADERS);
  handler(e);
  e.label("start");
  start(e);
  return elf(e.finish(), ORIGIN, e.address("start"), SIGNAL_STACK + SIGNAL_STACK_BYTES - ORIGIN);
}

/** Maps everything, installs the handler and traps into it. */
function start(e: Emitter): void {
  const call = (number: number, ...values: (number | bigint | Register)[]): void => {
    const order: Register[] = ["rdi", "rsi", "rdx", "r10", "r8", "r9"];
    values.forEach((v, i) => {
      if (typeof v === "string") e.move(order[i], v);
      else e.set(order[i], v);
    });
    e.systemCall(number);
  };
  // the header says how many bytes each file has
  call(SYS.read, 0, SCRATCH, HEADER);
  e.load64("rbx", absolute(SCRATCH));
  call(SYS.mmap, INPUT, "rbx", PROT.r, MAP_SHARED | MAP_FIXED | MAP_POPULATE, 0, 0);
  call(SYS.mmap, OUTPUT, "rbx", PROT.rw, MAP_SHARED | MAP_FIXED | MAP_POPULATE, 1, 0);
  e.storeImmediate64(absolute(SCRATCH), 0);
  call(SYS.memfdCreate, SCRATCH, 0);
  e.move("rbx", "rax");
  call(SYS.ftruncate, "rbx", MEMORY_BYTES);
  call(SYS.mmap, ALIAS, MEMORY_BYTES, PROT.rw, MAP_SHARED | MAP_FIXED | MAP_POPULATE, "rbx", 0);
  for (const view of VIEWS) {
    const address = (BigInt(view.upper) << 32n) | BigInt(view.low);
    call(SYS.mmap, address, view.pages * PAGE, PROT[view.access], MAP_SHARED | MAP_FIXED | MAP_POPULATE, "rbx", view.offset);
  }
  e.set("rdi", ALIAS);
  e.set("rax", FILL);
  e.set("rcx", MEMORY_BYTES);
  e.repStosb();
  // struct user_desc: entry, base, limit, then bits seg_32bit, contents (2 = code), read_exec_only, …
  for (const d of LOCAL_DESCRIPTORS) {
    e.storeImmediate64(absolute(SCRATCH), d.selector >> 3);
    e.storeImmediate64(absolute(SCRATCH + 4), d.base);
    e.storeImmediate64(absolute(SCRATCH + 8), d.limit);
    e.storeImmediate64(absolute(SCRATCH + 12), d.code ? 2 << 1 : 0);
    call(SYS.modifyLdt, 0x11, SCRATCH, 16);
  }
  // stack_t: address, flags, size
  e.storeImmediate64(absolute(SCRATCH), SIGNAL_STACK);
  e.storeImmediate64(absolute(SCRATCH + 8), 0);
  e.storeImmediate64(absolute(SCRATCH + 16), SIGNAL_STACK_BYTES);
  call(SYS.sigaltstack, SCRATCH, 0);
  // struct sigaction: handler, flags, restorer (must be there, is never used), mask
  e.storeImmediate64(absolute(SCRATCH), e.address("handler"));
  e.storeImmediate64(absolute(SCRATCH + 8), SA_FLAGS);
  e.storeImmediate64(absolute(SCRATCH + 16), e.address("handler"));
  e.storeImmediate64(absolute(SCRATCH + 24), 0);
  for (const signal of SIGNALS) call(SYS.rtSigaction, signal, SCRATCH, 0, 8);
  e.int3();
}

/**
 * Entered with the signal in rdi, siginfo in rsi, ucontext in rdx. Keeps the case in rbx, the result in r12, ucontext in r13,
 * siginfo in r14 and its FXSAVE image in r15.
 */
function handler(e: Emitter): void {
  e.label("handler");
  e.setFlags(2); // the case's AC, NT and ID are still set
  e.move("r13", "rdx");
  e.move("r14", "rsi");
  e.load64("r15", at("rdx", UC_FPSTATE));
  e.load64("rbx", absolute(CURRENT));
  e.test("rbx", "rbx");
  e.branch("je", "first");
  e.set("r12", OUTPUT - INPUT);
  e.add("r12", "rbx");
  save(e);
  e.load32("rax", at("rbx", AT.size));
  e.add("rbx", "rax");
  e.jump("next");
  e.label("first");
  e.set("rbx", INPUT + BigInt(HEADER));
  e.label("next");
  e.store64(absolute(CURRENT), "rbx");
  // progress, for the parent to know what hung or crashed
  e.set("rax", OUTPUT);
  e.increment32(at("rax"));
  e.load32("rax", at("rbx", AT.size));
  e.test("rax", "rax");
  e.branch("jne", "restore");
  e.set("rdi", 0);
  e.systemCall(SYS.exit);
  e.label("restore");
  restore(e);
  e.move("rsp", "r13");
  e.systemCall(SYS.rtSigreturn);
}

function save(e: Emitter): void {
  e.store32(at("r12", AT.signal), "rdi");
  e.load32("rax", at("r14", 8));
  e.store32(at("r12", AT.siCode), "rax");
  e.load64("rax", at("r14", 16));
  e.store64(at("r12", AT.siAddr), "rax");
  copy(e, "r12", AT.gregs, "r13", UC_GREGS, UC_GREGS_OUT * 8);
  for (const s of ["fs", "gs"] as const) {
    e.readBase(s);
    e.store64(at("r12", s === "fs" ? AT.fsBase : AT.gsBase), "rax");
  }
  (["ds", "es", "fs", "gs"] as const).forEach((s, i) => {
    e.storeSegment(at("r12", AT.segments + 2 * i), s);
  });
  e.load32("rax", at("rbx", AT.flags));
  e.lea("rbp", at("r12", AT.fx));
  e.raw(0xa8, HAS_FX); // test al, HAS_FX
  e.branch("je", "saved-fx");
  copy(e, "r12", AT.fx, "r15", 0, FX_BYTES);
  e.lea("rbp", at("rbp", FX_BYTES));
  e.label("saved-fx");
  windows(e, "save", () => {
    // copy out, then set back to FILL
    e.lea("rsi", at("r8", ALIAS));
    e.move("rdi", "rbp");
    e.move("rcx", "r9");
    e.repMovsb();
    e.move("rbp", "rdi");
    e.lea("rdi", at("r8", ALIAS));
    e.move("rcx", "r9");
    e.set("rax", FILL);
    e.repStosb();
  });
}

function restore(e: Emitter): void {
  copy(e, "r13", UC_GREGS, "rbx", AT.gregs, UC_GREGS_IN * 8);
  (["ds", "es", "fs", "gs"] as const).forEach((s, i) => {
    e.loadSegment(s, at("rbx", AT.segments + 2 * i));
  });
  for (const s of ["fs", "gs"] as const) {
    e.load64("rax", at("rbx", s === "fs" ? AT.fsBase : AT.gsBase));
    e.writeBase(s);
  }
  e.load32("rax", at("rbx", AT.flags));
  e.lea("rbp", at("rbx", AT.fx));
  e.raw(0xa8, HAS_FX);
  e.branch("je", "restored-fx");
  copy(e, "r15", 0, "rbx", AT.fx, FX_BYTES);
  e.lea("rbp", at("rbp", FX_BYTES));
  e.label("restored-fx");
  e.storeImmediate64(at("r15", XSTATE_BV), 3); // x87 and SSE from the image, the rest initial
  windows(e, "restore", () => {
    e.move("rsi", "rbp");
    e.lea("rdi", at("r8", ALIAS));
    e.move("rcx", "r9");
    e.repMovsb();
    e.move("rbp", "rsi");
  });
}

/** Runs the body for each window of the case: r8 = its offset, r9 = its length; rbp walks through the bytes. */
function windows(e: Emitter, name: string, body: () => void): void {
  e.load32("r10", at("rbx", AT.windowCount));
  e.lea("r11", at("rbx", AT.windows));
  e.label(`${name}-windows`);
  e.test("r10", "r10");
  e.branch("je", `${name}-windows-end`);
  e.load32("r8", at("r11"));
  e.load32("r9", at("r11", 4));
  body();
  e.lea("r11", at("r11", 8));
  e.decrement("r10");
  e.jump(`${name}-windows`);
  e.label(`${name}-windows-end`);
}

function copy(e: Emitter, to: Register, toOffset: number, from: Register, fromOffset: number, bytes: number): void {
  e.lea("rdi", at(to, toOffset));
  e.lea("rsi", at(from, fromOffset));
  e.set("rcx", bytes / 8);
  e.repMovsq();
}
