/** Who a process is: numbers of processes, groups, sessions, users. credentials(7). Users cannot be changed. */
import { fail } from "../errno.ts";
import type { Process } from "../process.ts";
import { type CallContext, type Result, row } from "./row.ts";

const PR = {
  SET_PDEATHSIG: 1,
  GET_PDEATHSIG: 2,
  GET_DUMPABLE: 3,
  SET_DUMPABLE: 4,
  SET_NAME: 15,
  GET_NAME: 16,
  SET_NO_NEW_PRIVS: 38,
  GET_NO_NEW_PRIVS: 39,
};
const UNCHANGED = -1;

function find({ kernel, process }: CallContext, pid: number): Process {
  return pid === 0 ? process : (kernel.processes.get(pid) ?? fail("ESRCH"));
}

function setpgid(c: CallContext, pid: number, group: number): Result {
  const target = find(c, pid);
  if (target !== c.process && target.parent !== c.process) return fail("ESRCH");
  if (group < 0) return fail("EINVAL");
  if (target.session !== c.process.session || target.pid === target.session) return fail("EPERM");
  target.group = group === 0 ? target.pid : group;
  return 0;
}

function setsid({ process }: CallContext): Result {
  if (process.group === process.pid) return fail("EPERM");
  process.session = process.pid;
  process.group = process.pid;
  return process.pid;
}

/** Programs that give up privileges they do not have must not fail; others may not become someone else. */
function setId(allowed: number, ids: readonly number[]): Result {
  return allowed === 0 || ids.every((id) => id === UNCHANGED || id === allowed) ? 0 : fail("EPERM");
}

function getThree({ process }: CallContext, value: number, addresses: readonly number[]): Result {
  for (const address of addresses) process.memory.setU32(address, value);
  return 0;
}

function getgroups({ kernel, process }: CallContext, size: number, list: number): Result {
  const { groups } = kernel.host.identity;
  if (size === 0) return groups.length;
  if (size < groups.length) return fail("EINVAL");
  groups.forEach((group, i) => {
    process.memory.setU32(list + i * 4, group);
  });
  return groups.length;
}

function prctl({ process }: CallContext, option: number, argument: number): Result {
  switch (option) {
    case PR.SET_PDEATHSIG:
      process.deathSignal = argument;
      return 0;
    case PR.GET_PDEATHSIG:
      process.memory.setU32(argument, process.deathSignal);
      return 0;
    case PR.GET_DUMPABLE:
      return 1;
    case PR.SET_NAME:
      process.name = process.memory.string(argument).slice(0, 15);
      return 0;
    case PR.GET_NAME:
      process.memory.write(argument, new TextEncoder().encode(process.name.padEnd(16, "\0")));
      return 0;
    case PR.SET_DUMPABLE:
    case PR.SET_NO_NEW_PRIVS:
    case PR.GET_NO_NEW_PRIVS:
      return 0;
    default:
      return fail("EINVAL");
  }
}

const uid = ({ kernel }: CallContext) => kernel.host.identity.uid;
const gid = ({ kernel }: CallContext) => kernel.host.identity.gid;

export const identityCalls = [
  row(39, "getpid", "", ({ process }) => process.pid),
  row(102, "getuid", "", uid),
  row(104, "getgid", "", gid),
  row(105, "setuid", "int", (c, id) => setId(uid(c), [id])),
  row(106, "setgid", "int", (c, id) => setId(gid(c), [id])),
  row(107, "geteuid", "", uid),
  row(108, "getegid", "", gid),
  row(109, "setpgid", "int int", setpgid),
  row(110, "getppid", "", ({ kernel, process }) => kernel.parentPid(process)),
  row(111, "getpgrp", "", ({ process }) => process.group),
  row(112, "setsid", "", setsid),
  row(113, "setreuid", "int int", (c, real, effective) => setId(uid(c), [real, effective])),
  row(114, "setregid", "int int", (c, real, effective) => setId(gid(c), [real, effective])),
  row(115, "getgroups", "int pointer", getgroups),
  row(116, "setgroups", "size pointer", ({ kernel }) => setId(kernel.host.identity.uid, [0])),
  row(117, "setresuid", "int int int", (c, ...ids) => setId(uid(c), ids)),
  row(118, "getresuid", "pointer pointer pointer", (c, ...at) => getThree(c, uid(c), at)),
  row(119, "setresgid", "int int int", (c, ...ids) => setId(gid(c), ids)),
  row(120, "getresgid", "pointer pointer pointer", (c, ...at) => getThree(c, gid(c), at)),
  row(121, "getpgid", "int", (c, pid) => find(c, pid).group),
  row(122, "setfsuid", "int", uid),
  row(123, "setfsgid", "int", gid),
  row(124, "getsid", "int", (c, pid) => find(c, pid).session),
  row(157, "prctl", "int pointer pointer pointer pointer", prctl),
  row(186, "gettid", "", ({ process }) => process.pid),
  row(218, "set_tid_address", "pointer", ({ process }, address) => {
    process.clearTid = address;
    return process.pid;
  }),
];
