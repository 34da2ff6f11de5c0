/**
 * The state of one vCPU: every field, once. The generator prints the AssemblyScript layout from it, `src/core/views.ts` reads
 * the same list, so there is no second one to keep. Fields stand in memory in this order, each at its natural alignment.
 */
export type FieldType = "u8" | "u16" | "u32" | "i64" | "u64" | "f64" | "v128";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** elements of an array field; `name0`… in AssemblyScript */
  readonly count?: number;
  readonly doc: string;
}

export interface PlacedField extends Field {
  readonly offset: number;
  readonly size: number;
}

/** IA32_VMX_BASIC (480H) to IA32_VMX_VMFUNC (491H) */
export const VMX_MSRS = 18;

export const GPR_NAMES = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
] as const;
export const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs"] as const;

const field = (name: string, type: FieldType, doc: string, count?: number): Field =>
  count === undefined ? { name, type, doc } : { name, type, doc, count };

const gprs = GPR_NAMES.map((name) => field(name, "u64", "general-purpose register"));

/** Hidden parts as the manual's "Segment Registers": base and limit in bytes, access rights as in a descriptor's bits 40-55. */
const segments = [...SEGMENT_NAMES, "ldtr", "tr"].flatMap((name) => [
  field(`${name}Base`, "u64", `${name.toUpperCase()} base`),
  field(`${name}Limit`, "u32", `${name.toUpperCase()} limit in bytes`),
  field(`${name}`, "u16", `${name.toUpperCase()} selector`),
  field(`${name}Rights`, "u16", `${name.toUpperCase()} access rights: descriptor bits 40-47 and 52-55`),
]);

/** SDM Vol. 3 "Local APIC Register Address Map" */
const apic = [
  field("apicBase", "u64", "IA32_APIC_BASE"),
  field("apicIcr", "u64", "interrupt command register"),
  field("timerAt", "u64", "cycle in which the local APIC's timer expires next; all ones: never"),
  field("apicId", "u32", "local APIC ID"),
  field("apicPins", "u32", "levels of LINT0 and LINT1"),
  field("apicTpr", "u32", "task-priority register; CR8 is its upper half"),
  field("apicLdr", "u32", "logical destination, bits 24-31"),
  field("apicDfr", "u32", "destination format, bits 28-31"),
  field("apicSvr", "u32", "spurious-interrupt vector register"),
  field("apicEsr", "u32", "error status as read"),
  field("apicErrors", "u32", "errors since the error status was last written"),
  field("apicLvt", "u32", "local vector table: timer, thermal, performance, LINT0, LINT1, error", 6),
  field("apicInitial", "u32", "initial count of the timer"),
  field("apicDivide", "u32", "divide configuration"),
  field("apicIsr", "u32", "in-service register", 8),
  field("apicTmr", "u32", "trigger mode register", 8),
  field("apicIrr", "u32", "interrupt request register", 8),
];

/** Virtual-machine extensions. SDM Vol. 3 "VMX Operation" */
const vmx = [
  field("vmx", "u32", "VMX_… in src/spec/events.ts: not in VMX operation, root, non-root"),
  field("vmcs", "u32", "address of the current VMCS's region in linear memory, or 0"),
  field("vmxonPointer", "u64", "physical address of the VMXON region"),
  field("vmcsPointer", "u64", "physical address of the current VMCS; all ones: none"),
  field(
    "vmxFailure",
    "u32",
    "how the last VM entry failed: a VM-instruction error, VMX_FAILURE_… in src/spec/events.ts, an exit reason with bit 31; 0: it did not",
  ),
  field("vmxPin", "u32", "pin-based controls of the running guest"),
  field("vmxPrimary", "u32", "its primary processor-based controls"),
  field("vmxSecondary", "u32", "its secondary controls, 0 if they are not active"),
  field("eptPointer", "u64", "EPT pointer of the running guest; 0: it has no EPT"),
  field("vmxTscOffset", "u64", "TSC offset of the running guest, or 0"),
  field("vmxTscMultiplier", "u64", "what scales the TSC of the running guest, 2^48 for 1; 0: it is not scaled"),
  field("vmxTrap", "u32", "monitor trap flag: VMX_TRAP_… in src/spec/events.ts"),
  field("vmxPendingDebug", "u64", "debug exceptions of the guest that wait for the next boundary, as in the VMCS field; 0: none"),
  field("vmxPauseFirst", "u64", "time of the first PAUSE of the guest's loop"),
  field("vmxPauseLast", "u64", "time of its last PAUSE; 0: none since VM entry"),
  field("vmxExit", "u32", "1 + the reason of a VM exit that an access to memory has caused, or 0"),
  field("vmxQualification", "u64", "its qualification"),
  field("virtualApic", "u32", "address of its virtual-APIC page in linear memory, or 0"),
  field("apicAccess", "u64", "physical address of its APIC-access page; all ones: none"),
  field("vmxApicWrite", "u32", "1 + the offset in that page that the last instruction has written, or 0"),
  field("vmxVirtualInterrupt", "u32", "1 if a pending virtual interrupt is recognized"),
  field("vmxAlone", "u32", "1 if the next instruction is to run in a block of its own"),
  field("vmxTimerAt", "u64", "cycle in which the VMX-preemption timer expires; all ones: never"),
  field("vmmGate", "u64", "host RIP of VM exits that belong to the TypeScript VMM (assembly/vmx/gate.ts), or 0"),
  field("vmmSave", "u32", "address of its state-save page in linear memory"),
  field("vmxClean", "u32", "1 if nothing of the current VMCS has changed, since it was last found right, that could be wrong"),
  field("tracedExit", "u32", "1 + the reason of the VM exit that the host is told of when the guest goes on (OPTION.TRACE_EXITS), or 0"),
  field("tracedQualification", "u64", "its qualification"),
  field("tracedRip", "u64", "where in the guest it came about"),
  field("tracedAt", "u64", "and when, in cycles"),
  field("vmmEntry", "u64", "host RIP of VM exits that machine code of the VMM looks at first, or 0"),
  field("vmmFault", "u32", "1 + the vector of an exception that this code has raised, or 0"),
  field("vmxCapability", "u64", "IA32_VMX_BASIC and the capability MSRs behind it", VMX_MSRS),
];

