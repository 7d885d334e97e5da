/*
 * Certificates for tests, good and bad, made anew by every run. Each kind is two PEM files in the
 * folder, "KIND.pem" (a chain, leaf first) and "KIND.key"; what a client has to trust is "ca.pem".
 */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

/*
 * good          for the names given
 * chain         the same through an intermediate CA, which the chain holds
 * expired       since yesterday
 * not-yet-valid until tomorrow
 * wrong-name    for wrong.test only
 * self-signed   for the names given, by nobody
 *
 * Makes them all in `folder`, which has to be there. `names` (NULL-terminated) are host names and
 * addresses; NULL: localhost, 127.0.0.1 and ::1. Fails the running cmocka test if it cannot.
 */
void certificates_make(const char *folder, const char *const *names);

#endif
