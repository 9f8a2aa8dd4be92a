package notify

import (
	"context"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Inviter makes links by which a person who reads a message can re-authenticate an integration.
type Inviter interface {
	// CanInvite reports whether there is an address for links.
	CanInvite(ctx context.Context) (bool, error)
	// Invite returns a fresh link, and until when it works. It ends the one before of the
	// same target and integration. Where nobody can be invited, as to an integration that
	// never had an account, it is empty.
	Invite(ctx context.Context, t *Target, s *Subject) (url providers.Secret, until time.Time, err error)
	// End ends the links that a target was sent, of one integration or with "" of all.
	End(ctx context.Context, target, integration string) error
}

// link is that of a message.
type link struct {
	message string
	url     providers.Secret
	until   time.Time
}

// linkSpare is how long a link must still work to be sent once more.
const linkSpare = time.Hour

// link returns the link of a message, empty for none. A message that is sent again has the
// same one while it works, so that they do not pile up with a receiver that is away; after a
// restart it has a fresh one, and the one before ends. A message that cannot have one is
// sent without.
func (m *mailbox) link(ctx context.Context, t *Target, l letter, under *sending) providers.Secret {
	name := l.subject.Name
	if !t.invites() || !needsPerson(l.news.event, l.news.code) {
		return providers.Secret{}
	}
	id := messageID(t, name, under)
	if known := m.links[name]; known.message == id && m.n.now().Add(linkSpare).Before(known.until) {
		return known.url
	}
	url, until, err := m.n.inviter.Invite(ctx, t, l.subject)
	if err != nil {
		return providers.Secret{}
	}
	m.links[name] = link{id, url, until}
	return url
}

// endLinks ends those that a target was sent once it gets no more of them, is gone, or
// somebody else reads it. It does so as often as that is written, so that what storage did
// not take can be sent again.
func (n *Notifier) endLinks(ctx context.Context, name string, sent providers.Settings) error {
	invites, said := sent.Flags[fieldInvite]
	if sent.Secret(fieldURL).Empty() && (!said || invites) {
		return nil
	}
	return n.inviter.End(ctx, name, "")
}

// over ends the link of an integration that works again, whether or not the target hears of
// it.
func (m *mailbox) over(ctx context.Context, t *Target, n *news, integration string) error {
	if n.event != Recovered || !t.invites() {
		return nil
	}
	delete(m.links, integration)
	return m.n.inviter.End(ctx, t.Name, integration)
}
