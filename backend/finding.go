package backend

import (
	"maps"
	"slices"
	"time"

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
	unknown  unknown
}

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
	// Taken are the tokens that the upstream took, by the keys of Stored.lives.
	Taken []string
}

// MemberFinding is the outcome of one token of a pool that is not verified.
type MemberFinding struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	// Unjudged is as in Finding.
	Unjudged bool `json:"unjudged,omitempty"`
	unknown  unknown
}

// of returns the finding if it is about that version, else that there is none.
func (f *Finding) of(version int) *Finding {
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

// verdict reports whether a code says something of the credential that a check which
// could not tell does not take back.
func verdict(code string) bool {
	return code != "" && !providers.Outcome(code).CouldNotTell()
}

// verdict reports whether the finding says something of the credential that a check which
// did not judge it does not take back.
func (f *Finding) verdict() bool { return !f.Unjudged && verdict(f.Code) }

func (m MemberFinding) verdict() bool { return !m.Unjudged && verdict(m.Code) }

// found is the finding after a check: one that did not judge leaves a verdict as it is.
func (f *Finding) found(r *Result, now time.Time) *Finding {
	next := &Finding{
		Version: f.Version, Code: r.Code, Message: r.Message, Unjudged: r.Unjudged, Members: r.Members,
		Since: now.UTC(), CheckedAt: now.UTC(), Announced: f.Announced, Outlived: f.outlived(r), unknown: f.unknown,
	}
	switch {
	case f.stands(r):
		next.Code, next.Message, next.Unjudged = f.Code, f.Message, false
	case providers.Outcome(r.Code).CouldNotTell() && verdict(f.Code):
		next.Code, next.Message, next.Unjudged = f.Code, f.Message, f.Unjudged
	}
	if next.same(f) {
		return f
	}
	if f.Code != "" && statusOf(next.Code) == statusOf(f.Code) {
		next.Since = f.Since // unreachable for another reason, say
	}
	return next
}

// stands reports whether the finding is a verdict that a check leaves as it is because the
// upstream did not judge the credential.
func (f *Finding) stands(r *Result) bool { return r.Unjudged && f.verdict() }

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

// lives are the ends of a credential as checks and health see them: of a pool by
// fingerprint, else by "".
func (s *Stored) lives() map[string]time.Time {
	if len(s.Members) < 2 {
		return map[string]time.Time{"": s.ExpiresAt}
	}
	return ends(s)
}

// announced returns the finding with one more announcement, of which only those of
// fingerprints in use are kept.
func (f *Finding) announced(fingerprint string, days int, inUse []string) *Finding {
	next := *f
	next.Announced = maps.Clone(f.Announced)
	if next.Announced == nil {
		next.Announced = map[string]int{}
	}
	next.Announced[fingerprint] = days
	maps.DeleteFunc(next.Announced, func(name string, days int) bool { return days == 0 || !slices.Contains(inUse, name) })
	return &next
}

func encodeFinding(f *Finding) ([]byte, error) { return f.unknown.encode(f) }

// decodeFinding takes what it cannot read for no finding: the next check finds it
// again, and a worker must get its credential all the same.
func decodeFinding(_ string, data []byte) (_ *Finding, err error) {
	f := &Finding{}
	if f.unknown, err = decodeKnown(data, f); err != nil {
		return &Finding{}, nil //nolint:nilerr // see above
	}
	return f, nil
}
