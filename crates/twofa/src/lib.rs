//! Two-factor authentication to embed: mandatory enrolment, SSO override, administrator-only reset, replay protection, throttling, sealed secrets and an audit chain.
