package input

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// parseSecrets reads the value of a credential field: one, or several of a pool.
func parseSecrets(f providers.Field, raw any) ([]providers.Secret, error) {
	texts, err := secretTexts(f, raw)
	if err != nil {
		return nil, err
	}
	secrets := make([]providers.Secret, 0, len(texts))
	for i, text := range texts {
		text = strings.TrimSpace(text)
		if err := checkSecret(f, text); err != nil {
			return nil, atPosition(err, "a token", i+1, len(texts))
		}
		secrets = append(secrets, providers.NewSecret(text))
	}
	return secrets, nil
}

func secretTexts(f providers.Field, raw any) ([]string, error) {
	if f.Kind != providers.Pool {
		text, err := asText(raw)
		return []string{trimElement(text)}, err
	}
	texts, err := asList(raw, limit{maxPool, "tokens"})
	if err == nil && len(texts) == 0 {
		err = errBlank
	}
	return texts, err
}

// checkSecret refuses a text that cannot be a credential before it is sent anywhere: the
// upstream would count each attempt as a failed login.
func checkSecret(f providers.Field, text string) error {
	switch {
	case text == "":
		return errBlank
	case len(text) > maxSecret:
		return fmt.Errorf("must not be longer than %d bytes", maxSecret)
	case f.Kind == providers.Email, f.Kind == providers.Text:
		return checkLogin(f, text)
	case f.Address:
		return checkAddress(text)
	}
	if err := checkEnds(text); err != nil {
		return err
	}
	if err := checkShape(text, f.AnyForm); err != nil {
		return err
	}
	return checkCharacters(text, inToken)
}

// checkAddress judges the address of a webhook. It may have a query, which is often the
// secret of it.
func checkAddress(text string) error {
	if err := checkEnds(text); err != nil {
		return err
	}
	if len(text) > maxText {
		return fmt.Errorf("must not be longer than %d bytes", maxText)
	}
	address, _, _ := strings.Cut(text, "?")
	if strings.Contains(text, "#") {
		return errors.New("must not have a fragment")
	}
	if problem := providers.Misread(text); problem != "" {
		return errors.New(problem)
	}
	return checkURL(address)
}

// checkLogin judges the e-mail address or user name that goes with a token.
func checkLogin(f providers.Field, text string) error {
	if err := checkCharacters(text, inText); err != nil {
		return err
	}
	if err := checkEnds(text); err != nil {
		return err
	}
	switch {
	case f.Kind == providers.Email && !plausibleEmail(text):
		return errors.New("must be an e-mail address")
	case strings.Contains(text, ":") && f.Kind == providers.Text:
		// It is the user part of HTTP Basic authentication, which ends at a colon.
		return errors.New("must not contain a colon")
	}
	return firstShape(text, loginShapes())
}

func plausibleEmail(text string) bool {
	user, host, ok := strings.Cut(text, "@")
	return ok && user != "" && host != "" && !strings.ContainsAny(text, ": ,;<>")
}

// parseTime reads an expiry: RFC 3339, or a date. A date means its first moment in UTC,
// the earliest that a vendor can mean by it.
func parseTime(raw any, now time.Time) (time.Time, error) {
	text, err := asText(raw)
	if err != nil {
		return time.Time{}, err
	}
	text = strings.TrimSpace(text)
	if len(text) > maxNumber {
		return time.Time{}, errLong
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	switch {
	case err != nil:
		return time.Time{}, errors.New("must be a date such as 2027-03-31 or a time such as 2027-03-31T12:00:00Z")
	case !t.After(now):
		return time.Time{}, errors.New("is in the past")
	case t.UTC().Year() > providers.LastYear:
		return time.Time{}, fmt.Errorf("must not be after the year %d", providers.LastYear)
	}
	return t.UTC(), nil
}
