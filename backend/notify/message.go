package notify

import (
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// longestText bounds what a message quotes of what checks found.
const longestText = 1000

// message is what a target is told, before it has a form. It holds no secret, and no link
// but that of an invitation.
type message struct {
	ID   string
	Type Event
	At   time.Time
	// Ended is set where the credential's end has passed.
	Ended bool
	Data  data
}

// data is what programs read.
type data struct {
	Mount          string         `json:"mount"`
	Integration    string         `json:"integration"`
	Provider       string         `json:"provider"`
	Status         backend.Status `json:"status"`
	PreviousStatus backend.Status `json:"previous_status"`
	Code           string         `json:"code"`
	Message        string         `json:"message"`
	Identity       string         `json:"identity"`
	Fingerprint    string         `json:"fingerprint"`
	Version        int            `json:"version"`
	ExpiresAt      string         `json:"expires_at"`
	// DaysLeft is nil where it is not known when the credential ends.
	DaysLeft *int `json:"days_left"`
	// URL is the link of an invitation, absent where there is none.
	URL      string `json:"url,omitempty"`
	WhatToDo string `json:"what_to_do"`
}

// messageOf says the news that is under way. link is that of an invitation, empty for none.
func messageOf(t *Target, s *Subject, n *news, under *sending, link providers.Secret, now time.Time) message {
	d := data{
		Mount: t.Mount, Integration: s.Name, Provider: s.Provider, Status: s.Status, PreviousStatus: n.previous,
		Code: n.code, Message: short(n.message), Identity: short(s.Identity), Fingerprint: s.Fingerprint, Version: n.version,
		WhatToDo: whatToDo(t, s, n.event, !link.Empty()), URL: link.Reveal(),
	}
	ended := false
	if !s.ExpiresAt.IsZero() {
		ended = !s.ExpiresAt.After(now)
		d.ExpiresAt = s.ExpiresAt.UTC().Format(time.RFC3339)
		left := max(0, int(s.ExpiresAt.Sub(now).Hours()/24))
		d.DaysLeft = &left
	}
	return message{ID: messageID(t, s.Name, under), Type: n.event, At: under.At, Ended: ended, Data: d}
}

// testMessage is one that somebody asked for.
func testMessage(t *Target, now time.Time) message {
	return message{
		ID: "msg_" + newID(), Type: test, At: now.UTC().Truncate(time.Second),
		Data: data{Mount: t.Mount, Message: "a test that somebody asked for", WhatToDo: "nothing: messages arrive here"},
	}
}

// short is a text of one line that is not too long.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}

// sentence is the message in a chat.
func (m message) sentence() string {
	name := fmt.Sprintf("%s%s", m.Data.Mount, m.Data.Integration)
	switch m.Type {
	case NeedsReauth:
		if m.Data.Code == backend.CodeNoCredential {
			return name + " has no credential"
		}
		return name + " needs a new credential"
	case Degraded:
		if m.Data.Code == string(providers.RateLimited) {
			return "the upstream's quota of " + name + " is used up"
		}
		return name + " works only in part"
	case Unreachable:
		return "the upstream of " + name + " does not answer"
	case Expiring:
		return "the credential of " + name + " " + m.end()
	case Recovered:
		return name + " works again"
	case RotationFailed:
		return "the credential of " + name + " could not be rotated"
	case Reauth:
		return fmt.Sprintf("%s has a new credential, version %d", name, m.Data.Version)
	case Rotate:
		return fmt.Sprintf("the credential of %s was rotated, version %d", name, m.Data.Version)
	case Rollback:
		return fmt.Sprintf("%s is back at the credential before, as version %d", name, m.Data.Version)
	case Forget:
		return "the credential of " + name + " was deleted"
	case Invited:
		return "somebody was invited to re-authenticate " + name
	case test:
		return "a test of notifications from " + m.Data.Mount
	}
	return name + ": " + string(m.Type)
}

// end says when the credential ends.
func (m message) end() string {
	switch left := m.Data.DaysLeft; {
	case m.Ended:
		return "has ended"
	case left == nil:
		return "ends soon"
	case *left == 0:
		return "ends in less than a day"
	case *left == 1:
		return "ends in 1 day"
	default:
		return fmt.Sprintf("ends in %d days", *left)
	}
}

// fact is a line of the table in a chat.
type fact struct{ name, value string }

// facts is the table; what is not known is left out.
func (m message) facts() []fact {
	d := m.Data
	status := string(d.Status)
	if d.Code != "" {
		status += " (" + d.Code + ")"
	}
	version := ""
	if d.Version > 0 {
		version = fmt.Sprint(d.Version)
	}
	all := []fact{
		{"Integration", d.Integration},
		{"Provider", d.Provider},
		{"Status", status},
		{"Account", d.Identity},
		{"Version", version},
		{"Fingerprint", d.Fingerprint},
		{"Ends", d.ExpiresAt},
		{"Reason", d.Message},
		{"What to do", d.WhatToDo},
	}
	known := all[:0]
	for _, f := range all {
		if f.value != "" {
			known = append(known, f)
		}
	}
	return known
}

// whatToDo is advice for the person who reads it, "" where there is nothing to do.
func whatToDo(t *Target, s *Subject, e Event, invited bool) string {
	path := func(folder string) string { return t.Mount + folder + "/" + s.Name }
	renew := "write a new credential to " + path("reauth")
	if s.Consent {
		renew = "write to " + path("oauth/authorize") + " and consent in the browser"
	}
	if invited {
		renew = "open the link, which works once, for a day at most, with a credential of the account"
	}
	switch e {
	case NeedsReauth:
		return renew
	case Expiring:
		return renew + " before it ends"
	case Degraded:
		return mend(providers.Outcome(s.Code), path("health"), renew)
	case Unreachable:
		return "look whether the upstream is up and can be reached from Vault; the credential is not judged"
	case RotationFailed:
		return "read " + path("health") + " for the reason; it is tried again by itself, or " + renew
	case Recovered, Reauth, Rotate, Rollback, Invited, test:
	case Forget:
		return renew + " to use the integration again"
	}
	return ""
}

// mend is advice for a credential that works only in part: it may be good itself.
func mend(why providers.Outcome, health, renew string) string {
	if why == providers.RateLimited {
		return "wait until the upstream's quota begins anew; if this stays, check less often or use tokens of more accounts"
	}
	if why == providers.SSORequired || why == providers.CaptchaRequired || why == providers.AccountBlocked {
		return "do what the reason says, at the upstream; the credential itself is good"
	}
	return "read " + health + " for what is missing, and give the account its rights back or " + renew
}
