/** Extensions underneath programs that run on the core. */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EPT, EptMap } from "../../src/vcpu/intel_x64/ept-map.ts";
import { cpuidCounter } from "../../src/vcpu/intel_x64/extensions/cpuid-counter.ts";
import { cpuidMask } from "../../src/vcpu/intel_x64/extensions/cpuid-mask.ts";
import { hiddenCode } from "../../src/vcpu/intel_x64/extensions/hidden-code.ts";
import { hypercallEcho } from "../../src/vcpu/intel_x64/extensions/hypercall-echo.ts";
import { msrBitmapSaver } from "../../src/vcpu/intel_x64/extensions/msr-bitmap-saver.ts";
import { portLogger } from "../../src/vcpu/intel_x64/extensions/port-logger.ts";
import { syscallTracer } from "../../src/vcpu/intel_x64/extensions/syscall-tracer.ts";
import { tscOffset } from "../../src/vcpu/intel_x64/extensions/tsc-offset.ts";
import { vpid } from "../../src/vcpu/intel_x64/extensions/vpid.ts";
import { writeWatch } from "../../src/vcpu/intel_x64/extensions/write-watch.ts";
import { LogicError, OutOfRange } from "../../src/vmm/errors.ts";
import { CODE, DATA, SELECTOR, STACK } from "../lib/ring0.ts";
import { VmmHost } from "../lib/vmm-host.ts";
import { CoreRig } from "./core-rig.ts";
import { rig as mockRig } from "./rig.ts";

const HLT = "F4";
const CPUID = "0F A2";
const MAGIC = 0xb045_eacd_acd5_2e22n;

it("a VMM takes extensions before it starts, while it runs, and has them again when it is started again", () => {
  const [before, meanwhile] = [cpuidCounter(), cpuidCounter()];
  const host = new VmmHost();
  const { vmm } = host;
  const run = () => host.run();
  vmm.use(before.extension);
  vmm.load();
  vmm.start();
  run();
  vmm.use(meanwhile.extension);
  run();
  const first = [before, meanwhile].map(({ counts }) => counts.get(0) ?? 0);
  expect(first[0]).toBeGreaterThan(first[1]);
  expect(first[1]).toBeGreaterThan(0);
  vmm.stop();
  run();
  expect([before, meanwhile].map(({ counts }) => counts.get(0))).toEqual(first);
  vmm.start();
  run();
  const [a, b] = [before, meanwhile].map(({ counts }, i) => (counts.get(0) ?? 0) - first[i]);
  expect([a > 0, a]).toEqual([true, b]);
});

describe("CPUID", () => {
  it("the counter counts by leaf", () => {
    const { extension, counts } = cpuidCounter();
    // xor eax, eax; cpuid; mov eax, 7; cpuid; mov eax, 7; cpuid
    const rig = new CoreRig({}, undefined, [extension])
      .code(`31 C0 ${CPUID} B8 07 00 00 00 ${CPUID} B8 07 00 00 00 ${CPUID} ${HLT}`)
      .start();
    expect([rig.run(), [...counts]]).toEqual([
      STOP.HALT,
      [
        [0, 1],
        [7, 2],
      ],
    ]);
  });

  it("the mask clears and sets bits of one register of one leaf", () => {
    const code = `B8 01 00 00 00 ${CPUID} ${HLT}`;
    const plain = new CoreRig().code(code).start();
    const masked = new CoreRig({}, undefined, [
      cpuidMask([
        { leaf: 1, register: "edx", clear: 1 << 25, set: 1 << 31 },
        { leaf: 2, register: "edx", clear: -1 },
      ]),
    ])
      .code(code)
      .start();
    plain.run();
    masked.run();
    expect(plain.get("rdx") & (1n << 25n)).toBe(1n << 25n);
    expect(masked.get("rdx")).toBe((plain.get("rdx") & ~(1n << 25n)) | (1n << 31n));
    expect(masked.get("rcx")).toBe(plain.get("rcx"));
  });
});

