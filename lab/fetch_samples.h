/*
 * A row a fetch, for --samples: kept in memory that was set aside before the clock started and
 * written after the run, so that measuring costs a cache line or two a fetch.
 */
#ifndef LAB_FETCH_SAMPLES_H
#define LAB_FETCH_SAMPLES_H

#include <stdint.h>
#include <stdio.h>

/* Times are since the epoch of CLOCK_MONOTONIC, in ns; 0 where there was none. */
struct sample {
	uint64_t due_ns;
	uint64_t begun_ns;
	uint64_t connect_ns; /* how long, of the last hop; 0: on a connection that was open */
	uint64_t tls_ns;     /* likewise; 0: none */
	uint64_t first_byte_ns;
	uint64_t ended_ns;
	uint64_t body_bytes;
	const char *failure; /* constant text; NULL: it succeeded */
	uint32_t request;
	uint32_t connection;
	uint16_t status;
	uint16_t worker;
};

/* Rows that one worker keeps at most: further ones are counted only. */
#define SAMPLES_MAX (UINT64_C(1) << 24)

struct samples {
	struct sample *rows;
	uint64_t count;
	uint64_t most;
	uint64_t dropped;
};

/* For one more row, or NULL when there is no room. */
static inline struct sample *samples_take(struct samples *samples)
{
	if (samples->count < samples->most)
		return &samples->rows[samples->count++];
	samples->dropped++;
	return NULL;
}

/* The header of the CSV. Columns are only ever appended. */
void samples_write_header(FILE *file);

/* The rows; due_us and the like count from start_ns; urls[request] is the URL of a request. */
void samples_write(const struct samples *samples, uint64_t start_ns, const char *const *urls,
		   FILE *file);

#endif
