/* Anonymous mappings that a fork inherits as they are. */
#include "lab/shared.h"

#include <sys/mman.h>

void *shared_new(size_t size)
{
	/* Most of what is asked for is never touched: it need not be set aside. */
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void shared_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
