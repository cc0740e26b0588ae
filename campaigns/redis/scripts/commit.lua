-- commit makes one change where everything it was worked out from still holds.
-- ARGV: number of checks; key, field ('' for a string key) and value ('' for
-- none) of each; then commands, each after the number of its words. The command TELL
-- keeps an event (types that are wanted, outbox, type, event) where somebody wants it.
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
  if ARGV[at + 1] == 'TELL' then
    tell(ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
  else
    redis.call(unpack(ARGV, at + 1, at + words))
  end
  at = at + words + 1
end
return 0
