/** The machine and its limits: uname(2), sysinfo(2), getrlimit(2), sched_*(2), getrandom(2), futex(2); and what programs may not do. */
import { STACK_SIZE } from "../address-space.ts";
import { MAX_DESCRIPTORS } from "../descriptors.ts";
import { fail } from "../errno.ts";
import { PAGE } from "../frames.ts";
import { type CallContext, type Result, refused, row } from "./row.ts";
import { timespec } from "./time.ts";

/** struct new_utsname: six strings of 65 bytes */
const UNAME = ["Linux", "minusone", "6.1.0", "#1 SMP minusone", "x86_64", "(none)"];
const UTS_LENGTH = 65;
const INFINITY = 0xffff_ffff_ffff_ffffn;
const RLIMIT = { STACK: 3, CORE: 4, NOFILE: 7, COUNT: 16 } as const;
const FUTEX = { WAIT: 0, WAKE: 1, REQUEUE: 3, CMP_REQUEUE: 4, WAIT_BITSET: 9, WAKE_BITSET: 10, COMMAND: 0x7f } as const;
const CPU_SET_BYTES = 8;
const CAPABILITY_VERSION = 0x2008_0522;

function uname({ process }: CallContext, address: number): Result {
  const bytes = new Uint8Array(UNAME.length * UTS_LENGTH);
  UNAME.forEach((text, i) => {
    bytes.set(new TextEncoder().encode(text), i * UTS_LENGTH);
  });
  process.memory.write(address, bytes);
  return 0;
}

/** struct sysinfo */
function sysinfo({ kernel, process }: CallContext, address: number): Result {
  const { frames, clock, processes } = kernel;
  const view = new DataView(new ArrayBuffer(112));
  view.setBigInt64(0, BigInt(Math.floor(clock.now() / 1e9)), true);
  view.setBigUint64(32, BigInt(frames.total * PAGE), true);
  view.setBigUint64(40, BigInt((frames.total - frames.used) * PAGE), true);
  view.setUint16(80, processes.size, true);
  view.setUint32(104, 1, true);
  process.memory.write(address, new Uint8Array(view.buffer));
  return 0;
}

function limit(resource: number): bigint {
  if (resource < 0 || resource >= RLIMIT.COUNT) return fail("EINVAL");
  if (resource === RLIMIT.STACK) return BigInt(STACK_SIZE);
  if (resource === RLIMIT.CORE) return 0n;
  return resource === RLIMIT.NOFILE ? BigInt(MAX_DESCRIPTORS) : INFINITY;
}

/** Limits can be read; setting them is accepted and changes nothing. */
function prlimit({ process }: CallContext, _pid: number, resource: number, _new: number, old: number): Result {
  const soft = limit(resource);
  if (old !== 0) {
    process.memory.setU64(old, soft);
    process.memory.setU64(old + 8, resource === RLIMIT.STACK ? INFINITY : soft);
  }
  return 0;
}

function getrandom({ kernel, process }: CallContext, buffer: number, size: number): Result {
  const bytes = new Uint8Array(Math.min(size, 1 << 20));
  kernel.random.fill(bytes);
  process.memory.write(buffer, bytes);
  return bytes.length;
}

/** Without threads a futex is only ever waited for across processes; the wait ends when the value has changed. */
function futex({ kernel, process, waited }: CallContext, address: number, operation: number, value: number, timeout: number): Result {
  const command = operation & FUTEX.COMMAND;
  switch (command) {
    case FUTEX.WAIT:
    case FUTEX.WAIT_BITSET: {
      const changed = process.memory.u32(address) !== value;
      if (changed) return waited === undefined ? fail("EAGAIN") : 0;
      const now = kernel.clock.now();
      const until = waited?.until ?? (timeout === 0 ? undefined : deadline(timespec(process.memory, timeout), now, command));
      if (until === undefined) return { interruptible: true };
      return now >= until ? fail("ETIMEDOUT") : { until, interruptible: true };
    }
    case FUTEX.WAKE:
    case FUTEX.WAKE_BITSET:
    case FUTEX.REQUEUE:
    case FUTEX.CMP_REQUEUE:
      process.memory.u32(address);
      return 0;
    default:
      return fail("ENOSYS");
  }
}

