package histories

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Result is what came of the check of one history.
type Result struct {
	Record string
	// Operations are how many were recorded, Unknown how many of them without an answer, Twice how
	// many of those that Vault carried out twice.
	Operations, Unknown, Twice int
	// Violations says what cannot have been; nothing if the history is linearizable.
	Violations []string
	// Undecided is that porcupine ran out of time. It is no success.
	Undecided bool
	// Picture is the file in which porcupine shows a history that failed.
	Picture string
}

// Failed reports whether the history is not known to be linearizable.
func (r Result) Failed() bool { return r.Undecided || len(r.Violations) > 0 }

// Check checks the history of each record, none longer than the limit, and saves a picture of
// each that fails in the folder, which it makes; "" saves none. The results are in the
// order of the records' names.
func Check(all []Operation, limit time.Duration, folder string) ([]Result, error) {
	byRecord := map[string][]Operation{}
	for _, o := range all {
		byRecord[o.Record] = append(byRecord[o.Record], o)
	}
	results := make([]Result, 0, len(byRecord))
	for _, name := range slices.Sorted(maps.Keys(byRecord)) {
		result, err := checkOne(name, byRecord[name], limit, folder)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

func checkOne(name string, all []Operation, limit time.Duration, folder string) (Result, error) {
	r := resolve(all)
	result := Result{Record: name, Operations: len(all), Twice: r.twice, Violations: r.wrong}
	for _, o := range all {
		if o.Outcome == Unknown {
			result.Unknown++
		}
	}
	history := r.history()
	switch porcupine.CheckOperationsTimeout(model(record{}), history, limit) {
	case porcupine.Ok:
	case porcupine.Unknown:
		result.Undecided = true
	case porcupine.Illegal:
		result.Violations = append(result.Violations, "no order of the operations explains what was answered")
		var err error
		result.Picture, err = draw(name, history, limit, folder)
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

// history gives every operation a client of its own for as long as it takes.
func (r *resolver) history() []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(r.resolved))
	for _, o := range r.resolved {
		ops = append(ops, porcupine.Operation{Input: o, Call: o.Begin, Return: max(o.End, o.Begin), ClientId: o.Client})
	}
	slices.SortStableFunc(ops, func(a, b porcupine.Operation) int { return int(min(1, max(-1, a.Call-b.Call))) })
	return lanes(ops)
}

// lanes numbers clients so that none does two things at a time.
func lanes(ops []porcupine.Operation) []porcupine.Operation {
	var busy []int64
	for i := range ops {
		lane := slices.IndexFunc(busy, func(until int64) bool { return until < ops[i].Call })
		if lane < 0 {
			lane, busy = len(busy), append(busy, 0)
		}
		busy[lane], ops[i].ClientId = ops[i].Return, lane
	}
	return ops
}

// shown is how many operations a picture has before the one that does not fit.
const shown = 150

// draw saves a picture of the end of the shortest beginning of a history that fails.
func draw(name string, history []porcupine.Operation, limit time.Duration, folder string) (string, error) {
	if folder == "" {
		return "", nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	fails, part := shortest(history, limit), model(record{})
	if len(fails) > shown {
		ending := slices.Clone(fails[len(fails)-shown:])
		if porcupine.CheckOperationsTimeout(model(record{anything: true}), ending, limit) == porcupine.Illegal {
			fails, part = ending, model(record{anything: true})
		}
	}
	_, info := porcupine.CheckOperationsVerbose(part, lanes(fails), limit)
	file, err := os.CreateTemp(folder, strings.ReplaceAll(name, "/", "-")+"-*.html")
	if err != nil {
		return "", err
	}
	return file.Name(), errors.Join(porcupine.Visualize(part, info, file), file.Close())
}

// shortest finds the shortest beginning of a history, in the order in which the operations
// began, that fails.
func shortest(history []porcupine.Operation, limit time.Duration) []porcupine.Operation {
	low, high := 0, len(history)
	for low < high {
		middle := (low + high) / 2
		if porcupine.CheckOperationsTimeout(model(record{}), slices.Clone(history[:middle]), limit) == porcupine.Illegal {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return slices.Clone(history[:low])
}
