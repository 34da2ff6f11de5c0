/**
 * A short notation for what differs from the ordinary guest and host of test/lib/vmx.ts, for tables of tests. Words, from left to right:
 *
 *     field=v  field|v  field&~… as field&v takes v away     pin, primary, secondary, exit, entry, event: short for their fields; v is hex
 *     +control  -control        a bit of the control fields, by its name in src/spec/vmx-controls.ts
 *     [address]=v               eight bytes of memory
 *     @name                     one of MACROS
 *     #n                        the exit qualification that is expected
 */
import { VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import type { VmxMachine } from "./vmx.ts";

const SHORT: Readonly<Record<string, string>> = {
  pin: "pinBasedVmExecutionControls",
  primary: "primaryProcessorBasedVmExecutionControls",
  secondary: "secondaryProcessorBasedVmExecutionControls",
  exit: "vmExitControls",
  entry: "vmEntryControls",
  event: "vmEntryInterruptionInformation",
};

const virtualSegments = ["Es", "Cs", "Ss", "Ds", "Fs", "Gs"]
  .map((s) => {
    const selector = s === "Cs" ? "1800" : "1000";
    return `guest${s}Selector=${selector} guest${s}Base=${selector}0 guest${s}Limit=ffff guest${s}AccessRights=f3`;
  })
  .join(" ");
const realSegments = ["Es", "Ss", "Ds", "Fs", "Gs"].map((s) => `guest${s}AccessRights=93 guest${s}Limit=ffff`).join(" ");
const LEGACY = "-ia32eModeGuest guestIa32Efer=0";
/** 4 MiB at 0, a page directory with one large page */
const PAGING_32 = "guestCr3=68000 guestCr4=2010 [68000]=e7";

const MACROS: Readonly<Record<string, string>> = {
  ept: "+enableEpt eptPointer=6301e",
  unrestricted: "@ept +unrestrictedGuest",
  tpr: "+useTprShadow virtualApicAddress=60000",
  posted: "@tpr +externalInterruptExiting +virtualInterruptDelivery +acknowledgeInterruptOnExit +processPostedInterrupts",
  ldtr: "guestLdtrAccessRights=82 guestLdtrLimit=fff guestLdtrSelector=50",
  ring3: "guestCsSelector=33 guestCsAccessRights=a0fb guestSsSelector=2b guestSsAccessRights=c0f3",
  guest64: "+ia32eModeGuest guestCr3=1000 guestCr4=2620 guestIa32Efer=d01 guestCsSelector=8 guestCsAccessRights=a09b",
  guest32: `${LEGACY} ${PAGING_32} guestCsSelector=18 guestCsAccessRights=c09b`,
  virtual: `${LEGACY} ${PAGING_32} ${virtualSegments} guestRip=0 guestRflags=20002`,
  real: `@unrestricted ${LEGACY} guestCr0=30 guestCr4=2000 guestCsAccessRights=9b guestCsLimit=ffff ${realSegments}`,
  pae: `${LEGACY} guestCr4=2030 guestCr3=6a000 guestCsSelector=18 guestCsAccessRights=c09b`,
  host32: "@guest32 ~32 -hostAddressSpaceSize hostIa32Efer=0 hostCr3=68000 hostCr4=2010 hostCsSelector=18",
  msrs512: `vmEntryMsrLoadAddress=67000 ${Array.from({ length: 513 }, (_, n) => `[${(0x6_7000 + 16 * n).toString(16)}]=174`).join(" ")}`,
  msrs: "vmEntryMsrLoadAddress=67000 vmEntryMsrLoadCount=2 [67000]=174 [67010]=174",
};

function expand(words: string): readonly string[] {
  return words
    .trim()
    .split(/\s+/)
    .flatMap((word) => {
      if (!word.startsWith("@")) return word === "-" ? [] : [word];
      const macro = MACROS[word.slice(1)];
      if (macro === undefined) throw new Error(`there is no macro ${word}`);
      return expand(macro);
    });
}

function controlOf(word: string) {
  const control = VMX_CONTROLS.find((c) => c.name === word.slice(1));
  if (control === undefined) throw new Error(`there is no control ${word.slice(1)}`);
  return control;
}

/** Controls that would have to be offered. */
export function missingControls(words: string): readonly string[] {
  const needed = expand(words).filter((w) => w.startsWith("+"));
  return [...new Set(needed.map(controlOf).filter((c) => c.setting === "never"))].map((c) => c.name);
}

/** Names of the fields that words set. */
export function fieldsOf(words: string): readonly string[] {
  return expand(words)
    .map((w) => /^(\w+)[=|&]/.exec(w)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => SHORT[name] ?? name);
}

/** `#n` of the words. */
export function qualificationOf(words: string): bigint | undefined {
  const word = expand(words).find((w) => w.startsWith("#"));
  return word === undefined ? undefined : BigInt(word.slice(1));
}

export function change(machine: VmxMachine, words: string): VmxMachine {
  for (const word of expand(words)) {
    if (word.startsWith("#")) continue;
    if (word === "~32") machine.hostIn32();
    else if (word.startsWith("+")) setControl(machine, word);
    else if (word.startsWith("-")) clearControl(machine, word);
    else assign(machine, word);
  }
  return machine;
}

function setControl(machine: VmxMachine, word: string): void {
  const { field, bit } = controlOf(word);
  machine.with({ [SHORT[field]]: (old) => old | (1n << BigInt(bit)) });
  if (field === "secondary") setControl(machine, "+activateSecondaryControls");
}

function clearControl(machine: VmxMachine, word: string): void {
  const { field, bit } = controlOf(word);
  machine.with({ [SHORT[field]]: (old) => old & ~(1n << BigInt(bit)) });
}

function assign(machine: VmxMachine, word: string): void {
  const match = /^(\[?)(\w+)\]?([=|&])([\da-f]+)$/.exec(word);
  if (match === null) throw new Error(`"${word}" is no change of a VMCS`);
  const [, bracket, name, operator, hex] = match;
  const value = BigInt(`0x${hex}`);
  if (bracket !== "") machine.ring0.write(Number.parseInt(name, 16), value);
  else if (operator === "=") machine.with({ [SHORT[name] ?? name]: value });
  else machine.with({ [SHORT[name] ?? name]: (old) => (operator === "|" ? old | value : old & ~value) });
}
