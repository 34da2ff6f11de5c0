/**
 * Where everything stands in linear memory. Each area starts where the one before it ends; TypeScript reads the same numbers through
 * the exports of `index.ts`.
 *
 *     0         guard: a null pointer reads nothing of use
 *     4 KiB     vCPU states, one page each; below 64 KiB so that a record names a register in 16 bits
 *     64 KiB    bounce buffer: 64 bytes for the host's accesses, then accesses that have no linear address of their own
 *     68 KiB    free
 *     192 KiB   tables that the host fills: enabled features, CPUID leaves; code segment numbers; a page of ones;
 *               what the CPU model allows; counters; counts of vectors and of VM exits; the VMM's policy for VM exits
 *     256 KiB   code being written by the compiler
 *     512 KiB   profile; two TLBs that stay empty; uses of stale translations
 *     1 MiB     AssemblyScript's static data (asconfig.json: memoryBase)
 *     2 MiB     jump cache, code page table, TLBs of the tag contexts, decoded blocks
 *     64 MiB    guest RAM, to the end of memory
 */
export const PAGE_SIZE: u32 = 4096;
export const PAGE_MASK: u64 = ~(<u64>0xfff);

export const STATES: usize = 0x1000;
export const STATE_STRIDE: usize = 0x1000;
export const MAX_VCPUS: u32 = 15;

export const BOUNCE: usize = 0x10000;
/** where the bytes of an access are gathered that crosses a page or goes to a device */
export const GATHER: usize = BOUNCE + 64;
export const BOUNCE_END: usize = BOUNCE + 0x1000;

export const JUMP_CACHE: usize = 0x200000;
export const JUMP_CACHE_ENTRIES: u32 = 1 << 16;
export const CODE_PAGES: usize = JUMP_CACHE + ((<usize>JUMP_CACHE_ENTRIES) << 2);
/** one head of a block list for each page of linear memory */
export const CODE_PAGES_END: usize = CODE_PAGES + (1 << 20) * 4;

export const TLB_ENTRIES: u32 = 1024;
export const TLB_ENTRY: usize = 32;
export const TLB_SIZE: usize = <usize>TLB_ENTRIES * TLB_ENTRY;
/** addresses of entries in use, one list for those of global pages and one for the rest */
export const TLB_LIST_SIZE: usize = <usize>TLB_ENTRIES * 3 * 4;
/** Bloom filters of large pages, one for each list: 2048 bits */
export const LARGE_FILTER_SIZE: usize = 256;
/**
 * What the TLB knows under one tag: TLBs for supervisor accesses, for user accesses, and for supervisor accesses with RFLAGS.AC set under
 * SMAP; two lists; two filters; whose it is (assembly/mmu/tlb.ts)
 */
export const TLB_LISTS: usize = TLB_SIZE * 3;
export const LARGE_FILTERS: usize = TLB_LISTS + TLB_LIST_SIZE * 2;
export const TLB_HEADER: usize = LARGE_FILTERS + LARGE_FILTER_SIZE * 2;
export const TLB_CONTEXT: usize = TLB_HEADER + 256;
export const TLB_CONTEXTS: u32 = 8;
export const TLBS: usize = CODE_PAGES_END;
export const TLBS_END: usize = TLBS + TLB_CONTEXT * <usize>TLB_CONTEXTS;

export const BLOCKS: usize = (TLBS_END + 0xffff) & ~0xffff;
export const BLOCKS_END: usize = 0x4000000;

/** a link { next, block } in a page's list */
export const NODE_SIZE: usize = 8;

