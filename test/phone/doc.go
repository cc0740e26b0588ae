// Package phone is a small SIP user agent with an RTP end, made for the far
// ends of the product: the simulated carrier, the simulated operators, and the
// tests that judge them both.
//
// It is not the product's signalling or media, and shares no line of code with
// them: parser, transactions, digest, session descriptions and G.711 tables are
// its own, so that a misreading of a standard on one side shows on the wire. It
// is no general library either: IPv4, one audio stream, G.711, RFC 4733.
//
//	datagram ─► Parse ─► transaction ─► Call ─► Done, Answered, Cancelled
//	20 ms    ─► Wheel ─► Audio ◄─ Source        (what the phone says)
//	packet   ─► Audio ─► Listen                 (what the phone hears)
//
// # Marks
//
// Every G.711 payload that a phone sends carries a mark in the lowest bit of
// its first 80 bytes, most significant bit first:
//
//	bits  0..31  stream, StreamID of the Call-ID: whose packet it is
//	bits 32..63  number, counted from 1 with each packet of the stream
//	bits 64..79  CRC-16/CCITT of the 64 bits before
//
// The lowest bit of a G.711 byte is the finest step of its quantiser, some
// 38 dB under the signal, so a marked tone is found as that tone and marked
// silence stays under any noise floor. A relay that leaves the payload alone
// keeps the mark; one that decodes, mixes or converts between the two laws
// loses it. A receiver thereby knows which packets of which far end reached it
// unaltered. A random payload is taken for a mark once in 65,536 packets, and
// then with a stream that nobody sends.
package phone
