//go:build !linux

package plane

// prefer does nothing: no engine of this system has threads of its own.
func (p *Plane) prefer() bool { return false }
