// Package security attacks the whole product from outside, on loopback, while people
// talk: the binary itself, as a process of its own. What can be attacked in one room
// is attacked there, under the same numbers.
//
// The numbers are those of the list of security tests that the project is held to.
// What concerns SIP, RTP, the secrets of trunks and uploads, with the figures of the full size:
//
//	S-1   test/security  TestAttacks/S01OpenRelay      10,200 INVITEs by UDP, TCP and TLS at both agents: 0 at the carrier, no media
//	      sip/registrar  TestS01OpenRelay...           100 answers, then silence; memory and goroutines flat
//	S-2   test/security  TestAttacks/S02StolenPhone    a registered phone dials 10 numbers: 403 each, 0 at the carrier
//	      sip/registrar  TestS02PhonesReachOnlyTheirLeg, sip/trunk TestS02NobodyCallsIn
//	S-3   sip/registrar  TestS03...                    OPTIONS of strangers: silence; answers alike to the byte; medians within 1 ms over 10,000
//	S-4   sip/registrar  TestS04...                    10,000 guesses from one address: 5 digests; 500 addresses at one account: 1 try a second, its owner works on
//	S-5   sip/registrar  TestS05...                    replays after 1 s and 31 s, from elsewhere, with another URI or method: 0 taken
//	S-6   test/security  TestS06Flood                  20,000 requests a second for 60 s from one source, and from 10,000, beside 100 talks: none ends
//	      sip/registrar  TestS06...                    tables bounded; all strangers together 1,000 messages a second
//	S-7   sip/registrar  TestS07Flood                  101 messages in 2 s: blocked for 5 minutes; offices: TestOffice...
//	S-8   sip            TestS08Torture                RFC 4475, 50 messages by UDP, TCP and byte by byte, with a table of answers
//	      sip, media/sdp TestS08TortureIPv6, TestS08DescriptionsIPv6   as RFC 5118 has them: 12 messages, 3 descriptions
//	S-9   make fuzz      Fuzz...                       every parser, 10 minutes each (TIME=)
//	S-10  sip            TestS10HeaderInjection        200 strings in 6 places: 0 headers more; FuzzInvite
//	S-11  media/sdp      TestS11Descriptions           44 descriptions: none gives an address to send to
//	S-12  sip            TestS12MalformedGrid          25 headers with 180 mutations: 4,500 messages, an answer after each, a call after every 50; whole in 0.7 s, 90 calls
//	S-13  test/security  TestAttacks/S13Bleed          a packet to each of 10,000 ports, 20 times over: 0 packets back
//	      media/rtp      TestS13Bleed
//	S-14  media/rtp      TestS14Injection              right port, SSRC and sequence, wrong source: dropped and counted
//	S-15  media/rtp      TestS15PortGuessing           1,000 ports: chi-square p > 0.01, none again within a minute
//	S-16  sip            TestS16SpoofedByeAndCancel    481, and the call stays
//	S-17  sip/registrar  TestS17SIPOverWS              no page of another site connects
//	S-19  dialer/api     TestS19...                    2 GB, 10^6 columns, 1 line of 1 GB, NULs, UTF-16, zip and gzip: refused with the line, no more of it read, less than 64 MB
//	      campaigns/leadfile TestS19...                and what is written of a file is told; workbooks that unpack to a thousand times their length
//	S-22  test/e2e       TestS22Masking                1,000 marked numbers: none in what six roles read, events, webhooks, log, metrics, names of files, a dump
//	S-33  config         TestS33Secrets                files that everybody can read, the example's password: serve does not begin
//	S-36  test/security  TestS36IdleSockets            10,000 sockets with a request that never ends: 1,000 of an address, 2,500 in all, less than 100 MB, others served
//	      dialer/app     TestS36...                    a header within 5 s, in the handshake too
//	      dialer/door    TestS36LongestQuietGoes       of 2,500 quiet ones the longest goes, of the address that has the most
//	S-37  sip            TestS37TLS, TestCarrierMustBeWhoItIs; srtp needs tls: sip/trunk, TestValidateNamesTheKey
//	F-12  sip/trunk      TestF12, TestF12NoDoubleRing
//
// S-6 at full size, on two cores that others used as well, in folders of memory
// (TMPDIR=/dev/shm OUTPACE_SECURITY=1 go test -run TestS06Flood/OneSource, then /ManySources): 20,000 and 19,800 messages a second were
// sent, of which 99.8 % and 91 % came to the product; none of 100 talks ended, 10 of
// 397,730 and of 339,784 packets of audio were lost; a refused message took the product
// 4 to 5 µs, and all of it less than a third of a core; memory grew by 1 and 12 MiB;
// unknown phones were answered 1 ms and 1.2 s after the flood. That the audio comes no
// more than 20 ms later it did not show there: processes, the sender too, stood still for
// up to 4 s, and before the flood 1 of 100 packets was late by 316 ms already.
//
// `make security` runs all of them in full size (OUTPACE_SECURITY=1, some minutes);
// `make test` runs them smaller.
package security
