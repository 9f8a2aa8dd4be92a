package backend

import (
	"time"
)

// Result is what one check came to.
type Result struct {
	// Record is the one that was asked about, when Asked says.
	Record *Record
	Asked  time.Time
	// Code is the outcome, "" for verified; Message is the sentence that goes with it.
	Code, Message string
	// Unjudged is set where the upstream did not look at the credential.
	Unjudged bool
	// Members are the outcomes of a pool's tokens that are not verified, by fingerprint.
	Members map[string]MemberFinding
	// Taken are the tokens that the upstream took, by fingerprint for a pool, else by "".
	Taken []string
}
