# A guest in one sector: writes "SERVER COUNT\n" to its disk once a second, and obeys the power
# button. guests.py has it as PROGRAM, made by:
#   as --32 beat.S -o beat.o
#   ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o beat.bin beat.o
# Disk 0x80: sector 0 is this program, sector 1 what it writes, sector 2 a word from outside:
# 'S', shut down. Disk 0x81, sector 0: the name of the server, its /etc/hostname.
        .code16
        .globl _start
_start: xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        # Enable the power button's bit in PM1_EN (PIIX4: I/O base 0x600, set by SeaBIOS).
        movw $0x602, %dx
        movw $0x0100, %ax
        outw %ax, %dx
loop:   # the server's name -> 0x8000
        movw $0x8000, packet+4
        movw $0, packet+8
        movb $0x42, %ah
        movb $0x81, %dl
        call disk
        jc   off        # no name: end at once, so that a test sees it
        # name up to the first character that is not printable -> 0x8200
        movw $0x8000, %si
        movw $0x8200, %di
        cld
copy:   lodsb
        cmpb $0x20, %al
        jbe  number
        stosb
        cmpw $0x8280, %di
        jb   copy
number: movb $0x20, %al
        stosb
        movl count, %eax
        incl %eax
        movl %eax, count
        # eight hex digits
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
        movb $10, %al
        stosb
        movw $0x8200, packet+4
        movw $1, packet+8
        movb $0x43, %ah
        movb $0x80, %dl
        call disk
        # a word from outside -> 0x8000
        movw $0x8000, packet+4
        movw $2, packet+8
        movb $0x42, %ah
        movb $0x80, %dl
        call disk
        cmpb $'S', 0x8000
        jne  second
        movb $0, 0x8000         # obeyed: the next start is not told
        movb $0x43, %ah
        movb $0x80, %dl
        call disk
        jmp  off
        # one second by the BIOS's ticks (18.2 Hz), looking at the power button
second: movl 0x46c, %ebx
        addl $18, %ebx
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
disk:   movw $packet, %si
        xorb %al, %al
        int  $0x13
        ret
        .balign 4
packet: .byte 16, 0
        .word 1
        .word 0, 0
        .long 0, 0
count:  .long 0
        .org 510
        .word 0xaa55
