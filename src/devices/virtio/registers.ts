/**
 * Numbers of the PCI transport. VIRTIO 1.2 2.1 "Device Status Field", 4.1.4 "Virtio Structure PCI Capabilities", 4.1.4.3 "Common configuration
 * structure layout", 6 "Reserved Feature Bits".
 */

export const VIRTIO_VENDOR = 0x1af4;
/** PCI device ID of device type 0 */
export const VIRTIO_DEVICE = 0x1040;

export const ACKNOWLEDGE = 1;
export const DRIVER = 2;
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const NEEDS_RESET = 64;
export const FAILED = 128;

export const F_INDIRECT_DESC = 28;
export const F_EVENT_IDX = 29;
export const F_VERSION_1 = 32;

export const CAP_COMMON = 1;
export const CAP_NOTIFY = 2;
export const CAP_ISR = 3;
export const CAP_DEVICE = 4;
export const CAP_PCI_CFG = 5;

export const ISR_QUEUE = 1;
export const ISR_CONFIG = 2;

/** offsets in the common configuration structure */
export const DEVICE_FEATURE_SELECT = 0x00;
export const DEVICE_FEATURE = 0x04;
export const DRIVER_FEATURE_SELECT = 0x08;
export const DRIVER_FEATURE = 0x0c;
export const CONFIG_MSIX_VECTOR = 0x10;
export const NUM_QUEUES = 0x12;
export const DEVICE_STATUS = 0x14;
export const CONFIG_GENERATION = 0x15;
export const QUEUE_SELECT = 0x16;
export const QUEUE_SIZE = 0x18;
export const QUEUE_MSIX_VECTOR = 0x1a;
export const QUEUE_ENABLE = 0x1c;
export const QUEUE_NOTIFY_OFF = 0x1e;
export const QUEUE_DESC = 0x20;
export const QUEUE_DRIVER = 0x28;
export const QUEUE_DEVICE = 0x30;
