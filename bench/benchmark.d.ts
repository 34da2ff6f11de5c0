/** What bench/ uses of the benchmark package, which comes without types. */
declare module "benchmark" {
  export = Benchmark;
  namespace Benchmark {
    interface Target {
      readonly name: string;
      /** calls a second */
      readonly hz: number;
      /** rme: relative margin of error in percent */
      readonly stats: { readonly rme: number };
      readonly error?: Error;
    }
    interface Options {
      readonly maxTime?: number;
      readonly minSamples?: number;
      readonly onComplete?: (event: { readonly target: Target }) => void;
    }
    class Suite {
      add(name: string, fn: () => void, options?: Options): this;
      run(): this;
    }
  }
}
