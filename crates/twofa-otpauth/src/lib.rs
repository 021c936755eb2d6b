//! What an authenticator app reads: otpauth key URIs, export batches and QR codes.
