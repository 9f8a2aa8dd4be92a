package histories

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// record is the state of a credential record: what one node that leads has of it.
type record struct {
	version    int
	credential string // "" where nobody saw it
	token      string // "" where nobody saw it yet
	before     string // what a rollback goes back to, if there is
	hasBefore  bool
	present    bool
	// anything is the state of a record whose past is not known.
	anything bool
}

// step is the model: it returns what a record is after an operation, and whether the operation
// can have been at that point.
func (r record) step(o Operation) (record, bool) {
	if r.anything {
		return r.begun(o)
	}
	switch o.Kind {
	case Write:
		if o.Version == r.version && r.present && o.Credential == r.credential {
			return r, true // the credential in use, once more
		}
		return r.swapped(o), o.Version == r.version+1
	case Rotate, unseen:
		return r.swapped(o), o.Version == r.version+1
	case Rollback:
		if o.Version == 0 {
			return r, !r.hasBefore
		}
		fits := r.before == "" || o.Credential == "" || r.before == o.Credential
		return r.swapped(o), o.Version == r.version+1 && r.present && r.hasBefore && fits
	case Forget:
		return record{version: r.version, credential: r.credential}, true
	case Refresh:
		after := r
		after.token = o.Token
		return after, r.present && o.Version == r.version
	case Read:
		return r.read(o)
	case History:
		return r, r.tells(o.Entries)
	}
	return r, false
}

// swapped returns the record with another credential. The one before can be gone back to,
// if there was one.
func (r record) swapped(o Operation) record {
	return record{version: o.Version, credential: o.Credential, token: o.Token, before: r.credential, hasBefore: r.present, present: true}
}

func (r record) read(o Operation) (record, bool) {
	if o.Version == 0 {
		return r, !r.present
	}
	after := r
	if r.token == "" {
		after.token = o.Token
	}
	same := r.credential == "" || o.Credential == r.credential
	return after, r.present && o.Version == r.version && same && (o.Token == "" || o.Token == after.token)
}

// tells reports whether a history ends with what the record is.
func (r record) tells(entries []Entry) bool {
	if len(entries) == 0 {
		return r.version == 0
	}
	newest := entries[0]
	same := r.credential == "" || newest.Credential == r.credential
	return newest.Version == r.version && same && (newest.Cause != "forget") == r.present
}

// begun takes the state of a record from the first operation on it that shows it.
func (r record) begun(o Operation) (record, bool) {
	after := record{version: o.Version, credential: o.Credential, token: o.Token, hasBefore: true, present: true}
	switch {
	case o.Kind == History && len(o.Entries) > 0:
		after.version, after.credential, after.present = o.Entries[0].Version, o.Entries[0].Credential, o.Entries[0].Cause != "forget"
	case o.Kind == Forget, o.Version == 0:
		return r, true
	}
	return after, true
}

// model is that of a record which begins as one does.
func model(begins record) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begins },
		Step: func(state, input, _ any) (bool, any) {
			before, _ := state.(record)
			o, _ := input.(Operation)
			after, can := before.step(o)
			return can, after
		},
		Equal:             func(a, b any) bool { return a == b },
		DescribeOperation: func(input, _ any) string { return fmt.Sprint(input) },
		DescribeState:     func(state any) string { return fmt.Sprint(state) },
	}
}

// String tells an operation in a picture.
func (o Operation) String() string {
	said := string(o.Kind)
	switch {
	case o.Kind == History && len(o.Entries) > 0:
		said += fmt.Sprintf(" ends with %d=%s %s", o.Entries[0].Version, o.Entries[0].Credential, o.Entries[0].Cause)
	case o.Kind == Forget:
	case o.Version == 0:
		said += " of nothing"
	default:
		said += fmt.Sprintf(" %d=%s", o.Version, o.Credential)
	}
	if o.Outcome != Done {
		said += ", " + string(o.Outcome)
	}
	if o.Node != "" {
		said += " at " + o.Node
	}
	return said
}

// String tells a state in a picture.
func (r record) String() string {
	switch {
	case r.anything:
		return "whatever it was"
	case !r.present:
		return fmt.Sprintf("no credential after version %d", r.version)
	}
	return fmt.Sprintf("%d=%s", r.version, r.credential)
}
