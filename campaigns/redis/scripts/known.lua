-- known says what there is about numbers.
-- KEYS: do-not-call. ARGV: what the key of a number begins with; the numbers.
-- Returns a digit for each: 1 where it was ever called, plus 2 where it is on do-not-call.
local found = {}
for i = 2, #ARGV do
  found[#found + 1] = redis.call('EXISTS', ARGV[1] .. ARGV[i]) + 2 * redis.call('HEXISTS', KEYS[1], ARGV[i])
end
return table.concat(found)
