/**
 * Which pages hold decoded code, and what happens when one is written: every record of every block of that page becomes STALE, so that
 * even the block that is running right now decodes anew from its next instruction on. Each page of linear memory has the head of a list
 * of nodes { next, block }; an instruction that crosses a page puts its block on both lists.
 */

import { BLOCK_HEADER, Block } from "../decode/header";
import { OP_SIZE, Op } from "../decode/op";
import { KIND_NEXT, KIND_STALE, KIND_STEP } from "../generated/kinds";
import { State } from "../generated/state";
import { CODE_PAGES } from "../memory-map";

/** blocks made stale since start, for the statistics */
export let staleBlocks: u32 = 0;

function headOf(host: usize): usize {
  return CODE_PAGES + ((host >> 12) << 2);
}

export function isCode(host: usize): bool {
  return load<u32>(headOf(host)) != 0;
}

/** Puts a block on the list of the page of `host`, with a node of NODE_SIZE bytes at `node`; writes to the page must be noticed from now on. */
export function addBlock(host: usize, block: usize, node: usize): void {
  const head = headOf(host);
  const next = load<u32>(head);
  store<u32>(node, next);
  store<u32>(node, <u32>block, 4);
  store<u32>(head, <u32>node);
}

/** First block of the page that starts at `host` and was decoded for `key`, or 0. */
export function findBlock(host: usize, key: u32): usize {
  for (let node: usize = load<u32>(headOf(host)); node != 0; node = load<u32>(node)) {
    const block = changetype<Block>(<usize>load<u32>(node, 4));
    if (block.host == <u32>host && block.key == key) return changetype<usize>(block);
  }
  return 0;
}

/** The page of `host` is about to be written. */
export function codeWritten(s: State, host: usize): void {
  const head = headOf(host);
  for (let node: usize = load<u32>(head); node != 0; node = load<u32>(node)) {
    const block = changetype<Block>(<usize>load<u32>(node, 4));
    block.host = 0;
    staleBlocks++;
    const records = changetype<usize>(block) + BLOCK_HEADER;
    for (let i: u32 = 0; i < block.records; i++) {
      const op = changetype<Op>(records + <usize>i * OP_SIZE);
      // the instruction that writes may already have set RIP: a record that only follows it may stay
      if (<u32>op.kind != KIND_NEXT && <u32>op.kind != KIND_STEP) op.kind = <u16>KIND_STALE;
    }
  }
  store<u32>(head, 0);
}
