# A guest in one sector: appends "SERVER LIFE COUNT\n" to its disk twice a second, and obeys the
# power button. LIFE is new at each start, and stays over a migration, as COUNT goes on over it.
# guests.py has it as PROGRAM, made by:
#   as --32 beat.S -o beat.o
#   ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o beat.bin beat.o
# Disk 0x80: sector 0 is this program, sector 1 a word from outside: 'S', shut down. Then its log,
# a line a sector, each in the first that is blank: so two that write at once stand between each
# other's lines. Disk 0x81, sector 0: the name of the server, its /etc/hostname.
        .code16
        .globl _start
_start: xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        cld
        rdtsc           # as good as random: what SeaBIOS took until here, in the host's cycles
        movl %eax, life
        # Something on each page from 1 to 9 MiB, so that a migration has what to send. Above 1 MiB
        # a segment reaches with a limit that was set in protected mode, and stays.
        cli
        lgdt table
        movl %cr0, %eax
        incw %ax
        movl %eax, %cr0
        movw $8, %bx
        movw %bx, %fs
        decw %ax
        movl %eax, %cr0
        movl $0x100000, %ebx
fill:   movl %ebx, %fs:(%ebx)
        addl $0x1000, %ebx
        cmpl $0x900000, %ebx
        jb   fill
        # Enable the power button's bit in PM1_EN (PIIX4: I/O base 0x600, set by SeaBIOS).
        movw $0x602, %dx
        movw $0x0100, %ax
        outw %ax, %dx
loop:   # the server's name -> 0x8000
        xorw %cx, %cx
        movw $0x8000, %bx
        movw $0x4281, %dx
        call disk
        # the line -> 0x8200, its name up to the first character that is not printable
        movw $0x8200, %di
        movw $256, %cx
        xorw %ax, %ax
        rep stosw
        movw $0x8000, %si
        movw $0x8200, %di
copy:   lodsb
        cmpb $0x20, %al
        jbe  numbers
        stosb
        cmpw $0x8280, %di
        jb   copy
numbers:
        movl life, %eax
        call digits
        movw $count, %si
        movw $4, %cx
        stc
plus1:  movb (%si), %al # packed decimals
        adcb $0, %al
        daa
        movb %al, (%si)
        incw %si
        loop plus1
        movl count, %eax
        call digits
        movb $10, %al
        stosb
        # the first blank sector of the log
next:   incw last
        movw last, %cx
        movw $0x8400, %bx
        movw $0x4280, %dx
        call disk
        cmpb $0, 0x8400
        jne  next
        movw $0x8200, %bx
        movw $0x4380, %dx
        call disk
        # a word from outside
        movw $1, %cx
        movw $0x8400, %bx
        movw $0x4280, %dx
        call disk
        cmpb $'S', 0x8400
        jne  pause
        movb $0, 0x8400 # obeyed: the next start is not told
        movw $0x4380, %dx
        call disk
        jmp  off
        # half a second by the BIOS's ticks (18.2 Hz), looking at the power button
pause:  movl 0x46c, %ebx
        addl $9, %ebx
wait:   sti
        hlt
        movw $0x600, %dx
        inw  %dx, %ax
        testb $1, %ah
        jnz  off
        cmpl %ebx, 0x46c
        jb   wait
        jmp  loop
off:    movw $0x604, %dx
        movw $0x2000, %ax       # SLP_EN, SLP_TYP 0: off
        outw %ax, %dx
        hlt
        jmp  off

        # a space and the eight digits of %eax
digits: pushl %eax
        movb $0x20, %al
        stosb
        popl %eax
        movw $8, %cx
digit:  roll $4, %eax
        pushl %eax
        andb $0x0f, %al
        cmpb $10, %al
        sbbb $0x69, %al
        das
        stosb
        popl %eax
        loop digit
        ret

        # %dh (read 0x42, write 0x43) one sector, %cx, of disk %dl at %bx; off when that fails
disk:   movw %bx, packet+4
        movw %cx, packet+8
        movw $packet, %si
        movb %dh, %ah
        xorb %al, %al
        int  $0x13
        jc   off
        ret
        .balign 8
packet: .byte 16, 0
        .word 1
        .word 0, 0
        .long 0, 0
table:  .word 15        # the descriptors' table, in its own first and unused one: its size, where
        .long table
        .word 0
        .quad 0x00cf92000000ffff        # data, from 0 to 4 GiB
life:   .long 0
count:  .long 0
last:   .word 1         # the sector of the log that was used last
        .org 510
        .word 0xaa55
