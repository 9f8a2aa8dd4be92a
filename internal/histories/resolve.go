package histories

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// open is the end of what may happen at any time from its beginning on.
const open = math.MaxInt64 / 2

// sighting is what was seen of a version, by anybody.
type sighting struct {
	credential string
	cause      string
	by         int64            // when the first one who saw it had the answer
	began      int64            // when the operation began that wrote it
	tokens     map[string]int64 // token → the same
}

// resolver gives every change of one record its version, so that nothing is left to guess but
// the order. A version has one writer: it was acknowledged; or its credential is that of a
// write without an answer; or nobody saw it, and it is one of the writes without an answer that
// are left, by which none that can fill another version is lost: versions are in the order of time.
// What is left over after that was never carried out, or has not been yet.
type resolver struct {
	seen     map[int]*sighting
	acked    map[int]bool
	open     []Operation  // that may have raised the version, by their beginnings
	used     map[int]int  // index in open → versions that it got
	again    map[int]bool // acknowledged versions that were written by a second time
	writes   map[string]Operation
	refused  map[string]bool
	tokens   map[int]string // version → the token that it was acknowledged with
	resolved []Operation
	twice    int
	wrong    []string
}

// resolve returns the operations of one record in a form in which each has a version and
// an end, and what cannot have been, in whatever order.
func resolve(all []Operation) *resolver {
	r := &resolver{
		seen: map[int]*sighting{}, acked: map[int]bool{}, used: map[int]int{}, again: map[int]bool{},
		writes: map[string]Operation{}, refused: map[string]bool{}, tokens: map[int]string{},
	}
	for _, o := range all {
		r.sort(o)
	}
	slices.SortStableFunc(r.open, func(a, b Operation) int { return cmp.Compare(a.Begin, b.Begin) })
	for _, version := range slices.Sorted(maps.Keys(r.seen)) {
		if !r.acked[version] {
			r.attribute(version, r.seen[version])
		}
	}
	r.fillGaps()
	r.lostAcknowledgements()
	r.refreshes()
	return r
}

// sort puts an operation where it belongs, and notes what it shows.
func (r *resolver) sort(o Operation) {
	for _, part := range o.Parts {
		if part != o.Credential {
			r.complain("the parts of version %d belong to %s and to %s", o.Version, o.Credential, part)
		}
	}
	if o.Kind == Write && o.Credential != "" {
		r.writes[o.Credential] = o
	}
	switch {
	case o.Outcome == Refused:
		r.refused[o.Credential] = r.refused[o.Credential] || o.Kind == Write
	case o.Kind.raises() && (o.Outcome == Unknown || o.Version == 0 && o.Kind == Write):
		r.open = append(r.open, o)
	case o.Outcome == Unknown && o.Kind == Forget:
		o.End = open
		r.resolved = append(r.resolved, o)
	case o.Outcome == Unknown: // of a read
	default:
		r.take(o)
	}
}

// take keeps an operation that is done.
func (r *resolver) take(o Operation) {
	r.resolved = append(r.resolved, o)
	for _, e := range o.Entries {
		if e.Cause != "forget" {
			r.see(e, o)
		}
	}
	if o.Version == 0 || o.Kind == Forget || o.Kind == History {
		return
	}
	s := r.see(Entry{Version: o.Version, Credential: o.Credential}, o)
	if o.Token != "" && o.Kind == Read {
		if at, known := s.tokens[o.Token]; !known || o.End < at {
			s.tokens[o.Token] = o.End
		}
	}
	if o.Kind.raises() {
		r.acked[o.Version], s.began = true, o.Begin
		r.tokens[o.Version] = o.Token
	}
}

func (r *resolver) see(e Entry, o Operation) *sighting {
	s := r.seen[e.Version]
	if s == nil {
		s = &sighting{credential: e.Credential, by: o.End, tokens: map[string]int64{}}
		r.seen[e.Version] = s
	}
	if s.credential != e.Credential {
		r.complain("version %d is %s and %s", e.Version, s.credential, e.Credential)
	}
	s.by = min(s.by, o.End)
	if e.Cause != "" {
		s.cause = e.Cause
	}
	return s
}

// attribute finds who wrote a version that was seen and not acknowledged.
func (r *resolver) attribute(version int, s *sighting) {
	if i := r.writer(s); i >= 0 {
		r.used[i]++
		o := r.open[i]
		end := s.by
		if o.Outcome == Done {
			end = min(end, o.End)
		}
		r.wrote(o.Kind, version, s, o, end)
		return
	}
	// Vault asks a plugin again that died under a request, which can so be carried out twice:
	// the second time is what was acknowledged.
	if o, known := r.writes[s.credential]; known && o.Outcome != Refused && s.cause != "rollback" && r.others(s.credential) < 2 {
		r.twice++
		r.wrote(Write, version, s, o, min(s.by, endOf(o)))
		return
	}
	if o := r.repeated(version, s); o != nil {
		r.twice++
		r.again[o.Version] = true
		r.wrote(o.Kind, version, s, *o, min(s.by, o.End))
		return
	}
	if r.refused[s.credential] {
		r.complain("version %d is %s, whose write was refused", version, s.credential)
		return
	}
	r.complain("version %d is %s, which nobody wrote", version, s.credential)
}

