package notify

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// news is something that a target does not know yet.
type news struct {
	event Event
	// at is when it may be told: once it has held for long enough.
	at time.Time
	// then is what will have been told.
	then told
	// previous is the status that was told before, healthy where none stood.
	previous      backend.Status
	code, message string
	version       int
}

// compare returns the news of an integration that the target has not been told, in the order
// in which to send them: swaps, then the status, then an automatic rotation that failed.
// since is the time at which the present status and code began.
func compare(t *Target, was told, s *Subject, since time.Time) []*news {
	was = was.of(s)
	var found []*news
	for _, n := range []*news{swapped(t, was, s), status(t, was, s, since), rotation(t, was, s)} {
		if n == nil {
			continue
		}
		n.then.Count = was.Count + 1
		if n.version == 0 {
			n.version = s.Version
		}
		n.previous = was.Status
		if n.previous == "" {
			n.previous = backend.StatusHealthy
		}
		found = append(found, n)
	}
	return found
}

// swapped is the newest swap that the target wants to know of and does not know yet.
func swapped(t *Target, was told, s *Subject) *news {
	for _, swap := range s.Swaps {
		if was.knows(swap) {
			return nil
		}
		if swap.Event == "" || !t.wants(swap.Event) || swap.Time.Before(t.Since[swap.Event]) {
			continue
		}
		return &news{event: swap.Event, then: was.past(swap), version: swap.Version}
	}
	return nil
}

// status is a bad status that was not told, or that one that was told is over.
func status(t *Target, was told, s *Subject, since time.Time) *news {
	then := was
	if e := bad(s.Status); e != "" && t.wants(e) {
		code := toldCode(s)
		if s.Status == was.Status && code == was.Code {
			return nil
		}
		then.Status, then.Code = s.Status, code
		return &news{event: e, at: since.Add(t.settle(e)), then: then, code: s.Code, message: s.Message}
	}
	if !over(was, s) {
		return nil
	}
	then.Status, then.Code = "", ""
	if was.Rotation != s.Version {
		then.Rotation = 0
	}
	return &news{event: Recovered, at: since.Add(t.settle(Recovered)), then: then, code: s.Code, message: s.Message}
}

// toldCode is the code whose change is news, "" where the reason of a status may change
// again and again.
func toldCode(s *Subject) string {
	if s.Status.NeedsPerson() {
		return s.Code
	}
	return ""
}

// over reports whether what was told is over. What the target does not want to know of is
// over, too, where it is better than what was told; that an upstream does not answer says
// nothing.
func over(was told, s *Subject) bool {
	rotated := was.Rotation != 0 && was.Rotation != s.Version
	switch s.Status {
	case backend.StatusHealthy, backend.StatusNotChecked:
		return was.Status != "" || rotated
	case backend.StatusExpiring:
		return was.Status != "" && was.Status != backend.StatusExpiring
	case backend.StatusDegraded:
		return was.Status == backend.StatusNeedsReauth
	case backend.StatusUnreachable, backend.StatusNeedsReauth:
	}
	return false
}

// rotation is a rotation by itself that failed, once for each credential.
func rotation(t *Target, was told, s *Subject) *news {
	if s.Trouble == nil || was.Rotation == s.Version || !t.wants(RotationFailed) {
		return nil
	}
	then := was
	then.Rotation = s.Version
	return &news{event: RotationFailed, at: s.Trouble.Since.Add(t.settle(RotationFailed)), then: then, code: s.Trouble.Code, message: s.Trouble.Message}
}

// next is what to tell of an integration after what was told and what may have been, nil
// for nothing: what may be told first. A message under way that still says what is so goes
// before all else; where it does not, it may have arrived all the same.
func next(t *Target, so tidings, s *Subject, since time.Time) *news {
	found := compare(t, so.Told, s, since)
	if so.Sending != nil {
		for _, n := range found {
			if so.Sending.is(n) {
				n.at = time.Time{} // it was told, perhaps, and so it has held
				return n
			}
		}
		found = compare(t, so.Sending.Then, s, since)
	}
	var first *news
	for _, n := range found {
		if first == nil || n.at.Before(first.at) {
			first = n
		}
	}
	return first
}

// is reports whether it is a message with just this news.
func (s *sending) is(n *news) bool {
	a, b := s.Then, n.then
	same := a.Swap.Equal(b.Swap)
	a.Swap, b.Swap = time.Time{}, time.Time{}
	a.Count, b.Count = 0, 0
	if a.SwapEvent == "" { // an earlier version began it
		b.SwapEvent = ""
	}
	return same && s.Event == n.event && a == b
}

// begun is the tidings once a message with the news is under way.
func (n *news) begun(so tidings, now time.Time) tidings {
	if so.Sending != nil {
		if so.Sending.is(n) {
			return so
		}
		so.Told = so.Sending.Then
	}
	then := n.then
	if so.Told.Count == 0 {
		then.Count = int(now.Unix())
	}
	so.Sending = &sending{Event: n.event, At: now.UTC().Truncate(time.Second), Then: then}
	return so
}

// silent reports whether the target does not want to hear it, and it is only noted.
func (n *news) silent(t *Target) bool { return n.event == Recovered && !t.wants(Recovered) }

// messageID is the same for each time that a message is sent, and for no other: of each
// integration, the messages are counted.
func messageID(t *Target, name string, s *sending) string {
	text, _ := json.Marshal([]any{t.ID, name, s.Event, s.Then}) // values that can be encoded
	sum := sha256.Sum256(text)
	return fmt.Sprintf("msg_%x", sum[:16])
}