describe("beside the fast path", () => {
  // mov eax, 1; cpuid; mov eax, 2; cpuid; mov ecx, C0000082h; rdmsr; mov ecx, 174h; rdmsr; mov rax, cr3; mov cr3, rax
  const code = `B8 01 00 00 00 ${CPUID} B8 02 00 00 00 ${CPUID} B9 82 00 00 C0 0F 32 B9 74 01 00 00 0F 32 0F 20 D8 0F 22 D8 ${HLT}`;
  const fast = (use: (rig: CoreRig) => void) => {
    const rig = new CoreRig({}, undefined, [], true).code(code);
    rig.vcpu.init();
    use(rig);
    expect(rig.start().run()).toBe(STOP.HALT);
    return rig.vcpu.exitHandler.exitStats();
  };

  it("what nobody has asked for does not come to the exit handler", () => {
    expect(fast(() => {})).toEqual({});
  });

  it("a handler is called nevertheless", () => {
    const seen: string[] = [];
    const stats = fast(({ vcpu: { vm } }) => {
      vm.onCpuid(2, ({ leaf }) => void seen.push(`cpuid ${leaf}`));
      vm.onRdmsr(0xc000_0082, () => void seen.push("rdmsr"));
      vm.onCr(3, ({ kind }) => seen.push(kind));
    });
    expect(seen).toEqual(["cpuid 2", "rdmsr", "read", "write"]);
    expect(stats).toEqual({ CPUID: 1, RDMSR: 1, "CR ACCESS": 2, "MONITOR TRAP FLAG": 2 });
    expect(fast(({ vcpu }) => vcpu.vm.onCpuid("any", () => undefined))).toEqual({ CPUID: 2 });
  });

  it("the guest sees no VMX, with a handler and without", () => {
    for (const watched of [true, false]) {
      const rig = new CoreRig({}, undefined, [], true).code(`B8 01 00 00 00 ${CPUID} ${HLT}`).start();
      if (watched) rig.vcpu.vm.onCpuid(1, () => undefined);
      rig.run();
      expect(rig.get("rcx") & 0x20n).toBe(0n);
    }
  });

  it("the policy is gone with the vCPU", () => {
    const rig = new CoreRig({}, undefined, [], true).code(`B8 01 00 00 00 ${CPUID} ${HLT}`).start().stop();
    rig.run();
    expect(rig.get("rcx") & 0x20n).toBe(0x20n);
  });
});

describe("MSRs", () => {
  // mov ecx, C0000082h (LSTAR); rdmsr; mov ecx, 10h; rdmsr; mov ecx, 480h; rdmsr
  const READS = `B9 82 00 00 C0 0F 32 B9 10 00 00 00 0F 32 ${HLT}`;

  it("the bitmap keeps them from exiting, except those that somebody watches", () => {
    const without = new CoreRig().code(READS).start();
    without.run();
    expect(without.vcpu.exitHandler.exitStats()).toEqual({ RDMSR: 2 });
    const saved = new CoreRig({}, undefined, [msrBitmapSaver]).code(READS).start();
    expect([saved.run(), saved.vcpu.exitHandler.exitStats()]).toEqual([STOP.HALT, {}]);
    const watched = new CoreRig({}, undefined, [msrBitmapSaver]).code(READS);
    watched.ring0.set({ lstar: 0x1234n });
    watched.vcpu.init();
    const seen: number[] = [];
    const dispose = watched.vcpu.vm.onRdmsr(0xc000_0082, (msr) => {
      seen.push(msr);
      return 0x5555_0000_0001n;
    });
    watched.start();
    // as far as the first RDMSR
    watched.run(2n);
    expect([seen, watched.get("rax"), watched.get("rdx")]).toEqual([[0xc000_0082], 1n, 0x5555n]);
    dispose();
    watched.code(READS).ring0.set({ rip: BigInt(CODE) });
    watched.ring0.vcpu.refresh();
    watched.run();
    expect(watched.vcpu.exitHandler.exitStats()).toEqual({ RDMSR: 1 });
  });

  it("with the bitmap those of VMX still are #GP", () => {
    const rig = new CoreRig({}, undefined, [msrBitmapSaver]).code(`B9 80 04 00 00 0F 32 ${HLT}`);
    rig.ring0
      .interruptible()
      .gate(13, SELECTOR.CODE64, CODE + 0x100)
      .code(HLT, CODE + 0x100);
    rig.start();
    expect([rig.run(), rig.ring0.vcpu.get("rip")]).toEqual([STOP.HALT, BigInt(CODE) + 0x101n]);
  });

  it("onWrmsr changes what is written, or nothing is written", () => {
    const rig = new CoreRig().code(`B9 82 00 00 C0 B8 11 00 00 00 31 D2 0F 30 ${HLT}`);
    rig.vcpu.init();
    rig.vcpu.vm.onWrmsr(0xc000_0082, (_msr, value) => value + 0x100n);
    rig.start();
    rig.run();
    expect(rig.ring0.vcpu.get("lstar")).toBe(0x111n);
    const ignoring = new CoreRig().code(`B9 82 00 00 C0 B8 11 00 00 00 31 D2 0F 30 ${HLT}`);
    ignoring.start().vcpu.vm.onWrmsr(0xc000_0082, () => "ignore");
    ignoring.run();
    expect(ignoring.ring0.vcpu.get("lstar")).toBe(0n);
  });
});

