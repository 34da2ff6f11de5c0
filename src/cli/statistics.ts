/** The record of `--stats-json`. Names as in gem5's statistics where it has them. */
import type { RunResult } from "../boot/linux-user/run-program.ts";

export function statisticsRecord(result: RunResult, hostSeconds: number) {
  const { statistics: s, kernel, instructions } = result;
  const { blocksDecoded, blocksStale, blockBytes } = kernel.core.counters();
  return {
    simInsts: instructions,
    hostSeconds,
    hostInstRate: Math.round(instructions / hostSeconds),
    blocksDecoded,
    blocksStale,
    blockBytes,
    pageFaults: s.pageFaults,
    exceptions: s.exceptions,
    signals: s.signals,
    contextSwitches: s.switches,
    processes: s.processes,
    refusedThreads: s.refusedThreads,
    peakMemoryBytes: kernel.frames.peak * 4096,
    syscalls: Object.fromEntries([...s.calls].sort()),
    unknownSyscalls: Object.fromEntries(s.unknownCalls),
  };
}