export const STATE: readonly Field[] = [
  ...gprs,
  field("rip", "u64", "instruction pointer; exact whenever the core has returned"),
  field("blockRip", "u64", "RIP of the first instruction of the running block"),
  field("zero", "u64", "always zero: the register an absent base or index names"),
  field("ea", "u64", "linear address left by an address record for the record behind it"),
  field("ea2", "u64", "second address cell, for instructions with two memory operands"),
  field("flagR", "i64", "lazy flags: result, sign-extended"),
  field("flagA", "i64", "lazy flags: first operand, sign-extended, or flag bits; assembly/flags.ts"),
  field("flagKind", "u32", "lazy flags: how to read the two, and 64 minus the operand width"),
  field("flagsOther", "u32", "RFLAGS without the six status flags"),
  field("budget", "i64", "instructions left in this slice; at or below zero the slice ends at the next block"),
  field("unused", "i64", "budget taken away to end the slice early"),
  field("slice", "i64", "budget at the start of this slice: slice - budget - unused of it have been used"),
  field("instructions", "u64", "instructions retired before this slice; exact whenever the core has returned"),
  field("left", "i64", "budget of `run` that earlier slices have left"),
  field("idle", "u64", "cycles spent waiting; with the retired instructions they are the time"),
  field("now", "f64", "cycle of the call to the host that is going on, and of the end of the last slice"),
  field("pending", "u32", "what the run loop has to look at: PENDING_… in src/spec/events.ts"),
  field("halted", "u32", "what the processor waits in: HALTED_… in src/spec/events.ts, or 0"),
  field("monitoring", "u32", "1 between MONITOR and whatever ends it"),
  field("once", "u32", "1 while the run loop lets one instruction run out of an interrupt shadow"),
  field("tlb", "u32", "address of the TLB in use (user or supervisor)"),
  field("mode", "u32", "code size: 0 16-bit, 1 32-bit, 2 64-bit"),
  field("blockKey", "u32", "what blocks are decoded for besides their bytes: mode and FPU availability"),
  field("cpl", "u32", "current privilege level"),
  field("stackMask", "u64", "which bits of RSP the stack uses: 16, 32 or 64"),
  field("link", "u32", "address of the cell that caches the block behind the jump just taken"),
  field("stop", "u32", "why the slice ended: STOP_… in src/spec/events.ts"),
  field("options", "u32", "OPTION_… in src/spec/events.ts"),
  field("vector", "u32", "exception being raised"),
  field("errorCode", "u32", "its error code"),
  field("delivering", "u32", "the event being delivered, as IDT-vectoring information (DELIVERING in src/spec/events.ts), or 0"),
  field("deliveringCode", "u32", "error code of that event"),
  field("deliveringLength", "u32", "length of the instruction that is that event, if it is a software one"),
  field("vectoring", "u32", "the event whose delivery raised the exception that is pending, likewise"),
  field("faultAddress", "u64", "what CR2 becomes if the #PF being raised is delivered"),
  field("debugHits", "u64", "bits of DR6 that come with the #DB being raised"),
  field("assumed", "u32", "1 + the CPL to go back to if an access with another level's rights faults; 0 outside of such accesses"),
  field("assumedTlb", "u32", "`tlb` at that level"),
  field("nmiBlocked", "u32", "1 from the delivery of an NMI to the next IRET"),
  field("nmiUnblockedAt", "u64", "1 + instructions retired before the last IRET that ended the blocking of NMIs"),
  field("sipiVector", "u32", "vector of the start-up IPI that has come"),
  field("resumeAt", "u64", "RFLAGS.RF is set while this is one more than the count of instructions"),
  field("pendingDb", "u32", "bits for DR6 of data and I/O breakpoints that the running instruction has struck"),
  field("unstepped", "u32", "1 if the running instruction takes no single-step trap: it has entered a handler"),
  field("current", "u32", "record of the instruction that raised or stopped"),
  field(
    "inhibit",
    "u32",
    "interrupt shadow: 1 after STI, 2 after MOV SS or POP SS; in force while `inhibitAt` is the count of instructions",
  ),
  field("inhibitAt", "u64", "instructions retired right behind the instruction that cast the shadow"),
  ...segments,
  field("gdtrBase", "u64", "GDTR base"),
  field("idtrBase", "u64", "IDTR base"),
  field("gdtrLimit", "u32", "GDTR limit"),
  field("idtrLimit", "u32", "IDTR limit"),
  field("cr0", "u64", "CR0"),
  field("cr2", "u64", "CR2"),
  field("cr3", "u64", "CR3"),
  field("cr4", "u64", "CR4"),
  field("pdpte", "u64", "PDPTE registers of PAE paging", 4),
  field("pkru", "u32", "PKRU"),
  field("xcr0", "u64", "XCR0"),
  field("efer", "u64", "IA32_EFER"),
  field("dr", "u64", "DR0-DR7", 8),
  field("star", "u64", "IA32_STAR"),
  field("lstar", "u64", "IA32_LSTAR"),
  field("cstar", "u64", "IA32_CSTAR"),
  field("fmask", "u64", "IA32_FMASK"),
  field("kernelGsBase", "u64", "IA32_KERNEL_GS_BASE"),
  field("sysenterCs", "u64", "IA32_SYSENTER_CS"),
  field("sysenterEsp", "u64", "IA32_SYSENTER_ESP"),
  field("sysenterEip", "u64", "IA32_SYSENTER_EIP"),
  field("debugctl", "u64", "IA32_DEBUGCTL"),
  field("tscAux", "u64", "IA32_TSC_AUX"),
  field("tscOffset", "u64", "added to the cycle count by RDTSC"),
  field("tscAdjust", "u64", "IA32_TSC_ADJUST"),
  field("tscDeadline", "u64", "IA32_TSC_DEADLINE; 0 when the timer is not armed"),
  field("pat", "u64", "IA32_PAT"),
  field("mtrrCap", "u64", "IA32_MTRRCAP"),
  field("mtrrDefault", "u64", "IA32_MTRR_DEF_TYPE"),
  field("mtrrVariable", "u64", "IA32_MTRR_PHYSBASEn, IA32_MTRR_PHYSMASKn in turn", 16),
  field("mtrrFixed", "u64", "fixed-range MTRRs in the order of their addresses", 11),
  field("miscEnable", "u64", "IA32_MISC_ENABLE"),
  field("featureControl", "u64", "IA32_FEATURE_CONTROL"),
  field("archCapabilities", "u64", "IA32_ARCH_CAPABILITIES"),
  field("specCtrl", "u64", "IA32_SPEC_CTRL"),
  field("biosSignId", "u64", "IA32_BIOS_SIGN_ID"),
  field("xss", "u64", "IA32_XSS"),
  ...apic,
  ...vmx,
  field("random", "u64", "state of the seeded generator behind RDRAND and RDSEED"),
  field("mxcsr", "u32", "MXCSR"),
  field("fcw", "u16", "x87 control word"),
  field("fsw", "u16", "x87 status word; TOP in bits 11-13"),
  field("ftw", "u16", "x87 tags, abridged: bit n set where physical register n is not empty"),
  field("fop", "u16", "x87 last opcode, 11 bits"),
  field("fip", "u64", "x87 last instruction pointer"),
  field("fdp", "u64", "x87 last data pointer"),
  field("fcs", "u16", "x87 last code selector"),
  field("fds", "u16", "x87 last data selector"),
  field("fpr", "v128", "x87 registers by physical number, 80 bits each; MM0-MM7 are their low 64", 8),
  field("xmm", "v128", "XMM0-XMM15", 16),
];

const SIZE: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, i64: 8, u64: 8, f64: 8, v128: 16 };

/** Places the fields; the generated class has the same offsets because both follow natural alignment. */
export function layout(fields: readonly Field[]): { fields: readonly PlacedField[]; size: number } {
  let at = 0;
  const placed = fields.map((f) => {
    const size = SIZE[f.type];
    const offset = Math.ceil(at / size) * size;
    at = offset + size * (f.count ?? 1);
    return { ...f, offset, size };
  });
  return { fields: placed, size: Math.ceil(at / 16) * 16 };
}
