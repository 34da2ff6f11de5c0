/** What the host gives the core. */

/** Throws the one value that unwinds the core's frames; the state says what was raised. */
export declare function raised(): void;

/** Device memory: `size` is 1, 2, 4 or 8, the data pass through the first bytes of the bounce buffer. `now` in the state is exact. */
export declare function mmioRead(gpa: f64, size: u32): void;
export declare function mmioWrite(gpa: f64, size: u32): void;
