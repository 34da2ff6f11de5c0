/*
 * Reads the structures of the two boot protocols: Multiboot Specification 0.6.96 "Boot information format" and Xen's "x86/HVM direct boot
 * ABI". They lie in memory that nobody protects, so everything is copied.
 */
#include "boot-info.h"
#include "paging.h"
#include "text.h"

enum { USABLE = 1 };
enum { HAS_SIZES = 1 << 0, HAS_COMMAND = 1 << 2, HAS_MAP = 1 << 6 };

struct multiboot { u32 flags, lower_kib, upper_kib, boot_device, command, modules, module_list, symbols[4], map_length, map; };
struct multiboot_range { u32 size; u64 start, length; u32 type; } __attribute__((packed));

struct pvh { u32 magic, version, flags, modules; u64 module_list, command, acpi, map; u32 map_entries; };
struct pvh_range { u64 start, length; u32 type, reserved; };

struct boot_info boot_info;

static void add_range(u64 start, u64 length, u32 type) {
  if (type == USABLE && boot_info.ranges < COUNT(boot_info.memory))
    boot_info.memory[boot_info.ranges++] = (struct range){start, start + length};
}

static void set_command(const char *text) { format(boot_info.command, sizeof boot_info.command, "%s", text); }

void read_multiboot(u64 physical) {
  const struct multiboot *from = direct(physical);
  if (from->flags & HAS_MAP) {
    for (u64 at = from->map; at < from->map + from->map_length;) {
      const struct multiboot_range *range = direct(at);
      add_range(range->start, range->length, range->type);
      at += range->size + sizeof range->size;
    }
  } else if (from->flags & HAS_SIZES) {
    add_range(0x100000, (u64)from->upper_kib << 10, USABLE);
  }
  if (!(from->flags & HAS_COMMAND)) return;
  // the first word is the image's name
  const char *command = direct(from->command);
  while (*command && *command != ' ') command++;
  while (*command == ' ') command++;
  set_command(command);
}

void read_pvh(u64 physical) {
  const struct pvh *from = direct(physical);
  const struct pvh_range *map = direct(from->map);
  for (u32 i = 0; from->version >= 1 && i < from->map_entries; i++) add_range(map[i].start, map[i].length, map[i].type);
  if (from->command) set_command(direct(from->command));
}
