/** Unwinds the core's frames when a guest instruction raises; never seen outside this folder. */
export const RAISED = { raised: true };
