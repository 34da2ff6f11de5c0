/** Extended page tables. SDM Vol. 3 "The Extended Page Table Mechanism (EPT)", "Exit Qualification for EPT Violations". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import {
  ACCESSED,
  DIRTY,
  EPTP,
  EPTP_FLAGS,
  EptMachine,
  FAR,
  GUEST_DIRECTORY,
  GUEST_TABLE,
  LARGE,
  LINEAR,
  PAGE,
  R,
  RWX,
  violation,
  W,
  WB,
  X,
} from "../lib/ept.ts";
import { STACK } from "../lib/ring0.ts";

/** bits of the qualification: the linear address is valid; the access was to what it translates to */
const LINEAR_VALID = 1n << 7n;
const OF_LINEAR = 1n << 8n;
const TRANSLATED = LINEAR_VALID | OF_LINEAR;

const CPUID = "0F A2";
/** mov ebx, LINEAR + 16; then an access to [rbx], and the end by CPUID; a jump finds that there */
const AT = LINEAR + 16;
const POINT = "BB 10 00 00 40";
const ACCESS = { load: `${POINT} 8A 03 ${CPUID}`, store: `${POINT} 88 03 ${CPUID}`, fetch: `${POINT} FF E3` } as const;
const TRIED = { load: R, store: W, fetch: X } as const;
const KINDS = ["load", "store", "fetch"] as const;
/** in guest page table entries */
const GUEST_A = 1n << 5n;
const GUEST_D = 1n << 6n;

function machine(): EptMachine {
  const m = new EptMachine();
  m.ring0.code(CPUID, PAGE + 16);
  return m;
}

/** level of the page, or of the table, and the entry */
type Place = readonly [level: number, entry: bigint];
const TABLES: readonly Place[] = [4, 3, 2].map((level) => [level, 0n]);
const PAGES: readonly Place[] = [
  [1, BigInt(PAGE) | RWX | WB],
  [2, BigInt(PAGE) | RWX | WB | LARGE],
  [3, RWX | WB | LARGE],
];
/** Makes FAR a page of the level's size. */
function place(m: EptMachine, [level, entry]: Place): number {
  const at = m.farAt(level);
  if (entry !== 0n) m.ring0.write(at, entry);
  return at;
}

const size = (level: number): string => ["4 KiB", "2 MiB", "1 GiB"][level - 1];
const name = ([level, entry]: Place): string => (entry === 0n ? `a table at level ${level}` : `a page of ${size(level)}`);

describe("an access is allowed by the rights of every entry, or exits", () => {
  for (const where of [...TABLES, ...PAGES])
    for (const kind of KINDS)
      it(`${kind}, by ${name(where)}`, () => {
        for (let rights = 0n; rights < 8n; rights++) {
          const m = machine();
          m.change(place(m, where), RWX, rights);
          expect(m.launch(ACCESS[kind])).toBe(STOP.HALT);
          if ((rights & RWX) === W || (rights & RWX) === (W | X)) {
            expect(m.refused, `${rights}`).toMatchObject({
              reason: EXIT_REASON.EPT_MISCONFIGURATION,
              qualification: 0n,
              physical: FAR + 16n,
            });
          } else if ((rights & TRIED[kind]) !== 0n) expect(m.exit.reason, `${rights}`).toBe(EXIT_REASON.CPUID);
          else expect(m.refused, `${rights}`).toEqual(violation(TRIED[kind] | (rights << 3n) | TRANSLATED, FAR + 16n, AT));
        }
      });

  it("with RIP on the instruction, which is done when the host has mended the entry", () => {
    const m = machine();
    m.change(m.farAt(1), RWX, R);
    m.launch(`B0 77 ${ACCESS.store}`);
    expect(m.exit.at).toBe(7);
    m.change(m.farAt(1), 0n, RWX);
    expect(m.resume()).toBe(STOP.HALT);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.CPUID, at: 9 });
    expect(m.ring0.read(PAGE + 16) & 0xffn).toBe(0x77n);
  });

  it("and the rights in a violation are those of all entries together", () => {
    const m = machine();
    m.change(m.farAt(4), X, 0n).change(m.farAt(2), W, 0n);
    m.launch(ACCESS.fetch);
    expect(m.refused).toEqual(violation(X | (R << 3n) | TRANSLATED, FAR + 16n, AT));
  });

  it("in two pages: the second one refuses, and nothing is written to the first", () => {
    const m = machine();
    // the page behind LINEAR is the guest-physical page behind FAR, of which EPT knows nothing
    m.ring0.write(GUEST_TABLE + 8, FAR + 0x1000n + 7n);
    // mov ebx, LINEAR + 4092; mov [rbx], rax
    m.launch("BB FC 0F 00 40 B8 FF FF FF FF 48 89 03");
    expect(m.refused).toEqual(violation(W | TRANSLATED, FAR + 0x1000n, LINEAR + 0x1000));
    expect(m.ring0.read32(PAGE + 4092)).toBe(0);
  });
});

