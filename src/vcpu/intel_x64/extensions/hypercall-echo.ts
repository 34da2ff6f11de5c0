/**
 * Answers a hypercall of programs of the guest, whatever ring they run in: VMCALL with RAX = ECHO, the magic number of vmcalls in RDX, and a
 * value in RCX, which comes back with its bits turned over, so that it is seen to have been underneath. RDX is 0 then.
 */
import type { Extension } from "../vm-api.ts";

/** an opcode that the vmcall protocol does not know */
export const ECHO = 0xec40n;

export interface HypercallEcho {
  readonly extension: Extension;
  readonly values: readonly bigint[];
}

export function hypercallEcho(): HypercallEcho {
  const values: bigint[] = [];
  const extension: Extension = (vm) => {
    vm.onVmcall((r) => {
      if (r[0] !== ECHO) return false;
      values.push(r[2]);
      r[2] = BigInt.asUintN(64, ~r[2]);
      return true;
    });
  };
  return { extension, values };
}
