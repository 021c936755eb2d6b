# The rules of `decide`, in their order; the first that holds.
package twofa

decision := {"next": "refuse", "reason": "clock-behind"} if {
	input.last_event > input.now + 120
} else := {"next": "refuse", "reason": "sso-not-enabled"} if {
	input.method == "sso"
	input.sso == "off"
} else := {"next": "allow", "reason": "sso-supersedes"} if {
	input.method == "sso"
} else := {"next": "allow", "reason": "sso-supersedes"} if {
	input.sso == "exempt"
} else := {"next": "refuse", "reason": "sso-required"} if {
	input.sso == "refuse"
} else := {"next": "refuse", "reason": "locked"} if {
	input.lock == "reset"
} else := {"next": "refuse", "reason": "locked"} if {
	input.lock_until > input.now
} else := {"next": "challenge", "reason": "factor-active"} if {
	input.state == "active"
} else := {"next": "enrol", "reason": "reset-by-admin"} if {
	input.reset == "admin"
} else := {"next": "enrol", "reason": "reset-by-support"} if {
	input.reset == "support"
} else := {"next": "enrol", "reason": "sso-password-challenged"} if {
	input.sso == "challenge"
} else := {"next": "allow", "reason": "optional"} if {
	input.mandate == "optional"
} else := {"next": "enrol", "reason": "mandatory"} if {
	input.now >= input.from
} else := {"next": "allow", "reason": "not-yet-mandatory"} if {
	input.now < input.from
}
