-- unlock frees a number of an attempt and keeps how it ended.
-- KEYS: the number. ARGV: attempt, what is kept of it ('' for nothing).
local lock = redis.call('HGET', KEYS[1], 'lock')
if lock and lock:sub(1, #ARGV[1] + 1) == ARGV[1] .. '\31' then
  redis.call('HDEL', KEYS[1], 'lock')
end
redis.call('HDEL', KEYS[1], 'in:' .. ARGV[1])
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 0
