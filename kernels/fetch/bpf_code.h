/*
 * Instructions of the kernel's BPF machine, written out where a program is so short that a
 * compiler for it would be one more thing to install. Names as in an assembler; registers are
 * BPF_REG_0 to 10, jumps count instructions from the next one on, and a 64-bit number takes two.
 */
#ifndef FETCH_BPF_CODE_H
#define FETCH_BPF_CODE_H

#include <linux/bpf.h>
#include <stdint.h>

#define BPF_CODE(code_, to, from, offset, number)                                                  \
	{                                                                                          \
		.code = (code_), .dst_reg = (to), .src_reg = (from), .off = (int16_t)(offset),     \
		.imm = (int32_t)(number)                                                           \
	}
#define MOVE(to, from)		      BPF_CODE(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, number)		      BPF_CODE(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number)
#define COMPUTE(op, to, from)	      BPF_CODE(BPF_ALU64 | (op) | BPF_X, to, from, 0, 0)
#define COMPUTE_BY(op, to, n)	      BPF_CODE(BPF_ALU64 | (op) | BPF_K, to, 0, 0, n)
#define LOAD(size, to, from, at)      BPF_CODE(BPF_LDX | BPF_MEM | (size), to, from, at, 0)
#define STORE(size, to, at, from)     BPF_CODE(BPF_STX | BPF_MEM | (size), to, from, at, 0)
#define STORE_NUMBER(size, to, at, n) BPF_CODE(BPF_ST | BPF_MEM | (size), to, 0, at, n)
#define JUMP_IF(op, a, n, by)	      BPF_CODE(BPF_JMP | (op) | BPF_K, a, 0, by, n)
#define JUMP_IF_REG(op, a, b, by)     BPF_CODE(BPF_JMP | (op) | BPF_X, a, b, by, 0)
#define CALL(helper)		      BPF_CODE(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT			      BPF_CODE(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* 16 bits from the order of the network to that of the host. */
#define FROM_NETWORK(to) BPF_CODE(BPF_ALU | BPF_END | BPF_TO_BE, to, 0, 0, 16)
/* Of 64 bits: they take two. */
#define SET_WIDE(to, number)                                                                       \
	BPF_CODE(BPF_LD | BPF_DW | BPF_IMM, to, 0, 0, (uint32_t)((uint64_t)(number))),             \
		BPF_CODE(0, 0, 0, 0, (uint32_t)((uint64_t)(number) >> 32))
#define SET_MAP(to, fd)                                                                            \
	BPF_CODE(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd), BPF_CODE(0, 0, 0, 0, 0)

/* Where things stand in a frame of TCP over IPv4 without options. */
#define FRAME_TYPE     12 /* of what the Ethernet frame carries */
#define FRAME_VERSION  14 /* of IP, and its head's length */
#define FRAME_FRAGMENT 20
#define FRAME_PROTOCOL 23
#define FRAME_PORT     36 /* of the destination */
#define FRAME_PORT_END 38

/*
 * `to` becomes the destination port of the frame between the context's offsets `data` and `end`, in
 * the host's order. What is no TCP over IPv4, is a fragment or has IP options jumps on behind
 * that, by `past` instructions. Registers 2 and 3 are used up.
 */
#define LOAD_PORT(to, context, data, end, past)                                                    \
	LOAD(BPF_W, BPF_REG_2, context, data), LOAD(BPF_W, BPF_REG_3, context, end),               \
		MOVE(to, BPF_REG_2), COMPUTE_BY(BPF_ADD, to, FRAME_PORT_END),                      \
		JUMP_IF_REG(BPF_JGT, to, BPF_REG_3, 12 + (past)),                                  \
		LOAD(BPF_H, to, BPF_REG_2, FRAME_TYPE), FROM_NETWORK(to),                          \
		JUMP_IF(BPF_JNE, to, 0x0800, 9 + (past)),                                          \
		LOAD(BPF_B, to, BPF_REG_2, FRAME_VERSION), JUMP_IF(BPF_JNE, to, 0x45, 7 + (past)), \
		LOAD(BPF_H, to, BPF_REG_2, FRAME_FRAGMENT), FROM_NETWORK(to),                      \
		JUMP_IF(BPF_JSET, to, 0x3fff, 4 + (past)),                                         \
		LOAD(BPF_B, to, BPF_REG_2, FRAME_PROTOCOL), JUMP_IF(BPF_JNE, to, 6, 2 + (past)),   \
		LOAD(BPF_H, to, BPF_REG_2, FRAME_PORT), FROM_NETWORK(to)

#endif
