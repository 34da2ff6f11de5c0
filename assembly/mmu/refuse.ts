/** What becomes of an access that has no translation: a page fault of the guest, or over EPT a VM exit or a virtualization exception. */
import { Op } from "../decode/op";
import { VECTOR_VE } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { raise, raiseExit, raiseGp, raisePf } from "../raise";
import { eptAddress, eptQualification, eptReason, LINEAR_VALID } from "./ept";
import { forgetPage } from "./tlb";
import { becomesException } from "./virtualization-exception";
import { WALK_EXITS, walkError, walkQualification } from "./walk";

/** Right after `walk` has set `walkError`. What the TLB knew about the page goes, as the manual promises. */
export function refuse(s: State, op: Op, va: u64): void {
  forgetPage(va);
  if (walkError != WALK_EXITS) raisePf(s, op, va, walkError >> 1);
  exitForEpt(s, op, va, walkQualification | LINEAR_VALID);
}

/** Right after `loadPdptes` has failed. */
export function refusePdptes(s: State, op: Op): void {
  if (s.eptPointer == 0 || eptReason == 0) raiseGp(s, op);
  exitForEpt(s, op, 0, 0);
}

/** `known` goes into the qualification of a violation. */
function exitForEpt(s: State, op: Op, linear: u64, known: u64): void {
  const qualification = eptReason == V.EXIT_REASON_EPT_VIOLATION ? eptQualification | known : eptQualification;
  if (becomesException(s, qualification, linear, eptAddress)) raise(s, op, VECTOR_VE, 0);
  store<u64>(<usize>s.vmcs + V.GUEST_LINEAR_ADDRESS, linear);
  store<u64>(<usize>s.vmcs + V.GUEST_PHYSICAL_ADDRESS, eptAddress);
  raiseExit(s, op, eptReason, qualification);
}
