package leadfile

import "hash/maphash"

// remembered is for how many rows of a file a lead is at least remembered, to know one that
// comes again. One that comes again later is the store's to see, which has it already.
const remembered = 250_000

// repeats knows which leads a file had. It takes no more memory however long the file is:
// of two sets the older one goes when the younger one is full.
//
// A lead is known by a hash of 64 bits. That one of a list of ten million is taken for
// another happens in one of 3.7 million such lists: 10^7 * 2 * remembered / 2^64.
type repeats struct {
	seed       maphash.Seed
	young, old hashes
}

func newRepeats() *repeats { return &repeats{seed: maphash.MakeSeed()} }

// again says whether there was a lead of this number and external id, and remembers it.
func (r *repeats) again(lead string) bool {
	key := max(1, maphash.String(r.seed, lead))
	if r.young.has(key) {
		return true
	}
	if r.young.count == remembered {
		r.old, r.young = r.young, r.old
		clear(r.young.slots)
		r.young.count = 0
	}
	r.young.add(key)
	return r.old.has(key)
}

// hashes is a set, 8 to 32 bytes for each: a map takes up to 64. 0 is none of them.
type hashes struct {
	slots []uint64 // a power of two, at most half of them used
	count int
}

// place is where a key is, or would be. There is a free slot.
func (h *hashes) place(key uint64) *uint64 {
	last := uint64(len(h.slots) - 1)
	for i := key & last; ; i = (i + 1) & last {
		if at := &h.slots[i]; *at == key || *at == 0 {
			return at
		}
	}
}

func (h *hashes) has(key uint64) bool { return h.count > 0 && *h.place(key) == key }

// add adds a key that is not there.
func (h *hashes) add(key uint64) {
	if 2*h.count >= len(h.slots) {
		before := h.slots
		h.slots = make([]uint64, max(1<<10, 2*len(before)))
		for _, known := range before {
			if known != 0 {
				*h.place(known) = known
			}
		}
	}
	*h.place(key) = key
	h.count++
}
