package backend

import (
	"maps"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Finding is what the checks of an integration's credential came to. It is stored
// when it changes, and not each time that a check finds the same. Without one the
// credential is as its re-authentication found it: verified. Values are immutable.
type Finding struct {
	// Version is that of the credential it is about; it says nothing of another.
	Version int `json:"version"`
	// Code is the outcome, "" for verified; Message is the sentence that goes with it.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Unjudged is set where the code is of a check at which the upstream did not look at
	// the credential.
	Unjudged bool `json:"unjudged,omitempty"`
	// Since is when a check found this first, CheckedAt when it was stored.
	Since     time.Time `json:"since,omitzero"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	// Members are the outcomes of a pool's tokens by fingerprint; those that are not
	// in it are verified.
	Members map[string]MemberFinding `json:"members,omitempty"`
	// Announced are the expiries that were announced, by fingerprint: for how many
	// days before the end. Smaller ones follow, unless the end is put off.
	Announced map[string]int `json:"announced,omitempty"`
	// Outlived are the tokens that a check found to work after their end, sorted: by
	// fingerprint, or "" for a credential that is no pool. An end that a person entered
	// can be wrong, and a later check that cannot tell does not make it right.
	Outlived []string `json:"outlived,omitempty"`
	unknown  store.Unknown
}

// MemberFinding is the outcome of one token of a pool that is not verified.
type MemberFinding struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	// Unjudged is as in Finding.
	Unjudged bool `json:"unjudged,omitempty"`
	unknown  store.Unknown
}

// Of returns the finding if it is about that version, else that there is none.
func (f *Finding) Of(version int) *Finding {
	if f == nil || f.Version != version {
		return &Finding{Version: version}
	}
	return f
}

// same reports whether two findings say the same of the credential.
func (f *Finding) same(other *Finding) bool {
	return f.Code == other.Code && f.Unjudged == other.Unjudged && slices.Equal(f.Outlived, other.Outlived) &&
		maps.EqualFunc(f.Members, other.Members, func(a, b MemberFinding) bool { return a.Code == b.Code && a.Unjudged == b.Unjudged })
}

// Verdict reports whether a code says something of the credential that a check which
// could not tell does not take back.
func Verdict(code string) bool {
	return code != "" && !providers.Outcome(code).CouldNotTell()
}

// Verdict reports whether the finding says something of the credential that a check which
// did not judge it does not take back.
func (f *Finding) Verdict() bool { return !f.Unjudged && Verdict(f.Code) }

// Verdict is as that of a Finding.
func (m MemberFinding) Verdict() bool { return !m.Unjudged && Verdict(m.Code) }

// After is the finding after a check: one that did not judge leaves a verdict as it is.
func (f *Finding) After(r *Result, now time.Time) *Finding {
	next := &Finding{
		Version: f.Version, Code: r.Code, Message: r.Message, Unjudged: r.Unjudged, Members: r.Members,
		Since: now.UTC(), CheckedAt: now.UTC(), Announced: f.Announced, Outlived: f.outlived(r), unknown: f.unknown,
	}
	switch {
	case f.Stands(r):
		next.Code, next.Message, next.Unjudged = f.Code, f.Message, false
	case providers.Outcome(r.Code).CouldNotTell() && Verdict(f.Code):
		next.Code, next.Message, next.Unjudged = f.Code, f.Message, f.Unjudged
	}
	if next.same(f) {
		return f
	}
	if f.Code != "" && StatusOf(next.Code) == StatusOf(f.Code) {
		next.Since = f.Since // unreachable for another reason, say
	}
	return next
}

// Stands reports whether the finding is a verdict that a check leaves as it is because the
// upstream did not judge the credential.
func (f *Finding) Stands(r *Result) bool { return r.Unjudged && f.Verdict() }

// outlived are the tokens that were taken after their end, now or before.
func (f *Finding) outlived(r *Result) []string {
	var list []string
	for key, end := range r.Record.Current.lives() {
		past := !end.IsZero() && !r.Asked.Before(end)
		if past && (slices.Contains(r.Taken, key) || slices.Contains(f.Outlived, key)) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// WithAnnounced returns the finding with one more announcement, of which only those of
// fingerprints in use are kept.
func (f *Finding) WithAnnounced(fingerprint string, days int, inUse []string) *Finding {
	next := *f
	next.Announced = maps.Clone(f.Announced)
	if next.Announced == nil {
		next.Announced = map[string]int{}
	}
	next.Announced[fingerprint] = days
	maps.DeleteFunc(next.Announced, func(name string, days int) bool { return days == 0 || !slices.Contains(inUse, name) })
	return &next
}

// EncodeFinding encodes a finding as it is stored.
func EncodeFinding(f *Finding) ([]byte, error) { return f.unknown.Encode(f) }

// DecodeFinding takes what it cannot read for no finding: the next check finds it
// again, and a worker must get its credential all the same.
func DecodeFinding(_ string, data []byte) (_ *Finding, err error) {
	f := &Finding{}
	if f.unknown, err = store.DecodeKnown(data, f); err != nil {
		return &Finding{}, nil //nolint:nilerr // see above
	}
	return f, nil
}
