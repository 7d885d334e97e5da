/* kernels/protocol/blocks: what was given back is taken again, the fitting one, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/protocol/blocks.h"

/* Takes and fills, so that ASan sees a block that is too small. */
static void *take(struct blocks *blocks, size_t size)
{
	void *address = blocks_take(blocks, size);

	assert_non_null(address);
	assert_int_equal((uintptr_t)address % _Alignof(max_align_t), 0);
	memset(address, 0xa5, size);
	return address;
}

static void taken_again(void **state)
{
	struct blocks blocks = {0};
	void *a = take(&blocks, 100), *b = take(&blocks, 1000), *c = take(&blocks, 10);

	(void)state;
	assert_ptr_not_equal(a, b);
	blocks_give(&blocks, a);
	blocks_give(&blocks, c);
	blocks_give(&blocks, b);
	/* Each the smallest that is large enough, whatever the order. */
	assert_ptr_equal(take(&blocks, 11), a);
	assert_ptr_equal(take(&blocks, 10), c);
	assert_ptr_equal(take(&blocks, 10), b);
	blocks_give(&blocks, a);
	blocks_give(&blocks, b);
	blocks_give(&blocks, c);
	blocks_give(&blocks, NULL);
	blocks_release(&blocks);
}

/* What is too small makes room, the largest first: the small one stays. */
static void largest_goes(void **state)
{
	struct blocks blocks = {0};
	void *large = take(&blocks, 1000), *small = take(&blocks, 10);

	(void)state;
	blocks_give(&blocks, large);
	blocks_give(&blocks, small);
	large = take(&blocks, 2000);
	assert_ptr_equal(take(&blocks, 1), small);
	assert_null(blocks.kept);
	blocks_give(&blocks, large);
	blocks_give(&blocks, small);
	blocks_release(&blocks);
}

static unsigned kept(struct blocks *blocks)
{
	void *taken[16];
	unsigned count = 0;

	while (blocks->kept && count < 16)
		taken[count++] = take(blocks, 1);
	for (unsigned i = 0; i < count; i++)
		blocks_give(blocks, taken[i]);
	return count;
}

/* Ever larger streams exchange blocks for larger ones; they do not pile up. */
static void exchanged(void **state)
{
	struct blocks blocks = {0};

	(void)state;
	for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
		void *a = take(&blocks, size), *b = take(&blocks, size + 7);

		blocks_give(&blocks, a);
		blocks_give(&blocks, b);
		assert_int_equal(kept(&blocks), 2);
	}
	blocks_release(&blocks);
	assert_null(blocks.kept);
}

static void too_large(void **state)
{
	struct blocks blocks = {0};

	(void)state;
	assert_null(blocks_take(&blocks, SIZE_MAX));
	assert_null(blocks_take(&blocks, SIZE_MAX - 8));
	blocks_release(&blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_again),
		cmocka_unit_test(largest_goes),
		cmocka_unit_test(exchanged),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
