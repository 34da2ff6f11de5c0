/** Waiting for several files at once: poll(2), select(2), epoll(7). Level-triggered; edges are not kept. */
import { fail } from "../errno.ts";
import { type FileStatus, madeUpStatus } from "../file-status.ts";
import { O, OpenFile, POLL } from "../open-file.ts";
import type { Process } from "../process.ts";
import { type CallContext, type Result, row } from "./row.ts";
import { timespec, timeval } from "./time.ts";

const EPOLL = { CTL_ADD: 1, CTL_DEL: 2, CTL_MOD: 3, ONESHOT: 0x4000_0000 } as const;
const EVENT_SIZE = 12;
const POLLFD_SIZE = 8;
const MAX_FILES = 1024;
/** reported whether asked for or not */
const ALWAYS = POLL.ERR | POLL.HUP | POLL.NVAL;

/** What to do when nothing is ready: the answer 0 at the deadline, or another attempt. `timeout` in nanoseconds, below 0: none. */
function waitOrGiveUp({ kernel, waited }: CallContext, timeout: number, forInput: boolean): Result {
  const until = waited?.until ?? (timeout < 0 ? undefined : kernel.clock.now() + timeout);
  if (until === undefined) return { forInput, interruptible: true };
  return kernel.clock.now() >= until ? 0 : { until, forInput, interruptible: true };
}

/** ppoll, pselect and epoll_pwait: the mask while waiting. */
function useMask({ process, waited }: CallContext, mask: number): void {
  if (mask === 0 || waited !== undefined) return;
  const temporary = process.memory.u64(mask);
  process.signals.savedMask = process.signals.blocked;
  process.signals.blocked = temporary;
}

function waitsForInput(process: Process, fd: number): boolean {
  return process.descriptors.has(fd) && process.descriptors.get(fd).input !== undefined;
}

function poll(c: CallContext, list: number, count: number, timeout: number): Result {
  const { memory, descriptors } = c.process;
  if (count > MAX_FILES) return fail("EINVAL");
  let ready = 0;
  let forInput = false;
  const entries = new DataView(memory.read(list, count * POLLFD_SIZE).buffer);
  for (let at = 0; at < entries.byteLength; at += POLLFD_SIZE) {
    const fd = entries.getInt32(at, true);
    const wanted = entries.getInt16(at + 4, true);
    const found = fd < 0 ? 0 : descriptors.has(fd) ? descriptors.get(fd).poll() & (wanted | ALWAYS) : POLL.NVAL;
    entries.setInt16(at + 6, found, true);
    if (found !== 0) ready++;
    if (fd >= 0 && waitsForInput(c.process, fd)) forInput = true;
  }
  if (ready === 0) {
    const result = waitOrGiveUp(c, timeout, forInput);
    if (typeof result === "object") return result;
  }
  memory.write(list, new Uint8Array(entries.buffer));
  return ready;
}

function ppoll(c: CallContext, list: number, count: number, timeout: number, mask: number): Result {
  useMask(c, mask);
  return poll(c, list, count, timeout === 0 ? -1 : timespec(c.process.memory, timeout));
}

const SETS = [POLL.IN | POLL.HUP | POLL.ERR, POLL.OUT | POLL.ERR, POLL.PRI];

function select(c: CallContext, count: number, sets: readonly number[], timeout: number): Result {
  const { memory, descriptors } = c.process;
  if (count < 0 || count > MAX_FILES) return fail("EINVAL");
  const bytes = Math.ceil(count / 64) * 8;
  let ready = 0;
  let forInput = false;
  const results = sets.map((address, i) => {
    if (address === 0) return undefined;
    const asked = memory.read(address, bytes);
    const found = new Uint8Array(bytes);
    for (let fd = 0; fd < count; fd++) {
      if ((asked[fd >> 3] & (1 << (fd & 7))) === 0) continue;
      if ((descriptors.get(fd).poll() & SETS[i]) !== 0) {
        found[fd >> 3] |= 1 << (fd & 7);
        ready++;
      }
      if (i === 0 && waitsForInput(c.process, fd)) forInput = true;
    }
    return found;
  });
  if (ready === 0) {
    const result = waitOrGiveUp(c, timeout, forInput);
    if (typeof result === "object") return result;
  }
  results.forEach((found, i) => {
    if (found !== undefined) memory.write(sets[i], found);
  });
  return ready;
}

