/* The build's own description; the Makefile passes the figures in. */
#include "lab/version.h"

const char *version_text(void)
{
	return IOLAB_VERSION;
}

const char *version_commit(void)
{
	return IOLAB_COMMIT;
}

const char *version_compiler(void)
{
#ifdef __clang__
	return "clang " __clang_version__;
#else
	return "gcc " __VERSION__;
#endif
}

const char *version_flags(void)
{
	return IOLAB_FLAGS;
}

const char *version_liburing(void)
{
	return IOLAB_LIBURING;
}
