// Signing, sending, judging, waiting.
#include "s3/client.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <thread>

#include "s3/digest.h"
#include "s3/retry.h"
#include "s3/text.h"

namespace trainhost::s3 {


namespace {

constexpr double kLongestAskedFor = 30;  // seconds

int64_t unix_seconds() { return std::time(nullptr); }

int64_t monotonic_ns() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::uint64_t random_number() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

double asked_for(const HttpResponse& response) {
  const std::string text = response.header("retry-after");
  const bool is_seconds = !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string::npos;
  return is_seconds ? std::min(std::stod(text), kLongestAskedFor) : 0;
}

}  // namespace

Client::Client(Location location, ClientOptions options, Environment environment, const Host& host)
    : location_(std::move(location)),
      options_(std::move(options)),
      environment_(std::move(environment)),
      host_(host),
      transport_(options_.max_connections),
      credentials_([this] { return find_credentials(transport_, environment_, [this] { return is_unwanted(); }); }, unix_seconds) {}

int64_t Client::now() const { return unix_seconds() + clock_offset_; }

HttpResponse Client::send(const Call& call) {
  bool was_mended = false;
  const unsigned tries = call.tries ? call.tries : options_.tries;
  for (unsigned number = 1;; ++number) {
    throw_if_unwanted(call);
    const Credentials keys = credentials_.get();
    HttpResponse response = send_once(call, keys);
    if (response.problem == HttpResponse::Problem::kUnwanted) throw_if_unwanted(call);
    const std::string complaint = response.is_good() && call.complaint ? call.complaint(response) : std::string();
    if (response.is_good() && complaint.empty()) return response;
    if (!was_mended && mend(response, keys)) {
      was_mended = true;
      continue;
    }
    const bool is_final = !is_transient(response) && complaint.empty();
    if (is_final && std::find(call.expected.begin(), call.expected.end(), response.status) != call.expected.end()) return response;
    if (is_final || number >= tries) {
      if (complaint.empty()) throw failure(about(call), response);
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: {}, {} times", name_of(call), complaint, number));
    }
    host_.log_debug("{}; try {} of {} follows", complaint.empty() ? failure(about(call), response).message : name_of(call) + ": " + complaint, number + 1,
                    tries);
    wait(call, number, response);
  }
}

HttpResponse Client::send_once(const Call& call, const Credentials& keys) {
  HttpResponse response = transport_.send(sign(call, keys), [&] { return is_unwanted(call); });
  // A store may say 200 first and find out later, as with CompleteMultipartUpload.
  if (response.is_good() && call.sink.empty() && read_error(response.body)) response.status = 500;
  return response;
}

HttpRequest Client::sign(const Call& call, const Credentials& keys) const {
  // TLS protects the payload already, and hashing costs more than sending on a fast network.
  const std::string hash = location_.is_tls() ? std::string(kUnsignedPayload) : hex(sha256(call.body));
  const UnsignedRequest unsigned_request{call.method, location_.host(), location_.path(call.bucket_key), call.query, call.headers};
  const std::string query = query_text(call.query);
  HttpRequest request{call.method, location_.origin() + unsigned_request.path + (query.empty() ? "" : "?") + query};
  request.headers = signed_headers(unsigned_request, hash, keys, location_.region(), now());
  request.body = call.body;
  request.sink = call.sink;
  request.stall_seconds = options_.timeout_seconds;
  request.connect_seconds = std::min(request.connect_seconds, options_.timeout_seconds);
  return request;
}

bool Client::mend(const HttpResponse& response, const Credentials& keys) {
  if (response.problem != HttpResponse::Problem::kNone || response.status < 400) return false;
  const std::string code = error_code(response);
  if (code == "ExpiredToken" || code == "ExpiredTokenException" || code == "InvalidToken") return credentials_.replace(keys);
  // The answer to HEAD has no body, so each of these may be behind it.
  const bool is_silent = response.body.empty() && (response.status == 400 || response.status == 403);
  if (is_silent && !keys.session_token.empty() && credentials_.replace(keys)) return true;
  const int64_t theirs = parse_date(response.header("date")), offset = theirs - unix_seconds();
  const bool is_skewed = code == "RequestTimeTooSkewed" || (is_silent && std::abs(offset - clock_offset_) > 600);
  if (!is_skewed || theirs == 0) return false;
  clock_offset_ = offset;
  host_.log_warning("this machine's clock is {} s {} that of {}; signing by theirs", std::abs(offset), offset > 0 ? "behind" : "ahead of", location_.origin());
  return true;
}

Failure Client::about(const Call& call) const {
  return {location_.name(call.bucket_key), call.method, location_.origin(), location_.region(), credentials_.source(), options_.wording};
}

bool Client::is_unwanted() const {
  const int64_t deadline = host_.deadline_ns();
  return host_.is_cancelled() || (deadline != 0 && monotonic_ns() > deadline);
}

void Client::throw_if_unwanted(const Call& call) const {
  if (host_.is_cancelled()) throw PluginError(TRAINHOST_CANCELLED, format("{}: cancelled by the host", name_of(call)));
  if (call.is_unwanted && call.is_unwanted()) throw PluginError(TRAINHOST_CANCELLED, format("{}: no longer wanted", name_of(call)));
  if (is_unwanted()) throw PluginError(TRAINHOST_DEADLINE_EXCEEDED, format("{}: not done by the deadline", name_of(call)));
}

void Client::wait(const Call& call, unsigned number, const HttpResponse& response) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(asked_for(response) + jittered_wait(number, random_number()));
  while (std::chrono::steady_clock::now() < until) {
    throw_if_unwanted(call);
    std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(until - std::chrono::steady_clock::now(), std::chrono::milliseconds(50)));
  }
}

}  // namespace trainhost::s3
