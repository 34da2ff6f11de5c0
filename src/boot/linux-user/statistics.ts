/** What happened, for `--stats-json` and for the list of unknown calls. */
export class Statistics {
  /** system calls by name */
  readonly calls = new Map<string, number>();
  /** system calls without a row, by number */
  readonly unknownCalls = new Map<number, number>();
  pageFaults = 0;
  exceptions = 0;
  signals = 0;
  switches = 0;
  processes = 0;
  refusedThreads = 0;

  countCall(name: string): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  countUnknown(number: number): void {
    this.unknownCalls.set(number, (this.unknownCalls.get(number) ?? 0) + 1);
  }
}
