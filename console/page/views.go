package page

import (
	"time"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/fleet"
)

// Fleet is the page of a mount.
type Fleet struct {
	// Listed is whether the health of all may be listed; if not, Names are the integrations
	// that are known by name only.
	Listed bool
	Names  []string
	Total  int

	ByStatus  []fleet.Count
	Providers []ProviderCounts
	Needs     []engine.Need
	MoreNeeds int
	Weeks     fleet.Weeks
	Picture   Picture
	// Pooled is whether Weeks are those of the single tokens of pools, too.
	Filter  fleet.Filter
	Choices []string // of providers
	Page    fleet.Page

	MayTargets bool
	Targets    []Target
}

// ProviderCounts is how many integrations of a provider have each status.
type ProviderCounts struct {
	Name   string
	Total  int
	Counts []fleet.Count
}

// Target is one who is told of changes.
type Target struct {
	Name string
	engine.Target
}

// Integration is the page of one integration. What may not be seen is nil, and what may not
// be done is false.
type Integration struct {
	Name     string
	Provider string
	Health   *engine.Health
	Settings []Setting
	Unset    []string // settings without a value
	State    engine.Settings
	Form     *engine.Form
	Entry    []Input
	Rows     int // of a pool's inputs
	History  []engine.Swap
	// MayHistory is whether History is all there is, rather than hidden.
	MayHistory  bool
	Invitations []engine.Invitation

	MayReauth, MayConsent, MayCheck, MayRotate, MayRollback, MayInvite, MayEdit bool

	Refusal *Refusal
	Invited *Invited
}

// Moment returns a moment of the state, or none.
func (i Integration) Moment(name string) engine.Time {
	at, _ := time.Parse(time.RFC3339, i.State.Text(name)) // "" is none
	return engine.Time{Time: at}
}

// MoreRows is how many inputs a pool has with more of them.
func (i Integration) MoreRows() int { return i.Rows + rowsMore }

// rowsMore is how many inputs are added for a pool at a time.
const rowsMore = 8

// Refusal is why something was not done.
type Refusal struct {
	What   string // was asked for: reauth, check, rotate, rollback, invite, consent, settings
	Text   string
	Code   string
	URL    string // of a page to act on
	Fields []string
}

// Setting is one line of a configuration.
type Setting struct {
	Title  string
	Values []string
	Long   bool
}

// Input is a field of a form.
type Input struct {
	engine.Field

	Type    string   // of the input element, or textarea, select, checkbox
	Value   string   // never of a secret
	Lines   []string // one for each input of a pool
	Bad     bool
	Hint    string
	Set     bool   // whether a secret is stored
	Was     string // the value when the form was made
	Focus   bool
	Changed bool
}

// Invited is an invitation that was just made: the only time that its link is shown.
type Invited struct {
	engine.Invitation

	Warnings []string
}

// Settings is the page on which an integration is made or changed.
type Settings struct {
	New       bool
	Name      string
	Provider  engine.Provider
	AuthType  string
	Fixed     []Setting
	Inputs    []Input
	BadName   bool
	Refusal   *Refusal
	Providers []string
	Choices   []Choice // of auth types
}

// Choice is one of several.
type Choice struct{ Name, Title, Note string }

// Consent is the page that leads to the vendor.
type Consent struct {
	Name string
	engine.Authorization

	Host string
}

// Message is a page that says one thing.
type Message struct {
	Text string
	Next string
	Code string
	// Mounts are to be chosen from.
	Mounts []string
}
