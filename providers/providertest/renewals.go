package providertest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"sync"
	"time"
)

// Renewals counts what became of tokens of a fake since it began.
type Renewals struct {
	// Asked is how many requests came that are to make a token.
	Asked int `json:"asked"`
	// Made is how many tokens were made.
	Made int `json:"made"`
	// Lengthened is how often the end of a token was put off (Harness).
	Lengthened int `json:"lengthened"`
	// Revoked is how many tokens were revoked by request (SonarQube).
	Revoked int `json:"revoked"`
	// FamiliesRevoked is how often a dead token was rotated again, which revokes its
	// successors (GitLab).
	FamiliesRevoked int `json:"families_revoked"`
}

// RenewalRules are an administrator's. The zero value allows everything.
type RenewalRules struct {
	// MaxDays is how long a new token may live. GitLab allows 365 days where it is 0;
	// on SonarQube a token must have an end where it is set.
	MaxDays int `json:"max_days"`
	// NoLegacy refuses to rotate GitLab's tokens with legacy scopes.
	NoLegacy bool `json:"no_legacy"`
	// Deny refuses all rotations, as a policy of Harness does.
	Deny bool `json:"deny"`
	// MaxTokens is how many tokens an API key of Harness may have; 0 is any number.
	MaxTokens int `json:"max_tokens"`
}

// Renewer is what fakes share whose tokens can have successors made.
type Renewer struct {
	// state guards the rest. A fake may hold its own lock when it takes this one.
	state  sync.Mutex
	clock  func() time.Time
	counts Renewals
	rules  RenewalRules
}

// SetClock sets what time it is. From then on all tokens end as they say; before, only
// those do that the fake made or gave their end.
func (n *Renewer) SetClock(now func() time.Time) {
	n.state.Lock()
	defer n.state.Unlock()
	n.clock = now
}

// Renewals returns what became of tokens so far.
func (n *Renewer) Renewals() Renewals {
	n.state.Lock()
	defer n.state.Unlock()
	return n.counts
}

// SetRules sets the administrator's rules.
func (n *Renewer) SetRules(rules RenewalRules) {
	n.state.Lock()
	defer n.state.Unlock()
	n.rules = rules
}

// Now returns the time, and whether somebody set it.
func (n *Renewer) Now() (t time.Time, set bool) {
	n.state.Lock()
	defer n.state.Unlock()
	if n.clock == nil {
		return time.Now().UTC(), false
	}
	return n.clock().UTC(), true
}

// Ruled returns the rules that SetRules set.
func (n *Renewer) Ruled() RenewalRules {
	n.state.Lock()
	defer n.state.Unlock()
	return n.rules
}

// Count changes the counts of Renewals.
func (n *Renewer) Count(change func(*Renewals)) {
	n.state.Lock()
	defer n.state.Unlock()
	change(&n.counts)
}

// Ended reports whether a token whose end is at, zero for never, is over; kept is set
// for those whose end always counts.
func (n *Renewer) Ended(at time.Time, kept bool) bool {
	now, set := n.Now()
	return !at.IsZero() && (set || kept) && !now.Before(at)
}

// SetClockJSON sets the clock as far ahead as body says.
func (n *Renewer) SetClockJSON(body []byte) error {
	var in struct {
		Ahead int64 `json:"ahead_seconds"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	n.SetClock(func() time.Time { return time.Now().Add(time.Duration(in.Ahead) * time.Second) })
	return nil
}

// SetRulesJSON sets the rules that body describes.
func (n *Renewer) SetRulesJSON(body []byte) error {
	var rules RenewalRules
	if err := json.Unmarshal(body, &rules); err != nil {
		return err
	}
	n.SetRules(rules)
	return nil
}

// Alphabets of random text.
const (
	Letters      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Alphanumeric = Letters + "0123456789"
)

// RandomText returns n random characters.
func RandomText(n int, alphabet string) string {
	text := make([]byte, n)
	for i := range text {
		at := Must(rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))))
		text[i] = alphabet[at.Int64()]
	}
	return string(text)
}

// RandomHex returns n random bytes, in hexadecimal digits.
func RandomHex(n int) string {
	random := make([]byte, n)
	Must(rand.Read(random))
	return hex.EncodeToString(random)
}
