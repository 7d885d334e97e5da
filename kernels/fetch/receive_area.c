/* Mapping memory for receive buffers, and asking for huge pages: see receive_area.h. */
#include "kernels/fetch/receive_area.h"

#include <errno.h>
#include <sys/mman.h>

/* An advice that Debian 12's headers lack: make huge pages of these now, or say why not. */
#define ADVICE_COLLAPSE 25

/* Bytes; of x86-64, and of arm64 with pages of 4 KiB. Where they are larger the kernel refuses. */
#define HUGE_PAGE ((size_t)2 << 20)

int receive_area_make(struct receive_area *a, unsigned buffers)
{
	a->size = buffers * RECEIVE_STRIDE;
	void *at = mmap(NULL, a->size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	a->memory = a->map = NULL;
	if (at == MAP_FAILED)
		return -ENOMEM;
	a->map = at;
	a->memory = a->map + (-(uintptr_t)at & (HUGE_PAGE - 1));
	return 0;
}

void receive_area_free(struct receive_area *a)
{
	if (a->map)
		munmap(a->map, a->size + HUGE_PAGE);
	a->memory = a->map = NULL;
}

int receive_area_use_huge_pages(struct receive_area *a)
{
	size_t size = a->size & ~(HUGE_PAGE - 1);

	if (!size)
		return -ENOSPC; /* not a single one is filled */
	madvise(a->memory, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += HUGE_PAGE)
		a->memory[at] = 0; /* where nothing is yet there is nothing to collapse */
	return madvise(a->memory, size, ADVICE_COLLAPSE) ? -errno : 0;
}
