  .section .rodata
  .globl archive, archive_end
  .balign 2
archive: .incbin ARCHIVE
archive_end:
  .section .note.GNU-stack, "", @progbits
