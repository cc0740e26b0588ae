// Package redis keeps leads, queues and attempts in Redis 7: the store for several
// machines. Any number of processes may open it at a time; there is no leader. It
// implements campaigns.Store and campaigns.Records with the same guarantees as
// campaigns/sqlite, on one server or on Redis Cluster. It is no cache: Redis must
// be set up to keep what it acknowledged, and Open refuses it where it is not.
//
//	Begin, End, ... ─► read leads and plans ─► work out the change in Go ─► commit.lua: unchanged? then write
//	                        ▲                                                  │
//	                        └──────────────── somebody was quicker ◄───────────┘
//
//	Claim ─► peek.lua (each shard shows its best) ─► take.lua (held, fence, out of the queue)
//
// # What is kept
//
// The part of a key in braces decides the slot of Cluster; what shares it can be
// changed in one step. "ns" is the namespace, by default "outpace". Leads are
// spread over shards 0..n-1 by id, names and numbers over as many by hash; n is
// decided when the store is new (WithShards).
//
//	{ns:g}         once for the store
//	  layout           hash    version of this table, number of shards
//	  lead             string  the last lead id
//	  campaigns        hash    campaign → JSON
//	  generation       string  rises when lists or segments of a campaign change
//	  rebuilds         hash    campaign → page that its rebuild has come to
//	  lists, users, tokens, learnt   hashes → JSON or bytes
//	  audit            stream  never cut
//	  pacing_logs      set     campaigns that have a pacing log
//	  nodes            hash    node → term, end of its lease by the clock of Redis, home, about, for whom, URL, renewals
//	  duties           hash    operator → node, its term, number of what it said, on or off
//	  endpoints        hash    who is told over HTTP what happened → JSON
//	  show:NODE        string  what a node does now, for the live pages of all; it expires
//	  limits           set     limits that nodes share
//	  book:C           hash    live answers and abandoned calls of campaign C as the nodes count them
//	  share:LIMIT      hash    node → term, what counts of it, what it needs
//	{ns:p:C}       hash    the pacing log of campaign C: run, place and times of a chunk → gzip
//
//	{ns:w:E}       what endpoint E was told or is to be told: see scripts/delivery.lua
//
//	In the slots of general data, leads and names, where events are made:
//	  wanted           string  types of events that an endpoint wants
//	  outbox           stream  events that are not at the endpoints yet
//
//	{ns:lN}        the leads of shard N, and all that changes with them
//	  p:PAGE           hash    32 leads: place in the page → packed record (lead and its places in campaigns)
//	  held             hash    lead → who has it: claimed or calling, fence, end of lease, node, queue, attempt
//	  callers          hash    lead → open attempts of people who called us: attempt and node of each
//	  fence            string  the last fence given
//	  r:QUEUE          zset    ready entries; score is minus the priority, members sort by due time, then lead
//	  w:QUEUE          zset    waiting entries; members sort by due time
//	                           QUEUE is campaign:segment:window, and where it is one "new" or "operator U"
//	  queues:C         set     queues of campaign C that ever held a lead here
//	  words            hash    word → number, for words that stand in records
//	  generation       string  the generation by which leads are placed here
//	  lists            hash    list → how many of its leads are here
//	  attempt:A        string  JSON of attempt A; "void" where it must never begin
//	  dialog:A         string  its dialog while it is open
//	  calls:LEAD       hash    attempts of a lead → when begun, whether it counts, outcome
//	  attempts         zset    attempt ids in order
//	  operator:U       zset    those that an operator took
//	  times:C, live:C  zsets   attempts and live answers of a campaign, in the order they began
//	  outcomes         stream  each ending; a feed of the last week, the attempts are the record
//	  unsettled        hash    attempts that ended, but whose number may not know it yet
//	  deleted          hash    attempts that are deleted, but whose number and name may not know it yet
//
//	{ns:nN}        the names of shard N
//	  c:NUMBER         hash    lock (attempt, lead, since), in:A of somebody who called (lead, since), and the attempts on the number
//	  suppressed       hash    do-not-call: number → JSON
//	  suppressed:order zset    the same numbers in order
//	  i:PATH           hash    index: digest of a number, identity or attempt id → leads
//
// A lead costs a packed value of some 100 bytes in a page, an entry of a sorted set
// for each campaign, and its names in the index; see TestBytesPerLead.
//
// # Steps that span slots
//
// A lead, its places, who holds it and its attempts change in one step, because
// they share a slot: claims, fences, Begin, End and Dispose are atomic there. A
// number may be that of several leads, so its lock, do-not-call and caps lie
// elsewhere, and what needs both is a sequence. Each is in an order in which it may
// stop anywhere:
//
//   - Begin locks the number and counts the attempt there (in one step with
//     do-not-call), then reads the caps, then writes the attempt where the claim's
//     fence still holds. Only the last is the beginning. Two that begin for one
//     person at a time have both counted before either reads, so at most one
//     passes; perhaps neither, which only costs time. A lock whose attempt never
//     began is freed by the next who wants the number: it first makes the attempt
//     void in the lead's slot, so that its Begin, should it only have slept, fails.
//     How long one waits for that (10 s, by the clock of Redis) is politeness;
//     nothing depends on it.
//   - End first does what only forbids calls (bad number at other leads,
//     do-not-call), then ends the attempt, which also notes that the number is to be
//     told, then tells it. Stopped before the end, the attempt is open and is
//     settled; stopped after, Open, Reclaim and whoever wants the number finish it.
//     Until then the number is locked and the attempt counts: too much, never too
//     little.
//   - Dispose writes do-not-call first, for the same reason.
//   - AddLeads gives a lead an id under its identity, then its numbers in the index,
//     then its record. The index may name a lead too much, so readers look at the
//     lead; an identity without a lead is completed by the next import.
//   - SaveCampaign writes the campaign with a new generation and a rebuild cursor,
//     then tells each shard, then goes through the leads. A place is written only
//     under the generation of its shard, so no node places leads by rules that are
//     over. Those it has not come to are looked at once more when they are claimed.
//     Stopped in between, another node, the next change or Open goes on.
//   - Deletion takes an attempt out of its lead's slot with a note of its number, then
//     its trace off the number and its id out of the index, then the note; a lead goes
//     out of its slot, then out of the index.
//   - Unsuppress writes the audit log first.
//
// A page record and the dictionary of its words share a slot, so that a master that
// takes over never has one without the other.
//
// # Time
//
// Callers pass the time, as for every store; between nodes it must be the same, so
// Open refuses a server whose clock is more than 2 s from ours. What the store
// decides by itself, it decides by the clock of Redis.
//
// # What a setting can promise
//
//	appendfsync         kill -9        power loss        disk full                      failover
//	always              nothing        nothing (1)       the server ends itself         as below
//	everysec            up to 2 s (2)  up to 2 s         refuses writes, stays up       as below
//	no, appendonly no   nothing / all since a snapshot: refused by Open (AcceptWeakerSettings)
//
// The columns say what acknowledged writes may be lost. (1) As far as the disk
// keeps what it flushed; kernel crashes and power cannot be tested here. (2) Nothing
// where the disk is quick. While a flush is under way Redis answers before it writes,
// and a flush that takes long was seen to cost 8 attempts of 330 in 25 kills
// (TestRedisDies of test/fault, on a disk that others kept busy).
//
// A write that was lost is a claim, a begin or an end that did not happen. Where a
// begin is lost after its INVITE, the lead may be dialled again: at everysec without
// a replica that is possible when Redis or its machine dies. appendfsync always closes
// this window, a replica narrows it.
//
// Failover: Redis replicates asynchronously. Where a replica is connected, Begin
// waits until one has the lock of the number and the attempt (WAIT 1), for half a
// second, and else gives ErrNotReplicated, so that no INVITE leaves; End, Dispose and
// Suppress wait for what they wrote and may be asked again. Other writes do not wait:
// a claim that is lost is given again, and its fence and node let only one begin. WAIT
// narrows the window and does not close it: a replica that has the attempt may lose
// the election to one that has not. With one replica and one failure no loss has
// been seen (TestMasterOfAClusterDies); that is not a proof. A master that had a replica
// and has none any more is one that was cut off, for all that anybody on its side can
// tell: Begin gives ErrNotReplicated for a minute after it was first missed (or until
// it is back), so that whoever was cut off together with an old master does not dial
// what others dial by the new one. After this minute the master is taken to be alone,
// and so it is by a process that was started when the replica was gone. Set
// min-replicas-to-write 1 and min-replicas-max-lag 5 where there are two replicas:
// then such a master takes no writes for as long as it is cut off. With one replica
// this would stop the new master too, until the old one is back.
// Shards fail over one by one, so general data may be older than that of a shard:
// generations that are ahead pull the other up.
//
// Redis gone: every call gives ErrUnavailable at the end of its context, after 5 s
// (WithTimeout), or at once where the connection is refused. Whether it was done is
// not known then, and doing it again is safe. Memory full counts the same
// (noeviction refuses writes).
//
// # Nodes
//
// Several processes share a store as nodes (campaigns.Nodes). All of it is in the slot
// of general data, and each step is one script there, by the clock of Redis:
//
//   - A node has its name by a lease of some seconds under a random term. Its process
//     stops placing calls by its own clock before the lease is over; from then on its
//     claims may go back, and when it has been gone for long another node takes the
//     name, settles what is open under it and leaves. Who sleeps meanwhile finds its
//     fences overtaken, its term over and its attempts ended: it places nothing.
//   - Limits of a carrier are shared out with each renewal. What counts of a node is
//     the most that it may believe to have, so what is counted never exceeds the
//     limit. Calls a second end with the lease; channels count until the node leaves
//     or is settled.
//   - The credit of a campaign is shared out in the same way, from a book of live
//     answers in which every node counts as they happen. A part is only changed on the
//     basis of the newest version of the book.
//   - An operator is on duty at one node at a time. A duty counts while the lease of
//     the term runs in which it began: nothing need be taken back from the dead.
//
// A failover may lose the last renewals. Then a part that was raised in them is counted
// too low for one renewal, some second; leases are only shorter than they were. Who
// signed in then may sign in to a second node.
//
// # What costs
//
// A lead without custom fields takes 270 bytes (TestBytesPerLead), an attempt that
// has ended 1.4 kB for as long as it is kept, by default for ever: a million calls
// want 1.4 GB. A call (claim, begin, end) takes half a millisecond of
// the server's one thread. By `make bench`, on two cores that others used as well: a
// claim of 100 took 48 µs a lead at 10 thousand leads, 47 at 100 thousand, 30 at a
// million; 281, 292 and 280 bytes a lead; 10 million were not measured. An import
// writes some 8,000 leads a second, and 2,400 while anybody dials, in chunks so small
// that a claim does not notice: their 99th percentile was 3.4 ms beside one and 3.3
// without, by slices that took turns for 80 s (BenchmarkImportBeside), at a priority
// above what else the machine did and with the files in memory; with twice the chunks,
// 3,500 leads a second, it was 39 to 51 % higher.
//
// What nodes show each other costs little. By TestLoad, for 20 nodes with fifty
// operators each: what they show of themselves is 10 commands a second (4 kB each,
// 0.07 ms of the server), and while somebody has a live page open on every one of them,
// reading it is 20 scripts a second of 22 commands, 0.2 ms each: 0.5 % of the server's
// thread in all. What is shown goes through the append-only file: 40 kB a second.
//
// Scripts use keys of their slot that they do not declare (pages of the index), so
// a proxy that routes by declared keys will not do. Tally reads an index entry for
// each attempt of its time, Attempts by outcome alone and FindLeads by text read
// everything, some hundred at a time.
package redis
