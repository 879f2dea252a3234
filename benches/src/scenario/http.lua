-- What wrk does for the scenario `http`: asks for all pages in turn, and says what it counted in a line of JSON.

function init(args)
  pages, asked, requests = tonumber(args[1]), 0, {}
  wrk.headers["Accept-Encoding"] = "gzip"
  for page = 0, pages - 1 do
    requests[page] = wrk.format("GET", "/" .. page)
  end
end

function request()
  asked = asked + 1
  return requests[asked % pages]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('{"requests":%d,"micros":%d,"p99_micros":%d,"failed":%d}',
    summary.requests, summary.duration, latency:percentile(99), failed))
end
