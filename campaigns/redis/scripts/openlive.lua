-- openlive opens the book of live answers of a campaign.
-- KEYS: the book, the shares of its budget. ARGV: node that asks, a new book's name,
-- 'base' or ''; then quarter, live and abandoned of each count of the base.
-- Returns {'first'} where a base is wanted, else everything in the book.
local others = redis.call('HLEN', KEYS[2]) - redis.call('HEXISTS', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 or others == 0 then
  if ARGV[3] ~= 'base' then
    return {'first'}
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'book', ARGV[2], 'version', '1', 'live', '0', 'abandoned', '0')
  for i = 4, #ARGV, 3 do
    redis.call('HSET', KEYS[1], 'l' .. ARGV[i], ARGV[i + 1], 'a' .. ARGV[i], ARGV[i + 2])
  end
end
return redis.call('HGETALL', KEYS[1])
