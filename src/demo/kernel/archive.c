/*
 * An archive as ar makes it: a line "!<arch>", and for each file a header of text, with the name ended by a slash, then the bytes,
 * padded to an even number.
 */
#include "archive.h"
#include "text.h"

struct header { char name[16], date[12], user[6], group[6], mode[8], length[10], end[2]; };

extern const u8 archive[], archive_end[];
enum { MAGIC_LENGTH = 8 };

bool file_at(u32 index, struct file *found) {
  const u8 *at = archive + MAGIC_LENGTH;
  while (at < archive_end) {
    const struct header *header = (const void *)at;
    *found = (struct file){header->name, 0, at + sizeof *header, number(header->length, 0)};
    while (found->name[found->name_length] != '/') found->name_length++;
    if (!index--) return true;
    at = found->data + found->length + found->length % 2;
  }
  return false;
}

bool find_file(const char *name, struct file *found) {
  for (u32 i = 0; file_at(i, found); i++) {
    u32 n = 0;
    while (n < found->name_length && name[n] == found->name[n]) n++;
    if (n == found->name_length && !name[n]) return true;
  }
  return false;
}
