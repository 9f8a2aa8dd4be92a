package providers

import (
	"context"
	"time"
)

// Rotator is implemented by providers whose upstream lets a credential obtain its
// successor without a person. Its methods fail with an *Error.
//
// A rotation has four steps, so that it can be taken up again wherever it was cut off:
// what Prepare returns is stored before Rotate is called, what Rotate returns before
// anybody uses it, and Finish is called after that.
type Rotator interface {
	// RotationUnsupported says in a sentence or two why a credential of the target
	// cannot be rotated; "" where it can. It sends nothing.
	RotationUnsupported(t Target) string
	// Overlaps reports whether the credential that is replaced goes on working for a
	// while, so that the successor can be checked before it is used.
	Overlaps() bool
	// Prepare finds out what the rotation needs to know. It sends read-only requests.
	Prepare(ctx context.Context, t Target, cred Credential, want RotationWish) (Rotation, error)
	// Rotate sends the one request that makes the successor, never twice, whatever
	// comes of it. After an Unreachable or UpstreamError it may have been carried out;
	// after any other outcome it was not. Where a successor inherits its end, that of
	// the credential before is put off first.
	Rotate(ctx context.Context, t Target, cred Credential, r Rotation) (Successor, error)
	// Finish does what is left once the successor is stored: it removes upstream what
	// the rotation replaced, and nothing else. It can be called again.
	Finish(ctx context.Context, t Target, successor Credential, r Rotation) error
	// Recover finds out what became of a rotation whose Rotate was cut off, with the
	// credential that it was begun with. It removes a successor that nobody has, where
	// the upstream allows it. lives is true if the old credential still works. With
	// Overlaps it may stop at the end of the overlap; Validate reports that time as
	// ExpiresAt.
	Recover(ctx context.Context, t Target, cred Credential, r Rotation) (lives bool, err error)
}

// RotationWish is what a rotation should come to. The successor lives as long as the
// credential that it replaces was to live, which the upstream knows best, or for the
// provider's default.
type RotationWish struct {
	Now time.Time
	// Overlap is how long the credential that is replaced shall go on working, where
	// the upstream can do that.
	Overlap time.Duration
	// Made is the Rotation that made the credential in use; zero where a person entered it.
	Made Rotation
}

// Rotation is what is about to happen, by names of the provider's own. It is stored
// and holds no secret.
type Rotation map[string]string

// Successor is a credential that an upstream made.
type Successor struct {
	Credential Credential
	// ExpiresAt is its end, zero where it has none or it is not told.
	ExpiresAt time.Time
}
