package page

import (
	"fmt"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
)

// Form is the page of an open invitation.
type Form struct {
	// Integration, Mount and Provider say what a credential is asked for, and Host where it
	// is sent to be checked, and by workers.
	Integration, Mount, Provider, Host string
	// InvitedBy and Note are of whoever invited.
	InvitedBy, Note string
	// Account is whose credential is expected, "" for anybody's.
	Account string
	// Ends is when the invitation does.
	Ends string
	// Rights says what the token needs, and MadeAt is where the vendor makes such a token.
	Rights string
	Scopes []string
	MadeAt string
	// Siblings are the other integrations that the credential is for.
	Siblings []string
	// Stays says what is in use now.
	Stays string
	// Consent is set where the person consents at the provider, and enters nothing here.
	Consent bool
	Fields  []Field
	// Refusal is why the last attempt failed; nil before the first.
	Refusal *backend.Error
	// Left is how many more credentials the upstream may refuse.
	Left int
}

// Field is an input of the form.
type Field struct {
	Name, Label, Hint string
	// Type is that of HTML's input: password for all that is secret.
	Type     string
	Required bool
	// Rows is how many inputs there are, one for each token of a pool; 0 for a single one.
	Rows int
	// Value is what was entered before; always empty for what is secret.
	Value string
	// Error is what is wrong with what was entered.
	Error string
	// Focus is set for the first field that is wrong.
	Focus bool
}

// Describe names the elements that describe the input.
func (f Field) Describe() string {
	if f.Error != "" {
		return "hint-" + f.Name + " error-" + f.Name
	}
	return "hint-" + f.Name
}

// Numbers are those of the inputs of a pool.
func (f Field) Numbers() []int {
	numbers := make([]int, f.Rows)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

// Secret reports whether what is entered must not be seen.
func (f Field) Secret() bool { return f.Type == "password" }

// Page renders the form.
func (f Form) Page() Page {
	title := "New credential for " + f.Integration
	if f.Refusal != nil {
		f.blame()
		title = "Error: " + f.Refusal.Code + " - " + title
	}
	return render(head{Title: title, Main: f}, form)
}

// Sentence is what the refusal says.
func (f Form) Sentence() string {
	if f.Refusal.Code == backend.CodeMissingField {
		return "Something that is required was not entered. Nothing was sent to " + f.Provider + "."
	}
	return sentence(f.Refusal.Message)
}

// Advice is what to do after the refusal.
func (f Form) Advice() string { return advice(f.Refusal.Code, f.Provider, f.Account) }

// ScopeList names the rights that the integration demands.
func (f Form) ScopeList() string { return strings.Join(f.Scopes, ", ") }

// SiblingList names those that share the credential.
func (f Form) SiblingList() string { return strings.Join(f.Siblings, ", ") }

// Counts reports whether the refusal was one of those that end the invitation.
func (f Form) Counts() bool { return f.Left < backend.MaxRefusals }

// LeftText says how many attempts are left.
func (f Form) LeftText() string {
	if f.Left == 1 {
		return "If the provider refuses once more, this link ends."
	}
	return fmt.Sprintf("After %d more refusals by the provider this link ends.", f.Left)
}

// blame ties the refusal to its fields.
func (f *Form) blame() {
	wrong, focused := f.wrong(), false
	for i := range f.Fields {
		field := &f.Fields[i]
		if !wrong[field.Name] {
			continue
		}
		field.Error = fieldError(f.Refusal, field)
		field.Focus, focused = !focused, true
	}
	if !focused && len(f.Fields) > 0 { // whatever it is, the secret has to be entered again
		i := max(0, slices.IndexFunc(f.Fields, Field.Secret))
		f.Fields[i].Focus = true
	}
}

// wrong names the fields that a refusal is about.
func (f *Form) wrong() map[string]bool {
	wrong := map[string]bool{}
	for _, name := range f.Refusal.Fields {
		wrong[name] = true
	}
	secret, login := judged(f.Refusal.Code)
	for _, field := range f.Fields {
		if field.Secret() && secret || !field.Secret() && field.Type != "date" && login {
			wrong[field.Name] = true
		}
	}
	return wrong
}
