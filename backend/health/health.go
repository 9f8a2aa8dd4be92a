package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/providers"
)

// Health is what is known of an integration's credential.
type Health struct {
	Status backend.Status
	// Code and Message say why, in the codes of refusals; "" for verified.
	Code, Message string
	// CheckedAt is when the upstream was last asked, as far as this node knows; Since
	// is since when the status is what it is. Zero where unknown.
	CheckedAt, Since time.Time
	ExpiresAt        time.Time
	Members          []MemberHealth
}

// MemberHealth is what is known of one token of a pool.
type MemberHealth struct {
	Position    int // from 1
	Fingerprint string
	Identity    string
	Status      backend.Status
	Code        string
	// Message says why, where a check found it; Unjudged is set where the upstream did not
	// look at the token.
	Message   string
	Unjudged  bool
	ExpiresAt time.Time
	// Quotas are what workers reported, by resource.
	Quotas map[string]quota.Quota
}

// facts are what a health is judged from.
type facts struct {
	in *backend.Integration
	// auth and idle follow from its configuration: idle is the time after which the upstream
	// ends a credential that nobody uses, 0 for never.
	auth    providers.AuthType
	idle    time.Duration
	record  *backend.Record
	finding *backend.Finding // of the record's version
	checked time.Time
	warning time.Duration
	now     time.Time
	quotas  func(account string) map[string]quota.Quota
}

// health judges.
func (s facts) health() Health {
	if s.auth.Unsupported != "" {
		return Health{Status: backend.StatusNotChecked}
	}
	if s.record.Current == nil {
		h := Health{Status: backend.StatusNeedsReauth, Code: backend.CodeNoCredential, Message: fmt.Sprintf("there is no credential; write one to reauth/%s", s.in.Name)}
		if len(s.record.History) > 0 {
			h.Since = s.record.History[0].Time
		}
		return h
	}
	h := Health{ExpiresAt: s.record.Current.ExpiresAt, CheckedAt: s.lastChecked(), Since: s.record.Current.VerifiedAt}
	if len(s.record.Current.Members) > 1 {
		h.Members = s.members()
	}
	s.judge(&h)
	return h
}

// idleEnd is that of an assessment. A check is a use, and so is the re-authentication.
func (s facts) idleEnd(h Health) time.Time {
	if s.idle == 0 || h.CheckedAt.IsZero() {
		return time.Time{}
	}
	return h.CheckedAt.Add(s.idle)
}

// lastChecked is when the upstream was asked last.
func (s facts) lastChecked() time.Time {
	return slices.MaxFunc([]time.Time{s.checked, s.finding.CheckedAt, s.record.Current.VerifiedAt}, time.Time.Compare)
}

// judge finds the status of a credential.
func (s facts) judge(h *Health) {
	h.Code, h.Message = s.finding.Code, s.finding.Message
	if !s.finding.Since.IsZero() {
		h.Since = s.finding.Since
	}
	access := s.record.Current.Access
	switch {
	case access != nil && !access.RefusedAt.IsZero():
		h.Status, h.Code, h.Since = backend.StatusNeedsReauth, string(providers.Rejected), access.RefusedAt
		h.Message = fmt.Sprintf("the authorization server refused the refresh token%s; write to oauth/authorize/%s", access.Because(), s.in.Name)
	case len(h.Members) > 0:
		s.judgePool(h)
	case h.Code == string(providers.Rejected):
		h.Status = backend.StatusNeedsReauth
	case s.record.Current.Over(s.finding, "", h.ExpiresAt, s.now):
		h.Status, h.Code, h.Since = backend.StatusNeedsReauth, string(providers.Rejected), h.ExpiresAt
		h.Message = fmt.Sprintf("the credential ended on %s; write another one to reauth/%s", h.ExpiresAt.Format(time.RFC3339), s.in.Name)
	case h.Code != "":
		h.Status = backend.StatusOf(h.Code)
	default:
		s.judgeExpiry(h)
	}
}

// judgeExpiry tells expiring from healthy.
func (s facts) judgeExpiry(h *Health) {
	h.Status = backend.StatusHealthy
	begins := h.ExpiresAt.Add(-s.warning)
	if h.ExpiresAt.IsZero() || s.now.Before(begins) {
		return
	}
	h.Status, h.Message = backend.StatusExpiring, "the credential ends on "+h.ExpiresAt.Format(time.RFC3339)
	for _, at := range []time.Time{begins, s.record.Current.EndKnownAt} {
		if at.After(h.Since) {
			h.Since = at
		}
	}
	if !s.now.Before(h.ExpiresAt) {
		h.Message = fmt.Sprintf("the end that %s, %s, has passed, and the upstream still takes the credential", s.endFrom(), h.ExpiresAt.Format(time.RFC3339))
	}
}

