/* rdata_svcb_keys.h - the parameters of SVCB records that have a name; for zone/rdata_svcb*.c.
 */
#ifndef ZONE_RDATA_SVCB_KEYS_H
#define ZONE_RDATA_SVCB_KEYS_H

/* IANA "Service Parameter Keys (SvcParamKeys)". */
enum rdata_svcb_key {
	KEY_MANDATORY,
	KEY_ALPN,
	KEY_NO_DEFAULT_ALPN,
	KEY_PORT,
	KEY_IPV4HINT,
	KEY_ECH,
	KEY_IPV6HINT,
	KEY_DOHPATH,
	KEY_OHTTP,
	KEY_GROUPS,
	KEY_DOCPATH,
	KEY_PVD,
	KEY_OOTS,
	KEYS_NAMED,
	KEY_INVALID = 65535
};

extern const char *const rdata_svcb_keys[KEYS_NAMED];

#endif
