/* See bpf_ids.h, and bpf(2). */
#include "tests/bpf_ids.h"

#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define TRIES	 2000
#define PAUSE_US 10000

void bpf_ids_take(struct bpf_ids *ids)
{
	static const int next[BPF_IDS_KINDS] = {BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID,
						BPF_LINK_GET_NEXT_ID};

	memset(ids, 0, sizeof(*ids));
	for (unsigned kind = 0; kind < BPF_IDS_KINDS; kind++) {
		union bpf_attr attribute = {.start_id = 0};

		while (syscall(SYS_bpf, next[kind], &attribute, sizeof(attribute)) == 0) {
			assert_true(ids->count[kind] < BPF_IDS_MOST);
			ids->list[kind][ids->count[kind]++] = attribute.next_id;
			attribute = (union bpf_attr){.start_id = attribute.next_id};
		}
	}
}

static bool has(const struct bpf_ids *ids, unsigned kind, uint32_t id)
{
	for (unsigned i = 0; i < ids->count[kind]; i++)
		if (ids->list[kind][i] == id)
			return true;
	return false;
}

/* Whether one of *candidates is there still and was not before; *candidates keeps those. */
static bool some_left(const struct bpf_ids *before, struct bpf_ids *candidates)
{
	static struct bpf_ids now;
	bool left = false;

	bpf_ids_take(&now);
	for (unsigned kind = 0; kind < BPF_IDS_KINDS; kind++) {
		unsigned kept = 0;

		for (unsigned i = 0; i < candidates->count[kind]; i++) {
			uint32_t id = candidates->list[kind][i];

			if (!has(before, kind, id) && has(&now, kind, id))
				candidates->list[kind][kept++] = id;
		}
		candidates->count[kind] = kept;
		left = left || kept;
	}
	return left;
}

void bpf_ids_none_since(const struct bpf_ids *before)
{
	static const char *const names[BPF_IDS_KINDS] = {"program", "map", "link"};
	static struct bpf_ids left;

	bpf_ids_take(&left);
	for (unsigned i = 0; some_left(before, &left); i++) {
		if (i == TRIES)
			break;
		usleep(PAUSE_US);
	}
	for (unsigned kind = 0; kind < BPF_IDS_KINDS; kind++)
		if (left.count[kind])
			fail_msg("BPF %s %u is still there", names[kind], left.list[kind][0]);
}
