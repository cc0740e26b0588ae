-- words gives the numbers of words that stand in lead records.
-- KEYS: the dictionary. ARGV: words. A new word gets the next number.
local out = {}
for i, word in ipairs(ARGV) do
  local n = redis.call('HGET', KEYS[1], word)
  if not n then
    n = redis.call('HLEN', KEYS[1]) + 1
    redis.call('HSET', KEYS[1], word, n)
  end
  out[i] = tonumber(n)
end
return out
