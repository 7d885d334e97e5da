/*
 * The variants of fetch-uring: which there are, which go together, and what they mean for the
 * ring and for each operation. Decided once, before the run.
 */
#ifndef FETCH_URING_OPTIONS_H
#define FETCH_URING_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/model.h"

/* Ended by a row without a name. */
extern const struct model_option uring_option_rows[];

struct uring_options {
	bool defer, coop;
	bool sqpoll, sqpoll_pinned;
	bool fixed, direct;
	bool multishot, poll_first, linked, bundle, incremental;
	bool huge_pages;
	bool by_default; /* no list was given: what is only wished for may be missing */
	bool zerocopy;
	bool napi;
	bool registered_wait;
	uint32_t sqpoll_cpu;
	uint32_t napi_us;
	uint32_t min_wait_us; /* 0 without */
};

/* As model.check. */
int uring_options_check(const struct model_choices *choices, enum wait_mode wait, char *why,
			size_t why_size);

/* What the choices mean: exactly that list, or the default where none was made. */
void uring_options_resolve(struct uring_options *options, const struct model_choices *choices);

/* What a run found out about its variants. */
struct uring_findings {
	bool napi_idle;	      /* the interface has no queue that could be polled */
	bool zerocopy_copied; /* the kernel copied all the same */
};

#define URING_TEXT_SIZE 256

/* The variants in effect as a list with commas. */
void uring_options_text(const struct uring_options *options, const struct uring_findings *findings,
			char text[URING_TEXT_SIZE]);

#endif
