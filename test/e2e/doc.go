// Package e2e plays whole calls: the built binary, real SIP, real RTP, real
// peers. It is tests only, and it judges from the outside: through the public
// API, the private metrics, and what the peers saw on the wire.
//
//	demo_test         every figure of the demo's result, worked out again from the far ends' journal
//	sipp_test         sipp as the carrier, one scenario a row
//	baresip_test      baresip as operators who register, answer by themselves and record
//	interop_*         programs of others (make interop): Kamailio before the trunk and before the phones, Linphone as operators
//	console_test      an operator and a manager at the built pages, in a browser
//	phone_alone_test  an operator with nothing but a phone and its keys
//	saidmachine_test  an operator hears a machine that nobody detects, and its message is left
//	wire_test         recordings over RTP: verdicts beside those on the file, dead air, messages on machines
//
// Tools that are missing skip their test, or fail it where
// OUTPACE_REQUIRE_TOOLS=1.
package e2e
