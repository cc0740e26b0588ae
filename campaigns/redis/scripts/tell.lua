-- tell keeps an event in the outbox of this slot where an endpoint wants its type. The
-- outbox is emptied every few seconds; its bound is for when nobody does.
local function tell(wanted, outbox, kind, event)
  local types = redis.call('GET', wanted)
  if types and (types == '*' or string.find(types, ' ' .. kind .. ' ', 1, true)) then
    redis.call('XADD', outbox, 'MAXLEN', '~', 50000, '*', 'event', event)
  end
end
