/* The text of --samples. */
#include "lab/fetch_samples.h"

#include <inttypes.h>
#include <string.h>

void samples_write_header(FILE *file)
{
	fputs("worker,connection,due_us,begun_us,connect_us,tls_us,first_byte_us,latency_us,"
	      "latency_uncorrected_us,status,body_bytes,url,failure\n",
	      file);
}

/* Empty where one end is missing. */
static void write_us(uint64_t from_ns, uint64_t to_ns, FILE *file)
{
	if (from_ns && to_ns >= from_ns)
		fprintf(file, "%.3f", (double)(to_ns - from_ns) / 1e3);
	putc(',', file);
}

/* Empty where there was none. */
static void write_length(uint64_t ns, FILE *file)
{
	if (ns)
		fprintf(file, "%.3f", (double)ns / 1e3);
	putc(',', file);
}

static void write_text(const char *text, char end, FILE *file)
{
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	putc('"', file);
	putc(end, file);
}

static void write_row(const struct sample *s, uint64_t start_ns, const char *url, FILE *file)
{
	fprintf(file, "%u,%" PRIu32 ",", s->worker, s->connection);
	write_us(start_ns, s->due_ns, file);
	write_us(start_ns, s->begun_ns, file);
	write_length(s->connect_ns, file);
	write_length(s->tls_ns, file);
	write_us(s->begun_ns, s->first_byte_ns, file);
	write_us(s->due_ns, s->ended_ns, file);
	write_us(s->begun_ns, s->ended_ns, file);
	if (s->status)
		fprintf(file, "%u", s->status);
	fprintf(file, ",%" PRIu64 ",", s->body_bytes);
	write_text(url, ',', file);
	if (s->failure)
		write_text(s->failure, '\n', file);
	else
		putc('\n', file);
}

void samples_write(const struct samples *samples, uint64_t start_ns, const char *const *urls,
		   FILE *file)
{
	for (uint64_t i = 0; i < samples->count; i++)
		write_row(&samples->rows[i], start_ns, urls[samples->rows[i].request], file);
}
