package imports

import (
	"cmp"
	"maps"
	"slices"

	"upi/random"
)

// whole is a split of all images within the limit.
func (s *set) whole(name string, o Options) split {
	return split{name: name, set: s, places: s.draw(o)}
}

// undivided is a split of all images within the limit that is written on demand; where images must be read in order, it leaves them so.
func (s *set) undivided(o Options) split {
	all := split{name: "all", set: s, places: s.draw(o), onDemand: true}
	if !s.anyOrder {
		slices.Sort(all.places)
	}
	return all
}

// halves are the splits fit and test of the images within the limit. Of each class the images go to the two in turn as they are
// drawn, so both have it in the same proportion. Of classes with an odd number of images, in the order of their labels, the first has
// one more in fit, the second in test, and so on.
func (s *set) halves(o Options) []split {
	drawn := s.draw(o)
	fit, test := split{name: "fit", set: s}, split{name: "test", set: s}
	if s.labels == nil || o.KeepOrder {
		n := len(drawn) / 2
		fit.places, test.places = drawn[:n], drawn[n:]
		return []split{fit, test}
	}
	count := map[int64]int{}
	for _, place := range drawn {
		count[s.labels[place]]++
	}
	turn := map[int64]int{} // even: the next one of the class goes to fit
	odd := 0
	for _, label := range slices.Sorted(maps.Keys(count)) {
		if count[label]%2 == 1 {
			turn[label] = odd
			odd++
		}
	}
	for _, place := range drawn {
		label := s.labels[place]
		if turn[label]%2 == 0 {
			fit.places = append(fit.places, place)
		} else {
			test.places = append(test.places, place)
		}
		turn[label]++
	}
	return []split{fit, test}
}

// draw is the order of the images up to the limit: as they lie, or drawn so that every beginning of it holds each class in about its
// proportion. For that the images of a class are brought into an order of their own, and the k-th of n of them (from 0) comes at
// (k + u) / n of the way. Order and u in [0, 1) are random numbers keyed by the seed and the image's place in the set.
func (s *set) draw(o Options) []int64 {
	n := s.total
	if o.Limit > 0 {
		n = min(n, o.Limit)
	}
	if s.labels == nil || o.KeepOrder {
		places := make([]int64, n)
		for i := range places {
			places[i] = int64(i)
		}
		return places
	}
	type ticket struct {
		place     int64
		order, at float64
		u         float64
	}
	perClass := map[int64][]ticket{}
	for place, label := range s.labels {
		r := random.New(o.Seed, "import", int64(place), 0)
		perClass[label] = append(perClass[label], ticket{place: int64(place), order: r.Float64(), u: r.Float64()})
	}
	all := make([]ticket, 0, s.total)
	for _, class := range perClass {
		slices.SortFunc(class, func(a, b ticket) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.place, b.place)) })
		for k, t := range class {
			t.at = (float64(k) + t.u) / float64(len(class))
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b ticket) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.place, b.place)) })
	places := make([]int64, n)
	for i := range places {
		places[i] = all[i].place
	}
	return places
}
