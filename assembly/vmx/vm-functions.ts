/** What a guest may do itself by VMFUNC: change to another EPT pointer of a list. SDM Vol. 3 "VM Functions", "EPTP Switching". */
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { hostOf } from "../mmu/physical";
import { leaveContext, takeContext } from "../mmu/tlb-context";
import { isEptPointer } from "./check-controls";
import { field, setField } from "./vmcs";

/** the only function there is: IA32_VMX_VMFUNC */
export const FUNCTIONS: u64 = 1;
const EPTP_SWITCHING: u32 = 0;
const LIST_ENTRIES: u32 = 512;

/** Whether VMFUNC exits: the function in EAX is not enabled, or cannot be done. */
export function functionExits(s: State): bool {
  if ((s.vmxSecondary & V.SECONDARY_ENABLE_VM_FUNCTIONS) == 0) return false;
  if (<u32>s.rax != EPTP_SWITCHING || (field(s, V.VM_FUNCTION_CONTROLS) & FUNCTIONS) == 0) return true;
  const index = <u32>s.rcx;
  if (index >= LIST_ENTRIES) return true;
  const at = hostOf(field(s, V.EPTP_LIST_ADDRESS) + ((<u64>index) << 3));
  return at == 0 || !isEptPointer(load<u64>(at));
}

/** Makes the entry in ECX the EPT pointer. `functionExits` has said that it can be. */
export function switchEptPointer(s: State): void {
  const index = <u32>s.rcx;
  const pointer = load<u64>(hostOf(field(s, V.EPTP_LIST_ADDRESS) + ((<u64>index) << 3)));
  setField(s, V.EPT_POINTER, pointer);
  setField(s, V.EPTP_INDEX, <u64>index);
  leaveContext(s);
  s.eptPointer = pointer;
  takeContext(s);
}
