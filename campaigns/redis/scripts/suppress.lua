-- suppress puts numbers on the do-not-call list; those on it keep their entry.
-- KEYS: entries, order. ARGV: number and entry of each.
for i = 1, #ARGV, 2 do
  -- An entry that is kept is written again: whoever asks twice may not have heard that a
  -- replica has it, and waits for what this connection wrote.
  local entry = redis.call('HGET', KEYS[1], ARGV[i]) or ARGV[i + 1]
  redis.call('HSET', KEYS[1], ARGV[i], entry)
  redis.call('ZADD', KEYS[2], 0, ARGV[i])
end
return 0