it("the TSC offset is added to RDTSC, without exits", () => {
  const code = `0F 31 ${HLT}`;
  const [plain, moved] = [new CoreRig(), new CoreRig({}, undefined, [tscOffset(0x12_0000_0000n)])].map((rig) => {
    rig.code(code).start().run();
    return rig;
  });
  const tsc = ({ ring0 }: CoreRig) => (ring0.vcpu.get("rdx") << 32n) | ring0.vcpu.get("rax");
  expect(tsc(moved) - tsc(plain)).toBe(0x12_0000_0000n);
  expect(moved.vcpu.exitHandler.exitStats()).toEqual({});
});

it("with a VPID the guest's translations survive exits", () => {
  // mov al, [DATA]; a page table changes behind the guest's back; cpuid; mov bl, [DATA]
  const code = `8A 04 25 00 00 60 00 31 C0 ${CPUID} 8A 1C 25 00 00 60 00 ${HLT}`;
  const read = (extensions: ConstructorParameters<typeof CoreRig>[2]) => {
    const rig = new CoreRig({}, undefined, extensions).code(code);
    rig.ring0.write(0x3018, 0x20_00e7n).write(0x20_0000, 0x11n).write(0, 0x22n);
    rig.vcpu.init();
    rig.vcpu.vm.onCpuid("any", () => {
      rig.ring0.write(0x3018, 0xe7n);
      return undefined;
    });
    rig.start().run();
    return rig.get("rbx") & 0xffn;
  };
  expect([read([]), read([vpid(5)])]).toEqual([0x22n, 0x11n]);
  expect(() => vpid(0)).toThrow(/1 to 65535/);
});

