package page

import (
	"fmt"
	"strings"

	"vault-plugin-secrets-sei/backend"
)

// content fills the template of a result. Nothing of a query is repeated.
type content struct {
	Done  bool
	Title string
	Text  string
	Rows  []row
	Next  string
	Link  string // https, of the upstream
	// LinkText is what the link says; "" for the ordinary.
	LinkText string
	Code     string
	Warning  []string
}

type row struct{ Name, Value string }

func (c content) page() Page { return render(head{Title: c.Title, Main: c}, result) }

// Done is the page of a re-authentication that has succeeded.
func Done(change *backend.Change) Page {
	current := change.After.Current
	c := content{
		Done: true, Title: "Re-authenticated", Text: "The integration has a new credential, and uses it from now on. You can close this page.",
		Rows: []row{
			{"Integration", change.Integration.Name}, {"Account", current.Identity}, {"Version", fmt.Sprint(change.After.Version)},
		},
		Warning: change.Warnings,
	}
	var names []string
	for _, in := range change.Siblings {
		names = append(names, in.Name)
	}
	if len(names) > 0 {
		c.Rows = append(c.Rows, row{"Also updated", strings.Join(names, ", ")})
	}
	return c.page()
}

// Refused is the page of a refusal.
func Refused(e *backend.Error) Page {
	c := content{Title: "Not re-authenticated", Text: sentence(e.Message), Code: e.Code, Link: e.URL}
	switch e.Code {
	case backend.CodeOAuthStateInvalid:
		c.Text = "This page was opened with a link that is unknown, was used already, or is older than ten minutes. Nothing changed now."
		c.Next = "If you have just confirmed, all is well: a link works once. Otherwise ask for a new link, or begin again with a write to oauth/authorize in Vault, and finish within ten minutes."
	case backend.CodeOAuthDenied:
		c.Title, c.Text = "Declined", "You declined, or your account may not consent. Nothing changed."
		c.Next = "If that was a mistake, ask for a new link, or begin again with a write to oauth/authorize in Vault."
	case backend.CodeInvitationEnded:
		return Ended()
	}
	if e.Integration != "" {
		c.Rows = []row{{"Integration", e.Integration}}
	}
	return c.page()
}

// RefusedGuest is Refused for whoever was invited, and has a link that still works.
func RefusedGuest(e *backend.Error) Page {
	c := content{Title: "Not re-authenticated", Text: sentence(e.Message), Code: e.Code, Link: e.URL}
	if e.Code == backend.CodeOAuthDenied {
		c.Title, c.Text = "Declined", "You declined, or your account may not consent. Nothing changed."
		c.Next = "If that was a mistake, open the link that you were sent once more."
	}
	if e.Integration != "" {
		c.Rows = []row{{"Integration", e.Integration}}
	}
	return c.page()
}

// Ended is the page of an invitation that cannot be used. It says nothing of why, nor
// whether there ever was one.
func Ended() Page {
	c := content{
		Title: "This link does not work",
		Text:  "It was used already, has ended, is incomplete, or is of an integration that has changed since. Nothing changed now.",
		Next:  "If you have just used it, all is well. Otherwise ask whoever sent it for a new one: each link works once.",
	}
	return c.page()
}

// Unready is the page of an invitation that is open and cannot be used before somebody has
// mended the configuration.
func Unready() Page {
	c := content{
		Title: "Not possible now", Text: "The integration is not set up in a way that a credential could be checked. Nothing changed.",
		Next: "Tell whoever sent you the link. It still works once that is mended.",
	}
	return c.page()
}

// LastRefusal is the page of the refusal that ended an invitation.
func LastRefusal(e *backend.Error) Page {
	c := content{
		Title: "Not re-authenticated, and this link has ended", Text: sentence(e.Message), Code: e.Code, Link: e.URL,
		Next: fmt.Sprintf("The provider has refused %d credentials that were entered here, so the link has ended, to keep the account from being locked. Make sure that you have the right token, and ask for a new link.", backend.MaxRefusals),
	}
	if e.Integration != "" {
		c.Rows = []row{{"Integration", e.Integration}}
	}
	return c.page()
}

// Onward is the page that leads to the provider, where the person consents.
func Onward(title, address string) Page {
	c := content{
		Done: true, Title: "Continue at " + title, Text: "Your browser goes there now. Sign in with the account that the integration is to use, and consent within ten minutes.",
		Link: address, LinkText: "Continue to " + title,
	}
	return render(head{Title: c.Title, Main: c, Onward: address}, result)
}

// Broken is the page of a result that could not be stored.
func Broken() Page {
	c := content{
		Title: "Not finished", Text: "Vault could not store the result. The credential in use was not damaged.",
		Next: "Begin again, and tell whoever runs Vault: the server's log has the reason.",
	}
	return c.page()
}

// Late is the page of a request that ended before it was finished.
func Late() Page {
	c := content{
		Title: "Not finished", Text: "It took too long, because something else was being done for this integration. The credential in use was not damaged.",
		Next: "Load this page again. If it then says that the link was used, read the integration's history in Vault, or begin again.",
	}
	return c.page()
}

// sentence gives a message its capital letter and full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