describe("an EPT entry is misconfigured", () => {
  const bits = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  /** physical addresses have 40 bits */
  const ABOVE = bits(40, 51);
  const cases: readonly (readonly [Place, readonly number[]])[] = [
    [TABLES[0], [...bits(3, 7), ...ABOVE]],
    [TABLES[1], [...bits(3, 6), ...ABOVE]],
    [TABLES[2], [...bits(3, 6), ...ABOVE]],
    [PAGES[0], ABOVE],
    [PAGES[1], [...bits(12, 20), ...ABOVE]],
    [PAGES[2], [...bits(12, 29), ...ABOVE]],
  ];
  for (const [where, reserved] of cases)
    it(`${name(where)}, by each of its reserved bits, unless it is not present`, () => {
      for (const bit of reserved) {
        const m = machine();
        m.change(place(m, where), 0n, 1n << BigInt(bit));
        m.launch(ACCESS.load);
        expect(m.refused, `${bit}`).toMatchObject({ reason: EXIT_REASON.EPT_MISCONFIGURATION, physical: FAR + 16n });
        const absent = machine();
        absent.change(place(absent, where), RWX, 1n << BigInt(bit));
        absent.launch(ACCESS.load);
        expect(absent.refused, `${bit}`).toEqual(violation(R | TRANSLATED, FAR + 16n, AT));
      }
    });

  for (const where of PAGES)
    it(`${name(where)}, by memory types 2, 3 and 7`, () => {
      for (let type = 0n; type < 8n; type++) {
        const m = machine();
        m.change(place(m, where), 7n << 3n, type << 3n);
        m.launch(ACCESS.load);
        const bad = type === 2n || type === 3n || type === 7n;
        expect(m.exit.reason, `${type}`).toBe(bad ? EXIT_REASON.EPT_MISCONFIGURATION : EXIT_REASON.CPUID);
      }
    });

  it("before the rights above it are looked at", () => {
    const m = machine();
    m.change(m.farAt(4), R, X).change(m.farAt(1), RWX, W);
    m.launch(ACCESS.load);
    expect(m.exit.reason).toBe(EXIT_REASON.EPT_MISCONFIGURATION);
  });

  it("bits that are ignored do not make it so", () => {
    for (const where of [...TABLES, ...PAGES])
      for (const bit of [8, 9, 10, 11, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63]) {
        const m = machine();
        m.change(place(m, where), 0n, 1n << BigInt(bit));
        m.launch(ACCESS.store);
        expect(m.exit.reason, `${name(where)} ${bit}`).toBe(EXIT_REASON.CPUID);
      }
  });
});

describe("large pages", () => {
  for (const where of PAGES)
    it(`of ${size(where[0])} are translated to the end`, () => {
      const m = machine();
      place(m, where);
      m.ring0.write(PAGE + 0xff8, 0x1122_3344_5566_7788n);
      // mov rax, [LINEAR + FF8H]
      m.launch(`48 8B 04 25 F8 0F 00 40 ${CPUID}`);
      expect(m.ring0.vcpu.get("rax")).toBe(0x1122_3344_5566_7788n);
    });
});

