/**
 * Tiny kernels for tests of whole machines: multiboot images (with addresses in the header, so that no ELF file is needed) of 32-bit code, which
 * is written as bytes. Multiboot Specification 0.6.96 3.1 "OS image format".
 */
const MAGIC = 0x1bad_b002;
const HAS_ADDRESSES = 0x1_0000;
const LOAD = 0x10_0000;
const HEADER_BYTES = 32;
/** mov esp, 300000h */
const STACK = "bc00003000";
const IDT = 0x20_0000;
const IDTR = 0x21_0000;
export const ENTRY = LOAD + HEADER_BYTES;
/** where a guest's own code starts */
export const BODY = ENTRY + 5;

/** An image of code in hexadecimal; text in brackets stands for its bytes with a zero behind them. */
export function guest(code: string): Uint8Array {
  const bytes = [...(STACK + code).matchAll(/\[([^\]]*)\]|([\da-f]{2})/g)].flatMap(([, text, hex]) =>
    text === undefined ? [Number.parseInt(hex, 16)] : [...new TextEncoder().encode(text), 0],
  );
  const image = new Uint8Array(HEADER_BYTES + bytes.length);
  const header = new DataView(image.buffer);
  for (const [i, value] of [MAGIC, HAS_ADDRESSES, -(MAGIC + HAS_ADDRESSES), LOAD, LOAD, 0, 0, ENTRY].entries())
    header.setUint32(i * 4, value, true);
  image.set(bytes, HEADER_BYTES);
  return image;
}

/** mov dx, 604h; mov ax, 2000h; out dx, ax: off */
export const POWER_OFF = "66ba0406 66b80020 66ef";
/** mov al, V; out F4h, al */
export const exitWith = (v: number): string => `b0${v.toString(16).padStart(2, "0")} e6f4`;
/** call over the text; pop esi; mov edx, 3F8h; lodsb; test al, al; jz over; out dx, al; jmp back */
export const print = (text: string): string => {
  const length = new TextEncoder().encode(text).length + 1;
  return `e8 ${le32(length)} [${text}] 5e 66baf803 ac 84c0 7403 ee ebf8`;
};

export function le32(value: number): string {
  return [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, "0")).join("");
}

/**
 * Sends an interrupt vector to the code at `handler`: mov dword [gate], …; mov [gate + 2], cs; mov dword [gate + 4], …; lidt.
 * SDM Vol. 3 "IDT Descriptors".
 */
export function onVector(vector: number, handler: number): string {
  const gate = IDT + 8 * vector;
  return [
    `c705 ${le32(gate)} ${le32(handler & 0xffff)} 668c0d ${le32(gate + 2)} c705 ${le32(gate + 4)} ${le32((handler & 0xffff_0000) | 0x8e00)}`,
    `66c705 ${le32(IDTR)} ff07 c705 ${le32(IDTR + 2)} ${le32(IDT)} 0f011d ${le32(IDTR)}`,
  ].join(" ");
}

export const HELLO = guest(`${print("hello\n")} ${POWER_OFF} f4`);
export const TRIPLE_FAULT = guest("0f0b");
export const HUNG = guest("ebfe");
export const HALTED = guest("fa f4");
/** sends back what it receives, and switches off after "q" */
export const ECHO = guest(
  // mov dx, 3FDh; in al, dx; test al, 1; jz back; mov dx, 3F8h; in al, dx; out dx, al; cmp al, 'q'; jne back
  `66bafd03 ec a801 74f7 66baf803 ec ee 3c71 75ed ${POWER_OFF} f4`,
);

/** Ten interrupts of the 8254 at 1000 Hz by way of the 8259, HLT in between; then off. EBX counts. */
export const TIMER = guest(
  [
    // jmp over the handler: inc ebx; mov al, 20h; out 20h, al; iretd
    "eb06 43 b020 e620 cf",
    onVector(8, BODY + 2),
    // divisor 1193: mov al, 34h; out 43h, al; mov al, A9h; out 40h, al; mov al, 4; out 40h, al
    "b034 e643 b0a9 e640 b004 e640",
    // timer alone: mov al, FEh; out 21h, al; xor ebx, ebx; sti; hlt; cmp ebx, 10; jne back
    "b0fe e621 31db fb f4 83fb0a 75fa",
    POWER_OFF,
  ].join(" "),
);
