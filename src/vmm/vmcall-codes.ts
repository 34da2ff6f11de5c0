/** Numbers of the vmcall protocol, which the VMM, its driver and whoever calls it share. */
export const VMCALL = { VERSIONS: 1n, REGISTERS: 2n, DATA: 3n, EVENT: 4n, START: 5n, STOP: 6n, UNITTEST: 10n } as const;
export const VMCALL_VERSIONS = { PROTOCOL: 0n, BAREFLANK: 1n, USER: 10n } as const;
export const VMCALL_DATA = { NONE: 0n, STRING_UNFORMATTED: 1n, STRING_JSON: 2n, BINARY_UNFORMATTED: 10n } as const;
