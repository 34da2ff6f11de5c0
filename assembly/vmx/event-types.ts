/** Interruption information: its types and bits. SDM Vol. 3 "VM-Entry Controls for Event Injection", "Information for VM Exits Due to Vectored Events". */
export const EXTERNAL_EVENT: u32 = 0;
export const NMI_EVENT: u32 = 2;
export const HARDWARE_EXCEPTION_EVENT: u32 = 3;
/** the first of the three software events: INT n, INT1, INT3 and INTO */
export const SOFTWARE_EVENT: u32 = 4;
/** INT1 */
export const PRIVILEGED_EVENT: u32 = 5;
export const OTHER_EVENT: u32 = 7;
export const INJECTION_ERROR_CODE: u32 = 1 << 11;
export const INJECTION_VALID: u32 = 1 << 31;
/** of an exit's information: NMIs were unblocked by IRET */
export const NMI_UNBLOCKED: u32 = 1 << 12;
