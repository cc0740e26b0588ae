// Package load says what calls cost, and that they leave nothing behind. The product
// runs in a process of its own, so that its processor time and its memory are nobody
// else's; the carrier is sipp. Nothing here judges by the clock: what is timed is a
// benchmark (`make bench`), with a plain program that does as little as possible beside
// it in the same run, so that the ratio holds on a machine that others use as well.
//
//	orders ─► product ─ SIP ─► sipp
//	figures ◄─┘ (rusage, runtime.MemStats, /proc, its own /metrics)
//
// Calls are placed by the real engine, stores and rooms. Only how many are in flight is
// ordered from outside: the real pacing is asked each time, and its answer replaced, so
// that no operators are needed whose open lines would cost more than the calls.
//
// OUTPACE_LOAD_PROFILE=FILE writes a processor profile of the measured calls, and to
// FILE.allocs what was allocated.
package load
