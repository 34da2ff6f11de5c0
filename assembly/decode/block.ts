/**
 * Blocks: straight runs of records behind a header, found by the linear address of their first byte and the mode they were decoded for.
 * A jump cache answers most look-ups; its misses search the page's list; what is not there is decoded. Records are never freed one by one:
 * when the area is full everything goes.
 */

import { Exec } from "../backend/exec";
import { mustDrop } from "../cpu/code-segments";
import { beginStep } from "../cpu/debug";
import { KEY_MODE, KEY_SINGLE, KEY_STEP, KEY_TRAP } from "../cpu/modes";
import { KIND_FALL, KIND_NEXT, KIND_STEP } from "../generated/kinds";
import {
  BLOCKS,
  BLOCKS_END,
  CODE_PAGES,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  NODE_SIZE,
  PAGE_MASK,
  PROFILE,
  PROFILE_CELLS,
} from "../memory-map";
import { addBlock, findBlock, isCode } from "../mmu/code-pages";
import { fetchAddress } from "../mmu/fetch";
import { fetchHit, protectPage } from "../mmu/tlb";
import { raiseGp } from "../raise";
import { BLOCK_HEADER, Block } from "./header";
import { decodedEnd, decodedRecords, decodeInstruction, fetchCrossed, openWindow } from "./instruction";
import { OP_SIZE, Op } from "./op";

const MAX_INSTRUCTIONS: u32 = 60;
/** records of the longest block: two for each instruction and the closing one */
const MAX_BLOCK: usize = BLOCK_HEADER + (<usize>MAX_INSTRUCTIONS * 3 + 2) * OP_SIZE + NODE_SIZE * 2;

let free: usize = BLOCKS;
/** blocks decoded since start, for the statistics */
export let decodedBlocks: u32 = 0;

/** Forgets every block. The caller makes sure that no record is running. */
export function dropBlocks(): void {
  free = BLOCKS;
  memory.fill(JUMP_CACHE, 0, (<usize>JUMP_CACHE_ENTRIES) << 2);
  memory.fill(CODE_PAGES, 0, (1 << 20) * 4);
}

/** Jump cache cell of a linear address. */
function slotOf(host: usize): usize {
  return JUMP_CACHE + (((host ^ (host >> 12)) & (JUMP_CACHE_ENTRIES - 1)) << 2);
}

/** The block at RIP if TLB and jump cache know it and it needs no further check; else 0. */
export function lookUp(b: Exec): usize {
  if ((b.blockKey & (KEY_MODE | KEY_STEP)) != 2) return 0;
  const host = fetchHit(b, b.rip);
  const block = changetype<Block>(<usize>load<u32>(slotOf(host)));
  return host != 0 && block.host == <u32>host && block.key == b.blockKey && block.second == 0 ? changetype<usize>(block) : 0;
}

function linearRip(b: Exec): u64 {
  if (b.mode == 2) return b.rip;
  if (b.rip > <u64>b.csLimit) raiseGp(b, changetype<Op>(0));
  if (mustDrop()) {
    dropBlocks();
    b.link = 0;
  }
  return (b.rip + b.csBase) & 0xffffffff;
}

/** Whether a record of the running block may remember the block at RIP: both lie in one page, and RIP always leads there. */
function mayLink(b: Exec): bool {
  const base = b.mode == 2 ? 0 : b.csBase;
  return (
    (((b.rip + base) ^ (b.blockRip + base)) & PAGE_MASK) == 0 && <usize>b.link >= BLOCKS && (b.blockKey & (KEY_SINGLE | KEY_STEP)) == 0
  );
}

/** The block at RIP, decoded if need be; remembers it in the cell the last jump named. */
export function find(b: Exec): usize {
  const va = linearRip(b);
  if ((b.blockKey & KEY_STEP) != 0) beginStep(b, va);
  const host = fetchAddress(b, va);
  const slot = slotOf(host);
  let block: usize = load<u32>(slot);
  if (changetype<Block>(block).host != <u32>host || changetype<Block>(block).key != b.blockKey) {
    block = findBlock(host, b.blockKey);
    if (block == 0) block = build(b, va, host);
    store<u32>(slot, <u32>block);
  }
  const second = changetype<Block>(block).second;
  if (second != 0) {
    if (fetchAddress(b, (va & ~(<u64>0xfff)) + 4096) != <usize>second) {
      changetype<Block>(block).host = 0;
      block = build(b, va, host);
      store<u32>(slot, <u32>block);
    }
  } else if (mayLink(b)) {
    store<u32>(<usize>b.link, <u32>block);
  }
  return block;
}