describe("the guest's page tables", () => {
  it("are read through EPT: a violation tells the entry's address, and that it is no translation's", () => {
    for (const [at, entry] of [
      [GUEST_DIRECTORY, GUEST_DIRECTORY],
      [GUEST_TABLE, GUEST_TABLE],
    ]) {
      const m = machine();
      m.change(m.lowAt(at), RWX, 0n);
      m.launch(ACCESS.store);
      expect(m.refused).toEqual(violation(R | LINEAR_VALID, entry, AT));
    }
  });

  it("may not be executed, nor written while no flag has to be set", () => {
    for (const kind of KINDS) {
      const m = machine();
      m.ring0.write(GUEST_TABLE, FAR | 7n | GUEST_A | GUEST_D).write(GUEST_DIRECTORY, BigInt(GUEST_TABLE) | 7n | GUEST_A);
      m.change(m.lowAt(GUEST_TABLE), RWX, R).change(m.lowAt(GUEST_DIRECTORY), RWX, R);
      m.launch(ACCESS[kind]);
      expect(m.exit.reason, kind).toBe(EXIT_REASON.CPUID);
    }
  });

  it("are written to set accessed and dirty flags, which is a read and a write", () => {
    for (const [kind, flags] of [
      ["load", 0n],
      ["store", GUEST_A],
      ["fetch", 0n],
    ] as const) {
      const m = machine();
      m.ring0.write(GUEST_TABLE, FAR | 7n | flags);
      m.change(m.lowAt(GUEST_TABLE), RWX, R | X);
      m.launch(ACCESS[kind]);
      expect(m.refused, kind).toEqual(violation(R | W | ((R | X) << 3n) | LINEAR_VALID, GUEST_TABLE, AT));
      expect(m.ring0.read(GUEST_TABLE), kind).toBe(FAR | 7n | flags);
    }
  });

  it("a page fault of the guest goes before a violation of the page", () => {
    const m = machine().with({ exceptionBitmap: 1n << 14n });
    m.ring0.write(GUEST_TABLE, FAR | 5n);
    m.change(m.farAt(1), RWX, 0n);
    m.launch(ACCESS.store);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: BigInt(AT) });
  });
});

describe("accessed and dirty flags for EPT", () => {
  const flagged = (): EptMachine => machine().with({ eptPointer: EPTP_FLAGS }) as EptMachine;
  const flags = (m: EptMachine, at: number): bigint => m.ring0.read(at) & (ACCESSED | DIRTY);

  it("are left alone while the EPT pointer does not enable them", () => {
    const m = machine();
    m.launch(ACCESS.store);
    expect([4, 3, 2, 1].map((level) => flags(m, m.farAt(level)))).toEqual([0n, 0n, 0n, 0n]);
  });

  for (const where of PAGES)
    it(`are set in all entries, dirty only for a write and in that of ${name(where)}`, () => {
      for (const kind of KINDS) {
        const m = flagged();
        place(m, where);
        m.launch(ACCESS[kind]);
        for (let level = 4; level > where[0]; level--) expect(flags(m, m.farAt(level)), `${kind} ${level}`).toBe(ACCESSED);
        expect(flags(m, m.farAt(where[0])), kind).toBe(kind === "store" ? ACCESSED | DIRTY : ACCESSED);
      }
    });

  it("a write after a read sets the dirty flag", () => {
    const m = flagged();
    m.launch(`${POINT} 8A 03 88 03 ${CPUID}`);
    expect(flags(m, m.farAt(1))).toBe(ACCESSED | DIRTY);
  });

  it("a refused access sets no dirty flag", () => {
    const m = flagged();
    m.change(m.farAt(1), W, 0n);
    m.launch(ACCESS.store);
    expect(flags(m, m.farAt(1)) & DIRTY).toBe(0n);
  });

  it("make every access to the guest's page tables a write", () => {
    const m = flagged();
    m.ring0.write(GUEST_TABLE, FAR | 7n | GUEST_A | GUEST_D);
    m.change(m.lowAt(GUEST_TABLE), RWX, R);
    m.launch(ACCESS.load);
    expect(m.refused).toEqual(violation(R | W | (R << 3n) | LINEAR_VALID, GUEST_TABLE, AT));
    const allowed = flagged();
    allowed.launch(ACCESS.load);
    expect(flags(allowed, allowed.lowAt(GUEST_TABLE))).toBe(ACCESSED | DIRTY);
  });
});

