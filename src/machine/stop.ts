/** Why a machine has stopped running. */
export type Stop =
  /** `cycles` of `run` are over */
  | { readonly reason: "cycles" }
  /** `instructions` of `run` have retired */
  | { readonly reason: "instructions" }
  /** `until` of `run` has come true */
  | { readonly reason: "until" }
  /** `stop()` was called, or the `AbortSignal` of `run` fired */
  | { readonly reason: "stopped" }
  /** the guest has written to isa-debug-exit; `code` is the value times two plus one, as the process under QEMU would return */
  | { readonly reason: "exit"; readonly code: number }
  /** the guest has switched the power off */
  | { readonly reason: "power off" }
  /** the guest has reset the machine, and `onReset` is "stop" */
  | { readonly reason: "reset" }
  /** an exception while delivering a double fault: the processor has shut down */
  | { readonly reason: "triple fault" }
  /** the VMM underneath the guest has stopped the processor for ever */
  | { readonly reason: "vmm stopped" }
  /** HLT with interrupts disabled, or with no device that could interrupt: nothing will ever happen */
  | { readonly reason: "halted" }
  /** the guest needs something of the processor that minusone does not have */
  | { readonly reason: "unimplemented"; readonly what: string };

const GOES_ON: readonly Stop["reason"][] = ["cycles", "instructions", "until", "stopped", "halted"];

/** Whether the machine's power is off: `run` will not go on. */
export function isFinal({ reason }: Stop): boolean {
  return !GOES_ON.includes(reason);
}
