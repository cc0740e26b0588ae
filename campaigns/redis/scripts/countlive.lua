-- countlive books what a run has counted since it began.
-- KEYS: the book. ARGV: run, book that the run has seen, quarter, live, abandoned.
-- Returns {book, version, live, abandoned} of all runs, or {} where there is no book.
local kept = redis.call('HMGET', KEYS[1], 'book', 'version', 'live', 'abandoned', 'run:' .. ARGV[1])
if not kept[1] then
  return {}
end
local live, abandoned = (kept[5] or '0 0'):match('^(%-?%d+) (%-?%d+)$')
local more, lost = ARGV[4] - live, ARGV[5] - abandoned
if more ~= 0 or lost ~= 0 then
  redis.call('HSET', KEYS[1], 'run:' .. ARGV[1], ARGV[4] .. ' ' .. ARGV[5])
  if kept[1] == ARGV[2] then -- else the base of a younger book has it
    kept[2] = redis.call('HINCRBY', KEYS[1], 'version', 1)
    kept[3] = redis.call('HINCRBY', KEYS[1], 'live', string.format('%.0f', more))
    kept[4] = redis.call('HINCRBY', KEYS[1], 'abandoned', string.format('%.0f', lost))
    redis.call('HINCRBY', KEYS[1], 'l' .. ARGV[3], string.format('%.0f', more))
    redis.call('HINCRBY', KEYS[1], 'a' .. ARGV[3], string.format('%.0f', lost))
  end
end
return {kept[1], tostring(kept[2]), tostring(kept[3]), tostring(kept[4])}
