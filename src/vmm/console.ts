/**
 * Where the VMM's modules write to: `write` of their C library. Text that names a vCPU ("$vcpuid=0x" and 16 digits) goes to that vCPU's ring
 * alone, everything else to the boot vCPU's ring and to the serial port.
 */
const STDOUT = 1n;
const STDERR = 2n;
const PREFIX = "$vcpuid=";
const ID = /^0x[0-9a-f]{16}$/i;
/** the prefix, "0x" and 16 digits */
const PREFIX_LENGTH = PREFIX.length + 18;
const BOOT_VCPU = 0n;

export interface ConsoleTargets {
  /** A vCPU that does not exist hears nothing. */
  readonly ring: (vcpu: bigint, text: string) => void;
  readonly serial: (text: string) => void;
}

/** Answers how many bytes were taken, all or none; never throws. */
export function consoleWrite(targets: ConsoleTargets, fd: bigint, bytes: Uint8Array | null): bigint {
  if (bytes === null || bytes.length === 0 || (fd !== STDOUT && fd !== STDERR)) return 0n;
  try {
    const text = new TextDecoder().decode(bytes);
    const vcpu = vcpuOf(text);
    if (vcpu !== undefined) targets.ring(vcpu, text.slice(PREFIX_LENGTH));
    else {
      targets.ring(BOOT_VCPU, text);
      targets.serial(text);
    }
    return BigInt(bytes.length);
  } catch {
    return 0n;
  }
}

function vcpuOf(text: string): bigint | undefined {
  if (text.length < PREFIX_LENGTH || !text.startsWith(PREFIX)) return undefined;
  const id = text.slice(PREFIX.length, PREFIX_LENGTH);
  if (!ID.test(id)) throw new RangeError(`"${id}" names no vCPU`);
  return BigInt(id);
}