function pselect(c: CallContext, count: number, read: number, write: number, except: number, timeout: number, mask: number): Result {
  if (mask !== 0) useMask(c, c.process.memory.pointer(mask));
  return select(c, count, [read, write, except], timeout === 0 ? -1 : timespec(c.process.memory, timeout));
}

interface Interest {
  readonly file: OpenFile;
  events: number;
  data: bigint;
}

class EpollFile extends OpenFile {
  readonly path = "anon_inode:[eventpoll]";
  readonly interests = new Map<number, Interest>();

  constructor() {
    super(O.RDWR);
  }

  status(): FileStatus {
    return madeUpStatus(0o600, 1, { dev: 14n });
  }

  ready(interest: Interest): number {
    return interest.events === 0 ? 0 : interest.file.poll() & (interest.events | POLL.ERR | POLL.HUP);
  }

  override poll(): number {
    return [...this.interests.values()].some((i) => this.ready(i) !== 0) ? POLL.IN : 0;
  }
}

function epollOf(process: Process, fd: number): EpollFile {
  const file = process.descriptors.get(fd);
  return file instanceof EpollFile ? file : fail("EINVAL");
}

function epollCtl({ process }: CallContext, epfd: number, operation: number, fd: number, event: number): Result {
  const { interests } = epollOf(process, epfd);
  const file = process.descriptors.get(fd);
  const known = interests.get(fd);
  if (operation === EPOLL.CTL_DEL) return interests.delete(fd) ? 0 : fail("ENOENT");
  const [events, data] = [process.memory.u32(event), process.memory.u64(event + 4)];
  if (operation === EPOLL.CTL_ADD) {
    if (known?.file === file) return fail("EEXIST");
    interests.set(fd, { file, events, data });
    return 0;
  }
  if (operation !== EPOLL.CTL_MOD) return fail("EINVAL");
  if (known === undefined) return fail("ENOENT");
  Object.assign(known, { events, data });
  return 0;
}

function epollWait(c: CallContext, epfd: number, events: number, max: number, milliseconds: number, mask: number): Result {
  const epoll = epollOf(c.process, epfd);
  if (max <= 0) return fail("EINVAL");
  useMask(c, mask);
  let count = 0;
  for (const interest of epoll.interests.values()) {
    const found = epoll.ready(interest);
    if (found === 0 || count === max) continue;
    c.process.memory.setU32(events + count * EVENT_SIZE, found);
    c.process.memory.setU64(events + count * EVENT_SIZE + 4, interest.data);
    if ((interest.events & EPOLL.ONESHOT) !== 0) interest.events = 0;
    count++;
  }
  if (count > 0) return count;
  const forInput = [...epoll.interests.values()].some((i) => i.file.input !== undefined);
  return waitOrGiveUp(c, milliseconds < 0 ? -1 : milliseconds * 1e6, forInput);
}

function epollCreate({ process }: CallContext, flags: number): Result {
  return process.descriptors.add(new EpollFile(), (flags & O.CLOEXEC) !== 0);
}

export const pollingCalls = [
  row(7, "poll", "pointer uint int", (c, list, count, timeout) => poll(c, list, count, timeout < 0 ? -1 : timeout * 1e6)),
  row(23, "select", "int pointer pointer pointer pointer", (c, count, read, write, except, timeout) =>
    select(c, count, [read, write, except], timeout === 0 ? -1 : timeval(c.process.memory, timeout)),
  ),
  row(213, "epoll_create", "int", (c) => epollCreate(c, 0)),
  row(232, "epoll_wait", "fd pointer int int", (c, epfd, events, max, timeout) => epollWait(c, epfd, events, max, timeout, 0)),
  row(233, "epoll_ctl", "fd int fd pointer", epollCtl),
  row(270, "pselect6", "int pointer pointer pointer pointer pointer", pselect),
  row(271, "ppoll", "pointer uint pointer pointer size", ppoll),
  row(281, "epoll_pwait", "fd pointer int int pointer size", epollWait),
  row(291, "epoll_create1", "flags", epollCreate),
];
