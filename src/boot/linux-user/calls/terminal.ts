/** ioctl(2): terminals, and the few requests that other files know. tty_ioctl(4) */
import { fail } from "../errno.ts";
import { O, type OpenFile } from "../open-file.ts";
import { SIG } from "../signals.ts";
import { StreamFile } from "../stream-file.ts";
import { TERMIOS_SIZE, type TerminalState } from "../terminal.ts";
import { type CallContext, type Result, row } from "./row.ts";

const REQUEST = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  TIOCNOTTY: 0x5422,
  TIOCGSID: 0x5429,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
} as const;

function ioctl(c: CallContext, fd: number, request: number, argument: number): Result {
  const { descriptors, memory } = c.process;
  const file = descriptors.get(fd);
  switch (request) {
    case REQUEST.FIONBIO:
      file.flags = memory.u32(argument) !== 0 ? file.flags | O.NONBLOCK : file.flags & ~O.NONBLOCK;
      return 0;
    case REQUEST.FIOCLEX:
    case REQUEST.FIONCLEX:
      descriptors.setCloseOnExec(fd, request === REQUEST.FIOCLEX);
      return 0;
    default: {
      const terminal = terminalOf(file);
      return terminal === undefined ? fail("ENOTTY") : terminalRequest(c, terminal, request, argument);
    }
  }
}

function terminalOf(file: OpenFile): TerminalState | undefined {
  return file instanceof StreamFile ? file.terminal : undefined;
}

function terminalRequest({ kernel, process }: CallContext, terminal: TerminalState, request: number, argument: number): Result {
  const { memory } = process;
  switch (request) {
    case REQUEST.TCGETS:
      memory.write(argument, terminal.settings);
      return 0;
    case REQUEST.TCSETS:
    case REQUEST.TCSETSW:
    case REQUEST.TCSETSF:
      terminal.settings = memory.read(argument, TERMIOS_SIZE);
      return 0;
    case REQUEST.TIOCGWINSZ: {
      const { rows, columns } = terminal.size;
      memory.write(argument, new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer));
      return 0;
    }
    case REQUEST.TIOCGPGRP:
      memory.setU32(argument, terminal.foreground);
      return 0;
    case REQUEST.TIOCSPGRP:
      terminal.foreground = memory.i32(argument);
      return 0;
    case REQUEST.TIOCGSID:
      memory.setU32(argument, terminal.session);
      return 0;
    case REQUEST.TIOCSCTTY:
      terminal.session = process.session;
      return 0;
    case REQUEST.FIONREAD:
    case REQUEST.TIOCOUTQ:
      memory.setU32(argument, 0);
      return 0;
    case REQUEST.TIOCSWINSZ:
      kernel.sendToGroup(terminal.foreground, { signo: SIG.WINCH, code: 0x80 });
      return 0;
    case REQUEST.TCSBRK:
    case REQUEST.TCXONC:
    case REQUEST.TCFLSH:
    case REQUEST.TIOCNOTTY:
      return 0;
    default:
      return fail("ENOTTY");
  }
}

export const terminalCalls = [row(16, "ioctl", "fd flags pointer", ioctl)];
