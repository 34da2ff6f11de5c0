/** What a program in raw mode gets from the keyboard. termios(3) */
import { describe, expect, test } from "vitest";
import { TerminalState } from "../../../src/boot/linux-user/terminal.ts";

function terminal() {
  const log: string[] = [];
  const state = new TerminalState({ size: () => ({ rows: 24, columns: 80 }), setRaw: (raw) => log.push(raw ? "raw" : "cooked") }, 100);
  state.onSignal = (signo) => log.push(`signal ${signo}`);
  /** clears flags of the input and local mode words */
  const without = (input: number, local: number) => {
    const settings = state.settings;
    const view = new DataView(settings.buffer);
    view.setUint32(0, view.getUint32(0, true) & ~input, true);
    view.setUint32(12, view.getUint32(12, true) & ~local, true);
    state.settings = settings;
  };
  const type = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return new TextDecoder().decode(bytes.subarray(0, state.process(bytes)));
  };
  return { log, state, without, type };
}

const [ICRNL, ISIG, ICANON, ECHO] = [0x100, 1, 2, 8];

describe("terminal", () => {
  test("in canonical mode the host edits lines and makes signals", () => {
    const { type, log } = terminal();
    expect(type("a\x03b\r")).toBe("a\x03b\r");
    expect(log).toEqual([]);
  });

  test("the host's terminal is raw as long as the program wants single keys", () => {
    const { without, state, log } = terminal();
    const cooked = state.settings;
    without(0, ICANON | ECHO);
    without(0, ISIG);
    state.settings = cooked;
    expect(log).toEqual(["raw", "cooked"]);
  });

  test("keys become signals unless ISIG is off; Enter becomes a line end unless ICRNL is off", () => {
    const { without, type, log } = terminal();
    without(0, ICANON);
    expect(type("a\x03b\x1a\r")).toBe("ab\n");
    expect(log).toEqual(["raw", "signal 2", "signal 20"]);
    without(ICRNL, ISIG);
    expect(type("a\x03\r")).toBe("a\x03\r");
  });
});