describe("ports", () => {
  const ports = () => {
    const written: [number, number, number][] = [];
    return {
      written,
      host: { portIn: (port: number, size: number) => port + size, portOut: (...w: [number, number, number]) => void written.push(w) },
    };
  };

  it("the logger notes IN and OUT of its ports, which go on as before; others do not exit", () => {
    const { extension, notes } = portLogger(0x3f8, 0x3ff);
    const { host, written } = ports();
    // mov dx, 3f8h; mov eax, 41424344h; out dx, al; out dx, eax; in al, dx; mov dx, 400h; out dx, al; in ax, 60h
    const code = `66 BA F8 03 B8 44 43 42 41 EE EF EC 66 BA 00 04 EE 66 E5 60 ${HLT}`;
    const rig = new CoreRig(host, undefined, [extension]).code(code).start();
    expect(rig.run()).toBe(STOP.HALT);
    const at = (offset: number) => ({ isString: false, rip: BigInt(CODE + offset) });
    expect(notes).toEqual([
      { port: 0x3f8, size: 1, direction: "out", value: 0x44, ...at(9) },
      { port: 0x3f8, size: 4, direction: "out", value: 0x4142_4344, ...at(10) },
      { port: 0x3f8, size: 1, direction: "in", value: 0, ...at(11) },
    ]);
    expect(written).toEqual([
      [0x3f8, 1, 0x44],
      [0x3f8, 4, 0x4142_4344],
      [0x400, 1, 0xf9],
    ]);
    expect(rig.get("rax")).toBe(0x4142_0062n);
    expect(rig.vcpu.exitHandler.exitStats()).toEqual({ "IO INSTRUCTION": 3 });
  });

  it("string instructions go through one element at a time", () => {
    const { extension, notes } = portLogger(0x3f8, 0x3f8);
    const { host, written } = ports();
    // mov esi, DATA; mov ecx, 3; mov dx, 3f8h; rep outsb
    const rig = new CoreRig(host, undefined, [extension]).code(`BE 00 00 03 00 B9 03 00 00 00 66 BA F8 03 F3 6E ${HLT}`);
    rig.ring0.write(DATA, 0x33_2211n);
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect(written).toEqual([0x11, 0x22, 0x33].map((value) => [0x3f8, 1, value]));
    expect([notes.length, notes.every((note) => note.isString), rig.get("rcx"), rig.get("rsi")]).toEqual([3, true, 0n, BigInt(DATA) + 3n]);
  });

  it("a handler may answer in the port's place", () => {
    const { host, written } = ports();
    const rig = new CoreRig(host).code(`E4 60 E6 61 ${HLT}`).start();
    rig.vcpu.vm.onIo(0x60, 0x61, ({ direction }) => (direction === "in" ? 0x77 : 0x88));
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rax") & 0xffn, written]).toEqual([0x77n, [[0x61, 1, 0x88]]]);
  });
});

describe("control registers", () => {
  it("onCr tells of writes that change a watched bit; they happen, and the guest reads what it has written", () => {
    // mov rax, cr4; or eax, 80h (PGE, set already); mov cr4, rax; xor eax, 4 (TSD); mov cr4, rax; mov rbx, cr4
    const rig = new CoreRig().code(`0F 20 E0 0D 80 00 00 00 0F 22 E0 83 F0 04 0F 22 E0 0F 20 E3 ${HLT}`);
    rig.ring0.set({ cr4: 0x6a0n });
    const seen: bigint[] = [];
    rig.start().vcpu.vm.onCr(4, ({ value }) => seen.push(value), 4n);
    expect(rig.run()).toBe(STOP.HALT);
    expect([seen, rig.get("rbx"), rig.ring0.vcpu.get("cr4")]).toEqual([[0x6a4n], 0x6a4n, 0x26a4n]);
    rig.stop();
    expect(rig.ring0.vcpu.get("cr4")).toBe(0x6a4n);
  });

  it("… of CR3 all of them, with MOV, CLTS and LMSW of CR0 told apart", () => {
    // mov rax, cr3; mov cr3, rax; clts; smsw ax (no exit); or eax, 8; lmsw ax
    const rig = new CoreRig().code(`0F 20 D8 0F 22 D8 0F 06 0F 01 E0 83 C8 08 0F 01 F0 ${HLT}`);
    rig.ring0.set({ cr0: 0x8001_003bn });
    const seen: string[] = [];
    const { vm } = rig.start().vcpu;
    for (const register of [0, 3] as const) vm.onCr(register, ({ kind }) => seen.push(`${kind} cr${register}`), 8n);
    expect(rig.run()).toBe(STOP.HALT);
    expect(seen).toEqual(["read cr3", "write cr3", "clts cr0", "lmsw cr0"]);
    expect(rig.ring0.vcpu.get("cr0")).toBe(0x8001_003bn);
  });
});

