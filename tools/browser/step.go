package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// step is a verb with what it is applied to.
type step struct {
	verb

	arg string
}

// verb is what a step can do. check refuses an argument before the browser
// starts; a verb without one takes no argument.
type verb struct {
	name  string
	check func(arg string) error
	act   func(p *page, arg string) error
}

// fillVerb is the step whose argument may be a secret.
const fillVerb = "fill"

func verbs() []verb {
	return []verb{
		{"open", notEmpty, (*page).open},
		{"click", notEmpty, (*page).click},
		{"press", notEmpty, (*page).press},
		{fillVerb, notEmpty, (*page).fill},
		{"await", notEmpty, (*page).await},
		{"status", isStatus, (*page).status},
		{"text", nil, (*page).printText},
		{"html", nil, (*page).printHTML},
		{"url", nil, (*page).printURL},
		{"shot", notEmpty, (*page).shot},
		{"offline", nil, (*page).offline},
		{"console", nil, (*page).console},
		{"size", isSize, (*page).size},
		{"took", nil, (*page).took},
		{"axe", notEmpty, (*page).axe},
	}
}

func parseSteps(args []string) ([]step, error) {
	if len(args) == 0 {
		return nil, errors.New("no steps; -help lists them")
	}
	var steps []step
	for known := verbs(); len(args) > 0; {
		i := slices.IndexFunc(known, func(v verb) bool { return v.name == args[0] })
		if i < 0 {
			return nil, fmt.Errorf("step %d: there is no %q; -help lists the steps", len(steps)+1, redact(args[0]))
		}
		s := step{verb: known[i]}
		args = args[1:]
		if s.check != nil {
			if len(args) == 0 {
				return nil, fmt.Errorf("step %d: %s of what?", len(steps)+1, s.name)
			}
			s.arg, args = args[0], args[1:]
			if err := s.check(s.arg); err != nil {
				return nil, fmt.Errorf("step %d, %s: %w", len(steps)+1, s, err)
			}
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// String returns the step as it was written, but for the query of an address and for
// what is filled in.
func (s step) String() string {
	if s.check == nil || s.name == fillVerb {
		return s.name
	}
	return fmt.Sprintf("%s %q", s.name, redact(s.arg))
}

func notEmpty(arg string) error {
	if arg == "" {
		return errors.New("the argument is empty")
	}
	return nil
}

func isSize(arg string) error {
	_, _, err := parseSize(arg)
	return err
}

func isStatus(arg string) error {
	if code, err := strconv.Atoi(arg); err != nil || code < 100 || code > 599 {
		return errors.New("this is not an HTTP status")
	}
	return nil
}
