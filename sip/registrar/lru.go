package registrar

import "container/list"

// lru is a map of bounded size that forgets what was not used for longest.
// What strangers can make grow is kept in one of these. Not safe for
// concurrent use.
type lru[K comparable, V any] struct {
	size    int
	order   *list.List // of *entry[K, V], newest in front
	entries map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, order: list.New(), entries: make(map[K]*list.Element)}
}

// get returns the value of a key, nil if there is none. It stays valid until
// the key is evicted.
func (l *lru[K, V]) get(key K) *V {
	e := l.entries[key]
	if e == nil {
		return nil
	}
	l.order.MoveToFront(e)
	return &e.Value.(*entry[K, V]).value
}

// put returns the value of a key, a new zero one if there is none. A full
// table forgets its oldest entry, which is returned too.
func (l *lru[K, V]) put(key K) (value *V, evicted *entry[K, V]) {
	if v := l.get(key); v != nil {
		return v, nil
	}
	if len(l.entries) >= l.size {
		oldest := l.order.Back()
		evicted = l.order.Remove(oldest).(*entry[K, V])
		delete(l.entries, evicted.key)
	}
	e := &entry[K, V]{key: key}
	l.entries[key] = l.order.PushFront(e)
	return &e.value, evicted
}

func (l *lru[K, V]) len() int { return len(l.entries) }
