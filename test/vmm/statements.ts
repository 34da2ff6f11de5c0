/**
 * The behaviour of the VMM, statement by statement: Bareflank 1.1's, as its sources and unit tests pin it, numbered by us. A test that
 * checks a statement starts its title with the statement's id, or several; statements.spec.ts counts them.
 *
 *     id · what is stated, shortly · decision
 *
 * A decision is `-`; or starts with `not tested:` and says why no test can exist; or with `differs:` and says what we do instead (of a
 * quirk, of what makes no sense in a machine that is ours) and why; the test then checks what we do.
 */
export interface Statement {
  readonly id: string;
  readonly title: string;
  /** why no test carries the id */
  readonly untested?: string;
  /** what is decided otherwise */
  readonly differs?: string;
}

const ONLY_10 = "not tested: states how 1.0 differed; what is built here is 1.1";

const TABLE = `
CONST-1   version 1.1.0, user version 0.0.0 | -
CONST-2   sizes of page and cache line | -
CONST-3   sizes of heap, page and map pool | -
CONST-4   at most 75 modules, 4 segments, 25 needed libraries | -
CONST-5   the debug ring has 32 KiB | -
CONST-6   stacks have 32 KiB and are found by masking RSP | -
CONST-7   thread-local block and what is reserved at the top of a stack | -
CONST-8   limits of the buffers of a vmcall | -
CONST-9   the serial port and how it is set | -
CONST-10  numbers of the driver's states | -
CONST-11  name and numbers of the driver's device | -
CONST-12  control codes of the device | -
CONST-13  error codes | -
CONST-14  names of error codes | differs: the vmcall-failure code has its name too; that it had none was an oversight
CONST-15  memory descriptor | -
CONST-16  vCPU ids | -
CONST-17  magic and version of the vmcall protocol | -
CONST-18  vmcall opcodes and their sub-codes | -
CONST-19  which register carries which vmcall register | -

DRV-1     init is reset | -
DRV-2     reset frees everything and recovers a corrupt driver | -
DRV-3     fini stops, unloads, resets | -
DRV-4     add_module: its checks in order, and the image | differs: after the ELF checks a module that has a fixed place, writable code or a red zone is refused as well
DRV-5     the same module may be added twice | -
DRV-6     load: states | -
DRV-7     load allocates thread-local blocks and a stack | -
DRV-8     top of the stack | -
DRV-9     load: relocate, constructors, descriptors; a failure unloads | -
DRV-10    a module whose record is in a loader already | -
DRV-11    descriptors of a module's pages | differs: no page behind an end on a page boundary: it belongs to somebody else
DRV-12    descriptors of the thread-local blocks | differs: a failure unloads like every other; nothing may be left behind
DRV-13    1.0: lists of descriptors, symbols by module | ${ONLY_10}
DRV-14    loaded | -
DRV-15    unload: destructors in reverse order | -
DRV-16    start: states | -
DRV-17    start: one CPU after the other | differs: an answer other than 0 to the START vmcall undoes what was started, too
DRV-18    start: a failure stops what runs | -
DRV-19    1.0: init_vmm, then start_vmm | ${ONLY_10}
DRV-20    stop: states | -
DRV-21    stop: one CPU after the other, downward | -
DRV-22    stop without stop_vmm corrupts | -
DRV-23    dump | -
DRV-24    vmcall | -
DRV-25    how a symbol is executed | -
DRV-26    helpers: resolve_symbol, get_module, symbol_length | differs: strings are never null and know their length; a module is asked for by index

IOC-1     an unknown control code; every failure is -1 | -
IOC-2     the length comes before the module | -
IOC-3     the module is copied | -
IOC-4     what a failed load, start and unload do | -
IOC-5     set-cpuid and set-vcpuid | -
IOC-6     dump and vmcall copy whole structs | -
IOC-7     the host's reboot runs fini | -

BFM-1     commands and help | -
BFM-2     --cpuid and --vcpuid | -
BFM-3     missing arguments | -
BFM-4     sub-commands of vmcall | -
BFM-5     load | -
BFM-6     unload | -
BFM-7     start | -
BFM-8     stop | -
BFM-9     dump | differs: a corrupt VMM is dumped, too: its messages say why it is corrupt, and the driver allows it
BFM-10    status | -
BFM-11    vmcall only while running | -
BFM-12    output of vmcalls | -
BFM-13    files | -
BFM-14    exit code and messages | differs: messages begin with "vmm: ", as the command is called here

ELF-1     a file is given, of at least 64 bytes | -
ELF-2     signature | -
ELF-3     what kinds of files are supported | -
ELF-4     1.0: bounds of headers, tables, segments, sections | differs: 1.1 trusts the file; we check as 1.0 did, with its codes, wherever anything is read
ELF-5     segments, size and start of the image | differs: a fifth segment is refused, not left out: the module would lack it
ELF-6     load instructions | -
ELF-7     dynamic tags | -
ELF-8     .eh_frame, .ctors, .dtors | -
ELF-9     queries of the file | -
ELF-10    entry, relro and section information, rebased | -
ELF-11    a file is added to the loader | differs: symbols are counted by the hash table or the section, and as stated only where neither is there
ELF-12    relocation happens once, in the order of adding | -
ELF-13    types of relocations | differs: NONE and the packed RELR form work, since linkers write them; the rest is refused by name
ELF-14    which symbol is chosen | differs: a weak reference that nothing defines is 0, as the ELF specification says
ELF-15    lookup by the SysV hash | -
ELF-16    resolve_symbol | -
ELF-17    the hash function | differs: unsigned characters, as linkers hash: signed ones would miss names outside of ASCII

CRT-1     no section information | -
CRT-2     init function, then init array | -
CRT-3     an exception in a constructor | -
CRT-4     unwind tables are registered | -
CRT-5     fini array, then fini function | -
CRT-6     an empty array | -
CRT-7     register_eh_frame | -
CRT-8     1.0: void functions | ${ONLY_10}

POOL-1    start of a pool | -
POOL-2    sizes that cannot be | -
POOL-3    whole blocks | -
POOL-4    next fit | -
POOL-5    full, free, full again | -
POOL-6    freed blocks coalesce | -
POOL-7    free of what is not allocated | -
POOL-8    size | -
POOL-9    contains | -
POOL-10   clear | differs: no lock; nothing of the VMM runs at the same time as something else
MM-1      alloc: which pool | differs: one manager for each VMM, handed to its parts, no singleton; why there is no memory is printed
MM-2      alloc_map | -
MM-3      free | -
MM-4      size | -
MM-5      add_md | -
MM-6      remove_md | -
MM-7      virtual to physical and back | differs: an address is a bigint, so the integer and pointer flavours are one function
MM-8      descriptors | -
MM-9      the C entry add_md | -
MM-10     malloc, free, calloc, realloc | -
MM-11     1.0: malloc | ${ONLY_10}
PT-1      bits of an entry | -
PT-2      PAT index | -
PT-3      tables and how they link | -
PT-4      pages of three sizes | differs: a large page drops only the tables at its own place, not those of its neighbours, whose entries would point at freed memory
PT-5      removal frees empty tables | -
PT-6      virt_to_pte | -
PT-7      descriptors of tables | -
PT-8      map | -
PT-9      the VMM's own tables tell the memory manager | -
PT-10     identity maps | -
PT-11     attributes | -
PT-12     the VMM's PAT | -
PT-13     the root table comes from the descriptors | differs: an error is thrown instead of ending the VMM, and nothing is left behind
PT-14     upper and lower bits of an address | -
MAP-1     forms of a mapping | -
MAP-2     what each form requires | -
MAP-3     failure gives the range back | differs: pages that were mapped before the failure are unmapped as well
MAP-4     walk of the guest's tables | differs: tables are read where they stand, without mapping them, so that a walk needs no map pool
MAP-5     flush, release, reset, swap, move | -
MAP-6     virt_to_phys_with_cr3 | -

RING-1    layout | -
RING-2    positions | -
RING-3    write | -
RING-4    oldest strings are dropped whole | -
RING-5    read | -
RING-6    read stops at the end of the buffer | -
RING-7    what remains after much | -
RING-8    stress | -
RING-9    get_drr | -
SER-1     how the port is set up | -
SER-2     baud rates | -
SER-3     baud rate read back | -
SER-4     data, stop and parity bits | -
SER-5     write | -
OUT-1     nothing to write | -
OUT-2     the vCPU's ring, or ring 0 and serial | -
OUT-3     1.0: every ring | ${ONLY_10}
OUT-4     libc stubs | -

ENT-1     start_vmm | -
ENT-2     stop_vmm | -
ENT-3     hooks for user data | -
ENT-4     guard | -
ENT-5     execute_entry: stack and canary | -
ENT-6     thread context | -

VC-1      factory | -
VC-2      create | -
VC-3      delete | -
VC-4      run and hlt | -
VC-5      write | -
VC-6      1.0: verbs by id | ${ONLY_10}
VC-7      id and flags of a vCPU | -
VC-8      flags by verb | -
VC-9      what an Intel vCPU has | differs: the OS's state is taken when the vCPU runs, not before; the state-save page has physical addresses, for there are no objects in memory
VC-10     run | -
VC-11     hlt | -

INT-1     operations | -
INT-2     failures of VMX instructions | -
INT-3     types of INVEPT and INVVPID | -
INT-4     demote | -
INT-5     canonical addresses | -
INT-6     valid physical addresses | -
INT-7     access rights | -
INT-8     GDT and IDT | differs: a table from hardware has its last entry, too, and the limit of one of n entries is that of its last byte
INT-9     GDT accessors | -
INT-10    TSS | -
INT-11    VMCS fields that do not exist | -
INT-12    bit helpers | not tested: TypeScript's operators on bigint are the helpers

VMXON-1   checks before VMXON, in order | -
VMXON-2   IA32_FEATURE_CONTROL | -
VMXON-3   region | -
VMXON-4   VMXON fails | -
VMXON-5   stop | -
VMCS-1    launch | -
VMCS-2    demote or guest | -
VMCS-3    guest fields | differs: interruptibility, activity and pending debug exceptions are written, because a launch may come anywhere in the OS
VMCS-4    controls | differs: IA-32e mode is the guest's own; bits of CR0 and CR4 that VMX operation needs are masked, so that the OS sees what it has written
VMCS-5    host fields | -
VMCS-6    defaults of states | -
VMCS-7    the host-VM state | differs: segments are taken with their hidden parts, which the GDT may not have any more
VMCS-8    the VMM's own state | -
VMCS-9    load, clear, resume, promote | differs: resume returns, because the exit handler is not what the guest runs on; promote leaves RFLAGS as they were
VMCS-10   state-save page | -
CHK-C     checks on execution controls | differs: virtual-interrupt delivery and APIC virtualisation go with a TPR shadow, as the SDM has it
CHK-X     checks on exit controls | -
CHK-N     checks on entry controls | differs: an event without an error code may be injected, as the SDM has it
CHK-H     checks on host state | -
CHK-G     checks on guest registers | -
CHK-S     checks on guest segments | -
CHK-D     checks on descriptor tables, RIP and RFLAGS | -
CHK-A     checks on activity and interruptibility | -
CHK-L     checks on the link pointer | -
CHK-P     checks on PDPTEs | -

EXIT-1    dispatch and resume | -
EXIT-2    CPUID | differs: there is no VMX in what the guest sees, and OSXSAVE and OSPKE are those of its own CR4
EXIT-3    INVD | -
EXIT-4    VMXOFF | differs: from ring 3 it is an invalid opcode; it would end the VM for everybody
EXIT-5    RDMSR | differs: an MSR that the CPU has not is #GP for the guest; those of VMX are hidden
EXIT-6    WRMSR | differs: a value that the register does not take is #GP for the guest
EXIT-7    RIP advances | -
EXIT-8    anything else is told and halts | -
EXIT-9    halt | -
EXIT-10   exceptions in the handler | differs: the CPU stops as stated; the driver can take the OS out then, and it runs on as if the VMM had never been
EXIT-11   what the entry stub saves | -
VMC-1     magic | -
VMC-2     result codes | -
VMC-3     which registers are copied | -
VMC-4     versions | -
VMC-5     registers, event, start, stop, unittest | -
VMC-6     data | -
VMC-7     what is returned unchanged; deferred completion | -

UNW-1     unwind tables | -
UNW-2     two phases | -
UNW-3     DWARF opcodes | -
UNW-4     C++ exceptions | differs: nothing is thrown from streams, which the runtime does not have
UNW-5     exceptions never leave an entry point | -

SYS-1     from load to unload | -
SYS-2     hundreds of cycles | -
SYS-3     vmcalls from user space | -
SYS-4     reboot while running | -
`;

export const STATEMENTS: readonly Statement[] = TABLE.split("\n")
  .filter((line) => line.trim() !== "")
  .map(parse);

function parse(line: string): Statement {
  const match = /^([A-Z]+-[A-Z0-9]+)\s+(.+?) \| (?:-|(not tested|differs): (.+))$/.exec(line);
  if (match === null) throw new Error(`no statement: ${line}`);
  const [, id, title, kind, reason] = match;
  if (kind === undefined) return { id, title };
  return kind === "differs" ? { id, title, differs: reason } : { id, title, untested: reason };
}

/** The ids that tests claim: those at the start of a string in a test's source. What is skipped claims nothing. */
export function idsIn(source: string): readonly string[] {
  const tests = source.replaceAll(/\.(?:skip|todo|fails)\(\s*["'`]/g, "");
  const titles = tests.matchAll(/["'`]((?:(?:[A-Z]+-(?:\d+|[A-Z]))[ ,:]+)+)/g);
  return [...titles].flatMap(([, ids]) => ids.split(/[ ,:]+/)).filter((id) => FAMILIES.has(id.split("-")[0]));
}

const FAMILIES = new Set(STATEMENTS.map(({ id }) => id.split("-")[0]));
