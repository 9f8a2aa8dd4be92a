package probe

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name, header string
		want         time.Duration
		ok           bool
	}{
		{"seconds", "60", time.Minute, true},
		{"zero", "0", 0, true},
		{"white space", " 7 ", 7 * time.Second, true},
		{"a date", "Sun, 22 Nov 2026 12:01:30 GMT", 90 * time.Second, true},
		{"a date in the past", "Sun, 22 Nov 2026 11:00:00 GMT", 0, true},
		{"too many seconds", "999999999", 24 * time.Hour, true},
		{"far too many seconds", "18446744073709551615", 24 * time.Hour, true},
		{"more than fits", "99999999999999999999999", 0, false},
		{"negative seconds", "-5", 0, false},
		{"a distant date", "Sun, 22 Nov 2099 12:00:00 GMT", 24 * time.Hour, true},
		{"part of a second", "1.5", 0, false},
		{"words", "soon", 0, false},
		{"nothing", "", 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := parseRetryAfter(c.header, now)
			assert.Equal(t, c.ok, ok)
			assert.Equal(t, c.want, got)
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	seeds := []string{"60", "-1", "Sun, 22 Nov 2026 12:01:30 GMT", "Monday, 02-Jan-06 15:04:05 GMT", "18446744073709551615", ""}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s, int64(1795000000))
	}
	f.Fuzz(func(t *testing.T, header string, now int64) {
		got, ok := parseRetryAfter(header, time.Unix(now%(1<<35), 0))
		assert.GreaterOrEqual(t, got, time.Duration(0))
		assert.LessOrEqual(t, got, maxRetryAfter)
		assert.Zero(t, got%time.Second)
		assert.True(t, ok || got == 0)
	})
}

func TestActionURL(t *testing.T) {
	cases := []struct{ name, raw, scheme, want string }{
		{"https of the host", "https://github.com/orgs/x/sso?a=1", "https", "https://github.com/orgs/x/sso?a=1"},
		{"another case", "https://GitHub.com/x", "https", "https://GitHub.com/x"},
		{"white space", " https://github.com/x ", "https", "https://github.com/x"},
		{"the integration's http", "http://github.com/x", "http", "http://github.com/x"},
		{"http where the integration is https", "http://github.com/x", "https", ""},
		{"another host", "https://evil.example.com/github.com", "https", ""},
		{"a host that ends alike", "https://evilgithub.com/x", "https", ""},
		{"a host below", "https://github.com.evil.example.com/x", "https", ""},
		{"another port", "https://github.com:8443/x", "https", ""},
		{"a user", "https://github.com@evil.example.com/x", "https", ""},
		{"a user on the host", "https://user:pass@github.com/x", "https", ""},
		{"a script", "javascript:alert(1)", "https", ""},
		{"no scheme", "//github.com/x", "https", ""},
		{"too long", "https://github.com/" + strings.Repeat("x", 3000), "https", ""},
		{"rubbish", "https://%zz", "https", ""},
		{"nothing", "", "https", ""},
	}
	for _, c := range cases {
		assert.Equal(t, c.want, ActionURL(c.raw, c.scheme, "github.com"), c.name)
	}
}

func TestPrintable(t *testing.T) {
	assert.Equal(t, "mia", Printable(" mia\n"))
	assert.Equal(t, "Míà Example", Printable("Míà Example"))
	assert.Empty(t, Printable("a\x1b[31mb"))
	assert.Empty(t, Printable("a\nb"))
	for _, invisible := range []string{
		"\u202e", "\u2028", "\u0085", "\u009b", "\u200b", "\ufeff", "\U000e0041",
		"\u3164", "\u2800", "\ufe0f", "\u034f", "\u115f", "\u1160", "\uffa0", "\u180b", "\u17b4", "\ufffc", "\U000e0100", "\U0001d159", "\u2066",
	} {
		assert.Empty(t, Printable("a"+invisible+"b"), "%q", invisible)
	}
	assert.Empty(t, Printable("a\xffb"))
	assert.Empty(t, Printable(strings.Repeat("x", 255)))
}
