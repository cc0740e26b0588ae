-- counts says how full queues are.
-- KEYS: ready and waiting of each queue. ARGV: the moment after now, 8 bytes.
-- Returns for each: ready, due but not promoted yet, later, time of the first later one.
local out = {}
for i = 1, #KEYS, 2 do
  local due = redis.call('ZLEXCOUNT', KEYS[i + 1], '-', '(' .. ARGV[1])
  local first = redis.call('ZRANGEBYLEX', KEYS[i + 1], '[' .. ARGV[1], '+', 'LIMIT', 0, 1)
  out[#out + 1] = redis.call('ZCARD', KEYS[i])
  out[#out + 1] = due
  out[#out + 1] = redis.call('ZCARD', KEYS[i + 1]) - due
  out[#out + 1] = first[1] and first[1]:sub(1, 8) or ''
end
return out