/** one byte for each feature in the order of FEATURES of src/spec/features.ts: whether the CPU model has it */
export const FEATURES: usize = 0x30000;
export const FEATURES_END: usize = FEATURES + 0x100;
/** one byte for each row of src/spec/msrs.ts: whether the CPU model has it */
export const MSRS_PRESENT: usize = FEATURES_END;
export const MSRS_PRESENT_END: usize = MSRS_PRESENT + 0x100;
/** CPUID leaves as src/spec/cpuid.ts lays them out */
export const CPUID: usize = MSRS_PRESENT_END;
export const CPUID_END: usize = CPUID + 0x1000;
/** base and limit of code segments by number, for the blocks' keys */
export const CODE_SEGMENTS: usize = CPUID_END;
export const CODE_SEGMENTS_MAX: u32 = 512;

/** what instructions are fetched from where there is no RAM: all ones */
export const ONES: usize = 0x33000;
export const ONES_END: usize = ONES + 0x1000;

/** what the CPU model allows besides instructions, written by the host: src/core/model.ts */
export const MODEL: usize = ONES_END;
/** writable bits of CR4 and of XCR0 */
export const MODEL_CR4: usize = MODEL;
export const MODEL_XCR0: usize = MODEL + 8;
/** whether pages can have 1 GiB */
export const MODEL_GIGABYTE_PAGES: usize = MODEL + 16;
export const MODEL_END: usize = MODEL + 64;

/** counters by their numbers in src/spec/counters.ts, u64 each */
export const COUNTERS: usize = MODEL_END;
export const COUNTERS_END: usize = COUNTERS + 0x200;

/** how often each vector was delivered, u32 each: as exception or NMI, as interrupt of a device, by INT n */
export const DELIVERED: usize = COUNTERS_END;
export const DELIVERED_END: usize = DELIVERED + 3 * 256 * 4;

/** rules that the last VM entry violated: rule, value of its field; 16 bytes each */
export const VIOLATIONS: usize = DELIVERED_END;
export const VIOLATIONS_MAX: u32 = 64;
export const VIOLATIONS_END: usize = VIOLATIONS + ((<usize>VIOLATIONS_MAX) << 4);

/** EAX EBX ECX EDX of the CPUID that the host has asked for */
export const IDENTIFIED: usize = VIOLATIONS_END;
export const IDENTIFIED_END: usize = IDENTIFIED + 16;

/** VM exits by basic reason: all of them, and those that the fast path has answered; two u64 each */
export const EXIT_COUNTS: usize = 0x36000;
export const EXIT_REASONS: u32 = 128;
export const EXIT_COUNTS_END: usize = EXIT_COUNTS + ((<usize>EXIT_REASONS) << 4);
/** what the VMM lets the core answer, laid out in src/core/fast-path.ts */
export const FAST_PATH: usize = EXIT_COUNTS_END;
export const FAST_PATH_END: usize = FAST_PATH + 0x800;
/** MSRs that it answers: as an MSR bitmap of VMX, with bits that are set */
export const FAST_MSRS: usize = FAST_PATH_END;
export const FAST_MSRS_END: usize = FAST_MSRS + 0x1000;
/** fields of a VMCS, where they stand in its region, that were found right by the last entry that looked: assembly/vmx/checked.ts */
export const CHECKED: usize = FAST_MSRS_END;
export const CHECKED_END: usize = CHECKED + 0x1000;

/** code being written by the compiler, between the states' area and the static data */
export const EMIT_BUFFER: usize = 0x40000;
export const EMIT_BUFFER_END: usize = 0x80000;

/** executions by kind << 3 | destination class << 2 | source class, u64 each, filled on request */
export const PROFILE: usize = EMIT_BUFFER_END;
export const PROFILE_CELLS: u32 = 4096 << 3;
/** for accesses that must all take the slow way: because they must be aligned, because their translations are checked */
export const EMPTY_TLB: usize = PROFILE + ((<usize>PROFILE_CELLS) << 3);
export const CHECK_TLB: usize = EMPTY_TLB + TLB_SIZE;
/** uses of stale translations, 48 bytes each: assembly/mmu/stale.ts */
export const STALE_USES: usize = CHECK_TLB + TLB_SIZE;
export const STALE_USES_MAX: u32 = 64;

export const RAM: usize = BLOCKS_END;