describe("an exit over EPT while an event is delivered", () => {
  /** an IDT of the guest in page 6, whose handlers are at PAGE + 16; the stack's page cannot be written */
  const vectored = (): EptMachine => {
    const m = machine().with({ guestIdtrBase: 0x6000n, guestIdtrLimit: 0xfffn }) as EptMachine;
    for (const vector of [6, 0x40]) m.ring0.gate(vector, 8, PAGE + 16);
    return m.change(m.lowAt(STACK - 8), W, 0n);
  };
  const stack = violation(W | ((R | X) << 3n) | TRANSLATED, STACK - 8, STACK - 8);

  it("tells the exception, with RIP on the instruction", () => {
    const m = vectored();
    m.launch("90 0F 0B");
    expect(m.refused).toEqual(stack);
    expect([m.field("idtVectoringInformation"), m.exit.at]).toEqual([0x8000_0306n, 1]);
  });

  it("tells a software interrupt, and its instruction's length", () => {
    const m = vectored();
    m.launch("90 CD 40");
    expect(m.refused).toEqual(stack);
    expect([m.field("idtVectoringInformation"), m.field("vmExitInstructionLength"), m.exit.at]).toEqual([0x8000_0440n, 2n, 1]);
  });

  it("tells an event that the entry has injected", () => {
    const m = vectored().with({ vmEntryInterruptionInformation: 0x8000_0040n, guestRflags: 0x202n });
    m.launch("90");
    expect((m as EptMachine).refused).toEqual(stack);
    expect([m.field("idtVectoringInformation"), m.exit.at]).toEqual([0x8000_0040n, 0]);
  });

  it("and none when none was", () => {
    const m = machine();
    m.change(m.farAt(1), RWX, 0n);
    m.launch(ACCESS.load);
    expect(m.field("idtVectoringInformation")).toBe(0n);
  });
});

describe("an IRET that a violation stops", () => {
  // iretq with its frame at LINEAR
  const IRET = "BC 00 00 00 40 48 CF";
  it("has ended the blocking of NMIs, and bit 12 tells", () => {
    const m = machine().with({ guestInterruptibilityState: 8n }) as EptMachine;
    m.change(m.farAt(1), RWX, 0n);
    m.launch(IRET);
    expect(m.refused).toEqual(violation(R | TRANSLATED | (1n << 12n), FAR, LINEAR));
    expect(m.field("guestInterruptibilityState")).toBe(0n);
  });

  it("does not tell if they were not blocked", () => {
    const m = machine();
    m.change(m.farAt(1), RWX, 0n);
    m.launch(IRET);
    expect(m.refused).toEqual(violation(R | TRANSLATED, FAR, LINEAR));
  });

  it("nor does the instruction behind one that was done", () => {
    const m = machine().with({ guestInterruptibilityState: 8n }) as EptMachine;
    m.change(m.farAt(1), RWX, 0n);
    // iretq to the instruction behind it, which loads from [LINEAR]: push ss, rsp, flags, cs, rip
    m.launch("48 89 E0 6A 10 50 9C 6A 08 48 8D 0D 03 00 00 00 51 48 CF 8A 04 25 00 00 00 40");
    expect(m.refused).toEqual(violation(R | TRANSLATED, FAR, LINEAR));
  });
});

it("EPT tables outside of memory are misconfigured", () => {
  const m = machine().with({ eptPointer: (EPTP & 0xfffn) | 0x4000_0000n });
  m.launch(CPUID);
  expect(m.exit.reason).toBe(EXIT_REASON.EPT_MISCONFIGURATION);
});
