package canary

import (
	"maps"
	"slices"
	"strings"
)

// shortest is the length below which a secret may occur by chance.
const shortest = 8

// longest is how much of a secret is looked for. Who shows more shows that, too.
const longest = 4096

// Set is secrets with their kinds. The zero value is empty.
type Set struct {
	kinds map[string]string // value → kind
	short map[string]bool
}

// Add adds a secret, whose kind is that of the first time. What is too short to be
// told from other text is counted and not looked for.
func (s *Set) Add(kind, value string) {
	value = strings.TrimSpace(value)
	if len(value) < shortest {
		if s.short == nil {
			s.short = map[string]bool{}
		}
		s.short[value] = true
		return
	}
	value = value[:min(len(value), longest)]
	if s.kinds == nil {
		s.kinds = map[string]string{}
	}
	if _, known := s.kinds[value]; !known {
		s.kinds[value] = kind
	}
}

// Len is how many secrets are looked for.
func (s *Set) Len() int { return len(s.kinds) }

// Short is how many were too short to be looked for.
func (s *Set) Short() int { return len(s.short) }

// Kinds returns the kinds, sorted.
func (s *Set) Kinds() []string {
	return slices.Compact(slices.Sorted(maps.Values(s.kinds)))
}
