/** Tags the guest's translations, so that they survive VM exits and entries. 0 is the host's tag. */
import { InvalidArgument } from "../../../vmm/errors.ts";
import type { Extension } from "../vm-api.ts";

const MAX = 0xffff;

export function vpid(tag: number): Extension {
  if (!Number.isInteger(tag) || tag < 1 || tag > MAX) throw new InvalidArgument(`a VPID is from 1 to ${MAX}, not ${tag}`);
  return (vm) => vm.setVpid(tag);
}
