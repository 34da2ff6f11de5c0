/**
 * What an extension of the VMM works with: handlers for what the guest does, and the parts of the VMCS that make it exit. Everything may be
 * called before the OS is in the VM, while it runs there, and from inside a handler; settings stand until they are disposed of or the vCPU is
 * finished, and an OS that is taken again has them again.
 */
import { CR0, CR4, EFER } from "../../spec/registers.ts";
import { IoBitmaps, MsrBitmap } from "./bitmaps.ts";
import { EptMap } from "./ept-map.ts";
import type { Event } from "./events.ts";
import type { ExitHandler } from "./exit-handler.ts";
import type { Guest } from "./guest.ts";
import { FEATURE_CONTROL, isHidden, isIgnored } from "./guest-msrs.ts";
import type {
  Dispose,
  EptViolation,
  OnCpuid,
  OnCr,
  OnEptViolation,
  OnException,
  OnIo,
  OnMtf,
  OnRdmsr,
  OnVmcall,
  OnWrmsr,
} from "./hooks.ts";
import { INVEPT } from "./intrinsics.ts";
import type { OwnBlock } from "./own-memory.ts";
import type { Platform } from "./platform.ts";
import type { VmcsFields } from "./vmcs-fields.ts";
import { PE_AND_PG } from "./vmcs-setup.ts";

export type Access = EptViolation["access"];
/** What the vCPU calls with its API when it is initialised. */
export type Extension = (vm: VmApi) => void;

type Setting = (fields: VmcsFields, guest: Guest) => void;

const ANY_KEY = 0;
const HIGH_MSRS = 0xc000_0000;
const MSRS = 0x2000;
const PHYSICAL_BITS = 40n;
const CR_CONTROLS = {
  3: ["primary.cr3LoadExiting", "primary.cr3StoreExiting"],
  8: ["primary.cr8LoadExiting", "primary.cr8StoreExiting"],
} as const;
const PG = BigInt(CR0.PG);
const PAE = BigInt(CR4.PAE);
const LMA = BigInt(EFER.LMA);

export class VmApi {
  readonly #platform: Platform;
  readonly #handler: ExitHandler;
  readonly #settings = new Set<Setting>();
  readonly #pages: OwnBlock[] = [];
  #isLaunched = false;
  #io: IoBitmaps | undefined;
  #msr: MsrBitmap | undefined;
  #ept: EptMap | undefined;

  constructor(platform: Platform, handler: ExitHandler) {
    this.#platform = platform;
    this.#handler = handler;
    handler.hooks.unrestrict = () => this.#unrestrict();
  }

  onCpuid(leaf: number | "any", handler: OnCpuid): Dispose {
    const { cpuid } = this.#handler.hooks;
    const { fastPath } = this.#platform;
    if (leaf !== "any") {
      fastPath?.askCpuid(leaf);
      return cpuid.add(leaf, handler);
    }
    fastPath?.ask("cpuid");
    return cpuid.addForAny(handler);
  }

  onRdmsr(msr: number, handler: OnRdmsr): Dispose {
    const { rdmsr } = this.#handler.hooks;
    const dispose = rdmsr.add(msr, handler);
    this.#msr?.set(msr, "read", true);
    this.#askMsr(msr, "r");
    return () => {
      dispose();
      if (!rdmsr.has(msr) && !isOurs(msr)) this.#msr?.set(msr, "read", false);
    };
  }

  onWrmsr(msr: number, handler: OnWrmsr): Dispose {
    const { wrmsr } = this.#handler.hooks;
    const dispose = wrmsr.add(msr, handler);
    this.#msr?.set(msr, "write", true);
    this.#askMsr(msr, "w");
    return () => {
      dispose();
      if (!wrmsr.has(msr) && !isOurs(msr)) this.#msr?.set(msr, "write", false);
    };
  }

  /** MSRs that nobody has a handler for no longer exit. */
  passMsrs(): void {
    if (this.#msr !== undefined) return;
    const bitmap = new MsrBitmap(this.#platform.own);
    this.#msr = bitmap;
    const { rdmsr, wrmsr } = this.#handler.hooks;
    for (const from of [0, HIGH_MSRS])
      for (let msr = from; msr < from + MSRS; msr++) {
        if (isOurs(msr) || rdmsr.has(msr)) bitmap.set(msr, "read", true);
        if (isOurs(msr) || wrmsr.has(msr)) bitmap.set(msr, "write", true);
      }
    this.#set((fields) => {
      fields.set("addressOfMsrBitmaps", bitmap.phys);
      fields.enable("primary.useMsrBitmaps");
    });
  }

