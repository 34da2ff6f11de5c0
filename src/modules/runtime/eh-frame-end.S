/* linked last: the end of the runtime's own .eh_frame */
.section .eh_frame, "a"
.long 0

.section .note.GNU-stack, "", @progbits
