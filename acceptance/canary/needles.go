package canary

import (
	"encoding/binary"
	"strings"
)

// window is how many bytes at the end of a pattern are looked up; every pattern is as
// long, because no form is shorter than the secret.
const window = 8

// Needles are the secrets of a set in all forms, ready to be searched for in one pass.
// It is safe for concurrent use.
type Needles struct {
	byEnd map[uint64][]pattern
	// maybe has a bit for the hash of each end; most places are dismissed by it.
	maybe [1 << filterBits / 64]uint64
	count int
}

const filterBits = 22

type pattern struct{ kind, form, text string }

// Find is a place where a secret stands.
type Find struct {
	// Kind is that of the secret, Form how it is written.
	Kind, Form string
	// At is the place of its first byte, End that after its last.
	At, End int
}

// Needles returns the patterns for what is in the set now.
func (s *Set) Needles() *Needles {
	n := &Needles{byEnd: map[uint64][]pattern{}}
	for value, kind := range s.kinds {
		seen := map[string]bool{}
		for _, f := range forms() {
			text := f.write(value)
			if !seen[text] {
				seen[text] = true
				n.add(pattern{kind, f.name, text})
			}
		}
	}
	return n
}

// Len is the number of patterns.
func (n *Needles) Len() int { return n.count }

// Search tells of every secret in text, in the order of their ends.
func (n *Needles) Search(text []byte, found func(Find)) {
	for end := window; end <= len(text); end++ {
		key := binary.LittleEndian.Uint64(text[end-window : end])
		if bit := hash(key); n.maybe[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, p := range n.byEnd[key] {
			if at := end - len(p.text); at >= 0 && string(text[at:end]) == p.text {
				found(Find{Kind: p.kind, Form: p.form, At: at, End: end})
			}
		}
	}
}

// In returns what is found in text.
func (n *Needles) In(text string) []Find {
	var all []Find
	n.Search([]byte(text), func(f Find) { all = append(all, f) })
	return all
}

func (n *Needles) add(p pattern) {
	end := []byte(p.text[len(p.text)-window:])
	key := binary.LittleEndian.Uint64(end)
	bit := hash(key)
	n.maybe[bit/64] |= 1 << (bit % 64)
	n.byEnd[key] = append(n.byEnd[key], p)
	n.count++
}

// hash is Fibonacci hashing.
func hash(key uint64) uint64 { return key * 0x9E3779B97F4A7C15 >> (64 - filterBits) }

// String says what was found, and not the secret.
func (f Find) String() string {
	return strings.Join([]string{"a secret (", f.Kind, ") as ", f.Form}, "")
}