describe("exceptions and single steps", () => {
  it("onException takes an exception; what it leaves goes to the guest", () => {
    const rig = new CoreRig().code(`0F 0B 0F 0B ${HLT}`);
    rig.ring0
      .interruptible()
      .gate(6, SELECTOR.CODE64, CODE + 0x100)
      .code(HLT, CODE + 0x100);
    const { vm } = rig.start().vcpu;
    let times = 0;
    vm.onException(6, (_event, guest) => {
      if (times++ > 0) return false;
      guest.rip += 2n;
      return true;
    });
    expect(rig.run()).toBe(STOP.HALT);
    expect([times, rig.ring0.vcpu.get("rip"), rig.ring0.read(STACK - 40)]).toEqual([2, BigInt(CODE) + 0x101n, BigInt(CODE) + 2n]);
  });

  it("a page fault that goes on to the guest has its address in CR2 and its error code", () => {
    const rig = new CoreRig().code(`A0 00 00 00 40 00 00 00 00 ${HLT}`);
    rig.ring0
      .interruptible()
      .gate(14, SELECTOR.CODE64, CODE + 0x100)
      .code(HLT, CODE + 0x100);
    rig.start().vcpu.vm.onException(14, () => false);
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.ring0.vcpu.get("cr2"), rig.ring0.read(STACK - 48)]).toEqual([0x4000_0000n, 0n]);
  });

  it("onMtf is called behind every instruction", () => {
    const rig = new CoreRig().code(`90 90 90 ${HLT}`).start();
    const rips: bigint[] = [];
    const dispose = rig.vcpu.vm.onMtf((guest) => {
      rips.push(guest.rip - BigInt(CODE));
      if (rips.length === 3) dispose();
    });
    expect([rig.run(), rips]).toEqual([STOP.HALT, [1n, 2n, 3n]]);
  });

  it("injectEvent: an interrupt waits for the window, an NMI for the end of the last one", () => {
    // nop; sti; nop; nop
    const rig = new CoreRig().code(`90 FB 90 90 ${HLT}`);
    rig.ring0
      .interruptible()
      .gate(0x40, SELECTOR.CODE64, CODE + 0x100)
      .gate(2, SELECTOR.CODE64, CODE + 0x200);
    rig.ring0.code(HLT, CODE + 0x100).code(HLT, CODE + 0x200);
    rig.start().vcpu.vm.injectEvent({ type: 0, vector: 0x40 });
    expect(rig.run()).toBe(STOP.HALT);
    // behind the instruction that follows STI
    expect([rig.ring0.vcpu.get("rip"), rig.ring0.read(STACK - 40)]).toEqual([BigInt(CODE) + 0x101n, BigInt(CODE) + 3n]);
    const nmi = new CoreRig().code(`90 48 CF ${HLT}`);
    nmi.ring0
      .interruptible()
      .gate(2, SELECTOR.CODE64, CODE + 0x200)
      .code(HLT, CODE + 0x200)
      .set({ nmiBlocked: 1, rsp: BigInt(STACK - 40) });
    for (const [n, value] of [BigInt(CODE + 0x40), BigInt(SELECTOR.CODE64), 2n, BigInt(STACK), BigInt(SELECTOR.DATA)].entries())
      nmi.ring0.write(STACK - 40 + 8 * n, value);
    nmi.ring0.code(`90 ${HLT}`, CODE + 0x40);
    nmi.start().vcpu.vm.injectEvent({ type: 2, vector: 2 });
    expect(nmi.run()).toBe(STOP.HALT);
    expect([nmi.ring0.vcpu.get("rip"), nmi.ring0.read(STACK - 40)]).toEqual([BigInt(CODE) + 0x201n, BigInt(CODE) + 0x40n]);
  });
});

