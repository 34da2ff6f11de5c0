/** What the host gives the core. */

/** Throws the one value that unwinds the core's frames; the state says what was raised. */
export declare function raised(): void;
