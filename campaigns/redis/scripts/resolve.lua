-- resolve says what became of an attempt. One that never began is made void, so
-- that whoever is still about to begin it cannot.
-- KEYS: the attempt. ARGV: how many milliseconds the void is kept.
local body = redis.call('GET', KEYS[1])
if not body then
  redis.call('SET', KEYS[1], 'void', 'PX', ARGV[1])
  return 'void'
end
return body
