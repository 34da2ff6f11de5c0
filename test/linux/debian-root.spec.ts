/** A Debian root file system, put together from packages, on a virtio disk: its bash on the serial port, and what scripts print there. */
import { afterAll, describe, expect, it } from "vitest";
import { Conversation } from "./conversation.ts";
import { Unavailable } from "./debian.ts";
import { debianDisk, linuxGuest } from "./guest.ts";

const MINUTES = 60_000;
const PROMPT = "bash-5.2# ";

/** command, and what it prints; as on any machine */
const SCRIPTS: readonly (readonly [command: string, output: string])[] = [
  ["cat /etc/debian_version | grep -c '^12'", "1"],
  ["echo $BASH_VERSION | cut -d . -f 1", "5"],
  ["perl -e 'print join(q( ), map { $_ ** 2 } reverse 1 .. 9), qq(\\n)'", "81 64 49 36 25 16 9 4 1"],
  ["perl -e '$_ = q(a1b22c333); printf qq(%s\\n), join q(,), /\\d+/g; printf qq(%.6f\\n), atan2(1, 1) * 4'", "1,22,333\r\n3.141593"],
  ["python3 -c 'print(sum(i * i for i in range(100000)))'", "333328333350000"],
  ["python3 -c 'print(2 ** 200 % 1000007, sorted(set(\"minusone\")))'", `${2n ** 200n % 1000007n} ['e', 'i', 'm', 'n', 'o', 's', 'u']`],
  ["python3 -c 'import math, sys; print(math.sqrt(2), sys.maxsize, float(\"1e-320\"))'", "1.4142135623730951 9223372036854775807 1e-320"],
  ["seq 1 1000 | sha256sum | cut -c 1-16", "67d4ff71d43921d5"],
  ["for i in 1 2 3; do (echo $((i * i)) & wait); done | sort -r | tr '\\n' ' '; echo", "9 4 1 "],
  ["echo kept > /root/file; sync; cat /root/file", "kept"],
];

function diskOrReason(): { kernel: string; initrd: string; disk: string } | string {
  try {
    const { kernel, initrd } = linuxGuest("linux-image-cloud-amd64");
    return { kernel, initrd, disk: debianDisk() };
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

describe("Debian on a disk", () => {
  const files = diskOrReason();
  if (typeof files === "string") {
    it.skip(`cannot be had: ${files}`, () => {});
    return;
  }
  const { kernel, initrd, disk } = files;
  let guest: Conversation | undefined;
  afterAll(() => guest?.kill());

  it("boots to its shell, which runs bash, perl and python3, and powers off", { timeout: 20 * MINUTES }, async () => {
    const drive = `file=${disk},if=virtio,snapshot=on`;
    guest = new Conversation([
      "-kernel",
      kernel,
      "-initrd",
      initrd,
      "-drive",
      drive,
      "-m",
      "512M",
      "-nographic",
      "-append",
      "console=ttyS0 rdinit=/init-root",
    ]);
    await guest.until(PROMPT);
    const printed: string[] = [];
    for (const [command] of SCRIPTS) {
      guest.say(command);
      const [, ...lines] = (await guest.until(PROMPT)).split("\r\n");
      printed.push(lines.join("\r\n").trimEnd());
    }
    expect(printed).toEqual(SCRIPTS.map(([, output]) => output.trimEnd()));
    guest.say("busybox poweroff -f");
    expect(await guest.end()).toBe(0);
    expect(guest.log).toMatch(/reboot: Power down\s*$/);
    expect(guest.log).not.toMatch(/warn|oops|call trace|unhandled|segfault/i);
  });
});
