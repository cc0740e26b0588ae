-- suppress puts numbers on the do-not-call list; those on it keep their entry.
-- KEYS: entries, order, types that are wanted, outbox. ARGV: number, entry and event of each.
for i = 1, #ARGV, 3 do
  -- An entry that is kept is written again: whoever asks twice may not have heard that a
  -- replica has it, and waits for what this connection wrote.
  local entry = redis.call('HGET', KEYS[1], ARGV[i])
  if not entry then
    entry = ARGV[i + 1]
    tell(KEYS[3], KEYS[4], 'dnc.added', ARGV[i + 2])
  end
  redis.call('HSET', KEYS[1], ARGV[i], entry)
  redis.call('ZADD', KEYS[2], 0, ARGV[i])
end
return 0