describe("an EPT map", () => {
  function map() {
    const { own, used } = mockRig();
    let changes = 0;
    const ept = new EptMap(own, 40n, () => changes++);
    return { ept, own, used, changes: () => changes };
  }

  it("maps 40 bits to themselves in pages of 1 GiB, with all rights", () => {
    const { ept, used } = map();
    for (const at of [0n, 0x1234_5678n, 0xffff_f000n, 0xff_ffff_ffffn])
      expect(ept.leafOf(at)).toEqual({ shift: 30n, host: at & ~0x3fff_ffffn, rights: 7n });
    expect(() => ept.leafOf(1n << 40n)).toThrow(OutOfRange);
    expect([ept.pointer & 0xfffn, used()]).toEqual([0x1en, 3n * 0x1000n]);
    ept.release();
    expect(used()).toBe(0n);
  });

  it("splits as far as it must, and changes one page of 4 KiB", () => {
    const { ept, changes } = map();
    ept.protect(0x1234_5678n, EPT.READ);
    expect(ept.leafOf(0x1234_5000n)).toEqual({ shift: 12n, host: 0x1234_5000n, rights: 1n });
    expect(ept.leafOf(0x1234_6000n)).toEqual({ shift: 12n, host: 0x1234_6000n, rights: 7n });
    expect(ept.leafOf(0x1240_0000n)).toEqual({ shift: 21n, host: 0x1240_0000n, rights: 7n });
    expect(ept.leafOf(0x4000_0000n).shift).toBe(30n);
    ept.remap(0x1234_5000n, 0x777_7000n, EPT.EXECUTE);
    expect(ept.leafOf(0x1234_5fffn)).toEqual({ shift: 12n, host: 0x777_7000n, rights: 4n });
    ept.restore(0x1234_5000n);
    expect([ept.leafOf(0x1234_5000n), changes()]).toEqual([{ shift: 12n, host: 0x1234_5000n, rights: 7n }, 3]);
  });

  it("refuses rights that the CPU calls a misconfiguration", () => {
    const { ept } = map();
    for (const rights of [2n, 6n, 8n]) expect(() => ept.protect(0n, rights)).toThrow(LogicError);
  });
});

describe("EPT underneath a program", () => {
  it("the write-watch notes writes to its range, which are done", () => {
    const { extension, notes } = writeWatch(BigInt(DATA) + 8n, BigInt(DATA) + 15n);
    // mov [DATA], al; mov [DATA+8], ax; mov rcx, [DATA+8]; mov [DATA+9], al
    const code = `88 04 25 00 00 03 00 66 89 04 25 08 00 03 00 48 8B 0C 25 08 00 03 00 88 04 25 09 00 03 00 ${HLT}`;
    const rig = new CoreRig({}, undefined, [extension]).code(code);
    rig.ring0.set({ rax: 0x1122n });
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect(notes).toEqual([
      { guestPhysical: BigInt(DATA) + 8n, guestLinear: BigInt(DATA) + 8n, rip: BigInt(CODE) + 7n },
      { guestPhysical: BigInt(DATA) + 9n, guestLinear: BigInt(DATA) + 9n, rip: BigInt(CODE) + 0x17n },
    ]);
    expect([rig.ring0.read(DATA) & 0xffn, rig.ring0.read(DATA + 8), rig.get("rcx")]).toEqual([0x22n, 0x2222n, 0x1122n]);
    const used = rig.used;
    rig.stop();
    expect(rig.used).toBeLessThan(used);
  });

  it("hidden code runs, and the page shows what was there", () => {
    const PAGE = 0x18000;
    // hidden: mov ebx, 2; shown: mov ebx, 1
    const hidden = hiddenCode(BigInt(PAGE), 0, Uint8Array.of(0xbb, 2, 0, 0, 0));
    // mov eax, PAGE; call rax; mov cl, [PAGE+1]; mov byte [PAGE+100h], 9; call rax; mov dl, [PAGE+100h]
    const code = `B8 00 80 01 00 FF D0 8A 0C 25 01 80 01 00 C6 04 25 00 81 01 00 09 FF D0 8A 14 25 00 81 01 00 ${HLT}`;
    const rig = new CoreRig({}, undefined, [hidden]).code(code);
    rig.ring0.code("BB 01 00 00 00 C3", PAGE);
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rbx"), rig.get("rcx") & 0xffn, rig.get("rdx") & 0xffn]).toEqual([2n, 1n, 9n]);
    rig.stop();
    rig.code(`E8 FB 7F 00 00 ${HLT}`).ring0.set({ rip: BigInt(CODE), halted: 0 });
    rig.ring0.vcpu.refresh();
    rig.run();
    expect(rig.get("rbx")).toBe(1n);
  });
});

