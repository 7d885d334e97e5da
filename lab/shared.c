/* Anonymous mappings that a fork inherits as they are. */
#include "lab/shared.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void *shared_new(size_t size, bool forked)
{
	/* Most of what is asked for is never touched: it need not be set aside. */
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE,
		     (forked ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void shared_populate(void *memory, size_t size)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)memory / page * page;

	(void)madvise((void *)from, (uintptr_t)memory + size - from, MADV_POPULATE_WRITE);
#else
	(void)memory;
	(void)size;
#endif
}

void shared_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
