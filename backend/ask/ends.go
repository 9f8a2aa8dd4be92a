package ask

import (
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// aboutNow is how far ahead an end is still about now. GitHub once told the moment of its
// answer in the place of the end (google/go-github#3708), and the clocks of two hosts may
// differ by as much; Kerberos allows them five minutes. What is lost with an end so near
// that is right is small: the upstream's refusal follows at once, and an end that was known
// before stays known.
const aboutNow = 5 * time.Minute

// Believable reports whether an end that an upstream tells together with a success can be
// one. Whatever it says, the credential works now.
func Believable(end, now time.Time) bool {
	return end.After(now.Add(aboutNow)) && end.UTC().Year() <= providers.LastYear
}

// Believed is what a check verified, without ends that cannot be; warnings say which. It is
// for all providers alike.
func Believed(v providers.Verified, now time.Time) (_ providers.Verified, warnings []string) {
	ignored := func(end time.Time) bool { return !end.IsZero() && !Believable(end, now) }
	if len(v.Members) > 0 {
		v.Members = slices.Clone(v.Members)
	}
	for i := range v.Members {
		m := &v.Members[i]
		if m.Kept || !ignored(m.ExpiresAt) { // of one that is kept nothing was told
			continue
		}
		what := "the credential"
		if len(v.Members) > 1 {
			what = fmt.Sprintf("token %d of %d", i+1, len(v.Members))
		}
		warnings = append(warnings, endIgnored(what, m.ExpiresAt))
		m.ExpiresAt, v.ExpiresAt = time.Time{}, time.Time{}
	}
	switch {
	case len(warnings) > 0:
		v.ExpiresAt = providers.FirstEnd(v.Members)
	case ignored(v.ExpiresAt):
		warnings = append(warnings, endIgnored("the credential", v.ExpiresAt))
		v.ExpiresAt = time.Time{}
	}
	return v, warnings
}

func endIgnored(what string, end time.Time) string {
	if end.UTC().Year() > providers.LastYear {
		return fmt.Sprintf("the upstream tells an end of %s that is no date of any calendar, so it is ignored", what)
	}
	return fmt.Sprintf("the upstream takes %s and says that it ends on %s, which has passed or is about now; this cannot be right, so the end is ignored", what, end.UTC().Format(time.RFC3339))
}
