/**
 * Every step of loading and starting that can fail asks here first whether it shall: each allocation, each VMX instruction, each check. In
 * operation nothing does. A test makes any one step fail and looks at what is left behind.
 */
export interface Faults {
  /** Whether the step of this name, "alloc page pool 4096", "vmwrite guestRip", shall fail as it would by itself. */
  fails(step: string): boolean;
}

export const NO_FAULTS: Faults = { fails: () => false };
