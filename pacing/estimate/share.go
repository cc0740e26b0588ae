package estimate

// Share is a discounted share of yes among answers of yes and no.
type Share struct {
	yes, no float64
	keep    float64
}

// NewShare starts with so many of each and remembers about memory answers.
func NewShare(yes, no, memory float64) Share {
	return Share{yes: yes, no: no, keep: 1 - 1/memory}
}

// Observe books one answer.
func (s *Share) Observe(yes bool) {
	s.yes *= s.keep
	s.no *= s.keep
	if yes {
		s.yes++
	} else {
		s.no++
	}
}

// Value is the share, in [0, 1].
func (s *Share) Value() float64 { return s.yes / (s.yes + s.no) }

// Mean is a discounted mean.
type Mean struct {
	value, count, memory float64
}

// NewMean starts at value with the weight of five observations and remembers
// about memory of them.
func NewMean(value, memory float64) Mean { return Mean{value: value, count: 5, memory: memory} }

// Observe books one value.
func (m *Mean) Observe(x float64) {
	if m.count < m.memory {
		m.count++
	}
	m.value += (x - m.value) / m.count
}

// Value is the mean, in the unit of what was observed.
func (m *Mean) Value() float64 { return m.value }