describe("system calls", () => {
  /** where the program stands, and the system; physical address 0 is none that the VMM would map, so it is somewhere else */
  const USER = 0x60_0000;
  const LSTAR = USER + 0x400;
  const PHYSICAL = 0x20_0000;

  /** A program of ring 3 that calls the system once; the system's answer is in RBX. */
  function program(extensions: ConstructorParameters<typeof CoreRig>[2]) {
    const rig = new CoreRig({}, undefined, extensions);
    rig.ring0
      .write(0x3018, BigInt(PHYSICAL | 0x87))
      .code(`0F 05 B9 01 00 00 00 0F 05 ${HLT}`, PHYSICAL)
      .set({ rip: BigInt(USER) });
    // the system: mov ebx, cs; then sysretq
    rig.ring0.code("8C CB 48 0F 07", PHYSICAL + 0x400);
    rig.ring0
      .interruptible()
      .gate(13, SELECTOR.CODE64, CODE + 0x100)
      .code(HLT, CODE + 0x100);
    rig.ring0.inRing3().set({
      star: (BigInt(SELECTOR.USER32 & ~3) << 48n) | (BigInt(SELECTOR.CODE64) << 32n),
      lstar: BigInt(LSTAR),
      fmask: 0x200n,
      rax: 39n,
      rdx: 0n,
      rdi: 7n,
      r9: 9n,
    });
    rig.ring0.write(0x5804, BigInt(STACK)).set({ tr: SELECTOR.TSS });
    rig.ring0.vcpu.rflags = 0x202;
    rig.ring0.vcpu.refresh();
    return rig;
  }

  it("the tracer notes them, and they end as without it", () => {
    const { extension, notes } = syscallTracer();
    const [plain, traced] = [program([]), program([extension])];
    for (const rig of [plain, traced]) {
      rig.start();
      expect(rig.run()).toBe(STOP.HALT);
    }
    expect(notes).toEqual([
      { number: 39n, parameters: [7n, 0n, 0n, 0n, 0n, 9n], rip: BigInt(USER) },
      { number: 39n, parameters: [7n, 0n, 0n, 0n, 0n, 9n], rip: BigInt(USER) + 7n },
    ]);
    // HLT in ring 3 is #GP, whose handler has the frame that tells where and how
    const frame = (rig: CoreRig) => [0, 8, 16, 24, 32, 40].map((at) => rig.ring0.read(STACK - 48 + at));
    expect(frame(traced)).toEqual(frame(plain));
    for (const name of ["rbx", "rcx", "r11"] as const) expect(traced.get(name)).toBe(plain.get(name));
    for (const rig of [plain, traced]) rig.stop();
    expect(traced.ring0.vcpu.get("efer")).toBe(plain.ring0.vcpu.get("efer"));
  });

  it("the OS reads SCE as it has set it, also while the tracer has it off", () => {
    const { extension } = syscallTracer();
    // mov ecx, C0000080h; rdmsr; mov ebx, eax; and eax, ~1; wrmsr; rdmsr
    const rig = new CoreRig({}, undefined, [extension]).code(`B9 80 00 00 C0 0F 32 89 C3 83 E0 FE 0F 30 0F 32 ${HLT}`).start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rbx"), rig.get("rax")]).toEqual([0xd01n, 0xd00n]);
    rig.stop();
    expect(rig.ring0.vcpu.get("efer")).toBe(0xd00n);
  });
});

it("the hypercall echo answers a program of ring 3", () => {
  const { extension, values } = hypercallEcho();
  const rig = new CoreRig({}, undefined, [extension]).code("0F 01 C1 90");
  rig.ring0.inRing3().set({ rax: 0xec40n, rdx: MAGIC, rcx: 0x1234n, rbx: 5n });
  rig.ring0.vcpu.refresh();
  rig.start().run(2n);
  expect([values, rig.get("rdx"), rig.get("rcx"), rig.get("rbx")]).toEqual([[0x1234n], 0n, 0xffff_ffff_ffff_edcbn, 5n]);
});

it("everything that extensions took is given back", () => {
  const all = [cpuidCounter().extension, msrBitmapSaver, vpid(1), tscOffset(1n), portLogger(0, 1).extension, writeWatch(0n, 1n).extension];
  const rig = new CoreRig({}, undefined, [...all, hiddenCode(0x1_8000n, 0, Uint8Array.of(0x90)), syscallTracer().extension]).code(HLT);
  const [before, used] = [rig.state(), rig.used];
  for (let n = 0; n < 3; n++) rig.start().stop();
  expect([rig.state(), rig.used]).toEqual([before, used]);
});