  /** Ports `from` to `to`, both included. */
  onIo(from: number, to: number, handler: OnIo): Dispose {
    const bitmaps = this.#ioBitmaps();
    const { hooks } = this.#handler;
    const dispose = hooks.addPorts(from, to, handler);
    for (let port = from; port <= to; port++) bitmaps.set(port, true);
    return () => {
      dispose();
      for (let port = from; port <= to; port++) bitmaps.set(port, hooks.hasPort(port));
    };
  }

  /** Accesses to a control register: of CR0 and CR4, writes that change one of the bits in `mask`; of CR3 and CR8, all. */
  onCr(register: 0 | 3 | 4 | 8, handler: OnCr, mask = 0n): Dispose {
    const dispose = this.#handler.hooks.cr.add(register, handler);
    this.#platform.fastPath?.ask("cr");
    const undo = this.#set((fields) => {
      if (register === 0 || register === 4) watchBits(fields, register, mask);
      else for (const control of CR_CONTROLS[register]) fields.enable(control);
    });
    return () => {
      dispose();
      undo();
      this.#now((fields) => {
        if (register === 0 || register === 4) unwatchBits(fields, register, mask);
        else if (!this.#handler.hooks.cr.has(register)) for (const control of CR_CONTROLS[register]) fields.disable(control);
      });
    };
  }

  onException(vector: number, handler: OnException): Dispose {
    const { exception } = this.#handler.hooks;
    const bit = 1n << BigInt(vector);
    const dispose = exception.add(vector, handler);
    const undo = this.#set((fields) => fields.set("exceptionBitmap", fields.get("exceptionBitmap") | bit));
    return () => {
      dispose();
      undo();
      if (!exception.has(vector)) this.#now((fields) => fields.set("exceptionBitmap", fields.get("exceptionBitmap") & ~bit));
    };
  }

  /** Behind every instruction of the guest. */
  onMtf(handler: OnMtf): Dispose {
    const { mtf } = this.#handler.hooks;
    const dispose = mtf.add(ANY_KEY, handler);
    const undo = this.#set((fields) => fields.enable("primary.monitorTrapFlag"));
    return () => {
      dispose();
      undo();
      if (!mtf.has(ANY_KEY)) this.#now((fields) => fields.disable("primary.monitorTrapFlag"));
    };
  }

  /** Accesses to guest-physical addresses `from` to `to`, both included, that the EPT does not allow. */
  onEptViolation(from: bigint, to: bigint, accesses: readonly Access[], handler: OnEptViolation): Dispose {
    return this.#handler.hooks.addEpt(from, to, accesses, handler);
  }

  onVmcall(handler: OnVmcall): Dispose {
    return this.#handler.hooks.vmcall.add(ANY_KEY, handler);
  }

  /** As soon as the guest can take it. */
  injectEvent(event: Event): void {
    const { events } = this.#handler.guest;
    events.inject(event);
    this.#now(() => this.#handler.settle());
  }

  /** Guest-physical memory; asking for it turns EPT on. */
  get ept(): EptMap {
    if (this.#ept !== undefined) return this.#ept;
    const { cpu, own } = this.#platform;
    const map = new EptMap(own, PHYSICAL_BITS, () => {
      if (this.#isLaunched) cpu.inRoot(() => cpu.invept(INVEPT.SINGLE_CONTEXT, map.pointer));
    });
    this.#ept = map;
    this.#set((fields) => {
      fields.set("eptPointer", map.pointer);
      fields.enable("secondary.enableEpt");
      this.#loadPdptes(fields);
    });
    return map;
  }

  /** Translations of the guest are tagged, and survive exits. */
  setVpid(vpid: number): void {
    this.#set((fields) => {
      fields.set("virtualProcessorIdentifier", BigInt(vpid));
      fields.enable("secondary.enableVpid");
    });
  }

  /** Added to what the guest reads of the time-stamp counter. */
  setTscOffset(offset: bigint): void {
    this.#set((fields) => {
      fields.set("tscOffset", BigInt.asUintN(64, offset));
      fields.enable("primary.useTscOffsetting");
    });
  }

  /** Anything else of the VMCS, now and at every launch. */
  set(setting: (fields: VmcsFields) => void): Dispose {
    return this.#set(setting);
  }

  /** The OS is about to leave the VM: what an extension has changed of its state is to be put back. */
  onPromote(handler: (guest: Guest) => void): Dispose {
    return this.#handler.addPromotion(handler);
  }

  /** A page of the VMM's memory, by physical address; it is given back with the vCPU. */
  ownPage(): bigint {
    const page = this.#platform.own.obtain();
    this.#pages.push(page);
    return page.phys;
  }

  /** A copy. */
  readPhysical(address: bigint, length: number): Uint8Array {
    return this.#platform.own.physical.read(address, length);
  }

  writePhysical(address: bigint, bytes: Uint8Array): void {
    this.#platform.own.physical.write(address, bytes);
  }

  /** How often each reason has come to the exit handler. */
  exitStats(): Readonly<Record<string, number>> {
    return this.#handler.exitStats();
  }

  /** The VMCS is written and about to be launched. */
  prepare(): void {
    for (const setting of this.#settings) setting(this.#handler.guest.fields, this.#handler.guest);
  }

  launched(isLaunched: boolean): void {
    this.#isLaunched = isLaunched;
  }

  release(): void {
    this.#io?.release();
    this.#msr?.release();
    this.#ept?.release();
    for (const page of this.#pages.splice(0)) this.#platform.own.release(page);
    this.#settings.clear();
  }

  /** What the bitmap has no bit for is never answered on the fast path either. */
  #askMsr(msr: number, access: "r" | "w"): void {
    if (MsrBitmap.covers(msr)) this.#platform.fastPath?.askMsrs(msr, msr, access);
  }

  /** In real mode, and without paging, a guest runs only with EPT. */
  #unrestrict(): void {
    const { pointer } = this.ept;
    this.#now((fields) => {
      fields.set("eptPointer", pointer);
      fields.enable("secondary.unrestrictedGuest");
      fields.set("cr0GuestHostMask", fields.get("cr0GuestHostMask") & ~PE_AND_PG);
    });
  }

  #ioBitmaps(): IoBitmaps {
    if (this.#io !== undefined) return this.#io;
    const bitmaps = new IoBitmaps(this.#platform.own);
    this.#io = bitmaps;
    this.#set((fields) => {
      fields.set("addressOfIoBitmapA", bitmaps.physA);
      fields.set("addressOfIoBitmapB", bitmaps.physB);
      fields.enable("primary.useIoBitmaps");
    });
    return bitmaps;
  }

  #set(setting: Setting): Dispose {
    this.#settings.add(setting);
    this.#now(setting);
    return () => this.#settings.delete(setting);
  }

  #now(setting: Setting): void {
    const { guest } = this.#handler;
    if (this.#isLaunched) this.#platform.cpu.inRoot(() => setting(guest.fields, guest));
  }

  /** With EPT the CPU takes the page-directory-pointer-table entries of PAE paging from the VMCS. */
  #loadPdptes(fields: VmcsFields): void {
    const isPae = (fields.get("guestCr0") & PG) !== 0n && (fields.get("guestCr4") & PAE) !== 0n;
    if (!isPae || (fields.get("guestIa32Efer") & LMA) !== 0n) return;
    const table = fields.get("guestCr3") & 0xffff_ffe0n;
    for (let n = 0; n < 4; n++) fields.set(`guestPdpte${n}`, this.#platform.own.physical.read64(table + BigInt(8 * n)));
  }
}

/** The VMM answers these itself, whoever else is interested. */
const isOurs = (msr: number): boolean => isHidden(msr) || isIgnored(msr) || msr === FEATURE_CONTROL;

function watchBits(fields: VmcsFields, register: 0 | 4, bits: bigint): void {
  const name = `cr${register}`;
  fields.set(`${name}ReadShadow`, shadowOf(fields, register));
  fields.set(`${name}GuestHostMask`, fields.get(`${name}GuestHostMask`) | bits);
}

function unwatchBits(fields: VmcsFields, register: 0 | 4, bits: bigint): void {
  fields.set(`cr${register}GuestHostMask`, fields.get(`cr${register}GuestHostMask`) & ~bits);
}

/** What the guest reads at the moment. */
function shadowOf(fields: VmcsFields, register: 0 | 4): bigint {
  const mask = fields.get(`cr${register}GuestHostMask`);
  return (fields.get(`cr${register}ReadShadow`) & mask) | (fields.get(`guestCr${register}`) & ~mask);
}
