/* value.h - what a word of a master file says, when it is an address, a number or a time.
 *
 * Texts come with their length and need no NUL. False when a text is no such thing.
 */
#ifndef ZONE_VALUE_H
#define ZONE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 192.0.2.1 and 2001:db8::1, exactly as inet_pton() understands them, at a tenth of its time.
 */
bool value_a(uint8_t to[static 4], const char *s, size_t len);
bool value_aaaa(uint8_t to[static 16], const char *s, size_t len);

/* Decimal digits only. */
bool value_number(uint32_t *n, const char *s, size_t len, uint32_t most);

/* "3600", "1h30m", "1w": units (w d h m s, any case) add up, seconds may do without.
 * Over 2^32-1 is UINT64_MAX. */
bool value_period(uint64_t *seconds, const char *s, size_t len);

/* What a digit is worth, or -1: hexadecimal, base64 (RFC 4648 section 4), base32 with the
 * extended hex alphabet (section 7). */
int value_hex_digit(char c);
int value_base64_digit(char c);
int value_base32_digit(char c);

#endif
