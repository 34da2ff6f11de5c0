/** Names of the configuration space header. PCI Local Bus 3.0 6.1 "Configuration Space Organization", 6.2 "Configuration Space Functions". */

export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
export const STATUS = 0x06;
export const REVISION_ID = 0x08;
export const CLASS_CODE = 0x09;
export const CACHE_LINE_SIZE = 0x0c;
export const BASE_ADDRESS = 0x10;
export const SUBSYSTEM_VENDOR_ID = 0x2c;
export const SUBSYSTEM_ID = 0x2e;
export const CAPABILITIES = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const INTERRUPT_PIN = 0x3d;
/** first byte behind the header */
export const DEVICE_SPECIFIC = 0x40;
export const CONFIGURATION_BYTES = 0x100;
export const BASE_ADDRESSES = 6;

export const COMMAND_IO = 1 << 0;
export const COMMAND_MEMORY = 1 << 1;
export const COMMAND_MASTER = 1 << 2;
export const COMMAND_SERR = 1 << 8;
export const COMMAND_INTERRUPT_DISABLE = 1 << 10;

export const STATUS_INTERRUPT = 1 << 3;
export const STATUS_CAPABILITIES = 1 << 4;

export const BAR_IO = 1;
export const BAR_64 = 4;
export const BAR_PREFETCHABLE = 8;

export const CAPABILITY_MSI = 0x05;
export const CAPABILITY_VENDOR = 0x09;
export const CAPABILITY_MSI_X = 0x11;