function build(b: Exec, va: u64, host: usize): usize {
  if (free + MAX_BLOCK > BLOCKS_END) {
    dropBlocks();
    b.link = 0;
  }
  const block = changetype<Block>(free);
  const step = (b.blockKey & KEY_STEP) != 0;
  const limit: u32 = (b.blockKey & (KEY_SINGLE | KEY_STEP)) != 0 ? 1 : MAX_INSTRUCTIONS;
  let at = free + BLOCK_HEADER;
  let count: u32 = 0;
  let off: u32 = 0;
  let records: u32 = 0;
  let ended = false;
  openWindow(b, va, host);
  while (count < limit) {
    const length = decodeInstruction(b, at, off, count == 0);
    if (length == 0) break; // does not fit in this page: the next block starts with it
    records += decodedRecords;
    at += <usize>decodedRecords * OP_SIZE;
    count++;
    off += length;
    ended = decodedEnd;
    if (ended || fetchCrossed != 0 || (<u32>va & 0xfff) + off >= 4096) break;
  }
  close(at, step ? KIND_STEP : ended ? KIND_NEXT : KIND_FALL, off);
  changetype<Op>(at).imm = <i64>(<u32>ended | (b.blockKey & KEY_TRAP));
  records++;
  at += OP_SIZE;
  block.host = <u32>host;
  block.key = b.blockKey;
  block.count = count;
  block.runs = 0;
  block.records = records;
  block.second = <u32>fetchCrossed;
  numberInstructions(free + BLOCK_HEADER, records, count);
  addTo(host, free, at);
  at += NODE_SIZE;
  if (fetchCrossed != 0) {
    addTo(fetchCrossed, free, at);
    at += NODE_SIZE;
  }
  decodedBlocks++;
  const made = free;
  free = (at + 15) & ~15;
  return made;
}

/** Puts a block on the list of a page; the first one makes the TLB forget that the page may be written. */
function addTo(host: usize, block: usize, node: usize): void {
  if (!isCode(host)) protectPage(host);
  addBlock(host, block, node);
}

/** The closing record: go where a jump has set RIP to, or fall through; or STEP, which does either. */
function close(at: usize, kind: u32, off: u32): void {
  memory.fill(at, 0, OP_SIZE);
  const op = changetype<Op>(at);
  op.kind = <u16>kind;
  op.off = <u16>off;
}

/** Writes into each record how many instructions are left in the block from it on. */
function numberInstructions(first: usize, records: u32, count: u32): void {
  let left = count;
  let before: u32 = 0;
  for (let i: u32 = 0; i < records; i++) {
    const op = changetype<Op>(first + <usize>i * OP_SIZE);
    if (i > 0 && <u32>op.off != before) left--;
    before = <u32>op.off;
    op.left = <u8>left;
  }
}

/** Adds up, for every kind and its operand classes, how often records of it ran in the blocks that are still known. */
export function profile(): void {
  memory.fill(PROFILE, 0, (<usize>PROFILE_CELLS) << 3);
  for (let page = CODE_PAGES; page < CODE_PAGES + (1 << 20) * 4; page += 4)
    for (let node: usize = load<u32>(page); node != 0; node = load<u32>(node)) {
      const block = changetype<Block>(<usize>load<u32>(node, 4));
      for (let i: u32 = 0; i < block.records; i++) {
        const op = changetype<Op>(changetype<usize>(block) + BLOCK_HEADER + <usize>i * OP_SIZE);
        const cell = PROFILE + ((((<usize>op.kind) << 3) | (op.dk << 2) | op.sk) << 3);
        store<u64>(cell, load<u64>(cell) + <u64>block.runs);
      }
    }
}

export function blockBytes(): u32 {
  return <u32>(free - BLOCKS);
}
