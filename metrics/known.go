package metrics

import (
	"maps"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
)

// known is what is so of the integrations now.
type known struct {
	now time.Time
	// each is whether single integrations have series.
	each   bool
	counts map[string]map[backend.Status]int64
	// labels is written again and again.
	labels []byte

	fleet, up, expiry, checked, tokens, quota family
}

func newKnown(integrations int, now time.Time, each bool) *known {
	help := Series()
	k := &known{
		now: now, each: each, counts: map[string]map[backend.Status]int64{},
		fleet:   family{name: fleetName, help: help[fleetName]},
		up:      family{name: upName, help: help[upName]},
		expiry:  family{name: expiryName, help: help[expiryName]},
		checked: family{name: checkedName, help: help[checkedName]},
		tokens:  family{name: tokensName, help: help[tokensName]},
		quota:   family{name: quotaName, help: help[quotaName]},
	}
	if each {
		k.up.samples, k.checked.samples = make([]byte, 0, 90*integrations), make([]byte, 0, 90*integrations)
	}
	return k
}

// families are all of them, in the order in which they are shown.
func (k *known) families() []*family {
	return []*family{&k.fleet, &k.up, &k.expiry, &k.checked, &k.tokens, &k.quota}
}

// add takes an integration in. All its series are written at once: to come back to each of
// thousands costs more than to write them.
func (k *known) add(assessed *health.Assessment) {
	name, provider := assessed.Integration.Name, assessed.Integration.Provider
	h := &assessed.Health
	if k.counts[provider] == nil {
		k.counts[provider] = map[backend.Status]int64{}
	}
	k.counts[provider][h.Status]++
	if !k.each {
		return
	}
	k.labels = appendLabels(k.labels[:0], "integration", name, "provider", provider)
	if h.Status != backend.StatusNotChecked {
		k.up.add(k.labels, works(h.Status))
	}
	if !h.ExpiresAt.IsZero() {
		k.expiry.add(k.labels, h.ExpiresAt.Unix())
	}
	if !h.CheckedAt.IsZero() {
		k.labels = appendLabels(k.labels[:0], "integration", name)
		k.checked.add(k.labels, h.CheckedAt.Unix())
	}
	if len(h.Members) > 0 {
		k.addPool(name, h.Members)
	}
}

func works(status backend.Status) int64 {
	if status == backend.StatusNeedsReauth {
		return 0
	}
	return 1
}

func (k *known) addPool(name string, members []health.MemberHealth) {
	counts := map[backend.Status]int64{}
	for _, m := range members {
		counts[m.Status]++
	}
	for _, state := range backend.Statuses() {
		if state != backend.StatusNotChecked { // which no token can be
			k.tokens.add(appendLabels(nil, "integration", name, "state", string(state)), counts[state])
		}
	}
	left := quotas(members, k.now)
	for _, resource := range slices.Sorted(maps.Keys(left)) {
		k.quota.add(appendLabels(nil, "integration", name, "resource", resource), left[resource])
	}
}

// quotas adds up what is left, by resource. Tokens of one account share its quota, and a
// dead token gives access to none.
func quotas(members []health.MemberHealth, now time.Time) map[string]int64 {
	left, counted := map[string]int64{}, map[string]bool{}
	for _, m := range members {
		if m.Status == backend.StatusNeedsReauth || counted[m.Identity] {
			continue
		}
		counted[m.Identity] = true
		for resource, quota := range m.Quotas {
			if quota.ResetAt.After(now) {
				left[resource] += quota.Remaining
			}
		}
	}
	return left
}

// text is all of it. Every status of a provider is there, so that a rule finds a zero where
// nothing is.
func (k *known) text() []byte {
	for _, provider := range slices.Sorted(maps.Keys(k.counts)) {
		for _, status := range backend.Statuses() {
			k.fleet.add(appendLabels(nil, "provider", provider, "status", string(status)), k.counts[provider][status])
		}
	}
	size := counters
	for _, f := range k.families() {
		size += len(f.samples)
	}
	text := make([]byte, 0, size)
	for _, f := range k.families() {
		text = f.appendTo(text)
	}
	return text
}
