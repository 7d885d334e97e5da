/*
 * The kernel's BPF objects, of whoever they are: what a test's run made of them must be gone after
 * it. Needs root.
 */
#ifndef TESTS_BPF_IDS_H
#define TESTS_BPF_IDS_H

#include <stdint.h>

/* Programs, maps and links. */
#define BPF_IDS_KINDS 3
#define BPF_IDS_MOST  1024

struct bpf_ids {
	uint32_t list[BPF_IDS_KINDS][BPF_IDS_MOST];
	unsigned count[BPF_IDS_KINDS];
};

/* Those there are now. */
void bpf_ids_take(struct bpf_ids *ids);

/*
 * Waits until all that have come since are gone, for the kernel frees them a moment late, and other
 * programs may have some of their own for a while; fails the test when one stays.
 */
void bpf_ids_none_since(const struct bpf_ids *before);

#endif
