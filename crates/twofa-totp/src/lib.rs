//! TOTP (RFC 6238) and HOTP (RFC 4226): codes, clock-skew windows, single use, drift. no_std, no allocation.
