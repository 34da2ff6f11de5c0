/**
 * The function being written by Emit: its locals, its temporaries, and the way out of it.
 *
 *     local   0 blockRip (parameter) · 1-16 general registers · 17 flagR · 18 flagA · 19 flagKind · 20 TLB entry · 21 exit record
 *             22 RIP behind the block · then temporaries of type i64, i32, v128
 */
import { access, BR, byte, END, get, I64_LOAD, I64_STORE, IF, i32Const, index, set, TYPE_EMPTY } from "./wasm";

export const REGISTER: u32 = 1;
export const FLAG_R: u32 = 17;
export const FLAG_A: u32 = 18;
export const FLAG_KIND: u32 = 19;
export const TLB_AT: u32 = 20;
export const EXIT: u32 = 21;
export const RIP: u32 = 22;
const TEMPORARY: u32 = 23;
export const MAX_I64: u32 = 1024;
export const MAX_I32: u32 = 128;
const ADDRESS: u32 = TEMPORARY + MAX_I64;
const VECTOR: u32 = ADDRESS + MAX_I32;
export const MAX_V128: u32 = 512;

/** the vCPU the code is for */
export let cpu: usize = 0;
let values: u32 = 0;
let addresses: u32 = 0;
let vectors: u32 = 0;
/** open blocks between here and the block that exits leave through */
let depth: u32 = 0;
/** number of the record being written */
let record: u32 = 0;

export function openFunction(vcpu: usize): void {
  cpu = vcpu;
  values = 0;
  addresses = 0;
  vectors = 0;
  depth = 0;
}

/** Before each record: its number, for exits. False when the temporaries run out. */
export function startRecord(n: u32): bool {
  record = n;
  return values + 96 < MAX_I64 && addresses + 16 < MAX_I32 && vectors + 64 < MAX_V128;
}

/** Leaves the function before the record, whatever it is. */
export function leaveHere(): void {
  i32Const(<i32>record);
  set(EXIT);
  byte(BR);
  index(depth);
}

/** Opens a part that runs if the i32 on the stack is not zero. */
export function openIf(): void {
  byte(IF);
  byte(TYPE_EMPTY);
  depth++;
}

export function closeIf(): void {
  byte(END);
  depth--;
}

/** Leaves the function before the record if the i32 on the stack is not zero. */
export function leaveIf(): void {
  openIf();
  leaveHere();
  closeIf();
}

/** the value on the stack becomes a new temporary */
export function keep(): u32 {
  const local = TEMPORARY + values++;
  set(local);
  return local;
}

export function keepAddress(): u32 {
  const local = ADDRESS + addresses++;
  set(local);
  return local;
}

export function keepVector(): u32 {
  const local = VECTOR + vectors++;
  set(local);
  return local;
}

export function binary(opcode: u32, a: u32, b: u32): void {
  get(a);
  get(b);
  byte(opcode);
}

/** Fills a local from a 64-bit cell of the state. */
export function loadCell(at: u32, local: u32): void {
  i32Const(0);
  access(I64_LOAD, at);
  set(local);
}

/** The other way round. */
export function storeCell(at: u32, local: u32): void {
  i32Const(0);
  get(local);
  access(I64_STORE, at);
}
