package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Work is something that is loaded: Do sends one request and fails if the answer is not
// the expected one. It is called by several clients at a time, each with numbers of its
// own.
type Work struct {
	Name string
	Do   func(ctx context.Context, n int) error
	// Clients is how many load it, where that is not what the plan says.
	Clients int
}

// Plan is how works are loaded.
type Plan struct {
	Clients int           // at a time, each sending one request after the other
	Rounds  int           // in each of which every work has one turn
	Slice   time.Duration // of one turn
	// Spent tells how much processor time the server and its plugins have used so far.
	// Unlike time on the clock it does not depend on what else the machine does.
	Spent func() time.Duration
}

// Result is what was seen of one work.
type Result struct {
	Name string
	// rates are requests a second, by round.
	rates []float64
	times []time.Duration // of all requests, sorted
	spent time.Duration   // by the server for all of them
}

// Load gives the works their turns and returns their results by name. Each round begins
// with another work, and before the first one each has an idle turn that does not count.
func (p Plan) Load(ctx context.Context, works ...Work) (map[string]*Result, error) {
	results := make(map[string]*Result, len(works))
	for _, w := range works {
		results[w.Name] = &Result{Name: w.Name}
		if _, err := p.turn(ctx, w, -1); err != nil {
			return nil, fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	for round := range p.Rounds {
		for i := range works {
			w := works[(round+i)%len(works)]
			before := p.Spent()
			times, err := p.turn(ctx, w, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.Name, err)
			}
			results[w.Name].spent += p.Spent() - before
			results[w.Name].add(times, p.clients(w))
		}
	}
	for _, r := range results {
		slices.Sort(r.times)
	}
	return results, nil
}

// turn loads one work for a slice, and returns how long each request took. A request is
// not broken off at the end of the slice, and each client sends at least one.
func (p Plan) turn(ctx context.Context, w Work, round int) ([]time.Duration, error) {
	n := p.clients(w)
	all := make([][]time.Duration, n)
	failures := make([]error, n)
	var clients sync.WaitGroup
	end := time.Now().Add(p.Slice)
	for c := range n {
		clients.Go(func() {
			for i := 0; i == 0 || time.Now().Before(end); i++ {
				began := time.Now()
				// Numbers that no other client and no other turn has.
				if failures[c] = w.Do(ctx, (round+1)<<24|i*n+c); failures[c] != nil {
					return
				}
				all[c] = append(all[c], time.Since(began))
			}
		})
	}
	clients.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(all...), nil
}

func (p Plan) clients(w Work) int {
	if w.Clients > 0 {
		return w.Clients
	}
	return p.Clients
}

// add counts a turn. The rate is what so many clients get done in the time that their
// requests took: the last ones reach beyond the slice.
func (r *Result) add(times []time.Duration, clients int) {
	var busy time.Duration
	for _, t := range times {
		busy += t
	}
	r.rates = append(r.rates, float64(len(times))*float64(clients)/busy.Seconds())
	r.times = append(r.times, times...)
}

// Rate is the median of the rounds, in requests a second.
func (r *Result) Rate() float64 { return median(slices.Clone(r.rates)) }

// Quantile is the time within which that share of the requests was answered.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	return r.times[min(len(r.times)-1, int(q*float64(len(r.times))))]
}

// Spent is the processor time that the server needed for one request.
func (r *Result) Spent() time.Duration { return r.spent / time.Duration(max(1, len(r.times))) }

// Over is how often r is done while other is done once: the median of the rounds, in
// each of which both had a turn.
func (r *Result) Over(other *Result) float64 {
	ratios := make([]float64, 0, len(r.rates))
	for i, rate := range r.rates {
		ratios = append(ratios, rate/other.rates[i])
	}
	return median(ratios)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
