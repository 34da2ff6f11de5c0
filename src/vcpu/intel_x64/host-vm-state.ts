/**
 * The OS as it stands on the CPU, to go on as the guest at this very instruction boundary. Segments are taken with their hidden parts: the
 * GDT may have been changed since they were loaded.
 */
import { CR4 } from "../../spec/registers.ts";
import { CpuFault, type Intrinsics, SEGMENTS, type Segment, type SegmentName } from "./intrinsics.ts";
import type { VmcsState } from "./state.ts";

const MSR = {
  DEBUGCTL: 0x1d9,
  PAT: 0x277,
  EFER: 0xc000_0080,
  PERF_GLOBAL_CTRL: 0x38f,
  SYSENTER_CS: 0x174,
  SYSENTER_ESP: 0x175,
  SYSENTER_EIP: 0x176,
} as const;
const PERFORMANCE_MONITORING = 0xa;

export function hostVmState(cpu: Intrinsics): VmcsState {
  return {
    segments: Object.fromEntries(SEGMENTS.map((name) => [name, cpu.segment(name)])) as Record<SegmentName, Segment>,
    gdtr: cpu.gdtr,
    idtr: cpu.idtr,
    cr0: cpu.cr0,
    cr3: cpu.cr3,
    cr4: cpu.cr4 | BigInt(CR4.VMXE),
    dr7: cpu.dr7,
    rflags: cpu.rflags,
    rip: cpu.rip,
    rsp: cpu.rsp,
    debugctl: msrIfThere(cpu, MSR.DEBUGCTL),
    pat: cpu.rdmsr(MSR.PAT),
    efer: cpu.rdmsr(MSR.EFER),
    perfGlobalCtrl: (cpu.cpuid(PERFORMANCE_MONITORING).eax & 0xff) >= 2 ? cpu.rdmsr(MSR.PERF_GLOBAL_CTRL) : 0n,
    sysenterCs: cpu.rdmsr(MSR.SYSENTER_CS),
    sysenterEsp: cpu.rdmsr(MSR.SYSENTER_ESP),
    sysenterEip: cpu.rdmsr(MSR.SYSENTER_EIP),
    interruptibility: cpu.interruptibility,
    activity: cpu.activity,
    pendingDebug: cpu.pendingDebug,
    isGuest: false,
  };
}

/** A CPU without the feature has no such register; its VMCS field is 0 then. */
function msrIfThere(cpu: Intrinsics, msr: number): bigint {
  try {
    return cpu.rdmsr(msr);
  } catch (error) {
    if (!(error instanceof CpuFault)) throw error;
    return 0n;
  }
}
