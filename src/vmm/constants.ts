/** Sizes and limits of the VMM, in one place. Those of pools are defaults of options: an exhausted pool names the option to raise. */

export const VERSION = { major: 1n, minor: 1n, patch: 0n } as const;
export const USER_VERSION = { major: 0n, minor: 0n, patch: 0n } as const;

export const PAGE_SHIFT = 12n;
export const PAGE_SIZE = 0x1000n;
export const CACHE_LINE_SHIFT = 6n;
export const CACHE_LINE_SIZE = 64n;

/** bytes of the pools that the memory manager gives from */
export const HEAP_POOL_BYTES = 256n * PAGE_SIZE * 8n;
export const PAGE_POOL_BYTES = 32n * 256n * PAGE_SIZE;
/** virtual addresses that physical memory is mapped at for a time */
export const MAP_POOL_START = 0x20_0000n;
export const MAP_POOL_BYTES = 256n * PAGE_SIZE * 8n;

/**
 * The memory pool: guest-physical memory that the VMM lives in, taken from the end of RAM below 3 GiB and hidden from the OS by its memory
 * map. It holds the memory manager's pools, the modules, their stacks and thread-local blocks.
 */
export const MEMORY_POOL_BYTES = 64n << 20n;
/** where the pool stands in the VMM's own address space */
export const MEMORY_POOL_VIRTUAL = 0xffff_f000_0000_0000n;

export const MAX_MODULES = 75;
export const MAX_SEGMENTS = 4;
export const MAX_NEEDED = 25;

export const DEBUG_RING_BYTES = 1 << 15;
/** a power of two: the thread context is found by masking RSP */
export const STACK_BYTES = 1n << 15n;
export const STACK_RESERVED_BYTES = 0x20n;
export const THREAD_LOCAL_BYTES = 0x1000n;

export const VMCALL_IN_BYTES = 32n * PAGE_SIZE;
export const VMCALL_OUT_BYTES = 32n * PAGE_SIZE;
export const VMCALL_MAGIC = 0xb045_eacd_acd5_2e22n;
export const VMCALL_VERSION = 1n;

export const SERIAL_PORT = 0x3f8;

/** the vCPU state of the core that machine code in the driver's context runs on: the last one, which is no processor of the machine */
export const SERVICE_VCPU = 14;
/** instructions that machine code in the driver's context may take, some seconds: after them it counts as code that never returns */
export const SERVICE_CALL_BUDGET = 200_000_000n;
/** stands above the frames of whoever is called on a stack of the VMM */
export const STACK_CANARY = 0xabcd_ef12_3456_7890n;
