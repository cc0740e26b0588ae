-- reserve locks a number for an attempt that is about to begin.
-- KEYS: the number, the do-not-call list. ARGV: number, attempt, lead, what is
-- kept of the attempt, 'caller' for one of somebody who called us: those lock the
-- number for calls of ours, are not kept out by it, and may be several.
-- Returns {'ok'}, {'locked', attempt, lead, milliseconds since it was locked}
-- or {'suppressed', its entry}.
local lock = redis.call('HGET', KEYS[1], 'lock')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[5] == 'caller' then
  redis.call('HSET', KEYS[1], 'in:' .. ARGV[2], ARGV[3] .. '\31' .. string.format('%.0f', now), ARGV[2], ARGV[4])
  return {'ok'}
end
if lock then
  local attempt, lead, since = lock:match('^(.*)\31(.*)\31(.*)$')
  if attempt ~= ARGV[2] then
    return {'locked', attempt, lead, now - tonumber(since)}
  end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field:sub(1, 3) == 'in:' then
    local lead, since = redis.call('HGET', KEYS[1], field):match('^(.*)\31(.*)$')
    return {'locked', field:sub(4), lead, now - tonumber(since)}
  end
end
local entry = redis.call('HGET', KEYS[2], ARGV[1])
if entry then
  return {'suppressed', entry}
end
redis.call('HSET', KEYS[1], 'lock', ARGV[2] .. '\31' .. ARGV[3] .. '\31' .. string.format('%.0f', now), ARGV[2], ARGV[4])
return {'ok'}
