/*
 * What a server can do wrong, by name, in one table: /fault/KIND answers so, and --help lists it.
 * A client has to survive each of them and say what it was.
 */
#ifndef LAB_ORIGIN_FAULT_H
#define LAB_ORIGIN_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/origin_body.h"

/* What becomes of the connection when the answer is out. */
enum reply_after {
	AFTER_KEEP,  /* it goes on */
	AFTER_CLOSE, /* an orderly end, over TLS with its goodbye */
	AFTER_CUT,   /* an end without TLS's goodbye, as if the program had died */
	AFTER_RESET, /* RST */
	AFTER_HOLD,  /* it stays as it is until the client leaves */
	AFTER_IDLE   /* an orderly end some time later, whatever the client asks meanwhile */
};

struct origin_fault {
	const char *name;
	const char *help;
	const char *head; /* sent as it is; "": nothing is sent */
	uint32_t pattern; /* bytes of the pattern after the head */
	enum reply_after after;
	uint64_t time_ns; /* what /T stands for unless it is given; 0: takes no /T */
	bool slow;	  /* the head goes out a byte every T */
	/* Instead of head and pattern: appends both, and returns the size of the head. */
	size_t (*make)(struct origin_body *body);
};

/* In the order in which they are listed; the one after the last has no name. */
extern const struct origin_fault origin_faults[];

/* The fault whose name is the first `length` bytes, or NULL. */
const struct origin_fault *origin_fault_find(const char *name, size_t length);

#endif
