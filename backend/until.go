package backend

import "time"

// LongestWait is how long a read of creds/ may wait for another credential.
const LongestWait = time.Minute

// Until is which credential a worker has, and how long its read may wait for another. The
// zero value does not wait.
type Until struct {
	Wait time.Duration
	// Version is that of the credential; it counts where there is no Fingerprint.
	Version int
	// Fingerprint is that of the token that was handed out, which changes more often: an
	// access token is renewed, and a pool has several.
	Fingerprint string
}