/** FUTEX_WAIT has a duration, FUTEX_WAIT_BITSET a time. */
function deadline(time: number, now: number, command: number): number {
  return command === FUTEX.WAIT ? now + time : time;
}

function schedGetaffinity({ process }: CallContext, _pid: number, size: number, mask: number): Result {
  if (size < CPU_SET_BYTES) return fail("EINVAL");
  process.memory.setU64(mask, 1);
  return CPU_SET_BYTES;
}

function capget({ process }: CallContext, header: number, data: number): Result {
  if (process.memory.u32(header) !== CAPABILITY_VERSION) {
    process.memory.setU32(header, CAPABILITY_VERSION);
    return fail("EINVAL");
  }
  if (data !== 0) process.memory.write(data, new Uint8Array(24));
  return 0;
}

export const systemCalls = [
  row(63, "uname", "pointer", uname),
  row(97, "getrlimit", "int pointer", (c, resource, address) => prlimit(c, 0, resource, 0, address)),
  row(99, "sysinfo", "pointer", sysinfo),
  refused(101, "ptrace", "EPERM"),
  refused(103, "syslog", "EPERM"),
  row(125, "capget", "pointer pointer", capget),
  row(126, "capset", "pointer pointer", () => 0),
  row(135, "personality", "flags", () => 0),
  row(140, "getpriority", "int int", ({ process }) => 20 - process.niceness),
  row(141, "setpriority", "int int int", ({ process }, _which, _who, value) => {
    process.niceness = Math.max(-20, Math.min(19, value));
    return 0;
  }),
  row(143, "sched_getparam", "int pointer", ({ process }, _pid, address) => {
    process.memory.setU32(address, 0);
    return 0;
  }),
  row(144, "sched_setscheduler", "int int pointer", () => 0),
  row(145, "sched_getscheduler", "int", () => 0),
  row(146, "sched_get_priority_max", "int", (_c, policy) => (policy === 1 || policy === 2 ? 99 : 0)),
  row(147, "sched_get_priority_min", "int", (_c, policy) => (policy === 1 || policy === 2 ? 1 : 0)),
  row(160, "setrlimit", "int pointer", (c, resource) => prlimit(c, 0, resource, 0, 0)),
  refused(161, "chroot", "EPERM"),
  refused(165, "mount", "EPERM"),
  refused(166, "umount2", "EPERM"),
  refused(169, "reboot", "EPERM"),
  refused(170, "sethostname", "EPERM"),
  row(202, "futex", "pointer int uint pointer pointer uint", futex),
  row(203, "sched_setaffinity", "int size pointer", () => 0),
  row(204, "sched_getaffinity", "int size pointer", schedGetaffinity),
  row(273, "set_robust_list", "pointer size", () => 0),
  refused(274, "get_robust_list", "ENOSYS"),
  row(302, "prlimit64", "int int pointer pointer", prlimit),
  row(309, "getcpu", "pointer pointer", ({ process }, cpu, node) => {
    for (const address of [cpu, node]) if (address !== 0) process.memory.setU32(address, 0);
    return 0;
  }),
  row(318, "getrandom", "pointer size flags", getrandom),
  refused(334, "rseq", "ENOSYS"),
];

/** What the kernel has no means for; programs are prepared for these errors. */
export const refusedCalls = [
  refused(41, "socket", "EAFNOSUPPORT"),
  refused(53, "socketpair", "EAFNOSUPPORT"),
  refused(42, "connect", "ENOTSOCK"),
  refused(49, "bind", "ENOTSOCK"),
  refused(51, "getsockname", "ENOTSOCK"),
  refused(52, "getpeername", "ENOTSOCK"),
  refused(55, "getsockopt", "ENOTSOCK"),
  refused(133, "mknod", "EPERM"),
  refused(188, "setxattr", "EOPNOTSUPP"),
  refused(189, "lsetxattr", "EOPNOTSUPP"),
  refused(190, "fsetxattr", "EOPNOTSUPP"),
  refused(191, "getxattr", "EOPNOTSUPP"),
  refused(192, "lgetxattr", "EOPNOTSUPP"),
  refused(193, "fgetxattr", "EOPNOTSUPP"),
  refused(194, "listxattr", "EOPNOTSUPP"),
  refused(195, "llistxattr", "EOPNOTSUPP"),
  refused(196, "flistxattr", "EOPNOTSUPP"),
  refused(259, "mknodat", "EPERM"),
];
