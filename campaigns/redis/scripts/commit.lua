-- commit makes one change where everything it was worked out from still holds.
-- ARGV: number of checks; key, field ('' for a string key) and value ('' for
-- none) of each; then commands, each after the number of its words.
-- Returns 0, or which check failed.
local at = 2
for i = 1, tonumber(ARGV[1]) do
  local have
  if ARGV[at + 1] == '' then
    have = redis.call('GET', ARGV[at])
  else
    have = redis.call('HGET', ARGV[at], ARGV[at + 1])
  end
  if (have or '') ~= ARGV[at + 2] then
    return i
  end
  at = at + 3
end
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return 0
