/*
 * The part of lwIP's port that a program without threads brings along itself. The distribution's
 * library has one for threads, with locks and a clock; the linker prefers what the program
 * defines. Here nothing is shared, and time is what xdp_stack_tick() makes of it.
 */
#include <lwip/sys.h>
#include <lwip/timeouts.h>

/* lwIP's own timers are never asked for: xdp_stack_tick() calls what they would. */
u32_t sys_now(void)
{
	return 0;
}

sys_prot_t sys_arch_protect(void)
{
	return 0;
}

void sys_arch_unprotect(sys_prot_t protection)
{
	(void)protection;
}

/* Called wherever lwIP is entered. */
void sys_check_core_locking(void)
{
}
