/** Without an MSR bitmap each RDMSR and WRMSR exits; with this one only those do that a handler is registered for, and those of VMX. */
import type { Extension } from "../vm-api.ts";

export const msrBitmapSaver: Extension = (vm) => vm.passMsrs();