// endFrom says where the end is from.
func (s facts) endFrom() string {
	if s.auth.TakesEnd() {
		return "was entered"
	}
	return "the upstream told"
}

// judgePool finds the status of a pool from that of its tokens: as long as one works
// the pool does.
func (s facts) judgePool(h *Health) {
	var bad, worn, unknown []string
	for _, m := range h.Members {
		name := fmt.Sprintf("token %d (%s, %s)", m.Position, m.Fingerprint, m.Identity)
		switch m.Status {
		case backend.StatusNeedsReauth, backend.StatusDegraded:
			bad = append(bad, name+" is "+m.Code)
		case backend.StatusExpiring:
			worn = append(worn, name)
		case backend.StatusUnreachable:
			unknown = append(unknown, name)
		case backend.StatusHealthy, backend.StatusNotChecked:
		}
	}
	first := func(statuses ...backend.Status) string { return firstCode(h.Members, statuses) }
	advice := fmt.Sprintf("; replace the pool with a write to reauth/%s", s.in.Name)
	switch {
	case !slices.ContainsFunc(h.Members, func(m MemberHealth) bool { return m.Status != backend.StatusNeedsReauth }):
		h.Status, h.Code, h.Message = backend.StatusNeedsReauth, string(providers.Rejected), strings.Join(bad, ", ")+advice
	case len(bad) > 0:
		h.Status, h.Code, h.Message = backend.StatusDegraded, first(backend.StatusNeedsReauth, backend.StatusDegraded), strings.Join(bad, ", ")
		if why := commonMessage(h.Members); why != "" {
			h.Message += ": " + why
		}
		if slices.ContainsFunc(h.Members, MemberHealth.replaceable) {
			h.Message += advice
		}
	case len(unknown) > 0:
		h.Status, h.Code, h.Message = backend.StatusUnreachable, first(backend.StatusUnreachable), strings.Join(unknown, ", ")+" could not be checked"
	case s.allSpent(h.Members):
		h.Status, h.Code, h.Message = backend.StatusDegraded, string(providers.RateLimited), "the quota of every token is used up"
	case len(worn) > 0:
		h.Status, h.Message = backend.StatusExpiring, strings.Join(worn, ", ")+" ends soon"+advice
	default:
		h.Status, h.Code, h.Message = backend.StatusHealthy, "", ""
	}
}

// commonMessage is what was found of all tokens that are at fault; "" where that differs.
func commonMessage(members []MemberHealth) string {
	why := ""
	for _, m := range members {
		switch {
		case m.Status != backend.StatusNeedsReauth && m.Status != backend.StatusDegraded:
			continue
		case m.Message == "" || why != "" && m.Message != why:
			return ""
		}
		why = m.Message
	}
	return why
}

// firstCode is the code of the first token that is in one of the statuses, those
// named first before others.
func firstCode(members []MemberHealth, statuses []backend.Status) string {
	for _, status := range statuses {
		if i := slices.IndexFunc(members, func(m MemberHealth) bool { return m.Status == status }); i >= 0 {
			return members[i].Code
		}
	}
	return ""
}

// replaceable reports whether another token would help: a quota comes back by itself, and
// what is not looked at is not at fault.
func (m MemberHealth) replaceable() bool {
	return m.Status == backend.StatusNeedsReauth || m.Status == backend.StatusDegraded && !m.Unjudged && m.Code != string(providers.RateLimited)
}

// members judges the tokens of a pool one by one.
func (s facts) members() []MemberHealth {
	stored := s.record.Current.Members
	list := make([]MemberHealth, 0, len(stored))
	for i, m := range stored {
		h := MemberHealth{Position: i + 1, Fingerprint: m.Fingerprint, Identity: m.Identity, ExpiresAt: m.ExpiresAt, Quotas: s.quotas(m.AccountID)}
		found := s.finding.Members[m.Fingerprint]
		h.Code, h.Message, h.Unjudged = found.Code, found.Message, found.Unjudged
		switch {
		case h.Code != string(providers.Rejected) && s.record.Current.Over(s.finding, m.Fingerprint, m.ExpiresAt, s.now):
			h.Status, h.Code, h.Message, h.Unjudged = backend.StatusNeedsReauth, string(providers.Rejected), "", false
		case h.Code != "":
			h.Status = backend.StatusOf(h.Code)
		case !m.ExpiresAt.IsZero() && !s.now.Before(m.ExpiresAt.Add(-s.warning)):
			h.Status = backend.StatusExpiring
		default:
			h.Status = backend.StatusHealthy
		}
		list = append(list, h)
	}
	return list
}

// allSpent reports whether no token has quota left, of the ordinary resource.
func (s facts) allSpent(members []MemberHealth) bool {
	return !slices.ContainsFunc(members, func(m MemberHealth) bool { return !m.Quotas[backend.DefaultResource].Spent(s.now) })
}
