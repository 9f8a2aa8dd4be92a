package page

import "strings"

// Confirm is the page that asks whether the account that consented is to be connected.
// Whoever was talked into consenting for somebody else's integration sees it here.
type Confirm struct {
	// Integration, Mount and Provider say what for, and Host where workers use it.
	Integration, Mount, Provider, Host string
	// AskedBy is who began, or with Invited who invited.
	AskedBy string
	Invited bool
	// Account is the only one that is taken, "" for any; InUse is that of the credential in
	// use.
	Account, InUse string
	// Siblings are the other integrations that the credential is for.
	Siblings []string
	// Ends is when the authorization does.
	Ends string
	// State, Code and Confirmation are sent back. They come from the address of the page,
	// and from the engine.
	State, Code, Confirmation string
}

// Page renders the question.
func (c Confirm) Page() Page {
	return render(head{Title: "Connect your account to " + c.Integration + "?", Main: c}, confirm)
}

// SiblingList names those that share the credential.
func (c Confirm) SiblingList() string { return strings.Join(c.Siblings, ", ") }
