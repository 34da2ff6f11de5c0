/**
 * Keys of a PS/2 keyboard by their names in KeyboardEvent.code, with their scan codes in sets 1 and 2 (Microsoft, "Keyboard Scan Code
 * Specification", 2000), and what the keyboard controller makes of set 2.
 */
interface Key {
  set1(down: boolean): readonly number[];
  set2(down: boolean): readonly number[];
}

const TABLE = `
Escape         01 76     Digit1         02 16     Digit2         03 1e     Digit3         04 26     Digit4         05 25
Digit5         06 2e     Digit6         07 36     Digit7         08 3d     Digit8         09 3e     Digit9         0a 46
Digit0         0b 45     Minus          0c 4e     Equal          0d 55     Backspace      0e 66     Tab            0f 0d
KeyQ           10 15     KeyW           11 1d     KeyE           12 24     KeyR           13 2d     KeyT           14 2c
KeyY           15 35     KeyU           16 3c     KeyI           17 43     KeyO           18 44     KeyP           19 4d
BracketLeft    1a 54     BracketRight   1b 5b     Enter          1c 5a     ControlLeft    1d 14     KeyA           1e 1c
KeyS           1f 1b     KeyD           20 23     KeyF           21 2b     KeyG           22 34     KeyH           23 33
KeyJ           24 3b     KeyK           25 42     KeyL           26 4b     Semicolon      27 4c     Quote          28 52
Backquote      29 0e     ShiftLeft      2a 12     Backslash      2b 5d     KeyZ           2c 1a     KeyX           2d 22
KeyC           2e 21     KeyV           2f 2a     KeyB           30 32     KeyN           31 31     KeyM           32 3a
Comma          33 41     Period         34 49     Slash          35 4a     ShiftRight     36 59     NumpadMultiply 37 7c
AltLeft        38 11     Space          39 29     CapsLock       3a 58     F1             3b 05     F2             3c 06
F3             3d 04     F4             3e 0c     F5             3f 03     F6             40 0b     F7             41 83
F8             42 0a     F9             43 01     F10            44 09     NumLock        45 77     ScrollLock     46 7e
Numpad7        47 6c     Numpad8        48 75     Numpad9        49 7d     NumpadSubtract 4a 7b     Numpad4        4b 6b
Numpad5        4c 73     Numpad6        4d 74     NumpadAdd      4e 79     Numpad1        4f 69     Numpad2        50 72
Numpad3        51 7a     Numpad0        52 70     NumpadDecimal  53 71     IntlBackslash  56 61     F11            57 78
F12            58 07
NumpadEnter  e01c e05a   ControlRight e01d e014   NumpadDivide e035 e04a   AltRight     e038 e011   Home         e047 e06c
ArrowUp      e048 e075   PageUp       e049 e07d   ArrowLeft    e04b e06b   ArrowRight   e04d e074   End          e04f e069
ArrowDown    e050 e072   PageDown     e051 e07a   Insert       e052 e070   Delete       e053 e071   MetaLeft     e05b e01f
MetaRight    e05c e027   ContextMenu  e05d e02f`;

const BREAK = 0xf0;

function simple(set1: number, set2: number): Key {
  const prefix = set1 > 0xff ? [set1 >> 8] : [];
  return {
    set1: (down) => [...prefix, (set1 & 0xff) | (down ? 0 : 0x80)],
    set2: (down) => [...prefix, ...(down ? [] : [BREAK]), set2 & 0xff],
  };
}

/** Two keys that send more: Print Screen comes with a shift key, and Pause says at once that it is up again. */
const PRINT_SCREEN: Key = {
  set1: (down) => (down ? [0xe0, 0x2a, 0xe0, 0x37] : [0xe0, 0xb7, 0xe0, 0xaa]),
  set2: (down) => (down ? [0xe0, 0x12, 0xe0, 0x7c] : [0xe0, BREAK, 0x7c, 0xe0, BREAK, 0x12]),
};
const PAUSE: Key = {
  set1: (down) => (down ? [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5] : []),
  set2: (down) => (down ? [0xe1, 0x14, 0x77, 0xe1, BREAK, 0x14, BREAK, 0x77] : []),
};

const rows = [...TABLE.matchAll(/(\w+)\s+([0-9a-f]+) ([0-9a-f]+)/g)].map(([, code, set1, set2]) => ({
  code,
  set1: Number.parseInt(set1, 16),
  set2: Number.parseInt(set2, 16),
}));

export const KEYS: Readonly<Record<string, Key | undefined>> = {
  ...Object.fromEntries(rows.map(({ code, set1, set2 }) => [code, simple(set1, set2)])),
  PrintScreen: PRINT_SCREEN,
  Pause: PAUSE,
};

/** Scan codes of set 2 as the controller translates them: those of keys to set 1, the rest so that no two are the same. */
export const TRANSLATION: readonly number[] = [
  0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02,
  0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13,
  0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18,
  0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b,
  0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50,
  0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54,
];

const US = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./ \n\t\b\x1b";
const US_SHIFTED = '~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?';
const US_KEYS =
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Backslash KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash Space Enter Tab Backspace Escape".split(
    " ",
  );

/** The key of a character on a US keyboard, and if it takes a shift key; undefined if it has none. */
export function keyOf(character: string): { readonly code: string; readonly shift: boolean } | undefined {
  const plain = US.indexOf(character);
  if (plain >= 0) return { code: US_KEYS[plain], shift: false };
  const shifted = US_SHIFTED.indexOf(character);
  return shifted >= 0 ? { code: US_KEYS[shifted], shift: true } : undefined;
}
