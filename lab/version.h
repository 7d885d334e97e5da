/* What was built, and how: goes into --version, the User-Agent and every fingerprint. */
#ifndef LAB_VERSION_H
#define LAB_VERSION_H

const char *version_text(void);	    /* "0.1.0" */
const char *version_commit(void);   /* short commit, "" outside a checkout */
const char *version_compiler(void); /* "gcc 12.2.0" */
const char *version_liburing(void); /* of the headers: "2.3"; the library does not tell */
const char *version_flags(void);    /* the flags of the build */

#endif