// repeated finds the rotation or rollback whose first time wrote a version that was seen, and
// whose second time was acknowledged as a later one.
func (r *resolver) repeated(version int, s *sighting) *Operation {
	var found *Operation
	for i, o := range r.resolved {
		own := o.Outcome == Done && o.Version > version && o.Begin <= s.by && !r.again[o.Version] && (s.cause == "" || s.cause == string(o.Kind))
		if own && (o.Kind == Rotate || o.Kind == Rollback) && (found == nil || o.Version < found.Version) {
			found = &r.resolved[i]
		}
	}
	if found == nil {
		return nil
	}
	o := *found
	return &o
}

func endOf(o Operation) int64 {
	if o.Outcome == Unknown {
		return open
	}
	return o.End
}

// others is how many versions have a credential that were written and not gone back to.
func (r *resolver) others(credential string) (n int) {
	for _, o := range r.resolved {
		if o.Kind == Write && o.Credential == credential {
			n++
		}
	}
	return n
}

// writer finds the operation without an answer that wrote what was seen: the one with the
// credential, or else one of which nobody can know what it writes.
func (r *resolver) writer(s *sighting) int {
	for i, o := range r.open {
		if r.used[i] == 0 && o.Kind == Write && o.Credential == s.credential && (s.cause == "" || s.cause == "reauth") {
			return i
		}
	}
	for i, o := range r.open {
		if r.used[i] == 0 && o.Kind != Write && (s.cause == "" || s.cause == string(o.Kind)) && o.Begin <= s.by {
			return i
		}
	}
	return -1
}

func (r *resolver) wrote(kind Kind, version int, s *sighting, by Operation, end int64) {
	s.began = by.Begin
	r.resolved = append(r.resolved, Operation{
		Record: by.Record, Client: by.Client, Node: by.Node, Kind: kind, Begin: by.Begin, End: end,
		Outcome: by.Outcome, Version: version, Credential: s.credential,
	})
}

// fillGaps gives the versions that nobody saw to writes that are left.
func (r *resolver) fillGaps() {
	newest, gaps := 0, []int(nil)
	for version := range r.seen {
		newest = max(newest, version)
	}
	for version := newest - 1; version > 0; version-- {
		if r.seen[version] == nil {
			gaps = append([]int{version}, gaps...)
		}
	}
	for _, version := range gaps {
		i := r.left(r.seenAfter(version, newest))
		if i < 0 {
			r.complain("version %d is between others, and nobody wrote it", version)
			continue
		}
		r.used[i]++
		r.unseen(version, r.open[i])
	}
	// Those whose end is known were carried out, seen or not.
	for i, o := range r.open {
		if o.Outcome == Done && r.used[i] == 0 {
			newest++
			r.used[i]++
			r.unseen(newest, o)
		}
	}
}

// left finds, of the writes that are left and began before then, the one that ended first.
func (r *resolver) left(before int64) int {
	found := -1
	for i, o := range r.open {
		if r.used[i] == 0 && o.Begin <= before && (found < 0 || endOf(o) < endOf(r.open[found])) {
			found = i
		}
	}
	return found
}

// seenAfter is when somebody had seen a later version.
func (r *resolver) seenAfter(version, newest int) int64 {
	by := int64(open)
	for later := version + 1; later <= newest; later++ {
		if s := r.seen[later]; s != nil {
			by = min(by, s.by)
		}
	}
	return by
}

func (r *resolver) unseen(version int, by Operation) {
	by.Kind, by.Version, by.Credential, by.End = unseen, version, "", endOf(by)
	r.resolved = append(r.resolved, by)
}

// lostAcknowledgements says which versions were acknowledged to two writes.
func (r *resolver) lostAcknowledgements() {
	by := map[int]string{}
	for _, o := range r.resolved {
		if o.Kind != Write || o.Outcome != Done {
			continue
		}
		if other, twice := by[o.Version]; twice && other != o.Credential {
			r.complain("version %d was acknowledged for %s and for %s", o.Version, other, o.Credential)
		}
		by[o.Version] = o.Credential
	}
}

// refreshes adds the renewals of access tokens that must have been: of each token that was
// read of a version and was not acknowledged with it.
func (r *resolver) refreshes() {
	for version, s := range r.seen {
		for token, by := range s.tokens {
			if token != r.tokens[version] {
				r.resolved = append(r.resolved, Operation{Kind: Refresh, Begin: s.began, End: by, Outcome: Done, Version: version, Credential: s.credential, Token: token, Node: "engine"})
			}
		}
	}
}

func (r *resolver) complain(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if !slices.Contains(r.wrong, said) {
		r.wrong = append(r.wrong, said)
	}
}
